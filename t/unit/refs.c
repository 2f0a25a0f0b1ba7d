/* Refs: names, moves, and what main was at a time, against a model that forgets nothing. */
#include <stdlib.h>

#include "lake/metadata.h"
#include "lake/refs.h"
#include "lake/retention.h"
#include "tap.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define START (INT64_C(20000) * DAY)
#define COMMITS 400

static struct lk_error err;

static json_t *metadata(void)
{
	return json_pack("{s:i, s:{}, s:i, s:{}, s:[], s:[], s:I}", "format-version", 2, "properties", "current-snapshot-id", -1, "refs",
		"snapshots", "snapshot-log", "last-updated-ms", (json_int_t)START);
}

static void add(json_t *root, int64_t id, int64_t parent, int64_t at)
{
	json_t *s = json_pack("{s:I, s:I, s:I, s:{s:s}}", "snapshot-id", (json_int_t)id, "sequence-number", (json_int_t)id, "timestamp-ms", (json_int_t)at, "summary",
		"operation", "append");

	if (parent >= 0)
		json_object_set_new(s, "parent-snapshot-id", json_integer(parent));
	json_array_append_new(json_object_get(root, "snapshots"), s);
}

/* Makes a snapshot on main. */
static void commit(json_t *root, int64_t id, int64_t at)
{
	add(root, id, lk_metadata_snapshot_id(root), at);
	lk_metadata_set(root, "last-updated-ms", at);
	is_int(lk_refs_set(root, "main", false, id, NULL, &err), LK_OK, "main is at %lld", (long long)id);
}

static int64_t main_at(const json_t *root, int64_t at, bool *exact)
{
	int64_t id;

	lk_refs_main_at(root, at, &id, exact);
	return id;
}

/* ---- by hand ---- */

static void test_names(void)
{
	static const char *const bad[] = {"", "a b", "-x", ".x", "2026-01-01", "2026-01-01T10:00", "123", "\xc3\xa4"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(lk_refs_check_name(bad[i], &err), LK_USAGE, "'%s' is no name", bad[i]);
	is_int(lk_refs_check_name("eod/2026-01", &err), LK_OK, "eod/2026-01 is one");
	is_int(lk_refs_check_name("v1.2_b-c", &err), LK_OK, "v1.2_b-c is one");
}

static void test_moves(void)
{
	const struct lk_ref_retention keep = {.max_ref_age_ms = 5, .max_snapshot_age_ms = 6, .min_snapshots = 7};
	json_t *root = metadata();
	int64_t id;
	bool exact;

	ok(lk_refs_find(root, "main", &id) && id == -1, "main is there, without a snapshot");
	ok(!lk_refs_find(root, "b", &id), "other branches are not");
	commit(root, 1, START + 10);
	commit(root, 2, START + 20);
	is_int(lk_refs_set(root, "b", false, 2, &keep, &err), LK_OK, "a branch is made");
	is_int(lk_refs_set(root, "t", true, 1, &keep, &err), LK_OK, "a tag is made");
	is_int(lk_metadata_number(json_object_get(json_object_get(root, "refs"), "b"), "min-snapshots-to-keep", 0), 7, "branches keep snapshots");
	ok(!json_object_get(json_object_get(json_object_get(root, "refs"), "t"), "min-snapshots-to-keep"), "tags do not");
	ok(lk_refs_is_tag(root, "t") && !lk_refs_is_tag(root, "b"), "which is a tag");
	add(root, 3, 2, START + 30);
	is_int(lk_refs_set(root, "b", false, 3, NULL, &err), LK_OK, "the branch goes on");
	ok(lk_refs_led_to(root, 1, 3) && !lk_refs_led_to(root, 3, 1), "1 led to 3");
	ok(lk_refs_was_main(root, 1) && lk_refs_was_main(root, 2) && !lk_refs_was_main(root, 3), "3 is the branch's");
	ok(!lk_refs_set_back(root, 3), "main was not set back");
	lk_metadata_set(root, "last-updated-ms", START + 40);
	is_int(lk_refs_set(root, "main", false, 1, NULL, &err), LK_OK, "main is set back");
	ok(lk_refs_set_back(root, 3), "which is known");
	ok(lk_refs_was_main(root, 2), "2 was main's");
	is_int(lk_refs_time(root, 2), START + 20, "and since when");
	is_int(main_at(root, START + 9, &exact), -1, "there was nothing");
	ok(exact, "and that is so");
	is_int(main_at(root, START + 39, &exact), 2, "before it was set back");
	is_int(main_at(root, START + 40, &exact), 1, "and after");
	lk_refs_remove(root, "b");
	ok(!lk_refs_find(root, "b", &id), "the branch is gone");
	json_decref(root);
}

static void test_gap(void)
{
	json_t *root = metadata();
	bool exact;

	add(root, 1, -1, START);
	add(root, 5, 4, START + 5 * HOUR);
	json_object_set_new(json_object_get(json_array_get(json_object_get(root, "snapshots"), 1), "summary"), "lk.ancestor", json_string("1"));
	json_object_set_new(root, "current-snapshot-id", json_integer(5));
	json_array_append_new(json_object_get(root, "snapshot-log"),
		json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)(START + 5 * HOUR), "snapshot-id", (json_int_t)5));
	is_int(main_at(root, START + 3 * HOUR, &exact), 1, "what is left before a gap");
	ok(!exact, "is not what was");
	is_int(main_at(root, START + 5 * HOUR, &exact), 5, "behind it");
	ok(exact, "it is");
	json_object_set_new(json_object_get(root, "properties"), "lk.retention.keep-hourly", json_string("9"));
	is_int(main_at(root, START + HOUR, &exact), 1, "the end of an hour");
	ok(exact, "whose newest is kept");
	main_at(root, START + HOUR + 1, &exact);
	ok(!exact, "and no moment behind it");
	json_object_set_new(json_object_get(root, "properties"), "lk.retention.keep-hourly", json_string("1"));
	main_at(root, START + HOUR, &exact);
	ok(!exact, "nor where the rule does not go that far back");
	json_decref(root);
}

