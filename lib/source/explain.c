#include "source/explain.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "source/decode.h"
#include "source/format.h"
#include "stream/cell.h"

#define SAMPLES 3
#define SAMPLE_BYTES 40
#define REJECTS 10
#define REASONS 1000

struct lk_explanation {
	struct lk_tap tap;
	FILE *to;
	bool json;
	json_t *member; /* the open one, or NULL */
	bool failed;	/* memory ran out */
};

/* ---- JSON, whose failures add up ---- */

static void put(struct lk_explanation *x, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		x->failed = true;
}

/* Text that may be none, which is left out. */
static void put_text(struct lk_explanation *x, json_t *object, const char *key, const char *text)
{
	struct lk_str clean = LK_STR_INIT;

	if (!text)
		return;
	lk_add_clean(&clean, text, strlen(text));
	put(x, object, key, json_string(lk_str_text(&clean)));
	lk_str_release(&clean);
}

static json_t *append(struct lk_explanation *x, json_t *list, json_t *value)
{
	if (!value || json_array_append_new(list, value))
		x->failed = true;
	return value;
}

static json_t *list_in(struct lk_explanation *x, json_t *object, const char *key)
{
	if (!json_object_get(object, key))
		put(x, object, key, json_array());
	return json_object_get(object, key);
}

static enum lk_status check(const struct lk_explanation *x, struct lk_error *err)
{
	return x->failed ? lk_error_nomem(err) : LK_OK;
}

static json_t *find(const json_t *list, const char *key, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *other = json_string_value(json_object_get(item, key));

		if (other && !strcmp(other, text))
			return item;
	}
	return NULL;
}

/* ---- members ---- */

static enum lk_status end_member(struct lk_explanation *x, struct lk_error *err)
{
	json_t *member = x->member;
	enum lk_status status = LK_OK;

	x->member = NULL;
	if (!member)
		return LK_OK;
	if (!x->json)
		status = lk_explanation_text(member, x->to, err);
	else if (json_dumpf(member, x->to, JSON_COMPACT) || putc('\n', x->to) == EOF)
		status = lk_error_sys(err, LK_IO, "cannot write the explanation");
	json_decref(member);
	return status;
}

static bool is_open(const struct lk_explanation *x, const struct lk_source_member *m)
{
	struct lk_str delivery = LK_STR_INIT, member = LK_STR_INIT;
	bool same;

	if (!x->member)
		return false;
	lk_add_clean(&delivery, m->delivery, strlen(m->delivery));
	lk_add_clean(&member, m->member, strlen(m->member));
	same = !strcmp(lk_str_text(&delivery), json_string_value(json_object_get(x->member, "delivery"))) &&
	       !strcmp(lk_str_text(&member), json_string_value(json_object_get(x->member, "member")));
	lk_str_release(&delivery);
	lk_str_release(&member);
	return same;
}

static enum lk_status open_member(struct lk_explanation *x, const struct lk_source_member *m, struct lk_error *err)
{
	if (is_open(x, m))
		return LK_OK;
	LK_TRY(end_member(x, err));
	x->member = json_object();
	if (!x->member)
		return lk_error_nomem(err);
	put_text(x, x->member, "delivery", m->delivery);
	put_text(x, x->member, "member", m->member);
	put_text(x, x->member, "sender", *m->sender ? m->sender : NULL);
	put(x, x->member, "packages", json_array());
	put(x, x->member, "tables", json_array());
	return check(x, err);
}

/* ---- who was asked ---- */

static enum lk_status take_package(void *arg, const struct lk_source_member *m, const struct lk_package *p, bool applies,
	struct lk_error *err)
{
	struct lk_explanation *x = arg;
	json_t *o;

	LK_TRY(open_member(x, m, err));
	o = append(x, list_in(x, x->member, "packages"), json_object());
	put_text(x, o, "package", p->name);
	put_text(x, o, "file", p->file);
	put_text(x, o, "delivery", p->delivery_text);
	put(x, o, "applies", json_boolean(applies));
	put(x, o, "resources", json_array());
	return check(x, err);
}

