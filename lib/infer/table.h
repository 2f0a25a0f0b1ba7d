/*
 * Tables: what one sample, or several of one kind, hold: how they are written, their columns and what is known of each.
 */
#ifndef LK_INFER_TABLE_H
#define LK_INFER_TABLE_H

#include <jansson.h>

#include "infer/choice.h"

#define LK_TABLE_ENCODINGS 4

/* A column; texts live in the arena. */
struct lk_table_column {
	const char *name;
	const char *path;     /* where the format takes it from; NULL: by its name, or place */
	const char **aliases; /* other names of it */
	int alias_count;
	bool always;	      /* every file has it */
	struct lk_profile *profile; /* malloc'd */

	/* where the table is held against a package (like.h) */
	const struct lk_source_field *expected; /* NULL: the package has none */
	int64_t missing, misfits;		/* values that are missing by it, or do not fit */
};

struct lk_resource;

/* A file that a table was made of. */
struct lk_table_file {
	const char *delivery, *member;
};

struct lk_table {
	const char *format;   /* a resource's `format` */
	const char *encodings[LK_TABLE_ENCODINGS]; /* of the samples, each once; none where the format says itself */
	int encoding_count;
	json_t *dialect;      /* NULL for none */
	json_t *lk;	      /* of the resource; NULL for none */
	const struct lk_resource *like; /* of the package that it is held against, or NULL */
	bool has_header;      /* columns go by their names, in files of this format */
	struct lk_table_column *columns;
	int count, cap;
	struct lk_table_file *files;
	int file_count;
	bool same_order;      /* all files have the same columns, in the same order */
	int64_t records, rejected;
	int64_t padded, mended; /* records of a wrong width, or with wrong quotes, which are taken all the same */
	bool flawed;	      /* quotes may be wrong in the header, too */
	bool surplus;	      /* some had more fields than there are columns */
	const char *reject;   /* why the first was */
	bool partial;	      /* the samples were not read to their end */
	bool described;	      /* it is data all the same, and there are packages for it */
	const char *failed;   /* why nothing can be made of it; NULL when something can */
};

void lk_table_release(struct lk_table *t);

/* Adds an encoding that the table has not. */
void lk_table_add_encoding(struct lk_table *t, const char *encoding);

#endif
