/*
 * Properties of a package's JSON, each of the type that it must have (private to lib/source).
 *
 * An absent property leaves *out as it is, so that defaults stand there before; one of another type is LK_CONFIG, with the file
 * and the property's place. Places ("resources[0].name", "" for the package itself) and what is handed out live in the arena.
 */
#ifndef LK_SOURCE_PROPERTY_H
#define LK_SOURCE_PROPERTY_H

#include <jansson.h>

#include "source/package.h"

/* What loading one file needs everywhere. */
struct lk_loading {
	struct lk_arena *arena;
	struct lk_package *package;
	const json_t *package_lk; /* the package's own lk; NULL when it has none */
	struct lk_error *err;
	struct lk_document *documents; /* the package's own and those that it refers to (document.h) */
	struct lk_document *document;  /* the one that places are in; NULL before there is any */
	size_t document_bytes;
};

/* A resource as it stands in the file; what is absent is NULL. */
struct lk_resource_json {
	const json_t *resource, *lk, *dialect, *schema;
	const char *at; /* the resource's place */
};

/* Properties of an enclosing object that fields fall back to. */
struct lk_defaults {
	const json_t *missing;
	const char *timezone;
	const char *null_sequence;
};

/* LK_CONFIG: what is wrong at a place. The message names the file and the place where it was written. */
enum lk_status lk_prop_wrong(struct lk_loading *l, const char *at, const char *fmt, ...) LK_PRINTF(3, 4);

/* The place of a property of the object at a place, and of an item of the list there. */
const char *lk_prop_at(struct lk_loading *l, const char *at, const char *key);
const char *lk_prop_item(struct lk_loading *l, const char *at, size_t index);

/* The property `key` of the object at a place. */
enum lk_status lk_prop_text(struct lk_loading *l, const json_t *object, const char *at, const char *key,
	const char **out) LK_CHECKED;
enum lk_status lk_prop_bool(struct lk_loading *l, const json_t *object, const char *at, const char *key,
	bool *out) LK_CHECKED;
/* A short text that is not empty; null and "" are none (length 0) where that is allowed. */
enum lk_status lk_prop_mark(struct lk_loading *l, const json_t *object, const char *at, const char *key, bool may_be_none,
	struct lk_text *out) LK_CHECKED;
/* One of these words (ended by NULL): *out is its index. */
enum lk_status lk_prop_word(struct lk_loading *l, const json_t *object, const char *at, const char *key,
	const char *const *words, int *out) LK_CHECKED;
/* The same of a value that stands at a place. */
enum lk_status lk_prop_copy_word(struct lk_loading *l, const char *at, const json_t *value, const char *const *words,
	int *out) LK_CHECKED;
/* A list of texts, or of objects with a `value` (missing values of version 2); or one text where that is allowed. */
enum lk_status lk_prop_texts(struct lk_loading *l, const json_t *object, const char *at, const char *key, bool one,
	struct lk_texts *out) LK_CHECKED;
/* The same as C strings; *out and *count are set when it is absent, too. */
enum lk_status lk_prop_strings(struct lk_loading *l, const json_t *object, const char *at, const char *key, bool one,
	const char ***out, int *count) LK_CHECKED;
/* *out is NULL when it is absent. */
enum lk_status lk_prop_object(struct lk_loading *l, const json_t *object, const char *at, const char *key,
	const json_t **out) LK_CHECKED;
/* "; did you mean 'NAME'?" for the name (ended by NULL) that is near to a word, "" when none is. */
const char *lk_prop_near(struct lk_loading *l, const char *const *names, const char *word);

/* The `lk` of an object, all of whose properties must be known (ended by NULL). */
enum lk_status lk_prop_lk(struct lk_loading *l, const json_t *object, const char *at, const char *const *known,
	const json_t **out) LK_CHECKED;

/* Notes a property of the object that the standard does not know (names ended by NULL), and that is near to one it knows. */
void lk_prop_typo(struct lk_loading *l, const json_t *object, const char *at, const char *const *known);

