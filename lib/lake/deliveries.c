#include "lake/deliveries.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/hash.h"
#include "stream/side.h"

/* ---- finding ---- */

static uint64_t hash_of(const char *sender, const char *sha256)
{
	return XXH3_64bits_withSeed(sha256, strlen(sha256), XXH3_64bits(sender, strlen(sender)));
}

static bool is_it(const struct lk_delivery *d, const char *sender, const char *sha256)
{
	return !strcmp(d->sha256, sha256) && !strcmp(d->sender, sender);
}

/* The slot where it is, or where it would go. slot_count is a power of two and never full. */
static size_t *find_slot(const struct lk_deliveries *ds, const char *sender, const char *sha256)
{
	size_t mask = ds->slot_count - 1, at = (size_t)hash_of(sender, sha256) & mask;

	while (ds->slots[at] && !is_it(ds->items[ds->slots[at] - 1], sender, sha256))
		at = (at + 1) & mask;
	return &ds->slots[at];
}

struct lk_delivery *lk_deliveries_find(const struct lk_deliveries *ds, const char *sender, const char *sha256)
{
	size_t *slot;

	if (!ds->count)
		return NULL;
	if (is_it(ds->items[ds->last], sender, sha256))
		return ds->items[ds->last];
	slot = find_slot(ds, sender, sha256);
	return *slot ? ds->items[*slot - 1] : NULL;
}

static bool grow_slots(struct lk_deliveries *ds)
{
	size_t count = ds->slot_count ? ds->slot_count * 2 : 64;
	size_t *slots;

	if (ds->count * 2 < ds->slot_count)
		return true;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return false;
	free(ds->slots);
	ds->slots = slots;
	ds->slot_count = count;
	for (size_t i = 0; i < ds->count; i++)
		*find_slot(ds, ds->items[i]->sender, ds->items[i]->sha256) = i + 1;
	return true;
}

enum lk_status lk_deliveries_add(struct lk_deliveries *ds, struct lk_delivery **out, const char *sender, const char *sha256,
	struct lk_error *err)
{
	struct lk_delivery *d = lk_arena_alloc(&ds->arena, sizeof(*d));

	if (!d || !lk_grow((void **)&ds->items, &ds->cap, ds->count + 1, sizeof(*ds->items)) || !grow_slots(ds))
		return lk_error_nomem(err);
	*d = (struct lk_delivery){.sender = sender, .sha256 = sha256, .path = "", .absolute = "", .seen_run = "", .package_sha256 = ""};
	ds->items[ds->count] = d;
	ds->last = ds->count++;
	*find_slot(ds, sender, sha256) = ds->count;
	*out = d;
	return LK_OK;
}

void lk_deliveries_release(struct lk_deliveries *ds)
{
	for (size_t i = 0; i < ds->count; i++) {
		free(ds->items[i]->failed);
		free(ds->items[i]->rejecting);
	}
	free(ds->items);
	free(ds->slots);
	lk_str_release(&ds->key);
	lk_str_release(&ds->member);
	lk_str_release(&ds->before);
	lk_arena_release(&ds->arena);
	*ds = (struct lk_deliveries){0};
}

/* ---- rows of lk.files ---- */

/* A row, as far as it matters here. Text is borrowed from the batch until it is copied. */
struct row {
	struct ArrowStringView sender, sha256, delivery, member, table, status, error, package;
	int64_t size, modified, rows, rejected;
};

struct wanted_column {
	const char *name;
	enum lk_type type;
	size_t offset; /* in struct row */
	int child;
};

#define COLUMN(name, type, member) {name, type, offsetof(struct row, member), -1}
static const struct wanted_column wanted_columns[] = {
	COLUMN("sender", LK_UTF8, sender),
	COLUMN("sha256", LK_UTF8, sha256),
	COLUMN("delivery", LK_UTF8, delivery),
	COLUMN("member", LK_UTF8, member),
	COLUMN("table", LK_UTF8, table),
	COLUMN("status", LK_UTF8, status),
	COLUMN("error", LK_UTF8, error),
	COLUMN("package_sha256", LK_UTF8, package),
	COLUMN("size", LK_INT64, size),
	COLUMN("modified", LK_TIMESTAMPTZ, modified),
	COLUMN("rows", LK_INT64, rows),
	COLUMN("rejected", LK_INT64, rejected),
};
#define WANTED (sizeof(wanted_columns) / sizeof(*wanted_columns))

