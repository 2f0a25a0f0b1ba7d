#include "parquet/footer.h"

#include <limits.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/tool.h"
#include "parquet/thrift.h"

#define MAGIC "PAR1"
#define CREATED_BY "lk version " LK_VERSION " (build c)"
#define FORMAT_VERSION 2

enum converted { UTF8 = 0, DECIMAL = 5, DATE = 6, TIME_MICROS = 8, TIMESTAMP_MICROS = 10 };
enum logical { LOGICAL_STRING = 1, LOGICAL_DECIMAL = 5, LOGICAL_DATE = 6, LOGICAL_TIME = 7, LOGICAL_TIMESTAMP = 8 };
enum order { UNORDERED = 0, ASCENDING = 1, DESCENDING = 2 };

void lk_footer_release(struct lk_footer *f)
{
	lk_str_release(&f->metas);
	lk_str_release(&f->column_indexes);
	lk_str_release(&f->offset_indexes);
	free(f->chunks);
	free(f->groups);
	*f = (struct lk_footer){0};
}

/* ---- a column chunk ---- */

static void put_statistics(struct lk_thrift *t, int id, const struct lk_chunk *c)
{
	struct lk_str low = LK_STR_INIT, high = LK_STR_INIT;
	bool low_exact, high_exact;
	bool has_low = lk_range_low(&c->range, &c->statistics_form, &low, &low_exact);
	bool has_high = lk_range_high(&c->range, &c->statistics_form, &high, &high_exact);

	t->out->failed |= low.failed || high.failed;
	lk_thrift_struct(t, id);
	lk_thrift_i64(t, 3, c->null_count);
	if (has_high)
		lk_thrift_binary(t, 5, high.data, high.len);
	if (has_low)
		lk_thrift_binary(t, 6, low.data, low.len);
	if (has_high)
		lk_thrift_bool(t, 7, high_exact);
	if (has_low)
		lk_thrift_bool(t, 8, low_exact);
	lk_thrift_end(t);
	lk_str_release(&low);
	lk_str_release(&high);
}

static void put_page_count(struct lk_thrift *t, int page_type, enum lk_encoding encoding, int32_t count)
{
	lk_thrift_element(t);
	lk_thrift_i32(t, 1, page_type);
	lk_thrift_i32(t, 2, encoding);
	lk_thrift_i32(t, 3, count);
	lk_thrift_end(t);
}

static void put_encodings(struct lk_thrift *t, const struct lk_chunk *c)
{
	lk_thrift_list(t, 2, LK_THRIFT_I32, c->dictionary_pages ? 3 : 2);
	lk_thrift_item_int(t, LK_ENCODING_PLAIN);
	lk_thrift_item_int(t, LK_ENCODING_RLE);
	if (c->dictionary_pages)
		lk_thrift_item_int(t, LK_ENCODING_DICTIONARY);
}

static void put_encoding_stats(struct lk_thrift *t, const struct lk_chunk *c)
{
	lk_thrift_list(t, 13, LK_THRIFT_STRUCT, (c->dictionary_pages ? 2 : 0) + (c->plain_pages ? 1 : 0));
	if (c->dictionary_pages) {
		put_page_count(t, 2, LK_ENCODING_PLAIN, 1);
		put_page_count(t, 0, LK_ENCODING_DICTIONARY, c->dictionary_pages);
	}
	if (c->plain_pages)
		put_page_count(t, 0, LK_ENCODING_PLAIN, c->plain_pages);
}

/* ColumnMetaData */
static void put_meta(struct lk_footer *f, const struct lk_chunk *c, int64_t offset, int64_t dictionary_bytes)
{
	struct lk_thrift t = lk_thrift_start(&f->metas);

	lk_thrift_i32(&t, 1, c->physical);
	put_encodings(&t, c);
	lk_thrift_list(&t, 3, LK_THRIFT_BINARY, 1);
	lk_thrift_item_binary(&t, c->column.name, strlen(c->column.name));
	lk_thrift_i32(&t, 4, f->codec);
	lk_thrift_i64(&t, 5, c->row_count);
	lk_thrift_i64(&t, 6, c->uncompressed_bytes);
	lk_thrift_i64(&t, 7, (int64_t)c->pages.len + dictionary_bytes);
	lk_thrift_i64(&t, 9, offset + dictionary_bytes);
	if (dictionary_bytes)
		lk_thrift_i64(&t, 11, offset);
	put_statistics(&t, 12, c);
	put_encoding_stats(&t, c);
	lk_thrift_end(&t);
}

