#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUT_BUFFER (256 * 1024)

enum lk_status lk_open_input(const char *path, int *fd, struct lk_error *err)
{
	enum lk_status status;

	if (!strcmp(path, "-")) {
		*fd = STDIN_FILENO;
		return LK_OK;
	}
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd >= 0)
		return LK_OK;
	status = errno == EACCES || errno == EPERM ? LK_NOPERM : LK_NOINPUT;
	return lk_error_sys(err, status, "cannot open '%s'", path);
}

void lk_close_input(int fd)
{
	if (fd > STDIN_FILENO)
		close(fd);
}

enum lk_status lk_read(int fd, const char *name, void *buf, size_t len, size_t *got, struct lk_error *err)
{
	ssize_t n;

	do
		n = read(fd, buf, len);
	while (n < 0 && errno == EINTR);
	*got = n > 0 ? (size_t)n : 0;
	if (n < 0)
		return lk_error_sys(err, LK_IO, "cannot read '%s'", name);
	return LK_OK;
}

enum lk_status lk_read_full(int fd, const char *name, void *buf, size_t len, size_t *got, struct lk_error *err)
{
	size_t n;

	for (*got = 0; *got < len; *got += n) {
		LK_TRY(lk_read(fd, name, (char *)buf + *got, len - *got, &n, err));
		if (!n)
			break;
	}
	return LK_OK;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

enum lk_status lk_file_check(const char *path, int fd, const struct stat *before, struct lk_error *err)
{
	struct stat now;

	if (!S_ISREG(before->st_mode))
		return LK_OK;
	if (fd >= 0 && fstat(fd, &now))
		return lk_error_sys(err, LK_IO, "cannot read '%s'", path);
	if ((fd >= 0 && !is_same(&now, before)) || (strcmp(path, "-") && !stat(path, &now) && !is_same(&now, before)))
		return lk_error_set(err, LK_IO, "'%s' was changed while it was being read", path);
	return LK_OK;
}

enum lk_status lk_write(int fd, const char *name, const void *buf, size_t len, struct lk_error *err)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return lk_error_sys(err, LK_IO, "cannot write '%s'", name);
		if (n == 0)
			return lk_error_set(err, LK_IO, "cannot write '%s': no progress", name);
		p += n;
		len -= (size_t)n;
	}
	return LK_OK;
}

static enum lk_status read_all(int fd, const char *path, size_t max_bytes, struct lk_str *out, struct lk_error *err)
{
	size_t start = out->len, got;

	do {
		if (!lk_str_reserve(out, 64 * 1024))
			return lk_error_nomem(err);
		LK_TRY(lk_read(fd, path, out->data + out->len, out->cap - out->len - 1, &got, err));
		out->len += got;
		out->data[out->len] = '\0';
		if (out->len - start > max_bytes)
			return lk_error_set(err, LK_DATA, "'%s' is longer than %zu bytes", path, max_bytes);
	} while (got);
	return LK_OK;
}

enum lk_status lk_file_read(const char *path, size_t max_bytes, struct lk_str *out, struct lk_error *err)
{
	enum lk_status status;
	int fd;

	LK_TRY(lk_open_input(path, &fd, err));
	status = read_all(fd, path, max_bytes, out, err);
	lk_close_input(fd);
	return status;
}

static enum lk_status make_dir(const char *path, mode_t mode, struct lk_error *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return LK_OK;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return LK_OK;
	return lk_error_sys(err, LK_CANTCREATE, "cannot create directory '%s'", path);
}

enum lk_status lk_mkdirs(const char *path, mode_t mode, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	char *copy;
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return LK_OK;
	copy = strdup(path);
	if (!copy)
		return lk_error_nomem(err);
	for (char *p = copy + 1; !status && (p = strchr(p, '/')); p++) {
		*p = '\0';
		status = make_dir(copy, mode, err);
		*p = '/';
	}
	if (!status)
		status = make_dir(copy, mode, err);
	free(copy);
	return status;
}

enum lk_status lk_dir_sync(const char *path, struct lk_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return lk_error_sys(err, LK_IO, "cannot open directory '%s'", path);
	failed = fsync(fd);
	if (failed)
		lk_error_sys(err, LK_IO, "cannot sync directory '%s'", path);
	close(fd);
	return failed ? LK_IO : LK_OK;
}

enum lk_status lk_parent_sync(const char *path, struct lk_error *err)
{
	const char *slash = strrchr(path, '/');
	enum lk_status status;
	char *dir;

	dir = !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	if (!dir)
		return lk_error_nomem(err);
	status = lk_dir_sync(dir, err);
	free(dir);
	return status;
}

