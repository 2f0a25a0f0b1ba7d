#include "ingest/move.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/str.h"

#define COPY_BYTES (1 << 20)

/* Renames without replacing: true when it is done or hopeless (errno then), false when the name is taken. */
static bool rename_new(const char *from, const char *to, int *code)
{
	*code = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) < 0 ? errno : 0;
	/* A file system without that flag: a second name, then the first one goes. */
	if (*code == EINVAL || *code == ENOSYS) {
		*code = link(from, to) < 0 ? errno : 0;
		if (!*code)
			unlink(from);
	}
	return *code != EEXIST;
}

/* Gives `from` the name `wanted`, or that with a number where it is taken; the code of what kept it from
 * that, or 0. */
static int take_name(const char *from, const char *wanted, struct lk_str *to)
{
	int code;

	for (unsigned n = 0;; n++) {
		lk_str_clear(to);
		lk_str_adds(to, wanted);
		if (n)
			lk_str_addf(to, ".%u", n);
		if (to->failed)
			return ENOMEM;
		if (rename_new(from, to->data, &code))
			return code;
	}
}

static enum lk_status copy_bytes(int from, const char *name, struct lk_out *out, struct lk_error *err)
{
	unsigned char *buf = malloc(COPY_BYTES);
	enum lk_status status = buf ? LK_OK : lk_error_nomem(err);
	size_t got = 1;

	while (!status && got) {
		status = lk_read(from, name, buf, COPY_BYTES, &got, err);
		if (!status)
			status = lk_out_add(out, buf, got, err);
	}
	free(buf);
	return status;
}

/* A durable copy with the same mode and time under a name of its own, beside the wanted one. */
static enum lk_status copy_file(const char *from, const char *to, struct lk_error *err)
{
	struct lk_out out = {.fd = -1};
	enum lk_status status;
	struct stat st;
	int fd;

	LK_TRY(lk_open_input(from, &fd, err));
	status = fstat(fd, &st) < 0 ? lk_error_sys(err, LK_IO, "cannot read '%s'", from) : LK_OK;
	if (!status)
		status = lk_out_create(&out, to, st.st_mode & 07777, err);
	if (!status)
		status = copy_bytes(fd, from, &out, err);
	if (!status)
		status = lk_out_sync(&out, err);
	else
		lk_out_abandon(&out);
	lk_close_input(fd);
	if (!status && utimensat(AT_FDCWD, to, (struct timespec[]){st.st_atim, st.st_mtim}, 0) < 0)
		status = lk_error_sys(err, LK_IO, "cannot set the time of '%s'", to);
	return status;
}

static enum lk_status move_across(const char *from, const char *wanted, struct lk_str *to, struct lk_error *err)
{
	struct lk_str copy = LK_STR_INIT;
	unsigned char random[8];
	char hex[17];
	enum lk_status status;
	int code;

	LK_TRY(lk_random(random, sizeof(random), err));
	lk_hex(random, sizeof(random), hex);
	lk_str_addf(&copy, "%s.%s.part", wanted, hex);
	status = lk_str_check(&copy, err);
	if (!status)
		status = copy_file(from, copy.data, err);
	if (!status && (code = take_name(copy.data, wanted, to))) {
		errno = code;
		status = lk_error_sys(err, LK_CANTCREATE, "cannot create '%s'", wanted);
	}
	if (!status)
		status = lk_parent_sync(wanted, err);
	if (!status)
		status = lk_remove(from, err);
	else if (copy.data && lk_remove(copy.data, NULL))
		lk_error_prefix(err, "left '%s' behind", copy.data);
	lk_str_release(&copy);
	return status;
}

static enum lk_status move_impl(const char *from, struct lk_str *wanted, struct lk_str *to, struct lk_error *err)
{
	char *name;
	int code;

	LK_TRY(lk_str_check(wanted, err));
	name = strrchr(wanted->data, '/');
	*name = '\0';
	LK_TRY(lk_mkdirs(wanted->data, 0777, err));
	*name = '/';
	code = take_name(from, wanted->data, to);
	if (code == EXDEV)
		return move_across(from, wanted->data, to, err);
	if (code == ENOENT && access(from, F_OK) < 0)
		return LK_OK;
	if (code) {
		errno = code;
		return lk_error_sys(err, LK_CANTCREATE, "cannot move '%s' to '%s'", from, wanted->data);
	}
	return lk_parent_sync(wanted->data, err);
}

enum lk_status lk_move_away(const char *from, const char *dir, const char *relative, struct lk_error *err)
{
	struct lk_str wanted = LK_STR_INIT, to = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&wanted, "%s/%s", dir, relative);
	status = move_impl(from, &wanted, &to, err);
	lk_str_release(&wanted);
	lk_str_release(&to);
	return status;
}

enum lk_status lk_remove_tree(const char *path, struct lk_error *err)
{
	char *paths[] = {(char *)path, NULL};
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	enum lk_status status = LK_OK;
	FTSENT *e;

	if (!fts)
		return lk_error_sys(err, LK_IO, "cannot remove '%s'", path);
	while (!status && (e = fts_read(fts))) {
		if (e->fts_info == FTS_DP && rmdir(e->fts_path) < 0 && errno != ENOENT)
			status = lk_error_sys(err, LK_IO, "cannot remove '%s'", e->fts_path);
		else if (e->fts_info != FTS_D && e->fts_info != FTS_DP && e->fts_info != FTS_NS)
			status = lk_remove(e->fts_path, err);
	}
	fts_close(fts);
	return status;
}
