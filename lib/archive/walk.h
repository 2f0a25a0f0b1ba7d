/*
 * A walk: one pass over an archive's members, in order, with one passphrase, by libarchive.
 *
 * Only the formats that are wanted are enabled: zip, 7z, tar and, for whatever is none of these, "raw", one member without a
 * name; around them gzip (our own, which checks), bzip2, xz, zstd, lz4 and compress. libarchive's lax ones (mtree, cpio, ISO, ...)
 * would take text for an archive.
 */
#ifndef LK_ARCHIVE_WALK_H
#define LK_ARCHIVE_WALK_H

#include <archive.h>
#include <archive_entry.h>

#include "archive/gunzip.h"
#include "archive/blob.h"

/* Of members, and of archives whose names are encrypted, too. */
#define LK_WALK_NO_7Z_KEYS "encrypted 7z archives cannot be read: ask the sender for a zip with AES-256"

enum lk_walk_result {
	LK_WALK_ERROR = -1,  /* not the archive's fault: I/O, memory; err is filled */
	LK_WALK_OK = 0,
	LK_WALK_END = 1,     /* no more members, or no more data of this one */
	LK_WALK_DAMAGED = 2, /* this member cannot be read, why is filled; the next one may */
	LK_WALK_DEAD = 3,    /* as DAMAGED, and this walk ends here */
};

struct lk_walk {
	struct archive *handle; /* NULL when closed */
	struct archive_entry *entry;
	int64_t at;	 /* index of the member whose header was read last; -1 before the first */
	enum lk_walk_result header; /* how reading that header went */
	int key;	 /* whatever the caller knows the passphrase by */
	uint64_t turn;	 /* the caller's, to find the one not used for longest */
	bool dead;
	bool touched;	 /* the content of member `at` was asked for */

	struct lk_error header_why;

	/* bytes for libarchive */
	const struct lk_blob *input;
	int64_t offset;
	unsigned char *block; /* where they stand unless all of the input is in memory */
	bool gzip;
	struct lk_gunzip gunzip;
	struct lk_error *failure; /* where a read error that is not the archive's fault goes; set during calls */
	bool failed;
};

/* Opens a walk over input. passphrase NULL: none. raw: take the whole for one member, whatever is in it. Answers OK, DEAD or
 * ERROR; the walk is to be closed in any case. */
enum lk_walk_result lk_walk_open(struct lk_walk *w, const struct lk_blob *input, const char *passphrase, bool raw,
	struct lk_error *why, struct lk_error *err);

/* To the next member's header. */
enum lk_walk_result lk_walk_next(struct lk_walk *w, struct lk_error *why, struct lk_error *err);

/* The next piece of the member's content and its offset; borrowed until the next call. END comes only when every check that
 * the format has did pass. */
enum lk_walk_result lk_walk_data(struct lk_walk *w, const void **data, size_t *len, int64_t *offset, struct lk_error *why,
	struct lk_error *err);

/* Bytes of the input used up so far. */
int64_t lk_walk_consumed(const struct lk_walk *w);

/* Whether the input is no archive and not compressed: its one member is itself. After the first header. */
bool lk_walk_is_plain(const struct lk_walk *w);
bool lk_walk_is_compressed(const struct lk_walk *w);
/* After LK_WALK_END in the place of a first header: whether there is no content at all, and whether there is nothing but zeros, which
 * would do for a tar that has no members. */
bool lk_walk_is_empty(const struct lk_walk *w);
bool lk_walk_is_zeros(const struct lk_walk *w);
/* Whether it is a single compressed file. */
bool lk_walk_is_raw(const struct lk_walk *w);
/* Whether members have no check of their own, but something compressed around them has: tar in gzip and the like. */
bool lk_walk_is_wrapped(const struct lk_walk *w);

/* Whether it is a zip that lies in the input as it is: lk_walk_consumed, after a header, is where the member's data begin. */
bool lk_walk_is_zip(const struct lk_walk *w);

/* Whether libarchive can decrypt members of this format. */
bool lk_walk_decrypts(const struct lk_walk *w);

void lk_walk_close(struct lk_walk *w);

#endif
