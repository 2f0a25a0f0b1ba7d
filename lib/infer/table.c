#include "infer/table.h"

#include <stdlib.h>
#include <strings.h>

#include "base/mem.h"
#include "infer/form.h"

enum lk_status lk_table_add_column(
	struct lk_table *t, const char *name, const char *path, struct lk_error *err)
{
	size_t cap = (size_t)t->cap;
	struct lk_table_column *c;

	if (!lk_grow((void **)&t->columns, &cap, (size_t)t->count + 1, sizeof(*t->columns)))
		return lk_error_nomem(err);
	t->cap = (int)cap;
	c = &t->columns[t->count];
	*c = (struct lk_table_column){.name = name, .path = path, .always = true};
	c->profile = malloc(sizeof(*c->profile));
	if (!c->profile)
		return lk_error_nomem(err);
	lk_profile_init(c->profile);
	t->count++;
	return name ? LK_OK : lk_error_nomem(err);
}

void lk_table_drop_columns(struct lk_table *t)
{
	for (int i = 0; i < t->count; i++) {
		if (t->columns[i].profile)
			lk_profile_release(t->columns[i].profile);
		free(t->columns[i].profile);
	}
	t->count = 0;
}

void lk_table_release(struct lk_table *t)
{
	lk_table_drop_columns(t);
	free(t->columns);
	json_decref(t->dialect);
	json_decref(t->lk);
	*t = (struct lk_table){0};
}

void lk_table_add_encoding(struct lk_table *t, const char *encoding)
{
	for (int i = 0; i < t->encoding_count; i++)
		if (!strcasecmp(t->encodings[i], encoding))
			return;
	if (t->encoding_count < LK_TABLE_ENCODINGS)
		t->encodings[t->encoding_count++] = encoding;
}
