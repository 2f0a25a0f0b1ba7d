#include "archive/archive.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/cursor.h"
#include "archive/directory.h"
#include "archive/enc.h"
#include "archive/kind.h"
#include "archive/name.h"
#include "archive/unique.h"
#include "archive/walks.h"
#include "archive/zip_read.h"
#include "base/file.h"

#define NO_KEY (-1)
#define TAIL_FORMAT "(members %lld and on)"

enum stage {
	STAGE_START,
	STAGE_PLAIN,  /* the delivery is its own one member */
	STAGE_WALK,
	STAGE_INNER,  /* in an archive inside this one */
	STAGE_TAIL,   /* one more row says what cannot be read */
	STAGE_END,
};

/* Where the content of the present member is. */
enum content {
	CONTENT_UNREAD,
	CONTENT_PIECE,	/* all of it in `piece` */
	CONTENT_CURSOR, /* to be read (again) from `cursor`; the first of it may be in `piece` already */
	CONTENT_INPUT,	/* it is `whole` itself */
};

struct lk_archive {
	struct lk_archive_options options;
	locale_t utf8; /* libarchive turns names into the encoding of the thread's locale */
	const struct lk_blob *input; /* the delivery, or what it is when decrypted */
	const char *delivery;
	struct lk_arena arena; /* texts of the present member */
	struct lk_error why;   /* of a tail, or of the present member */

	const struct lk_key **keys; /* those for this delivery */
	size_t key_count, key_cap;
	int key; /* the one that fitted last: tried first */

	struct lk_enc enc; /* where all of the delivery is encrypted */
	struct lk_str enc_name;
	bool encrypted, by_enc; /* by_enc: the present member is by that alone */
	int enc_key, enc_way; /* that fitted last */
	bool enc_way_fitted;
	int64_t own_rounds, *rounds; /* spent on keys of what was not opened, those of archives inside this one included */

	struct lk_walks walks;
	bool wrapped, raw;

	enum stage stage;
	int64_t at;    /* number of the present member in this archive */
	int64_t index; /* of the next member in the delivery */
	struct lk_budget own_budget, *budget;

	enum content content;
	struct lk_str piece;
	const struct lk_blob *whole;
	bool verified;
	bool piece_ready; /* `piece` holds what lk_archive_piece hands out next */
	struct lk_cursor cursor;
	int64_t total, sent;
	bool sent_last;

	struct lk_zip_reader zip;
	struct lk_zip_place place; /* of the present member in `zip` */
	bool has_place, by_zip;	   /* by_zip: that is how it was read, and is to be read again */

	struct lk_unique names; /* of the delivery's members */
	struct lk_str name;

	struct lk_archive *inner; /* for archives inside this one; NULL until needed, and in itself */
	struct lk_blob inner_input;
	struct lk_str inner_bytes, inner_path;
};

enum lk_status lk_archive_new(struct lk_archive **out, const struct lk_archive_options *options, struct lk_error *err)
{
	struct lk_archive *a = calloc(1, sizeof(*a));

	if (!a)
		return lk_error_nomem(err);
	a->options = *options;
	a->rounds = &a->own_rounds;
	a->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	a->stage = STAGE_END;
	*out = a;
	return LK_OK;
}

void lk_archive_close(struct lk_archive *a)
{
	if (a->inner)
		lk_archive_close(a->inner);
	lk_walks_close(&a->walks);
	lk_zip_reader_close(&a->zip);
	lk_enc_close(&a->enc);
	a->stage = STAGE_END;
}

void lk_archive_free(struct lk_archive *a)
{
	if (!a)
		return;
	lk_archive_close(a);
	lk_archive_free(a->inner);
	if (a->utf8)
		freelocale(a->utf8);
	free(a->keys);
	lk_zip_reader_release(&a->zip);
	lk_arena_release(&a->arena);
	lk_unique_release(&a->names);
	lk_str_release(&a->name);
	lk_str_release(&a->enc_name);
	lk_str_release(&a->piece);
	lk_str_release(&a->inner_bytes);
	lk_str_release(&a->inner_path);
	free(a);
}

enum lk_status lk_archive_open(struct lk_archive *a, const struct lk_blob *input, const char *delivery, struct lk_error *err)
{
	const struct lk_keys *keys = a->options.keys;