enum lk_status lk_rename(const char *from, const char *to, struct lk_error *err)
{
	if (rename(from, to))
		return lk_error_sys(err, LK_IO, "cannot rename '%s' to '%s'", from, to);
	return lk_parent_sync(to, err);
}

enum lk_status lk_remove(const char *path, struct lk_error *err)
{
	if (unlink(path) && errno != ENOENT)
		return lk_error_sys(err, LK_IO, "cannot remove '%s'", path);
	return LK_OK;
}

enum lk_status lk_remove_folder(const char *path, struct lk_error *err)
{
	if (rmdir(path) < 0 && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		return lk_error_sys(err, LK_IO, "cannot remove '%s'", path);
	return LK_OK;
}

/* File systems that know no files without names get one that is taken away at once. */
static int temp_named(const char *folder)
{
	struct lk_str path = LK_STR_INIT;
	int fd = -1;

	lk_str_addf(&path, "%s/.lk-temp-XXXXXX", folder);
	if (!path.failed)
		fd = mkostemp(path.data, O_CLOEXEC);
	if (fd >= 0)
		unlink(path.data);
	lk_str_release(&path);
	return fd;
}

enum lk_status lk_temp_open(const char *folder, int *fd, struct lk_error *err)
{
	*fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		*fd = temp_named(folder);
	if (*fd < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot create a temporary file in '%s'", folder);
	return LK_OK;
}

enum lk_status lk_file_create(const char *path, mode_t mode, const void *data, size_t len, struct lk_error *err)
{
	struct lk_out out;
	enum lk_status status;

	LK_TRY(lk_out_create(&out, path, mode, err));
	status = lk_out_add(&out, data, len, err);
	if (!status)
		return lk_out_sync(&out, err);
	lk_out_abandon(&out);
	return status;
}

enum lk_status lk_file_replace(const char *path, mode_t mode, const void *data, size_t len, struct lk_error *err)
{
	struct lk_str temp = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&temp, "%s.%ld.tmp", path, (long)getpid());
	status = lk_str_check(&temp, err);
	if (!status)
		status = lk_file_create(temp.data, mode, data, len, err);
	if (!status) {
		status = lk_rename(temp.data, path, err);
		if (status)
			unlink(temp.data);
	}
	lk_str_release(&temp);
	return status;
}

enum lk_status lk_file_hint(const char *path, mode_t mode, const void *data, size_t len, struct lk_error *err)
{
	struct lk_str temp = LK_STR_INIT;
	enum lk_status status;
	int fd;

	lk_str_addf(&temp, "%s.%ld.tmp", path, (long)getpid());
	LK_TRY(lk_str_check(&temp, err));
	fd = open(temp.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	status = fd < 0 ? lk_error_sys(err, LK_CANTCREATE, "cannot create '%s'", temp.data) : lk_write(fd, temp.data, data, len, err);
	if (fd >= 0)
		close(fd);
	if (!status && rename(temp.data, path))
		status = lk_error_sys(err, LK_IO, "cannot rename '%s' to '%s'", temp.data, path);
	if (fd >= 0 && status)
		unlink(temp.data);
	lk_str_release(&temp);
	return status;
}

/* The kernel copies, or shares, what it can; what it cannot is copied by hand. */
static enum lk_status copy_bytes(int from, int to, const char *name, struct lk_error *err)
{
	char buffer[64 * 1024];
	ssize_t n;
	size_t got;

	do
		n = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (!n)
		return LK_OK;
	do {
		LK_TRY(lk_read(from, name, buffer, sizeof(buffer), &got, err));
		LK_TRY(lk_write(to, name, buffer, got, err));
	} while (got);
	return LK_OK;
}

static enum lk_status copy_open(int from, const char *name, const char *temp, struct lk_error *err)
{
	enum lk_status status;
	struct stat st;
	int to;

	if (fstat(from, &st))
		return lk_error_sys(err, LK_IO, "cannot read '%s'", name);
	to = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
	if (to < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot create '%s'", temp);
	status = copy_bytes(from, to, temp, err);
	if (!status && fsync(to))
		status = lk_error_sys(err, LK_IO, "cannot sync '%s'", temp);
	if (close(to) && !status)
		status = lk_error_sys(err, LK_IO, "cannot write '%s'", temp);
	return status;
}

enum lk_status lk_file_copy(const char *from, const char *to, struct lk_error *err)
{
	struct lk_str temp = LK_STR_INIT;
	enum lk_status status;
	int fd;

