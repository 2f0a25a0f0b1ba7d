/*
 * JSON: lines of it (NDJSON, FHIR Bulk Data), or documents (an array of records, or one value after the other).
 *
 * A document is parsed once (json_text.h) for all resources that take the member, as one of them may want the patient and
 * another each of the patient's names. What is no JSON is a reject of each of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/json.h"
#include "source/json_split.h"

#define CHUNK_BYTES (256 * 1024)
#define KEPT_NODES (64 * 1024)

/* ---- the member's side ---- */

struct target {
	struct lk_sink *sink;
	const struct lk_json_program *program;
	struct lk_value *values; /* by field */
	struct lk_str *texts;	 /* by field: of strings with escapes, and joined ones */
	struct lk_str rest;
};

struct json {
	struct target *targets;
	int count;
	bool by_line;
	struct lk_lines lines;
	struct lk_json_split split;
	struct lk_json parsed;
	struct lk_str room;
	int64_t line; /* of the document */

	/* while records of a document are walked through */
	struct target *target;
	const struct lk_json_node *record;
	bool claimed;
	enum lk_status status;
	struct lk_error *err;
};

/* The value of one node: null is none, all else is its text. */
static struct lk_value node_value(struct lk_json *j, const struct lk_json_node *node, struct lk_str *room)
{
	struct lk_value v = {.data = j->text + node->start, .len = node->end - node->start};

	if (node->type == LK_JSON_NULL)
		return (struct lk_value){NULL};
	if (node->type == LK_JSON_STRING) {
		v.data = lk_json_string(j, node, room, &v.len);
		v.quoted = true;
		v.unchecked = node->escaped;
	}
	return v;
}

/* Where the node stands in its array or object. */
static struct lk_value place_value(
	struct lk_json *j, const struct lk_json_path *path, const struct lk_json_node *node, struct lk_str *room)
{
	const struct lk_json_node *parent;

	for (uint32_t up = path->up; up && node->parent != lk_json_id(j, node); up--)
		node = &j->nodes[node->parent];
	parent = &j->nodes[node->parent];
	if (parent == node)
		return (struct lk_value){NULL};
	if (parent->type == LK_JSON_OBJECT)
		return node_value(j, &j->nodes[node->index], room);
	lk_str_addf(room, "%u", node->index);
	return (struct lk_value){.data = lk_str_text(room), .len = room->len};
}

struct joined {
	struct lk_json *j;
	struct lk_str *out;
	const char *by;
	bool any, unchecked;
};

static bool join_node(void *arg, const struct lk_json_node *node)
{
	struct joined *joined = arg;
	size_t len = node->end - node->start;

	if (node->type == LK_JSON_NULL)
		return true;
	if (joined->any)
		lk_str_adds(joined->out, joined->by);
	joined->any = true;
	joined->unchecked |= node->escaped;
	if (node->escaped)
		(void)lk_json_string(joined->j, node, joined->out, &len);
	else
		lk_str_add(joined->out, joined->j->text + node->start, len);
	return true;
}

static struct lk_value joined_value(struct lk_json *j, const struct lk_json_path *path, const char *by,
	const struct lk_json_node *record, struct lk_str *room)
{
	struct joined joined = {.j = j, .out = room, .by = by};

	(void)lk_json_path_walk(j, path, record, join_node, &joined);
	if (!joined.any)
		return (struct lk_value){NULL};
	return (struct lk_value){.data = lk_str_text(room), .len = room->len, .quoted = true, .unchecked = joined.unchecked};
}

static struct lk_value field_value(struct json *x, struct target *t, int field, const struct lk_json_node *record)
{
	const struct lk_json_path *path = &t->program->fields[field];
	const char *join = t->sink->resource->fields[field].join;
	const struct lk_json_node *node;

	lk_str_clear(&t->texts[field]);
	if (path->place)
		return place_value(&x->parsed, path, record, &t->texts[field]);
	if (join)
		return joined_value(&x->parsed, path, join, record, &t->texts[field]);
	node = lk_json_path_first(&x->parsed, path, record);
	return node ? node_value(&x->parsed, node, &t->texts[field]) : (struct lk_value){NULL};
}

