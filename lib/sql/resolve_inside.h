/*
 * The resolver inside (private to sql/resolve*.c): what is known of each key that came, and of each value of the scope.
 *
 *	resolve_take.c	 candidates and facts -> keys, with the newest version of each
 *	resolve_weigh.c	 rows of the table against those
 *	resolve.c	 what follows from both
 */
#ifndef LK_SQL_RESOLVE_INSIDE_H
#define LK_SQL_RESOLVE_INSIDE_H

#include <pthread.h>

#include "sql/content.h"
#include "sql/lookup.h"
#include "sql/resolve.h"

#define LK_NO_KEY UINT32_MAX /* of a candidate of another pass */
#define LK_NOWHERE INT64_C(-1)

/* Versions lie in one growing text, each behind its length; 0 is none. */
typedef uint64_t lk_version_ref;

struct lk_known_key {
	int64_t candidate; /* the newest; LK_NOWHERE */
	uint64_t numbers, texts; /* what that says */
	lk_version_ref version, deleted, known_deleted, confirmed;
	lk_version_ref claimed; /* at which its row was said to be confirmed, by who saw the table as it was */
	uint32_t scope;
	bool unclaimed;	   /* what was claimed may be another row by now */
	bool placed;	   /* its version ends in its place in the stream */
	bool deletes;	   /* the candidate says that the key goes */
	bool late_by_list; /* a newer list of its scope is there */
	bool newer, newer_than_deleted, same, older; /* what is said of rows of the table, below */
	enum lk_verdict verdict;
	int64_t rows; /* of the table */
	const struct lk_lake_file *file; /* of the first of them */
	int64_t position;
};

struct lk_known_scope {
	lk_version_ref list, known; /* the newest list that came, and that was there */
	bool incomplete;	 /* of the newest list that came */
	bool wanted;		 /* rows that are not in it are to go */
	bool held;
	int64_t rows, vanish; /* of the table: all, and those that are not in the list */
};

/* A row of the table of whose scope there is a newer list: it vanishes where no candidate of that has its key. */
struct lk_absent {
	uint64_t key, version; /* where they lie, as lk_version_ref */
	int64_t scope, number; /* of the key among the candidates' */
};

/* A row of the table that was found. */
struct lk_met {
	const struct lk_lake_file *file;
	int64_t position, key, scope;
	bool vanish, anew, same;
};

/* What weighing a row tells. */
enum {
	WEIGH_NEWER = 1,	      /* than the candidate */
	WEIGH_SAME = 2,		      /* the same values in all columns but those of text */
	WEIGH_OLDER = 4,	      /* than the candidate, and no version between was the same */
	WEIGH_NEWER_THAN_DELETED = 8, /* than the fact that deletes its key */
	WEIGH_OF_OLDER_LIST = 16,     /* than that of its scope */
	WEIGH_ANEW = 32,	      /* of a delivery that comes anew */
};

struct lk_resolver {
	struct lk_resolver_options o;
	struct lk_places *places;
	struct lk_keys *keys, *scopes;
	struct lk_known_key *entries;
	uint32_t entry_count;
	size_t entry_cap, scope_cap;
	struct lk_known_scope *scope_items;
	struct lk_str versions; /* as lk_version_ref has it */
	uint32_t *key_of;	/* of each candidate */
	int64_t candidates;
	size_t key_cap;
	struct lk_met *met;
	size_t met_count, met_cap;
	size_t *open; /* of those, which are the same so far */
	struct lk_row_content content;
	enum lk_cells_kind order_kind, *key_kinds, *scope_kinds; /* what the columns hold */
	bool dated;	/* rows say which list they are of; else those that come are of the newest */
	bool versioned; /* rows say more than in which order they came */
	bool loose; /* a key may go from one scope to another */
	struct lk_absent *absent; /* rows that older lists of their scope had */
	size_t absent_count, absent_cap;
	struct lk_str absent_text;
	pthread_mutex_t lock; /* of those two, while rows are weighed */
	struct lk_merge_counts counts;
	/* the columns of the table that are weighed: those of versions, and then those of the content */
	struct lk_column_list key, scope, also;
	int *columns;
	int at_order, at_sent, at_file, at_row, at_key, at_content; /* places in `also`; -1: not there */
	/* scratch of a batch */
	struct lk_str key_text, version_text, scope_text;
	uint64_t *hash;
	int64_t *number; /* of the key of each row, or LK_NOWHERE */
	size_t hash_cap, number_cap;
};

/* Keeps a version; the others compare with versions that are kept: one that is not there is older than any. */
lk_version_ref lk_resolver_keep(struct lk_resolver *r, const void *data, size_t len);
const char *lk_resolver_version(const struct lk_resolver *r, lk_version_ref ref, size_t *len);
int lk_resolver_compare(const struct lk_resolver *r, const void *version, size_t len, lk_version_ref kept);
int lk_resolver_compare_kept(const struct lk_resolver *r, lk_version_ref a, lk_version_ref b);

/* Whether lk_file, "a.zip@3fa9c1d24b7e!b.csv", says that it is of one of these deliveries. */
bool lk_resolver_is_among(const char *file, int64_t len, const char *const *digests, size_t count);

/* Any bytes, kept in the same way. */
lk_version_ref lk_resolver_add_text(struct lk_str *to, const void *data, size_t len);
const char *lk_resolver_text(const struct lk_str *in, lk_version_ref ref, size_t *len);

/* A column of the table by its name, or -1. */
int lk_resolver_column(const struct lk_lake_table *t, const char *name);

/* Which columns of the table are asked for; those of the content follow when all candidates are there. */
enum lk_status lk_resolver_choose_columns(struct lk_resolver *r, struct lk_error *err) LK_CHECKED;

/* Finds rows of the table that have a candidate's key, or are of a scope of which a list came. */
enum lk_status lk_resolver_look_up(struct lk_resolver *r, bool scopes, struct lk_error *err) LK_CHECKED;

#endif
