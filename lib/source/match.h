/*
 * Matching: which resources take a member, by its delivery, its name and its first bytes (private to lib/source).
 *
 *	lk_candidate_open(&c, &member, head, len, err)
 *	lk_candidate_match(&c, sources, tap, &resources, &count, err)
 */
#ifndef LK_SOURCE_MATCH_H
#define LK_SOURCE_MATCH_H

#include "source/format.h"
#include "source/tap.h"

struct lk_candidate {
	const struct lk_source_member *member;
	struct lk_head head;
	struct lk_head text; /* the same decoded, as far as its bytes tell its encoding */
	struct lk_str room;
	void *seen[LK_FILE_FORMATS_MAX]; /* by format, once it has looked */
	const char *why;    /* the first resource of this name could not take it; borrowed from seen */
	const char *latest; /* the same of the resource asked last; NULL where it could */
	bool named;	    /* one of its paths takes the name */
};

/* member and head, its first bytes, must outlive the candidate. Release it after an error, too. */
enum lk_status lk_candidate_open(struct lk_candidate *c, const struct lk_source_member *member, const char *head,
	size_t len, struct lk_error *err) LK_CHECKED;
void lk_candidate_release(struct lk_candidate *c);

/* The resources of one package that take the member: a list that the caller frees, NULL where there are none. tap, which is
 * told of each step, may be NULL. */
enum lk_status lk_candidate_match(struct lk_candidate *c, const struct lk_sources *sources, const struct lk_tap *tap,
	const struct lk_resource ***out, int *count, struct lk_error *err) LK_CHECKED;

/* Whether the content is what the resource is for; if not, c->why says why. */
enum lk_status lk_candidate_fits(struct lk_candidate *c, const struct lk_resource *r, bool *fits, struct lk_error *err) LK_CHECKED;

/* How a resource's text is decoded that begins so. A binary format's is not. */
struct lk_decoding lk_decoding_of(const struct lk_resource *r, const struct lk_head *head);

#endif
