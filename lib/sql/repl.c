#include "sql/repl.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "base/tool.h"
#include "sql/pager.h"
#include "sql/repl_names.h"

static const char help[] =
	"  SELECT ...;       a statement ends in a semicolon, and may have several lines\n"
	"  \\dt               the tables of the lake                        .tables\n"
	"  \\d TABLE          the columns of a table                        .schema TABLE\n"
	"  \\f FORMAT         table, csv, tsv, json, markdown               .mode FORMAT\n"
	"  \\o [FILE]         results go to FILE; without it here again     .output [FILE]\n"
	"  \\timing [on|off]  how long statements take                      .timer [on|off]\n"
	"  \\?                this list                                     .help\n"
	"  \\q                the end, as Ctrl-D                            .quit\n"
	"  Tab completes names; Ctrl-R searches what was typed before; Ctrl-C gives up the line, or the statement that runs.\n";

struct session {
	struct lk_repl *repl;
	struct lk_query query; /* with what \f has changed */
	struct lk_line *line;
	struct lk_repl_names names;
	struct lk_str text; /* of the statement being typed */
	FILE *output;	    /* of \o; NULL: the terminal */
	bool timing, done;
	pthread_mutex_t lock; /* guards sql and interrupted */
	struct lk_sql *sql;   /* that runs */
	bool interrupted;
};

/* ---- statements ---- */

/* What follows a text in quotes, from its first one; "" when it does not end. */
static const char *skip_quoted(const char *s)
{
	char quote = *s++;

	while (*s && *s != quote)
		s++;
	return *s ? s + 1 : s;
}

/* The same for $tag$ ... $tag$; s + 1 when it is none. */
static const char *skip_dollar(const char *s)
{
	size_t len = 1;
	const char *end;

	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	if (s[len++] != '$')
		return s + 1;
	for (end = s + len; *end; end++)
		if (!strncmp(end, s, len))
			return end + len;
	return end;
}

static const char *skip_comment(const char *s)
{
	int depth = 0;

	if (*s == '-')
		return s + strcspn(s, "\n");
	while (*s) {
		if (!strncmp(s, "/*", 2))
			depth++, s += 2;
		else if (!strncmp(s, "*/", 2)) {
			s += 2;
			if (!--depth)
				break;
		} else
			s++;
	}
	return s;
}

bool lk_repl_is_whole(const char *text)
{
	bool whole = false;

	while (*text) {
		if (!strncmp(text, "--", 2) || !strncmp(text, "/*", 2)) {
			const char *after = skip_comment(text);

			whole = whole && (*text == '-' || after[-1] == '/');
			text = after;
		} else if (*text == '\'' || *text == '"') {
			text = skip_quoted(text);
			whole = false;
		} else if (*text == '$') {
			text = skip_dollar(text);
			whole = false;
		} else {
			if (*text == ';')
				whole = true;
			else if (!isspace((unsigned char)*text))
				whole = false;
			text++;
		}
	}
	return whole;
}

/* Called by lk_query_run. */
static void set_running(void *context, struct lk_sql *sql)
{
	struct session *s = context;

	pthread_mutex_lock(&s->lock);
	s->sql = sql;
	pthread_mutex_unlock(&s->lock);
}

/* Called on SIGINT, in a thread of its own. */
static void interrupt(void *context)
{
	struct session *s = context;

	pthread_mutex_lock(&s->lock);
	if (s->sql) {
		s->interrupted = true;
		lk_sql_interrupt(s->sql);
	}
	pthread_mutex_unlock(&s->lock);
}

static bool was_interrupted(struct session *s)
{
	bool was;

	pthread_mutex_lock(&s->lock);
	was = s->interrupted;
	s->interrupted = false;
	pthread_mutex_unlock(&s->lock);
	return was;
}

static void say_end(struct session *s, FILE *out, int64_t rows, int64_t ms)
{
	if (out && s->query.output.format == LK_FORMAT_TABLE && rows >= 0)
		fprintf(out, "(%lld row%s)\n", (long long)rows, rows == 1 ? "" : "s");
	if (s->timing)
		fprintf(out ? out : stdout, "Time: %lld ms\n", (long long)ms);
}

