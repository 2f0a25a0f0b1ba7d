/*
 * Files: the one place that writes durably, syncs, renames and removes, so that faults can be put in here and
 * nowhere else.
 *
 * What is written for others to find is written under its final, unique name (lk_out) and synced with its directory
 * before anything names it, or is swapped in by rename (lk_file_replace).
 */
#ifndef LK_BASE_FILE_H
#define LK_BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/str.h"

/* Opens for reading; "-" is standard input. LK_NOINPUT when missing, LK_NOPERM when not permitted. The caller closes
 * (lk_close_input leaves standard input open). */
enum lk_status lk_open_input(const char *path, int *fd, struct lk_error *err) LK_CHECKED;
void lk_close_input(int fd);

/* Up to len bytes, retried on EINTR: *got is 0 at the end of file and only there. name is for messages. */
enum lk_status lk_read(int fd, const char *name, void *buf, size_t len, size_t *got, struct lk_error *err) LK_CHECKED;

/* Exactly len bytes unless the file ends first: *got < len tells. */
enum lk_status lk_read_full(int fd, const char *name, void *buf, size_t len, size_t *got,
	struct lk_error *err) LK_CHECKED;

/* LK_IO when a file that was read is no longer what it was when `before` was taken: by size, time of change or inode, as the open
 * fd (-1: closed already) and the path have it. A path that is gone, "-", and what is no plain file are fine. */
enum lk_status lk_file_check(const char *path, int fd, const struct stat *before, struct lk_error *err) LK_CHECKED;

/* All len bytes or an error; zero progress is an error. EPIPE and ENOSPC are LK_IO. */
enum lk_status lk_write(int fd, const char *name, const void *buf, size_t len, struct lk_error *err) LK_CHECKED;

/* The whole file, appended to *out; LK_DATA when it is longer than max_bytes. */
enum lk_status lk_file_read(const char *path, size_t max_bytes, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Creates a directory and its parents. */
enum lk_status lk_mkdirs(const char *path, mode_t mode, struct lk_error *err) LK_CHECKED;

/* Syncs the directory itself, so that names made in it survive a crash. */
enum lk_status lk_dir_sync(const char *path, struct lk_error *err) LK_CHECKED;

/* Syncs the directory that holds path. */
enum lk_status lk_parent_sync(const char *path, struct lk_error *err) LK_CHECKED;

/* Renames, replacing what is there, and syncs the directory of `to`. */
enum lk_status lk_rename(const char *from, const char *to, struct lk_error *err) LK_CHECKED;

/* Removes a file; one that is not there is fine. */
enum lk_status lk_remove(const char *path, struct lk_error *err) LK_CHECKED;

/* Removes an empty folder; one that is not there, or not empty, is fine. */
enum lk_status lk_remove_folder(const char *path, struct lk_error *err) LK_CHECKED;

/* Writes data to a new file (O_EXCL) of the given mode and syncs it; the directory is the caller's to sync. */
enum lk_status lk_file_create(const char *path, mode_t mode, const void *data, size_t len,
	struct lk_error *err) LK_CHECKED;

/* A new file for reading and writing that has no name, in a folder, of mode 0600: it is gone when it is closed, however the process
 * ends. */
enum lk_status lk_temp_open(const char *folder, int *fd, struct lk_error *err) LK_CHECKED;

/* Replaces path by a file with this content, atomically and durably. */
enum lk_status lk_file_replace(const char *path, mode_t mode, const void *data, size_t len,
	struct lk_error *err) LK_CHECKED;

/* The same without a sync: for what is of use only while it is there, and may be lost. */
enum lk_status lk_file_hint(const char *path, mode_t mode, const void *data, size_t len, struct lk_error *err) LK_CHECKED;

/* Copies a file to a new name, with its permissions, by way of a temporary name beside it: what has the name is whole and on disk,
 * the directory is the caller's to sync. */
enum lk_status lk_file_copy(const char *from, const char *to, struct lk_error *err) LK_CHECKED;

/*
 * A new file being written, buffered: create, add, then sync (durable, closed) or abandon (removed).
 *
 *	buf: [ bytes not yet written ... used | room ] -> fd at file offset `offset - used`
 */
struct lk_out {
	int fd; /* -1 when not open */
	char *path;
	unsigned char *buf;
	size_t used;
	uint64_t offset; /* bytes added so far: where the next byte will stand */
	bool failed;
};

enum lk_status lk_out_create(struct lk_out *out, const char *path, mode_t mode, struct lk_error *err) LK_CHECKED;
enum lk_status lk_out_add(struct lk_out *out, const void *data, size_t len, struct lk_error *err) LK_CHECKED;
/* Flushes, syncs and closes; after an error the file is removed. Releases out either way. */
enum lk_status lk_out_sync(struct lk_out *out, struct lk_error *err) LK_CHECKED;
/* Closes and removes the file. Harmless on one that is not open. */
void lk_out_abandon(struct lk_out *out);

/* The absolute form of path without links or dots; the file need not exist, its directory must. malloc'd. */
enum lk_status lk_path_absolute(const char *path, char **out, struct lk_error *err) LK_CHECKED;

/*
 * Paths as text. Names of files are bytes, and what goes into streams, the ledger and JSON is UTF-8: a byte that is no part
 * of it is written as \xNN, and so is a backslash (\x5c) that stands before an x and two hexadecimal digits, so that each
 * text is one path. All other paths are their own text. Both add to *out.
 */
void lk_path_text(struct lk_str *out, const char *path);
void lk_path_bytes(struct lk_str *out, const char *text);

/* The last component of path. Borrowed from path. */
const char *lk_path_base(const char *path);

/* The directory of the running program, without a slash at the end. malloc'd; NULL when it cannot be told. */
char *lk_program_dir(void);

#endif
