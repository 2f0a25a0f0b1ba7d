#include "archive/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK (256 * 1024)

/* libarchive's callbacks; what they return is its contract (archive_read_open(3)). */

static la_ssize_t feed_failed(struct archive *handle, struct lk_walk *w, const struct lk_error *problem)
{
	if (problem->status != LK_DATA) {
		w->failed = true;
		if (w->failure)
			*w->failure = *problem;
	}
	archive_set_error(handle, EIO, "%s", problem->message);
	return ARCHIVE_FATAL;
}

static la_ssize_t feed_read(struct archive *handle, void *context, const void **data)
{
	struct lk_walk *w = context;
	struct lk_error problem;
	size_t got;

	if (!w->gzip && w->input->data) {
		*data = w->input->data + w->offset;
		got = (size_t)(w->input->size - w->offset);
	} else {
		*data = w->block;
		if (w->gzip ? lk_gunzip_read(&w->gunzip, w->block, BLOCK, &got, &problem)
			    : lk_blob_read(w->input, w->offset, w->block, BLOCK, &got, &problem))
			return feed_failed(handle, w, &problem);
	}
	w->offset += (int64_t)got;
	return (la_ssize_t)got;
}

static la_int64_t feed_skip(struct archive *handle, void *context, la_int64_t request)
{
	struct lk_walk *w = context;
	int64_t left = w->input->size - w->offset;

	(void)handle;
	if (w->gzip)
		return 0;
	if (request > left)
		request = left;
	w->offset += request;
	return request;
}

static la_int64_t feed_seek(struct archive *handle, void *context, la_int64_t offset, int whence)
{
	struct lk_walk *w = context;
	int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? w->offset : w->input->size;

	(void)handle;
	if (offset > INT64_MAX - base || base + offset < 0)
		return ARCHIVE_FATAL;
	w->offset = base + offset < w->input->size ? base + offset : w->input->size;
	return w->offset;
}

static enum lk_walk_result set_why(struct lk_walk *w, enum lk_walk_result result, struct lk_error *why)
{
	const char *text = archive_error_string(w->handle);
	size_t len = text ? strcspn(text, "\n") : 0;

	if (w->failed)
		return LK_WALK_ERROR;
	if (result == LK_WALK_DEAD)
		w->dead = true;
	if (text && strstr(text, "header is encrypted"))
		lk_error_set(why, LK_DATA, LK_WALK_NO_7Z_KEYS);
	else if (len)
		lk_error_set(why, LK_DATA, "%.*s", (int)len, text);
	else
		lk_error_set(why, LK_DATA, "damaged archive");
	return result;
}

static bool enable(struct archive *a, bool raw)
{
	int bad = 0;

	bad |= archive_read_support_filter_bzip2(a) < ARCHIVE_WARN;
	bad |= archive_read_support_filter_xz(a) < ARCHIVE_WARN;
	bad |= archive_read_support_filter_zstd(a) < ARCHIVE_WARN;
	bad |= archive_read_support_filter_lz4(a) < ARCHIVE_WARN;
	bad |= archive_read_support_filter_compress(a) < ARCHIVE_WARN;
	bad |= archive_read_support_format_raw(a) < ARCHIVE_WARN;
	bad |= archive_read_support_format_empty(a) < ARCHIVE_WARN;
	if (!raw) {
		bad |= archive_read_support_format_zip(a) < ARCHIVE_WARN;
		bad |= archive_read_support_format_7zip(a) < ARCHIVE_WARN;
		bad |= archive_read_support_format_tar(a) < ARCHIVE_WARN;
		/* Else what follows the first end-of-archive mark of a tar would be lost without a word. */
		bad |= archive_read_set_option(a, "tar", "read_concatenated_archives", "1") < ARCHIVE_WARN;
	}
	return !bad;
}

static bool set_callbacks(struct lk_walk *w, const char *passphrase, bool raw)
{
	struct archive *a = w->handle;
	int bad = 0;

	if (!enable(a, raw))
		return false;
	if (passphrase)
		bad |= archive_read_add_passphrase(a, passphrase) != ARCHIVE_OK;
	bad |= archive_read_set_read_callback(a, feed_read) != ARCHIVE_OK;
	bad |= archive_read_set_skip_callback(a, feed_skip) != ARCHIVE_OK;
	if (!w->gzip)
		bad |= archive_read_set_seek_callback(a, feed_seek) != ARCHIVE_OK;
	bad |= archive_read_set_callback_data(a, w) != ARCHIVE_OK;
	return !bad;
}

enum lk_walk_result lk_walk_open(struct lk_walk *w, const struct lk_blob *input, const char *passphrase, bool raw,
	struct lk_error *why, struct lk_error *err)
{
	int code;

	*w = (struct lk_walk){.input = input, .at = -1, .failure = err};
	w->gzip = lk_gunzip_detect(input);
	w->handle = archive_read_new();
	if (w->gzip || !input->data)
		w->block = malloc(BLOCK);
	if (!w->handle || ((w->gzip || !input->data) && !w->block)) {
		lk_error_nomem(err);
		return LK_WALK_ERROR;
	}
	if (w->gzip && lk_gunzip_open(&w->gunzip, input, err))
		return LK_WALK_ERROR;
	if (!set_callbacks(w, passphrase, raw)) {
		lk_error_set(err, LK_MISSING, "libarchive: %s", archive_error_string(w->handle));
		return LK_WALK_ERROR;
	}
	code = archive_read_open1(w->handle);
	w->failure = NULL;
	return code < ARCHIVE_WARN ? set_why(w, LK_WALK_DEAD, why) : LK_WALK_OK;
}

