/* Cells and their bytes and hashes, sets of keys, versions, and what a schema says of a load. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "change/keys.h"
#include "change/version.h"
#include "stream/build.h"
#include "tap.h"

static struct lk_error err;

static struct lk_str encode(const struct lk_cells *c, int64_t row)
{
	struct lk_str s = LK_STR_INIT;

	lk_cells_encode(c, row, &s);
	return s;
}

/* A column is of values that ascend (null first): so must be what is encoded; each hash is that of the encoded cell, and no two are the same. */
static void check_ascending(const struct lk_cells *c, int64_t count, const char *title)
{
	uint64_t *hash = calloc((size_t)count, sizeof(*hash)), encoded;
	int wrong_order = 0, wrong_hash = 0, same_hash = 0, wrong_null = 0;
	struct lk_str last = LK_STR_INIT;

	lk_cells_hash(c, count, hash);
	for (int64_t i = 0; i < count; i++) {
		struct lk_str s = encode(c, i);

		wrong_null += lk_cells_is_null(c, i) != (s.data[0] == 0);
		wrong_order += i && lk_version_compare(last.data, last.len, s.data, s.len) >= 0;
		wrong_hash += !lk_encoded_hash(s.data, s.len, &c->kind, 1, &encoded) || encoded != hash[i];
		same_hash += i && hash[i] == hash[i - 1];
		lk_str_release(&last);
		last = s;
	}
	lk_str_release(&last);
	free(hash);
	ok(!wrong_order, "%s: bytes are ordered as values are", title);
	ok(!wrong_hash && !same_hash, "%s: hashes are those of the encoded cells", title);
	ok(!wrong_null, "%s: null is null", title);
}

static const uint8_t all_but_first[] = {0xfe, 0xff, 0xff, 0xff};

static void test_order(void)
{
	static const int64_t longs[] = {7, INT64_MIN, -256, -1, 0, 1, 255, 256, INT64_MAX};
	static const int32_t ints[] = {7, INT32_MIN, -256, -1, 0, 1, 255, 256, INT32_MAX};
	static const int16_t shorts[] = {7, INT16_MIN, -1, 0, 1, INT16_MAX};
	static const int8_t bytes[] = {7, INT8_MIN, -1, 0, 1, INT8_MAX};
	static const uint8_t small[] = {7, 0, 1, 128, 255};
	static const uint16_t medium[] = {7, 0, 1, 32768, 65535};
	static const uint32_t large[] = {7, 0, 1, UINT32_C(1) << 31, UINT32_MAX};
	static const uint8_t bits[] = {0x04};
	static const double doubles[] = {7, -INFINITY, -1e300, -1.5, -5e-324, 0, 5e-324, 1.5, 1e300, INFINITY, NAN};
	static const float floats[] = {7, -INFINITY, -1.5f, 0, 1.5f, INFINITY, NAN};
	lk_int128 most = 1, decimals[9];

	for (int i = 0; i < 38; i++)
		most *= 10;
	decimals[0] = 7;
	decimals[1] = 1 - most;
	decimals[2] = -((lk_int128)1 << 64);
	decimals[3] = -1;
	decimals[4] = 0;
	decimals[5] = 1;
	decimals[6] = INT64_MAX;
	decimals[7] = (lk_int128)1 << 64;
	decimals[8] = most - 1;
#define CELLS(kind, layout, values) (&(struct lk_cells){kind, layout, values, .valid = all_but_first, .factor = 1})
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_I64, longs), 9, "int64");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_I32, ints), 9, "int32");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_I16, shorts), 6, "int16");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_I8, bytes), 6, "int8");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_U8, small), 5, "uint8");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_U16, medium), 5, "uint16");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_U32, large), 5, "uint32");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_BITS, bits), 3, "bool");
	check_ascending(CELLS(LK_CELLS_FLOAT, LK_CELLS_F64, doubles), 11, "float64");
	check_ascending(CELLS(LK_CELLS_FLOAT, LK_CELLS_F32, floats), 7, "float32");
	check_ascending(CELLS(LK_CELLS_DECIMAL, LK_CELLS_I128, decimals), 9, "decimal of 38 digits");
	check_ascending(CELLS(LK_CELLS_DECIMAL, LK_CELLS_I64, longs), 9, "decimal of 18 digits");
	check_ascending(CELLS(LK_CELLS_DECIMAL, LK_CELLS_I32, ints), 9, "decimal of 9 digits");
	check_ascending(CELLS(LK_CELLS_DECIMAL, LK_CELLS_I16, shorts), 6, "decimal of 4 digits");
	check_ascending(CELLS(LK_CELLS_INT, LK_CELLS_NULL, NULL), 1, "null");
