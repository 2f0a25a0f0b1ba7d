/* Expectations: the rows that a sample must become, as JSON lines (private to lib/source). */
#ifndef LK_SOURCE_EXPECT_H
#define LK_SOURCE_EXPECT_H

#include <stdio.h>

#include "source/sample_rows.h"

struct lk_expect {
	const struct lk_sample *sample;
	const struct lk_sample_result *result;
	const char *folder; /* of expectations; it need not exist */
	bool accept;	    /* what does not hold is written anew */
	FILE *out;	    /* where differences go */
	bool differs;	    /* set when there are any that were not accepted */
	int written;	    /* files */
};

/* Compares all tables. LK_CONFIG when expectations cannot be read. */
enum lk_status lk_expect_check(struct lk_expect *e, struct lk_error *err) LK_CHECKED;

#endif
