/* Listing branches and tags: a row for each name, over the tables that have it. */
#include <stdlib.h>
#include <string.h>

#include "lake/branch.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "stream/build.h"

#define DAY_MS (LK_DAY_US / 1000)

struct line {
	const char *name, *type; /* borrowed from the pin */
	int64_t keep_ms;	 /* the shortest; 0: for good */
	int64_t changed_ms;
	int64_t tables;
	int64_t ahead, diverged; /* tables */
	json_t *heads;
};

struct list {
	struct lk_pin pin;
	struct line *lines;
	size_t count, cap;
};

static struct line *find_line(struct list *l, const char *name, const char *type)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->lines[i].name, name) && !strcmp(l->lines[i].type, type))
			return &l->lines[i];
	if (!lk_grow((void **)&l->lines, &l->cap, l->count + 1, sizeof(*l->lines)))
		return NULL;
	l->lines[l->count] = (struct line){.name = name, .type = type, .heads = json_array()};
	return &l->lines[l->count++];
}

/* Where it is, seen from main: nothing, ahead of it, or on another way. */
static void compare(struct line *line, const json_t *root, int64_t head)
{
	int64_t current = lk_metadata_snapshot_id(root);

	if (current == head)
		return;
	if (current < 0 || lk_refs_led_to(root, current, head))
		line->ahead++;
	else if (!lk_refs_led_to(root, head, current))
		line->diverged++;
}

static enum lk_status add_ref(struct list *l, const struct lk_lake_table *t, const char *name, const json_t *ref, struct lk_error *err)
{
	struct line *line = find_line(l, name, *lk_metadata_text(ref, "type") ? lk_metadata_text(ref, "type") : "branch");
	int64_t head = lk_metadata_number(ref, "snapshot-id", -1), keep = lk_metadata_number(ref, "max-ref-age-ms", 0);
	int64_t at = lk_metadata_number(lk_metadata_snapshot(t->metadata, head), "timestamp-ms", 0);
	const char *table = lk_arena_printf(&l->pin.arena, "%s.%s", t->namespace_name, t->name);
	char time[LK_VALUE_TEXT];

	if (!line || !line->heads || !table)
		return lk_error_nomem(err);
	line->tables++;
	if (keep && (!line->keep_ms || keep < line->keep_ms))
		line->keep_ms = keep;
	if (at > line->changed_ms)
		line->changed_ms = at;
	if (!strcmp(line->type, "branch"))
		compare(line, t->metadata, head);
	lk_timestamp_text(at * 1000, true, true, time);
	if (json_array_append_new(line->heads, json_pack("{s:s, s:I, s:s}", "table", table, "snapshot", (json_int_t)head, "time", time)))
		return lk_error_nomem(err);
	return LK_OK;
}

static enum lk_status add_table(struct list *l, struct lk_lake_table *t, bool named, struct lk_error *err)
{
	enum lk_status status = lk_lake_table_open(&l->pin, t, NULL, err);
	json_t *ref;
	const char *name;

	if (status == LK_NOPERM && !named)
		return LK_OK;
	LK_TRY(status);
	json_object_foreach(json_object_get(t->metadata, "refs"), name, ref)
		LK_TRY(add_ref(l, t, name, ref, err));
	return LK_OK;
}

static enum lk_status add_tables(struct list *l, const char *const *tables, int count, struct lk_error *err)
{
	struct lk_lake_table *t;

	for (int i = 0; i < count; i++) {
		LK_TRY(lk_pin_find(&l->pin, tables[i], &t, err));
		LK_TRY(add_table(l, t, true, err));
	}
	for (int i = 0; !count && i < l->pin.table_count; i++)
		LK_TRY(add_table(l, &l->pin.tables[i], false, err));
	return LK_OK;
}

/* main, then branches, then tags, each by name. */
static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	bool x_main = !strcmp(x->name, LK_MAIN), y_main = !strcmp(y->name, LK_MAIN);
	int types = strcmp(x->type, y->type);

	if (x_main != y_main)
		return x_main ? -1 : 1;
	return types ? types : strcmp(x->name, y->name);
}