#undef CELLS
}

/* Texts in ascending order, NULs, bytes that are no text and long ones among them. */
static const struct {
	const char *data;
	uint32_t len;
} texts[] = {{"-", 1}, {"", 0}, {"\0", 1}, {"\0\0", 2}, {"\0\xff", 2}, {"\1", 1}, {"a", 1}, {"a\0", 2}, {"a\0b", 3}, {"a\0\xff" "b", 4}, {"aa", 2},
	{"aaaaaaaaaaaa", 12}, {"aaaaaaaaaaaaa", 13}, {"aaaaaaaaaaaaaaaaaaaa\0bbbbbbbbbbb", 32}, {"b", 1}, {"\xff", 1}, {"\xff\xff", 2}};
#define TEXTS ((int)(sizeof(texts) / sizeof(*texts)))

struct duck {
	uint32_t len;
	char prefix[4];
	const char *data;
};

static void make_texts(struct lk_str *all, int32_t *narrow, int64_t *wide, struct duck *duck)
{
	narrow[0] = 0;
	wide[0] = 0;
	for (int i = 0; i < TEXTS; i++) {
		lk_str_add(all, texts[i].data, texts[i].len);
		wide[i + 1] = (int64_t)all->len;
		narrow[i + 1] = (int32_t)all->len;
		duck[i] = (struct duck){.len = texts[i].len, .data = texts[i].data};
		memcpy(duck[i].prefix, texts[i].data, texts[i].len < 4 ? texts[i].len : 4);
		if (texts[i].len <= 12)
			memcpy(duck[i].prefix, texts[i].data, texts[i].len);
	}
}

static void test_text(void)
{
	struct lk_str all = LK_STR_INIT, cell[3];
	int32_t narrow[TEXTS + 1];
	int64_t wide[TEXTS + 1];
	struct duck duck[TEXTS];
	const struct lk_cells of[] = {{LK_CELLS_BYTES, LK_CELLS_TEXT32, narrow, NULL, all_but_first, 0, 0, 1},
		{LK_CELLS_BYTES, LK_CELLS_TEXT64, wide, NULL, all_but_first, 0, 0, 1}, {LK_CELLS_BYTES, LK_CELLS_DUCK, duck, NULL, all_but_first, 0, 0, 1}};
	struct lk_cells c[3];
	int differ = 0;

	make_texts(&all, narrow, wide, duck);
	for (int i = 0; i < 3; i++) {
		c[i] = of[i];
		c[i].text = all.data;
		check_ascending(&c[i], TEXTS, ((const char *[]){"utf8", "large utf8", "DuckDB's text"})[i]);
	}
	for (int row = 0; row < TEXTS; row++) {
		for (int i = 0; i < 3; i++)
			cell[i] = encode(&c[i], row);
		differ += cell[0].len != cell[1].len || cell[0].len != cell[2].len || memcmp(cell[0].data, cell[1].data, cell[0].len) ||
			  memcmp(cell[0].data, cell[2].data, cell[0].len);
		for (int i = 0; i < 3; i++)
			lk_str_release(&cell[i]);
	}
	ok(!differ, "text is the same in each layout");
	lk_str_release(&all);
}

/* The first row of two columns is one value, and hashes as one. */
static void check_same(const struct lk_cells *a, const struct lk_cells *b, bool want, const char *title)
{
	uint64_t hash[2] = {0, 0};
	struct lk_str x = encode(a, 0), y = encode(b, 0);
	bool same = x.len == y.len && !memcmp(x.data, y.data, x.len);

	lk_cells_hash(a, 1, &hash[0]);
	lk_cells_hash(b, 1, &hash[1]);
	ok(same == want && (hash[0] == hash[1]) == want, "%s", title);
	lk_str_release(&x);
	lk_str_release(&y);
}

