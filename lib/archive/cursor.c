#include "archive/cursor.h"

#include <string.h>

#define RATIO_SLACK (64 * 1024) /* bytes that a decompressor may have read before they count */

bool lk_budget_allows(const struct lk_budget *b, const struct lk_archive_options *o, int64_t size, int64_t consumed,
	struct lk_error *why)
{
	int64_t all;

	if (size > o->max_member)
		lk_error_set(why, LK_DATA, "its content is larger than %lld bytes (--max-member)", (long long)o->max_member);
	else if (__builtin_add_overflow(b->total, size, &all) || all > o->max_total)
		lk_error_set(why, LK_DATA, "the content of this delivery is larger than %lld bytes (--max-total)",
			(long long)o->max_total);
	else if ((size > LK_RATIO_FREE && size / o->max_ratio > consumed + RATIO_SLACK) ||
		 (all > LK_RATIO_FREE && all / o->max_ratio > b->input_size))
		lk_error_set(why, LK_DATA, "its content is more than %lld times as large as the archive (--max-ratio)",
			(long long)o->max_ratio);
	else
		return true;
	return false;
}

struct lk_cursor lk_cursor_begin(struct lk_walk *walk, const struct lk_archive_options *limits, const struct lk_budget *budget)
{
	walk->touched = true;
	return (struct lk_cursor){
		.walk = walk, .limits = limits, .budget = budget, .consumed_before = lk_walk_consumed(walk)};
}

struct lk_cursor lk_cursor_begin_zip(struct lk_zip_reader *zip, const struct lk_archive_options *limits,
	const struct lk_budget *budget)
{
	return (struct lk_cursor){.zip = zip, .limits = limits, .budget = budget};
}

static int64_t consumed(const struct lk_cursor *c)
{
	return c->zip ? lk_zip_consumed(c->zip) : lk_walk_consumed(c->walk);
}

static enum lk_walk_result read_zip_block(struct lk_cursor *c, struct lk_error *why, struct lk_error *err)
{
	const void *data = NULL;
	enum lk_zip_result result = lk_zip_block(c->zip, &data, &c->block_len, err);

	c->ended = result == LK_ZIP_END;
	c->block = data;
	c->block_offset = c->position;
	if (result != LK_ZIP_UNREAD)
		return result == LK_ZIP_ERROR ? LK_WALK_ERROR : LK_WALK_OK;
	lk_error_set(why, LK_DATA, "damaged archive");
	return LK_WALK_DAMAGED;
}

static bool entry_is_sparse_end(const struct lk_cursor *c)
{
	return (archive_format(c->walk->handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
	       archive_entry_size_is_set(c->walk->entry) && archive_entry_size(c->walk->entry) > c->position;
}

/* The next block, or the hole at the end. */
static enum lk_walk_result read_block(struct lk_cursor *c, struct lk_error *why, struct lk_error *err)
{
	enum lk_walk_result result;
	const void *data = NULL;

	c->block_len = 0;
	if (c->zip)
		return read_zip_block(c, why, err);
	result = lk_walk_data(c->walk, &data, &c->block_len, &c->block_offset, why, err);
	c->block = data;
	if (result == LK_WALK_OK &&
		(c->block_offset < c->position || c->block_offset > INT64_MAX - (int64_t)c->block_len)) {
		lk_error_set(why, LK_DATA, "its parts overlap");
		return LK_WALK_DAMAGED;
	}
	if (result != LK_WALK_END)
		return result;
	c->ended = true;
	c->block_len = 0;
	c->block_offset = entry_is_sparse_end(c) ? archive_entry_size(c->walk->entry) : c->position;
	return LK_WALK_OK;
}

static enum lk_walk_result next_block(struct lk_cursor *c, struct lk_error *why, struct lk_error *err)
{
	enum lk_walk_result result = read_block(c, why, err);

	if (result == LK_WALK_OK && c->limits &&
		!lk_budget_allows(c->budget, c->limits, c->block_offset + (int64_t)c->block_len,
			consumed(c) - c->consumed_before, why))
		return LK_WALK_DAMAGED;
	return result;
}

/* Adds n bytes of the hole before the block, or of the block. */
static void take(struct lk_cursor *c, struct lk_str *piece, size_t n, bool hole)
{
	if (hole) {
		memset(piece->data + piece->len, 0, n);
		piece->len += n;
	} else {
		lk_str_add(piece, c->block, n);
		c->block += n;
		c->block_len -= n;
		c->block_offset += (int64_t)n;
	}
	c->position += (int64_t)n;
}

enum lk_walk_result lk_cursor_fill(struct lk_cursor *c, struct lk_str *piece, size_t max, struct lk_error *why,
	struct lk_error *err)
{
	lk_str_clear(piece);
	while (piece->len < max) {
		enum lk_walk_result result = c->block_len || c->ended ? LK_WALK_OK : next_block(c, why, err);
		int64_t hole = c->block_offset - c->position;
		uint64_t left = hole ? (uint64_t)hole : c->block_len;
		size_t room = max - piece->len;

		if (result)
			return result;
		if (!left && c->ended)
			return LK_WALK_END;
		if (left < room)
			room = (size_t)left;
		if (!lk_str_reserve(piece, room)) {
			lk_error_nomem(err);
			return LK_WALK_ERROR;
		}
		take(c, piece, room, hole != 0);
	}
	return LK_WALK_OK;
}

enum lk_walk_result lk_cursor_drain(struct lk_cursor *c, struct lk_error *why, struct lk_error *err)
{
	enum lk_walk_result result = LK_WALK_OK;

	while (result == LK_WALK_OK) {
		c->position = c->block_offset + (int64_t)c->block_len;
		if (c->ended)
			return LK_WALK_OK;
		result = next_block(c, why, err);
	}
	return result;
}
