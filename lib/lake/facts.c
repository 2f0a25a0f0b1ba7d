#include "lake/facts.h"

#include <stdlib.h>
#include <string.h>

#include "stream/side.h"

const char *const lk_fact_words[] = {"deleted", "confirmed", "complete"};
#define KINDS (sizeof(lk_fact_words) / sizeof(*lk_fact_words))

/* ---- writing ---- */

static enum lk_status begin(struct lk_facts *f, struct lk_error *err)
{
	static const struct lk_meta meta[] = {{LK_META_PARTITION, "[\"table_uuid\"]"}, {NULL}};

	if (f->made)
		return LK_OK;
	f->made = true;
	return lk_builder_init(&f->builder, lk_versions_fields, LK_VERSIONS_COLUMNS, meta, err);
}

static void add_number(struct lk_column *c, bool has, int64_t value)
{
	if (has)
		lk_column_int64(c, value);
	else
		lk_column_null(c);
}

enum lk_status lk_facts_add(struct lk_facts *f, const struct lk_target *of, const struct lk_fact *fact, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	struct lk_column *c;
	enum lk_status status;

	LK_TRY(begin(f, err));
	lk_str_addf(&name, "%s.%s", of->namespace_name, of->name);
	status = lk_str_check(&name, err);
	if (status) {
		lk_str_release(&name);
		return status;
	}
	c = f->builder.columns;
	lk_column_bytes(&c[LK_VERSIONS_TABLE], name.data, name.len);
	lk_str_release(&name);
	lk_column_text(&c[LK_VERSIONS_UUID], of->uuid);
	lk_column_text(&c[LK_VERSIONS_FACT], lk_fact_words[fact->kind]);
	lk_column_bytes(&c[LK_VERSIONS_KEY], fact->key_len ? fact->key : "", fact->key_len);
	lk_column_bytes(&c[LK_VERSIONS_VERSION], fact->version, fact->version_len);
	add_number(&c[LK_VERSIONS_SENT], fact->has_sent, fact->sent);
	lk_column_text(&c[LK_VERSIONS_FILE], fact->file);
	add_number(&c[LK_VERSIONS_ROW], fact->has_row, fact->row);
	return lk_builder_end_row(&f->builder, err);
}

enum lk_status lk_facts_fit(struct lk_facts *f, struct lk_target *versions, struct lk_error *err)
{
	LK_TRY(begin(f, err));
	return lk_target_fit(versions, &f->builder.schema, NULL, LK_SCHEMA_ADD, err);
}

enum lk_status lk_facts_begin(struct lk_facts *f, struct lk_target *versions, const char *prefix, struct lk_error *err)
{
	struct lk_parquet_column *columns = NULL;
	enum lk_status status;
	int count;

	LK_TRY(lk_facts_fit(f, versions, err));
	status = lk_target_columns(versions, &f->builder.schema, NULL, &columns, &f->source, &count, err);
	if (!status)
		status = lk_partition_writer_create(&f->writer, versions, columns, count, prefix, &f->next_file, err);
	free(columns);
	return status;
}

enum lk_status lk_facts_flush(struct lk_facts *f, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_check(&f->builder, err));
	LK_TRY(lk_builder_view(&f->builder, &view, err));
	if (view->length)
		LK_TRY(lk_partition_writer_write(f->writer, view, f->source, err));
	lk_builder_clear(&f->builder);
	return LK_OK;
}

enum lk_status lk_facts_finish(struct lk_facts *f, struct lk_error *err)
{
	bool more = true;

	LK_TRY(lk_facts_flush(f, err));
	LK_TRY(lk_partition_writer_end(f->writer, err));
	while (more)
		LK_TRY(lk_partition_writer_drain(f->writer, &more, err));
	return LK_OK;
}

void lk_facts_release(struct lk_facts *f)
{
	if (f->made)
		lk_builder_release(&f->builder);
	lk_partition_writer_free(f->writer);
	free(f->source);
	*f = (struct lk_facts){.made = false};
}

/* ---- reading ---- */

struct reading {
	const struct ArrowArrayView *columns[LK_VERSIONS_COLUMNS];
	struct lk_str table, file;
};