static struct lk_bytes page_bound(const struct lk_chunk *c, const struct lk_page *p, bool high)
{
	const uint8_t *at = (const uint8_t *)c->bounds.data + p->low_at;

	return high ? (struct lk_bytes){at + p->low_len, p->high_len} : (struct lk_bytes){at, p->low_len};
}

static enum order boundary_order(const struct lk_chunk *c)
{
	const struct lk_page *last = NULL;
	bool ascending = true, descending = true;

	for (size_t i = 0; i < c->page_count; i++) {
		const struct lk_page *page = &c->page[i];

		if (page->empty)
			continue;
		for (int high = 0; last && high < 2; high++) {
			int order = lk_bound_compare(c->kind, page_bound(c, last, high), page_bound(c, page, high));

			ascending &= order <= 0;
			descending &= order >= 0;
		}
		last = page;
	}
	return ascending ? ASCENDING : descending ? DESCENDING : UNORDERED;
}

/* ColumnIndex; nothing where a page with values has no bounds (NaN only, or bytes after which nothing sorts). */
static void put_column_index(struct lk_str *out, const struct lk_chunk *c)
{
	struct lk_thrift t = lk_thrift_start(out);

	for (size_t i = 0; i < c->page_count; i++)
		if (!c->page[i].empty && !c->page[i].bounded)
			return;
	lk_thrift_list(&t, 1, LK_THRIFT_TRUE, c->page_count);
	for (size_t i = 0; i < c->page_count; i++)
		lk_thrift_item_bool(&t, c->page[i].empty);
	for (int high = 0; high < 2; high++) {
		lk_thrift_list(&t, 2 + high, LK_THRIFT_BINARY, c->page_count);
		for (size_t i = 0; i < c->page_count; i++) {
			struct lk_bytes bound = page_bound(c, &c->page[i], high);

			lk_thrift_item_binary(&t, bound.data, bound.len);
		}
	}
	lk_thrift_i32(&t, 4, boundary_order(c));
	lk_thrift_list(&t, 5, LK_THRIFT_I64, c->page_count);
	for (size_t i = 0; i < c->page_count; i++)
		lk_thrift_item_int(&t, c->page[i].null_count);
	lk_thrift_end(&t);
}

/* OffsetIndex */
static void put_offset_index(struct lk_str *out, const struct lk_chunk *c, int64_t data_offset)
{
	struct lk_thrift t = lk_thrift_start(out);

	lk_thrift_list(&t, 1, LK_THRIFT_STRUCT, c->page_count);
	for (size_t i = 0; i < c->page_count; i++) {
		lk_thrift_element(&t);
		lk_thrift_i64(&t, 1, data_offset + c->page[i].offset);
		lk_thrift_i32(&t, 2, c->page[i].size);
		lk_thrift_i64(&t, 3, c->page[i].first_row);
		lk_thrift_end(&t);
	}
	lk_thrift_end(&t);
}

enum lk_status lk_footer_begin_group(struct lk_footer *f, int64_t offset, int64_t rows, struct lk_error *err)
{
	if (!lk_grow((void **)&f->groups, &f->group_cap, f->group_count + 1, sizeof(*f->groups)))
		return lk_error_nomem(err);
	f->groups[f->group_count++] = (struct lk_footer_group){.offset = offset, .rows = rows};
	return LK_OK;
}

