#include "ingest/stagedir.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "ingest/move.h"

#define PREFIX ".stage-"

/* Whether path is locked by us now, and is still the folder that was locked: who clears away may have been faster. */
static bool lock_folder(const char *path, int *fd)
{
	struct stat locked, named;

	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd >= 0 && flock(*fd, LOCK_EX | LOCK_NB) == 0 && fstat(*fd, &locked) == 0 && stat(path, &named) == 0 &&
		locked.st_ino == named.st_ino && locked.st_dev == named.st_dev)
		return true;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return false;
}

static enum lk_status make_one(struct lk_stagedir *dir, const char *lake, struct lk_error *err)
{
	unsigned char random[8];
	char hex[17];

	LK_TRY(lk_random(random, sizeof(random), err));
	lk_hex(random, sizeof(random), hex);
	if (asprintf(&dir->path, "%s/" PREFIX "%s", lake, hex) < 0) {
		dir->path = NULL;
		return lk_error_nomem(err);
	}
	return lk_mkdirs(dir->path, 0700, err);
}

/* What killed runs left. It is never read again, so what cannot be removed now may stay. */
static void clear_left_overs(const char *lake)
{
	DIR *entries = opendir(lake);
	struct dirent *entry;
	char *path;
	int fd;

	while (entries && (entry = readdir(entries))) {
		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) || asprintf(&path, "%s/%s", lake, entry->d_name) < 0)
			continue;
		if (lock_folder(path, &fd)) {
			(void)!lk_remove_tree(path, NULL);
			close(fd);
		}
		free(path);
	}
	if (entries)
		closedir(entries);
}

enum lk_status lk_stagedir_make(struct lk_stagedir *dir, const char *lake, struct lk_error *err)
{
	*dir = (struct lk_stagedir)LK_STAGEDIR_INIT;
	clear_left_overs(lake);
	do {
		free(dir->path);
		LK_TRY(make_one(dir, lake, err));
	} while (!lock_folder(dir->path, &dir->lock));
	return LK_OK;
}

enum lk_status lk_stagedir_remove(struct lk_stagedir *dir, struct lk_error *err)
{
	enum lk_status status = dir->path ? lk_remove_tree(dir->path, err) : LK_OK;

	if (dir->lock >= 0)
		close(dir->lock);
	free(dir->path);
	*dir = (struct lk_stagedir)LK_STAGEDIR_INIT;
	return status;
}
