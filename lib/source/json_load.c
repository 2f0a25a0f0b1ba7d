/* What a resource says of JSON: its records, conditions and fields; and whether a member begins as they do. */
#include "source/json.h"

#include <stdlib.h>
#include <string.h>

#include "source/lines.h"

static enum lk_status compile(
	struct lk_loading *l, const char *at, const char *text, struct lk_json_path *path)
{
	const char *problem;

	if (lk_json_path_compile(l->arena, text, path, &problem))
		return LK_OK;
	return problem ? lk_prop_wrong(l, at, "'%s' %s", text, problem) : lk_error_nomem(l->err);
}

static enum lk_status load_fields(struct lk_loading *l, const char *at, struct lk_resource *r, struct lk_json_program *p)
{
	p->fields = lk_arena_alloc(l->arena, (size_t)r->field_count * sizeof(*p->fields));
	if (!p->fields)
		return lk_error_nomem(l->err);
	for (int i = 0; i < r->field_count; i++) {
		const struct lk_source_field *f = &r->fields[i];
		const char *place = lk_prop_item(l, lk_prop_at(l, at, "schema.fields"), (size_t)i);

		if (f->origin != LK_ORIGIN_RECORD)
			continue;
		if (f->path != f->name)
			LK_TRY(compile(l, lk_prop_at(l, place, "lk.path"), f->path, &p->fields[i]));
		else if (!lk_json_path_member(l->arena, f->name, &p->fields[i]))
			return lk_error_nomem(l->err);
	}
	return LK_OK;
}

static enum lk_status load_where(struct lk_loading *l, const struct lk_resource_json *json, struct lk_json_program *p)
{
	const char *lk = lk_prop_at(l, json->at, "lk"), *at = lk_prop_at(l, lk, "where"), *key;
	const json_t *where;
	json_t *value;

	LK_TRY(lk_prop_object(l, json->lk, lk, "where", &where));
	json_object_foreach((json_t *)where, key, value)
	{
		struct lk_json_condition *condition = &p->conditions[p->condition_count];

		if (p->condition_count == LK_JSON_CONDITIONS)
			return lk_prop_wrong(l, at, "has more than %d conditions", LK_JSON_CONDITIONS);
		LK_TRY(compile(l, lk_prop_at(l, at, key), key, &condition->path));
		LK_TRY(lk_prop_texts(l, where, at, key, true, &condition->texts));
		p->condition_count++;
	}
	return LK_OK;
}

static void count_elements(const struct lk_resource *r, struct lk_json_program *p)
{
	for (int i = 0; i < p->record.count; i++)
		p->counted[i] = !p->record.stars[i];
	for (int i = 0; i < r->field_count; i++)
		lk_json_context_count(&p->record, &p->fields[i], p->counted);
	for (int i = 0; i < p->condition_count; i++)
		lk_json_context_count(&p->record, &p->conditions[i].path, p->counted);
}

enum lk_status lk_json_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r)
{
	struct lk_json_program *p = lk_arena_alloc(l->arena, sizeof(*p));
	const char *at = lk_prop_at(l, lk_prop_at(l, json->at, "lk"), "record");

	if (!p)
		return lk_error_nomem(l->err);
	r->program = p;
	LK_TRY(compile(l, at, r->record ? r->record : "", &p->record));
	if (p->record.relative)
		return lk_prop_wrong(l, at, "'%s' must begin with a slash", r->record);
	LK_TRY(load_where(l, json, p));
	LK_TRY(load_fields(l, json->at, r, p));
	count_elements(r, p);
	return LK_OK;
}

/* ---- conditions ---- */

static bool text_is(struct lk_json *j, const struct lk_json_node *node, const struct lk_texts *texts, struct lk_str *room)
{
	const char *text = j->text + node->start;
	size_t len = node->end - node->start;

	lk_str_clear(room);
	if (node->type == LK_JSON_STRING)
		text = lk_json_string(j, node, room, &len);
	return lk_texts_have(texts, text, len);
}

bool lk_json_conditions_hold(const struct lk_json_program *p, bool relative, struct lk_json *j, const struct lk_json_node *from,
	struct lk_str *room)
{
	for (int i = 0; i < p->condition_count; i++) {
		const struct lk_json_node *node;

		if (p->conditions[i].path.relative != relative)
			continue;
		node = lk_json_path_first(j, &p->conditions[i].path, from);
		if (!node || !text_is(j, node, &p->conditions[i].texts, room))
			return false;
	}
	return true;
}

/* ---- looking at a member ---- */

struct seen {
	bool plausible; /* something begins as a record would */
	bool parsed;	/* the first record is whole, and good */
	struct lk_json first;
	struct lk_str room;

};

void lk_json_forget(void *seen)
{
	struct seen *s = seen;

	if (!s)
		return;
	lk_json_release(&s->first);
	lk_str_release(&s->room);
	free(s);
}

/* The first record of lines: of the first line that is whole. */
static void find_line(const struct lk_head *head, struct lk_line *line)
{
	const char *p = head->data, *end = head->data + head->len;

	if (head->len >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
		p += 3;
	while (p < end && lk_is_white(*p))
		p++;
	line->data = p;
	p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	line->len = (size_t)((p ? p : end) - line->data);
}

static bool begins_record(const char *p, const char *end)
{
	return p < end && (*p == '{' || *p == '[');
}

static bool any_line_begins_record(const struct lk_line *first, const struct lk_head *head)
{
	const char *end = head->data + head->len;

	for (const char *p = first->data; p; p = memchr(p, '\n', (size_t)(end - p)), p = p ? p + 1 : NULL)
		if (begins_record(p, end))
			return true;
	return false;
}

static enum lk_status look_at(const struct lk_head *head, bool by_line, void **seen, struct lk_error *err)
{
	struct seen *s = calloc(1, sizeof(*s));
	struct lk_line line = {NULL};
	bool good;

	*seen = s;
	if (!s)
		return lk_error_nomem(err);
	find_line(head, &line);
	s->plausible = !line.len || (by_line ? any_line_begins_record(&line, head) : begins_record(line.data, line.data + line.len));
	if (!by_line || !line.len)
		return LK_OK;
	LK_TRY(lk_json_parse(&s->first, line.data, line.len, &good, err));
	s->parsed = good;
	return LK_OK;
}

enum lk_status lk_json_look_lines(const struct lk_head *head, void **seen, struct lk_error *err)
{
	return look_at(head, true, seen, err);
}

enum lk_status lk_json_look_documents(const struct lk_head *head, void **seen, struct lk_error *err)
{
	return look_at(head, false, seen, err);
}

bool lk_json_fits(const struct lk_resource *r, const void *seen, const char **why)
{
	struct seen *s = (struct seen *)seen;

	if (!s->plausible)
		*why = "is not JSON";
	else if (s->parsed && !lk_json_conditions_hold(r->program, false, &s->first, s->first.nodes, &s->room))
		*why = "its first record is none that lk.where takes";
	else
		return true;
	return false;
}

/* ---- replays ---- */

bool lk_json_alone(const struct lk_resource *r)
{
	const struct lk_json_program *p = r->program;

	for (int i = 0; i < r->field_count; i++)
		if (r->fields[i].origin == LK_ORIGIN_RECORD && p->fields[i].relative &&
			!lk_json_context_holds(&p->record, &p->fields[i]))
			return false;
	for (int i = 0; i < p->condition_count; i++)
		if (!lk_json_context_holds(&p->record, &p->conditions[i].path))
			return false;
	return true;
}

