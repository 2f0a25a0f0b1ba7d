#include "stream/cell.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"

void lk_cell_init(struct lk_cell *cell, const struct ArrowSchema *schema)
{
	cell->schema = schema;
	if (ArrowSchemaViewInit(&cell->type, schema, NULL) != NANOARROW_OK)
		cell->type = (struct ArrowSchemaView){.type = NANOARROW_TYPE_NA};
}

bool lk_cell_is_number(const struct lk_cell *cell)
{
	switch (cell->type.type) {
	case NANOARROW_TYPE_INT8:
	case NANOARROW_TYPE_INT16:
	case NANOARROW_TYPE_INT32:
	case NANOARROW_TYPE_INT64:
	case NANOARROW_TYPE_UINT8:
	case NANOARROW_TYPE_UINT16:
	case NANOARROW_TYPE_UINT32:
	case NANOARROW_TYPE_UINT64:
	case NANOARROW_TYPE_HALF_FLOAT:
	case NANOARROW_TYPE_FLOAT:
	case NANOARROW_TYPE_DOUBLE:
	case NANOARROW_TYPE_DECIMAL32:
	case NANOARROW_TYPE_DECIMAL64:
	case NANOARROW_TYPE_DECIMAL128:
	case NANOARROW_TYPE_DECIMAL256:
		return true;
	default:
		return false;
	}
}

bool lk_cell_is_free_text(const struct lk_cell *cell)
{
	switch (cell->type.type) {
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_LARGE_STRING:
	case NANOARROW_TYPE_LIST:
	case NANOARROW_TYPE_LARGE_LIST:
	case NANOARROW_TYPE_FIXED_SIZE_LIST:
	case NANOARROW_TYPE_STRUCT:
	case NANOARROW_TYPE_MAP:
		return true;
	default:
		return false;
	}
}

/* ---- numbers ---- */

/* The shortest text that reads back as the same float32, of which 9 digits are always enough. */
static size_t float32_text(float value, char *out)
{
	int n = 0;

	if (!isfinite(value))
		return lk_float64_text((double)value, out);
	for (int digits = 1; digits <= 9; digits++) {
		n = snprintf(out, LK_VALUE_TEXT, "%.*g", digits, (double)value);
		if (strtof(out, NULL) == value)
			break;
	}
	return (size_t)n;
}

static void add_float(const struct lk_cell *cell, double value, bool json, struct lk_str *out)
{
	char text[LK_VALUE_TEXT];
	size_t n = cell->type.type == NANOARROW_TYPE_DOUBLE ? lk_float64_text(value, text) :
							      float32_text((float)value, text);

	if (json && !isfinite(value)) /* JSON has no such numbers */
		lk_str_add_json(out, text, n);
	else
		lk_str_add(out, text, n);
}

static void add_decimal(const struct lk_cell *cell, const struct ArrowArrayView *view, int64_t row, struct lk_str *out)
{
	struct ArrowDecimal decimal;
	struct ArrowBuffer text;
	int scale = cell->type.decimal_scale, exponent = scale >= 0 && scale <= 76 ? 0 : -scale;

	/* a scale out of all proportion is shown as an exponent */
	ArrowDecimalInit(&decimal, cell->type.decimal_bitwidth, cell->type.decimal_precision, exponent ? 0 : scale);
	ArrowArrayViewGetDecimalUnsafe(view, row, &decimal);
	ArrowBufferInit(&text);
	if (ArrowDecimalAppendStringToBuffer(&decimal, &text) != NANOARROW_OK)
		out->failed = true;
	else
		lk_str_add(out, text.data, (size_t)text.size_bytes);
	ArrowBufferReset(&text);
	if (exponent)
		lk_str_addf(out, "e%d", exponent);
}

/* ---- dates and times ---- */

static int64_t units_a_second(enum ArrowTimeUnit unit)
{
	static const int64_t units[] = {1, 1000, 1000000, 1000000000};

	return units[unit];
}

/* ".5" of half a second, in as many digits as it needs; nothing of a whole one. */
static void add_fraction(int64_t fraction, int64_t unit, struct lk_str *out)
{
	if (!fraction)
		return;
	lk_str_addc(out, '.');
	while (fraction) {
		unit /= 10;
		lk_str_addc(out, (char)('0' + fraction / unit));
		fraction %= unit;
	}
}

