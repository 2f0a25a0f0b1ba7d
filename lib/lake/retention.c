#include "lake/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/value.h"
#include "lake/metadata.h"

#define ANCESTOR "lk.ancestor"
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define STAGED_AGE_MS (5 * DAY_MS) /* history.expire.max-snapshot-age-ms */

bool lk_retention_is_set(const struct lk_retention *p)
{
	return p->last > 0 || p->hourly > 0 || p->daily > 0 || p->monthly > 0 || p->age_ms > 0;
}

/* ---- policies as properties ---- */

static enum lk_status read_number(const json_t *root, const char *key, int64_t *out, struct lk_error *err)
{
	const char *text = lk_metadata_property(root, key);

	if (text && (!lk_int64_parse(text, strlen(text), out) || *out < 0))
		return lk_error_set(err, LK_CONFIG, "the table's property %s is '%s', which is no number", key, text);
	return LK_OK;
}

/* The rules that are kept as properties. */
#define RULES 4
static const char *const rule_names[RULES] = {"lk.retention.keep-last", "lk.retention.keep-hourly", "lk.retention.keep-daily",
	"lk.retention.keep-monthly"};

enum lk_status lk_retention_read(const json_t *root, struct lk_retention *p, struct lk_error *err)
{
	int64_t *rules[RULES] = {&p->last, &p->hourly, &p->daily, &p->monthly};

	memset(p, 0, sizeof(*p));
	for (int i = 0; i < RULES; i++)
		LK_TRY(read_number(root, rule_names[i], rules[i], err));
	return LK_OK;
}

enum lk_status lk_retention_read_history(const json_t *root, struct lk_retention *p, struct lk_error *err)
{
	memset(p, 0, sizeof(*p));
	LK_TRY(read_number(root, "history.expire.min-snapshots-to-keep", &p->last, err));
	LK_TRY(read_number(root, "history.expire.max-snapshot-age-ms", &p->age_ms, err));
	if (p->last && !p->age_ms)
		p->age_ms = STAGED_AGE_MS;
	return LK_OK;
}

enum lk_status lk_retention_write(json_t *properties, const struct lk_retention *p, struct lk_error *err)
{
	const int64_t rules[RULES] = {p->last, p->hourly, p->daily, p->monthly};
	char text[LK_VALUE_TEXT];

	for (int i = 0; i < RULES; i++) {
		lk_int64_text(rules[i], text);
		if (!rules[i])
			json_object_del(properties, rule_names[i]);
		else if (json_object_set_new(properties, rule_names[i], json_string(text)))
			return lk_error_nomem(err);
	}
	return LK_OK;
}

/* ---- snapshots, found by id ---- */

struct item {
	int64_t id, ancestor, at;
	json_t *snapshot;
	bool keep;
	bool reached; /* from a branch */
	size_t walk;  /* the last walk that came by: chains of foreign metadata may be rings */
};

struct history {
	struct item *items; /* by id */
	size_t count, walks;
	int64_t now;
};

static int by_id(const void *a, const void *b)
{
	int64_t x = ((const struct item *)a)->id, y = ((const struct item *)b)->id;

	return (x > y) - (x < y);
}

static struct item *find(const struct history *h, int64_t id)
{
	size_t low = 0, high = h->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < h->count && h->items[low].id == id ? &h->items[low] : NULL;
}

static int64_t marked_ancestor(const json_t *snapshot)
{
	const char *text = json_string_value(json_object_get(json_object_get(snapshot, "summary"), ANCESTOR));
	int64_t id;

	return text && lk_int64_parse(text, strlen(text), &id) ? id : -1;
}

int64_t lk_retention_ancestor(const json_t *root, const json_t *snapshot)
{
	int64_t parent = lk_metadata_number(snapshot, "parent-snapshot-id", -1);

	if (lk_metadata_snapshot(root, parent))
		return parent;
	parent = marked_ancestor(snapshot);
	return lk_metadata_snapshot(root, parent) ? parent : -1;
}

static enum lk_status load(struct history *h, const json_t *root, struct lk_error *err)
{
	const json_t *snapshots = json_object_get(root, "snapshots");
	json_t *snapshot;
	size_t i;

	h->items = calloc(json_array_size(snapshots) + 1, sizeof(*h->items));
	if (!h->items)
		return lk_error_nomem(err);
	json_array_foreach(snapshots, i, snapshot) {
		struct item *item = &h->items[h->count++];

		item->snapshot = snapshot;
		item->id = lk_metadata_number(snapshot, "snapshot-id", -1);
		item->ancestor = lk_metadata_number(snapshot, "parent-snapshot-id", -1);
		item->at = lk_metadata_number(snapshot, "timestamp-ms", 0);
		if (item->at < 0)
			item->at = 0;
	}
	qsort(h->items, h->count, sizeof(*h->items), by_id);
	for (i = 0; i < h->count; i++)
		if (h->items[i].ancestor >= 0 && !find(h, h->items[i].ancestor))
			h->items[i].ancestor = marked_ancestor(h->items[i].snapshot);
	return LK_OK;
}

