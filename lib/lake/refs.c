#include "lake/refs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lake/at.h"
#include "lake/metadata.h"
#include "lake/retention.h"

#define NAME_MAX_BYTES 200
#define MOVED "lk.main-moved-ms" /* when main moved last by something else than a commit */

enum lk_status lk_refs_check_name(const char *name, struct lk_error *err)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
	struct lk_lake_at at;
	size_t len = strlen(name);

	if (!len || len > NAME_MAX_BYTES || strspn(name, good) != len || *name == '-' || *name == '.')
		return lk_error_set(err, LK_USAGE, "'%s' is no name for a branch or tag: letters, digits and _ - . /", name);
	LK_TRY(lk_lake_at_parse(name, &at, err));
	if (at.kind != LK_AT_REF)
		return lk_error_set(err, LK_USAGE, "'%s' is no name for a branch or tag: it is a %s", name,
			at.kind == LK_AT_TIME ? "time" : "snapshot");
	return LK_OK;
}

static json_t *find_ref(const json_t *root, const char *name)
{
	return json_object_get(json_object_get(root, "refs"), name);
}

bool lk_refs_find(const json_t *root, const char *name, int64_t *snapshot_id)
{
	bool is_main = !strcmp(name, LK_METADATA_MAIN);

	*snapshot_id = is_main ? lk_metadata_snapshot_id(root) : lk_metadata_ref(root, name);
	return is_main || find_ref(root, name);
}

bool lk_refs_is_tag(const json_t *root, const char *name)
{
	return !strcmp(lk_metadata_text(find_ref(root, name), "type"), "tag");
}

/* ---- changing ---- */

static int set_retention(json_t *ref, bool tag, const struct lk_ref_retention *r)
{
	int failed = 0;

	if (r->max_ref_age_ms)
		failed |= lk_metadata_set(ref, "max-ref-age-ms", r->max_ref_age_ms);
	if (r->max_snapshot_age_ms && !tag)
		failed |= lk_metadata_set(ref, "max-snapshot-age-ms", r->max_snapshot_age_ms);
	if (r->min_snapshots && !tag)
		failed |= lk_metadata_set(ref, "min-snapshots-to-keep", r->min_snapshots);
	return failed;
}

/* A move that is no commit: the log tells of it, until it is cut. */
static enum lk_status note_move(json_t *root, int64_t snapshot_id, int64_t at, struct lk_error *err)
{
	const json_t *snapshot = lk_metadata_snapshot(root, snapshot_id);
	json_t *properties = json_object_get(root, "properties");
	char text[24];

	if (lk_metadata_number(snapshot, "timestamp-ms", 0) == at &&
		lk_metadata_number(snapshot, "parent-snapshot-id", -1) == lk_metadata_snapshot_id(root))
		return LK_OK;
	if (!json_is_object(properties)) {
		json_object_set_new(root, "properties", json_object());
		properties = json_object_get(root, "properties");
	}
	snprintf(text, sizeof(text), "%" PRId64, at);
	return json_object_set_new(properties, MOVED, json_string(text)) ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status move_main(json_t *root, int64_t snapshot_id, struct lk_error *err)
{
	int64_t at = lk_metadata_number(root, "last-updated-ms", 0);

	if (lk_metadata_snapshot_id(root) == snapshot_id)
		return LK_OK;
	LK_TRY(note_move(root, snapshot_id, at, err));
	if (lk_metadata_set(root, "current-snapshot-id", snapshot_id) ||
		json_array_append_new(lk_metadata_list(root, "snapshot-log"),
			json_pack("{s:I, s:I}", "timestamp-ms", (json_int_t)at, "snapshot-id", (json_int_t)snapshot_id)))
		return lk_error_nomem(err);
	return LK_OK;
}

enum lk_status lk_refs_set(json_t *root, const char *name, bool tag, int64_t snapshot_id, const struct lk_ref_retention *retention,
	struct lk_error *err)
{
	json_t *ref = find_ref(root, name);

