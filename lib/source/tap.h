/*
 * Taps: who wants to know what a parser does, and not the stream that it writes (private to lib/source).
 *
 * An output with a tap makes rows and rejects as ever and hands them here; nothing is written. For each member it tells which
 * resources were asked, what their readers found, and at the end how it went. All of it is borrowed until the call returns.
 */
#ifndef LK_SOURCE_TAP_H
#define LK_SOURCE_TAP_H

#include "source/columns.h"
#include "source/output.h"

struct lk_tap {
	void *arg;
	/* A package was asked whether it applies to the member's delivery. */
	enum lk_status (*package)(void *arg, const struct lk_source_member *m, const struct lk_package *p, bool applies,
		struct lk_error *err);
	/* One of its resources was asked. named: a path of it takes the member's name; why: what else is wrong, or NULL. */
	enum lk_status (*resource)(void *arg, const struct lk_source_member *m, const struct lk_resource *r, bool named, bool takes,
		const char *why, struct lk_error *err);
	/* It takes the member after all not, where it was said to: the header is another one's. */
	enum lk_status (*passed_over)(void *arg, const struct lk_source_member *m, const struct lk_resource *r, struct lk_error *err);
	/* The columns of its text were found: names is NULL without a header. */
	enum lk_status (*columns)(void *arg, const struct lk_source_member *m, const struct lk_resource *r, const struct lk_columns *c,
		struct lk_error *err);
	/* Rows of the member that is open. */
	enum lk_status (*rows)(void *arg, const struct lk_resource *r, const struct ArrowSchema *schema,
		const struct ArrowArrayView *view, struct lk_error *err);
	enum lk_status (*reject)(void *arg, const struct lk_source_member *m, const struct lk_reject *reject, struct lk_error *err);
	/* A resource, or without one the member, is done. */
	enum lk_status (*file)(void *arg, const struct lk_source_member *m, const struct lk_file_report *report, struct lk_error *err);
};

#endif
