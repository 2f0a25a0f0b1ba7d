#include "lake/counts.h"

#include <string.h>

#include "base/str.h"

json_t *lk_commit_counts_new(void)
{
	return json_pack("{s:{}, s:{}}", "members", "rejects");
}

static enum lk_status add(json_t *object, const char *key, json_int_t n, struct lk_error *err)
{
	const json_t *was = json_object_get(object, key);

	if (json_object_set_new(object, key, json_integer((was ? json_integer_value(was) : 0) + n)))
		return lk_error_set(err, LK_DATA, "cannot count '%s': it is not UTF-8, or memory ran out", key);
	return LK_OK;
}

/* The object at a key, made when it is not there; NULL when that cannot be done. */
static json_t *object_at(json_t *object, const char *key)
{
	json_t *at = json_object_get(object, key);

	if (!at && !json_object_set_new(object, key, json_object()))
		at = json_object_get(object, key);
	return at;
}

/* ---- columns of text ---- */

static enum lk_status find_text(const struct ArrowSchema *schema, const struct ArrowArrayView *view, const char *name,
	const struct ArrowArrayView **column, struct lk_error *err)
{
	int i = lk_schema_find(schema, name);

	if (i < 0 || lk_type_of(schema->children[i], NULL, NULL) != LK_UTF8)
		return lk_error_set(err, LK_DATA, "a side table of the stream has no column %s of text", name);
	*column = view->children[i];
	return LK_OK;
}

static void add_text(struct lk_str *out, const struct ArrowArrayView *column, int64_t row)
{
	struct ArrowStringView text = {"", 0};

	if (!ArrowArrayViewIsNull(column, row))
		text = ArrowArrayViewGetStringUnsafe(column, row);
	lk_str_add(out, text.data, (size_t)text.size_bytes);
}

/* ---- counting ---- */

struct files {
	const struct ArrowArrayView *sha256, *member, *status;
	struct lk_str row, last, word; /* what tells a member and its status from the row before */
};

static enum lk_status count_file(json_t *members, struct files *f, int64_t row, struct lk_error *err)
{
	struct lk_str spare;

	lk_str_clear(&f->row);
	add_text(&f->row, f->sha256, row);
	add_text(&f->row, f->member, row);
	lk_str_addc(&f->row, '\n');
	add_text(&f->row, f->status, row);
	LK_TRY(lk_str_check(&f->row, err));
	if (f->last.len == f->row.len && !memcmp(f->last.data, f->row.data, f->row.len))
		return LK_OK;
	spare = f->last;
	f->last = f->row;
	f->row = spare;
	lk_str_clear(&f->word);
	add_text(&f->word, f->status, row);
	LK_TRY(lk_str_check(&f->word, err));
	return add(members, lk_str_text(&f->word), 1, err);
}

enum lk_status lk_commit_counts_files(json_t *counts, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	const bool *keep, struct lk_error *err)
{
	json_t *members = json_object_get(counts, "members");
	struct files f = {.row = LK_STR_INIT, .last = LK_STR_INIT, .word = LK_STR_INIT};
	enum lk_status status = LK_OK;

	LK_TRY(find_text(schema, view, "sha256", &f.sha256, err));
	LK_TRY(find_text(schema, view, "member", &f.member, err));
	LK_TRY(find_text(schema, view, "status", &f.status, err));
	for (int64_t i = 0; i < view->length && !status; i++)
		if (keep[i])
			status = count_file(members, &f, i, err);
	lk_str_release(&f.row);
	lk_str_release(&f.last);
	lk_str_release(&f.word);
	return status;
}

enum lk_status lk_commit_counts_rejects(json_t *counts, const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	struct lk_error *err)
{
	json_t *rejects = json_object_get(counts, "rejects"), *fields;
	struct lk_str table = LK_STR_INIT, field = LK_STR_INIT;
	const struct ArrowArrayView *tables, *names;
	enum lk_status status = LK_OK;

	LK_TRY(find_text(schema, view, "table", &tables, err));
	LK_TRY(find_text(schema, view, "field", &names, err));
	for (int64_t i = 0; i < view->length && !status; i++) {
		lk_str_clear(&table);
		lk_str_clear(&field);
		add_text(&table, tables, i);
		add_text(&field, names, i);
		fields = table.failed || field.failed ? NULL : object_at(rejects, lk_str_text(&table));
		status = add(fields, lk_str_text(&field), 1, err);
	}
	lk_str_release(&table);
	lk_str_release(&field);
	return status;
}

enum lk_status lk_commit_counts_add(json_t *counts, const json_t *more, struct lk_error *err)
{
	const char *key, *field;
	json_t *value, *n;

	json_object_foreach(json_object_get(more, "members"), key, value)
		if (json_is_integer(value))
			LK_TRY(add(json_object_get(counts, "members"), key, json_integer_value(value), err));
	json_object_foreach(json_object_get(more, "rejects"), key, value)
		json_object_foreach(value, field, n)
			if (json_is_integer(n))
				LK_TRY(add(object_at(json_object_get(counts, "rejects"), key), field,
					json_integer_value(n), err));
	return LK_OK;
}
