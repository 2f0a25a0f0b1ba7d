/* Cells as text and as JSON, with what the schema says of the column parsed once. */
#ifndef LK_STREAM_CELL_H
#define LK_STREAM_CELL_H

#include "stream/format.h"

struct lk_cell {
	const struct ArrowSchema *schema;
	struct ArrowSchemaView type;
};

/* A schema that was read or made is always valid; one that is not shows as null. */
void lk_cell_init(struct lk_cell *cell, const struct ArrowSchema *schema);

/* Appends the value in row; nothing, or the word null in JSON, when it is null. */
void lk_cell_add(const struct lk_cell *cell, const struct ArrowArrayView *view, int64_t row, bool json,
	struct lk_str *out);

/* Whether text of the column can hold characters that csv has to quote. */
bool lk_cell_is_free_text(const struct lk_cell *cell);
/* Whether the column is a number, which stands to the right in a table. */
bool lk_cell_is_number(const struct lk_cell *cell);

#endif
