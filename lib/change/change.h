/*
 * What a change stream says of itself, in the metadata lk.change of a table's schema (lk-stream(5)): against which state of which
 * table its rows were resolved, so that whoever applies them can tell whether that still is the state.
 */
#ifndef LK_CHANGE_CHANGE_H
#define LK_CHANGE_CHANGE_H

#include <jansson.h>

#include "base/mem.h"
#include "change/spec.h"

/* Columns in front of the table's own, besides LK_COLUMN_OP. */
#define LK_COLUMN_OLD_FILE "lk_old_file" /* int32: which of `files`; null: no row goes */
#define LK_COLUMN_OLD_POS "lk_old_pos"	 /* int64: which row of it, from 0 */

struct lk_change {
	const char *uuid;   /* the table's; NULL: it was not there */
	const char *branch; /* "main" */
	int64_t base;	    /* snapshot of the table's branch; -1: none */
	int64_t facts;	    /* snapshot of lk.versions; -1: none */
	bool patch;	    /* rows set some columns, and have the others from the row that they replace */
	enum lk_load load;  /* upsert or full */
	int32_t *key_ids;   /* field ids of the key */
	int key_count;	    /* 0 where the table was not there */
	const char **scope; /* of full: columns */
	int scope_count;
	const char **files; /* URIs that lk_old_file counts into, from 0 */
	int file_count;
	const char **columns; /* of a patch: those that it sets */
	int column_count;
};

/* As JSON text, appended. */
enum lk_status lk_change_write(const struct lk_change *change, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Of a schema; all of it goes into the arena. *is_change false: it has no lk.change. LK_DATA for what is not sound. */
enum lk_status lk_change_read(struct lk_change *change, const struct ArrowSchema *schema, struct lk_arena *arena, bool *is_change,
	struct lk_error *err) LK_CHECKED;

#endif
