#include "lake/write_options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "base/value.h"
#include "lake/metadata.h"

#define FILE_BYTES (512 << 20)
#define INFERRED_COLUMNS 100
/* What a page may hold of rows and bytes: its parts are allocated at once, and counted in 32 bits. */
#define PAGE_ROWS_MAX 1000000
#define PAGE_BYTES_MAX (256 << 20)
#define COLUMN_PREFIX "write.metadata.metrics.column."

static const char *text_of(const json_t *properties, const char *key)
{
	return json_string_value(json_object_get(properties, key));
}

/* A number above 0; what is beyond most is most, as all of these are limits. */
static enum lk_status read_number(const json_t *properties, const char *key, int64_t most, int64_t *out, struct lk_error *err)
{
	const char *text = text_of(properties, key);
	int64_t n;

	if (!text)
		return LK_OK;
	if (!lk_int64_parse(text, strlen(text), &n) || n < 1)
		return lk_error_set(err, LK_DATA, "its property %s is '%s', not a number above 0", key, text);
	*out = n < most ? n : most;
	return LK_OK;
}

static enum lk_status read_codec(const json_t *properties, struct lk_parquet_options *o, struct lk_error *err)
{
	static const struct {
		const char *name;
		enum lk_codec codec;
		int64_t most; /* of the level */
	} codecs[] = {{"zstd", LK_CODEC_ZSTD, 22}, {"snappy", LK_CODEC_SNAPPY, 0}, {"gzip", LK_CODEC_GZIP, 9},
		{"uncompressed", LK_CODEC_UNCOMPRESSED, 0}, {"none", LK_CODEC_UNCOMPRESSED, 0}};
	const char *name = text_of(properties, "write.parquet.compression-codec");
	int64_t level = 0;

	for (size_t i = 0; i < sizeof(codecs) / sizeof(*codecs); i++) {
		if (strcasecmp(name ? name : "zstd", codecs[i].name))
			continue;
		o->codec = codecs[i].codec;
		if (codecs[i].most)
			LK_TRY(read_number(properties, "write.parquet.compression-level", codecs[i].most, &level, err));
		o->level = (int)level;
		return LK_OK;
	}
	return lk_error_set(err, LK_MISSING, "its property write.parquet.compression-codec is '%s'; lk writes zstd, snappy, gzip and "
		"uncompressed", name);
}

enum lk_status lk_write_options_read(const json_t *properties, struct lk_write_options *out, struct lk_error *err)
{
	const char *format = text_of(properties, "write.format.default");
	struct lk_parquet_options *p = &out->parquet;

	*out = (struct lk_write_options){LK_PARQUET_DEFAULTS, FILE_BYTES};
	if (format && strcasecmp(format, "parquet"))
		return lk_error_set(err, LK_MISSING, "its property write.format.default is '%s'; lk writes parquet", format);
	LK_TRY(read_codec(properties, p, err));
	LK_TRY(read_number(properties, "write.target-file-size-bytes", INT64_MAX, &out->file_bytes, err));
	LK_TRY(read_number(properties, "write.parquet.row-group-size-bytes", INT64_MAX, &p->row_group_bytes, err));
	if (text_of(properties, "write.parquet.row-group-size-bytes"))
		p->row_group_rows = 0;
	LK_TRY(read_number(properties, "write.parquet.page-size-bytes", PAGE_BYTES_MAX, &p->page_bytes, err));
	LK_TRY(read_number(properties, "write.parquet.page-row-limit", PAGE_ROWS_MAX, &p->page_rows, err));
	return read_number(properties, "write.parquet.dict-size-bytes", PAGE_BYTES_MAX, &p->dictionary_bytes, err);
}

/* ---- metrics ---- */

struct mode {
	enum lk_metrics_mode mode;
	int points;
};

/* False for what is no mode. */
static bool read_mode(const char *text, struct mode *out)
{
	size_t len = text ? strlen(text) : 0;
	int64_t n;

	if (!text)
		return false;
	*out = (struct mode){LK_METRICS_TRUNCATE, 0};
	if (!strcasecmp(text, "none"))
		out->mode = LK_METRICS_NONE;
	else if (!strcasecmp(text, "counts"))
		out->mode = LK_METRICS_COUNTS;
	else if (!strcasecmp(text, "full"))
		out->mode = LK_METRICS_FULL;
	else if (len > 10 && !strncasecmp(text, "truncate(", 9) && text[len - 1] == ')' &&
		 lk_int64_parse(text + 9, len - 10, &n) && n >= 1)
		out->points = (int)(n < INT32_MAX / 8 ? n : INT32_MAX / 8);
	else
		return false;
	return true;
}

/* Whether files are sorted by the column's own values, or in their order. */
static bool is_sorted_by(const struct lk_sort_order *order, int32_t id)
{
	for (int i = 0; i < order->count; i++)
		if (order->fields[i].source_id == id && order->fields[i].transform != LK_TRANSFORM_BUCKET &&
			order->fields[i].transform != LK_TRANSFORM_VOID)
			return true;
	return false;
}

/* Without a mode of its own: the table's; where that is not told, all is said of the first columns only. */
static void choose_mode(const json_t *properties, const struct lk_sort_order *order, bool inferred,
	const struct lk_parquet_column *c, struct mode *out)
{
	const char *common = text_of(properties, "write.metadata.metrics.default");
	struct lk_str key = LK_STR_INIT;
	struct mode own;

	if (!read_mode(common, out))
		*out = (struct mode){LK_METRICS_TRUNCATE, 0};
	if (!common && !inferred)
		out->mode = LK_METRICS_NONE;
	if (is_sorted_by(order, c->field_id) && (out->mode == LK_METRICS_NONE || out->mode == LK_METRICS_COUNTS))
		*out = (struct mode){LK_METRICS_TRUNCATE, 0};
	lk_str_addf(&key, COLUMN_PREFIX "%s", c->name);
	if (read_mode(text_of(properties, lk_str_text(&key)), &own))
		*out = own;
	lk_str_release(&key);
}

enum lk_status lk_write_metrics(const json_t *properties, const json_t *schema, const struct lk_sort_order *order,
	struct lk_parquet_column *columns, int count, struct lk_error *err)
{
	const json_t *fields = json_object_get(schema, "fields");
	int64_t inferred = INFERRED_COLUMNS;
	size_t place = 0; /* of the column in the schema, whose order they are in */

	LK_TRY(read_number(properties, "write.metadata.metrics.max-inferred-column-defaults", INT32_MAX, &inferred, err));
	for (int i = 0; i < count; i++) {
		struct mode mode;

		while (place < json_array_size(fields) &&
			lk_metadata_number(json_array_get(fields, place), "id", 0) != columns[i].field_id)
			place++;
		choose_mode(properties, order, (int64_t)place < inferred, &columns[i], &mode);
		columns[i].metrics = mode.mode;
		columns[i].points = mode.points;
	}
	return LK_OK;
}
