#include "archive/walks.h"

#include <stdlib.h>

static void drop(struct lk_walks *ws, int i)
{
	lk_walk_close(ws->open[i]);
	free(ws->open[i]);
	ws->open[i] = ws->open[--ws->count];
}

void lk_walks_close(struct lk_walks *ws)
{
	while (ws->count)
		drop(ws, ws->count - 1);
}

/* The walk with this key that has come furthest, but not beyond the header of member `index`. */
static struct lk_walk *find(struct lk_walks *ws, int key, int64_t index)
{
	struct lk_walk *best = NULL;

	for (int i = ws->count - 1; i >= 0; i--) {
		struct lk_walk *w = ws->open[i];

		if (w->dead)
			drop(ws, i);
		else if (w->key == key && w->at + w->touched <= index && (!best || w->at > best->at))
			best = w;
	}
	return best;
}

static enum lk_walk_result begin(struct lk_walks *ws, const struct lk_blob *input, int key, const char *passphrase,
	struct lk_walk **out, struct lk_error *why, struct lk_error *err)
{
	enum lk_walk_result result;
	struct lk_walk *w;
	int oldest = 0;

	for (int i = 1; i < ws->count; i++)
		if (ws->open[i]->turn < ws->open[oldest]->turn)
			oldest = i;
	if (ws->count == LK_WALKS_OPEN)
		drop(ws, oldest);
	w = malloc(sizeof(*w));
	if (!w) {
		lk_error_nomem(err);
		return LK_WALK_ERROR;
	}
	ws->open[ws->count++] = w;
	result = lk_walk_open(w, input, passphrase, ws->raw, why, err);
	w->key = key;
	*out = w;
	return result;
}

enum lk_walk_result lk_walks_to(struct lk_walks *ws, const struct lk_blob *input, int key, const char *passphrase, int64_t index,
	struct lk_walk **out, struct lk_error *why, struct lk_error *err)
{
	enum lk_walk_result result = LK_WALK_OK;
	struct lk_walk *w = find(ws, key, index);

	if (!w) {
		result = begin(ws, input, key, passphrase, &w, why, err);
	} else if (w->at == index) {
		result = w->header;
		*why = w->header_why;
	}
	while ((result == LK_WALK_OK || result == LK_WALK_DAMAGED) && w->at < index)
		result = lk_walk_next(w, why, err);
	if (result != LK_WALK_ERROR)
		w->turn = ++ws->turn;
	*out = w;
	return result;
}
