#include "lake/log.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "lake/ledger_history.h"
#include "lake/list.h"
#include "lake/metadata.h"
#include "lake/refs.h"
#include "stream/build.h"

#define NAMES_SHOWN 3 /* deliveries of a line; json has them all */

/* ---- a line ---- */

static int64_t or_zero(int64_t n)
{
	return n > 0 ? n : 0;
}

/* Position deletes count as rows removed; one that goes because its row does is not counted twice. */
static void count_rows(struct lk_log_line *line)
{
	const json_t *s = line->snapshot;
	int64_t total = lk_summary_number(s, "total-records"), deletes = lk_summary_number(s, "total-position-deletes");

	line->added = or_zero(lk_summary_number(s, "added-records"));
	line->removed = or_zero(or_zero(lk_summary_number(s, "deleted-records")) +
				or_zero(lk_summary_number(s, "added-position-deletes")) -
				or_zero(lk_summary_number(s, "removed-position-deletes")));
	line->rows = total < 0 || deletes < 0 ? -1 : or_zero(total - deletes);
}

/* The user's name, or number where it has none. */
static char *owner_of(const char *location)
{
	const char *path = lk_uri_path(location);
	char buffer[4096], *name = NULL;
	struct passwd entry, *found = NULL;
	struct stat st;

	if (!path || stat(path, &st))
		return NULL;
	if (!getpwuid_r(st.st_uid, &entry, buffer, sizeof(buffer), &found) && found)
		return strdup(found->pw_name);
	return asprintf(&name, "%lld", (long long)st.st_uid) < 0 ? NULL : name;
}

static json_t *refs_of(const json_t *root, int64_t snapshot_id)
{
	json_t *refs = json_object_get(root, "refs"), *list = json_array(), *ref;
	bool has_main = false;
	const char *name;

	json_object_foreach(refs, name, ref) {
		has_main |= !strcmp(name, LK_MAIN);
		if (lk_metadata_number(ref, "snapshot-id", -1) == snapshot_id)
			json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "type", lk_metadata_text(ref, "type")));
	}
	if (!has_main && lk_metadata_snapshot_id(root) == snapshot_id)
		json_array_append_new(list, json_pack("{s:s, s:s}", "name", LK_MAIN, "type", "branch"));
	return list;
}

/* Engines name themselves under different keys. */
static const char *engine_of(const json_t *summary)
{
	static const char *const marks[][2] = {{"spark.app.id", "spark"}, {"trino_query_id", "trino"}, {"flink.job-id", "flink"}};
	const char *name = lk_metadata_text(summary, "engine-name");

	for (size_t i = 0; !*name && i < sizeof(marks) / sizeof(*marks); i++)
		if (json_object_get(summary, marks[i][0]))
			name = marks[i][1];
	return name;
}

/* The line of the snapshot that a lineage is at, which it leaves. */
static enum lk_status add_line(struct lk_log *log, const struct lk_lake_table *t, const char *name, struct lk_lineage *l,
	struct lk_error *err)
{
	const json_t *snapshot = l->snapshot, *summary = json_object_get(snapshot, "summary");
	struct lk_log_line *line;

	if (!lk_grow((void **)&log->lines, &log->cap, log->count + 1, sizeof(*log->lines)))
		return lk_error_nomem(err);
	line = &log->lines[log->count++];
	*line = (struct lk_log_line){.table = name, .snapshot = snapshot};
	line->snapshot_id = lk_metadata_number(snapshot, "snapshot-id", -1);
	lk_lineage_next(l);
	line->parent_id = lk_lineage_id(l);
	line->time_ms = lk_metadata_number(snapshot, "timestamp-ms", 0);
	line->sequence = lk_metadata_number(snapshot, "sequence-number", 0);
	line->operation = lk_metadata_text(summary, "operation");
	line->run = lk_metadata_text(summary, "lk.run");
	line->engine = engine_of(summary);
	line->refs = refs_of(t->metadata, line->snapshot_id);
	count_rows(line);
	return line->refs ? LK_OK : lk_error_nomem(err);
}

/* ---- tables ---- */

static enum lk_status add_all(struct lk_log *log, const struct lk_lake_table *t, const char *name, struct lk_error *err)
{
	size_t count = json_array_size(json_object_get(t->metadata, "snapshots"));
	struct lk_lineage l;

	for (size_t i = 0; i < count; i++) {
		lk_lineage_start_at(&l, t->metadata, i);
		LK_TRY(add_line(log, t, name, &l, err));
	}
	return LK_OK;
}

static enum lk_status add_history(struct lk_log *log, const struct lk_lake_table *t, const char *name, int64_t head,
	struct lk_error *err)
{
	struct lk_lineage l;

