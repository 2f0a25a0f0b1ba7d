/*
 * Segments as a reader sees them: which one is open, what came of it, what its end marker says, which ones were seen.
 * Inside of lib/stream.
 */
#ifndef LK_STREAM_SEGMENT_H
#define LK_STREAM_SEGMENT_H

#include "stream/stream.h"

/* What came, or was written, of one table of a segment. */
struct lk_segment_tally {
	char *table;
	int64_t streams, rows;
	int64_t read, dropped;
	char *reason; /* of a writer; NULL when none was given */
	bool confirmed; /* of a reader: the end marker agrees */
};

struct lk_segment_tallies {
	struct lk_segment_tally *items;
	size_t count, cap;
};

/* The tally of that table, a new one when there is none yet; NULL when out of memory. */
struct lk_segment_tally *lk_segment_tally_get(struct lk_segment_tallies *t, const char *table);
void lk_segment_tallies_release(struct lk_segment_tallies *t);

struct lk_segments {
	char id[LK_SEGMENT_SIZE]; /* of the open one; empty when none is */
	struct lk_segment_tallies tallies; /* of the open one */
	char (*seen)[LK_SEGMENT_SIZE]; /* sorted */
	size_t seen_count, seen_cap;
	struct lk_counts counts;
};

void lk_segments_release(struct lk_segments *s);

/* An Arrow stream of this table begins; id is its lk.segment, "" when it has none. */
enum lk_status lk_segments_stream(struct lk_segments *s, const char *id, const char *table, struct lk_error *err) LK_CHECKED;
/* A batch of a stream of the open segment came. */
enum lk_status lk_segments_rows(struct lk_segments *s, const char *table, int64_t rows, struct lk_error *err) LK_CHECKED;
/* A batch of lk.end came: what it says must agree. */
enum lk_status lk_segments_marker(struct lk_segments *s, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, struct lk_error *err) LK_CHECKED;
/* lk.end is complete: every table that came must have been confirmed. */
enum lk_status lk_segments_end(struct lk_segments *s, struct lk_error *err) LK_CHECKED;
/* Nothing follows: LK_DATA when a segment is open. */
enum lk_status lk_segments_finish(const struct lk_segments *s, struct lk_error *err) LK_CHECKED;

#endif
