/*
 * The walks over one delivery that are open at once: one for each passphrase tried, and a second one where a large member is read
 * again. A walk only goes forward, so for a member that all have passed a new one begins.
 */
#ifndef LK_ARCHIVE_WALKS_H
#define LK_ARCHIVE_WALKS_H

#include "archive/walk.h"

#define LK_WALKS_OPEN 40 /* at once; beyond, the one not used for longest is closed */

struct lk_walks {
	struct lk_walk *open[LK_WALKS_OPEN];
	int count;
	uint64_t turn;
	bool raw; /* they take the whole for one member */
};

/* A walk over input that has just read the header of member `index`, whose content nobody asked for yet. key: the number by which
 * the passphrase (NULL: none) is known. */
enum lk_walk_result lk_walks_to(struct lk_walks *ws, const struct lk_blob *input, int key, const char *passphrase, int64_t index,
	struct lk_walk **out, struct lk_error *why, struct lk_error *err);

void lk_walks_close(struct lk_walks *ws);

#endif
