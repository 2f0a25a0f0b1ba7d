/*
 * Extraction: members as files below a folder, each delivery in a subfolder of its own.
 *
 * Whatever an archive says, nothing is written outside that subfolder, through a link, or over what is there: unsafe names are
 * refused (archive/name.h), the subfolder is made new, and every step below it refuses links. Files are 0600, folders 0700.
 */
#ifndef LK_ARCHIVE_EXTRACT_H
#define LK_ARCHIVE_EXTRACT_H

#include "archive/archive.h"

struct lk_extract {
	const char *path; /* the folder; borrowed */
	int dir;	  /* the folder */
	int sub;	  /* the delivery's own, or -1 until it has one */
};

/* Makes the folder when it is missing. */
enum lk_status lk_extract_open(struct lk_extract *e, const char *path, struct lk_error *err) LK_CHECKED;

/* The next delivery: its subfolder is called as the delivery itself, and made with its first member. */
void lk_extract_begin(struct lk_extract *e);

/* Writes the present, verified member of a. Where its name is unsafe or taken, m becomes a failed member, and reason (borrowed by
 * m) holds why. LK_CANTCREATE when the delivery's subfolder exists already. */
enum lk_status lk_extract_member(struct lk_extract *e, struct lk_archive *a, const char *delivery, struct lk_member *m,
	struct lk_str *reason, struct lk_error *err) LK_CHECKED;

void lk_extract_close(struct lk_extract *e);

#endif
