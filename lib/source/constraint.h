/*
 * Constraints of the Table Schema standard: what the values of a field must be, beyond fitting its type.
 *
 * They are made once, when the package is loaded, and constant afterwards; what a member's values are compared with each
 * other by lies in a state of the member's own.
 */
#ifndef LK_SOURCE_CONSTRAINT_H
#define LK_SOURCE_CONSTRAINT_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/str.h"
#include "source/convert.h"
#include "source/distinct.h"

/* A value as constraints see it. */
struct lk_checked {
	const char *s;
	size_t len;
	struct lk_scalar scalar; /* where the type has them */
};

struct lk_bound {
	const char *text; /* as the package writes it; NULL: there is none */
	struct lk_checked value;
};

/* Values that are allowed, as keys: equal values have equal bytes. Sorted. */
struct lk_allowed {
	struct lk_text *keys;
	int count;
	const char *shown; /* the first of them, for messages; NULL: anything is allowed */
};

enum lk_bound_kind {
	LK_MINIMUM,
	LK_MAXIMUM,
	LK_EXCLUSIVE_MINIMUM,
	LK_EXCLUSIVE_MAXIMUM,
	LK_BOUNDS,
};

struct lk_constraints {
	bool unique;
	int64_t min_length, max_length; /* -1: none */
	struct lk_bound bounds[LK_BOUNDS];
	struct lk_allowed allowed[2]; /* enum, categories */
	pcre2_code *pattern;	      /* NULL: none */
	const char *pattern_text;
};

/* What one member's values of one field need. Zeroed is ready. */
struct lk_constraint_state {
	pcre2_match_data *match;
	pcre2_match_context *limits;
	pcre2_jit_stack *stack;
	struct lk_distinct seen;
	struct lk_hash128 pending; /* of the value of the record at hand, */
	bool is_pending;	   /* where it has one */
	struct lk_str key;
};

/* Whether the value holds them; if not, why is appended to *why, in words that are the same for
 * all such values. */
enum lk_status lk_constraints_check(const struct lk_constraints *c, const struct lk_convert *convert,
	struct lk_constraint_state *state, const struct lk_checked *value, bool *holds, struct lk_str *why,
	struct lk_error *err) LK_CHECKED;
/* The record at hand became a row, or did not. */
enum lk_status lk_constraints_settle(struct lk_constraint_state *state, bool row, struct lk_error *err) LK_CHECKED;

void lk_constraint_state_release(struct lk_constraint_state *state);
void lk_constraints_release(struct lk_constraints *c); /* NULL is fine */

/* Compares two values of a type with an order: less than, equal to or greater than 0. False when they have none between them
 * (NaN; one month and 30 days). */
bool lk_checked_compare(const struct lk_convert *convert, const struct lk_checked *a, const struct lk_checked *b, int *order);

/* A value's key, in room or borrowed from the value. False when out of memory. */
bool lk_checked_key(const struct lk_convert *convert, const struct lk_checked *value, struct lk_str *room,
	struct lk_text *key) LK_CHECKED;

/* For sorting keys and finding one. */
int lk_key_compare(const void *a, const void *b);

#endif
