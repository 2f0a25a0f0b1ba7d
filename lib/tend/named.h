/* Which of a lake's tables a command is about: those that were named, or all. */
#ifndef LK_TEND_NAMED_H
#define LK_TEND_NAMED_H

#include "lake/lake.h"

/* Whether one of these names ("ns.table", or "table" in `main`) is this table's; with no names, every table is meant. */
bool lk_is_named(const char *const *names, size_t count, const char *namespace_name, const char *name);

/* LK_NOINPUT when one of them is no table's. */
enum lk_status lk_check_named(const char *const *names, size_t count, const struct lk_pin *pin, struct lk_error *err) LK_CHECKED;

/* Adds the full name of a table as JSON. */
void lk_add_table_json(struct lk_str *out, const char *namespace_name, const char *name);

#endif
