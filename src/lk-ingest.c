/* lk-ingest: the main job, a landing folder into a lake. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/lakedir.h"
#include "base/mem.h"
#include "base/tool.h"
#include "base/value.h"
#include "ingest/ingest.h"
#include "ingest/summary.h"
#include "lake/lake.h"

#define MAX_JOBS 128 /* each takes up to six of the usual 1,024 descriptors */

static const char *lake, *branch = LK_MAIN, *sources, *done, *stage, *max_rejects, *passphrase_file, *keyring;
static int64_t jobs, settle_ms = 10000;
static struct lk_list ignore, commit_every;
static bool nested, retry, again, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake, "LAKE", "the lake; it is made when it is not there"},
	{LK_OPTION_TEXT, 0, "branch", &branch, "BRANCH", "load to this branch of the lake instead of main"},
	{LK_OPTION_TEXT, 's', "sources", &sources, "SOURCES", "data packages: a file or a folder of them"},
	{LK_OPTION_TEXT, 0, "passphrase-file", &passphrase_file, "FILE",
		"the first line of FILE is the passphrase"},
	{LK_OPTION_TEXT, 0, "keyring", &keyring, "FILE",
		"FILE lists passphrase files by glob of deliveries"},
	{LK_OPTION_NUMBER, 'j', "jobs", &jobs, "N", "run N workers at once (half the cores by default)"},
	{LK_OPTION_FLAG, 0, "nested", &nested, NULL, "open archives inside archives, one level"},
	{LK_OPTION_LIST, 0, "commit-every", &commit_every, "TIME|N",
		"commit after TIME or N deliveries (5m and 4096 by default); may be given twice"},
	{LK_OPTION_TIME, 0, "settle", &settle_ms, "TIME",
		"leave files that changed less than TIME ago (10s by default)"},
	{LK_OPTION_LIST, 0, "ignore", &ignore, "GLOB",
		"leave files and folders of such names, besides *.part, *.tmp and .*; may be repeated"},
	{LK_OPTION_TEXT, 0, "done", &done, "DIR", "move loaded deliveries to DIR"},
	{LK_OPTION_TEXT, 0, "max-rejects", &max_rejects, "N|P%",
		"exit with 0 although so many records were rejected"},
	{LK_OPTION_FLAG, 0, "retry", &retry, NULL, "try deliveries again that crashed a worker before"},
	{LK_OPTION_FLAG, 0, "again", &again, NULL, "load deliveries anew, in place of what is there of them"},
	{LK_OPTION_TEXT, 0, "stage", &stage, "DIR", "only stage, into DIR; lk-commit --staged DIR commits"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "print the summary as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-ingest",
	.usage =
		"[-l LAKE] [--branch BRANCH] [-s SOURCES] [-j N] [--passphrase-file FILE | --keyring FILE] [--nested] [--commit-every TIME|N] "
		"[--settle TIME] [--ignore GLOB] [--done DIR] [--max-rejects N|P%] [--retry | --again] [--stage DIR] [--json] PATH ...",
	.about =
		"Loads the deliveries in a landing folder into a lake, each once. It finds them, runs as many pipelines of "
		"lk-unpack, lk-parse and lk-commit as there are workers, and commits in steps.",
	.options = options,
};

/* What the command line and the environment say, in a form that is easy to use. */
struct command {
	struct lk_ingest_options o;
	struct lk_allowance allowed;
	const char *unpack_args[LK_MAX_UNPACK_ARGS + 1];
	struct lk_list ignore;
	char *lake;
};

static void read_commit_every(struct lk_ingest_options *o)
{
	for (size_t i = 0; i < commit_every.count; i++) {
		const char *text = commit_every.items[i];
		bool bare = lk_int64_parse(text, strlen(text), &o->commit_deliveries);

		if (bare ? o->commit_deliveries < 1 : !lk_duration_parse(text, &o->commit_ms))
			lk_tool_misuse(
				"option '--commit-every' takes a time such as 5m or a number of deliveries, not '%s'",
				text);
	}
}

static void read_max_rejects(struct lk_allowance *allowed)
{
	size_t len = max_rejects ? strlen(max_rejects) : 0;
	bool good;

	*allowed = (struct lk_allowance){.percent = -1};
	if (!max_rejects)
		return;
	if (len && max_rejects[len - 1] == '%')
		good = lk_float64_parse(max_rejects, len - 1, &allowed->percent) && allowed->percent >= 0 &&
		       allowed->percent <= 100;
	else
		good = lk_int64_parse(max_rejects, len, &allowed->records) && allowed->records >= 0;
	if (!good)
		lk_tool_misuse("option '--max-rejects' takes a number of records or a percentage, not '%s'",
			max_rejects);
}

static enum lk_status read_ignore(struct command *c, struct lk_error *err)
{
	static const char *const always[] = {"*.part", "*.tmp", ".*"};
	const size_t n = sizeof(always) / sizeof(*always);

	if (!lk_grow((void **)&c->ignore.items, &c->ignore.cap, n + ignore.count, sizeof(*c->ignore.items)))
		return lk_error_nomem(err);
	for (size_t i = 0; i < n; i++)
		c->ignore.items[c->ignore.count++] = always[i];
	for (size_t i = 0; i < ignore.count; i++)
		c->ignore.items[c->ignore.count++] = ignore.items[i];
	c->o.ignore = c->ignore.items;
	c->o.ignore_count = c->ignore.count;
	return LK_OK;
}

static int64_t default_jobs(void)
{
	long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	return half < 1 ? 1 : half > MAX_JOBS ? MAX_JOBS : half;
}

