/*
 * Where results go: text by lib/stream's formats, an lk stream, or a Parquet file; to standard output, or to a file that appears
 * under its name only when it is whole.
 */
#ifndef LK_SQL_OUTPUT_H
#define LK_SQL_OUTPUT_H

#include <stdio.h>

#include "sql/workspace.h"
#include "stream/format.h"
#include "stream/stream.h"

struct lk_sql_output;

struct lk_sql_output_options {
	enum lk_format format;
	const char *path; /* NULL or "-": standard output */
	FILE *sink;	  /* where text goes in place of standard output; NULL: there */
	struct lk_workspace *workspace; /* removes a file that was not finished */
};

/* LK_CANTCREATE or LK_NOPERM when the file cannot be made; LK_USAGE when the format does not go there. */
enum lk_status lk_sql_output_open(struct lk_sql_output **out, const struct lk_sql_output_options *options, struct lk_error *err) LK_CHECKED;

/* The lk stream that is being written, for what passes through; NULL in other formats. */
struct lk_writer *lk_sql_output_writer(struct lk_sql_output *o);

/* A result: begin, batches, end. Of several results in csv, tsv, table and markdown an empty line stands between. table is the
 * stream's name for it. */
enum lk_status lk_sql_output_begin(struct lk_sql_output *o, const char *table, const struct ArrowSchema *schema,
	struct lk_error *err) LK_CHECKED;
enum lk_status lk_sql_output_batch(struct lk_sql_output *o, const struct ArrowArrayView *view, struct lk_error *err) LK_CHECKED;
enum lk_status lk_sql_output_end(struct lk_sql_output *o, struct lk_error *err) LK_CHECKED;

/* Text as it is, in place of a result: plans. */
enum lk_status lk_sql_output_text(struct lk_sql_output *o, const char *text, size_t len, struct lk_error *err) LK_CHECKED;

/* Makes the output whole (the end marker; synced and renamed) and frees o. Standard output is flushed, the tool checks it. */
enum lk_status lk_sql_output_finish(struct lk_sql_output *o, struct lk_error *err) LK_CHECKED;
/* Removes what was not finished and frees o. NULL is fine. */
void lk_sql_output_abort(struct lk_sql_output *o);

#endif
