/*
 * The lake: a folder with an Iceberg SQL catalog (catalog.db, SQLite, catalog name `lk`) and tables below it at
 * <namespace>/<table>/{data,metadata}. lk-lake(7) says what must be true.
 *
 * This header is what tools use: finding and opening a lake, pinning its tables for reading, asking the ledger, and making
 * tables ready. Writing rows is lake/commit.h.
 */
#ifndef LK_LAKE_LAKE_H
#define LK_LAKE_LAKE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/mem.h"
#include "lake/at.h"
#include "lake/manifest.h"
#include "stream/schema.h"

struct lk_lake;

/* Which lake is meant: `option` (-l) if not NULL, else $LK_LAKE, else the nearest folder upward of the current one that holds a
 * catalog.db. *path is malloc'd. LK_USAGE with a hint when there is none. */
enum lk_status lk_lake_find(const char *option, char **path, struct lk_error *err) LK_CHECKED;

enum lk_lake_flags {
	LK_LAKE_CREATE = 1,   /* make folder and catalog where they are missing */
	LK_LAKE_OVER = 4,     /* with CREATE: also over tables that no catalog names, as a copy that was cut short left them */
	LK_LAKE_READONLY = 2, /* never writes, not even a lock that others would wait for longer than a statement */
};
/* LK_NOINPUT when there is no lake, LK_DATA when catalog.db is not one of ours. */
enum lk_status lk_lake_open(struct lk_lake **out, const char *path, unsigned flags, struct lk_error *err) LK_CHECKED;
/* The same for the lake that lk_lake_find finds. */
enum lk_status lk_lake_open_found(struct lk_lake **out, const char *option, unsigned flags, struct lk_error *err) LK_CHECKED;
void lk_lake_close(struct lk_lake *lake); /* NULL is fine */

/* Opens the lake that lk_lake_find finds, has the work done, and closes it. */
typedef enum lk_status lk_lake_work(struct lk_lake *lake, struct lk_error *err);
enum lk_status lk_lake_with(const char *option, unsigned flags, lk_lake_work *work, struct lk_error *err) LK_CHECKED;
/* The absolute folder, without a slash at its end. Borrowed. */
const char *lk_lake_path(const struct lk_lake *lake);

/* ---- reading ---- */

/* One column of a table's schema (Iceberg schema JSON, "Schemas"). */
struct lk_lake_column {
	int32_t id;
	const char *name;
	const char *type; /* as Iceberg writes it: "long", "decimal(9, 2)", ...; nested types as their JSON */
	bool required;
	const char *doc;     /* NULL when absent */
	const char *initial; /* what rows before the column have, as JSON (format v3); NULL: null */
};

/* A live file of a snapshot. */
struct lk_lake_file {
	const char *path; /* as a local path, without its scheme */
	const char *uri;  /* exactly as the manifest has it */
	int64_t rows, bytes;
	int64_t sequence;    /* data sequence number ("Sequence Numbers"): which deletes are younger */
	int64_t snapshot_id; /* that added it */
	int32_t spec_id;     /* that its partition is of */
	const struct lk_partition_value *partition;
	int partition_count;
	int manifest;		   /* which of the table's manifests names it */
	int number;		   /* among the files as manifests have them */
	struct lk_data_file entry; /* all that the manifest says; columns' metrics only where they were asked for */
};

/*
 * A file of deletes. Position deletes are pairs of a data file's uri and a row's place in it, from 0; they apply to data files
 * whose sequence is not above their own. Equality deletes are values of columns (entry.equality_ids): they apply to rows of files
 * whose sequence is below their own, of their partition or, where their spec is without fields, of all.
 */
struct lk_lake_deletes {
	const char *path, *uri;
	int64_t rows, sequence, snapshot_id;
	const char *referenced; /* the uri of the one data file that it is about; NULL: any */
	int manifest;
	struct lk_data_file entry;
};

/* A table as one SELECT on the catalog found it. All of it lives in the pin's arena, or as long as the pin. */
struct lk_lake_table {
	const char *namespace_name, *name;
	const char *metadata_location;
	/* filled by lk_lake_table_open: */
	const json_t *metadata;
	const char *uuid;
	int64_t snapshot_id; /* -1 when there is none */
	int64_t updated_ms;
	struct lk_lake_column *columns; /* of the schema that rows are read by */
	int column_count;
	bool name_mapping; /* files may be without field ids ("Column Projection": schema.name-mapping.default) */
	bool nested_same;  /* fields inside of columns were never renamed */
	/* filled by lk_lake_table_read: */
	struct lk_manifest_file *manifests;
	int manifest_count;
	struct lk_lake_file *files; /* data files, older first */
	int file_count;
	int64_t all_files; /* with those that a filter left out */
	struct lk_lake_deletes *deletes; /* position deletes */
	int deletes_count;
	struct lk_lake_deletes *equality; /* equality deletes */
	int equality_count;
	int64_t rows;	 /* sum over data files */
	int64_t deleted; /* sum over position deletes */
};

/* All tables (views are left out) of the catalog at one moment, ordered by namespace and name. */
struct lk_pin {
	struct lk_arena arena;
	struct lk_lake_table *tables;
	int table_count;
	json_t *metadata; /* of the tables that were loaded: keeps the trees */
};
enum lk_status lk_lake_pin(struct lk_lake *lake, struct lk_pin *pin, struct lk_error *err) LK_CHECKED;
void lk_pin_release(struct lk_pin *pin);