	lk_archive_close(a);
	a->input = input;
	a->delivery = delivery;
	a->key_count = 0;
	for (size_t i = 0; keys && i < keys->count; i++) {
		if (!lk_key_applies(&keys->items[i], delivery))
			continue;
		if (!lk_grow((void **)&a->keys, &a->key_cap, a->key_count + 1, sizeof(*a->keys)))
			return lk_error_nomem(err);
		a->keys[a->key_count++] = &keys->items[i];
	}
	a->key = a->key_count ? 0 : NO_KEY;
	a->own_budget = (struct lk_budget){.input_size = input->size};
	a->budget = &a->own_budget;
	a->wrapped = a->raw = a->walks.raw = a->encrypted = false;
	a->enc_key = a->key;
	a->at = -1;
	a->index = 0;
	lk_unique_clear(&a->names);
	a->stage = STAGE_START;
	return LK_OK;
}

static const char *passphrase_of(const struct lk_archive *a, int key)
{
	return key == NO_KEY ? NULL : a->keys[key]->passphrase;
}

/* A walk with this key that has just read the header of member `index`. */
static enum lk_walk_result walk_to(struct lk_archive *a, int key, int64_t index, struct lk_walk **out, struct lk_error *err)
{
	return lk_walks_to(&a->walks, a->input, key, passphrase_of(a, key), index, out, &a->why, err);
}

/* ---- content ---- */

static bool allows(struct lk_archive *a, int64_t size, int64_t consumed)
{
	return lk_budget_allows(a->budget, &a->options, size, consumed, &a->why);
}

/* Reads the member at which w stands, or (NULL) our own reader, to its end, or as far as is needed to trust it. OK: content and
 * total are set. */
static enum lk_walk_result read_through(struct lk_archive *a, struct lk_walk *w, struct lk_error *err)
{
	enum lk_walk_result result;

	a->by_zip = !w;
	a->cursor = w ? lk_cursor_begin(w, &a->options, a->budget) : lk_cursor_begin_zip(&a->zip, &a->options, a->budget);
	a->piece_ready = true;
	result = lk_cursor_fill(&a->cursor, &a->piece, LK_PIECE, &a->why, err);
	if (result == LK_WALK_END) {
		a->content = CONTENT_PIECE;
		a->total = a->cursor.position;
		return LK_WALK_OK;
	}
	if (result == LK_WALK_OK && a->wrapped && archive_entry_size_is_set(w->entry)) {
		a->content = CONTENT_CURSOR;
		a->total = archive_entry_size(w->entry);
		a->cursor.limits = NULL; /* kept here for all of it */
		return allows(a, a->total, a->budget->input_size) ? LK_WALK_OK : LK_WALK_DAMAGED;
	}
	a->piece_ready = false;
	if (result == LK_WALK_OK)
		result = lk_cursor_drain(&a->cursor, &a->why, err);
	a->content = CONTENT_CURSOR;
	a->total = a->cursor.position;
	a->cursor.walk = NULL;
	a->cursor.zip = NULL;
	return result;
}

/* Reads the present member by our own reader, as read_through, or in one go when it fits a piece. UNREAD: libarchive is to read
 * it, or to say what is wrong with it. */
static enum lk_zip_result read_zip(struct lk_archive *a, int key, struct lk_error *err)
{
	const struct lk_zip_member *m = a->place.member;
	enum lk_zip_result result;

	if (!allows(a, m->size, m->packed))
		return LK_ZIP_UNREAD;
	if (m->size <= LK_PIECE && m->packed <= LK_PIECE) {
		a->content = CONTENT_PIECE;
		a->total = m->size;
		return lk_zip_whole(&a->zip, &a->place, passphrase_of(a, key), &a->piece, err);
	}
	result = lk_zip_begin(&a->zip, &a->place, passphrase_of(a, key), err);
	if (result != LK_ZIP_OK)
		return result;
	switch (read_through(a, NULL, err)) {
	case LK_WALK_OK:
		return LK_ZIP_OK;
	case LK_WALK_ERROR:
		return LK_ZIP_ERROR;
	default:
		return LK_ZIP_UNREAD;
	}
}

/* ---- the member's facts ---- */

static void fail(struct lk_archive *a, struct lk_member *m, const char *message)
{
	m->status = LK_MEMBER_FAILED;
	m->error = lk_arena_strdup(&a->arena, message);
	if (!m->error)
		m->error = "out of memory";
}

static const char *not_data(struct lk_archive *a, struct archive_entry *entry, const char *path)
{
	const char *clutter = lk_name_clutter(path);

	if (clutter)
		return clutter;
	if (archive_entry_hardlink(entry))
		return "a hard link to another member";
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
	case 0:
		break;
	case AE_IFDIR:
		return "a directory";
	case AE_IFLNK:
		return "a symbolic link";
	default:
		return "a special file";
	}
	if (a->options.ignores && a->options.ignores(a->options.ignores_context, a->delivery, path))
		return "ignored by the sources";
	return NULL;
}