static void test_same(void)
{
	static const int64_t wide[] = {0, -5}, scaled[] = {-500};
	static const int32_t narrow[] = {-5};
	static const int8_t byte[] = {-5};
	static const double zero[] = {0.0}, minus[] = {-0.0};
	static const uint64_t nan_bits[] = {UINT64_C(0xfff8000000000001)};
	static const double nan_value[] = {NAN};
	static const float half[] = {0.5f};
	static const double half_wide[] = {0.5};
	static const lk_int128 decimal[] = {-500};

	check_same(&(struct lk_cells){LK_CELLS_INT, LK_CELLS_I64, wide, .offset = 1, .factor = 1},
		&(struct lk_cells){LK_CELLS_INT, LK_CELLS_I32, narrow, .factor = 1}, true, "int32 is int64");
	check_same(&(struct lk_cells){LK_CELLS_INT, LK_CELLS_I8, byte, .factor = 1},
		&(struct lk_cells){LK_CELLS_INT, LK_CELLS_I32, narrow, .factor = 1}, true, "int8 is int32");
	check_same(&(struct lk_cells){LK_CELLS_FLOAT, LK_CELLS_F64, zero, .factor = 1},
		&(struct lk_cells){LK_CELLS_FLOAT, LK_CELLS_F64, minus, .factor = 1}, true, "-0 is 0");
	check_same(&(struct lk_cells){LK_CELLS_FLOAT, LK_CELLS_F64, nan_bits, .factor = 1},
		&(struct lk_cells){LK_CELLS_FLOAT, LK_CELLS_F64, nan_value, .factor = 1}, true, "all NaNs are one");
	check_same(&(struct lk_cells){LK_CELLS_FLOAT, LK_CELLS_F32, half, .factor = 1},
		&(struct lk_cells){LK_CELLS_FLOAT, LK_CELLS_F64, half_wide, .factor = 1}, true, "float32 is float64");
	check_same(&(struct lk_cells){LK_CELLS_DECIMAL, LK_CELLS_I128, decimal, .factor = 1},
		&(struct lk_cells){LK_CELLS_DECIMAL, LK_CELLS_I32, narrow, .factor = 100}, true, "-5 is -5.00");
	check_same(&(struct lk_cells){LK_CELLS_INT, LK_CELLS_I64, scaled, .factor = 1},
		&(struct lk_cells){LK_CELLS_INT, LK_CELLS_I32, narrow, .factor = 1}, false, "-500 is not -5");
}

/* ---- columns of Arrow ---- */

struct column {
	struct ArrowSchema schema;
	struct ArrowArray array;
	struct ArrowArrayView view;
};

/* Values 1, 2 and null. */
static void make_column(struct column *c, enum ArrowType type)
{
	ArrowSchemaInit(&c->schema);
	ArrowSchemaSetName(&c->schema, "x");
	if (type == NANOARROW_TYPE_DECIMAL128)
		ArrowSchemaSetTypeDecimal(&c->schema, type, 9, 2);
	else if (type == NANOARROW_TYPE_FIXED_SIZE_BINARY)
		ArrowSchemaSetTypeFixedSize(&c->schema, type, 16);
	else if (type == NANOARROW_TYPE_TIMESTAMP)
		ArrowSchemaSetTypeDateTime(&c->schema, type, NANOARROW_TIME_UNIT_SECOND, "UTC");
	else if (type == NANOARROW_TYPE_TIME64)
		ArrowSchemaSetTypeDateTime(&c->schema, type, NANOARROW_TIME_UNIT_NANO, NULL);
	else
		ArrowSchemaSetType(&c->schema, type);
	ArrowArrayInitFromSchema(&c->array, &c->schema, NULL);
	ArrowArrayStartAppending(&c->array);
	for (int i = 1; i <= 2; i++) {
		struct ArrowDecimal d;

		if (type == NANOARROW_TYPE_DECIMAL128) {
			ArrowDecimalInit(&d, 128, 9, 2);
			ArrowDecimalSetInt(&d, 100 * i);
			ArrowArrayAppendDecimal(&c->array, &d);
		} else if (type == NANOARROW_TYPE_STRING || type == NANOARROW_TYPE_FIXED_SIZE_BINARY) {
			ArrowArrayAppendBytes(&c->array, (struct ArrowBufferView){{"0123456789abcdef"}, 16});
		} else {
			ArrowArrayAppendInt(&c->array, i);
		}
	}
	ArrowArrayAppendNull(&c->array, 1);
	ArrowArrayFinishBuildingDefault(&c->array, NULL);
	ArrowArrayViewInitFromSchema(&c->view, &c->schema, NULL);
	ArrowArrayViewSetArray(&c->view, &c->array, NULL);
}

static void free_column(struct column *c)
{
	ArrowArrayViewReset(&c->view);
	ArrowArrayRelease(&c->array);
	ArrowSchemaRelease(&c->schema);
}