/* ---- against a model ---- */

static uint64_t dice = 88172645463325252;

static int64_t roll(int64_t below)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (int64_t)(dice % (uint64_t)below);
}

static struct {
	int64_t at, id;
} truth[2 * COMMITS];
static size_t truths;

static int64_t truth_at(int64_t at)
{
	int64_t id = -1;

	for (size_t i = 0; i < truths && truth[i].at <= at; i++)
		id = truth[i].id;
	return id;
}

/* Commits, resets and tags, thinned after each; then many times are asked for. */
static void test_model(unsigned round)
{
	struct lk_retention policy = {.last = 1 + roll(5), .hourly = roll(12), .daily = roll(12), .monthly = roll(4)};
	int64_t at = START, wrong = 0, answered = 0, asked = 0, thinned = 0;
	json_t *root = metadata();
	enum lk_status status = LK_OK;
	bool exact;

	truths = 0;
	if (lk_retention_write(json_object_get(root, "properties"), &policy, &err))
		status = err.status;
	for (int64_t n = 1; !status && n <= COMMITS; n++) {
		int64_t id = n, back = lk_metadata_snapshot_id(root);

		at += 1 + roll(roll(4) ? HOUR : 2 * DAY);
		lk_metadata_set(root, "last-updated-ms", at);
		if (back >= 0 && !roll(40)) { /* back to what is left */
			const json_t *snapshots = json_object_get(root, "snapshots");

			id = lk_metadata_number(json_array_get(snapshots, (size_t)roll((int64_t)json_array_size(snapshots))), "snapshot-id", -1);
		} else {
			add(root, id, back, at);
		}
		status = lk_refs_set(root, "main", false, id, NULL, &err);
		if (!status && !roll(60))
			status = lk_refs_set(root, "tag", true, id, NULL, &err);
		if (!status)
			status = lk_retention_apply(root, &policy, at, NULL, &err);
		truth[truths].at = at;
		truth[truths++].id = id;
	}
	thinned = COMMITS - (int64_t)json_array_size(json_object_get(root, "snapshots"));
	for (int i = 0; i < 2000; i++) {
		int64_t when = START - DAY + roll(at - START + 2 * DAY), got;

		when = roll(2) ? when / HOUR * HOUR : roll(2) ? when / DAY * DAY : when;
		got = main_at(root, when, &exact);
		asked++;
		answered += exact;
		wrong += exact && got != truth_at(when);
	}
	is_int(status, LK_OK, "round %u: %lld snapshots thinned out", round, (long long)thinned);
	is_int(wrong, 0, "round %u: of %lld answers that were sure none was wrong", round, (long long)answered);
	ok(answered > 0 && thinned > 0, "round %u: %lld of %lld times are sure", round, (long long)answered, (long long)asked);
	json_decref(root);
}

int main(void)
{
	test_names();
	test_moves();
	test_gap();
	for (unsigned round = 0; round < 20; round++)
		test_model(round);
	return done();
}
