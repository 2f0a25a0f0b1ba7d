/* Cells as bytes that memcmp orders, and what is read of such. */
#include <inttypes.h>
#include <stdlib.h>

#include "change/cell_value.h"

enum { TAG_NULL, TAG_VALUE };

/* ---- to bytes ---- */

static void encode_bytes(struct lk_cell_bytes bytes, struct lk_str *out)
{
	static const char escape[] = {0, (char)0xff}, end[] = {0, 0};
	const char *nul;

	while (bytes.len && (nul = memchr(bytes.data, 0, bytes.len))) {
		size_t len = (size_t)(nul - bytes.data);

		lk_str_add(out, bytes.data, len);
		lk_str_add(out, escape, sizeof(escape));
		bytes = (struct lk_cell_bytes){nul + 1, bytes.len - len - 1};
	}
	lk_str_add(out, bytes.data, bytes.len);
	lk_str_add(out, end, sizeof(end));
}

void lk_cells_encode(const struct lk_cells *c, int64_t row, struct lk_str *out)
{
	int64_t at = c->offset + row;
	uint8_t room[17] = {TAG_VALUE};
	lk_int128 decimal;

	if (lk_cells_is_null(c, row)) {
		lk_str_addc(out, TAG_NULL);
		return;
	}
	switch (c->kind) {
	case LK_CELLS_INT:
		lk_cell_put64(room + 1, (uint64_t)lk_cell_scaled_int(c, c->layout, at) ^ LK_CELL_SIGN);
		lk_str_add(out, room, 9);
		break;
	case LK_CELLS_DECIMAL:
		decimal = lk_cell_decimal(c, c->layout, at);
		lk_cell_put64(room + 1, (uint64_t)(decimal >> 64) ^ LK_CELL_SIGN);
		lk_cell_put64(room + 9, (uint64_t)decimal);
		lk_str_add(out, room, 17);
		break;
	case LK_CELLS_FLOAT:
		lk_cell_put64(room + 1, lk_cell_float_order(lk_cell_float(c, c->layout, at)));
		lk_str_add(out, room, 9);
		break;
	case LK_CELLS_BYTES:
		lk_str_addc(out, TAG_VALUE);
		encode_bytes(lk_cell_bytes(c, c->layout, at), out);
		break;
	}
}

/* ---- from bytes ---- */

static bool next_text(struct lk_cell_reader *r, struct lk_encoded_cell *cell)
{
	const uint8_t *nul;

	cell->data = r->p;
	while ((nul = memchr(r->p, 0, (size_t)(r->end - r->p))) && nul + 1 < r->end) {
		r->p = nul + 2;
		if (nul[1] == 0) {
			cell->len = (size_t)(nul - cell->data);
			return true;
		}
		if (nul[1] != 0xff)
			return false;
		cell->escaped = true;
	}
	return false;
}

bool lk_encoded_next(struct lk_cell_reader *r, enum lk_cells_kind kind, struct lk_encoded_cell *cell)
{
	size_t size = kind == LK_CELLS_DECIMAL ? 16 : kind == LK_CELLS_BYTES ? 0 : 8;

	*cell = (struct lk_encoded_cell){.null = r->p < r->end && *r->p == TAG_NULL};
	if (r->p == r->end || *r->p > TAG_VALUE)
		return false;
	r->p++;
	if (cell->null)
		return true;
	if (kind == LK_CELLS_BYTES)
		return next_text(r, cell);
	if ((size_t)(r->end - r->p) < size)
		return false;
	cell->low = lk_cell_get64(r->p + size - 8);
	if (kind == LK_CELLS_DECIMAL)
		cell->high = lk_cell_get64(r->p) ^ LK_CELL_SIGN;
	else if (kind == LK_CELLS_FLOAT)
		cell->low = lk_cell_float_bits(cell->low);
	else
		cell->low ^= LK_CELL_SIGN;
	r->p += size;
	return true;
}

void lk_encoded_add_text(const struct lk_encoded_cell *cell, struct lk_str *out)
{
	const uint8_t *p = cell->data, *end = p + cell->len, *nul;

	while (cell->escaped && (nul = memchr(p, 0, (size_t)(end - p)))) {
		lk_str_add(out, p, (size_t)(nul + 1 - p));
		p = nul + 2;
	}
	lk_str_add(out, p, (size_t)(end - p));
}

/* ---- a cell beside an encoded one ---- */

/* p: an encoded text, behind its tag; past it on success. */
static bool matches_bytes(struct lk_cell_bytes bytes, struct lk_cell_reader *r)
{
	const uint8_t *p = r->p;
	const char *nul;

	while (bytes.len && (nul = memchr(bytes.data, 0, bytes.len))) {
		size_t len = (size_t)(nul - bytes.data);

		if ((size_t)(r->end - p) < len + 2 || memcmp(p, bytes.data, len) || p[len] != 0 || p[len + 1] != 0xff)
			return false;
		p += len + 2;
		bytes = (struct lk_cell_bytes){nul + 1, bytes.len - len - 1};
	}
	if ((size_t)(r->end - p) < bytes.len + 2 || (bytes.len && memcmp(p, bytes.data, bytes.len)) || p[bytes.len] || p[bytes.len + 1])
		return false;
	r->p = p + bytes.len + 2;
	return true;
}