static enum lk_status find_columns(struct wanted_column *columns, const struct ArrowSchema *schema, struct lk_error *err)
{
	memcpy(columns, wanted_columns, sizeof(wanted_columns));
	for (size_t i = 0; i < WANTED; i++) {
		columns[i].child = lk_schema_find(schema, columns[i].name);
		if (columns[i].child < 0 || lk_type_of(schema->children[columns[i].child], NULL, NULL) != columns[i].type)
			return lk_error_set(err, LK_DATA, "the stream's lk.files has no sound column %s", columns[i].name);
	}
	return LK_OK;
}

static void read_row(struct row *row, const struct wanted_column *columns, const struct ArrowArrayView *view, int64_t at)
{
	for (size_t i = 0; i < WANTED; i++) {
		const struct ArrowArrayView *child = view->children[columns[i].child];
		void *target = (char *)row + columns[i].offset;
		bool null = ArrowArrayViewIsNull(child, at);

		if (columns[i].type == LK_UTF8)
			*(struct ArrowStringView *)target =
				null ? (struct ArrowStringView){"", 0} : ArrowArrayViewGetStringUnsafe(child, at);
		else
			*(int64_t *)target = null ? 0 : ArrowArrayViewGetIntUnsafe(child, at);
	}
}

static bool is_word(struct ArrowStringView text, const char *word)
{
	return (size_t)text.size_bytes == strlen(word) && !memcmp(text.data, word, strlen(word));
}

static const char *keep_text(struct lk_deliveries *ds, struct ArrowStringView text)
{
	return lk_arena_strndup(&ds->arena, text.data, (size_t)text.size_bytes);
}

/* Here, as relative paths mean something in the process that reads the stream, and no lock is held yet. */
static enum lk_status locate(struct lk_deliveries *ds, struct lk_delivery *d, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT, absolute = LK_STR_INIT;

	lk_path_bytes(&path, d->path);
	if (path.len && lk_ledger_path_of(path.data, &absolute, NULL) == LK_OK)
		d->absolute = lk_arena_strdup(&ds->arena, absolute.data);
	lk_str_release(&path);
	lk_str_release(&absolute);
	return d->absolute ? LK_OK : lk_error_nomem(err);
}

static enum lk_status meet(struct lk_deliveries *ds, struct lk_lake *lake, const struct row *row, struct lk_delivery **out,
	struct lk_error *err)
{
	const char *sender, *sha256;
	struct lk_delivery *d;

	lk_str_clear(&ds->key);
	lk_str_add(&ds->key, row->sender.data, (size_t)row->sender.size_bytes);
	lk_str_addc(&ds->key, '\0');
	lk_str_add(&ds->key, row->sha256.data, (size_t)row->sha256.size_bytes);
	LK_TRY(lk_str_check(&ds->key, err));
	*out = d = lk_deliveries_find(ds, ds->key.data, ds->key.data + row->sender.size_bytes + 1);
	if (d)
		return LK_OK;
	sender = keep_text(ds, row->sender);
	sha256 = keep_text(ds, row->sha256);
	if (!sender || !sha256)
		return lk_error_nomem(err);
	LK_TRY(lk_deliveries_add(ds, &d, sender, sha256, err));
	*out = d;
	d->path = keep_text(ds, row->delivery);
	if (!d->path)
		return lk_error_nomem(err);
	d->size = row->size;
	d->modified_us = row->modified;
	LK_TRY(locate(ds, d, err));
	LK_TRY(lk_ledger_look(lake, ds->branch, d, &ds->arena, err));
	if (ds->anew)
		lk_ledger_forget(d);
	return LK_OK;
}

static int compare_failed(const void *key, const void *item)
{
	return strcmp(key, ((const struct lk_failed *)item)->member);
}

/* What the ledger says of a member that failed before, or NULL. */
static struct lk_failed *failed_before(const struct lk_delivery *d, const char *member)
{
	return d->was_count ? bsearch(member, d->was, d->was_count, sizeof(*d->was), compare_failed) : NULL;
}

/* The texts of f live as long as d. */
static enum lk_status add_failed(struct lk_delivery *d, const struct lk_failed *f, struct lk_error *err)
{
	struct lk_failed *last = d->failed_count ? &d->failed[d->failed_count - 1] : NULL;

	if (last && !strcmp(last->member, f->member)) {
		last->rows += f->rows;
		return LK_OK;
	}
	if (!lk_grow((void **)&d->failed, &d->failed_cap, d->failed_count + 1, sizeof(*d->failed)))
		return lk_error_nomem(err);
	d->failed[d->failed_count++] = *f;
	return LK_OK;
}

enum verdict { NEWS, NO_NEWS, REFUSED };

