/*
 * Avro object container files (Apache Avro 1.x, "Object Container Files"), as far as Iceberg's manifests need them.
 *
 * The writer builds a file in memory: the caller appends each record's fields in schema order to `block` with the
 * encoders below and ends the record; blocks are compressed with deflate.
 *
 * The reader decodes any schema, whoever wrote it and in whatever order its fields stand, and hands out each value with
 * its Iceberg field-id, which is the only name that counts. Codecs null, deflate, snappy and zstandard. Files are not trusted:
 * lengths, counts, indexes and depths are checked against what is there.
 */
#ifndef LK_LAKE_AVRO_H
#define LK_LAKE_AVRO_H

#include <stdint.h>

#include "base/str.h"
#include "stream/schema.h"

#define LK_AVRO_SYNC 16

struct lk_avro_writer {
	struct lk_str file;  /* header and finished blocks */
	struct lk_str block; /* records of the block being filled */
	int64_t records;     /* in it */
	unsigned char sync[LK_AVRO_SYNC];
};

/* header: keys and values to write beside avro.codec, avro.schema among them; ended by key NULL. */
enum lk_status lk_avro_begin(struct lk_avro_writer *w, const struct lk_meta *header, struct lk_error *err) LK_CHECKED;
enum lk_status lk_avro_end_record(struct lk_avro_writer *w, struct lk_error *err) LK_CHECKED;
/* Ends the last block; w->file is the whole file then. */
enum lk_status lk_avro_finish(struct lk_avro_writer *w, struct lk_error *err) LK_CHECKED;
void lk_avro_writer_release(struct lk_avro_writer *w);
/* Releases a writer, and appends its file to *out unless the status that making it ended with is a failure, which is handed on. */
enum lk_status lk_avro_move(struct lk_avro_writer *w, enum lk_status status, struct lk_str *out, struct lk_error *err) LK_CHECKED;

/* Encoders of single values. Int and long, array counts and union branches are all lk_avro_long. */
void lk_avro_long(struct lk_str *out, int64_t value);
void lk_avro_bytes(struct lk_str *out, const void *data, size_t len);
void lk_avro_text(struct lk_str *out, const char *text);

enum lk_avro_kind {
	LK_AVRO_RECORD, /* a record of the file begins; no id */
	LK_AVRO_END,	/* and ends */
	LK_AVRO_ARRAY,	/* the array in the field `id` begins */
	LK_AVRO_ITEM,	/* an item of it begins */
	LK_AVRO_NULL,
	LK_AVRO_LONG,	/* number, bits: int, long, boolean, enum */
	LK_AVRO_DOUBLE, /* data, len: float, double, as their 4 or 8 bytes, little-endian */
	LK_AVRO_BYTES,	/* data, len: bytes, string, fixed; borrowed until the callback returns */
};

struct lk_avro_value {
	enum lk_avro_kind kind;
	int id; /* field-id, or element-id of an array of scalars; -1 where there is none */
	int64_t number;
	int bits;     /* 1, 32, 64 */
	bool decimal; /* bytes or fixed of the logical type */
	const char *data;
	size_t len;
};

typedef enum lk_status lk_avro_visitor(void *context, const struct lk_avro_value *value, struct lk_error *err);

/* Calls visit for every value of a file held in memory; stops at its first error. name is for messages. */
enum lk_status lk_avro_read(const void *data, size_t len, const char *name, lk_avro_visitor *visit, void *context,
	struct lk_error *err) LK_CHECKED;

/* The same for a local file. */
enum lk_status lk_avro_read_file(const char *path, lk_avro_visitor *visit, void *context, struct lk_error *err) LK_CHECKED;

/* What a local file's header says under a key, appended to *value; nothing when it has no such key. */
enum lk_status lk_avro_header(const char *path, const char *key, struct lk_str *value, struct lk_error *err) LK_CHECKED;

/* Changes of a file's values, its schema and the order of its records staying what they are. */
struct lk_avro_editor {
	void *context;
	/* Whether a value that may be null, whatever it is, shall be null. */
	bool (*drop)(void *context, int id);
	/* Called for the beginning of each record, and for each number and each string of bytes, which may be made another: data then
	 * is the editor's until the next call. */
	enum lk_status (*change)(void *context, struct lk_avro_value *value, struct lk_error *err);
};

/* Appends the file, changed, to *out: its header as it is, and its blocks compressed with deflate. The same file and the same changes
 * give the same bytes. */
enum lk_status lk_avro_edit(const void *data, size_t len, const char *name, const struct lk_avro_editor *editor, struct lk_str *out,
	struct lk_error *err) LK_CHECKED;

#endif
