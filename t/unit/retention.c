/* Retention: by hand, and against a model that does it the slow way. */
#include <stdlib.h>
#include <time.h>

#include "base/tool.h"
#include "lake/metadata.h"
#include "lake/retention.h"
#include "tap.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define NOW INT64_C(1795000000000)

static struct lk_error err;

static json_t *metadata(void)
{
	return json_pack("{s:i, s:{}, s:i, s:{}, s:[], s:[], s:[]}", "format-version", 2, "properties", "current-snapshot-id", -1,
		"refs", "snapshots", "snapshot-log", "statistics");
}

/* parent 0: none */
static void add(json_t *root, int64_t id, int64_t parent, int64_t at)
{
	json_t *s = json_pack("{s:I, s:I, s:{s:s}}", "snapshot-id", (json_int_t)id, "timestamp-ms", (json_int_t)at, "summary",
		"operation", "append");

	if (parent)
		json_object_set_new(s, "parent-snapshot-id", json_integer(parent));
	json_array_append_new(json_object_get(root, "snapshots"), s);
}

static json_t *set_ref(json_t *root, const char *name, const char *type, int64_t id)
{
	json_t *ref = json_pack("{s:I, s:s}", "snapshot-id", (json_int_t)id, "type", type);

	json_object_set_new(json_object_get(root, "refs"), name, ref);
	if (!strcmp(name, "main"))
		json_object_set_new(root, "current-snapshot-id", json_integer(id));
	return ref;
}

static void log_add(json_t *root, int64_t id, int64_t at)
{
	json_array_append_new(json_object_get(root, "snapshot-log"),
		json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)at, "snapshot-id", (json_int_t)id));
}

/* The ids in root[list], blank-separated. */
static const char *ids(const json_t *list)
{
	static char text[65536];
	size_t i, used = 0;
	json_t *item;

	text[0] = '\0';
	json_array_foreach(list, i, item)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%lld", i ? " " : "",
			(long long)lk_metadata_number(item, "snapshot-id", -1));
	return text;
}

/* A chain of `count` snapshots, ids 1 to count, the last now and each `step` before the next; main at its end. */
static json_t *chain(int count, int64_t step)
{
	json_t *root = metadata();

	for (int i = 1; i <= count; i++) {
		add(root, i, i - 1, NOW - (count - i) * step);
		log_add(root, i, NOW - (count - i) * step);
	}
	set_ref(root, "main", "branch", count);
	return root;
}

static const char *summary_of(const json_t *root, int64_t id, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(lk_metadata_snapshot(root, id), "summary"), key));

	return text ? text : "";
}

static void apply(json_t *root, struct lk_retention policy, json_t *removed)
{
	if (lk_retention_apply(root, &policy, NOW, removed, &err))
		ok(false, "%s", err.message);
}

static void test_rules(void)
{
	json_t *root = chain(10, DAY), *removed = json_array();

	apply(root, (struct lk_retention){.last = 3}, removed);
	is_text(ids(json_object_get(root, "snapshots")), "8 9 10", "the last three stay");
	is_text(ids(removed), "1 2 3 4 5 6 7", "the others are handed out");
	json_decref(removed);
	json_decref(root);

	root = chain(10, DAY);
	apply(root, (struct lk_retention){0}, NULL);
	is_int(json_array_size(json_object_get(root, "snapshots")), 10, "without a rule nothing goes");
	apply(root, (struct lk_retention){.age_ms = 2 * DAY + 1}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "8 9 10", "what is younger stays");
	json_decref(root);

	root = chain(1000, 1);
	apply(root, (struct lk_retention){.hourly = 5}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "1000", "one of an hour");
	json_decref(root);

	root = chain(12, 10 * DAY);
	apply(root, (struct lk_retention){.hourly = 2}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "11 12", "hours without snapshots do not count");
	json_decref(root);

	root = chain(60, 30 * DAY);
	apply(root, (struct lk_retention){.last = 2, .daily = 3, .monthly = 5}, NULL);
	is_int(json_array_size(json_object_get(root, "snapshots")), 5, "rules overlap");
	json_decref(root);
}