static enum lk_status read_command(struct command *c, struct lk_error *err)
{
	size_t n = 0;

	*c = (struct command){.o = {.branch = branch, .done = done, .stage = stage, .retry = retry, .again = again,
		.settle_ms = settle_ms}};
	c->o.commit_deliveries = 4096;
	c->o.commit_ms = 5 * 60 * 1000;
	read_commit_every(&c->o);
	read_max_rejects(&c->allowed);
	if (stage && done)
		lk_tool_misuse("--done moves what is loaded, and --stage loads nothing; use one of them");
	if (passphrase_file && keyring)
		lk_tool_misuse("--passphrase-file and --keyring exclude each other");
	if (jobs > MAX_JOBS)
		lk_tool_misuse("option '--jobs' takes a number up to %d", MAX_JOBS);
	c->o.jobs = jobs ? jobs : default_jobs();
	c->o.sources = sources ? sources : getenv("LK_SOURCES");
	if (!c->o.sources || !*c->o.sources)
		lk_tool_misuse(
			"sources are needed: name a data package or a folder of them with -s or LK_SOURCES");
	if (passphrase_file || keyring) {
		c->unpack_args[n++] = passphrase_file ? "--passphrase-file" : "--keyring";
		c->unpack_args[n++] = passphrase_file ? passphrase_file : keyring;
	}
	if (nested)
		c->unpack_args[n++] = "--nested";
	if (retry && again)
		lk_tool_misuse("--again tries all deliveries again, those of --retry too");
	if (retry || again)
		c->unpack_args[n++] = again ? "--again" : "--retry";
	c->o.unpack_args = c->unpack_args;
	LK_TRY(read_ignore(c, err));
	if (done || stage)
		LK_TRY(lk_lake_keep_out(done ? done : stage, err));
	LK_TRY(lk_lake_find(lake, &c->lake, err));
	c->o.lake = c->lake;
	return LK_OK;
}

static void warn(const char *message, void *user)
{
	(void)user;
	lk_warn("%s", message);
}

static void detail(const char *message, void *user)
{
	(void)user;
	lk_detail("%s", message);
}

static void show_progress(const struct lk_ingest_progress *p, void *user)
{
	double seconds = (double)(p->elapsed_ms ? p->elapsed_ms : 1) / 1000;
	double rate = (double)p->bytes / seconds;
	struct lk_str s = LK_STR_INIT;

	(void)user;
	if (!lk_progress_wanted())
		return;
	lk_str_addf(&s, "%lld of %lld deliveries, %lld members, %lld rows, ", (long long)p->deliveries,
		(long long)p->total_deliveries, (long long)p->members, (long long)p->rows);
	lk_bytes_text((int64_t)rate, &s);
	lk_str_adds(&s, "/s");
	if (p->bytes && p->total_bytes > p->bytes) {
		int64_t left = (int64_t)((double)(p->total_bytes - p->bytes) / rate) + 1;

		lk_str_addf(&s, ", %lld:%02lld left", (long long)(left / 60), (long long)(left % 60));
	}
	lk_progress("%s", lk_str_text(&s));
	lk_str_release(&s);
}

/* The signals that end a run arrive as something to read. */
static enum lk_status catch_signals(int *fd, sigset_t *before, struct lk_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, before);
	*fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (*fd < 0)
		return lk_error_sys(err, LK_MISSING, "cannot wait for signals");
	return LK_OK;
}

/* Ends as the signal would have ended it. */
static _Noreturn void die_of_signal(int fd, const sigset_t *before)
{
	struct signalfd_siginfo info = {.ssi_signo = SIGTERM};

	lk_progress_end();
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		info.ssi_signo = SIGTERM;
	lk_warn("stopped by a signal; what was committed before stays, the rest is for another run");
	signal((int)info.ssi_signo, SIG_DFL);
	raise((int)info.ssi_signo);
	sigprocmask(SIG_SETMASK, before, NULL);
	exit(128 + (int)info.ssi_signo);
}

static void print_summary(const struct lk_ingest_result *result)
{
	struct lk_str out = LK_STR_INIT;

	if (json)
		lk_summary_json(result, &out);
	else if (!lk_is_quiet())
		lk_summary_text(result, &out);
	lk_progress_end();
	fputs(lk_str_text(&out), stdout);
	fflush(stdout); /* before a signal may end it */
	lk_str_release(&out);
}

static enum lk_status run(struct command *c, char **paths, int count, struct lk_error *err)
{
	struct lk_ingest_result result;
	enum lk_status status;
	sigset_t before;

	LK_TRY(catch_signals(&c->o.stop_fd, &before, err));
	c->o.warn = warn;
	c->o.detail = detail;
	c->o.progress = show_progress;
	status = lk_ingest(&c->o, (const char *const *)paths, (size_t)count, &result, err);
	if (result.began)
		print_summary(&result);
	if (result.stopped)
		die_of_signal(c->o.stop_fd, &before);
	if (!status)
		status = lk_summary_judge(&result, &c->allowed, err);
	lk_ingest_result_release(&result);
	close(c->o.stop_fd);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	struct command command;
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	if (argc == 0)
		lk_tool_misuse("a path is needed: where the deliveries are");
	status = read_command(&command, &err);
	for (int i = 0; done && i < argc && !status; i++)
		status = lk_lake_keep_out(argv[i], &err);
	if (!status)
		status = run(&command, argv, argc, &err);
	free(command.ignore.items);
	free(command.lake);
	free(ignore.items);
	free(commit_every.items);
	return lk_tool_finish(status, &err);
}
