#include "source/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES 512
#define ERROR_BYTES 1024 /* a file's error grows no further */

enum count {
	COUNT_OWN,
	COUNT_DETAILS,
	COUNT_RECORDS,
	COUNTS
};

/* Where something stands in a header or trailer, and the field that it is of. */
struct place_of_field {
	int field;
	struct lk_window window;
};

struct lk_control_plan {
	const char *own; /* the type of the resource's records; NULL: all others */
	const char *header, *trailer;
	struct lk_window type;
	size_t columns;
	struct lk_window counts[COUNTS];
	bool counted[COUNTS];
	struct place_of_field *constants, *sums;
	int constant_count, sum_count;
};

struct lk_control {
	const struct lk_control_plan *plan;
	struct lk_sink *sink;
	const char **known; /* types that are of other resources' records, headers and trailers */
	int known_count;
	bool leads;	       /* of all resources of the member, this one rejects records that are nobody's */
	struct lk_str *texts; /* of the plan's constants */
	struct lk_str message;

	/* the batch */
	bool open, has_header, ended; /* ended: a trailer came before */
	bool at_header; /* the record looked at last was one */
	int64_t counts[COUNTS];
	struct lk_total *totals; /* by sum of the plan */
};

/* ---- the package's side ---- */

static const char *const trailer_properties[] = {"type", "count", "details", "records", "sums", NULL};

static enum lk_status load_place(struct lk_loading *l, const json_t *value, const char *at, bool columns,
	struct lk_control_plan *plan, struct lk_window *w)
{
	if (columns) {
		if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > 100000)
			return lk_prop_wrong(l, at, "must be the number of a column, the first being 1");
		w->start = (size_t)json_integer_value(value) - 1;
		w->end = w->start + 1;
	} else if (!json_is_string(value) || !lk_window_parse(json_string_value(value), w)) {
		return lk_prop_wrong(l, at, "must be START:WIDTH, or START: to the line's end, the first column being 1");
	}
	if (plan->columns < (w->end == SIZE_MAX ? w->start + 1 : w->end))
		plan->columns = w->end == SIZE_MAX ? w->start + 1 : w->end;
	return LK_OK;
}

static enum lk_status load_type(struct lk_loading *l, const json_t *lk, const char *at, bool columns, struct lk_control_plan *plan)
{
	const json_t *place = json_object_get(lk, "recordType");

	if (place)
		return load_place(l, place, lk_prop_at(l, at, "recordType"), columns, plan, &plan->type);
	if (!columns)
		return lk_prop_wrong(l, lk_prop_at(l, at, "recordType"),
			"must say where the type of a record stands, START:WIDTH");
	plan->type = (struct lk_window){0, 1};
	plan->columns = 1;
	return LK_OK;
}

static enum lk_status load_sums(
	struct lk_loading *l, const json_t *sums, const char *at, bool columns, const struct lk_resource *r, struct lk_control_plan *plan)
{
	const char *name;
	json_t *value;

	plan->sums = lk_arena_alloc(l->arena, (json_object_size(sums) + 1) * sizeof(*plan->sums));
	if (!plan->sums)
		return lk_error_nomem(l->err);
	json_object_foreach((json_t *)sums, name, value)
	{
		struct place_of_field *sum = &plan->sums[plan->sum_count++];
		const char *place = lk_prop_at(l, at, name);

		for (sum->field = 0; sum->field < r->field_count; sum->field++)
			if (!strcmp(r->fields[sum->field].name, name))
				break;
		if (sum->field == r->field_count || r->fields[sum->field].origin != LK_ORIGIN_RECORD)
			return lk_prop_wrong(l, place, "there is no such field in the records");
		LK_TRY(load_place(l, value, place, columns, plan, &sum->window));
	}
	return LK_OK;
}

static enum lk_status load_trailer(
	struct lk_loading *l, const json_t *lk, const char *at, bool columns, const struct lk_resource *r, struct lk_control_plan *plan)
{
	const char *place = lk_prop_at(l, at, "trailer"), *key;
	const json_t *trailer, *sums;
	json_t *value;