static json_t *resource_in(struct lk_explanation *x, const struct lk_resource *r)
{
	json_t *package = find(list_in(x, x->member, "packages"), "file", r->package->file);

	return find(list_in(x, package, "resources"), "resource", r->name);
}

static char *join_paths(const struct lk_resource *r)
{
	struct lk_str s = LK_STR_INIT;

	for (int i = 0; i < r->path_count; i++)
		lk_str_addf(&s, "%s%s", i ? ", " : "", r->paths[i]);
	return s.data;
}

static enum lk_status take_resource(void *arg, const struct lk_source_member *m, const struct lk_resource *r, bool named, bool takes,
	const char *why, struct lk_error *err)
{
	struct lk_explanation *x = arg;
	json_t *package, *o;
	char *paths = join_paths(r);

	(void)m;
	package = find(list_in(x, x->member, "packages"), "file", r->package->file);
	o = append(x, list_in(x, package, "resources"), json_object());
	put_text(x, o, "resource", r->name);
	put_text(x, o, "paths", paths);
	put(x, o, "named", json_boolean(named));
	put(x, o, "takes", json_boolean(takes));
	put_text(x, o, "why", why);
	free(paths);
	return check(x, err);
}

static enum lk_status pass_over(void *arg, const struct lk_source_member *m, const struct lk_resource *r, struct lk_error *err)
{
	struct lk_explanation *x = arg;
	json_t *o = resource_in(x, r);

	(void)m;
	if (!json_is_true(json_object_get(o, "takes")))
		return LK_OK;
	put(x, o, "takes", json_false());
	put_text(x, o, "why", "its header is not that of the file, and another resource may have it");
	return check(x, err);
}

/* ---- tables ---- */

static json_t *dialect_of(struct lk_explanation *x, const struct lk_resource *r)
{
	const struct lk_dialect *d = &r->dialect;
	json_t *o = json_object();

	put_text(x, o, "delimiter", d->delimiter);
	put_text(x, o, "quoteChar", d->quote);
	put_text(x, o, "escapeChar", d->escape);
	put_text(x, o, "commentChar", d->comment);
	put_text(x, o, "lineTerminator", d->terminator);
	put(x, o, "header", json_boolean(d->header));
	for (int i = 0; d->header && i < d->header_row_count; i++)
		append(x, list_in(x, o, "headerRows"), json_integer(d->header_rows[i]));
	return o;
}

/* What a field becomes; without the column of the file that it was found in. */
static json_t *column_of(struct lk_explanation *x, const struct lk_resource *r, const struct lk_source_field *f)
{
	int64_t at = lk_schema_find(&r->schema, f->column);
	struct lk_str type = LK_STR_INIT;
	json_t *o = json_object();

	if (at >= 0)
		lk_type_name(r->schema.children[at], &type);
	put_text(x, o, "field", f->name);
	if (f->path && f->path != f->name)
		put_text(x, o, "path", f->path);
	put_text(x, o, "to", f->column);
	put_text(x, o, "type", lk_str_text(&type));
	put_text(x, o, "format", f->convert.any ? "any" : f->convert.pattern);
	put_text(x, o, "phi", f->phi);
	put(x, o, "values", json_integer(0));
	put(x, o, "nulls", json_integer(0));
	put(x, o, "samples", json_array());
	lk_str_release(&type);
	return o;
}

/* The table of a resource that took the member, made when it is first heard of. */
static json_t *table_of(struct lk_explanation *x, const struct lk_resource *r)
{
	json_t *tables = list_in(x, x->member, "tables"), *o = find(tables, "resource", r->name);

	if (o)
		return o;
	o = append(x, tables, json_object());
	put_text(x, o, "package", r->package->name);
	put_text(x, o, "resource", r->name);
	put_text(x, o, "table", r->table);
	put_text(x, o, "format", r->format->words[0]);
	if (r->format == &lk_format_delimited)
		put(x, o, "dialect", dialect_of(x, r));
	put(x, o, "rest", json_boolean(r->rest));
	put(x, o, "columns", json_array());
	put(x, o, "reasons", json_array());
	put(x, o, "rejects", json_array());
	return o;
}