/* ---- thinning one history, from its newest snapshot on ---- */

struct thinning {
	struct lk_retention left; /* how many more each rule keeps */
	int64_t hour, day, month; /* of the last one that it kept */
	int64_t now;
};

static struct thinning thinning_begin(const struct lk_retention *policy, int64_t now)
{
	return (struct thinning){*policy, INT64_MIN, INT64_MIN, INT64_MIN, now};
}

static int64_t floor_div(int64_t n, int64_t by)
{
	return n / by - (n % by < 0);
}

static int64_t month_of(int64_t at)
{
	time_t seconds = floor_div(at, 1000);
	struct tm tm;

	return gmtime_r(&seconds, &tm) ? (int64_t)tm.tm_year * 12 + tm.tm_mon : INT64_MAX;
}

/* Whether a rule keeps the first snapshot that it sees of a period. */
static bool first_of(int64_t *left, int64_t *last, int64_t period)
{
	if (*left <= 0 || *last == period)
		return false;
	*last = period;
	(*left)--;
	return true;
}

static bool keeps(struct thinning *t, int64_t at)
{
	bool keep = t->left.age_ms > 0 && at > t->now - t->left.age_ms;

	if (t->left.last > 0) {
		t->left.last--;
		keep = true;
	}
	keep |= first_of(&t->left.hourly, &t->hour, floor_div(at, HOUR_MS));
	keep |= first_of(&t->left.daily, &t->day, floor_div(at, DAY_MS));
	return first_of(&t->left.monthly, &t->month, t->left.monthly > 0 ? month_of(at) : 0) || keep;
}

/* ---- references ---- */

/* The policy for a branch: its own settings, where it has any. */
static struct lk_retention branch_policy(const json_t *ref, const struct lk_retention *policy)
{
	int64_t min = lk_metadata_number(ref, "min-snapshots-to-keep", 0);
	int64_t age = lk_metadata_number(ref, "max-snapshot-age-ms", 0);
	struct lk_retention own = *policy;

	if (age > 0)
		own = (struct lk_retention){.last = 1, .age_ms = age};
	if (min > own.last)
		own.last = min;
	return own;
}

static void thin_branch(struct history *h, int64_t head, const struct lk_retention *policy)
{
	struct thinning t = thinning_begin(policy, h->now);
	size_t walk = ++h->walks;

	for (struct item *item = find(h, head); item && item->walk != walk; item = find(h, item->ancestor)) {
		item->walk = walk;
		item->reached = true;
		item->keep |= keeps(&t, item->at);
	}
}

static bool is_expired(const struct history *h, const json_t *root, const char *name, const json_t *ref)
{
	const struct item *head = find(h, lk_metadata_number(ref, "snapshot-id", -1));
	const char *text = lk_metadata_property(root, "history.expire.max-ref-age-ms");
	int64_t age = INT64_MAX;

	if (text && (!lk_int64_parse(text, strlen(text), &age) || age <= 0))
		age = INT64_MAX;
	age = lk_metadata_number(ref, "max-ref-age-ms", age);
	return strcmp(name, "main") && (!head || (age > 0 && h->now - head->at > age));
}

static void apply_refs(struct history *h, json_t *root, const struct lk_retention *policy)
{
	json_t *refs = json_object_get(root, "refs"), *ref;
	const char *name;
	void *next;

	json_object_foreach_safe(refs, next, name, ref) {
		struct item *head = find(h, lk_metadata_number(ref, "snapshot-id", -1));
		const char *type = json_string_value(json_object_get(ref, "type"));

		if (is_expired(h, root, name, ref)) {
			json_object_del(refs, name);
			continue;
		}
		if (!head)
			continue;
		head->keep = true;
		if (!type || strcmp(type, "tag")) {
			struct lk_retention own = branch_policy(ref, policy);

			thin_branch(h, head->id, &own);
		}
	}
	if (!json_object_get(refs, "main")) { /* older metadata have no references */
		struct item *head = find(h, lk_metadata_snapshot_id(root));

		if (head) {
			head->keep = true;
			thin_branch(h, head->id, policy);
		}
	}
}

/* Such as cursors need, whatever led to them. */
static void apply_pinned(struct history *h, const struct lk_retention *policy)
{
	const char *key;
	json_t *unused;

	json_object_foreach((json_t *)policy->pinned, key, unused) {
		struct item *item;
		int64_t id;

		if (lk_int64_parse(key, strlen(key), &id) && (item = find(h, id)))
			item->keep = true;
	}
}

