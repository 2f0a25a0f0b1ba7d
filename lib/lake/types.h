/* Types: Iceberg's words for them ("Schemas and Data Types" of its specification) and ours. */
#ifndef LK_LAKE_TYPES_H
#define LK_LAKE_TYPES_H

#include "stream/schema.h"

#define LK_TYPE_TEXT 32

struct lk_column_type {
	enum lk_type type;
	int precision, scale; /* of LK_DECIMAL128 */
};

/* The word that a schema holds; type is not LK_OTHER. */
void lk_type_write(const struct lk_column_type *type, char out[LK_TYPE_TEXT]);

/* LK_OTHER for what lk does not write: float, uuid, fixed, nested types (text NULL). */
struct lk_column_type lk_type_read(const char *text);

/* How values of a type go into a column of another. */
enum lk_fit {
	LK_FIT_AS_IS, /* they do, widened where need be */
	LK_FIT_WIDEN, /* once the column is widened, as Iceberg allows: int to long, decimal to a larger precision */
	LK_FIT_NOT,
};
enum lk_fit lk_type_fit(const struct lk_column_type *column, const struct lk_column_type *values);

#endif
