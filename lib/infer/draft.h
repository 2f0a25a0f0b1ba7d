/* Drafts: tables as JSON of a data package (lk-source(5)), its properties in a steady order. */
#ifndef LK_INFER_DRAFT_H
#define LK_INFER_DRAFT_H

#include "infer/table.h"

/* A package with one resource, "sample", in which all columns are texts: for reading the table's own sample. malloc'd; NULL when
 * out of memory. */
char *lk_draft_plain(const struct lk_table *t);

/* A resource by all that is known; NULL when out of memory. paths are globs. */
json_t *lk_draft_resource(const struct lk_table *t, const char *name, const char *const *paths, int path_count);

/* A field of it, by its choice; NULL when out of memory. words: those for what is missing that the schema names already, by bit. */
json_t *lk_draft_field(const struct lk_table_column *c, const struct lk_choice *choice, uint32_t words);

#endif
