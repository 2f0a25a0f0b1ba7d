/* JSON as people write it: what fits a line stands on one line. */
#ifndef LK_INFER_PRETTY_H
#define LK_INFER_PRETTY_H

#include <jansson.h>

#include "base/str.h"

/* Appends the value, its properties in their order, and a line feed. */
void lk_json_pretty(struct lk_str *out, const json_t *value);

#endif
