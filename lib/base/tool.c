#include "base/tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"

#define MAX_OPTIONS 64
#define LONG_ONLY 256 /* getopt's value for the option at index i without a short name is LONG_ONLY + i */

static const struct lk_tool *this_tool = &(const struct lk_tool){.name = "lk"};
static bool quiet, help_wanted, version_wanted, options_wanted, progress_forced, progress_drawn;
static int verbosity;

static const struct lk_option common[] = {
	{LK_OPTION_FLAG, 'q', "quiet", &quiet, NULL, "say nothing but errors"},
	{LK_OPTION_COUNT, 'v', "verbose", &verbosity, NULL, "say more"},
	{LK_OPTION_FLAG, 0, "progress", &progress_forced, NULL, "show progress even when stderr is not a terminal"},
	{LK_OPTION_FLAG, 'h', "help", &help_wanted, NULL, "show this help"},
	{LK_OPTION_FLAG, 0, "version", &version_wanted, NULL, "show the version"},
	{LK_OPTION_FLAG, 0, "list-options", &options_wanted, NULL, NULL},
	LK_OPTIONS_END,
};

static void vmessage(const char *fmt, va_list args)
{
	struct lk_str shown = LK_STR_INIT;
	char text[LK_ERROR_SIZE];

	lk_progress_end();
	vsnprintf(text, sizeof(text), fmt, args);
	lk_str_add_shown(&shown, text); /* names and values are other people's: they must not speak to the terminal */
	fprintf(stderr, "%s: %s\n", this_tool->name, lk_str_text(&shown));
	lk_str_release(&shown);
}

void lk_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vmessage(fmt, args);
	va_end(args);
}

void lk_say(const char *fmt, ...)
{
	va_list args;

	if (quiet)
		return;
	va_start(args, fmt);
	vmessage(fmt, args);
	va_end(args);
}

void lk_detail(const char *fmt, ...)
{
	va_list args;

	if (!verbosity)
		return;
	va_start(args, fmt);
	vmessage(fmt, args);
	va_end(args);
}

bool lk_is_quiet(void)
{
	return quiet;
}

_Noreturn void lk_tool_misuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vmessage(fmt, args);
	va_end(args);
	fprintf(stderr, "Try '%s --help'.\n", this_tool->name);
	exit(LK_USAGE);
}

/* The length of the first word, or of the first bracketed group of words. */
static int item_length(const char *text, int len)
{
	int depth = 0, i;

	for (i = 0; i < len && (depth || !isspace((unsigned char)text[i])); i++)
		depth += (text[i] == '[') - (text[i] == ']');
	return i;
}

/* Prints text behind `column` columns that are there already, folded, with later lines indented as far. */
static void print_folded(int column, const char *text, int len)
{
	int indent = column;

	while (len) {
		int n = item_length(text, len);

		if (column > indent && column + 1 + n > 80) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", n, text);
		n += n < len;
		text += n;
		len -= n;
	}
	putchar('\n');
}

static void print_usage(void)
{
	const char *lead = "usage:", *line = this_tool->usage;

	for (; *line; lead = "      ") {
		int len = (int)strcspn(line, "\n");

		print_folded(printf("%s %s ", lead, this_tool->name), line, len);
		line += len + (line[len] == '\n');
	}
}

static void print_option(const struct lk_option *o)
{
	struct lk_str s = LK_STR_INIT;

	if (!o->help)
		return;
	lk_str_adds(&s, "  ");
	if (o->short_name)
		lk_str_addf(&s, "-%c%s", o->short_name, o->long_name ? ", " : "");
	else
		lk_str_adds(&s, "    ");
	if (o->long_name)
		lk_str_addf(&s, "--%s", o->long_name);
	if (o->argument)
		lk_str_addf(&s, " %s", o->argument);
	if (s.len < 30)
		printf("%-30s%s\n", lk_str_text(&s), o->help);
	else
		printf("%s\n%-30s%s\n", lk_str_text(&s), "", o->help);
	lk_str_release(&s);
}

