/*
 * Branches and tags of a lake: refs of one name in its tables, and the ledger's branch ("Snapshot References" of Iceberg's
 * specification; lk-lake(7), "History").
 *
 * A branch begins at main, or at what main was, in all tables or some; what is loaded on it is known on it, and so is what main
 * knew when it began. It is published when main becomes what it is, and main what it knows: in one transaction, and only where
 * main is still what the branch came from.
 */
#ifndef LK_LAKE_BRANCH_H
#define LK_LAKE_BRANCH_H

#include <jansson.h>
#include <stdio.h>

#include "lake/lake.h"
#include "lake/refs.h"
#include "stream/format.h"

struct lk_branch_options {
	const char *name;
	const char *const *tables; /* names; none: all */
	int table_count;
	bool tag;
	const char *start; /* time, snapshot or ref where it begins; NULL: main */
	struct lk_ref_retention retention;
	bool keep;    /* a branch that is published stays */
	bool dry_run; /* only tells */
};

/* What was done, or would be. */
struct lk_branch_report {
	struct lk_arena arena;
	struct lk_branch_table {
		const char *table;
		int64_t from, to; /* snapshots that the branch, tag, or main was at and is at; -1: none */
	} *tables;
	int table_count;
	int64_t deliveries; /* that main learns of, or that are forgotten */
};

/* LK_DATA when there is one of that name, or no such moment. */
enum lk_status lk_branch_create(struct lk_lake *lake, const struct lk_branch_options *options, struct lk_branch_report *report,
	struct lk_error *err) LK_CHECKED;
/* LK_DATA when there is none. */
enum lk_status lk_branch_delete(struct lk_lake *lake, const struct lk_branch_options *options, struct lk_branch_report *report,
	struct lk_error *err) LK_CHECKED;
/* LK_CONFLICT when main has moved on since the branch began. */
enum lk_status lk_branch_publish(struct lk_lake *lake, const struct lk_branch_options *options, struct lk_branch_report *report,
	struct lk_error *err) LK_CHECKED;
void lk_branch_report_release(struct lk_branch_report *r);

/* A row for each branch and tag of the tables (names; none: all). */
enum lk_status lk_branch_list(struct lk_lake *lake, const char *const *tables, int table_count, enum lk_format format, FILE *out,
	struct lk_error *err) LK_CHECKED;

#endif
