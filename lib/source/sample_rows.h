/* What one sample becomes: rows of all tables, each cell as its JSON (private to lib/source). */
#ifndef LK_SOURCE_SAMPLE_ROWS_H
#define LK_SOURCE_SAMPLE_ROWS_H

#include "base/mem.h"
#include "source/source.h"

#define LK_SAMPLE_BYTES (16 * 1024 * 1024) /* of a sample, and of a table's expected rows */

/* A file, and what it is called when it is parsed. */
struct lk_sample {
	const char *path;
	const char *delivery, *member;
};

/* The columns of some rows. */
struct lk_shape {
	int count;
	const char **names;
	bool *decimal; /* its JSON numbers are exact, beyond what a double holds */
};

struct lk_sample_row {
	const struct lk_shape *shape;
	const char **cells;
};

struct lk_sample_table {
	const char *name; /* as lk.table says it */
	struct lk_sample_row *rows;
	size_t count, cap;
};

/* lk.files and lk.rejects are tables too. All of it lives in the arena, but for the lists. */
struct lk_sample_result {
	struct lk_arena arena;
	struct lk_sample_table *tables;
	size_t count, cap;
};

/* Parses the sample. LK_DATA when it is too long. The caller releases r, even after an error. */
enum lk_status lk_sample_run(struct lk_sources *s, const struct lk_sample *sample, struct lk_sample_result *r,
	struct lk_error *err) LK_CHECKED;
void lk_sample_result_release(struct lk_sample_result *r);

/* The table of that name, or NULL. */
const struct lk_sample_table *lk_sample_find(const struct lk_sample_result *r, const char *name);
/* The row's cell of that column, or NULL. */
const char *lk_sample_cell(const struct lk_sample_row *row, const char *column, bool *decimal);

#endif
