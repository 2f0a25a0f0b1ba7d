#include "archive/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/enc.h"
#include "base/file.h"
#include "base/tool.h"

#define CHUNK (1024 * 1024)

static int64_t stat_modified_us(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

/* Reads fd from where it stands, into memory, until its end or until more than LK_BLOB_HELD bytes came. */
static enum lk_status hold(struct lk_blob *in, int fd, bool *ended, struct lk_error *err)
{
	size_t got;

	for (*ended = false; !*ended && in->held.len <= LK_BLOB_HELD; *ended = !got) {
		size_t room = in->held.cap - in->held.len;

		if (room < 2) {
			if (!lk_str_reserve(&in->held, in->held.cap ? in->held.cap : 64 * 1024))
				return lk_error_nomem(err);
			room = in->held.cap - in->held.len;
		}
		LK_TRY(lk_read(fd, in->name, in->held.data + in->held.len, room - 1, &got, err));
		in->held.len += got;
	}
	return LK_OK;
}

static enum lk_status open_nameless(int *fd, struct lk_error *err)
{
	const char *dir = getenv("TMPDIR");

	if (!dir || !*dir)
		dir = "/tmp";
	*fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (*fd < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot create a temporary file in '%s'", dir);
	return LK_OK;
}

/* Puts what is held, and the rest of `from`, into a file without a name; hashes all of it. */
static enum lk_status spool(struct lk_blob *in, int from, struct lk_sha256 *hash, struct lk_error *err)
{
	size_t got = in->held.len;

	LK_TRY(open_nameless(&in->fd, err));
	do {
		LK_TRY(lk_sha256_add(hash, in->held.data, got, err));
		LK_TRY(lk_write(in->fd, "temporary file", in->held.data, got, err));
		in->size += (int64_t)got;
		LK_TRY(lk_read(from, in->name, in->held.data, CHUNK, &got, err));
	} while (got);
	return LK_OK;
}

static enum lk_status hash_file(struct lk_blob *in, struct lk_sha256 *hash, struct lk_error *err)
{
	size_t got;

	if (!lk_str_reserve(&in->held, CHUNK))
		return lk_error_nomem(err);
	for (in->size = 0;; in->size += (int64_t)got) {
		LK_TRY(lk_blob_read(in, in->size, in->held.data, CHUNK, &got, err));
		if (!got)
			return LK_OK;
		LK_TRY(lk_sha256_add(hash, in->held.data, got, err));
	}
}

/* Takes all bytes in or leaves the file open to be read in place. */
static enum lk_status take(struct lk_blob *in, int fd, struct lk_sha256 *hash, struct lk_error *err)
{
	bool seekable = S_ISREG(in->found.st_mode), ended;

	in->modified_us = seekable ? stat_modified_us(&in->found) : lk_now_us();
	if (seekable && lseek(fd, 0, SEEK_SET))
		return lk_error_sys(err, LK_IO, "cannot read '%s'", in->name);
	if (seekable && in->found.st_size > LK_BLOB_HELD) {
		in->fd = fd;
		return hash_file(in, hash, err);
	}
	LK_TRY(hold(in, fd, &ended, err));
	if (!ended)
		return spool(in, fd, hash, err);
	in->data = (const unsigned char *)lk_str_text(&in->held);
	in->size = (int64_t)in->held.len;
	return lk_sha256_add(hash, in->data, in->held.len, err);
}

static enum lk_status open_impl(struct lk_blob *in, int fd, struct lk_error *err)
{
	struct lk_sha256 hash = {NULL};
	enum lk_status status;

	if (fstat(fd, &in->found))
		return lk_error_sys(err, LK_IO, "cannot read '%s'", in->name);
	if (S_ISDIR(in->found.st_mode))
		return lk_error_set(err, LK_NOINPUT, "'%s' is a directory: name the files in it, or use lk ingest", in->name);
	LK_TRY(lk_sha256_init(&hash, err));
	status = take(in, fd, &hash, err);
	if (!status)
		status = lk_sha256_hex(&hash, in->sha256, err);
	lk_sha256_release(&hash);
	return status;
}

enum lk_status lk_blob_open(struct lk_blob *in, const char *path, struct lk_error *err)
{
	enum lk_status status;
	int fd;

	lk_str_clear(&in->held);
	*in = (struct lk_blob){.name = path, .fd = -1, .held = in->held};
	LK_TRY(lk_open_input(path, &fd, err));
	status = open_impl(in, fd, err);
	if (in->fd != fd)
		lk_close_input(fd);
	if (status)
		lk_blob_close(in);
	return status;
}

void lk_blob_memory(struct lk_blob *in, const char *name, const void *data, size_t len)
{
	*in = (struct lk_blob){.name = name, .fd = -1, .data = data, .size = (int64_t)len};
}

enum lk_status lk_blob_read(const struct lk_blob *in, int64_t offset, void *buf, size_t len, size_t *got,
	struct lk_error *err)
{
	*got = 0;
	if (in->data) {
		if (offset >= in->size)
			return LK_OK;
		*got = (uint64_t)(in->size - offset) < len ? (size_t)(in->size - offset) : len;
		memcpy(buf, in->data + offset, *got);
		return LK_OK;
	}
	if (in->enc)
		return lk_enc_read(in->enc, offset, buf, len, got, err);
	while (*got < len) {
		ssize_t n = pread(in->fd, (char *)buf + *got, len - *got, offset + (off_t)*got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lk_error_sys(err, LK_IO, "cannot read '%s'", in->name);
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return LK_OK;
}

enum lk_status lk_blob_check(const struct lk_blob *in, struct lk_error *err)
{
	if (in->found.st_size && in->size != in->found.st_size && S_ISREG(in->found.st_mode))
		return lk_error_set(err, LK_IO, "'%s' was changed while it was being read", in->name);
	return lk_file_check(in->name, in->fd, &in->found, err);
}

void lk_blob_close(struct lk_blob *in)
{
	lk_close_input(in->fd);
	in->fd = -1;
	in->data = NULL;
}

void lk_blob_release(struct lk_blob *in)
{
	lk_blob_close(in);
	lk_str_release(&in->held);
}
