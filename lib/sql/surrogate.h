/*
 * Surrogate keys for the rows of a stream (lk-surrogate(1)): what the tool does.
 *
 *	read: the stream is kept (change/store.h), and its rows' natural keys are gathered (sql/keymap.h)
 *	settle: all keys are looked up in the lake, and new ones made, in one transaction
 *	write: the stream, with a column more for each rule
 *
 * So nothing is made for a stream that is not whole, and nothing written before all is known.
 */
#ifndef LK_SQL_SURROGATE_H
#define LK_SQL_SURROGATE_H

#include "sql/keymap.h"
#include "stream/stream.h"

#define LK_SURROGATE_MEMORY (256 << 20) /* of rows; beyond it they go to disk */

struct lk_surrogate_options {
	const char *const *rules; /* none: those of the streams' schemas (lk.surrogate) */
	size_t rule_count;
	const char *table; /* only its rows; NULL: of every table that has the columns */
	bool look_only;	   /* no new keys */
	bool required;	   /* a row without a key is LK_DATA */
	bool import;	   /* the rows say which surrogate a key has */
	int64_t memory_bytes;
};

struct lk_surrogate_counts {
	const char *map; /* "keys.patient" */
	struct lk_keymap_counts keys;
	int64_t rows;	 /* that a surrogate was looked for */
	int64_t without; /* of them those that have no key */
	int64_t unknown; /* and those whose key the map does not have, where it only looked */
};

struct lk_surrogate_report {
	struct lk_surrogate_counts *maps;
	size_t count;
	int64_t spilled; /* bytes of rows that were on disk */
};

struct lk_surrogates;

/* LK_USAGE for rules that are none. options must outlive it. */
enum lk_status lk_surrogates_open(struct lk_surrogates **out, const struct lk_surrogate_options *options, struct lk_error *err) LK_CHECKED;
void lk_surrogates_close(struct lk_surrogates *s); /* NULL is fine */

/* Reads the stream to its end. */
enum lk_status lk_surrogates_read(struct lk_surrogates *s, struct lk_reader *in, struct lk_error *err) LK_CHECKED;

/* Finds or makes the surrogates. */
enum lk_status lk_surrogates_settle(struct lk_surrogates *s, struct lk_lake *lake, struct lk_error *err) LK_CHECKED;

/* Whether there is anything to settle: without it, no lake is needed. */
bool lk_surrogates_any(const struct lk_surrogates *s);

/* Writes the stream: a row with its surrogates where it got any, and all else as it came. */
enum lk_status lk_surrogates_write(struct lk_surrogates *s, struct lk_writer *out, struct lk_error *err) LK_CHECKED;

/* What came of it; borrowed until it is closed. */
enum lk_status lk_surrogates_report(struct lk_surrogates *s, struct lk_surrogate_report *report, struct lk_error *err) LK_CHECKED;

#endif
