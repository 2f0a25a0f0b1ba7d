/*
 * What every tool's main does the same way: options, help, messages, progress and the last act.
 *
 * This is the one part of the library that speaks to the user, on the tool's behalf. A tool reads
 *
 *	static const struct lk_tool tool = {.name = "lk-cat", .usage = "...", .about = "...", .options = options};
 *	int main(int argc, char **argv)
 *	{
 *		lk_tool_start(&tool, &argc, &argv);	// parses options; answers --help and --version; exits 64 on misuse
 *		...
 *		return lk_tool_finish(status, &err);	// says the error, closes and checks stdout, gives the exit status
 *	}
 */
#ifndef LK_BASE_TOOL_H
#define LK_BASE_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LK_VERSION "0.1.0"

enum lk_option_kind {
	LK_OPTION_END,	  /* closes the table */
	LK_OPTION_FLAG,	  /* bool */
	LK_OPTION_COUNT,  /* int, one more each time it is given */
	LK_OPTION_TEXT,	  /* const char * (borrowed from argv) */
	LK_OPTION_NUMBER, /* int64_t, not negative; k, M and G multiply by powers of 1024 */
	LK_OPTION_TIME,	  /* int64_t milliseconds, from "90", "90s", "5m", "2h", "1d" (a bare number is seconds) */
	LK_OPTION_LIST,	  /* struct lk_list, one more text each time it is given */
};

struct lk_list {
	const char **items;
	size_t count, cap;
};

/* One row says all there is to know of an option: parsing, --help and the shell's completion come from it. To give
 * a text, a number or a time twice is misuse. */
struct lk_option {
	enum lk_option_kind kind;
	char short_name;       /* 0 for none */
	const char *long_name; /* without dashes; NULL for none */
	void *target;	       /* of the type that kind names */
	const char *argument;  /* how --help calls the value, such as "FILE"; NULL for flags */
	const char *help;      /* one line, lower case, no full stop */
};

#define LK_OPTIONS_END {LK_OPTION_END, 0, NULL, NULL, NULL, NULL}

struct lk_tool {
	const char *name;
	const char *usage; /* one or more lines without the program's name: what follows it in SYNOPSIS */
	const char *about; /* a sentence or two for --help */
	const struct lk_option *options;
};

/* Options of every tool (-q, -v, -h, --version, --progress) are added by lk_tool_start itself. */
void lk_tool_start(const struct lk_tool *tool, int *argc, char ***argv);

/* "90", "90s", "5m", "2h", "1d", "250ms" in milliseconds (a bare number is seconds); false when it is no such text. */
bool lk_duration_parse(const char *text, int64_t *ms);

/* Says that the command line is wrong, on stderr with a hint at --help; exits 64. */
_Noreturn void lk_tool_misuse(const char *fmt, ...) LK_PRINTF(1, 2);

/* Prints the error when status is not LK_OK and err holds a message, closes stdout and checks it; the exit status. */
int lk_tool_finish(enum lk_status status, const struct lk_error *err);

/* For tools that hold SIGPIPE off so that their files are removed: where whoever read standard output has gone, flushes it and ends
 * as a filter does, by SIGPIPE. */
void lk_tool_end_by_pipe(void);

/* `name: message` on stderr. warn always, say unless -q, detail with -v only. One line each: what would speak to the terminal
 * is escaped (lk_str_add_shown). */
void lk_warn(const char *fmt, ...) LK_PRINTF(1, 2);
void lk_say(const char *fmt, ...) LK_PRINTF(1, 2);
void lk_detail(const char *fmt, ...) LK_PRINTF(1, 2);

bool lk_is_quiet(void);

/* Ends with LK_USAGE when fd is a terminal: binary never goes to one. what: "an lk stream". */
enum lk_status lk_refuse_terminal(int fd, const char *what, struct lk_error *err) LK_CHECKED;

/*
 * One line on stderr that is drawn over itself, at most ten times a second; nothing at all unless stderr is a
 * terminal or --progress was given. lk_progress_end wipes it.
 */
void lk_progress(const char *fmt, ...) LK_PRINTF(1, 2);
void lk_progress_end(void);
bool lk_progress_wanted(void);

/* Now, in milliseconds of a clock that never goes back, and in microseconds since 1970 UTC. */
int64_t lk_clock_ms(void);
int64_t lk_now_us(void);

#endif