/* The name, as UTF-8, in the arena; NULL when out of memory. */
static const char *path_of(struct lk_archive *a, struct lk_walk *w)
{
	struct lk_str path = LK_STR_INIT;
	const char *raw, *copy = NULL;

	raw = archive_entry_pathname(w->entry);
	if (!raw)
		raw = archive_entry_pathname_utf8(w->entry);
	if (a->raw)
		lk_name_uncompressed(&path, lk_path_base(a->input->name));
	else if (raw && *raw)
		lk_name_utf8(&path, raw);
	else
		lk_str_addf(&path, "(member %lld)", (long long)a->at);
	if (!path.failed)
		copy = lk_arena_strdup(&a->arena, lk_str_text(&path));
	lk_str_release(&path);
	return copy;
}

static enum lk_archive_next out_of_memory(struct lk_error *err)
{
	lk_error_nomem(err);
	return LK_ARCHIVE_ERROR;
}

static enum lk_archive_next describe(struct lk_archive *a, struct lk_walk *w, struct lk_member *m, struct lk_error *err)
{
	m->path = path_of(a, w);
	if (!m->path)
		return out_of_memory(err);
	m->size = archive_entry_size_is_set(w->entry) && !a->raw ? archive_entry_size(w->entry) : -1;
	m->has_modified = archive_entry_mtime_is_set(w->entry) &&
			  !__builtin_mul_overflow((int64_t)archive_entry_mtime(w->entry), 1000000, &m->modified_us) &&
			  !__builtin_add_overflow(m->modified_us, archive_entry_mtime_nsec(w->entry) / 1000, &m->modified_us);
	if (a->raw && w->gzip && w->gunzip.modified_us) {
		m->has_modified = true;
		m->modified_us = w->gunzip.modified_us;
	}
	m->encrypted = archive_entry_is_data_encrypted(w->entry);
	m->error = not_data(a, w->entry, m->path);
	if (m->error) {
		m->status = LK_MEMBER_SKIPPED;
		m->size = -1;
	} else if (m->encrypted && !lk_walk_decrypts(w)) {
		fail(a, m, LK_WALK_NO_7Z_KEYS);
	}
	return LK_ARCHIVE_MEMBER;
}

/* A row for what cannot be read from member `at` on; the last of this archive. */
static enum lk_archive_next tail(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	m->path = a->at ? lk_arena_printf(&a->arena, TAIL_FORMAT, (long long)a->at) : "";
	if (!m->path)
		return out_of_memory(err);
	fail(a, m, a->why.message);
	a->stage = STAGE_END;
	return LK_ARCHIVE_MEMBER;
}

/* An archive in which nothing was found: well, if it is an empty one and nothing else. */
static enum lk_archive_next describe_empty(struct lk_archive *a, struct lk_member *m)
{
	char head[4];
	size_t got;

	m->path = "";
	m->status = LK_MEMBER_SKIPPED;
	m->error = "an archive without members";
	if (!lk_blob_read(a->input, 0, head, sizeof(head), &got, NULL) && got && head[0] == 'P' && memcmp(head, "PK\5\6", 4))
		fail(a, m, "an archive in which no member can be found");
	return LK_ARCHIVE_MEMBER;
}

static enum lk_archive_next describe_whole(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;

	(a->whole == a->input ? lk_name_utf8 : lk_name_uncompressed)(&path, lk_path_base(a->input->name));
	m->path = path.failed ? NULL : lk_arena_strdup(&a->arena, lk_str_text(&path));
	lk_str_release(&path);
	if (!m->path)
		return out_of_memory(err);
	m->size = a->whole->size;
	m->modified_us = a->input->modified_us;
	m->has_modified = m->modified_us != 0;
	if (a->options.ignores && a->options.ignores(a->options.ignores_context, a->delivery, m->path)) {
		m->status = LK_MEMBER_SKIPPED;
		m->error = "ignored by the sources";
	}
	a->stage = STAGE_END;
	a->content = CONTENT_INPUT;
	a->total = a->whole->size;
	return LK_ARCHIVE_MEMBER;
}

/* ---- the beginning of a delivery ---- */

/* Decompresses all there is around the members once, for its checks. */
static enum lk_walk_result check_wrapping(struct lk_archive *a, struct lk_error *err)
{
	enum lk_walk_result result;
	struct lk_walk w;

