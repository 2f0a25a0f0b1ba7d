/*
 * Sources: Frictionless Data Packages that say how a kind of file becomes rows (lk-source(5)).
 *
 * A sources object holds every package of a file or a folder. Tools ask it which deliveries a package applies
 * to and who sent them, and which resources take a member; lib/source's readers then do the rest.
 */
#ifndef LK_SOURCE_SOURCE_H
#define LK_SOURCE_SOURCE_H

#include "base/error.h"
#include "stream/schema.h"

struct lk_sources;

/* path: a datapackage.json, or a folder in which every *.json and every datapackage.json one level down is a
 * package. $LK_SOURCES when NULL. LK_CONFIG with file, JSON path and reason when a package is wrong. */
enum lk_status lk_sources_open(struct lk_sources **out, const char *path, struct lk_error *err) LK_CHECKED;
/* One package that is in memory; name is for messages. */
enum lk_status lk_sources_open_text(
	struct lk_sources **out, const char *name, const char *text, size_t len, struct lk_error *err) LK_CHECKED;
void lk_sources_close(struct lk_sources *s); /* NULL is fine */

/* Who sent a delivery: the named group `sender` of the first package's `lk.delivery` that matches its path;
 * "" when none has one. *sender is malloc'd. */
enum lk_status lk_sources_sender(
	struct lk_sources *s, const char *delivery, char **sender, struct lk_error *err) LK_CHECKED;

/* Whether some package says that this member is not data (`lk.ignore`, a list of globs on the package). */
bool lk_sources_ignores(struct lk_sources *s, const char *delivery, const char *member);

/* The table schemas (with lk.table and the other metadata, lk_file, lk_row and surrogate keys included) of every resource of
 * every package, for lk_lake_prepare. Borrowed from s. */
enum lk_status lk_sources_schemas(struct lk_sources *s, const struct ArrowSchema *const **schemas, int *count,
	struct lk_error *err) LK_CHECKED;

/* Whether any resource's rows get surrogate keys (lk.surrogate). */
bool lk_sources_surrogates(const struct lk_sources *s);

/* LK_CONFIG: a property outside `lk` that is ignored, as it is unknown, and is near to one that is known. */
enum lk_status lk_sources_check(const struct lk_sources *s, struct lk_error *err) LK_CHECKED;

/* How many packages and resources there are. */
void lk_sources_count(const struct lk_sources *s, int *packages, int *resources);

/* One hash over all packages as loaded: it changes when any of them does. Borrowed. */
const char *lk_sources_sha256(const struct lk_sources *s);

#endif
