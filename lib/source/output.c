#include "source/output.h"

#include <stdlib.h>
#include <string.h>

#include "source/raw.h"
#include "source/tap.h"
#include "stream/side.h"

#define BALANCE_BYTES (1024 * 1024)

/* ---- texts ---- */

void lk_add_clean(struct lk_str *out, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data, *end = p + len, *start = p;

	while (p < end) {
		size_t n = *p ? lk_utf8_len(p, end) : 0;

		if (n) {
			p += n;
			continue;
		}
		lk_str_add(out, start, (size_t)(p - start));
		lk_str_addf(out, "\\x%02x", *p);
		start = ++p;
	}
	lk_str_add(out, start, (size_t)(p - start));
}

static void append_clean(struct lk_column *c, const char *data, size_t len)
{
	struct lk_str clean = LK_STR_INIT;

	if (lk_utf8_valid(data, len) && !memchr(data, '\0', len)) {
		lk_column_bytes(c, data, len);
		return;
	}
	lk_add_clean(&clean, data, len);
	c->failed |= clean.failed;
	lk_column_bytes(c, lk_str_text(&clean), clean.len);
	lk_str_release(&clean);
}

static void append_text(struct lk_column *c, const char *text)
{
	if (text)
		append_clean(c, text, strlen(text));
	else
		lk_column_null(c);
}

/* ---- tables and their budget ---- */

/* A table that travels beside the data. */
struct side {
	const char *name;
	const struct lk_field *fields;
	int columns;
};

#define SIDE_TABLES 3

static const struct side *side_of(const struct lk_output *o, const struct lk_output_table *t)
{
	static const struct side files = {LK_TABLE_FILES, lk_files_fields, LK_FILES_COLUMNS};
	static const struct side rejects = {LK_TABLE_REJECTS, lk_rejects_fields, LK_REJECTS_COLUMNS};
	static const struct side replayed = {LK_TABLE_REPLAYED, lk_replayed_fields, LK_REPLAYED_COLUMNS};

	return t == &o->files ? &files : t == &o->rejects ? &rejects : &replayed;
}

static const char *table_name(const struct lk_output *o, const struct lk_output_table *t)
{
	return t->resource ? t->resource->table : side_of(o, t)->name;
}

static enum lk_status init_builder(struct lk_output *o, struct lk_output_table *t, struct lk_error *err)
{
	struct ArrowSchema schema;

	if (!t->resource)
		return lk_builder_init(&t->builder, side_of(o, t)->fields, side_of(o, t)->columns, NULL, err);
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(&t->resource->schema, &schema), NULL, LK_BUG,
		"cannot copy a schema", err));
	return lk_builder_init_schema(&t->builder, &schema, err);
}

static enum lk_status send(struct lk_output *o, struct lk_output_table *t, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	t->sent = true;
	if (o->tap) {
		LK_TRY(lk_builder_view(&t->builder, &view, err));
		LK_TRY(o->tap->rows(o->tap->arg, t->resource, &t->builder.schema, view, err));
		lk_builder_clear(&t->builder);
		return LK_OK;
	}
	return lk_writer_flush(o->writer, table_name(o, t), &t->builder, err);
}

/* Memory held, with or without rows in it. */
static size_t held_bytes(const struct lk_output_table *t)
{
	int64_t bytes = 0;

	for (int i = 0; i < t->builder.column_count; i++) {
		const struct lk_column *c = &t->builder.columns[i];

		bytes += c->data.capacity_bytes + c->offsets.capacity_bytes + c->validity.buffer.capacity_bytes;
	}
	return (size_t)bytes;
}

static struct lk_output_table *table_at(struct lk_output *o, int i)
{
	struct lk_output_table *const side[SIDE_TABLES] = {&o->files, &o->rejects, &o->replayed};

	return i < o->table_count ? &o->tables[i] : side[i - o->table_count];
}

static enum lk_status give_back(struct lk_output *o, struct lk_output_table *t, struct lk_error *err)
{
	if (t->builder.rows)
		LK_TRY(send(o, t, err));
	lk_builder_release(&t->builder);
	return init_builder(o, t, err);
}

/* Sends and gives back the largest until all fit into the budget; sends what is full. */
static enum lk_status balance(struct lk_output *o, struct lk_error *err)
{
	o->unbalanced = 0;
	for (;;) {
		struct lk_output_table *largest = NULL;
		size_t sum = 0, most = 0;

		for (int i = 0; i < o->table_count + SIDE_TABLES; i++) {
			size_t bytes = held_bytes(table_at(o, i));

			sum += bytes;
			if (bytes > most) {
				most = bytes;
				largest = table_at(o, i);
			}
		}
		if (sum <= LK_OUTPUT_BUDGET || !largest)
			break;
		LK_TRY(give_back(o, largest, err));
	}
	for (int i = 0; i < o->table_count + SIDE_TABLES; i++)
		if (table_at(o, i)->builder.rows && lk_builder_full(&table_at(o, i)->builder))
			LK_TRY(send(o, table_at(o, i), err));
	return LK_OK;
}

