/*
 * Partitions: by which values of a table's rows its files are kept apart ("Partitioning" of Iceberg's specification).
 *
 * A spec is a list of fields, each a transform of a column; a file's partition is a tuple of their values, in single-value
 * binary (lake/value.h).
 */
#ifndef LK_LAKE_PARTITION_H
#define LK_LAKE_PARTITION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"

enum lk_transform {
	LK_TRANSFORM_IDENTITY,
	LK_TRANSFORM_BUCKET,
	LK_TRANSFORM_TRUNCATE,
	LK_TRANSFORM_YEAR,
	LK_TRANSFORM_MONTH,
	LK_TRANSFORM_DAY,
	LK_TRANSFORM_HOUR,
	LK_TRANSFORM_VOID,
	LK_TRANSFORM_UNKNOWN,
};

struct lk_partition_field {
	int32_t source_id, field_id;
	const char *name;
	enum lk_transform transform;
	int32_t width;		 /* of bucket and truncate */
	const char *source_type; /* Iceberg's word; NULL when no schema of the table has the column */
	const char *result_type; /* of the transform */
};

struct lk_partition_spec {
	int32_t spec_id;
	struct lk_partition_field *fields;
	int count;
};

/* A value of a partition tuple. */
struct lk_partition_value {
	int32_t field_id;
	bool null;
	struct lk_str value;
};

/* ---- in manifests ---- */

/* Adds the Avro type of the field's values, as JSON. LK_MISSING for a type that lk does not know. */
enum lk_status lk_partition_avro_type(const struct lk_partition_field *field, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Adds a value, which is not null, in that type. LK_DATA when its length does not fit the type. */
enum lk_status lk_partition_encode(const struct lk_partition_field *field, const struct lk_str *value, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

#endif
