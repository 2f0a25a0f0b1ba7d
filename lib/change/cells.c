/* Cells of Arrow, and hashes of cells. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/hash.h"
#include "change/cell_value.h"

/* ---- what types there are ---- */

#define TAKES_MAX 9

/* Iceberg's words for types, and what columns of Arrow may hold values of them. */
static const struct type {
	const char *word;
	enum lk_cells_kind kind;
	enum ArrowType takes[TAKES_MAX]; /* ended by 0 */
} types[] = {
	{"boolean", LK_CELLS_INT, {NANOARROW_TYPE_BOOL}},
	{"int", LK_CELLS_INT, {NANOARROW_TYPE_INT32, NANOARROW_TYPE_INT64, NANOARROW_TYPE_INT16, NANOARROW_TYPE_INT8, NANOARROW_TYPE_UINT8,
		NANOARROW_TYPE_UINT16, NANOARROW_TYPE_UINT32}},
	{"long", LK_CELLS_INT, {NANOARROW_TYPE_INT64, NANOARROW_TYPE_INT32, NANOARROW_TYPE_INT16, NANOARROW_TYPE_INT8, NANOARROW_TYPE_UINT8,
		NANOARROW_TYPE_UINT16, NANOARROW_TYPE_UINT32}},
	{"float", LK_CELLS_FLOAT, {NANOARROW_TYPE_FLOAT}},
	{"double", LK_CELLS_FLOAT, {NANOARROW_TYPE_DOUBLE, NANOARROW_TYPE_FLOAT}},
	{"decimal", LK_CELLS_DECIMAL, {NANOARROW_TYPE_DECIMAL128, NANOARROW_TYPE_DECIMAL64, NANOARROW_TYPE_DECIMAL32}},
	{"date", LK_CELLS_INT, {NANOARROW_TYPE_DATE32}},
	{"time", LK_CELLS_INT, {NANOARROW_TYPE_TIME64, NANOARROW_TYPE_TIME32}},
	{"timestamp", LK_CELLS_INT, {NANOARROW_TYPE_TIMESTAMP}},
	{"timestamptz", LK_CELLS_INT, {NANOARROW_TYPE_TIMESTAMP}},
	{"string", LK_CELLS_BYTES, {NANOARROW_TYPE_STRING, NANOARROW_TYPE_LARGE_STRING}},
	{"binary", LK_CELLS_BYTES, {NANOARROW_TYPE_BINARY, NANOARROW_TYPE_LARGE_BINARY, NANOARROW_TYPE_FIXED_SIZE_BINARY}},
	{"fixed", LK_CELLS_BYTES, {NANOARROW_TYPE_FIXED_SIZE_BINARY}},
	{"uuid", LK_CELLS_BYTES, {NANOARROW_TYPE_FIXED_SIZE_BINARY}},
};

/* The type of a word: "decimal(9, 2)" is a decimal. NULL for none. */
static const struct type *find_type(const char *word)
{
	size_t len = strcspn(word, " ([");

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i].word) == len && !memcmp(types[i].word, word, len))
			return &types[i];
	return NULL;
}

bool lk_cells_kind_of(const char *word, enum lk_cells_kind *kind)
{
	const struct type *type = word ? find_type(word) : NULL;

	if (type)
		*kind = type->kind;
	return type != NULL;
}

static bool is_taken(const struct type *type, enum ArrowType arrow)
{
	for (int i = 0; i < TAKES_MAX; i++)
		if (type->takes[i] == arrow)
			return true;
	return false;
}

