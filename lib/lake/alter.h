/*
 * Alterations: changes of a table in the words in which people ask for them, as lk-table(1) describes.
 *
 *	add column NAME TYPE [first | after NAME | before NAME] [comment TEXT]
 *	drop column NAME				rename column NAME to NAME
 *	move column NAME first | after NAME | before NAME
 *	alter column NAME type TYPE | comment TEXT | drop not null
 *	partition by TERM, ...				add partition TERM [as NAME]
 *	drop partition TERM				replace partition TERM with TERM [as NAME]
 *	rename partition NAME to NAME
 *	sort by TERM [asc | desc] [nulls first | nulls last], ...
 *	key by NAME, ...
 *	set KEY=VALUE					unset KEY
 *
 * They are understood before any table is looked at, and made on metadata as often as a commit has to be tried.
 */
#ifndef LK_LAKE_ALTER_H
#define LK_LAKE_ALTER_H

#include "lake/evolve.h"

struct lk_action;

struct lk_alter {
	struct lk_action *actions;
	size_t count, cap;
	/* of the first time that they were made: */
	bool made;
	int64_t *used; /* ids of the columns that they named */
	size_t used_count;
};

/* Adds an action. LK_USAGE where it is none. */
enum lk_status lk_alter_add(struct lk_alter *alter, const char *text, struct lk_error *err) LK_CHECKED;
/* The same for the rest of one that begins with these words: "partition by". */
enum lk_status lk_alter_add_words(struct lk_alter *alter, const char *words, const char *rest, struct lk_error *err) LK_CHECKED;
void lk_alter_release(struct lk_alter *alter);

/* Makes them on the metadata that will be the table's next: a hook for a target's `edit`, with the alterations as its context.
 * LK_DATA where they do not go with the table, naming the action. Another time, when another writer was first, what does not go
 * any more, or would fall upon other columns than at first, is LK_CONFLICT. */
enum lk_status lk_alter_make(void *alter, json_t *root, struct lk_error *err) LK_CHECKED;

#endif
