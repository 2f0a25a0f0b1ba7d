#include "change/version.h"

#include <ctype.h>

#include "change/cell_value.h"

#define DIGEST_SHOWN 12 /* digits of a delivery's SHA-256 in lk_file */

/* ---- columns ---- */

static enum lk_status find(struct lk_cells *cells, bool *has, const char *name, const char *type, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, struct lk_error *err)
{
	int i = name ? lk_schema_find(schema, name) : -1;

	*has = i >= 0;
	if (!*has)
		return LK_OK;
	LK_TRY(lk_cells_arrow(cells, schema->children[i], view->children[i], type, err));
	cells->offset += view->offset;
	return LK_OK;
}

enum lk_status lk_version_columns(struct lk_version_cells *v, const struct lk_spec *spec, const char *order_type,
	const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	*v = (struct lk_version_cells){.has_order = false};
	LK_TRY(find(&v->order, &v->has_order, spec->order, order_type, schema, view, err));
	LK_TRY(find(&v->sent, &v->has_sent, LK_COLUMN_SENT, "timestamptz", schema, view, err));
	LK_TRY(find(&v->file, &v->has_file, LK_COLUMN_FILE, "string", schema, view, err));
	return find(&v->row, &v->has_row, LK_COLUMN_ROW, "long", schema, view, err);
}

/* ---- lk_file ---- */

/* DELIVERY@12 DIGITS!MEMBER in its parts; all of it is the delivery's name where there are no digits. */
struct file {
	struct lk_cell_bytes digest, member, name;
};

static bool is_digest(const char *p)
{
	for (int i = 0; i < DIGEST_SHOWN; i++)
		if (!isdigit((unsigned char)p[i]) && (p[i] < 'a' || p[i] > 'f'))
			return false;
	return p[DIGEST_SHOWN] == '!';
}

static struct file split_file(struct lk_cell_bytes text)
{
	const char *p = text.data, *end = text.data + text.len;

	while ((p = memchr(p, '@', (size_t)(end - p)))) {
		p++;
		if (end - p <= DIGEST_SHOWN)
			break;
		if (is_digest(p))
			return (struct file){{p, DIGEST_SHOWN}, {p + DIGEST_SHOWN + 1, (size_t)(end - p) - DIGEST_SHOWN - 1},
				{text.data, (size_t)(p - 1 - text.data)}};
	}
	return (struct file){.name = text};
}

/* ---- encoding ---- */

/* A cell of text, or null where data is NULL. */
static void add_text(struct lk_cell_bytes text, struct lk_str *out)
{
	const int64_t offsets[] = {0, (int64_t)text.len};
	const struct lk_cells cells = {text.data ? LK_CELLS_BYTES : LK_CELLS_INT, text.data ? LK_CELLS_TEXT64 : LK_CELLS_NULL, offsets, text.data,
		.factor = 1};

	lk_cells_encode(&cells, 0, out);
}

static void add(const struct lk_cells *cells, bool has, int64_t row, struct lk_str *out)
{
	if (has)
		lk_cells_encode(cells, row, out);
	else
		add_text((struct lk_cell_bytes){NULL, 0}, out);
}

static void add_place(const struct lk_version_cells *v, int64_t row, int64_t place, struct lk_str *out)
{
	const struct lk_cells own = {LK_CELLS_INT, LK_CELLS_I64, &place, .factor = 1};

	if (place >= 0 && (!v->has_row || lk_cells_is_null(&v->row, row)))
		lk_cells_encode(&own, 0, out);
	else
		add(&v->row, v->has_row, row, out);
}

void lk_version_encode(const struct lk_version_cells *v, enum lk_load load, int64_t row, int64_t place, struct lk_str *out)
{
	struct file file = {{NULL, 0}};

	if (v->has_file && !lk_cells_is_null(&v->file, row))
		file = split_file(lk_cell_bytes(&v->file, v->file.layout, v->file.offset + row));
	if (load != LK_LOAD_FULL)
		add(&v->order, v->has_order, row, out);
	add(&v->sent, v->has_sent, row, out);
	add_text(file.digest, out);
	if (load == LK_LOAD_FULL)
		add(&v->order, v->has_order, row, out);
	add_text(file.member, out);
	add_text(file.name, out);
	add_place(v, row, place, out);
}

size_t lk_version_list(const void *version, size_t len)
{
	struct lk_cell_reader r = {version, (const uint8_t *)version + len};
	struct lk_encoded_cell cell;

	if (!lk_encoded_next(&r, LK_CELLS_INT, &cell) || !lk_encoded_next(&r, LK_CELLS_BYTES, &cell))
		return 0;
	return (size_t)(r.p - (const uint8_t *)version);
}

/* Name, "@", digits, "!" and member, of those that are there. */
static void join_file(const struct lk_encoded_cell *digest, const struct lk_encoded_cell *member, const struct lk_encoded_cell *name,
	struct lk_str *out)
{
	if (!name->null)
		lk_encoded_add_text(name, out);
	if (digest->null)
		return;
	lk_str_addc(out, '@');
	lk_encoded_add_text(digest, out);
	lk_str_addc(out, '!');
	if (!member->null)
		lk_encoded_add_text(member, out);
}

bool lk_version_origin(const void *version, size_t len, enum lk_load load, enum lk_cells_kind order, struct lk_version_origin *out)
{
	struct lk_cell_reader r = {version, (const uint8_t *)version + len};
	struct lk_encoded_cell skipped, sent, digest, member = {.null = true}, name = {.null = true}, row = {.null = true};

	if (load != LK_LOAD_FULL && !lk_encoded_next(&r, order, &skipped))
		return false;
	if (!lk_encoded_next(&r, LK_CELLS_INT, &sent) || !lk_encoded_next(&r, LK_CELLS_BYTES, &digest))
		return false;
	if (r.p < r.end && ((load == LK_LOAD_FULL && !lk_encoded_next(&r, order, &skipped)) || !lk_encoded_next(&r, LK_CELLS_BYTES, &member) ||
		!lk_encoded_next(&r, LK_CELLS_BYTES, &name) || !lk_encoded_next(&r, LK_CELLS_INT, &row)))
		return false;
	out->has_sent = !sent.null;
	out->sent = (int64_t)sent.low;
	out->has_row = !row.null;
	out->row = (int64_t)row.low;
	join_file(&digest, &member, &name, &out->file);
	return true;
}

int lk_version_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	int order = len ? memcmp(a, b, len) : 0;

	return order ? order : (a_len > b_len) - (a_len < b_len);
}