static void add_fields(struct lk_explanation *x, json_t *table, const struct lk_resource *r, const bool *found)
{
	for (int i = 0; i < r->field_count; i++) {
		const struct lk_source_field *f = &r->fields[i];

		if (found && found[i])
			continue;
		if (found && f->origin == LK_ORIGIN_RECORD)
			append(x, list_in(x, table, "missing"), json_string(f->name));
		append(x, list_in(x, table, "columns"), column_of(x, r, f));
	}
}

static enum lk_status take_columns(void *arg, const struct lk_source_member *m, const struct lk_resource *r, const struct lk_columns *c,
	struct lk_error *err)
{
	struct lk_explanation *x = arg;
	bool *found = calloc((size_t)r->field_count + 1, sizeof(*found));
	json_t *table, *o;

	(void)m;
	if (!found)
		return lk_error_nomem(err);
	table = table_of(x, r);
	for (size_t i = 0; i < c->width; i++) {
		int field = c->field_of[i];

		o = field == LK_NOT_TAKEN ? json_object() : column_of(x, r, &r->fields[field]);
		if (field != LK_NOT_TAKEN)
			found[field] = true;
		put_text(x, o, "column", c->names ? lk_str_text(&c->names[i]) : NULL);
		append(x, list_in(x, table, "columns"), o);
	}
	add_fields(x, table, r, found);
	free(found);
	return check(x, err);
}

/* ---- values ---- */

static void add_sample(struct lk_explanation *x, json_t *samples, const char *text, size_t len)
{
	struct lk_str s = LK_STR_INIT;
	json_t *item;
	size_t i;
	bool known = false;

	lk_str_add(&s, text, len > SAMPLE_BYTES ? SAMPLE_BYTES : len);
	while (len > SAMPLE_BYTES && s.len && !lk_utf8_valid(s.data, s.len))
		s.data[--s.len] = '\0';
	if (len > SAMPLE_BYTES)
		lk_str_adds(&s, "...");
	json_array_foreach(samples, i, item)
		known |= !strcmp(json_string_value(item), lk_str_text(&s));
	if (!known)
		append(x, samples, json_string(lk_str_text(&s)));
	lk_str_release(&s);
}

static void add_values(struct lk_explanation *x, json_t *column, const struct ArrowSchema *schema, const struct ArrowArrayView *view)
{
	json_t *samples = json_object_get(column, "samples");
	bool shown = !json_object_get(column, "phi");
	json_int_t nulls = 0;
	struct lk_str text = LK_STR_INIT;
	struct lk_cell cell;

	lk_cell_init(&cell, schema);
	for (int64_t row = 0; row < view->length; row++) {
		if (ArrowArrayViewIsNull(view, row)) {
			nulls++;
			continue;
		}
		if (!shown || json_array_size(samples) >= SAMPLES)
			continue;
		lk_str_clear(&text);
		lk_cell_add(&cell, view, row, false, &text);
		add_sample(x, samples, lk_str_text(&text), text.len);
	}
	lk_str_release(&text);
	put(x, column, "values",
		json_integer(json_integer_value(json_object_get(column, "values")) + view->length - nulls));
	put(x, column, "nulls", json_integer(json_integer_value(json_object_get(column, "nulls")) + nulls));
}

static enum lk_status take_rows(void *arg, const struct lk_resource *r, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, struct lk_error *err)
{
	struct lk_explanation *x = arg;
	json_t *columns, *column;
	size_t i;