/* The second value as text, as a type; "" when it does not fit. */
static void check_arrow(enum ArrowType arrow, const char *type, const char *want)
{
	struct lk_str encoded = LK_STR_INIT, text = LK_STR_INIT;
	const char *shown = type ? type : "long";
	struct lk_cells c;
	struct column column;
	enum lk_status status;

	make_column(&column, arrow);
	status = lk_cells_arrow(&c, &column.schema, &column.view, type, &err);
	if (!status) {
		lk_cells_encode(&c, 1, &encoded);
		if (!lk_encoded_text(encoded.data, encoded.len, &shown, 1, &text))
			lk_str_adds(&text, "unsound");
		ok(lk_cells_is_null(&c, 2), "null of %s as %s", ArrowTypeString(arrow), shown);
	}
	is_text(lk_str_text(&text), want, "%s as %s%s%s", ArrowTypeString(arrow), shown, status ? ": " : "", status ? err.message : "");
	ok(status == (*want ? LK_OK : LK_DATA), "and so is its status");
	lk_str_release(&encoded);
	lk_str_release(&text);
	free_column(&column);
}

static void test_arrow(void)
{
	check_arrow(NANOARROW_TYPE_INT32, "int", "[2]");
	check_arrow(NANOARROW_TYPE_INT32, "long", "[2]");
	check_arrow(NANOARROW_TYPE_INT64, "int", "[2]");
	check_arrow(NANOARROW_TYPE_INT8, "long", "[2]");
	check_arrow(NANOARROW_TYPE_UINT32, "long", "[2]");
	check_arrow(NANOARROW_TYPE_UINT64, "long", "");
	check_arrow(NANOARROW_TYPE_INT32, NULL, "[2]");
	check_arrow(NANOARROW_TYPE_INT32, "double", "");
	check_arrow(NANOARROW_TYPE_INT32, "string", "");
	check_arrow(NANOARROW_TYPE_INT32, "struct", "");
	check_arrow(NANOARROW_TYPE_DATE32, "date", "[\"1970-01-03\"]");
	check_arrow(NANOARROW_TYPE_TIMESTAMP, "timestamptz", "[\"1970-01-01T00:00:02Z\"]");
	check_arrow(NANOARROW_TYPE_TIMESTAMP, "timestamp", "");
	check_arrow(NANOARROW_TYPE_TIME64, "time", ""); /* nanoseconds */
	check_arrow(NANOARROW_TYPE_DECIMAL128, "decimal(9, 2)", "[2.00]");
	check_arrow(NANOARROW_TYPE_DECIMAL128, "decimal(5,2)", "[2.00]");
	check_arrow(NANOARROW_TYPE_DECIMAL128, "decimal(20,5)", "[2.00000]");
	check_arrow(NANOARROW_TYPE_DECIMAL128, "decimal(9,1)", "");
	check_arrow(NANOARROW_TYPE_FLOAT, "double", "[2.0]");
	check_arrow(NANOARROW_TYPE_FLOAT, "float", "[2.0]");
	check_arrow(NANOARROW_TYPE_DOUBLE, "float", "");
	check_arrow(NANOARROW_TYPE_STRING, "string", "[\"0123456789abcdef\"]");
	check_arrow(NANOARROW_TYPE_STRING, "binary", "");
	check_arrow(NANOARROW_TYPE_FIXED_SIZE_BINARY, "uuid", "[\"\\\\x30313233343536373839616263646566\"]");
	check_arrow(NANOARROW_TYPE_FIXED_SIZE_BINARY, "fixed[16]", "[\"\\\\x30313233343536373839616263646566\"]");
	check_arrow(NANOARROW_TYPE_FIXED_SIZE_BINARY, "fixed[12]", "");
}

static void test_far_time(void)
{
	static const int64_t far[] = {INT64_MAX / 1000};
	struct lk_cells c;
	struct column column;

	make_column(&column, NANOARROW_TYPE_TIMESTAMP);
	memcpy((void *)column.view.buffer_views[1].data.data, far, sizeof(far));
	ok(lk_cells_arrow(&c, &column.schema, &column.view, "timestamptz", &err) == LK_DATA && strstr(err.message, "out of range"),
		"a time that microseconds cannot count is refused");
	free_column(&column);
}

