/*
 * Resolving: what versions of rows that come (candidates) mean to a table that has one row for each key.
 *
 *	open -> take, fact ... -> known ... -> run -> verdicts, places, facts, counts
 *
 * The state of a table is what its rows and facts say together; of each key the newest version wins (change/version.h), whatever came
 * first. Facts are what rows alone cannot say:
 *
 *	deleted	   the key was deleted, at a version
 *	confirmed  a version came that was the row as it is: nothing between the two may replace it
 *	complete   a list was complete, for a value of the scope: rows of older lists are gone
 *
 * Where the scope is not of the key, a key can go from one scope to another, and what is absent from the one may come from the other: so an
 * absent row leaves a fact that deletes its key at its own version, and a row of an older list one at its own.
 *
 * A candidate is late where the table, a fact or another candidate knows better; unchanged where the row is the same but for lk_file,
 * lk_row and lk_sent. Rows of the lake are read by DuckDB, which calls back to have each row's key looked up and its columns compared, so
 * that only the rows that matter leave it.
 *
 * Memory grows with the candidates' keys (about 150 bytes each). Whoever has more goes over them in several passes, of which each looks at
 * its share of the keys.
 */
#ifndef LK_SQL_RESOLVE_H
#define LK_SQL_RESOLVE_H

#include "change/keys.h"
#include "change/spec.h"
#include "change/version.h"
#include "lake/merge.h"
#include "sql/places.h"

enum lk_verdict {
	LK_VERDICT_INSERT,
	LK_VERDICT_UPDATE,
	LK_VERDICT_DELETE,    /* a row that says so, and it is the newest */
	LK_VERDICT_UNCHANGED, /* the table has it */
	LK_VERDICT_LATE,      /* the table knows a newer version */
	LK_VERDICT_REPEATED,  /* a newer candidate, or the same, has its key */
	LK_VERDICT_ELSEWHERE, /* of another pass */
};

struct lk_resolver;

struct lk_resolver_options {
	const struct lk_spec *spec;
	const struct lk_lake_table *base; /* loaded, with metrics; NULL: there is no table yet */
	int pass, passes;		  /* 0 and 1: all at once */
	int64_t since; /* as in lake/merge.h: of facts that come and confirm */
	bool partial; /* rows have a part of the table's columns, and say nothing of the others */
	/* Deliveries by 12 digits of their SHA-256, as lk_file has them (lake/merge.h): whose lists are not complete, and which come anew. */
	const char *const *wanting, *const *anew;
	size_t wanting_count, anew_count;
	bool all_wanting;
	bool alike; /* only looks: which candidates the table has just so (lk-dedup --against); a key is the whole row where the spec has none */
};

/* p: opened; options and what they point to must outlive it. */
enum lk_status lk_resolver_open(struct lk_resolver **out, struct lk_places *p, const struct lk_resolver_options *options,
	struct lk_error *err) LK_CHECKED;
void lk_resolver_close(struct lk_resolver *r); /* NULL is fine */

int64_t lk_resolver_candidates(const struct lk_resolver *r); /* how many came */
enum lk_cells_kind lk_resolver_order_kind(const struct lk_resolver *r); /* what the order column holds */

/* A fact that comes with the candidates: a key that is deleted, or a row that was found to be confirmed: lk_resolver_run is LK_CONFLICT where
 * that row is not there any more. key and version are encoded. */
enum lk_status lk_resolver_fact(struct lk_resolver *r, enum lk_fact_kind kind, const void *key, size_t key_len, const void *version,
	size_t version_len, struct lk_error *err) LK_CHECKED;

/* A fact that the lake has already; after all candidates. */
enum lk_status lk_resolver_known(struct lk_resolver *r, enum lk_fact_kind kind, const void *key, size_t key_len, const void *version,
	size_t version_len, struct lk_error *err) LK_CHECKED;

/* Candidates: numbered from 0 over all batches. LK_DATA, naming the column, for a key that is null, and for an op that is none. */
enum lk_status lk_resolver_take(struct lk_resolver *r, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err) LK_CHECKED;

/* Finds them in the table. */
enum lk_status lk_resolver_run(struct lk_resolver *r, struct lk_error *err) LK_CHECKED;

/* Of a candidate, and of an update or delete the row of the table that it replaces (of several rows of a key the first): NULL: none. */
enum lk_verdict lk_resolver_verdict(const struct lk_resolver *r, int64_t candidate, const struct lk_lake_file **file, int64_t *position);

/* Of a candidate of this pass, the one that is the newest of its key. */
int64_t lk_resolver_newest(const struct lk_resolver *r, int64_t candidate);

/* The version at which the lake knows its key to have been deleted; false where it does not. Borrowed. */
bool lk_resolver_deleted(const struct lk_resolver *r, int64_t candidate, const void **version, size_t *len);

/* All rows of the table that go, by the file's uri and by position, both ascending; for each the candidate that takes its place, or -1:
 * it is deleted by a fact, is absent from a complete list, or is a further row of a key. */
typedef enum lk_status lk_gone_visitor(void *context, const struct lk_lake_file *file, int64_t position, int64_t candidate,
	struct lk_error *err);
enum lk_status lk_resolver_gone(struct lk_resolver *r, lk_gone_visitor *visit, void *context, struct lk_error *err) LK_CHECKED;

/* Facts that this made, to be kept with the table: those of candidates that delete, confirmations, complete lists. candidate: that it is
 * of, or -1. */
typedef enum lk_status lk_resolved_fact_visitor(void *context, enum lk_fact_kind kind, const void *key, size_t key_len, const void *version,
	size_t version_len, int64_t candidate, struct lk_error *err);
enum lk_status lk_resolver_facts(struct lk_resolver *r, lk_resolved_fact_visitor *visit, void *context, struct lk_error *err) LK_CHECKED;

/* Adds up. */
void lk_resolver_counts(const struct lk_resolver *r, struct lk_merge_counts *counts);

#endif
