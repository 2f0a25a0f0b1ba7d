/*
 * Parsing: members of deliveries to typed rows, by data packages.
 *
 * A parser takes members, from batches of lk.members or piece by piece, finds the resources that take each
 * (lk-source(5)), and lets their readers make rows of it. Members come one after another; one that begins
 * while another is open ends that one as broken.
 */
#ifndef LK_SOURCE_PARSE_H
#define LK_SOURCE_PARSE_H

#include "source/output.h"

struct lk_parser;
struct lk_watch;
struct lk_tap;

/* as: the name of a resource, or PACKAGE/RESOURCE, that takes every member; NULL to go by their names.
 * sources and writer must outlive the parser. LK_USAGE when there is no such resource, or more than one. */
enum lk_status lk_parser_open(struct lk_parser **out, struct lk_sources *sources, const char *as,
	struct lk_writer *writer, struct lk_error *err) LK_CHECKED;
void lk_parser_close(struct lk_parser *p); /* NULL is fine */

/* Records go to the watch (sink.h), which must outlive the parser, and nothing is written: the writer may be NULL. */
void lk_parser_watch(struct lk_parser *p, const struct lk_watch *watch);

/* Everything goes to the tap (source/tap.h), which must outlive the parser, and nothing is written: the writer may be NULL. */
void lk_parser_tap(struct lk_parser *p, const struct lk_tap *tap);

/* Rows of lk.members (stream/side.h). LK_DATA when they are not such, or not in order. */
enum lk_status lk_parser_batch(
	struct lk_parser *p, const struct lk_batch *batch, struct lk_error *err) LK_CHECKED;

/* A member piece by piece, for who has its bytes at hand. What m points to is borrowed until the end. The member ends well, or
 * as one that was cut off where `broken` says why. */
enum lk_status lk_parser_begin(struct lk_parser *p, const struct lk_source_member *m, struct lk_error *err) LK_CHECKED;
enum lk_status lk_parser_feed(struct lk_parser *p, const char *data, size_t len, struct lk_error *err) LK_CHECKED;
enum lk_status lk_parser_end(struct lk_parser *p, const char *broken, struct lk_error *err) LK_CHECKED;

/* A file as a delivery that is its own only member; path "-" is standard input. */
enum lk_status lk_parser_file(struct lk_parser *p, const char *path, struct lk_error *err) LK_CHECKED;

/* The same of standard input through a reader, which has read some of it (lk_reader_begins). */
enum lk_status lk_parser_text(struct lk_parser *p, struct lk_reader *reader, struct lk_error *err) LK_CHECKED;

/* The input ended well: sends all that is left. *totals tells how it went. */
enum lk_status lk_parser_finish(
	struct lk_parser *p, struct lk_output_totals *totals, struct lk_error *err) LK_CHECKED;

#endif