bool lk_cell_matches(const struct lk_cells *c, int64_t row, struct lk_cell_reader *r)
{
	int64_t at = c->offset + row;
	bool null = lk_cells_is_null(c, row);
	struct lk_encoded_cell cell;
	lk_int128 decimal;

	if (null || c->kind == LK_CELLS_BYTES) {
		if (r->p == r->end || *r->p != (null ? TAG_NULL : TAG_VALUE))
			return false;
		r->p++;
		return null || matches_bytes(lk_cell_bytes(c, c->layout, at), r);
	}
	if (!lk_encoded_next(r, c->kind, &cell) || cell.null)
		return false;
	if (c->kind == LK_CELLS_INT)
		return cell.low == (uint64_t)lk_cell_scaled_int(c, c->layout, at);
	if (c->kind == LK_CELLS_FLOAT)
		return cell.low == lk_cell_float(c, c->layout, at);
	decimal = lk_cell_decimal(c, c->layout, at);
	return cell.low == (uint64_t)decimal && cell.high == (uint64_t)(decimal >> 64);
}

/* ---- hashes ---- */

static bool hash_text(const struct lk_encoded_cell *cell, uint64_t *hash)
{
	struct lk_str text = LK_STR_INIT;
	bool fine;

	if (!cell->escaped) {
		*hash = lk_cell_fold(*hash, lk_cell_hash_bytes(cell->data, cell->len));
		return true;
	}
	lk_encoded_add_text(cell, &text);
	fine = !text.failed;
	if (fine)
		*hash = lk_cell_fold(*hash, lk_cell_hash_bytes(text.data, text.len));
	lk_str_release(&text);
	return fine;
}

bool lk_encoded_hash(const void *data, size_t len, const enum lk_cells_kind *kinds, int count, uint64_t *hash)
{
	struct lk_cell_reader r = {data, (const uint8_t *)data + len};
	struct lk_encoded_cell cell;

	*hash = 0;
	for (int i = 0; i < count; i++) {
		if (!lk_encoded_next(&r, kinds[i], &cell))
			return false;
		if (cell.null) {
			*hash = lk_cell_fold_null(*hash);
			continue;
		}
		if (kinds[i] == LK_CELLS_BYTES) {
			if (!hash_text(&cell, hash))
				return false;
			continue;
		}
		if (kinds[i] == LK_CELLS_DECIMAL)
			*hash = lk_cell_fold(*hash, cell.high);
		*hash = lk_cell_fold(*hash, cell.low);
	}
	return r.p == r.end;
}

/* ---- text ---- */

static void add_double(uint64_t bits, struct lk_str *out)
{
	char text[LK_VALUE_TEXT];
	double value;
	size_t len;

	memcpy(&value, &bits, sizeof(value));
	len = lk_float64_text(value, text);
	if (value - value == 0)
		lk_str_add(out, text, len);
	else /* JSON has no number for it */
		lk_str_addf(out, "\"%s\"", text);
}

static void add_bytes(const struct lk_encoded_cell *cell, bool is_text, struct lk_str *out)
{
	struct lk_str bytes = LK_STR_INIT;

	lk_encoded_add_text(cell, &bytes);
	out->failed = out->failed || bytes.failed;
	if (is_text) {
		lk_str_add_json(out, lk_str_text(&bytes), bytes.len);
	} else {
		lk_str_adds(out, "\"\\\\x");
		for (size_t i = 0; i < bytes.len; i++)
			lk_str_addf(out, "%02x", (unsigned char)bytes.data[i]);
		lk_str_addc(out, '"');
	}
	lk_str_release(&bytes);
}

static void add_decimal(const struct lk_encoded_cell *cell, const char *type, struct lk_str *out)
{
	const char *scale = strchr(type, ',');
	lk_int128 value = (lk_int128)((unsigned __int128)cell->high << 64 | cell->low);
	char text[LK_VALUE_TEXT];
	long digits = scale ? strtol(scale + 1, NULL, 10) : 0;

	lk_str_add(out, text, lk_decimal_text(value, digits < 0 || digits > 38 ? 0 : (int)digits, text));
}

static void add_int(int64_t value, const char *type, struct lk_str *out)
{
	char text[LK_VALUE_TEXT];

	if (!strcmp(type, "boolean"))
		lk_str_adds(out, value ? "true" : "false");
	else if (!strcmp(type, "date") && value >= INT32_MIN && value <= INT32_MAX)
		lk_str_addf(out, "\"%.*s\"", (int)lk_date_text((int32_t)value, text), text);
	else if (!strcmp(type, "time") && value >= 0 && value <= LK_DAY_US)
		lk_str_addf(out, "\"%.*s\"", (int)lk_time_text(value, text), text);
	else if (!strcmp(type, "timestamp") || !strcmp(type, "timestamptz"))
		lk_str_addf(out, "\"%.*s\"", (int)lk_timestamp_text(value, type[9] != '\0', true, text), text);
	else
		lk_str_addf(out, "%" PRId64, value);
}

bool lk_encoded_text(const void *data, size_t len, const char *const *types, int count, struct lk_str *out)
{
	struct lk_cell_reader r = {data, (const uint8_t *)data + len};
	struct lk_encoded_cell cell;
	enum lk_cells_kind kind;

	for (int i = 0; i < count; i++) {
		lk_str_adds(out, i ? "," : "[");
		if (!lk_cells_kind_of(types[i], &kind) || !lk_encoded_next(&r, kind, &cell))
			return false;
		if (cell.null)
			lk_str_adds(out, "null");
		else if (kind == LK_CELLS_INT)
			add_int((int64_t)cell.low, types[i], out);
		else if (kind == LK_CELLS_FLOAT)
			add_double(cell.low, out);
		else if (kind == LK_CELLS_DECIMAL)
			add_decimal(&cell, types[i], out);
		else
			add_bytes(&cell, !strcmp(types[i], "string"), out);
	}
	lk_str_adds(out, count ? "]" : "[]");
	return r.p == r.end;
}