static void test_gaps(void)
{
	json_t *root = chain(6, DAY), *statistics;
	const struct lk_retention two = {.last = 2};

	set_ref(root, "release", "tag", 2);
	statistics = json_object_get(root, "statistics");
	json_array_append_new(statistics, json_pack("{s:i}", "snapshot-id", 3));
	json_array_append_new(statistics, json_pack("{s:i}", "snapshot-id", 2));
	apply(root, two, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "2 5 6", "what a tag names stays");
	is_text(ids(json_object_get(root, "snapshot-log")), "5 6", "the log has no gaps");
	is_text(ids(json_object_get(root, "statistics")), "2", "statistics go with their snapshot");
	is_int(lk_metadata_number(lk_metadata_snapshot(root, 5), "parent-snapshot-id", -1), 4, "the parent stays as it was");
	is_text(summary_of(root, 5, "lk.ancestor"), "2", "the nearest kept ancestor is noted");
	is_int(lk_retention_ancestor(root, lk_metadata_snapshot(root, 6)), 5, "an ancestor that is the parent");
	is_int(lk_retention_ancestor(root, lk_metadata_snapshot(root, 5)), 2, "an ancestor beyond a gap");
	is_int(lk_retention_ancestor(root, lk_metadata_snapshot(root, 2)), -1, "no ancestor is known");

	add(root, 7, 6, NOW);
	set_ref(root, "main", "branch", 7);
	log_add(root, 7, NOW);
	apply(root, two, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "2 6 7", "thinned again");
	is_text(summary_of(root, 6, "lk.ancestor"), "2", "the way over two gaps is known");
	json_object_del(json_object_get(root, "refs"), "release");
	apply(root, two, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "6 7", "a dropped tag keeps nothing");
	is_text(summary_of(root, 6, "lk.ancestor"), "", "no ancestor is left");
	is_text(ids(json_object_get(root, "snapshot-log")), "6 7", "the log ends with the current snapshot");
	json_decref(root);
}

/* main 1 2 3 4, branch `audit` 2 11 12 13, dropped 1 21 22 */
static json_t *forked(void)
{
	json_t *root = metadata();

	for (int i = 1; i <= 4; i++)
		add(root, i, i - 1, NOW - (10 - i) * DAY);
	add(root, 11, 2, NOW - 4 * DAY);
	add(root, 12, 11, NOW - 3 * DAY);
	add(root, 13, 12, NOW - 2 * DAY);
	add(root, 21, 1, NOW - 4 * DAY);
	add(root, 22, 21, NOW - 3 * DAY);
	set_ref(root, "main", "branch", 4);
	return root;
}

static void test_branches(void)
{
	json_t *root = forked(), *ref = set_ref(root, "audit", "branch", 13);

	apply(root, (struct lk_retention){.last = 1}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "4 13 22", "each branch is a history, and so is the rest");
	json_decref(root);

	root = forked();
	ref = set_ref(root, "audit", "branch", 13);
	json_object_set_new(ref, "min-snapshots-to-keep", json_integer(4));
	apply(root, (struct lk_retention){.last = 1}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "2 4 11 12 13 22", "a branch keeps what it says at least");
	json_decref(root);

	root = forked();
	ref = set_ref(root, "audit", "branch", 13);
	json_object_set_new(ref, "max-snapshot-age-ms", json_integer(DAY));
	apply(root, (struct lk_retention){.last = 100}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "1 2 3 4 13 21 22", "a branch's own age goes before the policy");
	json_decref(root);

	root = forked();
	ref = set_ref(root, "audit", "branch", 13);
	json_object_set_new(ref, "max-ref-age-ms", json_integer(DAY));
	json_object_set_new(set_ref(root, "old", "tag", 1), "max-ref-age-ms", json_integer(100 * DAY));
	json_object_set_new(json_object_get(json_object_get(root, "refs"), "main"), "max-ref-age-ms", json_integer(1));
	apply(root, (struct lk_retention){.last = 1}, NULL);
	ok(!json_object_get(json_object_get(root, "refs"), "audit"), "a branch that is too old is dropped");
	ok(json_object_get(json_object_get(root, "refs"), "old") != NULL, "a tag that is not stays");
	ok(json_object_get(json_object_get(root, "refs"), "main") != NULL, "main never goes");
	is_text(ids(json_object_get(root, "snapshots")), "1 4 13", "with what only it kept (but the newest of the rest)");
	json_decref(root);

	root = chain(3, DAY);
	add(root, 31, 3, NOW - 4 * DAY);
	add(root, 32, 3, NOW - 6 * DAY);
	for (int i = 31; i <= 32; i++)
		json_object_set_new(json_object_get(lk_metadata_snapshot(root, i), "summary"), "wap.id", json_string("x"));
	add(root, 33, 3, NOW);
	apply(root, (struct lk_retention){.last = 1}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "3 31 33", "what is staged for audit stays for five days");
	json_decref(root);

	root = chain(3, DAY);
	json_object_del(root, "refs");
	apply(root, (struct lk_retention){.last = 1}, NULL);
	is_text(ids(json_object_get(root, "snapshots")), "3", "metadata without references");
	json_decref(root);
}

static void test_strange(void)
{
	json_t *root = metadata();

	add(root, 1, 2, INT64_MIN);
	add(root, 2, 1, INT64_MAX);
	add(root, 3, 3, 5);
	add(root, 4, 77, 5);
	add(root, 4, 4, 6);
	json_array_append_new(json_object_get(root, "snapshots"), json_string("no snapshot"));
	set_ref(root, "main", "branch", 2);
	set_ref(root, "ring", "branch", 3);
	set_ref(root, "nothing", "branch", 99);
	set_ref(root, "twice", "branch", 4);
	apply(root, (struct lk_retention){.last = 1, .hourly = 1, .daily = 1, .monthly = 3, .age_ms = INT64_MAX}, NULL);
	ok(lk_metadata_snapshot(root, 2) && lk_metadata_snapshot(root, 3), "rings end");
	ok(!json_object_get(json_object_get(root, "refs"), "nothing"), "a reference to nothing goes");
	json_decref(root);
}

