/*
 * Forms of files: how a sample of each is told from the others and what columns it has (private to lib/infer).
 *
 * To draft another format, write one file like form_fixed.c, declare its functions here, and add it to the list in sample.c.
 */
#ifndef LK_INFER_FORM_H
#define LK_INFER_FORM_H

#include "infer/table.h"

/* The start of a sample, or all of it. */
struct lk_sample_head {
	const char *data;
	size_t len;
	bool whole;
	const char *name; /* of the member */
	const struct lk_resource *like; /* how it is written, where that is known; else NULL */
};

struct lk_sample_form {
	bool (*is)(const struct lk_sample_head *head);
	/* Fills in format, encoding, dialect, lk and the columns, each with its name and path; texts live in the arena.
	 * Where nothing can be made of it, t->failed says why. */
	enum lk_status (*draft)(
		struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, struct lk_error *err);
};

extern const struct lk_sample_form lk_form_json, lk_form_described, lk_form_fixed, lk_form_delimited;

/* Adds a column; name (NULL: memory is short) and path are borrowed. */
enum lk_status lk_table_add_column(
	struct lk_table *t, const char *name, const char *path, struct lk_error *err) LK_CHECKED;
/* Forgets all columns. */
void lk_table_drop_columns(struct lk_table *t);

#endif