/* How Arrow's values lie, and of what kind they are; false for those that are no cells. */
static bool find_layout(enum ArrowType arrow, struct lk_cells *c)
{
	static const struct {
		enum ArrowType arrow;
		enum lk_cells_kind kind;
		enum lk_cells_layout layout;
	} layouts[] = {
		{NANOARROW_TYPE_NA, LK_CELLS_INT, LK_CELLS_NULL}, {NANOARROW_TYPE_BOOL, LK_CELLS_INT, LK_CELLS_BITS},
		{NANOARROW_TYPE_INT8, LK_CELLS_INT, LK_CELLS_I8}, {NANOARROW_TYPE_UINT8, LK_CELLS_INT, LK_CELLS_U8},
		{NANOARROW_TYPE_INT16, LK_CELLS_INT, LK_CELLS_I16}, {NANOARROW_TYPE_UINT16, LK_CELLS_INT, LK_CELLS_U16},
		{NANOARROW_TYPE_INT32, LK_CELLS_INT, LK_CELLS_I32}, {NANOARROW_TYPE_UINT32, LK_CELLS_INT, LK_CELLS_U32},
		{NANOARROW_TYPE_INT64, LK_CELLS_INT, LK_CELLS_I64}, {NANOARROW_TYPE_FLOAT, LK_CELLS_FLOAT, LK_CELLS_F32},
		{NANOARROW_TYPE_DOUBLE, LK_CELLS_FLOAT, LK_CELLS_F64}, {NANOARROW_TYPE_DATE32, LK_CELLS_INT, LK_CELLS_I32},
		{NANOARROW_TYPE_DATE64, LK_CELLS_INT, LK_CELLS_I64}, {NANOARROW_TYPE_TIME32, LK_CELLS_INT, LK_CELLS_I32},
		{NANOARROW_TYPE_TIME64, LK_CELLS_INT, LK_CELLS_I64}, {NANOARROW_TYPE_TIMESTAMP, LK_CELLS_INT, LK_CELLS_I64},
		{NANOARROW_TYPE_DURATION, LK_CELLS_INT, LK_CELLS_I64}, {NANOARROW_TYPE_INTERVAL_MONTHS, LK_CELLS_INT, LK_CELLS_I32},
		{NANOARROW_TYPE_DECIMAL32, LK_CELLS_DECIMAL, LK_CELLS_I32}, {NANOARROW_TYPE_DECIMAL64, LK_CELLS_DECIMAL, LK_CELLS_I64},
		{NANOARROW_TYPE_DECIMAL128, LK_CELLS_DECIMAL, LK_CELLS_I128}, {NANOARROW_TYPE_STRING, LK_CELLS_BYTES, LK_CELLS_TEXT32},
		{NANOARROW_TYPE_BINARY, LK_CELLS_BYTES, LK_CELLS_TEXT32}, {NANOARROW_TYPE_LARGE_STRING, LK_CELLS_BYTES, LK_CELLS_TEXT64},
		{NANOARROW_TYPE_LARGE_BINARY, LK_CELLS_BYTES, LK_CELLS_TEXT64},
		{NANOARROW_TYPE_FIXED_SIZE_BINARY, LK_CELLS_BYTES, LK_CELLS_FIXED},
	};

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (layouts[i].arrow == arrow) {
			c->kind = layouts[i].kind;
			c->layout = layouts[i].layout;
			return true;
		}
	return false;
}

/* ---- a column of Arrow ---- */

static enum lk_status misfit(const struct ArrowSchema *schema, const char *type, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;

	lk_type_name(schema, &name);
	if (type)
		status = lk_error_set(err, LK_DATA, "column '%s': values of type %s cannot be those of a column of type %s", schema->name,
			lk_str_text(&name), type);
	else
		status = lk_error_set(err, LK_DATA, "column '%s': values of type %s cannot be compared", schema->name, lk_str_text(&name));
	lk_str_release(&name);
	return status;
}

/* What times are multiplied by to be microseconds; 0: they would lose something. */
static int64_t unit_factor(const struct ArrowSchemaView *v)
{
	switch (v->time_unit) {
	case NANOARROW_TIME_UNIT_SECOND: return 1000000;
	case NANOARROW_TIME_UNIT_MILLI: return 1000;
	case NANOARROW_TIME_UNIT_MICRO: return 1;
	default: return 0;
	}
}

/* What unscaled decimals are multiplied by; 0: digits would be lost, or there is no room for them. */
static int64_t scale_factor(const struct ArrowSchemaView *v, const char *word)
{
	int precision, scale;
	int64_t factor = 1;

	if (sscanf(word, "decimal ( %9d , %9d", &precision, &scale) != 2 || scale < v->decimal_scale || scale - v->decimal_scale > 18 ||
		v->decimal_precision + scale - v->decimal_scale > 38)
		return 0;
	for (int i = v->decimal_scale; i < scale; i++)
		factor *= 10;
	return factor;
}

/* 0: values of the column cannot be the type's. */
static int64_t find_factor(const struct ArrowSchemaView *v, const struct type *type, const char *word)
{
	int length;

	if (v->type == NANOARROW_TYPE_NA)
		return 1;
	if (!is_taken(type, v->type))
		return 0;
	if (v->type == NANOARROW_TYPE_TIMESTAMP)
		return (v->timezone && v->timezone[0]) == !strcmp(type->word, "timestamptz") ? unit_factor(v) : 0;
	if (v->type == NANOARROW_TYPE_TIME32 || v->type == NANOARROW_TYPE_TIME64)
		return unit_factor(v);
	if (type->kind == LK_CELLS_DECIMAL)
		return scale_factor(v, word);
	if (!strcmp(type->word, "uuid"))
		return v->fixed_size == 16;
	if (!strcmp(type->word, "fixed"))
		return sscanf(word, "fixed [ %9d", &length) == 1 && length == v->fixed_size;
	return 1;
}