/* ---- what no branch leads to ---- */

static int newest_first(const void *a, const void *b)
{
	const struct item *x = *(const struct item *const *)a, *y = *(const struct item *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

static enum lk_status apply_rest(struct history *h, const json_t *root, const struct lk_retention *policy,
	struct lk_error *err)
{
	const char *text = lk_metadata_property(root, "history.expire.max-snapshot-age-ms");
	struct thinning t = thinning_begin(policy, h->now);
	int64_t staged_age = STAGED_AGE_MS;
	struct item **rest;
	size_t count = 0;

	if (text && (!lk_int64_parse(text, strlen(text), &staged_age) || staged_age < 0))
		staged_age = STAGED_AGE_MS;
	rest = malloc((h->count + 1) * sizeof(struct item *));
	if (!rest)
		return lk_error_nomem(err);
	for (size_t i = 0; i < h->count; i++)
		if (!h->items[i].reached)
			rest[count++] = &h->items[i];
	qsort(rest, count, sizeof(struct item *), newest_first);
	for (size_t i = 0; i < count; i++) {
		bool staged = json_object_get(json_object_get(rest[i]->snapshot, "summary"), "wap.id") != NULL;

		rest[i]->keep |= keeps(&t, rest[i]->at) || (staged && rest[i]->at > h->now - staged_age);
	}
	free(rest);
	return LK_OK;
}

/* ---- taking out what is not kept ---- */

static bool is_gone(const struct history *h, int64_t id)
{
	const struct item *item = find(h, id);

	return !item || !item->keep;
}

/* Notes for each kept snapshot whose ancestor goes which one comes next. */
static enum lk_status mark_gaps(struct history *h, struct lk_error *err)
{
	for (size_t i = 0; i < h->count; i++) {
		struct item *item = &h->items[i], *up = item->keep ? find(h, item->ancestor) : NULL;
		json_t *summary = json_object_get(item->snapshot, "summary");
		char text[LK_VALUE_TEXT];
		size_t walk = ++h->walks;

		if (!up || up->keep || !json_is_object(summary))
			continue;
		while (up && !up->keep && up->walk != walk) {
			up->walk = walk;
			up = find(h, up->ancestor);
		}
		if (!up || !up->keep) {
			json_object_del(summary, ANCESTOR);
			continue;
		}
		lk_int64_text(up->id, text);
		if (json_object_set_new(summary, ANCESTOR, json_string(text)))
			return lk_error_nomem(err);
	}
	return LK_OK;
}

/* Keeps of root[list] what is of a kept snapshot; with `tail` only what stands behind the last that is not. The others are added to
 * `removed`, which may be NULL. */
static enum lk_status filter(const struct history *h, json_t *root, const char *list, bool tail, json_t *removed,
	struct lk_error *err)
{
	json_t *old = json_object_get(root, list), *kept, *entry;
	size_t i;

	if (!json_is_array(old))
		return LK_OK;
	kept = json_array();
	json_array_foreach(old, i, entry) {
		bool gone = is_gone(h, lk_metadata_number(entry, "snapshot-id", -1));
		json_t *to = gone ? removed : kept;

		if (gone && tail)
			json_array_clear(kept);
		if (to && json_array_append(to, entry)) {
			json_decref(kept);
			return lk_error_nomem(err);
		}
	}
	return json_object_set_new(root, list, kept) ? lk_error_nomem(err) : LK_OK;
}

static enum lk_status take_out(struct history *h, json_t *root, json_t *removed, struct lk_error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->count; i++)
		kept += h->items[i].keep;
	if (kept == h->count)
		return LK_OK;
	LK_TRY(mark_gaps(h, err));
	LK_TRY(filter(h, root, "snapshots", false, removed, err));
	LK_TRY(filter(h, root, "snapshot-log", true, NULL, err));
	LK_TRY(filter(h, root, "statistics", false, NULL, err));
	return filter(h, root, "partition-statistics", false, NULL, err);
}

enum lk_status lk_retention_apply(json_t *root, const struct lk_retention *policy, int64_t now_ms, json_t *removed,
	struct lk_error *err)
{
	struct history h = {.now = now_ms};
	enum lk_status status;

	if (!lk_retention_is_set(policy))
		return LK_OK;
	status = load(&h, root, err);
	if (!status)
		apply_refs(&h, root, policy);
	if (!status) {
		apply_pinned(&h, policy);
		status = apply_rest(&h, root, policy, err);
	}
	if (!status)
		status = take_out(&h, root, removed, err);
	free(h.items);
	return status;
}