static enum lk_status find_columns(struct reading *r, const struct lk_batch *batch, struct lk_error *err)
{
	for (int i = 0; i < LK_VERSIONS_COLUMNS; i++) {
		int at = lk_schema_find(batch->schema, lk_versions_fields[i].name);

		if (at < 0 || lk_type_of(batch->schema->children[at], NULL, NULL) != lk_versions_fields[i].type)
			return lk_error_set(err, LK_DATA, "the stream's " LK_TABLE_VERSIONS " has no sound column %s",
				lk_versions_fields[i].name);
		r->columns[i] = batch->view->children[at];
	}
	return LK_OK;
}

static struct ArrowBufferView bytes_of(const struct ArrowArrayView *column, int64_t row)
{
	if (ArrowArrayViewIsNull(column, row))
		return (struct ArrowBufferView){.size_bytes = 0};
	return ArrowArrayViewGetBytesUnsafe(column, row);
}

static bool find_kind(struct ArrowBufferView word, enum lk_fact_kind *kind)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strlen(lk_fact_words[i]) == (size_t)word.size_bytes && !memcmp(word.data.data, lk_fact_words[i], (size_t)word.size_bytes)) {
			*kind = (enum lk_fact_kind)i;
			return true;
		}
	return false;
}

static bool number_of(const struct ArrowArrayView *column, int64_t row, int64_t *value)
{
	bool has = !ArrowArrayViewIsNull(column, row);

	*value = has ? ArrowArrayViewGetIntUnsafe(column, row) : 0;
	return has;
}

static enum lk_status read_fact(struct reading *r, int64_t row, struct lk_fact *fact, struct lk_error *err)
{
	struct ArrowBufferView table = bytes_of(r->columns[LK_VERSIONS_TABLE], row), file = bytes_of(r->columns[LK_VERSIONS_FILE], row);
	struct ArrowBufferView key = bytes_of(r->columns[LK_VERSIONS_KEY], row), version = bytes_of(r->columns[LK_VERSIONS_VERSION], row);

	*fact = (struct lk_fact){.key = key.data.data, .key_len = (size_t)key.size_bytes, .version = version.data.data,
		.version_len = (size_t)version.size_bytes};
	lk_str_clear(&r->table);
	lk_str_clear(&r->file);
	lk_str_add(&r->table, table.data.data, (size_t)table.size_bytes);
	lk_str_add(&r->file, file.data.data, (size_t)file.size_bytes);
	LK_TRY(lk_str_check(&r->table, err));
	LK_TRY(lk_str_check(&r->file, err));
	fact->has_sent = number_of(r->columns[LK_VERSIONS_SENT], row, &fact->sent);
	fact->has_row = number_of(r->columns[LK_VERSIONS_ROW], row, &fact->row);
	fact->file = ArrowArrayViewIsNull(r->columns[LK_VERSIONS_FILE], row) ? NULL : lk_str_text(&r->file);
	if (!find_kind(bytes_of(r->columns[LK_VERSIONS_FACT], row), &fact->kind))
		return lk_error_set(err, LK_DATA, "row %lld of the stream's " LK_TABLE_VERSIONS " is no fact that lk knows", (long long)row + 1);
	return LK_OK;
}

static enum lk_status read_rows(struct reading *r, const struct lk_batch *batch, lk_table_fact_visitor *visit, void *context,
	struct lk_error *err)
{
	struct lk_fact fact;

	LK_TRY(find_columns(r, batch, err));
	for (int64_t i = 0; i < batch->rows; i++) {
		LK_TRY(read_fact(r, i, &fact, err));
		LK_TRY(visit(context, lk_str_text(&r->table), &fact, err));
	}
	return LK_OK;
}

enum lk_status lk_facts_read(const struct lk_batch *batch, lk_table_fact_visitor *visit, void *context, struct lk_error *err)
{
	struct reading r = {.table = LK_STR_INIT};
	enum lk_status status = read_rows(&r, batch, visit, context, err);

	lk_str_release(&r.table);
	lk_str_release(&r.file);
	return status;
}
