/*
 * The catalogs of a copy: the source's, read once, and the destination's, written once (private to lk_copy_run).
 *
 * What a copy was made of stands in its own catalog:
 *
 *	lk_copy		source
 *	lk_copy_table	catalog_name, table_namespace, table_name, source, source_location, location
 *
 * so that the next run sees what has changed since, on either side.
 */
#ifndef LK_TEND_COPY_CATALOG_H
#define LK_TEND_COPY_CATALOG_H

#include "base/mem.h"
#include "lake/catalog.h"

struct lk_copy_row {
	const char *catalog, *namespace_name, *name, *location;
	bool view;
	const char *there; /* where the destination has the table as it was copied last; NULL: it has not */
	bool unchanged;	   /* the source has it where it was then, too */
	/* set by the caller */
	const char *copied; /* the location in the copy */
	bool left_out;
};

struct lk_copy_catalog {
	struct lk_arena arena;
	const char *to, *from;
	sqlite3 *db; /* the source's, as it was read: in memory, or where SQLite keeps what is too large for that */
	struct lk_copy_row *rows;
	size_t count, cap;
	bool exists, ours; /* the destination has a catalog; which is a copy of this source's */
	const char **parents; /* of a trial lake; set by the caller */
	int parent_count;
};

/* Looks what the destination is. */
enum lk_status lk_copy_catalog_look(struct lk_copy_catalog *c, const char *to, const char *from, struct lk_error *err) LK_CHECKED;

/* Reads the source's catalog and ledger at one moment. */
enum lk_status lk_copy_catalog_read(struct lk_copy_catalog *c, struct lk_lake *source, struct lk_error *err) LK_CHECKED;

/* LK_CANTCREATE when the destination has what would be lost, unless replace. */
enum lk_status lk_copy_catalog_check(struct lk_copy_catalog *c, const char *const *tables, size_t table_count, bool replace,
	bool shallow, struct lk_error *err) LK_CHECKED;

/* Writes the destination's catalog in one transaction. partial: only the rows that are not left out, into what is there. */
enum lk_status lk_copy_catalog_write(struct lk_copy_catalog *c, bool partial, struct lk_error *err) LK_CHECKED;

void lk_copy_catalog_release(struct lk_copy_catalog *c);

#endif