/* That times are not out of range in microseconds. */
static enum lk_status check_range(const struct lk_cells *c, int64_t rows, const struct ArrowSchema *schema, struct lk_error *err)
{
	for (int64_t i = c->offset; i < c->offset + rows; i++) {
		int64_t value = lk_cell_int(c, c->layout, i), most = INT64_MAX / c->factor;

		if (lk_cell_is_valid(c, i) && (value > most || value < -most))
			return lk_error_set(err, LK_DATA, "column '%s': a time is out of range", schema->name);
	}
	return LK_OK;
}

enum lk_status lk_cells_arrow(struct lk_cells *c, const struct ArrowSchema *schema, const struct ArrowArrayView *view, const char *word,
	struct lk_error *err)
{
	const struct type *type = word ? find_type(word) : NULL;
	struct ArrowSchemaView v;

	*c = (struct lk_cells){.factor = 1, .offset = view->offset};
	if (ArrowSchemaViewInit(&v, schema, NULL) != NANOARROW_OK || schema->dictionary || !find_layout(v.type, c) || (word && !type))
		return misfit(schema, word, err);
	if (type) {
		c->kind = type->kind;
		c->factor = find_factor(&v, type, word);
	}
	if (!c->factor)
		return misfit(schema, word, err);
	if (c->layout == LK_CELLS_NULL)
		return LK_OK;
	c->valid = view->null_count ? view->buffer_views[0].data.as_uint8 : NULL;
	c->data = view->buffer_views[1].data.data;
	c->text = view->buffer_views[2].data.data;
	c->width = c->layout == LK_CELLS_FIXED ? v.fixed_size : 0;
	return c->kind == LK_CELLS_INT && c->factor != 1 ? check_range(c, view->length, schema, err) : LK_OK;
}

bool lk_cells_is_null(const struct lk_cells *c, int64_t row)
{
	return c->layout == LK_CELLS_NULL || !lk_cell_is_valid(c, c->offset + row);
}

/* ---- hashes ---- */

/*
 * Whoever sends rows must not know which of them collide, so hashes have a secret, which is a fact of the process as its address space is: all
 * that is hashed here can be looked up there.
 */
static struct secret {
	uint64_t value, hash, null, bytes;
} secret;
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void make_secret(void)
{
	struct timespec now = {0};

	if (lk_random(&secret, sizeof(secret), NULL)) {
		clock_gettime(CLOCK_REALTIME, &now);
		secret = (struct secret){(uint64_t)now.tv_nsec, (uint64_t)now.tv_sec, (uint64_t)(uintptr_t)&now, (uint64_t)now.tv_nsec};
	}
	/* products shall have all bits to work with, whatever came */
	secret.value ^= UINT64_C(0x2d358dccaa6c78a5);
	secret.hash ^= UINT64_C(0x8bb84b93962eacc9);
}

static void need_secret(void)
{
	pthread_once(&secret_once, make_secret);
}