	lk_lineage_start(&l, t->metadata, head);
	while (l.snapshot)
		LK_TRY(add_line(log, t, name, &l, err));
	return LK_OK;
}

/* *found: the table has the branch. */
static enum lk_status add_table(struct lk_log *log, struct lk_lake_table *t, const struct lk_log_options *o, bool *found,
	struct lk_error *err)
{
	enum lk_status status = lk_lake_table_open(&log->pin, t, NULL, err);
	const char *name = lk_arena_printf(&log->pin.arena, "%s.%s", t->namespace_name, t->name);
	const char *branch = o->branch ? o->branch : LK_MAIN;
	int64_t head;

	if (status == LK_NOPERM && !o->table_count)
		return LK_OK;
	LK_TRY(status);
	if (!name)
		return lk_error_nomem(err);
	if (o->all) {
		*found = true;
		return add_all(log, t, name, err);
	}
	if (!lk_refs_find(t->metadata, branch, &head))
		return LK_OK;
	*found = true;
	return add_history(log, t, name, head, err);
}

static enum lk_status add_tables(struct lk_log *log, const struct lk_log_options *o, struct lk_error *err)
{
	bool found = false;

	for (int i = 0; i < o->table_count; i++) {
		struct lk_lake_table *t;

		LK_TRY(lk_pin_find(&log->pin, o->tables[i], &t, err));
		LK_TRY(add_table(log, t, o, &found, err));
	}
	for (int i = 0; !o->table_count && i < log->pin.table_count; i++)
		LK_TRY(add_table(log, &log->pin.tables[i], o, &found, err));
	if (found || !o->branch)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "there is no branch or tag '%s'; lk-branch lists them", o->branch);
}

/* ---- the whole ---- */

/* The newest first; of one time, the one that the table made later. */
static int compare_lines(const void *a, const void *b)
{
	const struct lk_log_line *x = a, *y = b;

	if (x->time_ms != y->time_ms)
		return x->time_ms < y->time_ms ? 1 : -1;
	if (strcmp(x->table, y->table))
		return strcmp(x->table, y->table);
	return (x->sequence < y->sequence) - (x->sequence > y->sequence);
}

static void drop_lines(struct lk_log *log, size_t from)
{
	for (size_t i = from; i < log->count; i++) {
		json_decref(log->lines[i].refs);
		free(log->lines[i].user);
	}
	log->count = from;
}

static enum lk_status find_deliveries(struct lk_log *log, struct lk_lake *lake, struct lk_error *err)
{
	json_t *runs = json_object();
	enum lk_status status;

	for (size_t i = 0; i < log->count; i++)
		if (*log->lines[i].run)
			json_object_set_new(runs, log->lines[i].run, json_true());
	status = runs ? lk_ledger_of_runs(lake, runs, &log->deliveries, err) : lk_error_nomem(err);
	json_decref(runs);
	for (size_t i = 0; !status && i < log->count; i++)
		log->lines[i].deliveries = json_object_get(log->deliveries, log->lines[i].run);
	return status;
}

enum lk_status lk_log_read(struct lk_log *log, struct lk_lake *lake, const struct lk_log_options *options, struct lk_error *err)
{
	*log = (struct lk_log){.pin = {.arena = LK_ARENA_INIT}};
	LK_TRY(lk_lake_pin(lake, &log->pin, err));
	LK_TRY(add_tables(log, options, err));
	if (log->count)
		qsort(log->lines, log->count, sizeof(*log->lines), compare_lines);
	if (options->max_count >= 0 && log->count > (size_t)options->max_count)
		drop_lines(log, (size_t)options->max_count);
	for (size_t i = 0; i < log->count; i++)
		log->lines[i].user = owner_of(lk_metadata_text(log->lines[i].snapshot, "manifest-list"));
	return find_deliveries(log, lake, err);
}

void lk_log_release(struct lk_log *log)
{
	drop_lines(log, 0);
	free(log->lines);
	json_decref(log->deliveries);
	lk_pin_release(&log->pin);
	*log = (struct lk_log){.pin = {.arena = LK_ARENA_INIT}};
}

/* ---- writing ---- */

static json_t *number_or_null(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static enum lk_status write_json_line(const struct lk_log_line *line, FILE *out, struct lk_error *err)
{
	char time[LK_VALUE_TEXT], *text;
	json_t *o;

	lk_timestamp_text(line->time_ms * 1000, true, true, time);
	o = json_pack("{s:s, s:s, s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:O, s:o}", "time", time, "table", line->table,
		"snapshot", (json_int_t)line->snapshot_id, "parent", number_or_null(line->parent_id), "operation",
		text_or_null(line->operation), "added", (json_int_t)line->added, "removed", (json_int_t)line->removed, "rows",
		number_or_null(line->rows), "engine", text_or_null(line->engine), "user", text_or_null(line->user), "run",
		text_or_null(line->run), "refs", line->refs, "deliveries",
		line->deliveries ? json_incref((json_t *)line->deliveries) : json_array());
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!text)
		return lk_error_nomem(err);
	fprintf(out, "%s\n", text);
	free(text);
	return LK_OK;
}

