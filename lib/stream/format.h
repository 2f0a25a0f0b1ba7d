/*
 * Formats: record batches as text for people and for other tools.
 *
 * table (aligned), csv (RFC 4180), tsv (tab-separated; tab, newline, return and backslash escaped as \t \n \r \\),
 * json (one object a line), markdown. Null is an empty field in csv and tsv (an empty text is quoted in csv),
 * null in json and empty in table and markdown. Binary is shown as \x and hexadecimal digits; control characters are escaped in table.
 */
#ifndef LK_STREAM_FORMAT_H
#define LK_STREAM_FORMAT_H

#include <stdio.h>

#include "stream/schema.h"

enum lk_format {
	LK_FORMAT_TABLE,
	LK_FORMAT_CSV,
	LK_FORMAT_TSV,
	LK_FORMAT_JSON,
	LK_FORMAT_MARKDOWN,
	LK_FORMAT_ARROW,   /* of lk_format_parse only: written by lk_writer */
	LK_FORMAT_PARQUET, /* of lk_format_parse only: written by lib/parquet */
};

/* From the word after -F; false when there is no such format. */
bool lk_format_parse(const char *word, enum lk_format *out);
/* From the end of a file's name (.csv .tsv .json .jsonl .ndjson .md .arrow .arrows .parquet); false when it says nothing. */
bool lk_format_of_path(const char *path, enum lk_format *out);

/* What a list is written in: the word after -F or, for NULL, table where out is a terminal and csv elsewhere; json in any case when
 * that was asked for. False when there is no such format, or it is no text. */
bool lk_format_choose(const char *word, bool json, FILE *out, enum lk_format *format);

struct lk_formatter;

/* Writes text to `out`. table and markdown hold back up to 1000 rows to learn the widths. title is shown above an
 * aligned table when not NULL. */
enum lk_status lk_formatter_open(struct lk_formatter **f, enum lk_format format, FILE *out, const char *title,
	const struct ArrowSchema *schema, struct lk_error *err) LK_CHECKED;
enum lk_status lk_formatter_batch(struct lk_formatter *f, const struct ArrowArrayView *view,
	struct lk_error *err) LK_CHECKED;
/* The rows to come have this schema. LK_DATA when it has other columns than before and the format has a heading, which
 * all but json have. */
enum lk_status lk_formatter_schema(struct lk_formatter *f, const struct ArrowSchema *schema,
	struct lk_error *err) LK_CHECKED;
/* Writes what was held back and frees f. */
enum lk_status lk_formatter_close(struct lk_formatter *f, struct lk_error *err) LK_CHECKED;
void lk_formatter_abort(struct lk_formatter *f);

/* A whole table at once: all rows of the view, to the end. */
enum lk_status lk_format_all(enum lk_format format, FILE *out, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err) LK_CHECKED;

/* One cell as a JSON value, appended. column is the schema of view. */
void lk_cell_json(const struct ArrowSchema *column, const struct ArrowArrayView *view, int64_t row, struct lk_str *out);

#endif
