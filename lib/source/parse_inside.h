/* What the parts of the parser share (private to it): parse.c has the life of a member, parse_members.c and parse_file.c
 * where members come from. */
#ifndef LK_SOURCE_PARSE_INSIDE_H
#define LK_SOURCE_PARSE_INSIDE_H

#include "source/format.h"
#include "source/parse.h"

#define LK_PARSER_SPARES 8

/* A reader at work on a member, and the sinks that it feeds. */
struct lk_job {
	const struct lk_file_format *reader;
	void *self;
	struct lk_sink **sinks;
	int count;
	struct lk_decoding decoding;
	struct lk_decoder *decoder; /* NULL: the text is UTF-8, or the reader sees to it */
	size_t mark;		    /* bytes of UTF-8's byte order mark that are still to go */
};

struct lk_parser {
	struct lk_sources *sources;
	const struct lk_resource *as;
	const struct lk_watch *watch;
	struct lk_output output;

	/* the member that is open */
	bool open, matched;
	struct lk_arena arena;
	struct lk_source_member member;
	int64_t index, offset;
	struct lk_str held; /* its start, until there is enough of it */
	int64_t started;
	struct lk_sink *sinks; /* by resource that takes it */
	struct lk_sink **order; /* the same, those of one reader together */
	int sink_count;
	struct lk_job *jobs;
	int job_count;

	/* readers that have done their work and wait for a member of their format */
	struct spare {
		const struct lk_file_format *reader;
		void *self;
	} spares[LK_PARSER_SPARES];
	int spare_count;
};

/* The member that p->member describes begins; it is fed and ended by lk_parser_feed and lk_parser_end. */
void lk_parser_begun(struct lk_parser *p);
/* A member without content: p->member's row of lk.files. */
enum lk_status lk_parser_add_file(struct lk_parser *p, const char *status, const char *error, struct lk_error *err) LK_CHECKED;
/* The member has no more: what was held of its start is all there is. */
enum lk_status lk_parser_settle(struct lk_parser *p, struct lk_error *err) LK_CHECKED;
/* Ends the member that is still open, whose last piece did not come. */
enum lk_status lk_parser_give_up(struct lk_parser *p, struct lk_error *err) LK_CHECKED;

#endif
