#include "archive/extract.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/name.h"
#include "base/file.h"
#include "base/lakedir.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

enum lk_status lk_extract_open(struct lk_extract *e, const char *path, struct lk_error *err)
{
	*e = (struct lk_extract){.path = path, .dir = -1, .sub = -1};
	LK_TRY(lk_lake_keep_out(path, err));
	LK_TRY(lk_mkdirs(path, 0700, err));
	e->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dir < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot open '%s'", path);
	return LK_OK;
}

void lk_extract_begin(struct lk_extract *e)
{
	if (e->sub >= 0)
		close(e->sub);
	e->sub = -1;
}

static enum lk_status make_sub(struct lk_extract *e, const char *delivery, struct lk_error *err)
{
	const char *name = !strcmp(delivery, "-") ? "stdin" : lk_path_base(delivery);

	if (mkdirat(e->dir, name, 0700))
		return lk_error_sys(err, LK_CANTCREATE, "cannot create '%s/%s'", e->path, name);
	e->sub = openat(e->dir, name, FOLDER_FLAGS);
	if (e->sub < 0)
		return lk_error_sys(err, LK_CANTCREATE, "cannot open '%s/%s'", e->path, name);
	return LK_OK;
}

/* Opens the folders of path below `from`, making them where they are missing; -1 with errno. *rest is the last component. */
static int open_parent(int from, const char *path, const char **rest)
{
	int fd = fcntl(from, F_DUPFD_CLOEXEC, 0);
	const char *slash;

	for (; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		char name[NAME_MAX + 1];
		size_t len = (size_t)(slash - path);
		int next = -1;

		if (!len)
			continue;
		errno = ENAMETOOLONG;
		if (len <= NAME_MAX) {
			memcpy(name, path, len);
			name[len] = '\0';
			if (mkdirat(fd, name, 0700) == 0 || errno == EEXIST)
				next = openat(fd, name, FOLDER_FLAGS);
		}
		close(fd);
		fd = next;
	}
	*rest = path;
	return fd;
}

static enum lk_status write_pieces(int fd, struct lk_archive *a, const char *path, struct lk_error *err)
{
	enum lk_archive_next next;
	struct lk_piece piece;

	while ((next = lk_archive_piece(a, &piece, err)) == LK_ARCHIVE_MEMBER)
		LK_TRY(lk_write(fd, path, piece.data, piece.len, err));
	return next == LK_ARCHIVE_ERROR ? err->status : LK_OK;
}

/* A new file for the member below the subfolder; -1, and m has failed, when there cannot be one. */
static int create(struct lk_extract *e, struct lk_member *m, struct lk_str *reason, int *parent, const char **name)
{
	const char *unsafe = lk_name_unsafe(m->path);
	int fd = -1;

	lk_str_clear(reason);
	*parent = -1;
	if (!unsafe) {
		*parent = open_parent(e->sub, m->path, name);
		if (*parent >= 0)
			fd = openat(*parent, *name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	if (fd >= 0)
		return fd;
	if (unsafe)
		lk_str_addf(reason, "not extracted: its name has %s", unsafe);
	else
		lk_str_addf(reason, "not extracted: %s", strerror(errno));
	m->status = LK_MEMBER_FAILED;
	m->error = lk_str_text(reason);
	return -1;
}

enum lk_status lk_extract_member(struct lk_extract *e, struct lk_archive *a, const char *delivery, struct lk_member *m,
	struct lk_str *reason, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	const char *name;
	int parent, fd;

	if (e->sub < 0)
		LK_TRY(make_sub(e, delivery, err));
	fd = create(e, m, reason, &parent, &name);
	if (fd >= 0) {
		status = write_pieces(fd, a, m->path, err);
		if (close(fd) && !status)
			status = lk_error_sys(err, LK_IO, "cannot write '%s'", m->path);
		if (status)
			unlinkat(parent, name, 0);
	}
	if (parent >= 0)
		close(parent);
	return status;
}

void lk_extract_close(struct lk_extract *e)
{
	lk_extract_begin(e);
	if (e->dir >= 0)
		close(e->dir);
	e->dir = -1;
}