enum { TIME, TABLE, SNAPSHOT, OPERATION, ADDED, REMOVED, ROWS, ENGINE, USER, RUN, REFS, DELIVERIES };

static const struct lk_field fields[] = {
	{.name = "time", .type = LK_TIMESTAMPTZ, .required = true},
	{.name = "table", .type = LK_UTF8, .required = true},
	{.name = "snapshot", .type = LK_INT64, .required = true},
	{.name = "operation", .type = LK_UTF8},
	{.name = "added", .type = LK_INT64},
	{.name = "removed", .type = LK_INT64},
	{.name = "rows", .type = LK_INT64},
	{.name = "engine", .type = LK_UTF8},
	{.name = "user", .type = LK_UTF8},
	{.name = "run", .type = LK_UTF8},
	{.name = "refs", .type = LK_UTF8},
	{.name = "deliveries", .type = LK_UTF8},
};

static void add_text(struct lk_column *c, const char *text)
{
	lk_column_text(c, text && *text ? text : NULL);
}

static void add_refs(struct lk_column *c, const json_t *refs, struct lk_str *s)
{
	json_t *ref;
	size_t i;

	lk_str_clear(s);
	json_array_foreach(refs, i, ref)
		lk_str_addf(s, "%s%s%s", i ? ", " : "", strcmp(lk_metadata_text(ref, "type"), "tag") ? "" : "tag ",
			lk_metadata_text(ref, "name"));
	add_text(c, lk_str_text(s));
}

static void add_deliveries(struct lk_column *c, const json_t *deliveries, struct lk_str *s)
{
	size_t count = json_array_size(deliveries);

	lk_str_clear(s);
	for (size_t i = 0; i < count && i < NAMES_SHOWN; i++)
		lk_str_addf(s, "%s%s", i ? ", " : "", lk_path_base(lk_metadata_text(json_array_get(deliveries, i), "delivery")));
	if (count > NAMES_SHOWN)
		lk_str_addf(s, " and %zu more", count - NAMES_SHOWN);
	add_text(c, lk_str_text(s));
}

static void add_number(struct lk_column *c, int64_t n)
{
	if (n < 0)
		lk_column_null(c);
	else
		lk_column_int64(c, n);
}

static enum lk_status add_row(struct lk_builder *b, const struct lk_log_line *line, struct lk_str *s, struct lk_error *err)
{
	lk_column_int64(&b->columns[TIME], line->time_ms * 1000);
	lk_column_text(&b->columns[TABLE], line->table);
	lk_column_int64(&b->columns[SNAPSHOT], line->snapshot_id);
	add_text(&b->columns[OPERATION], line->operation);
	lk_column_int64(&b->columns[ADDED], line->added);
	lk_column_int64(&b->columns[REMOVED], line->removed);
	add_number(&b->columns[ROWS], line->rows);
	add_text(&b->columns[ENGINE], line->engine);
	add_text(&b->columns[USER], line->user);
	add_text(&b->columns[RUN], line->run);
	add_refs(&b->columns[REFS], line->refs, s);
	add_deliveries(&b->columns[DELIVERIES], line->deliveries, s);
	LK_TRY(lk_str_check(s, err));
	return lk_builder_end_row(b, err);
}

static enum lk_status write_columns(const struct lk_log *log, struct lk_builder *b, enum lk_format format, FILE *out,
	struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = LK_OK;

	for (size_t i = 0; !status && i < log->count; i++)
		status = add_row(b, &log->lines[i], &s, err);
	lk_str_release(&s);
	LK_TRY(status);
	LK_TRY(lk_builder_check(b, err));
	LK_TRY(lk_builder_view(b, &view, err));
	return lk_format_all(format, out, &b->schema, view, err);
}

enum lk_status lk_log_write(const struct lk_log *log, enum lk_format format, FILE *out, struct lk_error *err)
{
	struct lk_builder b = {.columns = NULL};
	enum lk_status status;

	for (size_t i = 0; format == LK_FORMAT_JSON && i < log->count; i++)
		LK_TRY(write_json_line(&log->lines[i], out, err));
	if (format == LK_FORMAT_JSON)
		return LK_OK;
	status = lk_builder_init(&b, fields, sizeof(fields) / sizeof(*fields), NULL, err);
	if (!status)
		status = write_columns(log, &b, format, out, err);
	lk_builder_release(&b);
	return status;
}
