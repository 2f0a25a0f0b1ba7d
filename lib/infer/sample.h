/*
 * Samples: members of deliveries, read to tables (table.h) by the readers that lk-parse has.
 *
 * A sample comes in pieces. Its start is kept until there is enough of it to tell its form; from that a package of plain texts is
 * made, by which it is read, so that what a column holds is what lk-parse will find in it.
 */
#ifndef LK_INFER_SAMPLE_H
#define LK_INFER_SAMPLE_H

#include "base/str.h"
#include "infer/table.h"
#include "source/parse.h"

struct lk_sample_limits {
	int64_t rows, bytes; /* of each sample; 0: no limit */
};

struct lk_sampler {
	struct lk_arena *arena; /* for what stays */
	struct lk_sample_limits limits;
	const struct lk_sources *known; /* a package that samples are held against, or NULL */
	struct lk_maybe_converts converts;

	/* the sample that is open */
	struct lk_source_member member;
	struct lk_str head;
	struct lk_table *table;
	struct lk_sources *sources;
	struct lk_parser *parser;
	struct lk_watch watch;
	int64_t bytes;
	bool begun, full;
};

enum lk_status lk_sampler_init(struct lk_sampler *s, struct lk_arena *arena, const struct lk_sample_limits *limits,
	struct lk_error *err) LK_CHECKED;
void lk_sampler_release(struct lk_sampler *s);

/* Begins a sample, whose table is filled in until lk_sampler_end. Texts and table are borrowed. */
void lk_sampler_begin(struct lk_sampler *s, const char *delivery, const char *member, struct lk_table *table);
/* What follows the limits is not looked at. */
enum lk_status lk_sampler_feed(struct lk_sampler *s, const char *data, size_t len, struct lk_error *err) LK_CHECKED;
enum lk_status lk_sampler_end(struct lk_sampler *s, struct lk_error *err) LK_CHECKED;

#endif
