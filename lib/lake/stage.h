/*
 * Staged runs: data files that lie in their tables' folders, named by nothing but a description (JSON, lk-lake(7)) in a
 * folder where a later commit finds it.
 */
#ifndef LK_LAKE_STAGE_H
#define LK_LAKE_STAGE_H

#include "lake/commit.h"
#include "lake/deliveries.h"
#include "lake/data_writer.h"
#include "lake/merges.h"

/* Syncs the data files' folders and writes FOLDER/<run>.json, whose path is left in report->staged. */
enum lk_status lk_stage_write(const char *folder, const struct lk_data_writers *writers, const struct lk_deliveries *deliveries,
	const struct lk_merges *merges, const json_t *segments, struct lk_commit_report *report, struct lk_error *err) LK_CHECKED;

#endif
