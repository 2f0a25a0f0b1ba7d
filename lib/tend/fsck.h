/*
 * Checking lakes: whether everything that the catalog names is there, and is what those who name it say of it.
 *
 *	catalog ─► metadata ─► manifest list ─► manifests ─► data files, delete files
 *	   └─────► ledger
 *
 * Nothing is changed, and nothing that is read is trusted. What is wrong is a finding; an error is what keeps the check itself from
 * going on. What the specification allows is no finding, whoever wrote it.
 */
#ifndef LK_TEND_FSCK_H
#define LK_TEND_FSCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lake/lake.h"

struct lk_fsck_options {
	const char *const *tables; /* "ns.table", or "table" in `main`; only these are checked */
	size_t table_count;	   /* 0: all, and the ledger */
	bool data;		   /* values, checksums of pages and positions of deletes are read, too */
	void (*progress)(const char *table, int number, int count); /* called before each table; may be NULL */
};

/* All borrowed until the callback returns. No value of any column is in it. */
struct lk_fsck_finding {
	const char *code;   /* a word that stays the same (lk-fsck(1) lists them) */
	const char *table;  /* "" for what is wrong with the catalog or the ledger */
	const char *object; /* the file, or the part of the metadata: "snapshot 17", "schema 2" */
	const char *text;   /* what is wrong with it */
};
typedef enum lk_status lk_fsck_visitor(void *context, const struct lk_fsck_finding *finding, struct lk_error *err);

struct lk_fsck_totals {
	int64_t tables, snapshots, manifests, files, bytes; /* checked; each file once */
	int64_t findings;
};

/* Visits what is wrong, table by table. A table that another process changes meanwhile is checked again as it is then. */
enum lk_status lk_fsck_run(struct lk_lake *lake, const struct lk_fsck_options *options, lk_fsck_visitor *visit, void *context,
	struct lk_fsck_totals *totals, struct lk_error *err) LK_CHECKED;

#endif
