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
	const char *source_type; /* Iceberg's word; NULL when no schema of the table has the column, or its type is nested */
	const char *result_type; /* of the transform; NULL where that is not known */
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

/* ---- specs ---- */

/* Reads a spec of table metadata into the arena; types are those of the newest schema that has the column. LK_DATA where there is
 * no such spec or it is not sound; a transform that is not known is no fault of a reader's. */
enum lk_status lk_partition_spec_read(const json_t *root, int64_t spec_id, struct lk_arena *arena,
	struct lk_partition_spec **out, struct lk_error *err) LK_CHECKED;

/* Whether files can be written by it: LK_MISSING with the field that has no column, or a transform that lk does not know or that
 * does not go with the column's type. */
enum lk_status lk_partition_spec_check(const struct lk_partition_spec *spec, struct lk_error *err) LK_CHECKED;

/* The type of a column or nested field in the newest schema that has it; NULL when none has. Borrowed from root. */
const json_t *lk_partition_source(const json_t *root, int64_t source_id);

/* The folder of a partition under a table's data, as the reference implementation names it: "day=2017-11-16/name=a%2Fb", nothing
 * for a spec without fields. values are in the order of the fields. The name is for people; what is too long for a file system
 * is cut. */
void lk_partition_path(const struct lk_partition_spec *spec, const struct lk_partition_value *values, struct lk_str *out);

/* ---- in manifests ---- */

/* Adds the Avro type of the field's values, as JSON; a named type that *out has already is told by its name. LK_MISSING for a
 * type that lk does not know. */
enum lk_status lk_partition_avro_type(const struct lk_partition_field *field, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Adds a value, which is not null, in that type. LK_DATA when its length does not fit the type. */
enum lk_status lk_partition_encode(const struct lk_partition_field *field, const struct lk_str *value, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

#endif