	result = lk_walk_open(&w, a->input, NULL, true, &a->why, err);
	if (result == LK_WALK_OK)
		result = lk_walk_next(&w, &a->why, err);
	while (result == LK_WALK_OK) {
		const void *data;
		int64_t offset;
		size_t len;

		result = lk_walk_data(&w, &data, &len, &offset, &a->why, err);
		if (result == LK_WALK_OK && !allows(a, 0, 0))
			result = LK_WALK_DEAD;
		else if (result == LK_WALK_OK)
			a->budget->total = offset + (int64_t)len;
	}
	a->budget->total = 0;
	lk_walk_close(&w);
	return result;
}

/* What no format takes is a plain file, unless it says at its beginning that it is not. */
static enum lk_walk_result begin_plain(struct lk_archive *a, struct lk_error *err)
{
	char head[512];
	size_t got;

	if (lk_blob_read(a->input, 0, head, sizeof(head), &got, err))
		return LK_WALK_ERROR;
	if (lk_kind_is_archive(head, got)) {
		lk_error_set(&a->why, LK_DATA, "it begins like an archive, but is damaged");
		return LK_WALK_DEAD;
	}
	a->stage = STAGE_PLAIN;
	return LK_WALK_OK;
}

/* What holds no member at all may be a file all the same: a compressed one of no bytes, or one of zeros, as a broken copy leaves. */
static enum lk_walk_result begin_memberless(struct lk_archive *a, struct lk_walk **w, struct lk_error *err)
{
	static const struct lk_blob empty = {.fd = -1, .data = (const unsigned char *)""};

	if (lk_walk_is_empty(*w)) {
		a->whole = &empty;
		a->stage = STAGE_PLAIN;
		return LK_WALK_OK;
	}
	if (!lk_walk_is_zeros(*w))
		return LK_WALK_END;
	a->walks.raw = true;
	return walk_to(a, a->key, 0, w, err);
}

/* Of ways that cost more than this the budget decides: files that nothing opens shall not keep a worker for hours. Archives have so
 * many members that of theirs only what costs nothing is free. */
#define CHEAP_ROUNDS 10000

static bool is_affordable(const struct lk_archive *a, int way)
{
	bool outermost = a->rounds == &a->own_rounds;

	return lk_enc_rounds(way) <= (outermost ? CHEAP_ROUNDS : 0) || *a->rounds < a->options.max_rounds ||
	       (a->enc_way_fitted && way == a->enc_way);
}

static enum lk_walk_result no_enc_key(struct lk_archive *a, bool all_tried)
{
	lk_error_set(&a->why, LK_DATA,
		"encrypted by openssl enc, and no passphrase fits (%zu tried%s), or what it holds has no check of its own",
		a->key_count,
		all_tried ? ""
			  : "; keys of many iterations no longer, as too many files came before that none fits");
	return LK_WALK_DEAD;
}

/* Looks for the key of a delivery that is encrypted as a whole: the likely ways of making one first, with every passphrase. */
static enum lk_walk_result find_enc_key(struct lk_archive *a, struct lk_error *err)
{
	int ways = lk_enc_ways(), keys = (int)a->key_count;
	int64_t before = *a->rounds;
	bool all_tried = true, unchecked = false;

	for (int i = -1; i < ways; i++)
		for (int key = 0; key < keys; key++) {
			int way = i < 0 ? a->enc_way : i;
			enum lk_enc_fit fit;

			if (i == a->enc_way)
				continue;
			if (!is_affordable(a, way)) {
				all_tried = false;
				continue;
			}
			*a->rounds += lk_enc_rounds(way);
			fit = lk_enc_open(
				&a->enc, a->input, lk_str_text(&a->enc_name), a->keys[key]->passphrase, way, err);
			unchecked |= fit == LK_ENC_UNCHECKED; /* which the wrong key may seem, too */
			if (fit == LK_ENC_NO || fit == LK_ENC_UNCHECKED)
				continue;
			*a->rounds = before;
			a->enc_way = way;
			a->enc_way_fitted = true;
			a->enc_key = key;
			return fit == LK_ENC_YES ? LK_WALK_OK : LK_WALK_ERROR;
		}
	if (!unchecked)
		return no_enc_key(a, all_tried);
	lk_error_set(&a->why, LK_DATA,
		"what openssl enc encrypted here has no check of its own: gzip it before it is encrypted");
	return LK_WALK_DEAD;
}

/* A delivery that openssl enc wrote: from here on it is what it holds. */
static enum lk_walk_result begin_encrypted(struct lk_archive *a, struct lk_error *err)
{
	enum lk_walk_result result = LK_WALK_DEAD;

