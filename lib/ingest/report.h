/* What lk-commit says with --json, summed over the workers and commits of a run. */
#ifndef LK_INGEST_REPORT_H
#define LK_INGEST_REPORT_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"

struct lk_report_table {
	const char *name;
	int64_t rows, files, bytes;
};

struct lk_report {
	struct lk_arena arena;
	struct lk_report_table *tables; /* of data, in the order of their names */
	size_t table_count, table_cap;
	int64_t rows;	  /* of them all */
	int64_t members;  /* rows of lk.files */
	int64_t rejected; /* rows of lk.rejects */
};

/* Adds one answer of lk-commit. LK_BUG when it is not what lk-commit says. */
enum lk_status lk_report_add(struct lk_report *report, const char *json, struct lk_error *err) LK_CHECKED;
void lk_report_release(struct lk_report *report);

#endif