/*
 * Every property that may stand in a package, ended by NULL: first what the standard has words for, then what is under `lk`.
 * A resource's lk has those of its format too (format.h). The JSON Schema in contrib/schema lists the same.
 */
extern const char *const lk_known_package[], *const lk_known_package_lk[];     /* package.c */
extern const char *const lk_known_resource[], *const lk_known_resource_lk[];   /* package.c */
extern const char *const lk_known_schema[];				       /* package.c */
extern const char *const lk_known_dialect[];				       /* package_dialect.c */
extern const char *const lk_known_field[], *const lk_known_field_lk[];	       /* package_field.c */
extern const char *const lk_known_constraints[];			       /* package_constraint.c */

/* Names of tables and columns are of small letters, digits and underscores. */
static inline bool lk_is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* A value that stands at a place. */
enum lk_status lk_prop_copy_text(struct lk_loading *l, const char *at, const json_t *value, const char **out) LK_CHECKED;
enum lk_status lk_prop_copy_texts(struct lk_loading *l, const char *at, const json_t *list, bool one,
	struct lk_texts *out) LK_CHECKED;

/* package_dialect.c: fills r->dialect. */
enum lk_status lk_package_dialect(
	struct lk_loading *l, const struct lk_resource_json *json, const char **null_sequence, struct lk_resource *r) LK_CHECKED;

/* package_field.c: the fields of a schema whose resource's format is known. */
enum lk_status lk_package_fields(struct lk_loading *l, const struct lk_resource_json *json, const struct lk_defaults *d,
	struct lk_resource *r) LK_CHECKED;

/* Gives a datetime the time zone that its values without an offset are in: `UTC`, an offset, or the name of a zone. at: where that stands. */
enum lk_status lk_package_zone(struct lk_loading *l, const char *at, const char *zone, struct lk_convert *c) LK_CHECKED;

/* package_encoding.c: fills r->encodings; r->format is known. */
enum lk_status lk_package_encoding(
	struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r) LK_CHECKED;

/* package_constraint.c: constraints and categories of a field that is loaded but for them. */
enum lk_status lk_package_constraints(
	struct lk_loading *l, const json_t *field, const char *at, struct lk_source_field *f) LK_CHECKED;

/* package_load.c: what the resource's rows are to the table, with all that goes with that; its fields are loaded. */
extern const char *const lk_package_loads[]; /* by enum lk_load */
enum lk_status lk_package_load_of(struct lk_loading *l, const struct lk_resource_json *json, const struct lk_defaults *d,
	struct lk_resource *r) LK_CHECKED;

/* package_schema.c: the schema of a resource of which all else is loaded. at: the resource's place; lk and schema are its own. */
enum lk_status lk_package_schema(struct lk_loading *l, const json_t *lk, const json_t *schema, const char *at,
	struct lk_resource *r) LK_CHECKED;
/* The field of that name, or NULL; no_field: LK_CONFIG, with the nearest name. */
struct lk_source_field *lk_package_field(const struct lk_resource *r, const char *name, size_t len);
enum lk_status lk_package_no_field(struct lk_loading *l, const struct lk_resource *r, const char *at, const char *name, size_t len);
/* The columns of the fields that a value at a place names, a text or a list, as a JSON list. */
enum lk_status lk_package_columns(struct lk_loading *l, const struct lk_resource *r, const char *at, const json_t *value,
	const char **out) LK_CHECKED;

/* package_surrogate.c: adds to a resource's schema how surrogates are made; the schema is complete but for that. at: the resource's place. */
enum lk_status lk_package_surrogates(
	struct lk_loading *l, const json_t *lk, const char *at, struct lk_resource *r) LK_CHECKED;

/* package_variant.c: refuses a resource that takes what the one that it extends takes, once all of them are loaded. */
enum lk_status lk_package_variant(
	struct lk_loading *l, const json_t *resource, const char *at, const struct lk_resource *r) LK_CHECKED;

/* package_keys.c: adds to a resource's schema what relates it to others, once all of them are loaded. at: the schema's place. */
enum lk_status lk_package_keys(
	struct lk_loading *l, const json_t *schema, const char *at, struct lk_resource *r) LK_CHECKED;

#endif
