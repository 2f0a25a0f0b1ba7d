/*
 * Natural keys of rows, as text: what is the same value is the same text, whatever type it came in.
 *
 *	text		as it is
 *	integers, decimals	17 and 17.00 are "17"; 17.50 is "17.5"
 *	dates, times	"2026-01-31", "23:59:59.5", "2026-01-31 23:59:59"; with a zone in UTC, and "+00" behind
 *	booleans	"true", "false"
 *
 * A part that is null, or text of nothing but blanks, is missing, and a key with such a part is none: whoever has no number is not the
 * same as all others who have none.
 */
#ifndef LK_CHANGE_NATURAL_H
#define LK_CHANGE_NATURAL_H

#include "change/surrogate.h"

struct lk_natural_part {
	const struct ArrowSchema *schema; /* of the column */
	int column;
	int kind;
};

/* The columns of a schema that a key is made of. */
struct lk_natural {
	const struct lk_surrogate_key *key;
	struct lk_natural_part parts[LK_SURROGATE_PARTS];
};

/* key must fit (lk_surrogate_key_fits); it and the schema must outlive n. LK_DATA for columns that cannot be of a key: floats,
 * binary, nested ones. */
enum lk_status lk_natural_init(struct lk_natural *n, const struct lk_surrogate_key *key, const struct ArrowSchema *schema,
	struct lk_error *err) LK_CHECKED;

/* The key of a row, encoded (change/cells.h): its parts as text, in their order, and then its name. False where the row has none. */
bool lk_natural_encode(const struct lk_natural *n, const struct ArrowArrayView *view, int64_t row, struct lk_str *out);

/* The next cell of such a key, decoded; returns what follows it. */
const char *lk_natural_decode(const char *cell, struct lk_str *text);

#endif
