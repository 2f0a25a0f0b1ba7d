/*
 * Types and columns as people write them, and the JSON of a schema ("Schemas and Data Types" of Iceberg's specification) that
 * they mean:
 *
 *	type     boolean | int | long | float | double | decimal(P, S) | date | time | timestamp | timestamptz | string | uuid |
 *	         fixed(N) | binary | struct<FIELD, ...> | list<type [not null]> | map<type, type [not null]>
 *	FIELD    NAME [:] type [not null] [comment 'TEXT']
 *	columns  FIELD, ...
 *
 * Spark's and Trino's other words for the same are understood: integer, bigint, real, array. Ids are 0 until
 * lk_schema_number gives them out.
 */
#ifndef LK_LAKE_SCHEMA_TEXT_H
#define LK_LAKE_SCHEMA_TEXT_H

#include <jansson.h>

#include "lake/lexer.h"

#define LK_SCHEMA_DEPTH 64	    /* types inside of types */
#define LK_SCHEMA_COLUMNS_MAX 10000 /* fields of a schema, nested ones too */

/* What a type's text means, from where the lexer is; *type is the caller's. LK_USAGE for no such type. */
enum lk_status lk_schema_read_type(struct lk_lexer *s, json_t **type, struct lk_error *err) LK_CHECKED;

/* One field (its name may have no dots), or all fields of a text as a "struct". */
enum lk_status lk_schema_read_field(struct lk_lexer *s, json_t **field, struct lk_error *err) LK_CHECKED;
enum lk_status lk_schema_read_columns(const char *text, json_t **schema, struct lk_error *err) LK_CHECKED;

/* Adds the type in these words; names are quoted where they have to be. Anything may come in: what is no type becomes its JSON. */
void lk_schema_write_type(const json_t *type, struct lk_str *out);

/* Adds a name, quoted where the lexer would not take it bare. */
void lk_schema_write_name(const char *name, struct lk_str *out);

#endif
