/*
 * Finding deliveries: the files that landed, below the paths that the user names.
 *
 * A path that is a file is a delivery; a folder is walked in the order of names. As find(1) does without -L, symbolic
 * links are followed where the user names them and nowhere below. What only lies in a folder may still be on its way:
 * it must have settled, and its name must not be one to ignore.
 */
#ifndef LK_INGEST_FIND_H
#define LK_INGEST_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/str.h"

/* A path as the user named it. */
struct lk_root {
	const char *given;    /* without slashes at its end */
	const char *absolute; /* the same without links and dots */
};

/* What became of a delivery in this run. */
enum lk_fate {
	LK_FATE_WAITING,  /* not yet known */
	LK_FATE_KNOWN,	  /* was loaded before this run, or by another one meanwhile */
	LK_FATE_REPEAT,	  /* the same bytes from the same sender as another delivery of this run */
	LK_FATE_PASSED,	  /* crashed a worker in an earlier run, and is left alone */
	LK_FATE_STILL,	  /* fitted no resource in an earlier run, in whole or in part, and the sources are the same */
	LK_FATE_STAGED,	  /* staged, not committed yet */
	LK_FATE_CRASHED,  /* ended the worker that took it */
	LK_FATE_SAME,	  /* loaded in part before, and nothing new came of it */
	LK_FATE_COMPLETE, /* loaded */
	LK_FATE_PARTIAL,  /* loaded but for members that failed or fit no resource */
	LK_FATE_UNMATCHED, /* nothing of it fits a resource */
	LK_FATE_HELD,	  /* nothing of it could be loaded */
	LK_FATE_CHANGED,  /* was written to after it was found: left for another run */
	LK_FATE_GONE,	  /* was not there any more when its turn came */
	LK_FATE_FAILED,	  /* could not be read, or could not be loaded for a reason that was told */
	LK_FATE_COUNT
};

struct lk_landed {
	const char *path;     /* as named: the root's given path, and what follows below it */
	const char *text;     /* path as streams and people get it (lk_path_text); path itself where that is the same */
	const char *relative; /* the part of path below its root; the file's own name where the root is a file */
	const struct lk_root *root;
	int64_t size, modified_us;
	const char *sender; /* NULL until it was asked for */
	char sha256[65];    /* "" until it was read */
	uint8_t fate;	    /* enum lk_fate */
	uint8_t tries;	    /* times that its load did not come to pass */
	bool committed;	    /* lk-commit told that it committed something of it */
	bool set_aside;	    /* lk-commit told that it is to be done again */
	uint32_t same_as;   /* of LK_FATE_REPEAT: the index of the first one */
	const char *reason; /* of those that went wrong; NULL when there is nothing to say */
};

struct lk_found {
	struct lk_arena arena; /* of all texts */
	struct lk_landed *items;
	size_t count, cap;
	int64_t settling; /* files that were left because they changed too lately */
	int64_t ignored;  /* files and folders left because of their names */
	int64_t unread;	  /* folders that could not be read; each was told to warn */
};

struct lk_find_options {
	const char *const *ignore; /* globs; of a name, or of the path below the root where they have a slash */
	size_t ignore_count;
	const char *const *exclude; /* files and folders that are not deliveries; those not there are fine */
	size_t exclude_count;
	int64_t now_us, settle_us; /* files below folders that changed less than settle_us ago are left */
	void (*warn)(const char *message, void *user);
	void *user;
};

/* LK_NOINPUT when one of the paths is not there. */
enum lk_status lk_find(struct lk_found *found, const char *const *paths, size_t path_count,
	const struct lk_find_options *options, struct lk_error *err) LK_CHECKED;
void lk_found_release(struct lk_found *found);

/* Whether it is there with another size or time of change than when it was found. */
bool lk_landed_changed(const struct lk_landed *d);

/* Takes one back whose load did not come to pass, so that it is looked at anew: it waits, without a SHA-256. */
void lk_landed_again(struct lk_landed *d);

/* Replaces *out by the absolute path of a delivery. */
enum lk_status lk_landed_absolute(const struct lk_landed *d, struct lk_str *out, struct lk_error *err) LK_CHECKED;

#endif