static void print_help(void)
{
	print_usage();
	putchar('\n');
	print_folded(0, this_tool->about, (int)strlen(this_tool->about));
	putchar('\n');
	for (const struct lk_option *o = this_tool->options; o && o->kind != LK_OPTION_END; o++)
		print_option(o);
	for (const struct lk_option *o = common; o->kind != LK_OPTION_END; o++)
		print_option(o);
}

/* What the shell's completion asks for: every long option, with `=` where it takes a value. */
static void print_option_list(void)
{
	const struct lk_option *tables[] = {this_tool->options, common};

	for (int t = 0; t < 2; t++)
		for (const struct lk_option *o = tables[t]; o && o->kind != LK_OPTION_END; o++)
			if (o->long_name && o->help)
				printf("--%s%s\n", o->long_name, o->argument ? "=" : "");
}

static int64_t parse_number(const struct lk_option *o, const char *text)
{
	char *end;
	long long n;
	int shift = 0;

	errno = 0;
	n = strtoll(text, &end, 10);
	switch (*end) {
	case 'k':
	case 'K':
		shift = 10;
		break;
	case 'M':
		shift = 20;
		break;
	case 'G':
		shift = 30;
		break;
	}
	if (!isdigit((unsigned char)*text) || errno || end[shift != 0] || n > (INT64_MAX >> shift))
		lk_tool_misuse("option '--%s' takes a number, not '%s'", o->long_name, text);
	return n << shift;
}

bool lk_duration_parse(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (isdigit((unsigned char)*text) && !errno)
		for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
			if (!strcmp(end, units[i].unit) && n <= INT64_MAX / units[i].ms) {
				*ms = n * units[i].ms;
				return true;
			}
	return false;
}

static int64_t parse_time(const struct lk_option *o, const char *text)
{
	int64_t ms;

	if (!lk_duration_parse(text, &ms))
		lk_tool_misuse("option '--%s' takes a time such as 90s, 5m or 2h, not '%s'", o->long_name, text);
	return ms;
}

static void take(const struct lk_option *o, const char *value)
{
	struct lk_list *list;

	switch (o->kind) {
	case LK_OPTION_FLAG:
		*(bool *)o->target = true;
		break;
	case LK_OPTION_COUNT:
		++*(int *)o->target;
		break;
	case LK_OPTION_TEXT:
		*(const char **)o->target = value;
		break;
	case LK_OPTION_NUMBER:
		*(int64_t *)o->target = parse_number(o, value);
		break;
	case LK_OPTION_TIME:
		*(int64_t *)o->target = parse_time(o, value);
		break;
	case LK_OPTION_LIST:
		list = o->target;
		if (!lk_grow((void **)&list->items, &list->cap, list->count + 1, sizeof(*list->items)))
			lk_tool_misuse("out of memory");
		list->items[list->count++] = value;
		break;
	case LK_OPTION_END:
		break;
	}
}

struct parser {
	const struct lk_option *rows[MAX_OPTIONS];
	struct option longs[MAX_OPTIONS + 1];
	char shorts[2 * MAX_OPTIONS + 2];
	int count, nlongs, nshorts;
	bool given[MAX_OPTIONS];
};

static void add_rows(struct parser *p, const struct lk_option *o)
{
	for (; o && o->kind != LK_OPTION_END && p->count < MAX_OPTIONS; o++) {
		int value = o->short_name ? o->short_name : LONG_ONLY + p->count;

		if (o->long_name)
			p->longs[p->nlongs++] = (struct option){o->long_name, o->argument != NULL, NULL, value};
		if (o->short_name) {
			p->shorts[p->nshorts++] = o->short_name;
			if (o->argument)
				p->shorts[p->nshorts++] = ':';
		}
		p->rows[p->count++] = o;
	}
}

/* The index of its row, or -1. */
static int find_row(const struct parser *p, int value)
{
	for (int i = 0; i < p->count; i++)
		if (value == LONG_ONLY + i || (value < LONG_ONLY && p->rows[i]->short_name == value))
			return i;
	return -1;
}