/* Cells that were cut or changed are not sound, and nothing behind them is read. */
static void test_unsound(void)
{
	static const enum lk_cells_kind kinds[] = {LK_CELLS_INT, LK_CELLS_BYTES, LK_CELLS_DECIMAL};
	static const char *const types[] = {"long", "string", "decimal(9, 2)"};
	static const char row[] = "\1\200\0\0\0\0\0\0\7\1a\0\xff" "b\0\0\1\200\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0";
	struct lk_str text = LK_STR_INIT;
	int taken = 0;
	uint64_t hash;

	ok(lk_encoded_hash(row, sizeof(row) - 1, kinds, 3, &hash), "three cells are sound");
	ok(lk_encoded_text(row, sizeof(row) - 1, types, 3, &text), "and can be shown");
	is_text(lk_str_text(&text), "[7,\"a\\u0000b\",2.56]", "as they are");
	for (size_t len = 0; len < sizeof(row) - 1; len++) {
		char *cut = malloc(len + 1);

		memcpy(cut, row, len);
		cut[len] = 0;
		taken += lk_encoded_hash(cut, len, kinds, 3, &hash);
		free(cut);
	}
	taken += lk_encoded_hash(row, sizeof(row), kinds, 3, &hash);
	taken += lk_encoded_hash("\2", 1, kinds, 1, &hash) + lk_encoded_hash("\1a\0b\0\0", 6, kinds + 1, 1, &hash);
	is_int(taken, 0, "cut at any byte, longer, or with other marks they are not");
	lk_str_release(&text);
}

/* ---- keys ---- */

#define KEYS 1000000

struct set {
	struct lk_keys *keys;
	int64_t *number;
	uint64_t *hash;
};

static void set_open(struct set *s, int64_t count)
{
	if (lk_keys_create(&s->keys, &err))
		exit(1);
	s->number = calloc((size_t)count, sizeof(*s->number));
	s->hash = calloc((size_t)count, sizeof(*s->hash));
}

static void set_close(struct set *s)
{
	lk_keys_free(s->keys);
	free(s->number);
	free(s->hash);
}

static int64_t count_wrong(const int64_t *number, int64_t from, int64_t count, int64_t first)
{
	int64_t wrong = 0;

	for (int64_t i = 0; i < count; i++)
		wrong += number[i] != (i < from ? -1 : first + i - from);
	return wrong;
}

/* Values 0 .. 2 * KEYS - 1, of which the upper half is in the set: half by rows, half by bytes. */
static void test_keys(void)
{
	int64_t *values = malloc(2 * KEYS * sizeof(*values)), again = 0;
	struct lk_cells c = {LK_CELLS_INT, LK_CELLS_I64, values, .factor = 1};
	struct set s;
	bool *is_new = calloc(KEYS, sizeof(*is_new)), one_new;
	int wrong = 0;
	uint32_t number;
	size_t len;

	set_open(&s, 2 * KEYS);
	for (int64_t i = 0; i < 2 * KEYS; i++)
		values[i] = i * INT64_C(0x10001) - 5;
	lk_cells_hash(&c, 2 * KEYS, s.hash);
	c.offset = KEYS;
	ok(!lk_keys_add_rows(s.keys, &c, 1, s.hash + KEYS, KEYS / 2, s.number, is_new, &err), "half a million keys of rows are taken");
	is_int(count_wrong(s.number, 0, KEYS / 2, 0), 0, "and numbered as they came");
	for (int64_t i = KEYS / 2; i < KEYS; i++) {
		struct lk_str key = encode(&c, i);

		wrong += lk_keys_add(s.keys, s.hash[KEYS + i], key.data, key.len, &number, &one_new, &err) || !one_new || number != i;
		lk_str_release(&key);
	}
	is_int(wrong, 0, "half a million more by their bytes");
	is_int(lk_keys_count(s.keys), KEYS, "a million in all");
	ok(!lk_keys_add_rows(s.keys, &c, 1, s.hash + KEYS, KEYS, s.number, is_new, &err), "the same once more");
	for (int64_t i = 0; i < KEYS; i++)
		again += is_new[i];
	ok(again == 0 && count_wrong(s.number, 0, KEYS, 0) == 0 && lk_keys_count(s.keys) == KEYS, "are none that are new");
	c.offset = 0;
	lk_keys_find(s.keys, &c, 1, s.hash, 2 * KEYS, s.number);
	is_int(count_wrong(s.number, KEYS, 2 * KEYS, 0), 0, "those that are there are found, and no others");
	ok(lk_keys_at(s.keys, 3, &len) && len == 9, "and can be had back");
	ok(lk_keys_bytes(s.keys) < 60 * (size_t)KEYS, "in less than 60 bytes a key");
	set_close(&s);
	free(values);
	free(is_new);
}

