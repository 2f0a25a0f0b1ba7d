/*
 * Names of files: what they have in common, as a glob for a resource's `path`, and a name for the resource.
 *
 * Runs of digits that look like a date, a time or a quarter are of one delivery, and become `*`; where several files are of one
 * kind, so does each run of digits in which they differ.
 */
#ifndef LK_INFER_NAMES_H
#define LK_INFER_NAMES_H

#include "base/str.h"

/* The name with each run of digits as `*`, in small letters: two names of the same shape differ in their digits only. */
void lk_name_shape(struct lk_str *out, const char *base);

/* A glob that takes all of the names, as narrow as can be; false when they have too little in common. */
bool lk_names_glob(struct lk_str *out, const char *const *names, int count);

/* A name for the resource of a glob: small letters, digits and `-`, beginning with a letter. */
void lk_glob_name(struct lk_str *out, const char *glob);

#endif
