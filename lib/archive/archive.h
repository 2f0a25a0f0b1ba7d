/*
 * Archives: a delivery and its members, one after the other.
 *
 *	open --> next --> verify --> piece, piece, ... --> next --> ... --> end --> close
 *
 * next answers with the next member's facts, verify reads its content and makes sure that every check of the format holds
 * (trying passphrases until one passes them), and piece then hands it out. Nothing is handed out that was not verified: a
 * member of up to LK_PIECE bytes is verified in memory, a larger one in a first pass and then read again. What can go wrong
 * with a delivery is a member too: one whose status is LK_MEMBER_FAILED. Functions answer with an error only for what is not
 * the delivery's fault.
 *
 *	path		what it is
 *	a.csv		a member; of a file that is no archive, its own base name; of a.csv.gz the same
 *	a (2).csv	the second member of that name
 *	inner.zip!a.csv	a member of a member (option `nested`, one level)
 *	(members 7 and on)   the rest of an archive that cannot be read from member 7 on
 *	(empty)		an archive of which nothing can be read, or which has no members
 */
#ifndef LK_ARCHIVE_ARCHIVE_H
#define LK_ARCHIVE_ARCHIVE_H

#include "archive/blob.h"
#include "archive/keys.h"

#define LK_PIECE (8 * 1024 * 1024)

struct lk_archive_options {
	const struct lk_keys *keys; /* may be NULL */
	bool nested;		    /* open archives inside archives */
	int64_t max_ratio;	    /* content to archive, once there are more than LK_RATIO_FREE bytes */
	int64_t max_member;	    /* bytes of a member */
	int64_t max_total;	    /* bytes of a delivery's content */
	int64_t max_members;	    /* in a delivery */
	int64_t max_nested;	    /* bytes of an archive inside an archive, which is held in memory */
	int64_t max_rounds;	    /* of hashing for keys that fit nothing, in the life of the object (lk_enc_rounds) */
	bool (*ignores)(void *context, const char *delivery, const char *member); /* may be NULL */
	void *ignores_context;
	bool no_own_zip; /* read zips by libarchive alone: for tests, in which it is the oracle */
};

#define LK_RATIO_FREE (64 * 1024 * 1024)
#define LK_ARCHIVE_DEFAULTS                                                                                           \
	{                                                                                                             \
		.max_ratio = 1000, .max_member = INT64_C(64) << 30, .max_total = INT64_C(256) << 30,                  \
		.max_members = 1000000, .max_nested = 256 << 20, .max_rounds = 200000000,                             \
	}

enum lk_member_status {
	LK_MEMBER_OK,
	LK_MEMBER_SKIPPED, /* not data: a directory, a link, ... */
	LK_MEMBER_FAILED,
};

/* Facts of a member; texts are borrowed until the next lk_archive_next. */
struct lk_member {
	const char *path; /* UTF-8 */
	int64_t index;	  /* in the delivery, from 0 */
	int64_t number;	  /* in its own archive, from 0; the same as index unless nested */
	int64_t size;	  /* of its content; -1 when not known (always known once verified) */
	int64_t modified_us;
	bool has_modified, encrypted;
	enum lk_member_status status; /* OK may become FAILED by lk_archive_verify */
	const char *error;	      /* why it is not OK; else NULL */
	const char *passphrase;	      /* label of the one that fitted, or NULL */
};

struct lk_piece {
	const void *data; /* borrowed until the next call */
	size_t len;
	int64_t offset;
	bool last;
};

enum lk_archive_next {
	LK_ARCHIVE_ERROR = -1,
	LK_ARCHIVE_END = 0,
	LK_ARCHIVE_MEMBER = 1, /* of lk_archive_piece: a piece */
};

struct lk_archive;

/* options is copied; what it points to is borrowed. One object serves any number of deliveries, and its memory is used again. */
enum lk_status lk_archive_new(struct lk_archive **out, const struct lk_archive_options *options,
	struct lk_error *err) LK_CHECKED;
void lk_archive_free(struct lk_archive *a); /* NULL is fine */

/* Begins with a delivery, which stays the caller's. delivery is the path that keys and `ignores` look at. */
enum lk_status lk_archive_open(struct lk_archive *a, const struct lk_blob *input, const char *delivery,
	struct lk_error *err) LK_CHECKED;
void lk_archive_close(struct lk_archive *a);

enum lk_archive_next lk_archive_next(struct lk_archive *a, struct lk_member *m, struct lk_error *err) LK_CHECKED;

/* Reads the member's content to its end: fills in size and passphrase, or status and error. Does nothing for a member whose
 * status is not OK. */
enum lk_status lk_archive_verify(struct lk_archive *a, struct lk_member *m, struct lk_error *err) LK_CHECKED;

/* After verify said OK: the member's next piece; an empty member has one of length 0. END after the last. */
enum lk_archive_next lk_archive_piece(struct lk_archive *a, struct lk_piece *piece, struct lk_error *err) LK_CHECKED;

/* Whether a member is, or is part of, what was reported as failed under a path before. */
bool lk_member_was(const struct lk_member *m, const char *failed);

const char *lk_member_status_name(enum lk_member_status status);

#endif
