/* Members as rows of lk.members (stream/side.h): whole members that are small are gathered into batches, pieces of large ones
 * fill batches of their own. */
#ifndef LK_ARCHIVE_MEMBERS_H
#define LK_ARCHIVE_MEMBERS_H

#include "archive/archive.h"
#include "stream/build.h"
#include "stream/stream.h"

/* The delivery that members come from; all is borrowed. */
struct lk_member_origin {
	const char *path; /* as text (lk_path_text) */
	const char *sender;
	const struct lk_blob *input;
};

/* Sends the present member of a: one row for each piece of its verified content, or one row that says why there is none. */
enum lk_status lk_members_send(struct lk_builder *b, struct lk_writer *w, struct lk_archive *a, const struct lk_member_origin *origin,
	const struct lk_member *m, struct lk_error *err) LK_CHECKED;

#endif