	if (!x->member || !r)
		return LK_OK;
	columns = json_object_get(table_of(x, r), "columns");
	if (!json_array_size(columns))
		add_fields(x, table_of(x, r), r, NULL);
	json_array_foreach(columns, i, column) {
		const char *to = json_string_value(json_object_get(column, "to"));
		int64_t at = to ? lk_schema_find(schema, to) : -1;

		if (at >= 0)
			add_values(x, column, schema->children[at], view->children[at]);
	}
	return check(x, err);
}

/* ---- rejects and the end ---- */

static void count_reason(struct lk_explanation *x, json_t *reasons, const struct lk_reject *reject)
{
	json_t *item;
	size_t i;

	json_array_foreach(reasons, i, item) {
		const char *field = json_string_value(json_object_get(item, "field"));

		if (strcmp(json_string_value(json_object_get(item, "reason")), reject->reason) ||
			strcmp(field ? field : "", reject->field ? reject->field : ""))
			continue;
		put(x, item, "records", json_integer(json_integer_value(json_object_get(item, "records")) + 1));
		return;
	}
	if (json_array_size(reasons) >= REASONS)
		return;
	item = append(x, reasons, json_object());
	put_text(x, item, "field", reject->field);
	put_text(x, item, "reason", reject->reason);
	put(x, item, "records", json_integer(1));
}

static enum lk_status take_reject(void *arg, const struct lk_source_member *m, const struct lk_reject *reject, struct lk_error *err)
{
	struct lk_explanation *x = arg;
	json_t *table, *rejects, *o;

	LK_TRY(open_member(x, m, err));
	table = table_of(x, reject->resource);
	count_reason(x, list_in(x, table, "reasons"), reject);
	rejects = list_in(x, table, "rejects");
	if (json_array_size(rejects) >= REJECTS)
		return check(x, err);
	o = append(x, rejects, json_object());
	put(x, o, "record", json_integer(reject->record));
	if (reject->line)
		put(x, o, "line", json_integer(reject->line));
	put_text(x, o, "field", reject->field);
	put_text(x, o, "reason", reject->reason);
	put_text(x, o, "value", reject->value);
	return check(x, err);
}

static enum lk_status take_file(void *arg, const struct lk_source_member *m, const struct lk_file_report *report, struct lk_error *err)
{
	struct lk_explanation *x = arg;
	const struct lk_resource *r = report->resource;
	json_t *o;

	LK_TRY(open_member(x, m, err));
	if (m->member_size >= 0)
		put(x, x->member, "size", json_integer(m->member_size));
	o = r ? table_of(x, r) : x->member;
	if (r && !json_array_size(json_object_get(o, "columns")))
		add_fields(x, o, r, NULL);
	if (r) {
		put(x, o, "records", json_integer(report->rows + report->rejected));
		put(x, o, "rows", json_integer(report->rows));
		put(x, o, "rejected", json_integer(report->rejected));
		put_text(x, o, "encoding", r->format->binary ? NULL : report->encoding);
	}
	put_text(x, o, "status", report->status);
	put_text(x, o, "error", report->error);
	put_text(x, o, "warning", report->warning);
	return check(x, err);
}

/* ---- the whole ---- */

enum lk_status lk_explanation_open(struct lk_explanation **out, FILE *to, bool json, struct lk_error *err)
{
	struct lk_explanation *x = calloc(1, sizeof(*x));

	*out = x;
	if (!x)
		return lk_error_nomem(err);
	x->tap = (struct lk_tap){x, take_package, take_resource, pass_over, take_columns, take_rows, take_reject, take_file};
	x->to = to;
	x->json = json;
	return LK_OK;
}

const struct lk_tap *lk_explanation_tap(const struct lk_explanation *x)
{
	return &x->tap;
}

enum lk_status lk_explanation_finish(struct lk_explanation *x, struct lk_error *err)
{
	LK_TRY(end_member(x, err));
	return fflush(x->to) == 0 ? LK_OK : lk_error_sys(err, LK_IO, "cannot write the explanation");
}

void lk_explanation_close(struct lk_explanation *x)
{
	if (!x)
		return;
	json_decref(x->member);
	free(x);
}
