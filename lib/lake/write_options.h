/*
 * The properties of a table that its writers honour ("write.*" of Iceberg's documentation), as the reference implementation reads
 * them: an unknown one is passed over, and so is a metrics mode that is none.
 */
#ifndef LK_LAKE_WRITE_OPTIONS_H
#define LK_LAKE_WRITE_OPTIONS_H

#include <jansson.h>

#include "lake/sort_order.h"
#include "parquet/parquet.h"

struct lk_write_options {
	struct lk_parquet_options parquet;
	int64_t file_bytes; /* at which a file ends and the next begins */
};

/* properties may be NULL. LK_DATA for a number that is none; LK_MISSING for a format or codec that lk does not write. */
enum lk_status lk_write_options_read(const json_t *properties, struct lk_write_options *out, struct lk_error *err) LK_CHECKED;

/* Sets what is told of each column in the metrics. schema: the table's; columns are those of its files, in its order. */
enum lk_status lk_write_metrics(const json_t *properties, const json_t *schema, const struct lk_sort_order *order,
	struct lk_parquet_column *columns, int count, struct lk_error *err) LK_CHECKED;

#endif
