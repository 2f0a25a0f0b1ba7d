/*
 * Expiry: takes snapshots out of tables by a policy (lake/retention.h), and then removes the files that only they led to.
 *
 *	commit		the table's next metadata, without the snapshots
 *	look		at what is alive in the whole lake now
 *	remove		what the snapshots led to and is not alive
 *
 * In this order, so that a crash leaves files too many, for lk-gc, and never one too few.
 */
#ifndef LK_TEND_EXPIRE_H
#define LK_TEND_EXPIRE_H

#include "lake/retention.h"
#include "tend/live.h"

struct lk_expire_options {
	const char *const *tables; /* "ns.table", or "table" in `main` */
	size_t table_count;	   /* 0: all */
	struct lk_retention policy; /* all 0: each table's own; where it has none, Iceberg's, if it has that */
	bool store;		    /* the policy becomes the tables' own */
	int64_t grace_ms; /* the files of snapshots that were current less long ago than this are left for lk-gc */
	bool dry_run;
	struct lk_lake *lake; /* lk_expire_run's own */
};

struct lk_expired_file {
	const char *path;
	enum lk_reach_kind kind;
	int64_t bytes;
	struct lk_filekey key;
};

struct lk_expire_table {
	const char *namespace_name, *name;
	const char *problem; /* why nothing was done, or files were left; NULL when all went well */
	json_t *removed;     /* the snapshots that go */
	json_t *refs;	     /* names of the references that go */
	int64_t kept;	     /* snapshots that stay */
	bool stored;	     /* its policy was changed */
	json_t *before;	     /* its metadata before; NULL when nothing changes */
	struct lk_expired_file *files; /* that go */
	size_t file_count, file_cap;
	int64_t bytes;
};

struct lk_expire {
	struct lk_live live;
	struct lk_expire_table *tables;
	size_t count;
	struct lk_pin pin;
};

/* Release e in any case. A table that cannot be changed has a problem, and the others are done all the same. */
enum lk_status lk_expire_run(struct lk_expire *e, struct lk_lake *lake, const struct lk_expire_options *options,
	struct lk_error *err) LK_CHECKED;
void lk_expire_release(struct lk_expire *e);

/* The outcome as one JSON object; and as lines for people, of what goes. */
enum lk_status lk_expire_json(const struct lk_expire *e, const struct lk_expire_options *options, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;
enum lk_status lk_expire_text(const struct lk_expire *e, struct lk_str *out, struct lk_error *err) LK_CHECKED;

#endif