	a->encrypted = true;
	lk_str_clear(&a->enc_name);
	lk_name_decrypted(&a->enc_name, a->input->name);
	if (lk_str_check(&a->enc_name, err))
		return LK_WALK_ERROR;
	if (!lk_enc_is_whole(a->input))
		lk_error_set(&a->why, LK_DATA, "encrypted by openssl enc, and cut short: its size is not one that this can have");
	else if (!a->key_count)
		lk_error_set(&a->why, LK_DATA, "encrypted by openssl enc, and no passphrase was given for it");
	else
		result = find_enc_key(a, err);
	if (result == LK_WALK_OK)
		a->input = &a->enc.content;
	return result;
}

/* Learns what the delivery is. */
static enum lk_walk_result begin(struct lk_archive *a, struct lk_error *err)
{
	enum lk_walk_result result = LK_WALK_OK;
	struct lk_walk *w;

	if (lk_enc_detect(a->input))
		result = begin_encrypted(a, err);
	a->stage = STAGE_WALK;
	a->whole = a->input;
	if (!a->input->size || (!a->encrypted && lk_kind_is_document(a->input))) {
		a->stage = STAGE_PLAIN;
		return LK_WALK_OK;
	}
	if (result == LK_WALK_OK)
		result = walk_to(a, a->key, 0, &w, err);
	if (result == LK_WALK_END)
		result = begin_memberless(a, &w, err);
	if (a->stage == STAGE_WALK && (result == LK_WALK_OK || result == LK_WALK_DAMAGED)) {
		if (lk_walk_is_zip(w) && !a->options.no_own_zip && lk_zip_reader_open(&a->zip, a->input, err))
			return LK_WALK_ERROR;
		a->raw = lk_walk_is_raw(w);
		a->wrapped = lk_walk_is_wrapped(w);
		if (lk_walk_is_plain(w))
			result = begin_plain(a, err);
		else if (a->wrapped)
			result = check_wrapping(a, err);
	}
	if (result == LK_WALK_DEAD || (result == LK_WALK_DAMAGED && a->wrapped)) {
		a->stage = STAGE_TAIL;
		a->at = 0;
	}
	return result == LK_WALK_ERROR ? result : LK_WALK_OK;
}

/* ---- archives inside archives ---- */

static enum lk_archive_next load_inner(struct lk_archive *a, const struct lk_member *m, struct lk_error *err)
{
	enum lk_archive_next next;
	struct lk_piece piece;

	lk_str_clear(&a->inner_bytes);
	lk_str_clear(&a->inner_path);
	while ((next = lk_archive_piece(a, &piece, err)) == LK_ARCHIVE_MEMBER)
		lk_str_add(&a->inner_bytes, piece.data, piece.len);
	lk_str_adds(&a->inner_path, m->path);
	if (next == LK_ARCHIVE_END && (a->inner_bytes.failed || a->inner_path.failed))
		return out_of_memory(err);
	return next;
}

/* Opens the verified member m as an archive, if it is one. */
static enum lk_archive_next enter(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	struct lk_archive_options options = a->options;
	struct lk_error why;

	if (a->total > options.max_nested) {
		lk_error_set(&why, LK_DATA, "it is an archive of more than %lld bytes (--max-nested)",
			(long long)options.max_nested);
		fail(a, m, why.message);
		return LK_ARCHIVE_MEMBER;
	}
	if (load_inner(a, m, err) == LK_ARCHIVE_ERROR)
		return LK_ARCHIVE_ERROR;
	lk_blob_memory(&a->inner_input, a->inner_path.data, lk_str_text(&a->inner_bytes), a->inner_bytes.len);
	a->inner_input.modified_us = m->modified_us;
	options.nested = false;
	if (!a->inner && lk_archive_new(&a->inner, &options, err))
		return LK_ARCHIVE_ERROR;
	if (lk_archive_open(a->inner, &a->inner_input, a->delivery, err))
		return LK_ARCHIVE_ERROR;
	a->inner->budget = a->budget;
	a->inner->rounds = a->rounds;
	if (begin(a->inner, err) == LK_WALK_ERROR)
		return LK_ARCHIVE_ERROR;
	if (a->inner->stage == STAGE_PLAIN && a->inner->whole == a->inner->input) { /* it only began like one */
		a->content = CONTENT_INPUT;
		a->whole = &a->inner_input;
		a->sent = 0;
		a->sent_last = false;
		return LK_ARCHIVE_MEMBER;
	}
	a->budget->members--;
	a->stage = STAGE_INNER;
	return LK_ARCHIVE_END;
}

static enum lk_archive_next next_member(struct lk_archive *a, struct lk_member *m, struct lk_error *err);

static enum lk_archive_next next_inner(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	enum lk_archive_next next = next_member(a->inner, m, err);

	if (next == LK_ARCHIVE_END)
		a->stage = STAGE_WALK;
	if (next != LK_ARCHIVE_MEMBER)
		return next;
	m->path = lk_arena_printf(&a->inner->arena, "%s%s%s", a->inner_path.data, *m->path ? "!" : "", m->path);
	return m->path ? next : out_of_memory(err);
}

