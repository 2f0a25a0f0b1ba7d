#include "sql/recast.h"

#include <stdlib.h>

/* Whether a column changes, and into what. */
static bool target(const struct ArrowSchema *column, bool exact, struct lk_field *field)
{
	struct ArrowSchemaView view;

	*field = (struct lk_field){.name = column->name ? column->name : ""};
	if (ArrowSchemaViewInit(&view, column, NULL) != NANOARROW_OK)
		return false;
	switch (view.type) {
	case NANOARROW_TYPE_NA:
	case NANOARROW_TYPE_INT8:
	case NANOARROW_TYPE_INT16:
	case NANOARROW_TYPE_UINT8:
	case NANOARROW_TYPE_UINT16:
		field->type = LK_INT32;
		return true;
	case NANOARROW_TYPE_UINT32:
		field->type = LK_INT64;
		return true;
	case NANOARROW_TYPE_UINT64:
		field->type = LK_DECIMAL128;
		field->precision = 20;
		return true;
	case NANOARROW_TYPE_HALF_FLOAT:
	case NANOARROW_TYPE_FLOAT:
		field->type = LK_FLOAT64;
		return exact;
	case NANOARROW_TYPE_TIME64:
		field->type = LK_TIME64;
		return view.time_unit != NANOARROW_TIME_UNIT_MICRO;
	case NANOARROW_TYPE_TIMESTAMP:
		field->type = view.timezone && view.timezone[0] ? LK_TIMESTAMPTZ : LK_TIMESTAMP;
		return view.time_unit != NANOARROW_TIME_UNIT_MICRO;
	case NANOARROW_TYPE_DICTIONARY:
	case NANOARROW_TYPE_INTERVAL_MONTHS:
	case NANOARROW_TYPE_INTERVAL_DAY_TIME:
	case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
		field->type = LK_UTF8;
		return true;
	default:
		return false;
	}
}

static enum lk_status choose(struct lk_recast *c, const struct ArrowSchema *wire, bool exact, struct lk_field *fields,
	struct lk_error *err)
{
	int built = 0, code;

	for (int64_t i = 0; i < wire->n_children; i++)
		c->built_index[i] = target(wire->children[i], exact, &fields[built]) ? built++ : -1;
	LK_TRY(lk_builder_init(&c->built, fields, built, NULL, err));
	code = ArrowSchemaDeepCopy(wire, &c->schema);
	for (int64_t i = 0; code == NANOARROW_OK && i < wire->n_children; i++) {
		if (c->built_index[i] < 0)
			continue;
		ArrowSchemaRelease(c->schema.children[i]);
		code = ArrowSchemaDeepCopy(c->built.schema.children[c->built_index[i]], c->schema.children[i]);
	}
	return lk_arrow_status(code, NULL, LK_BUG, "cannot copy the result's schema", err);
}

enum lk_status lk_recast_init(struct lk_recast *c, const struct ArrowSchema *wire, bool exact, struct lk_error *err)
{
	size_t n = (size_t)wire->n_children + 1; /* none of size 0 */
	struct lk_field *fields = calloc(n, sizeof(*fields));
	enum lk_status status;

	*c = (struct lk_recast){.built_index = calloc(n, sizeof(int)), .columns = calloc(n, sizeof(*c->columns))};
	if (!fields || !c->built_index || !c->columns)
		status = lk_error_nomem(err);
	else
		status = choose(c, wire, exact, fields, err);
	free(fields);
	if (status)
		lk_recast_release(c);
	return status;
}

void lk_recast_release(struct lk_recast *c)
{
	if (c->schema.release)
		ArrowSchemaRelease(&c->schema);
	lk_builder_release(&c->built);
	free(c->built_index);
	free(c->columns);
	*c = (struct lk_recast){.built_index = NULL};
}

static void add_unit(struct lk_str *out, int64_t n, const char *unit)
{
	if (n)
		lk_str_addf(out, "%s%lld %s%s", out->len ? " " : "", (long long)n, unit, n == 1 || n == -1 ? "" : "s");
}

void lk_interval_text(int64_t months, int64_t days, int64_t us, struct lk_str *out)
{
	uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us, second = 1000000;
	uint64_t fraction = size % second;
	int digits = 6;

	add_unit(out, months / 12, "year");
	add_unit(out, months % 12, "month");
	add_unit(out, days, "day");
	if (!us && out->len)
		return;
	lk_str_addf(out, "%s%s%02llu:%02u:%02u", out->len ? " " : "", us < 0 ? "-" : "",
		(unsigned long long)(size / second / 3600), (unsigned)(size / second / 60 % 60),
		(unsigned)(size / second % 60));
	if (!fraction)
		return;
	for (; fraction % 10 == 0; digits--)
		fraction /= 10;
	lk_str_addf(out, ".%0*llu", digits, (unsigned long long)fraction);
}