/* All hashes are one: bytes decide. */
static void test_collisions(void)
{
	static const int32_t values[] = {5, 3, 5, 9, 3};
	static const int64_t want[] = {0, 1, 0, 2, 1};
	static const uint64_t hash[5] = {42, 42, 42, 42, 42};
	struct lk_cells c = {LK_CELLS_INT, LK_CELLS_I32, values, .factor = 1};
	int64_t number[5];
	struct lk_keys *keys;

	ok(!lk_keys_create(&keys, &err) && !lk_keys_add_rows(keys, &c, 1, hash, 5, number, NULL, &err), "keys whose hashes are one");
	ok(!memcmp(number, want, sizeof(want)), "are told apart");
	lk_keys_find(keys, &c, 1, hash, 5, number);
	ok(!memcmp(number, want, sizeof(want)) && lk_keys_count(keys) == 3, "and found");
	lk_keys_free(keys);
}

/* Two columns, texts of many lengths and nulls among them; "a" | "bc" is not "ab" | "c". */
static void test_compound(void)
{
	static const char text[] = "abcabcXY\0YX";
	static const int32_t offsets[] = {0, 1, 2, 2, 2, 8, 11}, other[] = {1, 3, 4, 4, 4, 4, 4};
	static const uint8_t valid[] = {0x37};
	const struct lk_cells c[] = {{LK_CELLS_BYTES, LK_CELLS_TEXT32, offsets, text, .factor = 1},
		{LK_CELLS_BYTES, LK_CELLS_TEXT32, other, text, valid, .factor = 1}};
	uint64_t hash[6] = {0}, encoded;
	const enum lk_cells_kind kinds[] = {LK_CELLS_BYTES, LK_CELLS_BYTES};
	int64_t number[6];
	struct lk_keys *keys;
	bool same = true;
	size_t len;

	ok(!lk_keys_create(&keys, &err), "a set of keys of two columns");
	for (int i = 0; i < 2; i++)
		lk_cells_hash(&c[i], 6, hash);
	ok(!lk_keys_add_rows(keys, c, 2, hash, 6, number, NULL, &err) && count_wrong(number, 0, 6, 0) == 0, "they are six");
	lk_keys_find(keys, c, 2, hash, 6, number);
	is_int(count_wrong(number, 0, 6, 0), 0, "and found again");
	for (uint32_t i = 0; i < 6; i++) {
		const void *key = lk_keys_at(keys, i, &len);

		same = same && lk_encoded_hash(key, len, kinds, 2, &encoded) && encoded == hash[i];
	}
	ok(same, "their bytes hash as the rows did");
	lk_keys_free(keys);
}

static void test_empty(void)
{
	static const int64_t value = 1;
	const struct lk_cells c = {LK_CELLS_INT, LK_CELLS_I64, &value, .factor = 1};
	uint64_t hash = 0;
	int64_t number = 7;
	struct lk_keys *keys;
	bool is_new;
	uint32_t n;

	ok(!lk_keys_create(&keys, &err), "an empty set");
	lk_cells_hash(&c, 1, &hash);
	lk_keys_find(keys, &c, 1, &hash, 1, &number);
	is_int(number, -1, "has nothing");
	ok(!lk_keys_add(keys, 0, "", 0, &n, &is_new, &err) && is_new && n == 0, "a key of no columns is one");
	ok(!lk_keys_add(keys, 0, "", 0, &n, &is_new, &err) && !is_new && n == 0, "once");
	lk_keys_free(keys);
}

/* ---- versions ---- */

static const struct lk_field version_fields[] = {{"v", LK_INT64}, {LK_COLUMN_SENT, LK_TIMESTAMPTZ}, {LK_COLUMN_FILE, LK_UTF8}, {LK_COLUMN_ROW, LK_INT64}};

struct version_row {
	int64_t order, sent; /* -1: null */
	const char *file;
	int64_t row;
};

/* In ascending order of their versions. */
static const struct version_row upserts[] = {{-1, -1, NULL, -1}, {-1, 5, "z.zip@ffffffffffff!z", 9}, {0, -1, NULL, 3}, {1, 2, "z.zip@ffffffffffff!z", 9},
	{1, 3, "plain.csv", 9}, {1, 3, "plainer.csv", 1}, {1, 3, "z.zip@000000000000!a", 9}, {1, 3, "a.zip@000000000000!b", 8},
	{1, 3, "b.zip@000000000000!b", 1}, {1, 3, "b.zip@000000000000!b", 2}, {1, 3, "a.zip@000000000001!a", 0}, {1, 4, NULL, 0}};
static const struct version_row lists[] = {{9, -1, "z.zip@ffffffffffff!z", 9}, {9, 1, "z.zip@000000000000!z", 9}, {0, 1, "z.zip@000000000001!a", 9},
	{1, 1, "z.zip@000000000001!a", 8}, {0, 2, "z.zip@000000000000!a", 1}};

