/*
 * Readers: one file for each format of members.
 *
 * To add a format, write a file like delimited.c that ends in a `const struct lk_format_reader lk_read_NAME`,
 * declare it below, add it to the table in reader.c with the word that packages use in `format`, and say in
 * lk-source(5) what it makes of a package.
 *
 * A reader is pushed the member's content in pieces of any size and hands each record to a sink (sink.h),
 * which knows nothing of formats. Its memory must not grow with the member. What is wrong with a record goes
 * to lk_sink_reject, what is wrong with the member to lk_sinks_fail; a status other than LK_OK ends the whole
 * run: out of memory, output that cannot be written.
 */
#ifndef LK_SOURCE_READER_H
#define LK_SOURCE_READER_H

#include "source/sink.h"

struct lk_format_reader {
	/* One reader feeds all resources of this format that take the member, in one pass; else there is one
	 * for each. */
	bool shared;
	/* Begins a member. *self is NULL or a reader that was cleared. What it holds after an error is closed
	 * too. */
	enum lk_status (*open)(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err);
	enum lk_status (*feed)(void *self, const char *data, size_t len, struct lk_error *err);
	/* The member ended well. */
	enum lk_status (*finish)(void *self, struct lk_error *err);
	/* Forgets the member, but not the memory that the next one will want again. */
	void (*clear)(void *self);
	void (*close)(void *self); /* NULL is fine */
};

/* The reader of a resource's format. */
const struct lk_format_reader *lk_format_reader_of(const struct lk_resource *r);

extern const struct lk_format_reader lk_read_delimited;
extern const struct lk_format_reader lk_read_xml;

#endif
