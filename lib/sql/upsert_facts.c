#include <string.h>

#include "sql/upsert_inside.h"
#include "sql/view.h"
#include "stream/side.h"

/* ---- from the lake ---- */

static bool kind_of(struct ArrowStringView word, enum lk_fact_kind *kind)
{
	for (int i = LK_FACT_DELETED; i <= LK_FACT_COMPLETE; i++)
		if ((size_t)word.size_bytes == strlen(lk_fact_words[i]) && !memcmp(word.data, lk_fact_words[i], (size_t)word.size_bytes)) {
			*kind = (enum lk_fact_kind)i;
			return true;
		}
	return false;
}

/* fact, key, version; of words that are not known nothing is taken. */
static enum lk_status take_facts(struct lk_upserting *t, const struct ArrowArrayView *view, struct lk_error *err)
{
	for (int64_t row = view->offset; row < view->offset + view->length; row++) {
		struct ArrowBufferView key = ArrowArrayViewGetBytesUnsafe(view->children[1], row);
		struct ArrowBufferView version = ArrowArrayViewGetBytesUnsafe(view->children[2], row);
		enum lk_fact_kind kind;

		if (kind_of(ArrowArrayViewGetStringUnsafe(view->children[0], row), &kind))
			LK_TRY(lk_resolver_known(t->resolver, kind, key.data.data, (size_t)key.size_bytes, version.data.data,
				(size_t)version.size_bytes, err));
	}
	return LK_OK;
}

static enum lk_status read_facts(struct lk_upserting *t, const char *select, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_status status = LK_OK;
	struct lk_result *result;
	enum lk_next next = LK_NEXT_END;

	LK_TRY(lk_result_select(&result, t->places->sql, select, true, err));
	while (!status && (next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		status = take_facts(t, view, err);
	lk_result_close(result);
	return !status && next == LK_NEXT_ERROR ? err->status : status;
}

enum lk_status lk_upsert_read_facts(struct lk_upserting *t, const struct lk_lake_table *versions, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	if (!t->base || !versions || !versions->file_count)
		return LK_OK;
	lk_str_adds(&s, "SELECT fact, key, version FROM (");
	status = lk_sql_add_rows(t->places->sql, versions, &s, err);
	lk_str_adds(&s, ") WHERE table_uuid = ");
	lk_sql_add_literal(&s, t->base->uuid);
	if (!status)
		status = lk_str_check(&s, err);
	if (!status)
		status = read_facts(t, s.data, err);
	lk_str_release(&s);
	return status;
}

/* ---- to the stream ---- */

struct facts {
	struct lk_upserting *t;
	struct lk_writer *out;
	struct lk_store *store; /* where they wait; NULL: they are written */
	struct lk_builder b;
};

static enum lk_status flush(struct facts *f, struct lk_error *err)
{
	struct lk_batch batch = {.table = LK_TABLE_VERSIONS, .schema = &f->b.schema, .stream = 1, .rows = f->b.rows};

	if (!f->b.rows)
		return LK_OK;
	if (!f->store)
		return lk_writer_flush(f->out, LK_TABLE_VERSIONS, &f->b, err);
	LK_TRY(lk_builder_view(&f->b, &batch.view, err));
	LK_TRY(lk_store_add(f->store, &batch, err));
	lk_builder_clear(&f->b);
	return LK_OK;
}

static void add_number(struct lk_column *c, bool has, int64_t value)
{
	if (has)
		lk_column_int64(c, value);
	else
		lk_column_null(c);
}

static enum lk_status add_fact(void *context, enum lk_fact_kind kind, const void *key, size_t key_len, const void *version, size_t version_len,
	int64_t candidate, struct lk_error *err)
{
	struct facts *f = context;
	struct lk_column *c = f->b.columns;
	struct lk_version_origin from = {.file = LK_STR_INIT};

	(void)candidate;
	if (!lk_version_origin(version, version_len, f->t->spec.load, lk_resolver_order_kind(f->t->resolver), &from))
		from.has_sent = from.has_row = false;
	lk_column_text(&c[LK_VERSIONS_TABLE], f->t->name);
	lk_column_text(&c[LK_VERSIONS_UUID], f->t->base ? f->t->base->uuid : NULL);
	lk_column_text(&c[LK_VERSIONS_FACT], lk_fact_words[kind]);
	lk_column_bytes(&c[LK_VERSIONS_KEY], key, key_len);
	lk_column_bytes(&c[LK_VERSIONS_VERSION], version, version_len);
	add_number(&c[LK_VERSIONS_SENT], from.has_sent, from.sent);
	lk_column_text(&c[LK_VERSIONS_FILE], from.file.len ? from.file.data : NULL);
	add_number(&c[LK_VERSIONS_ROW], from.has_row, from.row);
	lk_str_release(&from.file);
	LK_TRY(lk_builder_end_row(&f->b, err));
	return lk_builder_full(&f->b) ? flush(f, err) : LK_OK;
}

static enum lk_status give_facts(struct facts *f, struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(lk_builder_init(&f->b, lk_versions_fields, LK_VERSIONS_COLUMNS, NULL, err));
	status = lk_resolver_facts(f->t->resolver, add_fact, f, err);
	if (!status)
		status = flush(f, err);
	lk_builder_release(&f->b);
	return status;
}

/* With no room in memory all of them lie in a file, so that no array has to be given away. */
enum lk_status lk_upsert_keep_facts(struct lk_upserting *t, struct lk_error *err)
{
	struct facts f = {.t = t};

	if (!t->kept_facts)
		LK_TRY(lk_store_create(&t->kept_facts, 0, NULL, err));
	f.store = t->kept_facts;
	return give_facts(&f, err);
}

enum lk_status lk_upsert_write_facts(struct lk_upserting *t, struct lk_writer *out, struct lk_error *err)
{
	struct facts f = {.t = t, .out = out};
	struct lk_batch batch;
	enum lk_next next;

	if (!t->kept_facts)
		return give_facts(&f, err);
	LK_TRY(lk_store_rewind(t->kept_facts, err));
	while ((next = lk_store_next(t->kept_facts, &batch, err)) == LK_NEXT_BATCH)
		LK_TRY(lk_writer_batch(out, LK_TABLE_VERSIONS, batch.schema, batch.view, err));
	return next == LK_NEXT_ERROR ? err->status : LK_OK;
}
