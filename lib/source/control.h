/*
 * Control totals: files whose records are of several types, with a header before the details and a trailer behind them that says
 * how many there are and what their amounts add up to (lk-source(5), Header and trailer; private to lib/source).
 *
 *	HDR 20260131 ...
 *	CLM 000123   4500	records of one resource
 *	PMT 000123   1500	records of another
 *	TRL 2 ...
 *
 * A resource's `lk` says of which type its records are; the reader hands each record to lk_control_record before it makes a row
 * of it. Several such batches may stand in a file, one after the other.
 */
#ifndef LK_SOURCE_CONTROL_H
#define LK_SOURCE_CONTROL_H

#include "base/value.h"
#include "source/property.h"
#include "source/sink.h"

/* Characters of a line, or columns of delimited text: from `start` (the first is 0) up to `end`. */
struct lk_window {
	size_t start, end; /* end: SIZE_MAX where it goes to the line's end */
};

/* "START:WIDTH", from 1, or "START:" to the line's end. */
bool lk_window_parse(const char *text, struct lk_window *w);

/* What a resource's lk says of types; lives in the arena. */
struct lk_control_plan;

/* Loads the plan into r->control, which stays NULL where the resource has none: its fields are loaded. columns: places are
 * column numbers, not windows. */
enum lk_status lk_control_load(struct lk_loading *l, const struct lk_resource_json *json, bool columns,
	struct lk_resource *r) LK_CHECKED;
/* How many characters or columns of a record are looked at. */
size_t lk_control_columns(const struct lk_control_plan *plan);

/* A record, as far as its parts can be asked for. */
struct lk_control_source {
	struct lk_value (*get)(void *arg, const struct lk_window *w);
	void *arg;
};

struct lk_control;

/* Begins a member; *out stays NULL where the resource has no plan. The sink must outlive it. */
enum lk_status lk_control_open(struct lk_control **out, struct lk_sink *sink, struct lk_error *err) LK_CHECKED;
void lk_control_close(struct lk_control *c); /* NULL is fine */

/* Looks at a record. *own: it is one of the resource's, and the reader goes on with it; else it is dealt with. */
enum lk_status lk_control_record(struct lk_control *c, const struct lk_control_source *from, const struct lk_place *place,
	bool *own, struct lk_error *err) LK_CHECKED;
/* Whether the record looked at last was a header, which those behind it need to be read by themselves. */
bool lk_control_at_header(const struct lk_control *c);
/* A record of which not even the type can be told, for this reason. */
enum lk_status lk_control_broken(struct lk_control *c, const char *reason, const struct lk_place *place,
	struct lk_error *err) LK_CHECKED;
/* Adds the values (by field) of a record that is the resource's own to the sums. */
void lk_control_add(struct lk_control *c, const struct lk_value *values);
/* The member ended: the last record must have been a trailer. */
enum lk_status lk_control_finish(struct lk_control *c, struct lk_error *err) LK_CHECKED;

/* Decimal numbers added up exactly. */
struct lk_total {
	lk_int128 units; /* of 10 to the power of -scale */
	int scale;
	bool bad; /* something was no number, or too large */
};

/* Adds a number: digits with a sign before or behind them, and the decimal and group characters (of length 0: none) among them. */
void lk_total_add(struct lk_total *t, const char *s, size_t len, const struct lk_text *decimal, const struct lk_text *group);
/* Both are good, and the same number. */
bool lk_totals_equal(const struct lk_total *a, const struct lk_total *b);
/* As text; out has room for LK_TOTAL_TEXT bytes. */
#define LK_TOTAL_TEXT 64
void lk_total_text(const struct lk_total *t, char *out);

#endif
