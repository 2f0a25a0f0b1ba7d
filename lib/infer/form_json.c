/*
 * JSON lines, and JSON that is one array: each member of the records is a column, those of objects by their paths; an array is a
 * text as it stands.
 */
#include <stdlib.h>
#include <string.h>

#include "infer/form.h"
#include "source/convert.h"

#define RECORDS 1000 /* that are looked at for their members */
#define DEPTH 4	     /* of objects whose members are columns of their own */
#define COLUMNS 1000

static const char *skip_white(const struct lk_sample_head *head, size_t *left)
{
	const char *s = head->data, *end = s + head->len;

	if (head->len >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		s += 3;
	while (s < end && lk_is_white(*s))
		s++;
	*left = (size_t)(end - s);
	return s;
}

/* The value that the text begins with; NULL when there is none, or it is cut. *used: its length. */
static json_t *first_value(const char *s, size_t len, size_t *used)
{
	json_error_t problem;
	json_t *value = json_loadb(s, len, JSON_DISABLE_EOF_CHECK, &problem);

	*used = value ? (size_t)problem.position : 0;
	return value;
}

static bool is_json(const struct lk_sample_head *head)
{
	size_t left, used;
	const char *s = skip_white(head, &left);
	json_t *value;
	bool found;

	if (!left || (*s != '{' && *s != '['))
		return false;
	if (*s == '[')
		for (s++, left--; left && lk_is_white(*s); s++)
			left--;
	if (!left || *s != '{')
		return false;
	value = first_value(s, left, &used);
	found = json_is_object(value);
	json_decref(value);
	return found;
}

/* ---- columns ---- */

static bool has_column(const struct lk_table *t, const char *path)
{
	for (int i = 0; i < t->count; i++)
		if (!strcmp(t->columns[i].path, path))
			return true;
	return false;
}

/* A step of a JSON Pointer (RFC 6901). */
static void add_step(struct lk_str *path, const char *key)
{
	lk_str_addc(path, '/');
	for (; *key; key++) {
		if (*key == '~')
			lk_str_adds(path, "~0");
		else if (*key == '/')
			lk_str_adds(path, "~1");
		else
			lk_str_addc(path, *key);
	}
}

static enum lk_status add_column(struct lk_arena *arena, struct lk_table *t, const struct lk_str *path, struct lk_error *err)
{
	char *name, *kept, *to;

	LK_TRY(lk_str_check(path, err));
	if (t->count == COLUMNS || has_column(t, lk_str_text(path)))
		return LK_OK;
	kept = lk_arena_strdup(arena, lk_str_text(path));
	name = lk_arena_strdup(arena, lk_str_text(path) + 1);
	if (!kept || !name)
		return lk_error_nomem(err);
	to = name;
	for (const char *c = name; *c; c++) {
		bool escape = *c == '~';

		c += escape;
		*to++ = escape && *c == '0' ? '~' : escape || *c == '/' ? '_' : *c;
	}
	*to = '\0';
	return lk_table_add_column(t, name, kept, err);
}

static enum lk_status add_members(
	struct lk_arena *arena, struct lk_table *t, const json_t *object, struct lk_str *path, int depth, struct lk_error *err)
{
	size_t len = path->len;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		add_step(path, key);
		LK_TRY(json_is_object(value) && json_object_size(value) && depth < DEPTH
			       ? add_members(arena, t, value, path, depth + 1, err)
			       : add_column(arena, t, path, err));
		LK_TRY(lk_str_check(path, err));
		path->len = len;
		path->data[len] = '\0';
	}
	return LK_OK;
}

static enum lk_status read_records(
	struct lk_arena *arena, struct lk_table *t, const char *s, size_t left, struct lk_str *path, struct lk_error *err)
{
	for (int n = 0; n < RECORDS && left; n++) {
		enum lk_status status;
		json_t *value;
		size_t used;

		while (left && (lk_is_white(*s) || *s == ',' || *s == '['))
			s++, left--;
		value = left && *s == '{' ? first_value(s, left, &used) : NULL;
		if (!value)
			return LK_OK;
		lk_str_clear(path);
		status = add_members(arena, t, value, path, 1, err);
		json_decref(value);
		LK_TRY(status);
		s += used;
		left -= used;
	}
	return LK_OK;
}

static enum lk_status draft(struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;
	enum lk_status status;
	size_t left;
	const char *s = skip_white(head, &left);

	t->format = *s == '[' ? "json" : "jsonl";
	t->same_order = true;
	status = read_records(arena, t, s, left, &path, err);
	lk_str_release(&path);
	if (status == LK_OK && !t->count)
		t->failed = "is JSON without a member";
	return status;
}

const struct lk_sample_form lk_form_json = {is_json, draft};