/* ---- lk.rest ---- */

/* Whether the path begins with a member of the record. */
static bool goes_into(const struct lk_json_path *path, const char *name, size_t len)
{
	return path->count && !path->up && path->tokens[0].len == len && !memcmp(path->tokens[0].data, name, len);
}

static bool is_known(struct json *x, const struct target *t, const struct lk_json_node *key)
{
	const struct lk_json_program *p = t->program;
	const char *name;
	size_t len;

	lk_str_clear(&x->room);
	name = lk_json_string(&x->parsed, key, &x->room, &len);
	for (int i = 0; i < t->sink->resource->field_count; i++)
		if (t->sink->resource->fields[i].origin == LK_ORIGIN_RECORD && goes_into(&p->fields[i], name, len))
			return true;
	for (int i = 0; i < p->condition_count; i++)
		if ((p->conditions[i].path.relative || !p->record.count) && goes_into(&p->conditions[i].path, name, len))
			return true;
	return false;
}

/* The record's members that no field's path goes into, and no condition's, as one object. */
static void make_rest(struct json *x, struct target *t, const struct lk_json_node *record)
{
	const struct lk_json_node *key = record + 1;

	lk_str_clear(&t->rest);
	for (uint32_t i = 0; record->type == LK_JSON_OBJECT && i < record->count; i++, key = &x->parsed.nodes[key[1].next]) {
		if (key[1].type == LK_JSON_NULL || is_known(x, t, key))
			continue;
		lk_str_adds(&t->rest, t->rest.len ? ",\"" : "{\"");
		lk_str_add(&t->rest, x->parsed.text + key->start, key->end - key->start);
		lk_str_adds(&t->rest, key[1].type == LK_JSON_STRING ? "\":\"" : "\":");
		lk_str_add(&t->rest, x->parsed.text + key[1].start, key[1].end - key[1].start);
		if (key[1].type == LK_JSON_STRING)
			lk_str_addc(&t->rest, '"');
	}
	if (t->rest.len)
		lk_str_addc(&t->rest, '}');
}

/* ---- records ---- */

static void make_context(void *arg, struct lk_str *out)
{
	const struct json *x = arg;

	if (x->record != x->parsed.nodes)
		lk_json_context_add(&x->parsed, x->record, x->target->program->counted, out);
}

static enum lk_status take_record(struct json *x, struct target *t, const struct lk_json_node *record)
{
	const struct lk_resource *r = t->sink->resource;
	bool quotes = record->type == LK_JSON_STRING;
	struct lk_place place = {.line = x->line,
		.raw = x->parsed.text + record->start - quotes,
		.raw_len = record->end - record->start + 2 * (size_t)quotes,
		.make_context = make_context,
		.arg = x};
	struct lk_text rest;
	bool failed = false;

	x->record = record;
	for (int i = 0; i < r->field_count; i++)
		if (r->fields[i].origin == LK_ORIGIN_RECORD) {
			t->values[i] = field_value(x, t, i, record);
			failed |= t->texts[i].failed;
		}
	if (r->rest)
		make_rest(x, t, record);
	if (failed || t->rest.failed)
		return lk_error_nomem(x->err);
	rest = (struct lk_text){t->rest.data, t->rest.len};
	return lk_sink_row(t->sink, t->values, t->rest.len ? &rest : NULL, &place, x->err);
}

static bool take_candidate(void *arg, const struct lk_json_node *record)
{
	struct json *x = arg;

	if (record->type == LK_JSON_NULL && record != x->parsed.nodes)
		return true;
	if (!lk_json_conditions_hold(x->target->program, true, &x->parsed, record, &x->room))
		return true;
	x->claimed = true;
	x->status = take_record(x, x->target, record);
	return x->status == LK_OK;
}

