/* sql/key_range: files that may have keys are not left out, whatever stands behind the first cell. */
#include <string.h>

#include "sql/lookup.h"
#include "tap.h"

static struct lk_error err;

/* A key of two texts. */
static void add(struct lk_keys *keys, const char *first, const char *second)
{
	const enum lk_cells_kind kinds[] = {LK_CELLS_BYTES, LK_CELLS_BYTES};
	const char *texts[] = {first, second};
	struct lk_str key = LK_STR_INIT;
	uint32_t number;
	uint64_t hash;
	bool is_new;

	for (int i = 0; i < 2; i++) {
		const int32_t offsets[] = {0, (int32_t)strlen(texts[i])};
		const struct lk_cells cell = {.kind = LK_CELLS_BYTES, .layout = LK_CELLS_TEXT32, .data = offsets, .text = texts[i], .factor = 1};

		lk_cells_encode(&cell, 0, &key);
	}
	ok(lk_encoded_hash(key.data, key.len, kinds, 2, &hash) && !lk_keys_add(keys, hash, key.data, key.len, &number, &is_new, &err),
		"the key (%s, %s)", first, second);
	lk_str_release(&key);
}

static bool meets(const struct lk_key_ranges *ranges, const char *lower, const char *upper)
{
	struct lk_column_metrics column = {.field_id = 3, .has_lower = true, .has_upper = true,
		.lower = {.data = (char *)lower, .len = strlen(lower)}, .upper = {.data = (char *)upper, .len = strlen(upper)}};
	const struct lk_lake_file file = {.entry = {.metrics = {.columns = &column, .column_count = 1}}};

	return lk_key_ranges_meet(ranges, &file, 3);
}

static void add_number(struct lk_keys *keys, int64_t value)
{
	const enum lk_cells_kind kind = LK_CELLS_INT;
	const struct lk_cells cell = {.kind = LK_CELLS_INT, .layout = LK_CELLS_I64, .data = &value, .factor = 1};
	struct lk_str key = LK_STR_INIT;
	uint32_t number;
	uint64_t hash;
	bool is_new;

	lk_cells_encode(&cell, 0, &key);
	if (!lk_encoded_hash(key.data, key.len, &kind, 1, &hash) || lk_keys_add(keys, hash, key.data, key.len, &number, &is_new, &err))
		ok(false, "the key %lld", (long long)value);
	lk_str_release(&key);
}

/* Conditions that DuckDB holds against row groups, one for each gap. */
static void test_condition(void)
{
	struct lk_key_ranges *ranges;
	struct lk_str s = LK_STR_INIT;
	struct lk_keys *keys;

	ok(!lk_keys_create(&keys, &err), "a set of numbers");
	for (int64_t i = 0; i < 1000; i++) {
		add_number(keys, i - 500);
		add_number(keys, 5000000 + i);
		add_number(keys, 9000000 + i);
	}
	ok(!lk_key_ranges_make(&ranges, keys, "long", &err), "its ranges");
	lk_key_ranges_add(ranges, 2, &s);
	is_text(s.data, "((c2 >= -500 AND c2 <= 9000999 AND (c2 <= 499 OR c2 >= 5000000) AND (c2 <= 5000999 OR c2 >= 9000000)))",
		"the numbers lie where a condition says");
	lk_str_release(&s);
	lk_key_ranges_free(ranges);
	lk_keys_free(keys);
}

int main(void)
{
	struct lk_key_ranges *ranges;
	struct lk_keys *keys;

	test_condition();
	ok(!lk_keys_create(&keys, &err), "a set of keys");
	add(keys, "X", "nid");
	add(keys, "FAC10", "M1");
	ok(!lk_key_ranges_make(&ranges, keys, "string", &err), "its ranges");
	ok(meets(ranges, "X", "X"), "a file of nothing but the short text of a key has it");
	ok(meets(ranges, "A", "X"), "and one that ends in it");
	ok(meets(ranges, "FAC10", "FAC10"), "and one of the other");
	ok(!meets(ranges, "FAC11", "FAC9"), "one between them has none");
	ok(!meets(ranges, "Y", "Z"), "nor one behind them");
	lk_key_ranges_free(ranges);
	lk_keys_free(keys);
	return done();
}