/* Reads the table's metadata, manifest list and manifests, of the current snapshot. */
enum lk_status lk_lake_table_load(struct lk_pin *pin, struct lk_lake_table *table, struct lk_error *err) LK_CHECKED;

enum lk_load_flags {
	LK_LOAD_METRICS = 1, /* sizes, counts and bounds of files' columns too */
};

/* The same, at a moment (lake/at.h; NULL: now). A table may be loaded more than once: copy the struct, and load the copy. */
enum lk_status lk_lake_table_load_at(struct lk_pin *pin, struct lk_lake_table *table, const struct lk_lake_at *at, unsigned flags,
	struct lk_error *err) LK_CHECKED;

/* Its two halves: the metadata alone, and then the manifests of the snapshot. */
enum lk_status lk_lake_table_open(struct lk_pin *pin, struct lk_lake_table *table, const struct lk_lake_at *at,
	struct lk_error *err) LK_CHECKED;

/* Which data files are wanted ("Scan Planning"); files of deletes always are. */
struct lk_lake_filter {
	bool (*manifest)(void *context, const struct lk_lake_table *table, const struct lk_manifest_file *manifest);
	bool (*file)(void *context, const struct lk_lake_table *table, const struct lk_manifest_entry *entry);
	void *context;
};
/* filter may be NULL. */
enum lk_status lk_lake_table_read(struct lk_pin *pin, struct lk_lake_table *table, unsigned flags,
	const struct lk_lake_filter *filter, struct lk_error *err) LK_CHECKED;

/* Fills the columns by a schema of the table's. */
enum lk_status lk_lake_table_columns(struct lk_lake_table *table, struct lk_arena *arena, const json_t *schema,
	struct lk_error *err) LK_CHECKED;

/* ---- the ledger of deliveries ---- */

#define LK_MAIN "main" /* the branch that readers see who name none */

enum lk_delivery_state {
	LK_DELIVERY_UNKNOWN,
	LK_DELIVERY_COMPLETE, /* every member is loaded, or is not data */
	LK_DELIVERY_PARTIAL,  /* some members failed or fit no resource: lk_ledger_failed lists them */
	LK_DELIVERY_HELD,     /* nothing could be loaded: no passphrase fits, it is damaged, or nothing of it fits a resource */
	LK_DELIVERY_CRASHED,  /* held because it ended the worker that took it (an lk.files row of status `crashed`); tried
			       * again only when asked for */
};

/* What the ledger says of a delivery. */
struct lk_ledger_entry {
	enum lk_delivery_state state;
	char sha256[65]; /* "" when it is unknown */
	/* Of one that is partial or held, its members that: */
	int64_t again;	   /* are worth another try: they failed and left no row, or fitted no resource of other sources */
	int64_t unmatched; /* fit no resource of the sources that were named */
};

/* LK_DATA with a hint when there is no such branch. */
enum lk_status lk_ledger_check_branch(struct lk_lake *lake, const char *branch, struct lk_error *err) LK_CHECKED;

/* By path, size and time of last change, without opening the file; by the path's absolute form. sources: the hash of
 * the sources (lk_sources_sha256) that would read it, or NULL when that is not known. */
enum lk_status lk_ledger_find_path(struct lk_lake *lake, const char *branch, const char *path, int64_t size,
	int64_t modified_us, const char *sources, struct lk_ledger_entry *entry, struct lk_error *err) LK_CHECKED;

/* By sender and SHA-256. */
enum lk_status lk_ledger_find(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	const char *sources, struct lk_ledger_entry *entry, struct lk_error *err) LK_CHECKED;

/* A path that, with this size and time, is a delivery known by sender and SHA-256. */
struct lk_ledger_path {
	const char *path;
	int64_t size, modified_us;
	const char *sender, *sha256;
};
/* Remembers such paths, in one transaction, so that they need not be opened again. */
enum lk_status lk_ledger_add_paths(struct lk_lake *lake, const char *branch, const struct lk_ledger_path *paths,
	size_t count, struct lk_error *err) LK_CHECKED;

/* The members of a partial delivery that are worth another try with these sources, into an arena. */
enum lk_status lk_ledger_failed(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	const char *sources, struct lk_arena *arena, const char ***members, int *count, struct lk_error *err) LK_CHECKED;

/* Why a delivery is partial, held or crashed: the first member that failed, its error, and how many more there are; into an arena.
 * NULL when nothing of it failed. */
enum lk_status lk_ledger_reason(struct lk_lake *lake, const char *branch, const char *sender, const char *sha256,
	struct lk_arena *arena, const char **reason, struct lk_error *err) LK_CHECKED;

/* ---- tables before rows ---- */

/* Creates the tables (and, for those that exist, adds the columns) that these schemas describe, in one metadata-only
 * transaction. A schema's lk.table names the table ("ns.table", or "table" in `main`); lk.key, lk.partition are honoured. */
enum lk_status lk_lake_prepare(struct lk_lake *lake, const struct ArrowSchema *const *schemas, int count,
	struct lk_error *err) LK_CHECKED;

#endif