enum lk_status lk_footer_add_chunk(struct lk_footer *f, const struct lk_chunk *c, int64_t offset,
	int64_t dictionary_bytes, struct lk_error *err)
{
	struct lk_footer_group *group = &f->groups[f->group_count - 1];
	struct lk_footer_chunk *place;

	if (!lk_grow((void **)&f->chunks, &f->chunk_cap, f->chunk_count + 1, sizeof(*f->chunks)))
		return lk_error_nomem(err);
	place = &f->chunks[f->chunk_count++];
	place->meta_at = f->metas.len;
	put_meta(f, c, offset, dictionary_bytes);
	place->meta_len = f->metas.len - place->meta_at;
	place->column_index_at = f->column_indexes.len;
	put_column_index(&f->column_indexes, c);
	place->column_index_len = f->column_indexes.len - place->column_index_at;
	place->offset_index_at = f->offset_indexes.len;
	put_offset_index(&f->offset_indexes, c, offset + dictionary_bytes);
	place->offset_index_len = f->offset_indexes.len - place->offset_index_at;
	group->uncompressed_bytes += c->uncompressed_bytes;
	group->compressed_bytes += (int64_t)c->pages.len + dictionary_bytes;
	LK_TRY(lk_str_check(&f->metas, err));
	LK_TRY(lk_str_check(&f->column_indexes, err));
	return lk_str_check(&f->offset_indexes, err);
}

/* ---- the schema ---- */

static void put_time(struct lk_thrift *t, enum logical type, bool utc)
{
	lk_thrift_struct(t, type);
	lk_thrift_bool(t, 1, utc);
	lk_thrift_struct(t, 2); /* unit */
	lk_thrift_struct(t, 2); /* microseconds */
	lk_thrift_end(t);
	lk_thrift_end(t);
	lk_thrift_end(t);
}

static void put_logical_type(struct lk_thrift *t, int id, const struct lk_parquet_column *column)
{
	lk_thrift_struct(t, id);
	switch (column->type) {
	case LK_UTF8:
		lk_thrift_struct(t, LOGICAL_STRING);
		lk_thrift_end(t);
		break;
	case LK_DECIMAL128:
		lk_thrift_struct(t, LOGICAL_DECIMAL);
		lk_thrift_i32(t, 1, column->scale);
		lk_thrift_i32(t, 2, column->precision);
		lk_thrift_end(t);
		break;
	case LK_DATE32:
		lk_thrift_struct(t, LOGICAL_DATE);
		lk_thrift_end(t);
		break;
	case LK_TIME64:
		put_time(t, LOGICAL_TIME, false);
		break;
	default:
		put_time(t, LOGICAL_TIMESTAMP, column->type == LK_TIMESTAMPTZ);
	}
	lk_thrift_end(t);
}

/* The older annotation, or -1; a timestamp without zone has none. */
static int converted_type(enum lk_type type)
{
	switch (type) {
	case LK_UTF8:
		return UTF8;
	case LK_DECIMAL128:
		return DECIMAL;
	case LK_DATE32:
		return DATE;
	case LK_TIME64:
		return TIME_MICROS;
	case LK_TIMESTAMPTZ:
		return TIMESTAMP_MICROS;
	default:
		return -1;
	}
}

static void put_schema_element(struct lk_thrift *t, const struct lk_chunk *c)
{
	const struct lk_parquet_column *column = &c->column;
	int converted = converted_type(column->type);

	lk_thrift_element(t);
	lk_thrift_i32(t, 1, c->physical);
	if (c->physical == LK_PHYSICAL_FIXED)
		lk_thrift_i32(t, 2, c->width);
	lk_thrift_i32(t, 3, column->required ? 0 : 1);
	lk_thrift_binary(t, 4, column->name, strlen(column->name));
	if (converted >= 0)
		lk_thrift_i32(t, 6, converted);
	if (column->type == LK_DECIMAL128) {
		lk_thrift_i32(t, 7, column->scale);
		lk_thrift_i32(t, 8, column->precision);
	}
	lk_thrift_i32(t, 9, column->field_id);
	if (converted >= 0 || column->type == LK_TIMESTAMP)
		put_logical_type(t, 10, column);
	lk_thrift_end(t);
}

static void put_schema(struct lk_thrift *t, int id, const struct lk_chunk *columns, int count)
{
	lk_thrift_list(t, id, LK_THRIFT_STRUCT, (size_t)count + 1);
	lk_thrift_element(t);
	lk_thrift_binary(t, 4, "table", 5);
	lk_thrift_i32(t, 5, count);
	lk_thrift_end(t);
	for (int i = 0; i < count; i++)
		put_schema_element(t, &columns[i]);
}