	if (!json_is_object(json_object_get(root, "refs")))
		json_object_set_new(root, "refs", json_object());
	if (!ref) {
		json_object_set_new(json_object_get(root, "refs"), name,
			json_pack("{s:I, s:s}", "snapshot-id", (json_int_t)snapshot_id, "type", tag ? "tag" : "branch"));
		ref = find_ref(root, name);
	}
	if (!ref || lk_metadata_set(ref, "snapshot-id", snapshot_id) || (retention && set_retention(ref, tag, retention)))
		return lk_error_nomem(err);
	return strcmp(name, LK_METADATA_MAIN) ? LK_OK : move_main(root, snapshot_id, err);
}

void lk_refs_remove(json_t *root, const char *name)
{
	json_object_del(json_object_get(root, "refs"), name);
}

/* ---- the past ---- */

/* The place of a snapshot, looked for downward from `from` and then upward; beyond the list when it is not there. */
static size_t place_of(const json_t *list, int64_t id, size_t from)
{
	size_t count = json_array_size(list);

	for (size_t i = from; id >= 0 && i-- > 0;)
		if (lk_metadata_number(json_array_get(list, i), "snapshot-id", -1) == id)
			return i;
	for (size_t i = from; id >= 0 && i < count; i++)
		if (lk_metadata_number(json_array_get(list, i), "snapshot-id", -1) == id)
			return i;
	return count;
}

void lk_lineage_start_at(struct lk_lineage *l, const json_t *root, size_t index)
{
	const json_t *list = json_object_get(root, "snapshots");

	/* parents may go round in metadata that is not sound */
	*l = (struct lk_lineage){root, json_array_get(list, index), index, json_array_size(list)};
}

void lk_lineage_start(struct lk_lineage *l, const json_t *root, int64_t snapshot_id)
{
	const json_t *list = json_object_get(root, "snapshots");

	lk_lineage_start_at(l, root, place_of(list, snapshot_id, json_array_size(list)));
}

void lk_lineage_next(struct lk_lineage *l)
{
	const json_t *list = json_object_get(l->root, "snapshots");
	size_t count = json_array_size(list);
	size_t at = place_of(list, lk_metadata_number(l->snapshot, "parent-snapshot-id", -1), l->at);

	if (at == count && json_object_get(l->snapshot, "parent-snapshot-id"))
		at = place_of(list, lk_retention_ancestor(l->root, l->snapshot), l->at);
	l->snapshot = --l->left ? json_array_get(list, at) : NULL;
	l->at = at;
}

int64_t lk_lineage_id(const struct lk_lineage *l)
{
	return lk_metadata_number(l->snapshot, "snapshot-id", -1);
}

bool lk_refs_led_to(const json_t *root, int64_t old, int64_t new)
{
	struct lk_lineage l;

	for (lk_lineage_start(&l, root, new); l.snapshot; lk_lineage_next(&l))
		if (lk_lineage_id(&l) == old)
			return true;
	return false;
}

static const json_t *in_log(const json_t *root, int64_t snapshot_id)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(root, "snapshot-log"), i, entry)
		if (lk_metadata_number(entry, "snapshot-id", -1) == snapshot_id)
			return entry;
	return NULL;
}

static json_t *log_ids(const json_t *root)
{
	json_t *ids = json_object(), *entry;
	char key[24];
	size_t i;

	json_array_foreach(json_object_get(root, "snapshot-log"), i, entry) {
		snprintf(key, sizeof(key), "%" PRId64, lk_metadata_number(entry, "snapshot-id", -1));
		json_object_set_new(ids, key, json_true());
	}
	return ids;
}

bool lk_refs_set_back(const json_t *root, int64_t snapshot_id)
{
	int64_t current = lk_metadata_snapshot_id(root);
	json_t *logged = log_ids(root);
	bool was_main = false;
	struct lk_lineage l;
	char key[24];

	for (lk_lineage_start(&l, root, snapshot_id); l.snapshot && lk_lineage_id(&l) != current; lk_lineage_next(&l)) {
		snprintf(key, sizeof(key), "%" PRId64, lk_lineage_id(&l));
		was_main |= json_object_get(logged, key) != NULL;
	}
	json_decref(logged);
	return was_main && l.snapshot;
}

/* What a reset left behind is on no ref, and may have fallen out of the log: it is taken for main's. */
bool lk_refs_was_main(const json_t *root, int64_t snapshot_id)
{
	json_t *refs = json_object_get(root, "refs"), *ref;
	const char *name;

	if (in_log(root, snapshot_id) || lk_refs_led_to(root, snapshot_id, lk_metadata_snapshot_id(root)))
		return true;
	json_object_foreach(refs, name, ref)
		if (strcmp(name, LK_METADATA_MAIN) && lk_refs_led_to(root, snapshot_id, lk_metadata_number(ref, "snapshot-id", -1)))
			return false;
	return lk_metadata_snapshot(root, snapshot_id) != NULL;
}

int64_t lk_refs_time(const json_t *root, int64_t snapshot_id)
{
	const json_t *entry = in_log(root, snapshot_id);

	return lk_metadata_number(entry ? entry : lk_metadata_snapshot(root, snapshot_id), "timestamp-ms", 0);
}

