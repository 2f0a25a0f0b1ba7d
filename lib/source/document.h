/*
 * Documents: the JSON files that a package is made of (private to lib/source).
 *
 * A schema or a dialect may stand in a file of its own, and a resource may say only how it differs from another one
 * (lk.extends). lk_documents_resolve puts all of that in its place, so that whoever reads the package afterwards finds every
 * resource whole; where each part was written is remembered, so that messages name that file and that place.
 *
 * Nothing but files beside or below the package's own is ever read: no URL, no absolute path, no "..".
 */
#ifndef LK_SOURCE_DOCUMENT_H
#define LK_SOURCE_DOCUMENT_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

struct lk_loading;

/* A place below a resource is called as it is found in the resolved document: "resources[1].schema.fields[2]". */
struct lk_document {
	struct lk_document *next; /* of one lk_load, the package's own first */
	const char *file;
	char *sha256;
	json_t *root;	 /* an object; changed as it is resolved */
	json_t *origins; /* a place -> [file, place, final] where what stands there comes from, when that is somewhere else */
	char *states;	 /* of resources: 0, or how far they are resolved (extend.c) */
};

/* Reads the package's own file (or one that it refers to) as the next document. LK_CONFIG when it is no JSON object, or when
 * all documents together are too long. lk_documents_close gives back what is held even after an error. */
enum lk_status lk_document_open(
	struct lk_loading *l, const char *file, struct lk_document **out, struct lk_error *err) LK_CHECKED;

/* The file that the text at a place of a document refers to, as a document of its own, each read once. */
enum lk_status lk_document_refer(struct lk_loading *l, struct lk_document *from, const char *at, const char *reference,
	struct lk_document **out) LK_CHECKED;

/* Says that what is at a place of d comes from a place of the file: as it stands there (final), or in that document as it is
 * when it was resolved. */
enum lk_status lk_document_put_origin(struct lk_loading *l, struct lk_document *d, const char *at, const char *file,
	const char *place, bool final) LK_CHECKED;
/* Where what is at a place of d was written. Lives in the arena, or as long as d. */
void lk_document_origin(
	struct lk_loading *l, const struct lk_document *d, const char *at, const char **file, const char **place);

/* Puts what is referred to into the package's own document, and what resources extend into them (extend.c). */
enum lk_status lk_documents_resolve(struct lk_loading *l) LK_CHECKED;

/* The package's digest: that of its file or, where it refers to others, of the digests of all. */
enum lk_status lk_documents_sha256(struct lk_loading *l, char out[]) LK_CHECKED;

void lk_documents_close(struct lk_loading *l);

#endif
