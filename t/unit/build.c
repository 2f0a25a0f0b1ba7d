/* Units of the builders: values, nulls, rows taken back, reuse. */
#include "stream/build.h"
#include "tap.h"

static const struct lk_meta amount_meta[] = {{"lk.phi", "none"}, {NULL, NULL}};
static const struct lk_field fields[] = {
	{"flag", LK_BOOL},
	{"n", LK_INT64, .required = true},
	{"amount", LK_DECIMAL128, 9, 2, .meta = amount_meta},
	{"name", LK_UTF8},
	{"day", LK_DATE32},
	{"at", LK_TIMESTAMPTZ},
};
enum { FLAG, N, AMOUNT, NAME, DAY, AT, COLUMNS };

static void add_row(struct lk_builder *b, int i)
{
	struct lk_error err;
	bool null = i % 3 == 0;

	null ? lk_column_null(&b->columns[FLAG]) : lk_column_bool(&b->columns[FLAG], i % 2);
	lk_column_int64(&b->columns[N], i);
	null ? lk_column_null(&b->columns[AMOUNT]) : lk_column_decimal(&b->columns[AMOUNT], (lk_int128)i * -100);
	lk_column_text(&b->columns[NAME], null ? NULL : i % 2 ? "odd" : "");
	lk_column_int32(&b->columns[DAY], i);
	lk_column_int64(&b->columns[AT], i * INT64_C(1000000));
	ok(lk_builder_end_row(b, &err) == LK_OK, "row %d", i);
}

/* A row that gets as far as the name, which is then taken back. */
static void add_half_row(struct lk_builder *b, bool null)
{
	null ? lk_column_null(&b->columns[FLAG]) : lk_column_bool(&b->columns[FLAG], true);
	lk_column_int64(&b->columns[N], -1);
	null ? lk_column_null(&b->columns[AMOUNT]) : lk_column_decimal(&b->columns[AMOUNT], 1);
	lk_column_text(&b->columns[NAME], null ? NULL : "never seen");
	lk_builder_undo_row(b);
}

static void check_rows(struct lk_builder *b, int rows)
{
	const struct ArrowArrayView *view;
	struct ArrowArrayView copy;
	struct lk_error err;
	int wrong = 0;

	ok(lk_builder_view(b, &view, &err) == LK_OK, "a view");
	is_int(view->length, rows, "of %d rows", rows);
	copy = *view;
	ok(ArrowArrayViewValidate(&copy, NANOARROW_VALIDATION_LEVEL_FULL, NULL) == NANOARROW_OK, "that nanoarrow validates");
	for (int i = 0; i < rows; i++) {
		bool null = i % 3 == 0;
		struct ArrowStringView name;

		wrong += ArrowArrayViewIsNull(view->children[FLAG], i) != null;
		wrong += !null && ArrowArrayViewGetIntUnsafe(view->children[FLAG], i) != i % 2;
		wrong += ArrowArrayViewGetIntUnsafe(view->children[N], i) != i;
		wrong += ArrowArrayViewIsNull(view->children[NAME], i) != null;
		name = ArrowArrayViewGetStringUnsafe(view->children[NAME], i);
		wrong += name.size_bytes != (!null && i % 2 ? 3 : 0);
		wrong += ArrowArrayViewGetIntUnsafe(view->children[DAY], i) != i;
	}
	is_int(wrong, 0, "with the values that went in");
	is_int(view->children[FLAG]->null_count, (rows + 2) / 3, "and their nulls");
	is_int(view->children[N]->null_count, 0, "and none where none was");
}

static void test_schema(const struct lk_builder *b)
{
	int precision = 0, scale = 0;
	struct lk_str name = LK_STR_INIT;
	char value[16];

	is_int(lk_type_of(b->schema.children[AMOUNT], &precision, &scale), LK_DECIMAL128, "a decimal is told");
	ok(precision == 9 && scale == 2, "with precision and scale");
	lk_type_name(b->schema.children[AT], &name);
	is_text(lk_str_text(&name), "timestamp[us, UTC]", "a type's name");
	lk_str_release(&name);
	ok(lk_meta_text(b->schema.children[AMOUNT], "lk.phi", value, sizeof(value)) && !strcmp(value, "none"), "metadata");
	is_int(lk_schema_find(&b->schema, "day"), DAY, "a column by name");
	is_int(lk_schema_find(&b->schema, "Day"), -1, "and none");
}

int main(void)
{
	struct lk_builder b;
	struct lk_error err;

	if (!ok(lk_builder_init(&b, fields, COLUMNS, NULL, &err) == LK_OK, "a builder"))
		return done();
	test_schema(&b);
	for (int round = 0; round < 2; round++) {
		add_half_row(&b, false);
		add_half_row(&b, true);
		for (int i = 0; i < 20; i++) {
			add_row(&b, i);
			add_half_row(&b, i % 2);
		}
		check_rows(&b, 20);
		lk_builder_clear(&b);
	}
	check_rows(&b, 0);
	lk_column_int64(&b.columns[N], 1);
	ok(lk_builder_end_row(&b, &err) == LK_BUG, "a row that lacks values is refused");
	lk_builder_release(&b);
	return done();
}