/* Of libarchive's warnings about headers, that which says that a zip's directory and its member contradict each other. */
static bool is_inconsistent(const struct lk_walk *w)
{
	const char *text = archive_error_string(w->handle);

	return text && !strncmp(text, "Inconsistent", 12);
}

enum lk_walk_result lk_walk_next(struct lk_walk *w, struct lk_error *why, struct lk_error *err)
{
	int code;

	w->failure = err;
	do
		code = archive_read_next_header(w->handle, &w->entry);
	while (code == ARCHIVE_RETRY);
	w->failure = NULL;
	if (code == ARCHIVE_EOF) {
		w->dead = true;
		/* To the format "empty" a filter that failed at once is as one that has no content. */
		if (lk_walk_is_empty(w) && archive_errno(w->handle))
			return set_why(w, LK_WALK_DEAD, why);
		return w->failed ? LK_WALK_ERROR : LK_WALK_END;
	}
	if (code == ARCHIVE_FATAL)
		return set_why(w, LK_WALK_DEAD, why);
	w->at++;
	w->touched = false;
	w->header = LK_WALK_OK;
	if (code == ARCHIVE_FAILED || (code == ARCHIVE_WARN && is_inconsistent(w))) {
		w->header = set_why(w, LK_WALK_DAMAGED, &w->header_why);
		*why = w->header_why;
	}
	return w->header;
}

/* Whether nothing but zeros is left of the input from there on. */
static bool only_zeros(const struct lk_blob *input, int64_t offset)
{
	char buf[4096];
	size_t got = 1;

	for (; got; offset += (int64_t)got) {
		if (lk_blob_read(input, offset, buf, sizeof(buf), &got, NULL))
			return true; /* whoever reads the blob next says so */
		for (size_t i = 0; i < got; i++)
			if (buf[i])
				return false;
	}
	return true;
}

/* The end of a compressed file. To libarchive a bzip2 or lz4 stream with anything behind it ends well there, and so does one whose
 * next stream is damaged. */
static enum lk_walk_result end_of_compressed(struct lk_walk *w, struct lk_error *why)
{
	if (w->gzip || only_zeros(w->input, lk_walk_consumed(w)))
		return LK_WALK_END;
	lk_error_set(why, LK_DATA, "what follows the compressed stream, from byte %lld on, is no such stream",
		(long long)lk_walk_consumed(w));
	return LK_WALK_DAMAGED;
}

enum lk_walk_result lk_walk_data(struct lk_walk *w, const void **data, size_t *len, int64_t *offset, struct lk_error *why,
	struct lk_error *err)
{
	la_int64_t at = 0;
	int code;

	w->failure = err;
	do
		code = archive_read_data_block(w->handle, data, len, &at);
	while (code == ARCHIVE_RETRY);
	w->failure = NULL;
	*offset = at;
	if (code == ARCHIVE_OK)
		return LK_WALK_OK;
	if (code == ARCHIVE_EOF && w->failed)
		return LK_WALK_ERROR;
	if (code == ARCHIVE_EOF)
		return lk_walk_is_raw(w) && lk_walk_is_compressed(w) ? end_of_compressed(w, why) : LK_WALK_END;
	/* A warning is a check that failed: the bytes that came with it are not to be trusted. */
	return set_why(w, code == ARCHIVE_FATAL ? LK_WALK_DEAD : LK_WALK_DAMAGED, why);
}

int64_t lk_walk_consumed(const struct lk_walk *w)
{
	return w->gzip ? w->gunzip.offset - w->gunzip.z.avail_in : archive_filter_bytes(w->handle, -1);
}

bool lk_walk_is_empty(const struct lk_walk *w)
{
	return (archive_format(w->handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_EMPTY;
}

bool lk_walk_is_zeros(const struct lk_walk *w)
{
	return w->at < 0 && (archive_format(w->handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
}

bool lk_walk_is_raw(const struct lk_walk *w)
{
	return (archive_format(w->handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_RAW;
}

bool lk_walk_is_compressed(const struct lk_walk *w)
{
	return w->gzip || archive_filter_count(w->handle) > 1;
}

bool lk_walk_is_plain(const struct lk_walk *w)
{
	return lk_walk_is_raw(w) && !lk_walk_is_compressed(w);
}

bool lk_walk_is_wrapped(const struct lk_walk *w)
{
	return lk_walk_is_compressed(w) && (archive_format(w->handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
}

bool lk_walk_decrypts(const struct lk_walk *w)
{
	return (archive_format(w->handle) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
}

bool lk_walk_is_zip(const struct lk_walk *w)
{
	return lk_walk_decrypts(w) && !lk_walk_is_compressed(w);
}

void lk_walk_close(struct lk_walk *w)
{
	if (w->handle)
		archive_read_free(w->handle);
	if (w->gzip)
		lk_gunzip_close(&w->gunzip);
	free(w->block);
	*w = (struct lk_walk){.at = -1};
}
