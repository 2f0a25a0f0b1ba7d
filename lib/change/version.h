/*
 * Versions: which of two rows of a key is newer. A version is bytes that memcmp orders (encoded cells):
 *
 *	upsert	the order column, when the delivery was sent, 12 digits of its SHA-256, member, delivery's name, row
 *	full	when the delivery was sent, 12 digits of its SHA-256, the order column, member, delivery's name, row
 *
 * So nothing depends on the order in which rows arrive. What a row does not have counts as null, which is older than any value; lk_row that is
 * absent is the row's place in the stream where the caller gives one.
 */
#ifndef LK_CHANGE_VERSION_H
#define LK_CHANGE_VERSION_H

#include "change/cells.h"
#include "change/spec.h"

/* Where a batch has what versions are made of; data NULL: the column is not there. */
struct lk_version_cells {
	struct lk_cells order, sent, file, row;
	bool has_order, has_sent, has_file, has_row;
};

/* Finds the columns in rows of Arrow. order_type: the table's, or NULL. */
enum lk_status lk_version_columns(struct lk_version_cells *v, const struct lk_spec *spec, const char *order_type,
	const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err) LK_CHECKED;

/* Appends the version of a row. place: stands for lk_row where there is none; -1: null. */
void lk_version_encode(const struct lk_version_cells *v, enum lk_load load, int64_t row, int64_t place, struct lk_str *out);

/* How many bytes of a full load's version say which list it is of: when it was sent, and the SHA-256. */
size_t lk_version_list(const void *version, size_t len);

/* Where a version came from, as columns of a row say it. */
struct lk_version_origin {
	bool has_sent, has_row;
	int64_t sent, row;  /* lk_sent, in microseconds, and lk_row */
	struct lk_str file; /* lk_file, or empty; the caller's to release */
};

/* Reads that back from a version, or from the part of one that says which list it is of. order: of what kind the column is. False where it is
 * not sound. */
bool lk_version_origin(const void *version, size_t len, enum lk_load load, enum lk_cells_kind order, struct lk_version_origin *out);

/* As memcmp; a prefix is less. */
int lk_version_compare(const void *a, size_t a_len, const void *b, size_t b_len);

#endif