/* value counts `unit`s to a second since the epoch, or of the day. False when it is beyond any calendar. */
static bool add_moment(const struct lk_cell *cell, int64_t value, bool iso, struct lk_str *out)
{
	int64_t unit = units_a_second(cell->type.time_unit), seconds = value / unit, fraction = value % unit;
	bool timestamp = cell->type.type == NANOARROW_TYPE_TIMESTAMP;
	bool zone = timestamp && cell->type.timezone && cell->type.timezone[0];
	char text[LK_VALUE_TEXT];

	if (fraction < 0) {
		seconds--;
		fraction += unit;
	}
	if (seconds > INT64_MAX / 1000000 - 86400 || seconds < INT64_MIN / 1000000 + 86400)
		return false;
	if (timestamp) {
		lk_str_add(out, text, lk_timestamp_text(seconds * 1000000, false, iso, text));
	} else {
		if (seconds < 0 || seconds > 86400)
			return false;
		lk_str_add(out, text, lk_time_text(seconds * 1000000, text));
	}
	add_fraction(fraction, unit, out);
	if (zone)
		lk_str_adds(out, iso ? "Z" : "+00");
	return true;
}

static bool add_date(const struct lk_cell *cell, int64_t value, struct lk_str *out)
{
	char text[LK_VALUE_TEXT];

	if (cell->type.type == NANOARROW_TYPE_DATE64)
		value = value / 86400000 - (value % 86400000 < 0);
	if (value < INT32_MIN || value > INT32_MAX)
		return false;
	lk_str_add(out, text, lk_date_text((int32_t)value, text));
	return true;
}

static void add_calendar(const struct lk_cell *cell, int64_t value, bool json, struct lk_str *out)
{
	bool date = cell->type.type == NANOARROW_TYPE_DATE32 || cell->type.type == NANOARROW_TYPE_DATE64;
	size_t start = out->len;

	if (json)
		lk_str_addc(out, '"');
	if (!(date ? add_date(cell, value, out) : add_moment(cell, value, json, out))) {
		if (!out->failed)
			out->len = start;
		lk_str_addf(out, "%lld", (long long)value);
	} else if (json) {
		lk_str_addc(out, '"');
	}
}

/* As ISO 8601 writes periods: P1Y is never used, since months do not become years. */
static void add_interval(const struct ArrowArrayView *view, enum ArrowType type, int64_t row, bool json,
	struct lk_str *out)
{
	struct ArrowInterval i;
	uint64_t ns;
	bool negative;

	ArrowIntervalInit(&i, type);
	ArrowArrayViewGetIntervalUnsafe(view, row, &i);
	negative = i.ns < 0 || i.ms < 0;
	ns = (uint64_t)i.ns + (uint64_t)i.ms * 1000000; /* a type has one of the two */
	ns = negative ? -ns : ns;
	lk_str_addf(out, "%sP%dM%dDT%s%llu", json ? "\"" : "", (int)i.months, (int)i.days, negative ? "-" : "",
		(unsigned long long)(ns / 1000000000));
	add_fraction((int64_t)(ns % 1000000000), 1000000000, out);
	lk_str_adds(out, json ? "S\"" : "S");
}

/* ---- text and what holds other cells ---- */

static void add_hex(struct ArrowBufferView bytes, bool json, struct lk_str *out)
{
	static const char digits[] = "0123456789abcdef";

	lk_str_adds(out, json ? "\"\\\\x" : "\\x");
	for (int64_t i = 0; i < bytes.size_bytes; i++) {
		lk_str_addc(out, digits[bytes.data.as_uint8[i] >> 4]);
		lk_str_addc(out, digits[bytes.data.as_uint8[i] & 15]);
	}
	if (json)
		lk_str_addc(out, '"');
}

static void add_list(const struct lk_cell *cell, const struct ArrowArrayView *view, int64_t from, int64_t to,
	struct lk_str *out)
{
	struct lk_cell item;

	lk_cell_init(&item, cell->schema->children[0]);
	lk_str_addc(out, '[');
	for (int64_t i = from; i < to; i++) {
		if (i > from)
			lk_str_addc(out, ',');
		lk_cell_add(&item, view->children[0], i, true, out);
	}
	lk_str_addc(out, ']');
}

