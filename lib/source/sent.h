/*
 * When a delivery was sent, by its name: what the named group `sent` of lk.delivery has (lk-source(5), "Versions").
 */
#ifndef LK_SOURCE_SENT_H
#define LK_SOURCE_SENT_H

#include "source/convert.h"

#define LK_SENT_GROUP "sent"

/* Makes *c read such texts: times without an offset are UTC unless the caller gives it a time zone. */
void lk_sent_init(struct lk_convert *c);

/*
 * Takes the whole of <s, len> or nothing: what a datetime of the format `any` takes, and such forms of it as file names have, where `-`,
 * `_`, `.` or a blank stand for what no file's name may have: 2026-11-21_07-15-00. A date alone is its first moment.
 */
bool lk_sent_parse(const struct lk_convert *c, const char *s, size_t len, int64_t *us);

#endif