static void check_versions(const struct version_row *rows, int count, enum lk_load load)
{
	static const char *order = "v";
	const struct lk_spec spec = {.load = load, .order = order};
	const struct ArrowArrayView *view;
	struct lk_version_cells v;
	struct lk_builder b;
	struct lk_str last = LK_STR_INIT, s = LK_STR_INIT;
	int wrong = 0;

	ok(!lk_builder_init(&b, version_fields, 4, NULL, &err), "rows of several versions");
	for (int i = 0; i < count; i++) {
		const int64_t values[] = {rows[i].order, rows[i].sent, 0, rows[i].row};

		for (int n = 0; n < 4; n++) {
			if (n == 2)
				lk_column_text(&b.columns[n], rows[i].file);
			else if (values[n] < 0)
				lk_column_null(&b.columns[n]);
			else
				lk_column_int64(&b.columns[n], values[n]);
		}
		ok(!lk_builder_end_row(&b, &err), "row %d", i);
	}
	ok(!lk_builder_view(&b, &view, &err) && !lk_version_columns(&v, &spec, "long", &b.schema, view, &err), "are looked at");
	for (int i = 0; i < count; i++) {
		lk_str_clear(&s);
		lk_version_encode(&v, load, i, -1, &s);
		wrong += i && lk_version_compare(last.data, last.len, s.data, s.len) >= 0;
		lk_str_clear(&last);
		lk_str_add(&last, s.data, s.len);
	}
	is_int(wrong, 0, "and are in order");
	lk_str_clear(&s);
	lk_version_encode(&v, load, 0, 4, &s);
	if (load == LK_LOAD_UPSERT)
		ok(s.data[s.len - 1] == 4, "a place stands for the row's number where there is none");
	else
		ok(lk_version_list(s.data, s.len) == 1 + 1 + 12 + 2 && lk_version_list(last.data, last.len) == 9 + 1 + 12 + 2 &&
				lk_version_list("\1", 1) == 0, "which list it is of stands in front");
	lk_str_release(&s);
	lk_str_release(&last);
	lk_builder_release(&b);
}

static void test_bare_version(void)
{
	static const struct lk_field field = {"x", LK_INT64};
	const struct lk_spec spec = {.load = LK_LOAD_UPSERT};
	const struct ArrowArrayView *view;
	struct lk_str s = LK_STR_INIT;
	struct lk_version_cells v;
	struct lk_builder b;

	ok(!lk_builder_init(&b, &field, 1, NULL, &err) && !lk_builder_view(&b, &view, &err), "rows of another tool");
	ok(!lk_version_columns(&v, &spec, NULL, &b.schema, view, &err), "have a version, too");
	lk_version_encode(&v, LK_LOAD_UPSERT, 0, 258, &s);
	ok(s.len == 14 && !memcmp(s.data, "\0\0\0\0\0\1\200\0\0\0\0\0\1\2", 14), "which is their place");
	lk_str_release(&s);
	lk_builder_release(&b);
}

/* ---- what a schema says ---- */

static enum lk_status read_spec(struct lk_spec *spec, const struct lk_meta *meta, struct lk_arena *arena)
{
	static const struct lk_field fields[] = {{"a", LK_INT64}, {"b", LK_UTF8}, {"v", LK_INT64}, {"op", LK_UTF8}};
	struct ArrowSchema schema;
	enum lk_status status;

	if (lk_schema_make(&schema, fields, 4, meta, &err))
		return LK_BUG;
	status = lk_spec_read(spec, &schema, arena, &err);
	ArrowSchemaRelease(&schema);
	return status;
}

static void check_bad_spec(const char *key, const char *value, const char *message)
{
	const struct lk_meta meta[] = {{key, value}, {NULL}};
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_spec spec;

	err.message[0] = '\0';
	ok(read_spec(&spec, meta, &arena) == LK_DATA, "%s %s is refused", key, value);
	is_text(err.message, message, "and said why");
	lk_arena_release(&arena);
}