/* The hash of the sources of which no resource takes the member; nothing of other rows. */
static struct ArrowStringView sources_of(const struct row *row)
{
	return is_word(row->status, "unmatched") ? row->package : (struct ArrowStringView){"", 0};
}

/* Of a delivery that is in the ledger with members that failed. */
static enum verdict judge(struct lk_delivery *d, const struct row *row, const char *member, bool failed)
{
	struct lk_failed *was = failed_before(d, member);

	if (was && failed && is_word(row->error, was->error) && is_word(sources_of(row), was->sources)) {
		was->stays = true;
		return NO_NEWS;
	}
	if (was) {
		was->again = true;
		d->news |= was->rows > 0; /* it came with more than before, and cannot be taken: not in silence */
		return was->rows ? REFUSED : NEWS;
	}
	if (d->seen == LK_DELIVERY_PARTIAL)
		return is_word(row->status, "ok") || row->rows || row->rejected ? REFUSED : NO_NEWS;
	was = failed_before(d, ""); /* held as a whole, and now it opens */
	if (was)
		was->again = true;
	return NEWS;
}

/* Whether this is the first of the rows of its member, which stand together. */
static bool is_first(struct lk_deliveries *ds, const struct lk_delivery *d)
{
	struct lk_str spare = ds->before;
	bool first = ds->before_of != d || strcmp(lk_str_text(&ds->before), lk_str_text(&ds->member));

	ds->before = ds->member;
	ds->member = spare;
	ds->before_of = d;
	return first;
}

/* Each table once, in the order in which they came. */
static enum lk_status note_rejecting(struct lk_deliveries *ds, struct lk_delivery *d, const struct row *row, struct lk_error *err)
{
	for (size_t i = 0; i < d->rejecting_count; i++)
		if (is_word(row->table, d->rejecting[i]))
			return LK_OK;
	if (!lk_grow((void **)&d->rejecting, &d->rejecting_cap, d->rejecting_count + 1, sizeof(*d->rejecting)))
		return lk_error_nomem(err);
	d->rejecting[d->rejecting_count] = keep_text(ds, row->table);
	return d->rejecting[d->rejecting_count++] ? LK_OK : lk_error_nomem(err);
}

static enum lk_status count_row(struct lk_deliveries *ds, struct lk_delivery *d, const struct row *row, const char *member,
	bool failed, struct lk_error *err)
{
	bool counted = *member && !failed_before(d, member);
	bool first = is_first(ds, d);
	struct lk_failed f = {.rows = row->rows};

	d->news = true;
	d->rows += row->rows;
	d->rejected += row->rejected;
	d->members += first && counted;
	d->loaded += first && is_word(row->status, "ok");
	d->crashed |= is_word(row->status, "crashed");
	if (!*d->package_sha256 && row->package.size_bytes && !sources_of(row).size_bytes) {
		d->package_sha256 = keep_text(ds, row->package);
		if (!d->package_sha256)
			return lk_error_nomem(err);
	}
	if (row->rejected && row->table.size_bytes)
		LK_TRY(note_rejecting(ds, d, row, err));
	if (!failed)
		return LK_OK;
	f.member = keep_text(ds, row->member);
	f.error = keep_text(ds, row->error);
	f.sources = keep_text(ds, sources_of(row));
	return f.member && f.error && f.sources ? add_failed(d, &f, err) : lk_error_nomem(err);
}

static enum lk_status take_row(struct lk_deliveries *ds, struct lk_lake *lake, const struct row *row, bool *keep,
	struct lk_error *err)
{
	bool failed = is_word(row->status, "failed") || is_word(row->status, "crashed") || is_word(row->status, "unmatched");
	enum verdict verdict = NEWS;
	struct lk_delivery *d = NULL;
	const char *member;

	LK_TRY(meet(ds, lake, row, &d, err));
	if (d->seen == LK_DELIVERY_COMPLETE) {
		*keep = false;
		return LK_OK;
	}
	lk_str_clear(&ds->member);
	lk_str_add(&ds->member, row->member.data, (size_t)row->member.size_bytes);
	LK_TRY(lk_str_check(&ds->member, err));
	member = lk_str_text(&ds->member);
	if (d->seen)
		verdict = judge(d, row, member, failed);
	*keep = verdict == NEWS;
	if (verdict == REFUSED && !d->repeated) {
		d->repeated = keep_text(ds, row->member);
		if (!d->repeated)
			return lk_error_nomem(err);
	}
	return verdict == NEWS ? count_row(ds, d, row, member, failed, err) : LK_OK;
}

