/*
 * Evolution: what may change in a table beside its rows, by the rules of Iceberg's specification ("Schema Evolution", "Partition
 * Evolution", "Sort Orders", "Name Mapping Serialization") and of its reference implementation, which has to load the result.
 *
 * An edit works on the JSON of the table's next metadata: begin, any number of changes, finish. Changes see what those before
 * them did. Columns keep their ids whatever they are called and wherever they stand; ids are never given out twice; a schema,
 * a partition spec or a sort order that the table had before is taken up again under its old number.
 *
 *	struct lk_evolve e;
 *	lk_evolve_begin(&e, root, err);
 *	lk_evolve_add_column(&e, "place", field, &place, err);
 *	lk_evolve_finish(&e, err);	// now root has it all
 *	lk_evolve_release(&e);
 *
 * Errors are LK_DATA where a change does not go with the table, without its name (the caller knows it); root and the edit are then
 * of no more use. Full names of columns have dots: "place.lat", "tags.element", "scores.value".
 */
#ifndef LK_LAKE_EVOLVE_H
#define LK_LAKE_EVOLVE_H

#include "lake/term.h"
#include "lake/tree.h"

struct lk_evolve {
	json_t *root;	/* borrowed */
	json_t *schema; /* as it will be */
	json_t *spec;	/* fields as they will be: "source-id", "transform", "name" and, of those that stay, "field-id" */
	json_t *order;	/* fields as they will be, as the JSON of a sort order has them */
	int64_t first_new_id; /* columns from here on are made by this edit */
	int64_t last_column_id;
	struct lk_tree tree; /* of schema */
	int64_t *used;	     /* ids of the columns that changes named, 0 for new ones, in order */
	size_t used_count, used_cap;
};

/* LK_MISSING for a table of format v1. */
enum lk_status lk_evolve_begin(struct lk_evolve *e, json_t *root, struct lk_error *err) LK_CHECKED;
enum lk_status lk_evolve_finish(struct lk_evolve *e, struct lk_error *err) LK_CHECKED;
void lk_evolve_release(struct lk_evolve *e);

/* ---- columns ---- */

/* Where a column is to stand among its siblings. */
struct lk_column_place {
	enum { LK_PLACE_LAST, LK_PLACE_FIRST, LK_PLACE_AFTER, LK_PLACE_BEFORE } where;
	const char *sibling; /* its name, without what is around it */
};

/* field (lake/schema_text.h) is copied and gets ids. parent: a struct, or a list or map of structs; NULL: the table itself. */
enum lk_status lk_evolve_add_column(struct lk_evolve *e, const char *parent, const json_t *field, const struct lk_column_place *place,
	struct lk_error *err) LK_CHECKED;

/* Not one that identifies rows, or that the partition specs or the sort order need. */
enum lk_status lk_evolve_drop_column(struct lk_evolve *e, const char *path, struct lk_error *err) LK_CHECKED;

enum lk_status lk_evolve_rename_column(struct lk_evolve *e, const char *path, const char *name, struct lk_error *err) LK_CHECKED;

enum lk_status lk_evolve_move_column(struct lk_evolve *e, const char *path, const struct lk_column_place *place,
	struct lk_error *err) LK_CHECKED;

/* int to long, float to double, decimal to one of more digits; the same type is no change. */
enum lk_status lk_evolve_widen_column(struct lk_evolve *e, const char *path, const json_t *type, struct lk_error *err) LK_CHECKED;

/* doc NULL or empty: none. */
enum lk_status lk_evolve_comment_column(struct lk_evolve *e, const char *path, const char *doc, struct lk_error *err) LK_CHECKED;

enum lk_status lk_evolve_make_optional(struct lk_evolve *e, const char *path, struct lk_error *err) LK_CHECKED;

/* The columns that identify a row; with count 0 none do. */
enum lk_status lk_evolve_key_by(struct lk_evolve *e, const char *const *paths, size_t count, struct lk_error *err) LK_CHECKED;

/* ---- partitions and order ---- */

/* name NULL: as the reference implementation would call it. */
enum lk_status lk_evolve_add_partition(struct lk_evolve *e, const struct lk_term *term, const char *name,
	struct lk_error *err) LK_CHECKED;
/* What it was made of. */
enum lk_status lk_evolve_drop_partition(struct lk_evolve *e, const struct lk_term *term, struct lk_error *err) LK_CHECKED;
enum lk_status lk_evolve_rename_partition(struct lk_evolve *e, const char *from, const char *to, struct lk_error *err) LK_CHECKED;
/* Takes all fields out. */
enum lk_status lk_evolve_unpartition(struct lk_evolve *e, struct lk_error *err) LK_CHECKED;

/* Takes the order away; lk_evolve_sort_by adds to it. */
enum lk_status lk_evolve_unsort(struct lk_evolve *e, struct lk_error *err) LK_CHECKED;
enum lk_status lk_evolve_sort_by(struct lk_evolve *e, const struct lk_term *term, bool descending, bool nulls_last,
	struct lk_error *err) LK_CHECKED;

/* ---- properties ---- */

/* Not those that Iceberg keeps for itself. */
enum lk_status lk_evolve_set(struct lk_evolve *e, const char *key, const char *value, struct lk_error *err) LK_CHECKED;
enum lk_status lk_evolve_unset(struct lk_evolve *e, const char *key, struct lk_error *err) LK_CHECKED;

/* ---- inside of lib/lake ---- */

/* The column of that full name, noted in e->used; LK_DATA when there is none. It points into e->tree. */
enum lk_status lk_evolve_find(struct lk_evolve *e, const char *path, const struct lk_tree_node **node, struct lk_error *err) LK_CHECKED;

/* Adds spec and order to root, or takes up those that were there (evolve_layout.c). */
enum lk_status lk_evolve_finish_layout(struct lk_evolve *e, struct lk_error *err) LK_CHECKED;

/* Java holds every spec of a table, also those of old, against the columns of today when it loads it: names must not clash. */
enum lk_status lk_evolve_check_specs(const struct lk_evolve *e, struct lk_error *err) LK_CHECKED;

/* The name mapping and the properties that are about columns, when the schema is no more as it was (evolve_names.c). */
enum lk_status lk_evolve_finish_names(struct lk_evolve *e, const json_t *before, struct lk_error *err) LK_CHECKED;

#endif