/* ---- one member after the other ---- */

/* The end of an archive of which at least one member came. Members that share their place are one to libarchive: of a zip, as many
 * must have come as its directory names. */
static enum lk_archive_next end_walk(struct lk_archive *a, const struct lk_walk *w, struct lk_member *m, struct lk_error *err)
{
	int64_t lost = lk_walk_decrypts(w) && !lk_walk_is_compressed(w) ? lk_directory_count(a->input) - a->at : 0;

	if (lost <= 0)
		return LK_ARCHIVE_END;
	lk_error_set(&a->why, LK_DATA, "%lld more of its members could not be read: they lie where others do", (long long)lost);
	return tail(a, m, err);
}

/* A member whose header libarchive calls inconsistent. Where size and CRC follow the data, what the header has in their place counts
 * for nothing (section 4.4.4 of APPNOTE.TXT), and Info-ZIP, writing to a pipe, leaves other figures there: the directory decides. */
static enum lk_archive_next next_damaged(struct lk_archive *a, struct lk_walk *w, struct lk_member *m, struct lk_error *err)
{
	if (describe(a, w, m, err) == LK_ARCHIVE_ERROR)
		return LK_ARCHIVE_ERROR;
	if (!a->has_place || !lk_zip_has_descriptor(a->place.member))
		fail(a, m, a->why.message);
	return LK_ARCHIVE_MEMBER;
}

static enum lk_archive_next next_in_walk(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	struct lk_walk *w;

	m->number = ++a->at;
	if (a->raw && a->at) {
		a->stage = STAGE_END;
		return LK_ARCHIVE_END;
	}
	if (a->budget->members >= a->options.max_members) {
		lk_error_set(&a->why, LK_DATA, "more than %lld members (--max-members)", (long long)a->options.max_members);
		return tail(a, m, err);
	}
	switch (walk_to(a, a->key, a->at, &w, err)) {
	case LK_WALK_OK:
		a->budget->members++;
		a->has_place = lk_zip_find(&a->zip.zip, lk_walk_consumed(w), &a->place);
		return describe(a, w, m, err);
	case LK_WALK_DAMAGED:
		a->budget->members++;
		a->has_place = lk_zip_find(&a->zip.zip, lk_walk_consumed(w), &a->place);
		return next_damaged(a, w, m, err);
	case LK_WALK_DEAD:
		return tail(a, m, err);
	case LK_WALK_ERROR:
		return LK_ARCHIVE_ERROR;
	case LK_WALK_END:
		break;
	}
	a->stage = STAGE_END;
	return a->at ? end_walk(a, w, m, err) : describe_empty(a, m);
}

static enum lk_archive_next next_member(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	enum lk_archive_next next;

	lk_arena_clear(&a->arena);
	a->content = CONTENT_UNREAD;
	a->verified = a->has_place = a->by_zip = false;
	a->sent = 0;
	a->sent_last = false;
	*m = (struct lk_member){.size = -1};
	if (a->stage == STAGE_START && begin(a, err) == LK_WALK_ERROR)
		return LK_ARCHIVE_ERROR;
	switch (a->stage) {
	case STAGE_PLAIN:
		next = describe_whole(a, m, err);
		break;
	case STAGE_TAIL:
		next = tail(a, m, err);
		break;
	case STAGE_WALK:
		next = next_in_walk(a, m, err);
		break;
	default:
		return LK_ARCHIVE_END;
	}
	a->by_enc = a->encrypted && !m->encrypted;
	m->encrypted |= a->encrypted;
	return next;
}

static enum lk_status verify(struct lk_archive *a, struct lk_member *m, struct lk_error *err);

static enum lk_archive_next next_nested(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	enum lk_archive_next next;

	for (;;) {
		if (a->stage == STAGE_INNER) {
			next = next_inner(a, m, err);
			if (next != LK_ARCHIVE_END)
				return next;
		}
		next = next_member(a, m, err);
		if (next != LK_ARCHIVE_MEMBER || !a->options.nested || a->content == CONTENT_INPUT || m->status)
			return next;
		if (verify(a, m, err))
			return LK_ARCHIVE_ERROR;
		if (m->status || !lk_kind_is_archive(lk_str_text(&a->piece), a->piece.len))
			return next;
		next = enter(a, m, err);
		if (next != LK_ARCHIVE_END)
			return next;
	}
}

/* libarchive's errors that mean no more than "not with this passphrase". */
static bool is_about_passphrase(const char *message)
{
	return strstr(message, "passphrase") != NULL;
}