enum lk_status lk_output_row_added(
	struct lk_output *o, struct lk_output_table *t, size_t bytes, struct lk_error *err)
{
	o->unbalanced += bytes;
	if (t->builder.rows >= LK_BATCH_ROWS)
		LK_TRY(send(o, t, err));
	return o->unbalanced >= BALANCE_BYTES ? balance(o, err) : LK_OK;
}

enum lk_status lk_output_open(
	struct lk_output *o, const struct lk_sources *sources, struct lk_writer *writer, struct lk_error *err)
{
	*o = (struct lk_output){.writer = writer, .table_count = sources->schema_count};
	o->tables = calloc((size_t)o->table_count + 1, sizeof(*o->tables));
	if (!o->tables)
		return lk_error_nomem(err);
	LK_TRY(init_builder(o, &o->files, err));
	return init_builder(o, &o->rejects, err);
}

enum lk_status lk_output_table(struct lk_output *o, const struct lk_resource *r,
	struct lk_output_table **table, struct lk_error *err)
{
	*table = &o->tables[r->id];
	if ((*table)->resource)
		return LK_OK;
	(*table)->resource = r;
	return init_builder(o, *table, err);
}

/* ---- side tables ---- */

static void append_optional(struct lk_column *c, int64_t value, int64_t none)
{
	if (value == none)
		lk_column_null(c);
	else
		lk_column_int64(c, value);
}

/* In full, as the lake names it: what is in these tables is joined with what is said of the lake's. */
static void append_table(struct lk_column *c, const struct lk_resource *r)
{
	struct lk_str name = LK_STR_INIT;

	if (!r || strchr(r->table, '.')) {
		append_text(c, r ? r->table : NULL);
		return;
	}
	lk_str_addf(&name, "main.%s", r->table);
	c->failed |= name.failed;
	lk_column_bytes(c, lk_str_text(&name), name.len);
	lk_str_release(&name);
}

static void append_resource(struct lk_column *c, const struct lk_resource *r)
{
	struct lk_str name = LK_STR_INIT;

	lk_str_addf(&name, "%s/%s", r->package->name, r->name);
	c->failed |= name.failed;
	lk_column_bytes(c, lk_str_text(&name), name.len);
	lk_str_release(&name);
}

/* Text of bytes, cut where they are too many. */
static void append_raw(struct lk_column *c, const char *data, size_t len)
{
	struct lk_str text = LK_STR_INIT;

	if (!data) {
		lk_column_null(c);
		return;
	}
	lk_raw_text(&text, data, len > LK_RAW_BYTES ? LK_RAW_BYTES : len);
	c->failed |= text.failed;
	lk_column_bytes(c, lk_str_text(&text), text.len);
	lk_str_release(&text);
}

enum lk_status lk_output_reject(
	struct lk_output *o, const struct lk_source_member *m, const struct lk_reject *reject, struct lk_error *err)
{
	struct lk_column *c = o->rejects.builder.columns;
	if (o->tap) {
		o->totals.rejected++;
		return o->tap->reject(o->tap->arg, m, reject, err);
	}
	append_text(&c[LK_REJECTS_DELIVERY], m->delivery);
	append_text(&c[LK_REJECTS_SHA256], m->sha256);
	append_text(&c[LK_REJECTS_SENDER], m->sender);
	append_text(&c[LK_REJECTS_MEMBER], m->member);
	append_table(&c[LK_REJECTS_TABLE], reject->resource);
	lk_column_int64(&c[LK_REJECTS_RECORD], reject->record);
	append_optional(&c[LK_REJECTS_LINE], reject->line, 0);
	append_text(&c[LK_REJECTS_FIELD], reject->field);
	append_text(&c[LK_REJECTS_REASON], reject->reason);
	append_text(&c[LK_REJECTS_VALUE], reject->value);
	append_raw(&c[LK_REJECTS_RAW], reject->raw, reject->raw_len);
	append_optional(&c[LK_REJECTS_RAW_SIZE], reject->raw ? (int64_t)reject->raw_len : -1, -1);
	append_raw(&c[LK_REJECTS_CONTEXT], reject->context, reject->context_len);
	append_resource(&c[LK_REJECTS_RESOURCE], reject->resource);
	append_optional(&c[LK_REJECTS_MEMBER_MODIFIED], m->member_modified, INT64_MIN);
	append_optional(&c[LK_REJECTS_MODIFIED], m->modified, INT64_MIN);
	LK_TRY(lk_builder_end_row(&o->rejects.builder, err));
	o->totals.rejected++;
	return lk_output_row_added(o, &o->rejects, reject->raw_len + reject->context_len + 256, err);
}

static void count_status(struct lk_output_totals *totals, const char *status)
{
	totals->files++;
	totals->skipped += !strcmp(status, "skipped");
	totals->failed += !strcmp(status, "failed");
	totals->unmatched += !strcmp(status, "unmatched");
}

