/* Forms of text, and what constraints rest on: keys, order, sets of values that were seen. */
#include <stdlib.h>

#include "source/constraint.h"
#include "source/form.h"

#include "tap.h"

static void test_durations(void)
{
	static const struct {
		const char *text;
		bool good;
		int64_t months, us;
	} cases[] = {
		{"P1Y2M10DT2H30M", true, 14, 873000000000},
		{"PT0S", true, 0, 0},
		{"-P1M", true, -1, 0},
		{"P2W", true, 0, 1209600000000},
		{"PT1.5S", true, 0, 1500000},
		{"PT0,5H", true, 0, 1800000000},
		{"P0.5Y", true, 6, 0},
		{"P", false, 0, 0},
		{"PT", false, 0, 0},
		{"P1DT", false, 0, 0},
		{"P1H", false, 0, 0},
		{"P1D2Y", false, 0, 0},
		{"PT1.5M3S", false, 0, 0},
		{"P1W1D", false, 0, 0},
		{"1D", false, 0, 0},
		{"P1.D", false, 0, 0},
		{"P99999999999D", false, 0, 0},
		{"P9999999999W", false, 0, 0},
		{"", false, 0, 0},
		{"-", false, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct lk_duration d;
		bool good = lk_duration_of(cases[i].text, strlen(cases[i].text), &d);

		ok(good == cases[i].good && (!good || (d.months == cases[i].months && d.us == cases[i].us)), "duration '%s'",
			cases[i].text);
	}
}

static void test_json(void)
{
	static const struct {
		bool (*check)(const char *s, size_t len);
		const char *text;
		bool good;
	} cases[] = {
		{lk_form_geojson, "{\"type\":\"MultiPolygon\",\"coordinates\":[[[[0,0],[1,0],[1,1],[0,0]]]]}", true},
		{lk_form_geojson, "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,1]]]}", false},
		{lk_form_geojson, "{\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":\"Point\",\"coordinates\":[1]}]}", false},
		{lk_form_geojson, "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]},\"properties\":null}", true},
		{lk_form_geojson, "{\"type\":\"Feature\",\"properties\":{}}", false},
		{lk_form_geojson, "[]", false},
		{lk_form_object, "{\"a\":123456789012345678901234567890}", true},
		{lk_form_object, "{\"a\":1}x", false},
		{lk_form_array, "[\"\\u0000\"]", true},
		{lk_form_geopoint, "90.5,45.5", true},
		{lk_form_geopoint, "NaN,0", false},
		{lk_form_geopoint_array, "[\"1\", \"2\"]", false},
	};
	struct lk_str deep = LK_STR_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		ok(cases[i].check(cases[i].text, strlen(cases[i].text)) == cases[i].good, "%s", cases[i].text);
	for (int i = 0; i < 100000; i++)
		lk_str_adds(&deep, "[");
	ok(!lk_form_array(deep.data, deep.len), "what nests without end is refused");
	lk_str_release(&deep);
}

static struct lk_checked checked(const struct lk_convert *c, const char *text)
{
	struct lk_checked v = {.s = text, .len = strlen(text)};
	const char *reason;

	if (!lk_convert_scalar(c, v.s, v.len, &v.scalar, &reason))
		printf("# '%s' does not fit\n", text);
	return v;
}

/* -1, 0, 1 by order; 2: they have none. */
static int order_of(const char *type, const char *a, const char *b)
{
	struct lk_convert c;
	struct lk_checked x, y;
	const char *problem;
	int order;

	lk_convert_init(&c, type, "default", &problem);
	x = checked(&c, a);
	y = checked(&c, b);
	if (!lk_checked_compare(&c, &x, &y, &order))
		return 2;
	return (order > 0) - (order < 0);
}

static bool same_key(const char *type, const char *a, const char *b)
{
	struct lk_str left = LK_STR_INIT, right = LK_STR_INIT;
	struct lk_text x, y;
	struct lk_convert c;
	struct lk_checked v, w;
	const char *problem;
	bool same;

	lk_convert_init(&c, type, "default", &problem);
	v = checked(&c, a);
	w = checked(&c, b);
	same = lk_checked_key(&c, &v, &left, &x) && lk_checked_key(&c, &w, &right, &y) && !lk_key_compare(&x, &y);
	lk_str_release(&left);
	lk_str_release(&right);
	return same;
}

static void test_order(void)
{
	is_int(order_of("integer", "10", "9"), 1, "integers by value");
	is_int(order_of("number", "-0.0", "0"), 0, "zeros are equal");
	is_int(order_of("number", "NaN", "0"), 2, "NaN has no order");
	is_int(order_of("number", "-INF", "-1e308"), -1, "infinity has");
	is_int(order_of("date", "2026-01-31", "2026-02-01"), -1, "dates");
	is_int(order_of("yearmonth", "2026-12", "2027-01"), -1, "years and months");
	is_int(order_of("duration", "P1D", "PT24H"), 0, "a day is 24 hours");
	is_int(order_of("duration", "P1M", "P27D"), 1, "a month is more than 27 days");
	is_int(order_of("duration", "P1M", "P30D"), 2, "but neither more nor less than 30");
	is_int(order_of("duration", "P1Y", "P12M"), 0, "a year is 12 months");
	ok(same_key("number", "1.0", "1.00") && same_key("number", "-0", "0") && same_key("number", "NaN", "NaN"), "numbers by value");
	ok(!same_key("string", "1.0", "1.00"), "texts as they stand");
	ok(same_key("object", "{\"a\": 1, \"b\": [2]}", "{\"b\":[2],\"a\":1}"), "objects by their members");
	ok(same_key("duration", "P1D", "PT24H"), "durations by their length");
	ok(same_key("integer", "007", "7"), "integers by value");
}

/* More values than the memory given: the rest goes to a file, and nothing is forgotten. */
static void test_seen(void)
{
	struct lk_distinct seen = {.memory = 256 * 1024};
	struct lk_hash128 hash;
	struct lk_error err;
	bool good = true;
	int known = 0, unknown = 0;

	for (int i = 0; i < 200000 && good; i++) {
		good = lk_distinct_hash(&seen, &i, sizeof(i), &hash, &err) == LK_OK;
		unknown += good && !lk_distinct_has(&seen, &hash);
		good = good && lk_distinct_add(&seen, &hash, &err) == LK_OK;
	}
	if (!ok(good, "200,000 values are taken"))
		printf("# %s\n", err.message);
	is_int(unknown, 200000, "none was known before");
	for (int i = 0; i < 400000 && good; i++) {
		good = lk_distinct_hash(&seen, &i, sizeof(i), &hash, &err) == LK_OK;
		known += lk_distinct_has(&seen, &hash);
	}
	is_int(known, 200000, "all are known then, and no other");
	ok(seen.cap * sizeof(hash) > 256 * 1024, "in more than the memory given");
	lk_distinct_release(&seen);
	setenv("TMPDIR", "/nowhere/at/all", 1);
	seen = (struct lk_distinct){.memory = 1};
	ok(lk_distinct_hash(&seen, "x", 1, &hash, &err) == LK_OK && lk_distinct_add(&seen, &hash, &err) == LK_CANTCREATE &&
			strstr(err.message, "/nowhere/at/all"),
		"where no file can be made, that is said");
	lk_distinct_release(&seen);
}

int main(void)
{
	test_durations();
	test_json();
	test_order();
	test_seen();
	return done();
}
