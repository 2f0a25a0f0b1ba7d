/*
 * Terms: transforms of columns as people write them, in partitions and sort orders.
 *
 *	admitted    place.ward    "odd name"    identity(x)    bucket(16, id)    truncate(name, 10)
 *	year(x)    month(x)    day(x)    hour(x)    void(x)
 *
 * The number may stand in front of the column or behind it; Spark's years, months, days and hours are the same.
 */
#ifndef LK_LAKE_TERM_H
#define LK_LAKE_TERM_H

#include "lake/lexer.h"
#include "lake/partition.h"

struct lk_term {
	struct lk_str path; /* the column's full name */
	enum lk_transform transform;
	int32_t width; /* of bucket and truncate, at least 1; else 0 */
};

/* The term that is next. LK_USAGE when it is none. *term is to be released after an error, too. */
enum lk_status lk_term_read(struct lk_lexer *s, struct lk_term *term, struct lk_error *err) LK_CHECKED;

/* A text that is one term and nothing else. */
enum lk_status lk_term_parse(const char *text, struct lk_term *term, struct lk_error *err) LK_CHECKED;

void lk_term_release(struct lk_term *term);

/* Adds the name that the reference implementation gives to a partition field of it: "admitted_month", "id_bucket_16". */
void lk_term_name(const struct lk_term *term, struct lk_str *out);

/* Adds the term as people write it. */
void lk_term_write(const struct lk_term *term, struct lk_str *out);

#endif