static void test_properties(void)
{
	struct lk_retention policy = LK_RETENTION_DEFAULT, again;
	json_t *root = metadata(), *properties = json_object_get(root, "properties");

	is_int(lk_retention_read(root, &again, &err), LK_OK, "a table without a policy");
	ok(!lk_retention_is_set(&again), "has none");
	is_int(lk_retention_write(properties, &policy, &err), LK_OK, "a policy is written");
	is_text(lk_metadata_property(root, "lk.retention.keep-last"), "50", "as text");
	is_int(lk_retention_read(root, &again, &err), LK_OK, "and read");
	ok(!memcmp(&policy, &again, sizeof(policy)), "the same");
	policy.monthly = 0;
	is_int(lk_retention_write(properties, &policy, &err), LK_OK, "a rule is taken out");
	ok(!json_object_get(properties, "lk.retention.keep-monthly"), "and has no property");
	json_object_set_new(properties, "lk.retention.keep-daily", json_string("-4"));
	is_int(lk_retention_read(root, &again, &err), LK_CONFIG, "a number that is none");
	is_text(err.message, "the table's property lk.retention.keep-daily is '-4', which is no number", "says which");
	json_object_set_new(properties, "history.expire.min-snapshots-to-keep", json_string("7"));
	is_int(lk_retention_read_history(root, &again, &err), LK_OK, "Iceberg's own policy is read");
	ok(again.last == 7 && again.age_ms == 5 * DAY, "with its default age");
	json_decref(root);
}

/* ---- the model ---- */

static void label(int64_t at, const char *format, char out[32])
{
	time_t seconds = (time_t)(at / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(out, 32, format, &tm);
}

/* Whether number i (0 = newest) is the newest of one of the newest `periods` periods. */
static bool model_period(const int64_t *at, int i, int64_t periods, const char *format)
{
	char own[32], other[32], before[32] = "";
	int64_t seen = 0;

	label(at[i], format, own);
	for (int j = 0; j <= i; j++) {
		label(at[j], format, other);
		if (!strcmp(other, before))
			continue;
		seen++;
		strcpy(before, other);
		if (j == i)
			return seen <= periods;
	}
	return false;
}

static void test_model(void)
{
	bool same = true, logs = true, marks = true;

	srand(7);
	for (int round = 0; round < 200 && same && logs && marks; round++) {
		int count = 1 + rand() % 120;
		struct lk_retention p = {.last = rand() % 6, .hourly = rand() % 6, .daily = rand() % 6, .monthly = 1 + rand() % 6};
		int64_t at[128], steps[] = {1000, 20 * 60000, 5 * HOUR, 2 * DAY, 17 * DAY}, expected_log = 0;
		json_t *root = metadata(), *log;
		bool keep[128];

		at[0] = NOW;
		for (int i = 1; i < count; i++)
			at[i] = at[i - 1] - rand() % steps[rand() % 5];
		for (int i = count - 1; i >= 0; i--) {
			add(root, count - i, count - i - 1, at[i]);
			log_add(root, count - i, at[i]);
		}
		set_ref(root, "main", "branch", count);
		apply(root, p, NULL);
		for (int i = 0; i < count; i++) {
			keep[i] = i < p.last || i == 0 || model_period(at, i, p.hourly, "%Y%m%d%H") ||
				  model_period(at, i, p.daily, "%Y%m%d") || model_period(at, i, p.monthly, "%Y%m");
			same &= keep[i] == (lk_metadata_snapshot(root, count - i) != NULL);
		}
		while (expected_log < count && keep[expected_log])
			expected_log++;
		log = json_object_get(root, "snapshot-log");
		logs &= json_array_size(log) == (size_t)expected_log;
		for (int64_t id = count, i; id > 0; id = i) { /* the way back meets all that is kept */
			int64_t next = lk_retention_ancestor(root, lk_metadata_snapshot(root, id));

			for (i = id - 1; i > 0 && !keep[count - i];)
				i--;
			marks &= next == (i > 0 ? i : -1);
		}
		json_decref(root);
	}
	ok(same, "keeps what the model keeps");
	ok(logs, "logs what was current without a gap");
	ok(marks, "the way back meets all that is kept");
}

static void test_speed(void)
{
	const struct lk_retention policy = LK_RETENTION_DEFAULT;
	int64_t before = lk_now_us();

	for (int i = 0; i < 100; i++) {
		json_t *root = chain(117, HOUR);

		apply(root, policy, NULL);
		json_decref(root);
	}
	printf("# %lld us each, making the metadata included\n", (long long)(lk_now_us() - before) / 100);
}

int main(void)
{
	test_rules();
	test_gaps();
	test_branches();
	test_strange();
	test_properties();
	test_model();
	test_speed();
	return done();
}
