/*
 * Facts about tables (lake/merge.h): rows of the lake's table lk.versions, on their way there (private to lib/lake).
 */
#ifndef LK_LAKE_FACTS_H
#define LK_LAKE_FACTS_H

#include "lake/merge.h"
#include "lake/partition_writer.h"
#include "stream/build.h"
#include "stream/stream.h"

struct lk_facts {
	struct lk_builder builder;
	bool made; /* the builder is */
	/* while they are written */
	struct lk_partition_writer *writer;
	int *source, next_file;
};

/* A row for a fact of a table, which may not have its name and UUID yet. */
enum lk_status lk_facts_add(struct lk_facts *f, const struct lk_target *of, const struct lk_fact *fact, struct lk_error *err) LK_CHECKED;
/* Fits the target of lk.versions to rows of facts; and writes those at hand into new files of it, as <prefix>-<number>. */
enum lk_status lk_facts_fit(struct lk_facts *f, struct lk_target *versions, struct lk_error *err) LK_CHECKED;
enum lk_status lk_facts_begin(struct lk_facts *f, struct lk_target *versions, const char *prefix, struct lk_error *err) LK_CHECKED;
enum lk_status lk_facts_flush(struct lk_facts *f, struct lk_error *err) LK_CHECKED;
enum lk_status lk_facts_finish(struct lk_facts *f, struct lk_error *err) LK_CHECKED;
void lk_facts_release(struct lk_facts *f);

/* What a batch of lk.versions says, row by row; all of it is borrowed for the call. */
typedef enum lk_status lk_table_fact_visitor(void *context, const char *table, const struct lk_fact *fact, struct lk_error *err);
enum lk_status lk_facts_read(const struct lk_batch *batch, lk_table_fact_visitor *visit, void *context, struct lk_error *err) LK_CHECKED;

#endif