/* ---- the file ---- */

struct index_places {
	int64_t column_indexes, offset_indexes; /* where they begin in the file */
};

static void put_chunk(struct lk_thrift *t, const struct lk_footer *f, const struct lk_footer_chunk *place,
	const struct index_places *at)
{
	lk_thrift_element(t);
	lk_thrift_i64(t, 2, 0);
	lk_thrift_encoded(t, 3, f->metas.data + place->meta_at, place->meta_len);
	lk_thrift_i64(t, 4, at->offset_indexes + (int64_t)place->offset_index_at);
	lk_thrift_i32(t, 5, (int32_t)place->offset_index_len);
	if (place->column_index_len) {
		lk_thrift_i64(t, 6, at->column_indexes + (int64_t)place->column_index_at);
		lk_thrift_i32(t, 7, (int32_t)place->column_index_len);
	}
	lk_thrift_end(t);
}

static void put_groups(struct lk_thrift *t, int id, const struct lk_footer *f, int columns,
	const struct index_places *at)
{
	const struct lk_footer_chunk *place = f->chunks;

	lk_thrift_list(t, id, LK_THRIFT_STRUCT, f->group_count);
	for (size_t i = 0; i < f->group_count; i++) {
		const struct lk_footer_group *group = &f->groups[i];

		lk_thrift_element(t);
		lk_thrift_list(t, 1, LK_THRIFT_STRUCT, (size_t)columns);
		for (int j = 0; j < columns; j++)
			put_chunk(t, f, place++, at);
		lk_thrift_i64(t, 2, group->uncompressed_bytes);
		lk_thrift_i64(t, 3, group->rows);
		lk_thrift_i64(t, 5, group->offset);
		lk_thrift_i64(t, 6, group->compressed_bytes);
		if (i <= INT16_MAX)
			lk_thrift_i16(t, 7, (int16_t)i);
		lk_thrift_end(t);
	}
}

static void put_file(struct lk_str *out, const struct lk_footer *f, const struct lk_chunk *columns, int count,
	int64_t rows, const struct index_places *at)
{
	struct lk_thrift t = lk_thrift_start(out);

	lk_thrift_i32(&t, 1, FORMAT_VERSION);
	put_schema(&t, 2, columns, count);
	lk_thrift_i64(&t, 3, rows);
	put_groups(&t, 4, f, count, at);
	lk_thrift_binary(&t, 6, CREATED_BY, strlen(CREATED_BY));
	lk_thrift_list(&t, 7, LK_THRIFT_STRUCT, (size_t)count);
	for (int i = 0; i < count; i++) { /* each as its type says */
		lk_thrift_element(&t);
		lk_thrift_struct(&t, 1);
		lk_thrift_end(&t);
		lk_thrift_end(&t);
	}
	lk_thrift_end(&t);
}

static enum lk_status write_metadata(const struct lk_str *data, struct lk_out *out, struct lk_error *err)
{
	uint32_t len = (uint32_t)data->len;

	LK_TRY(lk_str_check(data, err));
	if (data->len > INT32_MAX)
		return lk_error_set(err, LK_DATA, "'%s' has more row groups than its metadata may describe", out->path);
	LK_TRY(lk_out_add(out, data->data, data->len, err));
	LK_TRY(lk_out_add(out, &len, 4, err));
	return lk_out_add(out, MAGIC, 4, err);
}

enum lk_status lk_footer_write(struct lk_footer *f, const struct lk_chunk *columns, int count, int64_t rows,
	struct lk_out *out, struct lk_error *err)
{
	struct index_places at = {.column_indexes = (int64_t)out->offset};
	struct lk_str data = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(lk_out_add(out, lk_str_text(&f->column_indexes), f->column_indexes.len, err));
	at.offset_indexes = (int64_t)out->offset;
	LK_TRY(lk_out_add(out, lk_str_text(&f->offset_indexes), f->offset_indexes.len, err));
	put_file(&data, f, columns, count, rows, &at);
	status = write_metadata(&data, out, err);
	lk_str_release(&data);
	return status;
}