/* Hours, days or months since 1970. */
static int64_t period_of(int64_t ms, char period)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (period == 'h')
		return seconds / 3600;
	if (period == 'd')
		return seconds / 86400;
	return gmtime_r(&seconds, &tm) ? tm.tm_year * 12 + tm.tm_mon : 0;
}

/* Whether the newest snapshot of a period is kept still: so many periods are, from the newest on. */
static bool is_covered(const json_t *root, int64_t period, int64_t rule, char kind)
{
	int64_t last = INT64_MAX, count = 0;
	struct lk_lineage l;

	for (lk_lineage_start(&l, root, lk_metadata_snapshot_id(root)); l.snapshot; lk_lineage_next(&l)) {
		int64_t of = period_of(lk_metadata_number(l.snapshot, "timestamp-ms", 0), kind);

		if (of <= period)
			return count < rule;
		count += of < last;
		last = of;
	}
	return false;
}

/*
 * Whether nothing that was thinned out between two snapshots can have been main at the time: thinning keeps the newest snapshot of
 * an hour, day or month. So where `kept` is the last of a period in which the time lies, too, what is gone came after it.
 */
static bool is_last_of_period(const json_t *root, const json_t *kept, const json_t *next, int64_t time_ms)
{
	int64_t from = lk_metadata_number(kept, "timestamp-ms", 0), to = lk_metadata_number(next, "timestamp-ms", 0);
	struct lk_retention policy;
	struct lk_error unread;

	if (lk_retention_read(root, &policy, &unread))
		return false;
	const struct {
		int64_t rule;
		char period;
	} rules[] = {{policy.hourly, 'h'}, {policy.daily, 'd'}, {policy.monthly, 'm'}};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		int64_t period = period_of(from, rules[i].period);

		if (period_of(time_ms - 1, rules[i].period) == period && period_of(to, rules[i].period) > period &&
			is_covered(root, period, rules[i].rule, rules[i].period))
			return true;
	}
	return false;
}

/* Whether main went by commits alone from this time on; else its snapshots' parents do not tell when it was at them. */
static bool went_by_commits(const json_t *root, int64_t time_ms)
{
	const char *moved = lk_metadata_property(root, MOVED);

	return !moved || strtoll(moved, NULL, 10) <= time_ms;
}

/* Whether there is nothing before a snapshot, for it was the table's first. */
static bool is_first(const json_t *snapshot, const json_t *earlier)
{
	return snapshot && !earlier && lk_metadata_number(snapshot, "sequence-number", 0) == 1;
}

static bool log_at(const json_t *root, int64_t time_ms, int64_t *snapshot_id)
{
	bool found = false;
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(root, "snapshot-log"), i, entry)
		if (lk_metadata_number(entry, "timestamp-ms", INT64_MAX) <= time_ms) {
			*snapshot_id = lk_metadata_number(entry, "snapshot-id", -1);
			found = true;
		}
	return found;
}

void lk_refs_main_at(const json_t *root, int64_t time_ms, int64_t *snapshot_id, bool *exact)
{
	const json_t *first = json_array_get(json_object_get(root, "snapshot-log"), 0), *next = NULL;
	struct lk_lineage l;

	*exact = true;
	if (log_at(root, time_ms, snapshot_id))
		return;
	lk_lineage_start(&l, root, first ? lk_metadata_number(first, "snapshot-id", -1) : lk_metadata_snapshot_id(root));
	while (l.snapshot && (first || lk_metadata_number(l.snapshot, "timestamp-ms", 0) > time_ms)) {
		next = l.snapshot;
		first = NULL;
		lk_lineage_next(&l);
	}
	*snapshot_id = lk_lineage_id(&l);
	if (next && lk_metadata_number(next, "parent-snapshot-id", -1) != *snapshot_id)
		*exact = l.snapshot && is_last_of_period(root, l.snapshot, next, time_ms);
	*exact = (*exact && went_by_commits(root, time_ms)) || is_first(next, l.snapshot);
}

bool lk_refs_has_rows_of(const json_t *root, int64_t snapshot_id, int64_t time_ms)
{
	struct lk_lineage l;
	int64_t then;
	bool exact;

	lk_refs_main_at(root, time_ms, &then, &exact);
	lk_lineage_start(&l, root, snapshot_id);
	while (l.snapshot && lk_lineage_id(&l) != then) {
		const char *operation = lk_metadata_text(json_object_get(l.snapshot, "summary"), "operation");

		if (!operation || strcmp(operation, "replace") != 0)
			return false;
		lk_lineage_next(&l);
	}
	return lk_lineage_id(&l) == then;
}