/* ---- writing ---- */

enum { NAME, TYPE, TABLES, AHEAD, DIVERGED, KEEP_DAYS, CHANGED };

static const struct lk_field fields[] = {
	{.name = "name", .type = LK_UTF8, .required = true},
	{.name = "type", .type = LK_UTF8, .required = true},
	{.name = "tables", .type = LK_INT64},
	{.name = "ahead", .type = LK_INT64},
	{.name = "diverged", .type = LK_INT64},
	{.name = "keep_days", .type = LK_FLOAT64},
	{.name = "changed", .type = LK_TIMESTAMPTZ},
};

static enum lk_status add_row(struct lk_builder *b, const struct line *line, struct lk_error *err)
{
	bool tag = strcmp(line->type, "branch") != 0;

	lk_column_text(&b->columns[NAME], line->name);
	lk_column_text(&b->columns[TYPE], line->type);
	lk_column_int64(&b->columns[TABLES], line->tables);
	for (int i = AHEAD; tag && i <= DIVERGED; i++)
		lk_column_null(&b->columns[i]);
	if (!tag) {
		lk_column_int64(&b->columns[AHEAD], line->ahead);
		lk_column_int64(&b->columns[DIVERGED], line->diverged);
	}
	if (line->keep_ms)
		lk_column_float64(&b->columns[KEEP_DAYS], (double)line->keep_ms / DAY_MS);
	else
		lk_column_null(&b->columns[KEEP_DAYS]);
	lk_column_int64(&b->columns[CHANGED], line->changed_ms * 1000);
	return lk_builder_end_row(b, err);
}

static enum lk_status write_columns(const struct list *l, struct lk_builder *b, enum lk_format format, FILE *out, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	for (size_t i = 0; i < l->count; i++)
		LK_TRY(add_row(b, &l->lines[i], err));
	LK_TRY(lk_builder_check(b, err));
	LK_TRY(lk_builder_view(b, &view, err));
	return lk_format_all(format, out, &b->schema, view, err);
}

static enum lk_status write_json(const struct line *line, FILE *out, struct lk_error *err)
{
	bool tag = strcmp(line->type, "branch") != 0;
	json_t *o = json_pack("{s:s, s:s, s:O, s:o, s:o, s:o}", "name", line->name, "type", line->type, "tables", line->heads, "ahead",
		tag ? json_null() : json_integer(line->ahead), "diverged", tag ? json_null() : json_integer(line->diverged), "keep_days",
		line->keep_ms ? json_real((double)line->keep_ms / DAY_MS) : json_null());
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	if (!text)
		return lk_error_nomem(err);
	fprintf(out, "%s\n", text);
	free(text);
	return LK_OK;
}

static enum lk_status write_list(const struct list *l, enum lk_format format, FILE *out, struct lk_error *err)
{
	struct lk_builder b = {.columns = NULL};
	enum lk_status status;

	for (size_t i = 0; format == LK_FORMAT_JSON && i < l->count; i++)
		LK_TRY(write_json(&l->lines[i], out, err));
	if (format == LK_FORMAT_JSON)
		return LK_OK;
	status = lk_builder_init(&b, fields, sizeof(fields) / sizeof(*fields), NULL, err);
	if (!status)
		status = write_columns(l, &b, format, out, err);
	lk_builder_release(&b);
	return status;
}

enum lk_status lk_branch_list(struct lk_lake *lake, const char *const *tables, int table_count, enum lk_format format, FILE *out,
	struct lk_error *err)
{
	struct list l = {.pin = {.arena = LK_ARENA_INIT}};
	enum lk_status status;

	LK_TRY(lk_lake_pin(lake, &l.pin, err));
	status = add_tables(&l, tables, table_count, err);
	if (l.count)
		qsort(l.lines, l.count, sizeof(*l.lines), compare_lines);
	if (!status)
		status = write_list(&l, format, out, err);
	for (size_t i = 0; i < l.count; i++)
		json_decref(l.lines[i].heads);
	free(l.lines);
	lk_pin_release(&l.pin);
	return status;
}
