#include "archive/list.h"

static const struct lk_field fields[] = {
	{"delivery", LK_UTF8},
	{"member", LK_UTF8},
	{"size", LK_INT64},
	{"modified", LK_TIMESTAMPTZ},
	{"encrypted", LK_BOOL},
	{"status", LK_UTF8},
	{"error", LK_UTF8},
};

enum lk_status lk_member_list_open(struct lk_member_list *l, enum lk_format format, FILE *out, struct lk_error *err)
{
	LK_TRY(lk_builder_init(&l->rows, fields, sizeof(fields) / sizeof(*fields), NULL, err));
	return lk_formatter_open(&l->formatter, format, out, NULL, &l->rows.schema, err);
}

static enum lk_status flush(struct lk_member_list *l, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_view(&l->rows, &view, err));
	LK_TRY(lk_formatter_batch(l->formatter, view, err));
	lk_builder_clear(&l->rows);
	return LK_OK;
}

enum lk_status lk_member_list_add(struct lk_member_list *l, const struct lk_member_origin *origin, const struct lk_member *m,
	struct lk_error *err)
{
	struct lk_column *c = l->rows.columns;

	lk_column_text(c++, origin->path);
	lk_column_text(c++, m->path);
	if (m->size >= 0)
		lk_column_int64(c++, m->size);
	else
		lk_column_null(c++);
	if (m->has_modified)
		lk_column_int64(c++, m->modified_us);
	else
		lk_column_null(c++);
	lk_column_bool(c++, m->encrypted);
	lk_column_text(c++, lk_member_status_name(m->status));
	lk_column_text(c++, m->error);
	LK_TRY(lk_builder_end_row(&l->rows, err));
	return lk_builder_full(&l->rows) ? flush(l, err) : LK_OK;
}

enum lk_status lk_member_list_close(struct lk_member_list *l, struct lk_error *err)
{
	struct lk_formatter *formatter = l->formatter;

	LK_TRY(flush(l, err));
	l->formatter = NULL;
	return lk_formatter_close(formatter, err);
}

void lk_member_list_release(struct lk_member_list *l)
{
	lk_formatter_abort(l->formatter);
	lk_builder_release(&l->rows);
	*l = (struct lk_member_list){.formatter = NULL};
}
