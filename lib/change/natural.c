#include "change/natural.h"

#include <string.h>

#include "base/value.h"
#include "stream/cell.h"

enum { TEXT, INTEGER, DECIMAL, OTHER };

enum lk_status lk_natural_init(struct lk_natural *n, const struct lk_surrogate_key *key, const struct ArrowSchema *schema,
	struct lk_error *err)
{
	n->key = key;
	for (int i = 0; i < key->count; i++) {
		struct lk_natural_part *part = &n->parts[i];
		struct lk_str type = LK_STR_INIT;
		struct lk_cell cell;

		part->column = lk_schema_find(schema, key->parts[i].column);
		part->schema = schema->children[part->column];
		lk_cell_init(&cell, part->schema);
		switch (cell.type.type) {
		case NANOARROW_TYPE_STRING:
		case NANOARROW_TYPE_LARGE_STRING:
			part->kind = TEXT;
			continue;
		case NANOARROW_TYPE_INT8:
		case NANOARROW_TYPE_INT16:
		case NANOARROW_TYPE_INT32:
		case NANOARROW_TYPE_INT64:
		case NANOARROW_TYPE_UINT8:
		case NANOARROW_TYPE_UINT16:
		case NANOARROW_TYPE_UINT32:
			part->kind = INTEGER;
			continue;
		case NANOARROW_TYPE_DECIMAL32:
		case NANOARROW_TYPE_DECIMAL64:
		case NANOARROW_TYPE_DECIMAL128:
		case NANOARROW_TYPE_DECIMAL256:
			part->kind = DECIMAL;
			continue;
		case NANOARROW_TYPE_UINT64:
		case NANOARROW_TYPE_BOOL:
		case NANOARROW_TYPE_DATE32:
		case NANOARROW_TYPE_DATE64:
		case NANOARROW_TYPE_TIME32:
		case NANOARROW_TYPE_TIME64:
		case NANOARROW_TYPE_TIMESTAMP:
		case NANOARROW_TYPE_NA:
			part->kind = OTHER;
			continue;
		default:
			lk_type_name(part->schema, &type);
			lk_error_set(err, LK_DATA, "column %s is %s, which cannot be part of a natural key", key->parts[i].column,
				lk_str_text(&type));
			lk_str_release(&type);
			return LK_DATA;
		}
	}
	return LK_OK;
}

/* A cell of text as change/cells.h encodes it. */
static void add_cell(const char *text, size_t len, struct lk_str *out)
{
	lk_str_addc(out, 1);
	for (const char *zero; len && (zero = memchr(text, 0, len)); len -= (size_t)(zero + 1 - text), text = zero + 1) {
		lk_str_add(out, text, (size_t)(zero + 1 - text));
		lk_str_addc(out, '\xff');
	}
	lk_str_add(out, text, len);
	lk_str_add(out, "\0", 2);
}

const char *lk_natural_decode(const char *cell, struct lk_str *text)
{
	lk_str_clear(text);
	for (cell++; cell[0] || cell[1]; cell += cell[0] ? 1 : 2)
		lk_str_addc(text, *cell);
	return cell + 2;
}

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!memchr(" \t\n\v\f\r", text[i], 6))
			return false;
	return true;
}

/* "17.50" as "17.5", "17.00" as "17". */
static void cut_zeros(struct lk_str *text)
{
	if (!text->data || !memchr(text->data, '.', text->len))
		return;
	while (text->len && text->data[text->len - 1] == '0')
		text->len--;
	if (text->len && text->data[text->len - 1] == '.')
		text->len--;
}

static bool add_other(const struct lk_natural_part *part, const struct ArrowArrayView *column, int64_t row, struct lk_str *out)
{
	struct lk_str text = LK_STR_INIT;
	struct lk_cell cell;

	lk_cell_init(&cell, part->schema);
	lk_cell_add(&cell, column, row, false, &text);
	if (part->kind == DECIMAL)
		cut_zeros(&text);
	out->failed |= text.failed;
	add_cell(lk_str_text(&text), text.len, out);
	lk_str_release(&text);
	return true;
}

static bool add_part(const struct lk_natural_part *part, const struct ArrowArrayView *view, int64_t row, struct lk_str *out)
{
	const struct ArrowArrayView *column = view->children[part->column];
	struct ArrowStringView text;
	char number[LK_VALUE_TEXT];

	if (column->storage_type == NANOARROW_TYPE_NA || ArrowArrayViewIsNull(column, row))
		return false;
	if (part->kind == INTEGER) {
		add_cell(number, lk_int64_text(ArrowArrayViewGetIntUnsafe(column, row), number), out);
		return true;
	}
	if (part->kind != TEXT)
		return add_other(part, column, row, out);
	text = ArrowArrayViewGetStringUnsafe(column, row);
	if (is_blank(text.data, (size_t)text.size_bytes))
		return false;
	add_cell(text.data, (size_t)text.size_bytes, out);
	return true;
}

bool lk_natural_encode(const struct lk_natural *n, const struct ArrowArrayView *view, int64_t row, struct lk_str *out)
{
	lk_str_clear(out);
	for (int i = 0; i < n->key->count; i++)
		if (!add_part(&n->parts[i], view, row + view->offset, out))
			return false;
	add_cell(n->key->name, strlen(n->key->name), out);
	return true;
}
