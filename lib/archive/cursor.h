/*
 * A member's content as it comes from a walk, with the holes of sparse files filled in, or from our own reader of zips; and the
 * limits on how much there may be of it.
 *
 *	walk, zip -> block [ taken | not yet taken ] -> piece
 *	                   position ^ ... hole ... ^ block_offset
 */
#ifndef LK_ARCHIVE_CURSOR_H
#define LK_ARCHIVE_CURSOR_H

#include "archive/archive.h"
#include "archive/walk.h"
#include "archive/zip_read.h"

/* What a delivery may use in all, and what it has; one for the delivery and the archives inside it. */
struct lk_budget {
	int64_t input_size, total, members;
};

/* Whether content of `size` bytes may be read, for which `consumed` bytes of the archive were used; else why says why not. */
bool lk_budget_allows(const struct lk_budget *b, const struct lk_archive_options *o, int64_t size, int64_t consumed,
	struct lk_error *why);

struct lk_cursor {
	struct lk_walk *walk;	   /* or, */
	struct lk_zip_reader *zip; /* both NULL: to be begun again */
	const struct lk_archive_options *limits; /* NULL: they were kept when it was first read */
	const struct lk_budget *budget;
	int64_t consumed_before; /* of the archive, when the member began */
	const unsigned char *block; /* not yet taken; of the walk or the reader */
	size_t block_len;
	int64_t block_offset; /* of block in the member */
	int64_t position;     /* bytes taken so far */
	bool ended;
};

/* Begins with the member at which the walk stands. limits may be NULL. */
struct lk_cursor lk_cursor_begin(struct lk_walk *walk, const struct lk_archive_options *limits, const struct lk_budget *budget);

/* The same with the member at which lk_zip_begin has put our own reader. */
struct lk_cursor lk_cursor_begin_zip(struct lk_zip_reader *zip, const struct lk_archive_options *limits,
	const struct lk_budget *budget);

/* Fills *piece, which is cleared, with up to max bytes. END: the content ended before that. */
enum lk_walk_result lk_cursor_fill(struct lk_cursor *c, struct lk_str *piece, size_t max, struct lk_error *why,
	struct lk_error *err);

/* Reads the rest of the content, for its checks alone; OK at its end. */
enum lk_walk_result lk_cursor_drain(struct lk_cursor *c, struct lk_error *why, struct lk_error *err);

#endif