/* Whether the record's path yields nothing is no matter: the document is then one without such records. */
static enum lk_status take_target(struct json *x, struct target *t)
{
	const struct lk_json_program *p = t->program;
	int64_t before = t->sink->record;
	bool relative = false;

	if (!lk_json_conditions_hold(p, false, &x->parsed, x->parsed.nodes, &x->room))
		return LK_OK;
	for (int i = 0; i < p->condition_count; i++)
		relative |= p->conditions[i].path.relative;
	x->target = t;
	x->status = LK_OK;
	(void)lk_json_path_walk(&x->parsed, &p->record, x->parsed.nodes, take_candidate, x);
	x->claimed |= !relative || t->sink->record > before;
	return x->status;
}

static enum lk_status reject_all(struct json *x, const char *reason, const struct lk_place *place)
{
	for (int i = 0; i < x->count; i++)
		LK_TRY(lk_sink_reject(x->targets[i].sink, NULL, reason, place, x->err));
	return LK_OK;
}

/* Where in its line a byte of a text is, in characters; the line too, when it is a later one. */
static void find_place(const char *text, size_t at, int64_t *line, size_t *column)
{
	const char *p = text, *end = text + at;

	for (*column = 1; p < end; ++*column) {
		if (*p == '\n') {
			++*line;
			*column = 0;
		}
		p += lk_lines_character(p, end);
	}
}

static enum lk_status reject_broken(struct json *x, struct lk_place place)
{
	char reason[160];
	size_t column;

	find_place(x->parsed.text, x->parsed.problem_at, &place.line, &column);
	snprintf(reason, sizeof(reason), "is not JSON: %s, column %zu", x->parsed.problem, column);
	return reject_all(x, reason, &place);
}

static bool is_blank(const struct lk_line *line)
{
	for (size_t i = 0; i < line->len; i++)
		if (!lk_is_white(line->data[i]))
			return false;
	return true;
}

static enum lk_status take_document(struct json *x, const struct lk_line *line)
{
	struct lk_place place = {.line = line->number, .raw = line->data, .raw_len = line->len};
	bool good;

	if (line->too_long)
		return reject_all(x, "is longer than 16 MiB", &place);
	if (is_blank(line))
		return LK_OK;
	x->line = line->number;
	LK_TRY(lk_json_parse(&x->parsed, line->data, line->len, &good, x->err));
	if (!good)
		return reject_broken(x, place);
	x->claimed = false;
	for (int i = 0; i < x->count; i++)
		LK_TRY(take_target(x, &x->targets[i]));
	if (x->room.failed)
		return lk_error_nomem(x->err);
	if (!x->claimed)
		return lk_sink_reject(x->targets[0].sink, NULL, "is none that lk.where takes", &place, x->err);
	return LK_OK;
}

static enum lk_status take_documents(struct json *x, bool last)
{
	struct lk_line line;

	while (x->by_line ? lk_lines_next(&x->lines, last, &line) : lk_json_split_next(&x->split, last, &line))
		LK_TRY(take_document(x, &line));
	return LK_OK;
}

/* ---- as a reader ---- */

static enum lk_status open_target(struct target *t, struct lk_sink *sink, struct lk_error *err)
{
	size_t fields = (size_t)sink->resource->field_count;

	t->sink = sink;
	t->program = sink->resource->program;
	t->values = calloc(fields, sizeof(*t->values));
	t->texts = calloc(fields, sizeof(*t->texts));
	return t->values && t->texts ? LK_OK : lk_error_nomem(err);
}

static enum lk_status open_any(
	void **self, bool by_line, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	struct json *x = *self ? *self : calloc(1, sizeof(*x));

	*self = x;
	if (!x)
		return lk_error_nomem(err);
	x->by_line = by_line;
	lk_lines_begin(&x->lines, LK_LINES_LF, 0);
	lk_json_split_begin(&x->split);
	x->targets = calloc((size_t)count, sizeof(*x->targets));
	if (!x->targets)
		return lk_error_nomem(err);
	for (; x->count < count; x->count++)
		LK_TRY(open_target(&x->targets[x->count], sinks[x->count], err));
	return LK_OK;
}