static void add_interval(struct lk_column *to, const struct ArrowArrayView *from, int64_t row)
{
	struct lk_str text = LK_STR_INIT;
	struct ArrowInterval v;

	ArrowIntervalInit(&v, from->storage_type);
	ArrowArrayViewGetIntervalUnsafe(from, row, &v);
	lk_interval_text(v.months, v.days, v.ns / 1000 + (int64_t)v.ms * 1000, &text);
	if (text.failed)
		to->failed = true;
	else
		lk_column_bytes(to, text.data, text.len);
	lk_str_release(&text);
}

static void add_entry(struct lk_column *to, const struct ArrowArrayView *from, int64_t row)
{
	struct ArrowStringView text =
		ArrowArrayViewGetStringUnsafe(from->dictionary, ArrowArrayViewGetIntUnsafe(from, row));

	lk_column_bytes(to, text.data, (size_t)text.size_bytes);
}

/* A time in microseconds from one in seconds, milliseconds or nanoseconds; false when it is not exactly that. */
static bool microseconds(const struct ArrowSchema *column, int64_t value, int64_t *out)
{
	struct ArrowSchemaView view;

	*out = value;
	if (ArrowSchemaViewInit(&view, column, NULL) != NANOARROW_OK)
		return false;
	switch (view.time_unit) {
	case NANOARROW_TIME_UNIT_SECOND:
		return !__builtin_mul_overflow(value, 1000000, out);
	case NANOARROW_TIME_UNIT_MILLI:
		return !__builtin_mul_overflow(value, 1000, out);
	case NANOARROW_TIME_UNIT_NANO:
		*out = value / 1000;
		return value % 1000 == 0;
	default:
		return true;
	}
}

static enum lk_status add_value(struct lk_column *to, const struct ArrowSchema *column, const struct ArrowArrayView *from,
	int64_t row, struct lk_error *err)
{
	int64_t us;

	if (from->storage_type == NANOARROW_TYPE_NA || ArrowArrayViewIsNull(from, row)) {
		lk_column_null(to);
		return LK_OK;
	}
	switch (to->type) {
	case LK_INT32:
		lk_column_int32(to, (int32_t)ArrowArrayViewGetIntUnsafe(from, row));
		return LK_OK;
	case LK_INT64:
		lk_column_int64(to, ArrowArrayViewGetIntUnsafe(from, row));
		return LK_OK;
	case LK_DECIMAL128:
		lk_column_decimal(to, (lk_int128)ArrowArrayViewGetUIntUnsafe(from, row));
		return LK_OK;
	case LK_FLOAT64:
		lk_column_float64(to, ArrowArrayViewGetDoubleUnsafe(from, row));
		return LK_OK;
	case LK_UTF8:
		if (from->dictionary)
			add_entry(to, from, row);
		else
			add_interval(to, from, row);
		return LK_OK;
	default:
		if (!microseconds(column, ArrowArrayViewGetIntUnsafe(from, row), &us))
			return lk_error_set(err, LK_DATA, "column %s: a time does not fit microseconds; cast it to TIMESTAMP, TIME "
				"or VARCHAR", column->name);
		lk_column_int64(to, us);
		return LK_OK;
	}
}

static enum lk_status build(struct lk_recast *c, const struct ArrowSchema *wire, const struct ArrowArrayView *view,
	struct lk_error *err)
{
	lk_builder_clear(&c->built);
	for (int64_t row = 0; row < view->length; row++) {
		for (int64_t i = 0; i < view->n_children; i++)
			if (c->built_index[i] >= 0)
				LK_TRY(add_value(&c->built.columns[c->built_index[i]], wire->children[i],
					view->children[i], row, err));
		LK_TRY(lk_builder_end_row(&c->built, err));
	}
	return lk_builder_check(&c->built, err);
}

enum lk_status lk_recast_batch(struct lk_recast *c, const struct ArrowSchema *wire, struct ArrowArrayView *view,
	const struct ArrowArrayView **out, struct lk_error *err)
{
	const struct ArrowArrayView *built;

	*out = view;
	if (!c->built.column_count)
		return LK_OK;
	LK_TRY(build(c, wire, view, err));
	LK_TRY(lk_builder_view(&c->built, &built, err));
	for (int64_t i = 0; i < view->n_children; i++)
		c->columns[i] = c->built_index[i] < 0 ? view->children[i] : built->children[c->built_index[i]];
	c->out = *view;
	c->out.children = c->columns;
	*out = &c->out;
	return LK_OK;
}
