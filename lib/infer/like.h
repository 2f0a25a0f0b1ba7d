/*
 * Likes: the resource of a package at hand that a sample is for, and how far the sample's values fit it.
 */
#ifndef LK_INFER_LIKE_H
#define LK_INFER_LIKE_H

#include "infer/table.h"
#include "source/package.h"

/* The first resource of delimited text whose path takes the member, else the first that takes one of its name, digits apart; NULL when
 * there is none. */
const struct lk_resource *lk_like_find(const struct lk_sources *sources, const char *member);

/* The same of another format, whose fields have paths: one whose records are what a sample's are. format: a resource's `format`. */
const struct lk_resource *lk_like_find_other(const struct lk_sources *sources, const char *member, const char *format);

/* Finds the field of each column: by name where there is a header, by path where columns have one, else by place. */
void lk_like_expect(struct lk_table *t);

/* Looks whether a value fits the field that its column has in the package. */
void lk_like_try(struct lk_table_column *c, const struct lk_resource *r, const struct lk_value *v);

/* Whether a field goes by this name in a header. */
bool lk_field_has_name(const struct lk_source_field *f, const char *name);

#endif
