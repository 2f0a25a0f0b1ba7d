/* What is recorded of deliveries that ended their worker. */
#ifndef LK_INGEST_CRASH_H
#define LK_INGEST_CRASH_H

#include "ingest/find.h"

/* Writes an lk stream to fd with a row of lk.files, status `crashed`, for each of these deliveries: what lk-parse would
 * have told of them, had it lived. */
enum lk_status lk_crash_stream(int fd, const struct lk_found *found, const uint32_t *items, size_t count,
	struct lk_error *err) LK_CHECKED;

#endif
