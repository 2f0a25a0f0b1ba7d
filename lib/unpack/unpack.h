/*
 * lk-unpack's work: deliveries, one after the other, to what is wanted of their members.
 *
 * A delivery that cannot be opened is told of and left, as cat(1) does; a member that failed is a row among the others. What a
 * lake has already is left out: a delivery that is complete as a whole, of one that is partial the members that did not fail.
 */
#ifndef LK_UNPACK_UNPACK_H
#define LK_UNPACK_UNPACK_H

#include <stdio.h>

#include "archive/archive.h"
#include "archive/paths.h"
#include "stream/format.h"

enum lk_unpack_what {
	LK_UNPACK_STREAM, /* to fd: an lk stream of lk.members */
	LK_UNPACK_LIST,	  /* to out: a row for each member, no content read */
	LK_UNPACK_TEST,	  /* to out: a line for each delivery, which passphrase fits */
	LK_UNPACK_FILES,  /* below folder */
};

typedef void lk_unpack_speaker(const char *fmt, ...) LK_PRINTF(1, 2);

struct lk_unpack_options {
	enum lk_unpack_what what;
	enum lk_format format; /* of LK_UNPACK_LIST */
	const char *folder;    /* of LK_UNPACK_FILES */
	FILE *out;
	int fd;
	const char *lake;    /* whose deliveries are left out; NULL for none */
	const char *branch;  /* whose ledger says so; NULL: main */
	bool retry;	     /* those that crashed a worker are not */
	bool again;	     /* none are, but those that were another sender's */
	const char *sources; /* packages that say who sent what, and what to ignore; NULL for $LK_SOURCES, or none */
	struct lk_archive_options archive; /* `ignores` is set here */
	lk_unpack_speaker *warn, *say, *detail, *progress;
};

/* LK_WANTING when a member failed, the first delivery's status when one could not be opened: then all is told by warn, and err
 * holds no message. */
enum lk_status lk_unpack(const struct lk_unpack_options *options, const struct lk_paths *deliveries,
	struct lk_error *err) LK_CHECKED;

#endif
