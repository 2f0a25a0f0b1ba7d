/* Units of lib/stream/gather: rows of any type out of a batch, as nanoarrow itself would have them. */
#include <stdlib.h>

#include "stream/cell.h"
#include "stream/gather.h"
#include "tap.h"

static struct lk_error err;

/* A schema of what lib/stream reads: one column for each kind of layout. */
static void make_schema(struct ArrowSchema *s)
{
	ArrowSchemaInit(s);
	ArrowSchemaSetTypeStruct(s, 8);
	ArrowSchemaSetType(s->children[0], NANOARROW_TYPE_BOOL);
	ArrowSchemaSetType(s->children[1], NANOARROW_TYPE_INT32);
	ArrowSchemaSetTypeDecimal(s->children[2], NANOARROW_TYPE_DECIMAL128, 20, 2);
	ArrowSchemaSetType(s->children[3], NANOARROW_TYPE_STRING);
	ArrowSchemaSetType(s->children[4], NANOARROW_TYPE_LARGE_STRING);
	ArrowSchemaSetTypeFixedSize(s->children[5], NANOARROW_TYPE_FIXED_SIZE_BINARY, 3);
	ArrowSchemaSetType(s->children[6], NANOARROW_TYPE_LIST);
	ArrowSchemaSetType(s->children[6]->children[0], NANOARROW_TYPE_STRING);
	ArrowSchemaSetTypeStruct(s->children[7], 1);
	ArrowSchemaSetType(s->children[7]->children[0], NANOARROW_TYPE_INT64);
	ArrowSchemaSetName(s->children[7]->children[0], "n");
	for (int i = 0; i < 8; i++) {
		char name[] = {(char)('a' + i), 0};

		ArrowSchemaSetName(s->children[i], name);
	}
}

static int add_row(struct ArrowArray *a, int64_t i)
{
	struct ArrowDecimal decimal;
	char text[32];
	int len = snprintf(text, sizeof(text), "%.*s%lld", (int)(i % 5), "wert_", (long long)i);
	struct ArrowStringView view = {text, len};

	if (i % 7 == 3) { /* a row of nulls */
		for (int c = 0; c < 8; c++)
			if (ArrowArrayAppendNull(a->children[c], 1))
				return 1;
		return ArrowArrayFinishElement(a);
	}
	ArrowDecimalInit(&decimal, 128, 20, 2);
	ArrowDecimalSetInt(&decimal, -i * 1000);
	for (int64_t v = 0; v < i % 4; v++)
		if (ArrowArrayAppendString(a->children[6]->children[0], view))
			return 1;
	return ArrowArrayAppendInt(a->children[0], i % 3 == 0) || ArrowArrayAppendInt(a->children[1], i) ||
		ArrowArrayAppendDecimal(a->children[2], &decimal) || ArrowArrayAppendString(a->children[3], view) ||
		ArrowArrayAppendString(a->children[4], view) ||
		ArrowArrayAppendBytes(a->children[5], (struct ArrowBufferView){{"abcdefgh" + i % 5}, 3}) ||
		ArrowArrayFinishElement(a->children[6]) || ArrowArrayAppendInt(a->children[7]->children[0], i * 10) ||
		ArrowArrayFinishElement(a->children[7]) || ArrowArrayFinishElement(a);
}

static void row_text(const struct ArrowSchema *schema, const struct ArrowArrayView *view, int64_t row, struct lk_str *out)
{
	lk_str_clear(out);
	for (int64_t c = 0; c < schema->n_children; c++) {
		struct lk_cell cell;

		lk_cell_init(&cell, schema->children[c]);
		lk_cell_add(&cell, view->children[c], row, true, out);
		lk_str_addc(out, '|');
	}
}

/* Every gathered row must read as the one it was. */
static void compare(const char *title, struct lk_gather *g, const struct ArrowSchema *schema, struct ArrowArrayView *view,
	const int64_t *rows, int64_t count)
{
	const struct ArrowArrayView *out;
	struct lk_str want = LK_STR_INIT, got = LK_STR_INIT;
	bool same = true;

	if (!ok(!lk_gather_rows(g, view, rows, count, &out, &err), "%s: gathered", title))
		return;
	is_int(out->length, count, "%s: as many rows", title);
	for (int64_t i = 0; i < count; i++) {
		row_text(schema, view, view->offset + rows[i], &want);
		row_text(schema, out, i, &got);
		same = same && !strcmp(lk_str_text(&want), lk_str_text(&got));
	}
	ok(same, "%s: the same values", title);
	is_int(ArrowArrayViewValidate((struct ArrowArrayView *)out, NANOARROW_VALIDATION_LEVEL_FULL, NULL), 0, "%s: sound", title);
	lk_str_release(&want);
	lk_str_release(&got);
}

int main(void)
{
	const int64_t all = 1000;
	struct ArrowArrayView view;
	struct ArrowSchema schema;
	struct ArrowArray array;
	struct lk_gather *g;
	int64_t *rows = calloc((size_t)all + 1, sizeof(*rows)), count = 0;
	bool made = rows != NULL;

	make_schema(&schema);
	made = made && !ArrowArrayInitFromSchema(&array, &schema, NULL) && !ArrowArrayStartAppending(&array);
	for (int64_t i = 0; made && i < all; i++)
		made = !add_row(&array, i);
	made = made && !ArrowArrayFinishBuildingDefault(&array, NULL) && !ArrowArrayViewInitFromSchema(&view, &schema, NULL) &&
		!ArrowArrayViewSetArray(&view, &array, NULL);
	if (!ok(made && !lk_gather_create(&g, &schema, &err), "a batch of all kinds of columns"))
		return done();
	for (int64_t i = 0; i < all; i++)
		rows[i] = i;
	compare("all rows", g, &schema, &view, rows, all);
	for (int64_t i = 0; i < all; i += 1 + i % 3)
		rows[count++] = i;
	compare("some", g, &schema, &view, rows, count);
	for (int64_t i = 0; i < 100; i++)
		rows[i] = all - 1 - i * 7;
	compare("backwards", g, &schema, &view, rows, 100);
	compare("one", g, &schema, &view, rows + 5, 1);
	compare("none", g, &schema, &view, rows, 0);
	for (int64_t i = 0; i < all; i++)
		rows[i] = 3;
	compare("one of nulls, again and again", g, &schema, &view, rows, all);
	lk_gather_free(g);
	ArrowArrayViewReset(&view);
	ArrowArrayRelease(&array);
	ArrowSchemaRelease(&schema);
	free(rows);
	return done();
}