	LK_TRY(lk_prop_object(l, lk, at, "trailer", &trailer));
	if (!trailer)
		return LK_OK;
	json_object_foreach((json_t *)trailer, key, value)
	{
		int i = 0;

		while (trailer_properties[i] && strcmp(trailer_properties[i], key))
			i++;
		if (!trailer_properties[i])
			return lk_prop_wrong(l, lk_prop_at(l, place, key), "there is no such property%s",
				lk_prop_near(l, trailer_properties, key));
		if (i < 1 || i > COUNTS)
			continue;
		LK_TRY(load_place(l, value, lk_prop_at(l, place, key), columns, plan, &plan->counts[i - 1]));
		plan->counted[i - 1] = true;
	}
	LK_TRY(lk_prop_text(l, trailer, place, "type", &plan->trailer));
	if (!plan->trailer || !*plan->trailer)
		return lk_prop_wrong(l, lk_prop_at(l, place, "type"), "a trailer needs the type by which it is known");
	LK_TRY(lk_prop_object(l, trailer, place, "sums", &sums));
	return load_sums(l, sums, lk_prop_at(l, place, "sums"), columns, r, plan);
}

/* Fields whose path is header:PLACE. */
static enum lk_status load_constants(
	struct lk_loading *l, const char *at, bool columns, const struct lk_resource *r, struct lk_control_plan *plan)
{
	plan->constants = lk_arena_alloc(l->arena, (size_t)r->field_count * sizeof(*plan->constants));
	if (!plan->constants)
		return lk_error_nomem(l->err);
	for (int i = 0; i < r->field_count; i++) {
		struct place_of_field *constant = &plan->constants[plan->constant_count];
		const char *place = lk_prop_at(l, lk_prop_item(l, lk_prop_at(l, at, "schema.fields"), (size_t)i), "lk.path");
		json_t *value;
		char *end;
		enum lk_status status;

		if (r->fields[i].origin != LK_ORIGIN_HEADER)
			continue;
		if (!plan->header)
			return lk_prop_wrong(l, place, "the resource has no lk.header to take it from");
		value = columns ? json_integer(strtol(r->fields[i].path, &end, 10)) : json_string(r->fields[i].path);
		if (!value)
			return lk_error_nomem(l->err);
		constant->field = i;
		status = columns && *end ? lk_prop_wrong(l, place, "must be header: and the number of a column")
					 : load_place(l, value, place, columns, plan, &constant->window);
		json_decref(value);
		LK_TRY(status);
		plan->constant_count++;
	}
	return LK_OK;
}

enum lk_status lk_control_load(struct lk_loading *l, const struct lk_resource_json *json, bool columns, struct lk_resource *r)
{
	struct lk_control_plan *plan = lk_arena_alloc(l->arena, sizeof(*plan));
	const char *at = lk_prop_at(l, json->at, "lk");

	if (!plan)
		return lk_error_nomem(l->err);
	plan->own = r->record;
	LK_TRY(lk_prop_text(l, json->lk, at, "header", &plan->header));
	if (plan->header && !*plan->header)
		return lk_prop_wrong(l, lk_prop_at(l, at, "header"), "must be the type of the header, not an empty text");
	LK_TRY(load_trailer(l, json->lk, at, columns, r, plan));
	LK_TRY(load_constants(l, json->at, columns, r, plan));
	if (plan->own || plan->header || plan->trailer) {
		r->control = plan;
		return load_type(l, json->lk, at, columns, plan);
	}
	if (json_object_get(json->lk, "recordType"))
		return lk_prop_wrong(l, lk_prop_at(l, at, "recordType"), "needs lk.record, lk.header or lk.trailer");
	return LK_OK;
}

size_t lk_control_columns(const struct lk_control_plan *plan)
{
	return plan->columns;
}

/* ---- the member's side ---- */

static void add_known(struct lk_control *c, const char *type)
{
	if (type)
		c->known[c->known_count++] = type;
}

/* What the package's other resources that take the member know. */
static enum lk_status find_known(struct lk_control *c, struct lk_error *err)
{
	const struct lk_resource *r = c->sink->resource;
	const struct lk_package *p = r->package;

	c->leads = true;
	c->known = calloc(3 * (size_t)p->resource_count, sizeof(*c->known));
	if (!c->known)
		return lk_error_nomem(err);
	for (int i = 0; i < p->resource_count; i++) {
		const struct lk_resource *other = &p->resources[i];

		if (!other->control || !lk_globs_take(other->paths, other->path_count, c->sink->member->member))
			continue;
		if (other < r && !c->sink->alone)
			c->leads = false;
		add_known(c, other->control->own);
		add_known(c, other->control->header);
		add_known(c, other->control->trailer);
	}
	return LK_OK;
}