static bool is_text(enum lk_format format)
{
	return format != LK_FORMAT_ARROW && format != LK_FORMAT_PARQUET;
}

static enum lk_status run_to(struct session *s, const char *text, FILE *out, struct lk_error *err)
{
	struct lk_query q = s->query;
	int64_t began = lk_clock_ms(), rows = 0;
	enum lk_status status;

	q.text = text;
	q.rows = text ? &rows : NULL;
	q.input = -1;
	q.output.sink = out;
	q.running = set_running;
	q.running_context = s;
	status = lk_query_run(&q, err);
	if (!status)
		say_end(s, out, text ? rows : -1, lk_clock_ms() - began);
	return status;
}

/* Terminals have some lines, and what is longer is paged. */
static enum lk_status run_paged(struct session *s, const char *text, struct lk_error *err)
{
	struct winsize size = {0};
	struct lk_pager pager;
	enum lk_status status;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	LK_TRY(lk_pager_begin(&pager, getenv("PAGER"), size.ws_row > 2 ? size.ws_row - 2 : 22, err));
	status = run_to(s, text, pager.file, err);
	lk_pager_end(&pager);
	return status;
}

static void run(struct session *s, const char *text)
{
	const char *pager = getenv("PAGER");
	struct lk_error err;
	enum lk_status status;

	if (s->output || !is_text(s->query.output.format))
		status = run_to(s, text, s->output, &err);
	else
		status = pager && *pager ? run_paged(s, text, &err) : run_to(s, text, stdout, &err);
	fflush(s->output ? s->output : stdout);
	if (status && was_interrupted(s))
		s->repl->say("cancelled");
	else if (status)
		s->repl->say("%s", err.message);
	was_interrupted(s);
	lk_repl_names_clear(&s->names);
}

/* ---- commands ---- */

static void describe(struct session *s, const char *table)
{
	struct lk_str sql = LK_STR_INIT;

	lk_str_addf(&sql, "DESCRIBE %s", table);
	if (!sql.failed)
		run(s, sql.data);
	lk_str_release(&sql);
}

static void set_output(struct session *s, const char *path)
{
	struct lk_error err;
	enum lk_format format;

	if (s->output)
		fclose(s->output);
	s->output = NULL;
	s->query.output.path = NULL;
	s->query.output.format = LK_FORMAT_TABLE;
	if (!*path)
		return;
	if (lk_lake_keep_out(path, &err)) {
		s->repl->say("%s", err.message);
		return;
	}
	s->query.output.format = lk_format_of_path(path, &format) ? format : LK_FORMAT_CSV;
	if (!is_text(s->query.output.format)) {
		s->repl->say("a file for all results is one of text; -o FILE writes streams and Parquet");
		s->query.output.format = LK_FORMAT_TABLE;
		return;
	}
	s->output = fopen(path, "we");
	if (s->output)
		return;
	lk_error_sys(&err, LK_CANTCREATE, "cannot create '%s'", path);
	s->repl->say("%s", err.message);
	s->query.output.format = LK_FORMAT_TABLE;
}

static void set_format(struct session *s, const char *word)
{
	enum lk_format format;

	if (lk_format_parse(word, &format) && is_text(format))
		s->query.output.format = format;
	else
		s->repl->say("there is no format '%s' here: table, csv, tsv, json, markdown", word);
}

static void set_timing(struct session *s, const char *word)
{
	s->timing = *word ? !strcmp(word, "on") : !s->timing;
	fprintf(stdout, "Timing is %s.\n", s->timing ? "on" : "off");
}

static bool is_command(const char *line, const char *a, const char *b, const char **argument)
{
	size_t len = strcspn(line, " \t;");

	if ((strlen(a) != len || strncmp(line, a, len)) && (strlen(b) != len || strncmp(line, b, len)))
		return false;
	*argument = line + len + strspn(line + len, " \t;");
	return true;
}

