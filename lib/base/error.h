/*
 * Errors: what a library function says when it cannot do what was asked.
 *
 * A function that can fail returns an enum lk_status and takes a trailing `struct lk_error *err` of the caller's,
 * in which it leaves one sentence, lower case and without a full stop: what failed, the thing in single quotes,
 * the reason. The library never prints, never exits and keeps no state of its own. Who does not want the sentence may
 * pass NULL to functions of lib/base; all others want a struct.
 *
 * The numbers are the exit statuses of every tool (sysexits.h where it has a word for it), so that a tool ends with
 * the status that its library call returned.
 */
#ifndef LK_BASE_ERROR_H
#define LK_BASE_ERROR_H

enum lk_status {
	LK_OK = 0,
	LK_WANTING = 1,    /* checked and found wanting; something was rejected, failed or held */
	LK_USAGE = 64,     /* the command line is wrong */
	LK_DATA = 65,      /* input data are wrong */
	LK_NOINPUT = 66,   /* no input, or it cannot be opened */
	LK_MISSING = 69,   /* something needed is missing: a library, a passphrase, memory */
	LK_BUG = 70,       /* an invariant of ours does not hold */
	LK_CANTCREATE = 73, /* an output cannot be created */
	LK_IO = 74,        /* reading or writing failed */
	LK_CONFLICT = 75,  /* another writer was first; nothing was changed, try again */
	LK_NOPERM = 77,    /* not permitted */
	LK_CONFIG = 78,    /* a package, keyring or other configuration is wrong */
};

#define LK_ERROR_SIZE 2048

struct lk_error {
	enum lk_status status;
	char message[LK_ERROR_SIZE];
};

#define LK_CHECKED __attribute__((warn_unused_result))
#define LK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fills err (when not NULL) and returns status. A message that does not fit is cut at a character and ends in "...". */
enum lk_status lk_error_set(struct lk_error *err, enum lk_status status, const char *fmt, ...) LK_PRINTF(3, 4);

/* As lk_error_set, with ": " and the text of errno (its value at the call) added. */
enum lk_status lk_error_sys(struct lk_error *err, enum lk_status status, const char *fmt, ...) LK_PRINTF(3, 4);

/* Puts a prefix and ": " before the message that err (not NULL) holds; returns err->status. For callers that know where. */
enum lk_status lk_error_prefix(struct lk_error *err, const char *fmt, ...) LK_PRINTF(2, 3);

/* "out of memory", LK_MISSING. */
enum lk_status lk_error_nomem(struct lk_error *err);

/* Leaves the calling function with the status of expr unless that is LK_OK. */
#define LK_TRY(expr)                                                                                                  \
	do {                                                                                                          \
		enum lk_status lk_try_status_ = (expr);                                                               \
		if (lk_try_status_ != LK_OK)                                                                          \
			return lk_try_status_;                                                                        \
	} while (0)

#endif