static enum lk_status open_impl(struct lk_control *c, struct lk_error *err)
{
	c->texts = calloc((size_t)c->plan->constant_count + 1, sizeof(*c->texts));
	c->totals = calloc((size_t)c->plan->sum_count + 1, sizeof(*c->totals));
	if (!c->texts || !c->totals)
		return lk_error_nomem(err);
	return find_known(c, err);
}

enum lk_status lk_control_open(struct lk_control **out, struct lk_sink *sink, struct lk_error *err)
{
	*out = NULL;
	if (!sink->resource->control)
		return LK_OK;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	(*out)->plan = sink->resource->control;
	(*out)->sink = sink;
	return open_impl(*out, err);
}

void lk_control_close(struct lk_control *c)
{
	if (!c)
		return;
	for (int i = 0; c->texts && i < c->plan->constant_count; i++)
		lk_str_release(&c->texts[i]);
	lk_str_release(&c->message);
	free(c->texts);
	free(c->totals);
	free(c->known);
	free(c);
}

/* A reject whose particulars the file's error tells: reasons are the same for all of a kind. */
static enum lk_status complain(struct lk_control *c, const char *reason, const struct lk_place *place, struct lk_error *err)
{
	struct lk_str *error = &c->sink->error;

	LK_TRY(lk_str_check(&c->message, err));
	if (error->len < ERROR_BYTES) {
		lk_str_adds(error, error->len ? "; " : "");
		if (place->line)
			lk_str_addf(error, "line %lld: ", (long long)place->line);
		lk_str_adds(error, lk_str_text(&c->message));
	}
	return lk_sink_reject(c->sink, NULL, reason, place, err);
}

static struct lk_value get(const struct lk_control_source *from, const struct lk_window *w)
{
	struct lk_value v = from->get(from->arg, w);

	if (v.data)
		lk_text_trim(&v.data, &v.len);
	return v;
}

static bool is_type(const struct lk_value *v, const char *type)
{
	return type && v->data && v->len == strlen(type) && !memcmp(v->data, type, v->len);
}

static enum lk_status take_header(
	struct lk_control *c, const struct lk_control_source *from, const struct lk_place *place, struct lk_error *err)
{
	const struct lk_control_plan *plan = c->plan;
	bool cut = plan->trailer && c->open;

	for (int i = 0; i < plan->constant_count; i++) {
		struct lk_value v = from->get(from->arg, &plan->constants[i].window);

		lk_str_clear(&c->texts[i]);
		lk_str_add(&c->texts[i], v.data ? v.data : "", v.len);
		LK_TRY(lk_str_check(&c->texts[i], err));
		v.data = v.data ? lk_str_text(&c->texts[i]) : NULL;
		c->sink->constants[plan->constants[i].field] = v;
	}
	memset(c->counts, 0, sizeof(c->counts));
	memset(c->totals, 0, (size_t)plan->sum_count * sizeof(*c->totals));
	c->counts[COUNT_RECORDS] = 1;
	c->open = c->has_header = c->at_header = true;
	if (!cut)
		return LK_OK;
	lk_str_clear(&c->message);
	lk_str_adds(&c->message, "a header, but no trailer before it: records may be lost");
	return complain(c, "no trailer comes before this header", place, err);
}

static void add_complaint(struct lk_control *c, const char *text)
{
	lk_str_addf(&c->message, "%s%s", c->message.len ? "; " : "the trailer ", text);
}

static void check_count(struct lk_control *c, enum count which, const struct lk_value *v)
{
	static const char *const nouns[] = {"records", "details", "records in all"};
	static const struct lk_text none = {"", 0};
	struct lk_total said = {0}, came = {.units = c->counts[which]};
	char text[160], number[LK_TOTAL_TEXT];

	lk_total_add(&said, v->data, v->len, &none, &none);
	if (lk_totals_equal(&said, &came))
		return;
	if (said.bad)
		snprintf(text, sizeof(text), "has no number where it must count %s", nouns[which]);
	else
		lk_total_text(&said, number);
	if (!said.bad)
		snprintf(text, sizeof(text), "says %s %s, %lld came", number, nouns[which], (long long)c->counts[which]);
	add_complaint(c, text);
}