/* The rows that are left go before. */
static enum lk_status tap_file(struct lk_output *o, const struct lk_source_member *m, const struct lk_file_report *report,
	struct lk_error *err)
{
	const struct lk_resource *r = report->resource;

	count_status(&o->totals, report->status);
	o->totals.rows += report->rows;
	if (r && o->tables[r->id].builder.rows)
		LK_TRY(send(o, &o->tables[r->id], err));
	return o->tap->file(o->tap->arg, m, report, err);
}

enum lk_status lk_output_file(struct lk_output *o, const struct lk_source_member *m,
	const struct lk_file_report *report, struct lk_error *err)
{
	struct lk_column *c = o->files.builder.columns;
	const struct lk_resource *r = report->resource;

	if (o->tap)
		return tap_file(o, m, report, err);
	append_text(&c[LK_FILES_DELIVERY], m->delivery);
	append_text(&c[LK_FILES_SHA256], m->sha256);
	lk_column_int64(&c[LK_FILES_SIZE], m->size);
	lk_column_int64(&c[LK_FILES_MODIFIED], m->modified);
	append_text(&c[LK_FILES_SENDER], m->sender);
	append_text(&c[LK_FILES_MEMBER], m->member);
	append_optional(&c[LK_FILES_MEMBER_SIZE], m->member_size, -1);
	append_optional(&c[LK_FILES_MEMBER_MODIFIED], m->member_modified, INT64_MIN);
	append_text(&c[LK_FILES_PASSPHRASE], m->passphrase);
	append_table(&c[LK_FILES_TABLE], r);
	append_text(&c[LK_FILES_PACKAGE], r ? r->package->name : NULL);
	append_text(&c[LK_FILES_PACKAGE_SHA256], r ? r->package->sha256 : report->sources);
	lk_column_int64(&c[LK_FILES_ROWS_IN], report->rows + report->rejected);
	lk_column_int64(&c[LK_FILES_ROWS], report->rows);
	lk_column_int64(&c[LK_FILES_REJECTED], report->rejected);
	append_text(&c[LK_FILES_STATUS], report->status);
	append_text(&c[LK_FILES_ERROR], report->error);
	append_text(&c[LK_FILES_WARNING], report->warning);
	lk_column_int64(&c[LK_FILES_STARTED], report->started);
	lk_column_int64(&c[LK_FILES_FINISHED], report->finished);
	LK_TRY(lk_builder_end_row(&o->files.builder, err));
	count_status(&o->totals, report->status);
	o->totals.rows += report->rows;
	if (r) {
		o->tables[r->id].read += report->rows + report->rejected;
		o->tables[r->id].rejected += report->rejected;
	}
	return lk_output_row_added(o, &o->files, 512, err);
}

enum lk_status lk_output_begin_replay(struct lk_output *o, struct lk_error *err)
{
	o->replays = true;
	return init_builder(o, &o->replayed, err);
}

enum lk_status lk_output_replayed(struct lk_output *o, const struct lk_source_member *m, const struct lk_resource *r,
	const char *table, const char *resource, int64_t record, bool landed, struct lk_error *err)
{
	struct lk_column *c = o->replayed.builder.columns;

	append_text(&c[LK_REPLAYED_SHA256], m->sha256);
	append_text(&c[LK_REPLAYED_SENDER], m->sender);
	append_text(&c[LK_REPLAYED_MEMBER], m->member);
	append_text(&c[LK_REPLAYED_TABLE], table);
	append_text(&c[LK_REPLAYED_RESOURCE], resource);
	lk_column_int64(&c[LK_REPLAYED_RECORD], record);
	lk_column_bool(&c[LK_REPLAYED_LANDED], landed);
	LK_TRY(lk_builder_end_row(&o->replayed.builder, err));
	o->totals.rows += landed;
	o->tables[r->id].read++;
	o->tables[r->id].rejected += !landed;
	return lk_output_row_added(o, &o->replayed, 256, err);
}

enum lk_status lk_output_finish(struct lk_output *o, struct lk_error *err)
{
	if (o->tap)
		return LK_OK; /* it has had all */
	for (int i = 0; i < o->table_count + SIDE_TABLES; i++) {
		struct lk_output_table *t = table_at(o, i);
		bool wanted = t->resource ? !t->sent || t->builder.rows : t->builder.rows || t == (o->replays ? &o->replayed : &o->files);

		if (!t->builder.column_count)
			continue;
		if (wanted)
			LK_TRY(send(o, t, err));
		if (t->resource)
			LK_TRY(lk_writer_count(o->writer, t->resource->table, t->read, t->rejected,
				t->rejected ? "rejected" : NULL, err));
	}
	return LK_OK;
}

void lk_output_release(struct lk_output *o)
{
	for (int i = 0; i < o->table_count && o->tables; i++)
		lk_builder_release(&o->tables[i].builder);
	lk_builder_release(&o->files.builder);
	lk_builder_release(&o->rejects.builder);
	lk_builder_release(&o->replayed.builder);
	free(o->tables);
	o->tables = NULL;
}