static enum lk_walk_result try_key(struct lk_archive *a, int key, struct lk_error *err)
{
	enum lk_zip_result by_zip = a->has_place ? read_zip(a, key, err) : LK_ZIP_UNREAD;
	enum lk_walk_result result;
	struct lk_walk *w;

	if (by_zip == LK_ZIP_OK || by_zip == LK_ZIP_ERROR)
		return by_zip == LK_ZIP_OK ? LK_WALK_OK : LK_WALK_ERROR;
	if (by_zip == LK_ZIP_WRONG) {
		lk_error_set(&a->why, LK_DATA, "Incorrect passphrase");
		return LK_WALK_DAMAGED;
	}
	result = walk_to(a, key, a->at, &w, err);
	return result == LK_WALK_OK ? read_through(a, w, err) : result;
}

/* Tries the passphrases, that which fitted last first, until one passes the member's check. */
static enum lk_status verify_encrypted(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	struct lk_error damage = {.message = ""}, why;
	int first = a->key;

	if (!a->key_count) {
		fail(a, m, "encrypted, and no passphrase was given for it");
		return LK_OK;
	}
	for (int i = -1; i < (int)a->key_count; i++) {
		int key = i < 0 ? first : i;
		enum lk_walk_result result;

		if (i == first)
			continue;
		result = try_key(a, key, err);
		if (result == LK_WALK_ERROR)
			return err->status;
		if (result == LK_WALK_OK) {
			if (a->total) { /* an empty member proves nothing */
				a->key = key;
				m->passphrase = a->keys[key]->label;
			}
			return LK_OK;
		}
		if (!is_about_passphrase(a->why.message))
			damage = a->why;
	}
	if (damage.message[0])
		lk_error_set(&why, LK_DATA, "damaged, or no passphrase fits: %s", damage.message);
	else
		lk_error_set(&why, LK_DATA, "no passphrase fits (%zu tried)", a->key_count);
	fail(a, m, why.message);
	return LK_OK;
}

static enum lk_status verify_clear(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	enum lk_walk_result result = try_key(a, a->key, err);

	if (result == LK_WALK_ERROR)
		return err->status;
	if (result != LK_WALK_OK)
		fail(a, m, a->why.message);
	return LK_OK;
}

static enum lk_status verify(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	if (a->stage == STAGE_INNER)
		return verify(a->inner, m, err);
	if (m->status != LK_MEMBER_OK || a->verified)
		return LK_OK;
	if (a->content == CONTENT_INPUT) {
		if (!allows(a, a->total, a->total))
			fail(a, m, a->why.message);
	} else if (m->encrypted && !a->by_enc) {
		LK_TRY(verify_encrypted(a, m, err));
	} else {
		LK_TRY(verify_clear(a, m, err));
	}
	if (m->status == LK_MEMBER_OK) {
		if (a->encrypted && !m->passphrase && a->total)
			m->passphrase = a->keys[a->enc_key]->label;
		a->verified = true;
		m->size = a->total;
		a->budget->total += a->total;
	} else {
		a->content = CONTENT_UNREAD;
	}
	return LK_OK;
}

/* ---- pieces ---- */

static enum lk_archive_next changed(struct lk_archive *a, struct lk_error *err)
{
	lk_error_set(err, LK_IO, "'%s' was changed while it was being read", a->delivery);
	return LK_ARCHIVE_ERROR;
}

static enum lk_archive_next piece_of_whole(struct lk_archive *a, struct lk_piece *piece, struct lk_error *err)
{
	size_t want = a->total - a->sent < LK_PIECE ? (size_t)(a->total - a->sent) : LK_PIECE, got;

	if (a->whole->data) {
		piece->data = a->whole->data + a->sent;
	} else {
		lk_str_clear(&a->piece);
		if (!lk_str_reserve(&a->piece, LK_PIECE))
			return out_of_memory(err);
		if (lk_blob_read(a->whole, a->sent, a->piece.data, want, &got, err))
			return LK_ARCHIVE_ERROR;
		if (got != want)
			return changed(a, err);
		piece->data = a->piece.data;
	}
	piece->len = want;
	return LK_ARCHIVE_MEMBER;
}

/* To the beginning of the present member, for the second reading. */
static enum lk_walk_result begin_again(struct lk_archive *a, struct lk_error *err)
{
	struct lk_walk *w;
	enum lk_walk_result result;

