/*
 * Formats: how members of one kind become records.
 *
 * To add a format, write one file like delimited.c that ends in a `const struct lk_file_format lk_format_NAME`, declare it
 * below, add it to the table in format.c, and say in lk-source(5) what it makes of a package (and in contrib/schema, which
 * t/unit/json_schema.c holds to this). It has three sides:
 *
 *	load	the package's: takes what the resource says of this format and compiles the paths of its fields;
 *	look	a member's first bytes, to tell whether they are of this format and of this resource at all;
 *	open	the member's: a reader, which is pushed the content in pieces of any size and hands each record to a
 *		sink (sink.h), which knows nothing of formats.
 *
 * A reader's memory must not grow with the member. What is wrong with a record goes to lk_sink_reject, what is wrong
 * with the member to lk_sinks_fail, what is only to be told of it to lk_sink_warn; a status other than LK_OK ends the
 * whole run: out of memory, output that cannot be written.
 */
#ifndef LK_SOURCE_FORMAT_H
#define LK_SOURCE_FORMAT_H

#include "source/property.h"
#include "source/sink.h"

/* What stands at the start of a member. */
struct lk_head {
	const char *data;
	size_t len;
};

struct lk_file_format {
	const char *const *words;      /* for a resource's `format`, ended by NULL; the first is its name */
	const char *const *properties; /* of the resource's `lk`, that only this format has; ended by NULL */
	const char *path_noun;	       /* what a field's lk.path may be, "an XPath"; NULL: fields go by their names only */
	bool trims;		       /* what lk.trim is by default */
	bool has_names;		       /* each record names its values, so that lk.rest knows the others */
	bool binary;		       /* says itself how it is encoded: the resource's `encoding` is not looked at */

	/* The resource is loaded but for what this format alone knows; what is compiled goes to r->program. NULL: nothing. */
	enum lk_status (*load)(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r);
	/* Gives back what r->program holds beside the arena. NULL: nothing. */
	void (*unload)(struct lk_resource *r);

	/* Looks at a member once for all resources of this format: *seen is for `fits` and `forget`. NULL: every member
	 * fits. */
	enum lk_status (*look)(const struct lk_head *head, void **seen, struct lk_error *err);
	/* Whether the resource can take the member; if not, *why (borrowed from seen) is a sentence for lk.files. */
	bool (*fits)(const struct lk_resource *r, const void *seen, const char **why);
	void (*forget)(void *seen); /* NULL is fine */

	/* For records that are read again by themselves (lk-parse --replay): whether those of the resource can be, and what must
	 * stand behind one that stands behind its context. NULL: they can, and nothing. */
	bool (*alone)(const struct lk_resource *r);
	void (*close_context)(const char *context, size_t len, struct lk_str *out);

	/* Where several resources of this format take a member by its name: whether what it begins with, which was decoded from
	 * that encoding, is the resource's. NULL: all take it. */
	enum lk_status (*agrees)(const struct lk_resource *r, const struct lk_head *head, const char *encoding, bool *agrees,
		struct lk_error *err);

	/* One reader feeds all resources of this format that take the member, in one pass; else there is one for each. */
	bool shared;
	/* Begins a member. *self is NULL or a reader that was cleared. What it holds after an error is closed too. */
	enum lk_status (*open)(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err);
	enum lk_status (*feed)(void *self, const char *data, size_t len, struct lk_error *err);
	/* The member ended well. */
	enum lk_status (*finish)(void *self, struct lk_error *err);
	/* Forgets the member, but not the memory that the next one will want again. */
	void (*clear)(void *self);
	void (*close)(void *self); /* NULL is fine */
};

/* The format that a resource's `format` names; NULL when there is none. */
const struct lk_file_format *lk_file_format_named(const char *word);
/* The word of the format that a media type (RFC 6838; parameters after it are not looked at) stands for; NULL when none does. */
const char *lk_file_format_of_media(const char *mediatype);
/* All words, for messages: "csv, tsv, ...". */
void lk_file_format_list(struct lk_str *out);
/* All formats; ended by NULL. lk_file_format_at(i) is the i-th. */
#define LK_FILE_FORMATS_MAX 16
const struct lk_file_format *lk_file_format_at(int i);

extern const struct lk_file_format lk_format_delimited;
extern const struct lk_file_format lk_format_fixed;
extern const struct lk_file_format lk_format_hl7;
extern const struct lk_file_format lk_format_json, lk_format_json_lines;
extern const struct lk_file_format lk_format_xml;

#endif