static void test_spec(void)
{
	static const struct lk_meta meta[] = {{LK_META_LOAD, "full"}, {LK_META_KEY, "[\"a\", \"b\"]"}, {LK_META_ORDER, "v"}, {LK_META_OP, "op"},
		{LK_META_SCOPE, "[\"b\"]"}, {LK_META_MAX_VANISH, "12.5%"}, {NULL}};
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_spec spec, back;
	json_t *json = NULL;

	ok(!read_spec(&spec, meta, &arena), "a spec is read");
	ok(spec.load == LK_LOAD_FULL && spec.key_count == 2 && !strcmp(spec.key[1], "b") && !strcmp(spec.order, "v") && !strcmp(spec.op, "op") &&
			spec.scope_count == 1 && !strcmp(spec.scope[0], "b") && spec.limit.rows == -1 && spec.limit.percent == 12.5, "as it is");
	ok(!lk_spec_json(&spec, &json, &err) && !lk_spec_parse(&back, json, &arena, &err) && lk_spec_same(&spec, &back), "it goes to JSON and back");
	back.limit.percent = 1;
	ok(!lk_spec_same(&spec, &back), "another limit is another spec");
	back.limit.percent = 12.5;
	back.order = NULL;
	ok(!lk_spec_same(&spec, &back), "another order, too");
	json_decref(json);
	ok(!read_spec(&spec, NULL, &arena) && spec.load == LK_LOAD_APPEND && !spec.key_count && !spec.order && spec.limit.percent == 50,
		"a schema that says nothing is appended");
	ok(!lk_spec_json(&spec, &json, &err) && !lk_spec_parse(&back, json, &arena, &err) && lk_spec_same(&spec, &back), "that too goes to JSON and back");
	json_decref(json);
	lk_arena_release(&arena);
	check_bad_spec(LK_META_LOAD, "merge", "lk.load 'merge' is none of append, upsert, full");
	check_bad_spec(LK_META_LOAD, "upsert", "lk.load is upsert, and there is no lk.key");
	check_bad_spec(LK_META_KEY, "a", "lk.key is not a JSON list of columns");
	check_bad_spec(LK_META_KEY, "[1]", "lk.key is not a JSON list of columns");
	check_bad_spec(LK_META_KEY, "[\"c\"]", "lk.key names a column 'c' that is not there");
	check_bad_spec(LK_META_KEY, "[\"a\",\"a\"]", "lk.key names column 'a' twice");
	check_bad_spec(LK_META_ORDER, "w", "lk.order names a column 'w' that is not there");
	check_bad_spec(LK_META_MAX_VANISH, "many", "lk.maxVanish 'many' is neither a number of rows nor a percentage");
	check_bad_spec(LK_META_MAX_VANISH, "101%", "lk.maxVanish '101%' is neither a number of rows nor a percentage");
}

static void test_limits(void)
{
	static const struct {
		const char *limit;
		int64_t vanish, of;
		bool holds;
	} cases[] = {{"50%", 20, 20, true}, {"50%", 21, 21, false}, {"50%", 50, 100, true}, {"50%", 51, 100, false}, {"0%", 20, 100, true},
		{"0%", 21, 1000, false}, {"100%", 1000, 1000, true}, {"2.5%", 25, 1000, true}, {"2.5%", 26, 1000, false}, {"0", 0, 5, true},
		{"0", 1, 5, false}, {"7", 7, 7, true}, {"7", 8, 1000000, false}};
	static const char *const wrong[] = {"", "%", "-1", "-1%", "101%", "nan%", "1e", "5 %", "inf%", "1.5"};
	struct lk_limit limit;
	char text[LK_LIMIT_TEXT];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ok(lk_limit_parse(cases[i].limit, &limit) && lk_limit_holds(&limit, cases[i].vanish, cases[i].of) == cases[i].holds,
			"%s: %d of %d may%s go", cases[i].limit, (int)cases[i].vanish, (int)cases[i].of, cases[i].holds ? "" : " not");
		lk_limit_text(&limit, text);
		is_text(text, cases[i].limit, "and is written so");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ok(!lk_limit_parse(wrong[i], &limit), "'%s' is no limit", wrong[i]);
}

static void test_ops(void)
{
	static const char *const words[] = {"I", "c", "r", "INSERT", "create", "Read", "", "u", "Update", "D", "delete", "b", "x", "del", "insert "};
	char out[16] = "";

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		out[i] = lk_op_of(words[i], strlen(words[i])) ? lk_op_of(words[i], strlen(words[i])) : '-';
	is_text(out, "IIIIIIIUUDDB---", "words for insert, update and delete");
	ok(lk_op_of(NULL, 0) == 'I', "none is an insert");
}

int main(void)
{
	test_order();
	test_text();
	test_same();
	test_arrow();
	test_far_time();
	test_unsound();
	test_keys();
	test_collisions();
	test_compound();
	test_empty();
	check_versions(upserts, sizeof(upserts) / sizeof(*upserts), LK_LOAD_UPSERT);
	check_versions(lists, sizeof(lists) / sizeof(*lists), LK_LOAD_FULL);
	test_bare_version();
	test_spec();
	test_limits();
	test_ops();
	return done();
}