/* line: without blanks at its ends. */
static void do_command(struct session *s, const char *line)
{
	const char *argument;

	if (is_command(line, "\\q", ".quit", &argument) || is_command(line, "quit", "exit", &argument) ||
		is_command(line, ".exit", ".exit", &argument))
		s->done = true;
	else if (is_command(line, "\\dt", ".tables", &argument))
		run(s, NULL);
	else if (is_command(line, "\\d", ".schema", &argument))
		*argument ? describe(s, argument) : run(s, NULL);
	else if (is_command(line, "\\timing", ".timer", &argument))
		set_timing(s, argument);
	else if (is_command(line, "\\o", ".output", &argument))
		set_output(s, argument);
	else if (is_command(line, "\\f", ".mode", &argument))
		set_format(s, argument);
	else if (is_command(line, "\\?", ".help", &argument) || is_command(line, "\\h", "help", &argument))
		fputs(help, stdout);
	else
		s->repl->say("there is no command '%s'; \\? lists them", line);
	fflush(stdout);
}

static bool begins_command(const char *line)
{
	const char *argument;

	return *line == '\\' || (*line == '.' && isalpha((unsigned char)line[1])) || is_command(line, "quit", "exit", &argument) ||
		!strcmp(line, "help");
}

/* ---- the session ---- */

static void trim(struct lk_str *s)
{
	while (s->len && isspace((unsigned char)s->data[s->len - 1]))
		s->data[--s->len] = '\0';
}

/* A line was typed: it is a command, or the statement goes on. */
static void take(struct session *s, const char *line)
{
	struct lk_str command = LK_STR_INIT;

	if (!s->text.len) {
		lk_str_adds(&command, line + strspn(line, " \t"));
		trim(&command);
		if (command.failed || !command.len || begins_command(command.data)) {
			if (command.len && !command.failed) {
				lk_line_remember(s->line, line);
				do_command(s, command.data);
			}
			lk_str_release(&command);
			return;
		}
		lk_str_release(&command);
	}
	if (s->text.len)
		lk_str_addc(&s->text, '\n');
	lk_str_adds(&s->text, line);
	if (s->text.failed || !lk_repl_is_whole(lk_str_text(&s->text)))
		return;
	lk_line_remember(s->line, s->text.data);
	run(s, s->text.data);
	lk_str_clear(&s->text);
}

static void loop(struct session *s)
{
	struct lk_str line = LK_STR_INIT;

	while (!s->done) {
		lk_str_clear(&line);
		switch (lk_line_read(s->line, s->text.len ? "  > " : "lk> ", &line)) {
		case LK_LINE_READ:
			take(s, lk_str_text(&line));
			break;
		case LK_LINE_CANCELLED:
			lk_str_clear(&s->text);
			break;
		default:
			fputc('\n', stdout);
			s->done = true;
		}
	}
	lk_str_release(&line);
}

/* So that it is known at once when there is no lake. */
static enum lk_status greet(struct session *s, struct lk_error *err)
{
	struct lk_pin pin = {0};
	struct lk_lake *lake;
	enum lk_status status;
	char *path;

	LK_TRY(lk_lake_find(s->query.lake, &path, err));
	status = lk_lake_open(&lake, path, LK_LAKE_READONLY, err);
	free(path);
	LK_TRY(status);
	status = lk_lake_pin(lake, &pin, err);
	if (!status && !s->repl->quiet)
		fprintf(stdout, "%s: %d tables. \\? for help, \\q to leave.\n", lk_lake_path(lake), pin.table_count);
	lk_pin_release(&pin);
	lk_lake_close(lake);
	return status;
}

enum lk_status lk_repl_run(struct lk_repl *repl, struct lk_error *err)
{
	struct session s = {.repl = repl, .query = repl->query, .names = {.lake = repl->query.lake}, .lock = PTHREAD_MUTEX_INITIALIZER};

	LK_TRY(greet(&s, err));
	LK_TRY(lk_line_open(&s.line, lk_repl_words, &s.names, err));
	lk_workspace_on_interrupt(repl->query.workspace, interrupt, &s);
	loop(&s);
	lk_workspace_on_interrupt(repl->query.workspace, NULL, NULL);
	if (s.output && fclose(s.output))
		repl->say("the file of \\o could not be written");
	lk_line_close(s.line);
	lk_repl_names_clear(&s.names);
	lk_str_release(&s.text);
	return LK_OK;
}
