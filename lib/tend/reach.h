/*
 * Reach: which files a table's metadata lead to.
 *
 *	metadata.json ─► earlier metadata, statistics
 *	      └─ snapshots ─► manifest list ─► manifests ─► data files, delete files
 *
 * Each name is visited once, however many snapshots and manifests share it: manifests are read once.
 */
#ifndef LK_TEND_REACH_H
#define LK_TEND_REACH_H

#include <jansson.h>

#include "tend/fileset.h"

enum lk_reach_kind {
	LK_REACH_METADATA,   /* the table's own metadata.json, and those of its log */
	LK_REACH_STATISTICS, /* Puffin files */
	LK_REACH_LIST,
	LK_REACH_MANIFEST,
	LK_REACH_DATA,
	LK_REACH_DELETES,
};

/* uri: as the metadata have it; borrowed until the call returns. */
typedef enum lk_status lk_reach_visitor(void *context, enum lk_reach_kind kind, const char *uri, struct lk_error *err);

struct lk_reach {
	lk_reach_visitor *visit;
	void *context;
	bool deleted;	 /* files that a manifest says are deleted, too */
	bool missing_ok; /* lists and manifests that are not there lead nowhere, instead of being an error */
	struct lk_fileset seen; /* names */
};

/* The table: its metadata at `location` and all that they lead to. LK_DATA or LK_MISSING where something cannot be understood. */
enum lk_status lk_reach_table(struct lk_reach *r, const json_t *root, const char *location, struct lk_error *err) LK_CHECKED;

/* Some of a table's snapshots (an array of snapshot objects). */
enum lk_status lk_reach_snapshots(struct lk_reach *r, const json_t *snapshots, struct lk_error *err) LK_CHECKED;

/* Leaves out the lists and manifests of some snapshots, and so the files that are alive in them. */
enum lk_status lk_reach_skip(struct lk_reach *r, const json_t *snapshots, struct lk_error *err) LK_CHECKED;

/* A manifest list. */
enum lk_status lk_reach_list(struct lk_reach *r, const char *uri, struct lk_error *err) LK_CHECKED;

/* Statistics files of root[list], only those of one snapshot unless that is -1. */
enum lk_status lk_reach_statistics(struct lk_reach *r, const json_t *root, int64_t snapshot_id, struct lk_error *err) LK_CHECKED;

void lk_reach_release(struct lk_reach *r);

#endif
