/*
 * Data packages as lib/source uses them: lk-source(5) in structs.
 *
 * A package is loaded and checked in full once, and constant afterwards; all of it lives in the sources' arena.
 */
#ifndef LK_SOURCE_PACKAGE_H
#define LK_SOURCE_PACKAGE_H

#include "base/hash.h"
#include "base/mem.h"
#include "change/spec.h"
#include "source/constraint.h"
#include "source/convert.h"
#include "source/decode.h"
#include "source/source.h"
#include "source/split.h"
#include "stream/side.h"

enum lk_origin {
	LK_ORIGIN_RECORD,	   /* the record itself: a column of delimited text, an XPath */
	LK_ORIGIN_DELIVERY,	   /* a named group of lk.delivery */
	LK_ORIGIN_MEMBER_NAME,
	LK_ORIGIN_MEMBER_PATH,
	LK_ORIGIN_MEMBER_MODIFIED,
	LK_ORIGIN_HEADER, /* the header record before it (control.h) */
};

struct lk_map_entry {
	struct lk_text from, to;
	bool to_missing;
};

#define LK_PAD_MAX 64
struct lk_source_field {
	const char *name, *column;
	struct lk_convert convert;
	struct lk_texts missing, aliases;
	struct lk_map_entry *map;
	int map_count;
	enum lk_origin origin;
	const char *path;  /* the format's own; the group's name for LK_ORIGIN_DELIVERY */
	const char *join;  /* NULL: the first node only */
	const char *phi, *doc;
	struct lk_constraints *constraints; /* beside required; NULL: none */
	bool required, trim;
	bool key; /* of the table's key, where rows are versions of it: no row is without one */
	bool op;  /* says what a record does to its key: a word that lk_op_of knows */
	int pad; /* a text of digits alone has at least so many: zeros come before it; 0: as it stands */
	bool bad_is_null, bad_is_text;
	bool empty_is_missing; /* the empty text is all there is in `missing` */
	bool plain; /* no more than its type and required is to be looked at, and only an empty value is a missing one */

	/* Columns beside the value's own, which follow it in this order; NULL where there is none. */
	const char *precision_column; /* of a partial date: year ... second */
	const char *text_column;      /* of a value that does not fit */
	int beside_count;
};

struct lk_namespace {
	const char *prefix, *uri;
};

enum lk_fields_match {
	LK_FIELDS_EXACT,
	LK_FIELDS_EQUAL,
	LK_FIELDS_SUBSET,
	LK_FIELDS_SUPERSET,
	LK_FIELDS_PARTIAL,
};

/* Encodings that a resource's members may have, the likely first. */
#define LK_ENCODINGS_MAX 8
struct lk_encodings {
	const char *names[LK_ENCODINGS_MAX]; /* by lk_encoding_known */
	int count;
	bool replace; /* bytes that are in none become U+FFFD; else their record is rejected */
};

struct lk_package;
struct lk_file_format;
struct lk_control_plan;

struct lk_resource {
	int id; /* counts the resources of all packages */
	const struct lk_package *package;
	const char *name, *table;
	const char **paths;
	int path_count;
	const struct lk_file_format *format;
	void *program; /* what its format made of it */
	struct lk_dialect dialect;
	struct lk_encodings encodings;
	enum lk_fields_match match;
	bool pads; /* delimited text: records of too few cells are filled up, what is too much goes to lk_rest */
	bool rest, missing_unquoted;
	const char *record;
	const struct lk_control_plan *control; /* NULL: all records are of one type */
	const char *root; /* XML, with all to the namespaces */
	bool fragments, no_namespaces;
	struct lk_namespace *namespaces;
	int namespace_count;
	struct lk_source_field *fields;
	int field_count;
	bool constrained; /* some field has constraints beside required */
	enum lk_load load;
	struct lk_convert sent; /* how the group `sent` of lk.delivery is read */
	struct ArrowSchema stored; /* with the columns of lk.surrogate; nothing where there are none */
	struct ArrowSchema schema; /* fields, maybe lk_sent, lk_file, lk_row, maybe lk_rest; released by lk_sources_close */
};

/* A time zone that is loaded; the next. */
struct lk_loaded_zone {
	const char *name;
	const struct lk_timezone *zone;
	struct lk_loaded_zone *next;
};

struct lk_package {
	const char *file, *name;
	const char *typo; /* of the first property that is ignored and near to one that is known; or NULL */
	char sha256[LK_SHA256_HEX];
	const char **parts; /* other files that it is made of */
	int part_count;
	bool is_bare; /* no package at all, but maybe a part of another one: it has no `resources` */
	const char *delivery_text;
	pcre2_code *delivery; /* NULL: every delivery */
	const char **ignore;
	int ignore_count;
	struct lk_resource *resources;
	int resource_count;
	struct lk_loaded_zone *zones;
};

struct lk_sources {
	struct lk_arena arena;
	struct lk_package **packages; /* by path */
	int count;
	const struct ArrowSchema **schemas;
	int schema_count;
	char sha256[LK_SHA256_HEX];
};

/* Reads and checks one file into *out, which lives in the arena. What lk_package_release gives back is in it
 * even after an error. */
enum lk_status lk_package_load(
	struct lk_arena *arena, const char *file, struct lk_package **out, struct lk_error *err) LK_CHECKED;
/* The same of a package that is in memory; file names it in messages. */
enum lk_status lk_package_parse(struct lk_arena *arena, const char *file, const char *text, size_t len, struct lk_package **out,
	struct lk_error *err) LK_CHECKED;
void lk_package_release(struct lk_package *p);

/* How a field's name becomes a column's; NULL when out of memory, "" when nothing is left of it. */
char *lk_column_name(struct lk_arena *arena, const char *name);

/* Whether any glob takes the member's path, as lk-source(5) says. */
bool lk_globs_take(const char *const *globs, int count, const char *member);
/* The member's base name: what follows the last slash or exclamation mark. */
const char *lk_member_base(const char *member);

/* A delivery matched against a package. groups: the values of named groups by lk_delivery_group. */
struct lk_delivery_match {
	pcre2_match_data *data; /* NULL when the package has no lk.delivery */
	const char *delivery;
};
/* LK_OK with *matched; LK_CONFIG when the expression cannot be run (it needs too much). Release what
 * matched. */
enum lk_status lk_delivery_match(const struct lk_package *p, const char *delivery,
	struct lk_delivery_match *m, bool *matched, struct lk_error *err) LK_CHECKED;
/* False when the group took no part. Borrowed from the delivery's path. */
bool lk_delivery_group(const struct lk_package *p, const struct lk_delivery_match *m, const char *group,
	struct lk_text *value);
void lk_delivery_match_release(struct lk_delivery_match *m);

#endif