/* Of two values one would be lost without a word: two folders of sources are not both looked at, for one. */
static void take_once(struct parser *p, int row, const char *value)
{
	const struct lk_option *o = p->rows[row];
	bool twice = p->given[row] && o->argument && o->kind != LK_OPTION_LIST;

	if (twice && o->short_name)
		lk_tool_misuse("option '-%c' is given twice", o->short_name);
	if (twice)
		lk_tool_misuse("option '--%s' is given twice", o->long_name);
	p->given[row] = true;
	take(o, value);
}

static void parse(int argc, char **argv)
{
	struct parser p = {.shorts = ":", .nshorts = 1};
	int value;

	add_rows(&p, this_tool->options);
	add_rows(&p, common);
	opterr = 0;
	while ((value = getopt_long(argc, argv, p.shorts, p.longs, NULL)) != -1) {
		const char *at = argv[optind - 1];

		if (value == '?' && optopt && find_row(&p, optopt) < 0)
			lk_tool_misuse("unknown option '-%c'", optopt);
		if (value == '?' && optopt)
			lk_tool_misuse("option '%s' takes no value", at);
		if (value == '?')
			lk_tool_misuse("unknown option '%s'", at);
		if (value == ':')
			lk_tool_misuse("option '%s' needs a value", at);
		take_once(&p, find_row(&p, value), optarg);
	}
}

/*
 * A standard stream that the caller closed would be the first file that the tool opens, a lake's catalog for one, and be
 * written to. Such a number is taken by something that answers every read or write with an error, as the closed one would.
 */
static void hold_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(LK_IO);
}

/*
 * Passphrases and what senders said of people stay in memory: no core dump takes them to a disk, where a pipe to a collector
 * would get past the limit alone, and no other process of the user looks in.
 */
static void keep_memory_private(void)
{
	struct rlimit core;

	if (!getrlimit(RLIMIT_CORE, &core)) {
		core.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &core);
	}
	prctl(PR_SET_DUMPABLE, 0);
}

void lk_tool_start(const struct lk_tool *tool, int *argc, char ***argv)
{
	this_tool = tool;
	keep_memory_private();
	hold_standard_streams();
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN); /* then a write beyond the limit fails, and what failed is said */
	parse(*argc, *argv);
	if (help_wanted || version_wanted || options_wanted) {
		if (help_wanted)
			print_help();
		else if (version_wanted)
			printf("%s %s\n", tool->name, LK_VERSION);
		else
			print_option_list();
		exit(lk_tool_finish(LK_OK, NULL));
	}
	*argc -= optind;
	*argv += optind;
}

void lk_tool_end_by_pipe(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	fflush(stdout);
	if (poll(&out, 1, 0) != 1 || !(out.revents & POLLERR))
		return;
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

int lk_tool_finish(enum lk_status status, const struct lk_error *err)
{
	lk_progress_end();
	if (status && err && err->message[0])
		lk_warn("%s", err->message);
	if (fflush(stdout) || ferror(stdout) || close(STDOUT_FILENO)) {
		if (!status)
			lk_warn("cannot write standard output: %s", strerror(errno));
		return status ? status : LK_IO;
	}
	return status;
}

enum lk_status lk_refuse_terminal(int fd, const char *what, struct lk_error *err)
{
	if (!isatty(fd))
		return LK_OK;
	return lk_error_set(err, LK_USAGE, "%s is binary and does not go to a terminal; pipe it into lk-cat to look at it",
		what);
}

bool lk_progress_wanted(void)
{
	return !quiet && (progress_forced || isatty(STDERR_FILENO));
}

void lk_progress(const char *fmt, ...)
{
	static int64_t last = INT64_MIN;
	int64_t now;
	va_list args;

	if (!lk_progress_wanted())
		return;
	now = lk_clock_ms();
	if (last != INT64_MIN && now - last < 100)
		return;
	last = now;
	fputs("\r\033[K", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	progress_drawn = true;
}

void lk_progress_end(void)
{
	if (progress_drawn)
		fputs("\r\033[K", stderr);
	progress_drawn = false;
}

int64_t lk_clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t lk_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
