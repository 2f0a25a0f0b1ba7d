#include <stdlib.h>
#include <string.h>

#include "sql/upsert_inside.h"
#include "stream/side.h"

static bool is_of(const char *known, struct ArrowStringView table)
{
	return !known || (table.data && strlen(known) == (size_t)table.size_bytes && !memcmp(known, table.data, (size_t)table.size_bytes));
}

/* The delivery is not whole for that table; NULL: for any. */
static enum lk_status add(struct lk_upsert_wanting *w, struct ArrowStringView table, struct ArrowStringView sha256, struct lk_error *err)
{
	struct lk_upsert_part *p;

	if (sha256.size_bytes < LK_UPSERT_DIGITS)
		return LK_OK;
	for (size_t i = 0; i < w->count; i++)
		if (!memcmp(w->items[i].digits, sha256.data, LK_UPSERT_DIGITS) && is_of(w->items[i].table, table))
			return LK_OK;
	if (!lk_grow((void **)&w->items, &w->cap, w->count + 1, sizeof(*p)))
		return lk_error_nomem(err);
	p = &w->items[w->count];
	*p = (struct lk_upsert_part){.table = table.data ? strndup(table.data, (size_t)table.size_bytes) : NULL};
	if (table.data && !p->table)
		return lk_error_nomem(err);
	memcpy(p->digits, sha256.data, LK_UPSERT_DIGITS);
	w->count++;
	return LK_OK;
}

static struct ArrowStringView text_at(const struct ArrowArrayView *view, int column, int64_t row)
{
	if (column < 0 || ArrowArrayViewIsNull(view->children[column], row))
		return (struct ArrowStringView){NULL, 0};
	return ArrowArrayViewGetStringUnsafe(view->children[column], row);
}

static int text_column(const struct ArrowSchema *schema, const char *name)
{
	int i = lk_schema_find(schema, name);

	return i >= 0 && lk_type_of(schema->children[i], NULL, NULL) == LK_UTF8 ? i : -1;
}

/* Members that failed or crashed may have had rows of any table. */
static enum lk_status note_files(struct lk_upsert_wanting *w, const struct lk_batch *batch, struct lk_error *err)
{
	int sha256 = text_column(batch->schema, "sha256"), table = text_column(batch->schema, "table");
	int status = text_column(batch->schema, "status"), rejected = lk_schema_find(batch->schema, "rejected");

	if (rejected >= 0 && lk_type_of(batch->schema->children[rejected], NULL, NULL) != LK_INT64)
		rejected = -1;
	for (int64_t row = 0; sha256 >= 0 && row < batch->rows; row++) {
		struct ArrowStringView word = text_at(batch->view, status, row), none = {NULL, 0};

		if (word.data && ((word.size_bytes == 6 && !memcmp(word.data, "failed", 6)) ||
					 (word.size_bytes == 7 && !memcmp(word.data, "crashed", 7))))
			LK_TRY(add(w, none, text_at(batch->view, sha256, row), err));
		else if (rejected >= 0 && ArrowArrayViewGetIntUnsafe(batch->view->children[rejected], row) > 0)
			LK_TRY(add(w, text_at(batch->view, table, row), text_at(batch->view, sha256, row), err));
	}
	return LK_OK;
}

static enum lk_status note_rejects(struct lk_upsert_wanting *w, const struct lk_batch *batch, struct lk_error *err)
{
	int sha256 = text_column(batch->schema, "sha256"), table = text_column(batch->schema, "table");

	for (int64_t row = 0; sha256 >= 0 && row < batch->rows; row++)
		LK_TRY(add(w, text_at(batch->view, table, row), text_at(batch->view, sha256, row), err));
	return LK_OK;
}

enum lk_status lk_upsert_note(struct lk_upsert_wanting *w, const struct lk_batch *batch, struct lk_error *err)
{
	if (!strcmp(batch->table, LK_TABLE_FILES))
		return note_files(w, batch, err);
	return !strcmp(batch->table, LK_TABLE_REJECTS) ? note_rejects(w, batch, err) : LK_OK;
}

enum lk_status lk_upsert_wanting_of(const struct lk_upsert_wanting *w, const char *table, struct lk_arena *arena, const char ***digits, size_t *count,
	struct lk_error *err)
{
	*count = 0;
	*digits = lk_arena_alloc(arena, (w->count + 1) * sizeof(**digits));
	if (!*digits)
		return lk_error_nomem(err);
	for (size_t i = 0; i < w->count; i++)
		if (!w->items[i].table || !strcmp(w->items[i].table, table))
			(*digits)[(*count)++] = w->items[i].digits;
	return LK_OK;
}

void lk_upsert_wanting_release(struct lk_upsert_wanting *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->items[i].table);
	free(w->items);
	*w = (struct lk_upsert_wanting){.items = NULL};
}