	if (a->by_zip) {
		enum lk_zip_result begun = lk_zip_begin(&a->zip, &a->place, passphrase_of(a, a->key), err);

		a->cursor = lk_cursor_begin_zip(&a->zip, NULL, NULL);
		return begun == LK_ZIP_OK ? LK_WALK_OK : begun == LK_ZIP_ERROR ? LK_WALK_ERROR : LK_WALK_DAMAGED;
	}
	result = walk_to(a, a->key, a->at, &w, err);
	if (result == LK_WALK_OK)
		a->cursor = lk_cursor_begin(w, NULL, NULL);
	return result;
}

/* A large member, that was verified, again. */
static enum lk_archive_next piece_again(struct lk_archive *a, struct lk_piece *piece, struct lk_error *err)
{
	if (!a->cursor.walk && !a->cursor.zip) {
		enum lk_walk_result result = begin_again(a, err);

		if (result != LK_WALK_OK)
			return result == LK_WALK_ERROR ? LK_ARCHIVE_ERROR : changed(a, err);
	}
	if (!a->piece_ready) {
		enum lk_walk_result result = lk_cursor_fill(&a->cursor, &a->piece, LK_PIECE, &a->why, err);

		if (result == LK_WALK_ERROR)
			return LK_ARCHIVE_ERROR;
		if (result != LK_WALK_OK && result != LK_WALK_END)
			return changed(a, err);
	}
	a->piece_ready = false;
	if (!a->piece.len || a->sent + (int64_t)a->piece.len > a->total)
		return changed(a, err);
	piece->data = a->piece.data;
	piece->len = a->piece.len;
	return LK_ARCHIVE_MEMBER;
}

static enum lk_archive_next next_piece(struct lk_archive *a, struct lk_piece *piece, struct lk_error *err)
{
	enum lk_archive_next next = LK_ARCHIVE_MEMBER;

	if (a->stage == STAGE_INNER)
		return next_piece(a->inner, piece, err);
	if (a->sent_last)
		return LK_ARCHIVE_END;
	piece->offset = a->sent;
	switch (a->content) {
	case CONTENT_UNREAD:
		lk_error_set(err, LK_BUG, "content of a member that was not verified");
		return LK_ARCHIVE_ERROR;
	case CONTENT_PIECE:
		piece->data = lk_str_text(&a->piece);
		piece->len = a->piece.len;
		break;
	case CONTENT_CURSOR:
		next = piece_again(a, piece, err);
		break;
	case CONTENT_INPUT:
		next = piece_of_whole(a, piece, err);
		break;
	}
	if (next != LK_ARCHIVE_MEMBER)
		return next;
	a->sent += (int64_t)piece->len;
	piece->last = a->sent_last = a->sent >= a->total;
	return next;
}

/* ---- the public faces: they see to the locale ---- */

enum lk_archive_next lk_archive_next(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	locale_t old = a->utf8 ? uselocale(a->utf8) : (locale_t)0;
	enum lk_archive_next next = next_nested(a, m, err);

	m->index = a->index++;
	if (next == LK_ARCHIVE_MEMBER && m->status != LK_MEMBER_SKIPPED) {
		if (lk_unique_name(&a->names, m->path, &a->name, err))
			next = LK_ARCHIVE_ERROR;
		m->path = lk_str_text(&a->name);
	}
	if (old)
		uselocale(old);
	return next;
}

enum lk_status lk_archive_verify(struct lk_archive *a, struct lk_member *m, struct lk_error *err)
{
	locale_t old = a->utf8 ? uselocale(a->utf8) : (locale_t)0;
	enum lk_status status = verify(a, m, err);

	if (old)
		uselocale(old);
	return status;
}

enum lk_archive_next lk_archive_piece(struct lk_archive *a, struct lk_piece *piece, struct lk_error *err)
{
	locale_t old = a->utf8 ? uselocale(a->utf8) : (locale_t)0;
	enum lk_archive_next next = next_piece(a, piece, err);

	if (old)
		uselocale(old);
	return next;
}

bool lk_member_was(const struct lk_member *m, const char *failed)
{
	const char *tail_name = strrchr(failed, '(');
	size_t len = strlen(failed);
	long long from;
	int end = 0;

	if (!strcmp(m->path, failed))
		return true;
	if (!strncmp(m->path, failed, len) && m->path[len] == '!')
		return true;
	if (!tail_name || sscanf(tail_name, TAIL_FORMAT "%n", &from, &end) != 1 || tail_name[end])
		return false;
	len = (size_t)(tail_name - failed);
	return (!len || failed[len - 1] == '!') && !strncmp(m->path, failed, len) && m->number >= from;
}

const char *lk_member_status_name(enum lk_member_status status)
{
	return status == LK_MEMBER_OK ? "ok" : status == LK_MEMBER_SKIPPED ? "skipped" : "failed";
}
