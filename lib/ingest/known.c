#include "ingest/known.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

#define READ_BYTES (256 * 1024)
#define STOP_EVERY (16 * 1024 * 1024) /* bytes between looks at stop_fd */

void lk_known_release(struct lk_known *k)
{
	free(k->slots);
	free(k->unplaced);
	*k = (struct lk_known){.stop_fd = -1};
}

/* ---- deliveries of this run ---- */

static uint64_t slot_hash(const struct lk_landed *d)
{
	uint64_t h = 14695981039346656037u;

	for (const char *p = d->sha256; p < d->sha256 + 16 && *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	for (const char *p = d->sender; *p; p++)
		h = (h ^ (unsigned char)*p) * 1099511628211u;
	return h;
}

static bool is_same(const struct lk_landed *a, const struct lk_landed *b)
{
	return !strcmp(a->sha256, b->sha256) && !strcmp(a->sender, b->sender);
}

/* The slot that holds a delivery with d's sender and bytes, or the free one where it belongs. */
static uint32_t *find_slot(const struct lk_known *k, const struct lk_found *found, const struct lk_landed *d)
{
	size_t i = slot_hash(d) & (k->slot_count - 1);

	while (k->slots[i] && !is_same(&found->items[k->slots[i] - 1], d))
		i = (i + 1) & (k->slot_count - 1);
	return &k->slots[i];
}

static enum lk_status grow_slots(struct lk_known *k, const struct lk_found *found, struct lk_error *err)
{
	struct lk_known larger = *k;

	if (2 * (k->used + 1) <= k->slot_count)
		return LK_OK;
	larger.slot_count = k->slot_count ? 2 * k->slot_count : 1024;
	larger.slots = calloc(larger.slot_count, sizeof(*larger.slots));
	if (!larger.slots)
		return lk_error_nomem(err);
	for (size_t i = 0; i < k->slot_count; i++)
		if (k->slots[i])
			*find_slot(&larger, found, &found->items[k->slots[i] - 1]) = k->slots[i];
	free(k->slots);
	*k = larger;
	return LK_OK;
}

/* Enters a delivery, or makes it a repeat of the one that has the same sender and bytes. */
static enum lk_status enter(struct lk_known *k, struct lk_found *found, uint32_t index, struct lk_error *err)
{
	struct lk_landed *d = &found->items[index];
	uint32_t *slot;

	LK_TRY(grow_slots(k, found, err));
	slot = find_slot(k, found, d);
	if (!*slot) {
		*slot = index + 1;
		k->used++;
	} else if (*slot != index + 1) {
		d->fate = LK_FATE_REPEAT;
		d->same_as = *slot - 1;
	}
	return LK_OK;
}

struct lk_landed *lk_known_find(const struct lk_known *k, struct lk_found *found, const char *sender, const char *sha256)
{
	struct lk_landed wanted = {.sender = sender};
	uint32_t *slot;

	snprintf(wanted.sha256, sizeof(wanted.sha256), "%s", sha256);
	slot = k->slot_count ? find_slot(k, found, &wanted) : NULL;
	return slot && *slot ? &found->items[*slot - 1] : NULL;
}

/* ---- the ledger ---- */

/* What the ledger's entry means for a delivery that is waiting. */
static void judge(const struct lk_known *k, struct lk_landed *d, const struct lk_ledger_entry *entry)
{
	bool wanting;

	if (k->again)
		return;
	wanting = entry->state == LK_DELIVERY_PARTIAL || entry->state == LK_DELIVERY_HELD;

	if (entry->state == LK_DELIVERY_COMPLETE)
		d->fate = LK_FATE_KNOWN;
	else if (wanting && !entry->again)
		d->fate = entry->unmatched ? LK_FATE_STILL : LK_FATE_KNOWN;
	else if (entry->state == LK_DELIVERY_CRASHED && !k->retry)
		d->fate = LK_FATE_PASSED;
}

static enum lk_status find_sender(struct lk_known *k, struct lk_found *found, struct lk_landed *d,
	struct lk_error *err)
{
	char *sender;

	LK_TRY(lk_sources_sender(k->sources, d->text, &sender, err));
	d->sender = lk_arena_strdup(&found->arena, sender);
	free(sender);
	return d->sender ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_known_entry(struct lk_known *k, const struct lk_landed *d, struct lk_ledger_entry *entry,
	struct lk_error *err)
{
	return lk_ledger_find(k->lake, k->branch, d->sender, d->sha256, lk_sources_sha256(k->sources), entry, err);
}

/* What was loaded from another sender, by other sources, is not tried again where some of it is missing, nor loaded anew: as
 * this sender's it would be another delivery, and what is loaded of it would come twice. */
static enum lk_status judge_sender(struct lk_known *k, struct lk_found *found, struct lk_landed *d, struct lk_error *err)
{
	struct lk_ledger_entry entry;

	LK_TRY(find_sender(k, found, d, err));
	LK_TRY(lk_known_entry(k, d, &entry, err));
	if (entry.state == LK_DELIVERY_UNKNOWN && k->again) {
		d->fate = LK_FATE_FAILED;
		d->reason = "it was loaded as another sender's; as this one's it would be another delivery: lk-revert takes the other out";
	} else if (entry.state == LK_DELIVERY_UNKNOWN) {
		d->fate = LK_FATE_SAME;
		d->reason = "its sender is another one by now; as that one's it would be loaded twice";
	}
	return LK_OK;
}

enum lk_status lk_known_by_path(struct lk_known *k, struct lk_found *found, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;
	enum lk_status status = LK_OK;

	for (size_t i = 0; i < found->count && !status; i++) {
		struct lk_landed *d = &found->items[i];
		struct lk_ledger_entry entry;

		status = lk_landed_absolute(d, &path, err);
		if (!status)
			status = lk_ledger_find_path(k->lake, k->branch, path.data, d->size, d->modified_us,
				lk_sources_sha256(k->sources), &entry, err);
		if (status)
			break;
		memcpy(d->sha256, entry.sha256, sizeof(d->sha256));
		judge(k, d, &entry);
		if (d->fate == LK_FATE_WAITING && (entry.state == LK_DELIVERY_PARTIAL || (k->again && entry.state)))
			status = judge_sender(k, found, d, err);
	}
	lk_str_release(&path);
	return status;
}

enum lk_status lk_known_place(struct lk_known *k, uint32_t index, struct lk_error *err)
{
	if (!lk_grow((void **)&k->unplaced, &k->unplaced_cap, k->unplaced_count + 1, sizeof(*k->unplaced)))
		return lk_error_nomem(err);
	k->unplaced[k->unplaced_count++] = index;
	return LK_OK;
}

static enum lk_status fill_places(const struct lk_known *k, const struct lk_found *found, struct lk_arena *arena,
	struct lk_ledger_path *places, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;
	enum lk_status status = LK_OK;

	for (size_t i = 0; i < k->unplaced_count && !status; i++) {
		const struct lk_landed *d = &found->items[k->unplaced[i]];

		status = lk_landed_absolute(d, &path, err);
		places[i] = (struct lk_ledger_path){.size = d->size, .modified_us = d->modified_us,
			.sender = d->sender, .sha256 = d->sha256};
		if (!status && !(places[i].path = lk_arena_strdup(arena, path.data)))
			status = lk_error_nomem(err);
	}
	lk_str_release(&path);
	return status;
}

enum lk_status lk_known_flush(struct lk_known *k, const struct lk_found *found, struct lk_error *err)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_ledger_path *places;
	enum lk_status status;

	if (!k->unplaced_count)
		return LK_OK;
	places = lk_arena_alloc(&arena, k->unplaced_count * sizeof(*places));
	status = places ? fill_places(k, found, &arena, places, err) : lk_error_nomem(err);
	if (!status)
		status = lk_ledger_add_paths(k->lake, k->branch, places, k->unplaced_count, err);
	k->unplaced_count = 0;
	lk_arena_release(&arena);
	/* Who is too busy now is told by the next run; nothing is wrong without. */
	return status == LK_CONFLICT ? LK_OK : status;
}

/* ---- reading a delivery ---- */

static bool must_stop(const struct lk_known *k)
{
	struct pollfd stop = {.fd = k->stop_fd, .events = POLLIN};

	return k->stop_fd >= 0 && poll(&stop, 1, 0) > 0;
}

/* Leaves "" in hex when it was told to stop. */
static enum lk_status hash_fd(const struct lk_known *k, int fd, const char *name, struct lk_sha256 *h,
	char hex[65], struct lk_error *err)
{
	unsigned char *buf = malloc(READ_BYTES);
	enum lk_status status = buf ? LK_OK : lk_error_nomem(err);
	size_t got = 1, since = 0;

	while (!status && got) {
		status = lk_read(fd, name, buf, READ_BYTES, &got, err);
		if (!status)
			status = lk_sha256_add(h, buf, got, err);
		since += got;
		if (since >= STOP_EVERY && must_stop(k))
			break;
		since %= STOP_EVERY;
	}
	free(buf);
	hex[0] = '\0';
	return status || got ? status : lk_sha256_hex(h, hex, err);
}

static enum lk_status hash_file(const struct lk_known *k, struct lk_landed *d, struct lk_error *err)
{
	struct lk_sha256 h = {NULL};
	enum lk_status status;
	int fd;

	LK_TRY(lk_open_input(d->path, &fd, err));
	status = lk_sha256_init(&h, err);
	if (!status)
		status = hash_fd(k, fd, d->path, &h, d->sha256, err);
	lk_sha256_release(&h);
	lk_close_input(fd);
	return status;
}

/* A delivery that cannot be read is told of and does not stop the others. */
static enum lk_status read_delivery(struct lk_known *k, struct lk_found *found, struct lk_landed *d,
	struct lk_error *err)
{
	struct lk_error why;
	enum lk_status status = hash_file(k, d, &why);

	if (!status && lk_landed_changed(d))
		d->fate = LK_FATE_CHANGED;
	if (!status)
		return LK_OK;
	if (status == LK_NOINPUT && access(d->path, F_OK) < 0 && errno == ENOENT) {
		d->fate = LK_FATE_GONE;
		return LK_OK;
	}
	d->fate = LK_FATE_FAILED;
	d->reason = lk_arena_strdup(&found->arena, why.message);
	return d->reason ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_known_reason(struct lk_known *k, struct lk_found *found, struct lk_landed *d, struct lk_error *err)
{
	if (!d->sender)
		LK_TRY(find_sender(k, found, d, err));
	return lk_ledger_reason(k->lake, k->branch, d->sender, d->sha256, &found->arena, &d->reason, err);
}

enum lk_status lk_known_examine(struct lk_known *k, struct lk_found *found, uint32_t index, struct lk_error *err)
{
	struct lk_landed *d = &found->items[index];
	bool known_by_path = d->sha256[0];
	struct lk_ledger_entry entry;

	if (!d->sender)
		LK_TRY(find_sender(k, found, d, err));
	if (!known_by_path) {
		LK_TRY(read_delivery(k, found, d, err));
		if (d->fate != LK_FATE_WAITING || !d->sha256[0])
			return LK_OK;
		LK_TRY(lk_known_entry(k, d, &entry, err));
		judge(k, d, &entry);
		if (d->fate != LK_FATE_WAITING)
			return lk_known_place(k, index, err);
	}
	return enter(k, found, index, err);
}