static enum lk_status lines_open(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	return open_any(self, true, sinks, count, err);
}

static enum lk_status documents_open(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	return open_any(self, false, sinks, count, err);
}

static enum lk_status json_feed(void *self, const char *data, size_t len, struct lk_error *err)
{
	struct json *x = self;

	x->err = err;
	while (len && !x->targets[0].sink->failed) {
		size_t n = len < CHUNK_BYTES ? len : CHUNK_BYTES;

		if (x->by_line)
			LK_TRY(lk_lines_add(&x->lines, data, n, err));
		else
			LK_TRY(lk_json_split_add(&x->split, data, n, err));
		LK_TRY(take_documents(x, false));
		data += n;
		len -= n;
	}
	return LK_OK;
}

/* Of documents that are not by line, nothing can be found behind brackets that do not close. */
static enum lk_status fail_rest(struct json *x)
{
	const struct lk_json_split *s = &x->split;
	size_t start = s->inside && !s->skipping ? s->start : s->at;
	struct lk_place place = {.line = s->begun_line, .raw = s->buf + start, .raw_len = s->len - start};

	for (int i = 0; i < x->count; i++) {
		struct lk_sink *sink = x->targets[i].sink;

		LK_TRY(lk_sinks_fail(&sink, 1, &place, x->err, "is not JSON: %s", s->problem));
	}
	return LK_OK;
}

static enum lk_status json_finish(void *self, struct lk_error *err)
{
	struct json *x = self;

	x->err = err;
	if (x->targets[0].sink->failed)
		return LK_OK;
	LK_TRY(take_documents(x, true));
	return !x->by_line && x->split.problem ? fail_rest(x) : LK_OK;
}

static void release_target(struct target *t)
{
	for (int i = 0; t->texts && i < t->sink->resource->field_count; i++)
		lk_str_release(&t->texts[i]);
	lk_str_release(&t->rest);
	free(t->values);
	free(t->texts);
}

static void json_clear(void *self)
{
	struct json *x = self;

	for (int i = 0; x->targets && i < x->count; i++)
		release_target(&x->targets[i]);
	free(x->targets);
	x->targets = NULL;
	x->count = 0;
	lk_lines_clear(&x->lines);
	lk_json_split_clear(&x->split);
	if (x->parsed.cap > KEPT_NODES)
		lk_json_release(&x->parsed);
}

static void json_close(void *self)
{
	struct json *x = self;

	if (!x)
		return;
	json_clear(x);
	lk_lines_release(&x->lines);
	lk_json_split_release(&x->split);
	lk_json_release(&x->parsed);
	lk_str_release(&x->room);
	free(x);
}

static const char *const line_words[] = {"jsonl", "ndjson", NULL};
static const char *const document_words[] = {"json", NULL};
static const char *const properties[] = {"where", NULL};

const struct lk_file_format lk_format_json_lines = {
	.words = line_words,
	.properties = properties,
	.path_noun = "a JSON Pointer",
	.has_names = true,
	.load = lk_json_load,
	.look = lk_json_look_lines,
	.fits = lk_json_fits,
	.forget = lk_json_forget,
	.alone = lk_json_alone,
	.close_context = lk_json_context_close,
	.shared = true,
	.open = lines_open,
	.feed = json_feed,
	.finish = json_finish,
	.clear = json_clear,
	.close = json_close,
};

const struct lk_file_format lk_format_json = {
	.words = document_words,
	.properties = properties,
	.path_noun = "a JSON Pointer",
	.has_names = true,
	.load = lk_json_load,
	.look = lk_json_look_documents,
	.fits = lk_json_fits,
	.forget = lk_json_forget,
	.alone = lk_json_alone,
	.close_context = lk_json_context_close,
	.shared = true,
	.open = documents_open,
	.feed = json_feed,
	.finish = json_finish,
	.clear = json_clear,
	.close = json_close,
};
