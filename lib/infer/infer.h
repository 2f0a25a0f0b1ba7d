/*
 * Inference: data packages (lk-source(5)) drafted from samples.
 *
 *	lk_infer_open(&i, &options)
 *	lk_infer_delivery(i, "drop.zip"), lk_infer_stream(i, reader), ...	samples are read to tables (table.h)
 *	lk_infer_finish(i, &package)						editions are united, the package is drafted
 *
 * What is drafted takes its own samples, and each of their records, but for those that no package could take.
 */
#ifndef LK_INFER_INFER_H
#define LK_INFER_INFER_H

#include <jansson.h>
#include <stdio.h>

#include "archive/archive.h"
#include "infer/sample.h"
#include "stream/format.h"
#include "stream/stream.h"

typedef void lk_infer_speaker(const char *fmt, ...) LK_PRINTF(1, 2);

struct lk_infer_options {
	const char *name; /* of the package; NULL to make one */
	const struct lk_sources *known; /* one package, which samples are held against; NULL for none */
	struct lk_sample_limits limits;
	struct lk_archive_options archive;
	lk_infer_speaker *warn, *say;
};

struct lk_infer;

/* options is copied; what it points to is borrowed. */
enum lk_status lk_infer_open(struct lk_infer **out, const struct lk_infer_options *options, struct lk_error *err) LK_CHECKED;
void lk_infer_close(struct lk_infer *i); /* NULL is fine */

/* All members of an archive, or a plain file. What is no sample is told of by warn. */
enum lk_status lk_infer_delivery(struct lk_infer *i, const char *path, struct lk_error *err) LK_CHECKED;
/* An lk stream of lk.members, or a text, which is one sample. */
enum lk_status lk_infer_stream(struct lk_infer *i, struct lk_reader *reader, struct lk_error *err) LK_CHECKED;

/* The package; the caller's to release. LK_DATA when no sample could be made anything of, without
 * a message where warn told why. *wanting: some could not. */
enum lk_status lk_infer_finish(struct lk_infer *i, json_t **package, bool *wanting, struct lk_error *err) LK_CHECKED;

/* In its place, with `known`: changes the package, as its file has it, so that it takes the samples. */
enum lk_status lk_infer_update(struct lk_infer *i, json_t *package, bool *wanting, struct lk_error *err) LK_CHECKED;

/* After that: the evidence, a row for each column. format is neither arrow nor parquet. */
enum lk_status lk_infer_report(struct lk_infer *i, enum lk_format format, FILE *out, struct lk_error *err) LK_CHECKED;

#endif