static void check_sum(struct lk_control *c, int i, const struct lk_value *v)
{
	const struct lk_source_field *f = &c->sink->resource->fields[c->plan->sums[i].field];
	const struct lk_total *came = &c->totals[i];
	struct lk_total said = {0};
	char text[MESSAGE_BYTES], numbers[2][LK_TOTAL_TEXT];

	lk_total_add(&said, v->data, v->len, &f->convert.decimal, &f->convert.group);
	if (lk_totals_equal(&said, came))
		return;
	if (said.bad) {
		snprintf(text, sizeof(text), "has no number where the sum of %s must stand", f->column);
	} else if (came->bad) {
		snprintf(text, sizeof(text), "has a sum of %s, and not all that came are numbers", f->column);
	} else if (f->phi) {
		snprintf(text, sizeof(text), "has another sum of %s than came", f->column);
	} else {
		lk_total_text(&said, numbers[0]);
		lk_total_text(came, numbers[1]);
		snprintf(text, sizeof(text), "says that %s adds up to %s, it is %s", f->column, numbers[0], numbers[1]);
	}
	add_complaint(c, text);
}

static enum lk_status take_trailer(
	struct lk_control *c, const struct lk_control_source *from, const struct lk_place *place, struct lk_error *err)
{
	c->counts[COUNT_RECORDS]++;
	lk_str_clear(&c->message);
	if (c->plan->header && !c->has_header)
		add_complaint(c, "has no header before it");
	for (int i = 0; i < COUNTS; i++) {
		struct lk_value v = get(from, &c->plan->counts[i]);

		if (c->plan->counted[i])
			check_count(c, i, &v);
	}
	for (int i = 0; i < c->plan->sum_count; i++) {
		struct lk_value v = get(from, &c->plan->sums[i].window);

		check_sum(c, i, &v);
	}
	memset(c->counts, 0, sizeof(c->counts));
	memset(c->totals, 0, (size_t)c->plan->sum_count * sizeof(*c->totals));
	c->open = c->has_header = false;
	c->ended = true;
	return c->message.len ? complain(c, "the totals of this trailer are not those of the records before it", place, err)
			      : LK_OK;
}

/* A record that is none of the resource's. */
static enum lk_status pass_over(
	struct lk_control *c, const struct lk_value *type, const struct lk_place *place, struct lk_error *err)
{
	if (!c->leads)
		return LK_OK;
	for (int i = 0; i < c->known_count; i++)
		if (is_type(type, c->known[i]))
			return LK_OK;
	return lk_sink_reject(c->sink, NULL, "is of a type that no resource is for", place, err);
}

enum lk_status lk_control_record(struct lk_control *c, const struct lk_control_source *from, const struct lk_place *place,
	bool *own, struct lk_error *err)
{
	struct lk_value type = get(from, &c->plan->type);

	*own = c->at_header = false;
	if (is_type(&type, c->plan->header))
		return take_header(c, from, place, err);
	if (is_type(&type, c->plan->trailer))
		return take_trailer(c, from, place, err);
	c->open = true;
	c->counts[COUNT_DETAILS]++;
	c->counts[COUNT_RECORDS]++;
	if (c->plan->own && !is_type(&type, c->plan->own))
		return pass_over(c, &type, place, err);
	c->counts[COUNT_OWN]++;
	if (c->plan->header && !c->has_header)
		return lk_sink_reject(c->sink, NULL, "no header comes before it", place, err);
	*own = true;
	return LK_OK;
}

enum lk_status lk_control_broken(struct lk_control *c, const char *reason, const struct lk_place *place, struct lk_error *err)
{
	c->open = true;
	c->counts[COUNT_DETAILS]++;
	c->counts[COUNT_RECORDS]++;
	return c->leads ? lk_sink_reject(c->sink, NULL, reason, place, err) : LK_OK;
}

bool lk_control_at_header(const struct lk_control *c)
{
	return c->at_header;
}

void lk_control_add(struct lk_control *c, const struct lk_value *values)
{
	for (int i = 0; i < c->plan->sum_count; i++) {
		const struct lk_source_field *f = &c->sink->resource->fields[c->plan->sums[i].field];
		struct lk_value v = values[c->plan->sums[i].field];

		if (!v.data)
			continue;
		lk_text_trim(&v.data, &v.len);
		if (v.len && !lk_texts_have(&f->missing, v.data, v.len))
			lk_total_add(&c->totals[i], v.data, v.len, &f->convert.decimal, &f->convert.group);
	}
}

enum lk_status lk_control_finish(struct lk_control *c, struct lk_error *err)
{
	if (!c->plan->trailer || c->sink->replayed || (c->ended && !c->open))
		return LK_OK;
	return lk_sinks_fail(&c->sink, 1, NULL, err, "has no trailer at its end, behind %lld records: more may be lost",
		(long long)c->counts[COUNT_RECORDS]);
}
