/*
 * Trial lakes: lakes that share the data files of another, their parent (lk-copy --shallow).
 *
 * A trial lake has metadata and manifests of its own that name the parent's files by absolute URIs. The parent's catalog knows of
 * it, so that whoever removes the parent's files spares those that the trial lake still names:
 *
 *	lk_shallow	in the parent: path of the trial lake, made_ms
 *	lk_parent	in the trial lake: path of the lake that it was made of, and of those whose files that one shares
 *
 * A trial lake is made in this order: it is registered in its parents, the parent is pinned, the trial lake's catalog appears.
 */
#ifndef LK_LAKE_SHALLOW_H
#define LK_LAKE_SHALLOW_H

#include "lake/catalog.h"

/* For how long one that is registered and has no catalog yet counts as being made. */
#define LK_SHALLOW_GRACE_MS (INT64_C(24) * 3600 * 1000)

enum lk_shallow_state {
	LK_SHALLOW_THERE,
	LK_SHALLOW_BEING_MADE, /* which files it will name is not known yet: none may be removed */
	LK_SHALLOW_GONE,       /* its catalog is not there any more: it may be forgotten */
};

struct lk_shallow {
	const char *path; /* absolute */
	int64_t made_ms;
	enum lk_shallow_state state;
};

/* The trial lakes of a lake, into the arena. None where the catalog has no such table. */
enum lk_status lk_shallow_list(struct lk_lake *lake, struct lk_arena *arena, struct lk_shallow **list, int *count,
	struct lk_error *err) LK_CHECKED;

/* Says in the parent's catalog that path (absolute) is or will be a trial lake of it. */
enum lk_status lk_shallow_register(struct lk_lake *parent, const char *path, struct lk_error *err) LK_CHECKED;
enum lk_status lk_shallow_forget(struct lk_lake *parent, const char *path, struct lk_error *err) LK_CHECKED;

/* The lakes whose files this one shares, as absolute paths in the arena: files below them are never this lake's to remove. */
enum lk_status lk_shallow_parents(struct lk_lake *lake, struct lk_arena *arena, const char ***list, int *count,
	struct lk_error *err) LK_CHECKED;

#endif