	LK_TRY(lk_open_input(from, &fd, err));
	lk_str_addf(&temp, "%s.%ld.tmp", to, (long)getpid());
	status = lk_str_check(&temp, err);
	if (!status)
		status = copy_open(fd, from, temp.data, err);
	if (!status && rename(temp.data, to))
		status = lk_error_sys(err, LK_IO, "cannot rename '%s' to '%s'", temp.data, to);
	if (status && temp.data)
		unlink(temp.data);
	lk_close_input(fd);
	lk_str_release(&temp);
	return status;
}

enum lk_status lk_out_create(struct lk_out *out, const char *path, mode_t mode, struct lk_error *err)
{
	*out = (struct lk_out){.fd = -1};
	out->path = strdup(path);
	out->buf = malloc(OUT_BUFFER);
	if (!out->path || !out->buf) {
		lk_out_abandon(out);
		return lk_error_nomem(err);
	}
	out->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (out->fd < 0) {
		enum lk_status status = errno == EACCES || errno == EPERM ? LK_NOPERM : LK_CANTCREATE;

		lk_error_sys(err, status, "cannot create '%s'", path);
		lk_out_abandon(out);
		return status;
	}
	return LK_OK;
}

static enum lk_status out_flush(struct lk_out *out, struct lk_error *err)
{
	enum lk_status status = lk_write(out->fd, out->path, out->buf, out->used, err);

	out->used = 0;
	out->failed |= status != LK_OK;
	return status;
}

enum lk_status lk_out_add(struct lk_out *out, const void *data, size_t len, struct lk_error *err)
{
	if (out->failed)
		return lk_error_set(err, LK_IO, "cannot write '%s' after an earlier failure", out->path);
	if (len > OUT_BUFFER - out->used)
		LK_TRY(out_flush(out, err));
	out->offset += len;
	if (len >= OUT_BUFFER) {
		enum lk_status status = lk_write(out->fd, out->path, data, len, err);

		out->failed |= status != LK_OK;
		return status;
	}
	memcpy(out->buf + out->used, data, len);
	out->used += len;
	return LK_OK;
}

enum lk_status lk_out_sync(struct lk_out *out, struct lk_error *err)
{
	enum lk_status status;

	if (out->failed)
		status = lk_error_set(err, LK_IO, "cannot write '%s' after an earlier failure", out->path);
	else
		status = out_flush(out, err);
	if (!status && fsync(out->fd))
		status = lk_error_sys(err, LK_IO, "cannot sync '%s'", out->path);
	if (!status && close(out->fd)) {
		out->fd = -1;
		status = lk_error_sys(err, LK_IO, "cannot close '%s'", out->path);
		unlink(out->path);
	}
	if (!status)
		out->fd = -1;
	lk_out_abandon(out);
	return status;
}

void lk_out_abandon(struct lk_out *out)
{
	if (out->fd >= 0) {
		close(out->fd);
		unlink(out->path);
	}
	free(out->path);
	free(out->buf);
	*out = (struct lk_out){.fd = -1};
}

enum lk_status lk_path_absolute(const char *path, char **out, struct lk_error *err)
{
	char *copy, *slash, *dir;
	struct lk_str s = LK_STR_INIT;

	*out = realpath(path, NULL);
	if (*out)
		return LK_OK;
	copy = strdup(path);
	if (!copy)
		return lk_error_nomem(err);
	slash = strrchr(copy, '/');
	if (slash)
		*slash = '\0';
	dir = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
	if (dir)
		lk_str_addf(&s, "%s/%s", strcmp(dir, "/") ? dir : "", slash ? slash + 1 : path);
	free(copy);
	free(dir);
	if (!s.data)
		return lk_error_sys(err, LK_NOINPUT, "cannot resolve '%s'", path);
	*out = s.data;
	return LK_OK;
}

/* The byte that \xNN at p stands for, or -1 when there is no such thing. */
static int escaped_byte(const char *p)
{
	char digits[3] = {0};

	if (p[0] != '\\' || p[1] != 'x' || !isxdigit((unsigned char)p[2]) || !isxdigit((unsigned char)p[3]))
		return -1;
	memcpy(digits, p + 2, 2);
	return (int)strtol(digits, NULL, 16);
}

void lk_path_text(struct lk_str *out, const char *path)
{
	const char *end = path + strlen(path);

	while (path < end) {
		size_t n = lk_utf8_len((const unsigned char *)path, (const unsigned char *)end);

		if (n && escaped_byte(path) < 0)
			lk_str_add(out, path, n);
		else
			lk_str_addf(out, "\\x%02x", (unsigned char)*path);
		path += n ? n : 1;
	}
}

void lk_path_bytes(struct lk_str *out, const char *text)
{
	while (*text) {
		int byte = escaped_byte(text);

		lk_str_addc(out, byte > 0 ? (char)byte : *text);
		text += byte > 0 ? 4 : 1;
	}
}

const char *lk_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *lk_program_dir(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return strdup(path);
}