static void add_struct(const struct lk_cell *cell, const struct ArrowArrayView *view, int64_t row, struct lk_str *out)
{
	struct lk_cell field;

	lk_str_addc(out, '{');
	for (int64_t i = 0; i < view->n_children; i++) {
		const char *name = cell->schema->children[i]->name;

		if (i)
			lk_str_addc(out, ',');
		lk_str_add_json(out, name ? name : "", name ? strlen(name) : 0);
		lk_str_addc(out, ':');
		lk_cell_init(&field, cell->schema->children[i]);
		lk_cell_add(&field, view->children[i], row + view->offset, true, out);
	}
	lk_str_addc(out, '}');
}

void lk_cell_add(const struct lk_cell *cell, const struct ArrowArrayView *view, int64_t row, bool json,
	struct lk_str *out)
{
	struct ArrowBufferView bytes;
	int64_t at = row + view->offset, size = view->layout.child_size_elements;
	char text[LK_VALUE_TEXT];

	if (cell->type.type == NANOARROW_TYPE_NA || ArrowArrayViewIsNull(view, row)) {
		lk_str_adds(out, json ? "null" : "");
		return;
	}
	switch (cell->type.type) {
	case NANOARROW_TYPE_BOOL:
		lk_str_adds(out, ArrowArrayViewGetIntUnsafe(view, row) ? "true" : "false");
		break;
	case NANOARROW_TYPE_UINT64:
		lk_str_addf(out, "%llu", (unsigned long long)ArrowArrayViewGetUIntUnsafe(view, row));
		break;
	case NANOARROW_TYPE_HALF_FLOAT:
	case NANOARROW_TYPE_FLOAT:
	case NANOARROW_TYPE_DOUBLE:
		add_float(cell, ArrowArrayViewGetDoubleUnsafe(view, row), json, out);
		break;
	case NANOARROW_TYPE_DECIMAL32:
	case NANOARROW_TYPE_DECIMAL64:
	case NANOARROW_TYPE_DECIMAL128:
	case NANOARROW_TYPE_DECIMAL256:
		add_decimal(cell, view, row, out);
		break;
	case NANOARROW_TYPE_DATE32:
	case NANOARROW_TYPE_DATE64:
	case NANOARROW_TYPE_TIME32:
	case NANOARROW_TYPE_TIME64:
	case NANOARROW_TYPE_TIMESTAMP:
		add_calendar(cell, ArrowArrayViewGetIntUnsafe(view, row), json, out);
		break;
	case NANOARROW_TYPE_INTERVAL_MONTHS:
	case NANOARROW_TYPE_INTERVAL_DAY_TIME:
	case NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO:
		add_interval(view, cell->type.type, row, json, out);
		break;
	case NANOARROW_TYPE_STRING:
	case NANOARROW_TYPE_LARGE_STRING:
		bytes = ArrowArrayViewGetBytesUnsafe(view, row);
		if (json)
			lk_str_add_json(out, bytes.data.as_char, (size_t)bytes.size_bytes);
		else
			lk_str_add(out, bytes.data.as_char, (size_t)bytes.size_bytes);
		break;
	case NANOARROW_TYPE_BINARY:
	case NANOARROW_TYPE_LARGE_BINARY:
	case NANOARROW_TYPE_FIXED_SIZE_BINARY:
		add_hex(ArrowArrayViewGetBytesUnsafe(view, row), json, out);
		break;
	case NANOARROW_TYPE_LIST:
	case NANOARROW_TYPE_LARGE_LIST:
	case NANOARROW_TYPE_MAP:
		add_list(cell, view, ArrowArrayViewListChildOffset(view, at), ArrowArrayViewListChildOffset(view, at + 1),
			out);
		break;
	case NANOARROW_TYPE_FIXED_SIZE_LIST:
		add_list(cell, view, at * size, (at + 1) * size, out);
		break;
	case NANOARROW_TYPE_STRUCT:
		add_struct(cell, view, row, out);
		break;
	default: /* integers and durations */
		lk_str_add(out, text, lk_int64_text(ArrowArrayViewGetIntUnsafe(view, row), text));
	}
}

void lk_cell_json(const struct ArrowSchema *column, const struct ArrowArrayView *view, int64_t row, struct lk_str *out)
{
	struct lk_cell cell;

	lk_cell_init(&cell, column);
	lk_cell_add(&cell, view, row, true, out);
}