/* Two rounds of a 128-bit product whose halves are folded, as in wyhash. */
LK_CELL_INLINE uint64_t fold(const struct secret *s, uint64_t hash, uint64_t value)
{
	unsigned __int128 product = (unsigned __int128)(value ^ s->value) * (hash ^ s->hash);

	product = (unsigned __int128)((uint64_t)product ^ s->value) * ((uint64_t)(product >> 64) ^ s->hash);
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

LK_CELL_INLINE uint64_t fold_null(const struct secret *s, uint64_t hash)
{
	return fold(s, hash ^ s->null, s->null);
}

uint64_t lk_cell_fold(uint64_t hash, uint64_t value)
{
	need_secret();
	return fold(&secret, hash, value);
}

uint64_t lk_cell_fold_null(uint64_t hash)
{
	need_secret();
	return fold_null(&secret, hash);
}

uint64_t lk_cell_hash_bytes(const void *data, size_t len)
{
	need_secret();
	return XXH3_64bits_withSeed(data, len, secret.bytes);
}

/* A loop for each layout: constants fold away. */
LK_CELL_INLINE void hash_column(const struct lk_cells *cells, int64_t count, uint64_t *hash, enum lk_cells_kind kind,
	enum lk_cells_layout layout, bool nulls)
{
	const struct secret s = secret;
	const struct lk_cells c = *cells;

	for (int64_t i = 0; i < count; i++) {
		int64_t at = c.offset + i;
		struct lk_cell_bytes bytes;
		lk_int128 decimal;

		if (nulls && !lk_cell_is_valid(&c, at)) {
			hash[i] = fold_null(&s, hash[i]);
			continue;
		}
		switch (kind) {
		case LK_CELLS_INT:
			hash[i] = fold(&s, hash[i], (uint64_t)lk_cell_scaled_int(&c, layout, at));
			break;
		case LK_CELLS_DECIMAL:
			decimal = lk_cell_decimal(&c, layout, at);
			hash[i] = fold(&s, fold(&s, hash[i], (uint64_t)(decimal >> 64)), (uint64_t)decimal);
			break;
		case LK_CELLS_FLOAT:
			hash[i] = fold(&s, hash[i], lk_cell_float(&c, layout, at));
			break;
		case LK_CELLS_BYTES:
			bytes = lk_cell_bytes(&c, layout, at);
			hash[i] = fold(&s, hash[i], XXH3_64bits_withSeed(bytes.data, bytes.len, s.bytes));
			break;
		}
	}
}

static void hash_ints(const struct lk_cells *c, int64_t n, uint64_t *hash)
{
	switch (c->layout) {
	case LK_CELLS_BITS: hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_BITS, true); break;
	case LK_CELLS_I8: hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_I8, true); break;
	case LK_CELLS_I16: hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_I16, true); break;
	case LK_CELLS_I32:
		if (c->valid)
			hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_I32, true);
		else
			hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_I32, false);
		break;
	case LK_CELLS_I64:
		if (c->valid)
			hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_I64, true);
		else
			hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_I64, false);
		break;
	case LK_CELLS_U8: hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_U8, true); break;
	case LK_CELLS_U16: hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_U16, true); break;
	default: hash_column(c, n, hash, LK_CELLS_INT, LK_CELLS_U32, true); break;
	}
}

static void hash_decimals(const struct lk_cells *c, int64_t n, uint64_t *hash)
{
	switch (c->layout) {
	case LK_CELLS_I16: hash_column(c, n, hash, LK_CELLS_DECIMAL, LK_CELLS_I16, true); break;
	case LK_CELLS_I32: hash_column(c, n, hash, LK_CELLS_DECIMAL, LK_CELLS_I32, true); break;
	case LK_CELLS_I64: hash_column(c, n, hash, LK_CELLS_DECIMAL, LK_CELLS_I64, true); break;
	default: hash_column(c, n, hash, LK_CELLS_DECIMAL, LK_CELLS_I128, true); break;
	}
}

static void hash_bytes(const struct lk_cells *c, int64_t n, uint64_t *hash)
{
	switch (c->layout) {
	case LK_CELLS_TEXT32: hash_column(c, n, hash, LK_CELLS_BYTES, LK_CELLS_TEXT32, true); break;
	case LK_CELLS_TEXT64: hash_column(c, n, hash, LK_CELLS_BYTES, LK_CELLS_TEXT64, true); break;
	case LK_CELLS_FIXED: hash_column(c, n, hash, LK_CELLS_BYTES, LK_CELLS_FIXED, true); break;
	default: hash_column(c, n, hash, LK_CELLS_BYTES, LK_CELLS_DUCK, true); break;
	}
}

void lk_cells_hash(const struct lk_cells *c, int64_t count, uint64_t *hash)
{
	need_secret();
	if (c->layout == LK_CELLS_NULL) {
		for (int64_t i = 0; i < count; i++)
			hash[i] = fold_null(&secret, hash[i]);
		return;
	}
	switch (c->kind) {
	case LK_CELLS_INT: hash_ints(c, count, hash); break;
	case LK_CELLS_DECIMAL: hash_decimals(c, count, hash); break;
	case LK_CELLS_FLOAT:
		if (c->layout == LK_CELLS_F32)
			hash_column(c, count, hash, LK_CELLS_FLOAT, LK_CELLS_F32, true);
		else
			hash_column(c, count, hash, LK_CELLS_FLOAT, LK_CELLS_F64, true);
		break;
	case LK_CELLS_BYTES: hash_bytes(c, count, hash); break;
	}
}