enum lk_status lk_deliveries_take(struct lk_deliveries *ds, struct lk_lake *lake, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, bool *keep, struct lk_error *err)
{
	struct wanted_column columns[WANTED];
	struct row row;

	LK_TRY(find_columns(columns, schema, err));
	for (int64_t i = 0; i < view->length; i++) {
		read_row(&row, columns, view, i);
		LK_TRY(take_row(ds, lake, &row, &keep[i], err));
	}
	return LK_OK;
}

enum lk_status lk_deliveries_add_once(struct lk_deliveries *ds, struct lk_lake *lake, const char *name,
	struct lk_error *err)
{
	char sha256[LK_SHA256_HEX], *copy, *path;
	struct lk_delivery *d;

	LK_TRY(lk_sha256_of(name, strlen(name), sha256, err));
	copy = lk_arena_strdup(&ds->arena, sha256);
	path = lk_arena_strdup(&ds->arena, name);
	if (!copy || !path)
		return lk_error_nomem(err);
	LK_TRY(lk_deliveries_add(ds, &d, LK_ONCE_SENDER, copy, err));
	d->path = path;
	LK_TRY(lk_ledger_look(lake, ds->branch, d, &ds->arena, err));
	d->news = d->seen == LK_DELIVERY_UNKNOWN;
	return LK_OK;
}

/* A member that failed the same way in one table and had news in another has still failed. */
enum lk_status lk_deliveries_finish(struct lk_deliveries *ds, struct lk_error *err)
{
	for (size_t i = 0; i < ds->count; i++) {
		struct lk_delivery *d = ds->items[i];

		for (size_t k = 0; k < d->was_count; k++)
			if (d->was[k].again && d->was[k].stays)
				LK_TRY(add_failed(d, &d->was[k], err));
	}
	return LK_OK;
}

/* ---- rows of before ---- */

static enum lk_status take_out(struct lk_delivery *const *items, size_t count, struct lk_lake *lake, struct lk_takeout *takeout,
	lk_target_getter *get, void *context, struct lk_error *err)
{
	struct lk_pin pin = {.tables = NULL};
	enum lk_status status = lk_lake_pin(lake, &pin, err);

	if (!status)
		status = lk_takeout_mean(takeout, &pin, items, count, err);
	if (!status)
		status = lk_takeout_all(takeout, &pin, get, context, err);
	lk_pin_release(&pin);
	return status;
}

enum lk_status lk_deliveries_take_out(const struct lk_deliveries *ds, struct lk_lake *lake, struct lk_takeout *takeout,
	lk_target_getter *get, void *context, struct lk_error *err)
{
	struct lk_delivery **anew = calloc(ds->count + 1, sizeof(*anew));
	enum lk_status status = LK_OK;
	size_t count = 0;

	if (!anew)
		return lk_error_nomem(err);
	for (size_t i = 0; i < ds->count; i++)
		if (ds->items[i]->anew && ds->items[i]->news)
			anew[count++] = ds->items[i];
	if (count && !takeout->finder)
		status = lk_error_set(err, LK_BUG, "deliveries are loaded anew, and nothing finds their rows");
	else if (count)
		status = take_out(anew, count, lake, takeout, get, context, err);
	free(anew);
	return status;
}

/* ---- within the transaction ---- */

enum lk_status lk_deliveries_recheck(const struct lk_deliveries *ds, struct lk_lake *lake, bool *loaded,
	struct lk_error *err)
{
	const struct lk_delivery *changed = NULL;
	size_t news = 0, complete = 0;

	for (size_t i = 0; i < ds->count; i++) {
		const struct lk_delivery *d = ds->items[i];
		struct lk_ledger_entry entry;
		bool same;

		if (!d->news)
			continue;
		news++;
		LK_TRY(lk_ledger_unchanged(lake, ds->branch, d, &same, err));
		if (same)
			continue;
		changed = d;
		LK_TRY(lk_ledger_find(lake, ds->branch, d->sender, d->sha256, NULL, &entry, err));
		complete += entry.state == LK_DELIVERY_COMPLETE && !d->anew;
	}
	*loaded = changed && complete == news;
	if (!changed || *loaded)
		return LK_OK;
	return lk_error_set(err, LK_CONFLICT, "another writer loaded '%s' meanwhile; nothing was committed, try again",
		changed->path);
}

enum lk_status lk_deliveries_record(const struct lk_deliveries *ds, struct lk_lake *lake, const char *run,
	struct lk_error *err)
{
	for (size_t i = 0; i < ds->count; i++)
		if (ds->items[i]->news)
			LK_TRY(lk_ledger_record(lake, ds->branch, ds->items[i], run, err));
	return LK_OK;
}
