#include "sql/repl_line.h"

#include <ctype.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define REMEMBERED 1000
#define HISTORY_MAX ((size_t)16 << 20)
#define LISTED 200 /* words that are shown at once */

struct lk_line {
	EditLine *edit;
	History *history;
	HistEvent event;
	char *file; /* of the history; NULL: it cannot be kept */
	const char *prompt;
	lk_line_words *words;
	void *context;
	bool cancelled;
};

static struct lk_line *line_of(EditLine *edit)
{
	void *line = NULL;

	el_get(edit, EL_CLIENTDATA, &line);
	return line;
}

static char *prompt_of(EditLine *edit)
{
	return (char *)line_of(edit)->prompt;
}

/* ---- completion ---- */

struct words {
	struct lk_arena arena;
	const char **items;
	size_t count, cap;
	bool failed;
};

static void add_word(void *to, const char *word)
{
	struct words *w = to;
	const char *copy = lk_arena_strdup(&w->arena, word);

	for (size_t i = 0; i < w->count; i++)
		if (!strcmp(w->items[i], word))
			return;
	if (!copy || !lk_grow((void **)&w->items, &w->cap, w->count + 1, sizeof(*w->items)))
		w->failed = true;
	else
		w->items[w->count++] = copy;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many bytes all words begin with, letter case aside. */
static size_t common_length(const struct words *w)
{
	size_t len = strlen(w->items[0]);

	for (size_t i = 1; i < w->count; i++) {
		size_t k = 0;

		while (k < len && tolower((unsigned char)w->items[0][k]) == tolower((unsigned char)w->items[i][k]))
			k++;
		len = k;
	}
	return len;
}

static void list_words(struct words *w)
{
	struct winsize size = {0};
	size_t widest = 0, columns;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	for (size_t i = 0; i < w->count; i++)
		widest = strlen(w->items[i]) > widest ? strlen(w->items[i]) : widest;
	columns = size.ws_col / (widest + 2);
	fputc('\n', stdout);
	for (size_t i = 0; i < w->count && i < LISTED; i++)
		fprintf(stdout, "%-*s%s", (int)widest + 2, w->items[i], !columns || (i + 1) % columns == 0 || i + 1 == w->count ? "\n" : "");
	if (w->count > LISTED)
		fprintf(stdout, "... and %zu more\n", w->count - LISTED);
	fflush(stdout);
}

static unsigned char apply(EditLine *edit, struct words *w, size_t typed)
{
	struct lk_str rest = LK_STR_INIT;
	size_t common;

	if (!w->count)
		return CC_REFRESH_BEEP;
	common = common_length(w);
	if (common > typed || w->count == 1) {
		lk_str_add(&rest, w->items[0], common);
		if (w->count == 1)
			lk_str_addc(&rest, ' ');
		if (!rest.failed) {
			el_deletestr(edit, (int)typed);
			el_insertstr(edit, rest.data);
		}
		lk_str_release(&rest);
		return CC_REFRESH;
	}
	qsort(w->items, w->count, sizeof(*w->items), by_text);
	list_words(w);
	return CC_REDISPLAY;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || (c & 0x80) || strchr("_.$\\", c);
}

static unsigned char complete(EditLine *edit, int key)
{
	const LineInfo *info = el_line(edit);
	struct lk_line *line = line_of(edit);
	struct lk_str prefix = LK_STR_INIT;
	struct words w = {.arena = LK_ARENA_INIT};
	const char *start = info->cursor;
	unsigned char done = CC_ERROR;

	(void)key;
	while (start > info->buffer && start[-1] && is_word(start[-1]))
		start--;
	lk_str_add(&prefix, start, (size_t)(info->cursor - start));
	if (!prefix.failed) {
		line->words(line->context, lk_str_text(&prefix), add_word, &w);
		done = w.failed ? CC_ERROR : apply(edit, &w, prefix.len);
	}
	free(w.items);
	lk_arena_release(&w.arena);
	lk_str_release(&prefix);
	return done;
}

/* Ctrl-C is a key while a line is typed: the line goes, the session stays. */
static unsigned char cancel(EditLine *edit, int key)
{
	(void)key;
	line_of(edit)->cancelled = true;
	return CC_NEWLINE;
}

/* ---- the history ---- */

static char *history_file(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct lk_str folder = LK_STR_INIT;

	if (state && *state == '/')
		lk_str_addf(&folder, "%s/lk", state);
	else if (home && *home)
		lk_str_addf(&folder, "%s/.local/state/lk", home);
	if (!folder.len || folder.failed || lk_mkdirs(folder.data, 0700, NULL)) {
		lk_str_release(&folder);
		return NULL;
	}
	lk_str_adds(&folder, "/query_history");
	return folder.data;
}

/* A statement as a line of the file: \n for its ends of lines, \\ for a backslash. */
static void add_escaped(struct lk_str *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			lk_str_adds(out, "\\n");
		else if (*text == '\\')
			lk_str_adds(out, "\\\\");
		else
			lk_str_addc(out, *text);
	}
}

static void load(struct lk_line *line)
{
	struct lk_str text = LK_STR_INIT, one = LK_STR_INIT;
	const char *p;

	if (!line->file || lk_file_read(line->file, HISTORY_MAX, &text, NULL)) {
		lk_str_release(&text);
		return;
	}
	for (p = lk_str_text(&text); *p; p += *p == '\n') {
		lk_str_clear(&one);
		for (; *p && *p != '\n'; p++) {
			if (*p == '\\' && p[1] && p[1] != '\n')
				lk_str_addc(&one, *++p == 'n' ? '\n' : *p);
			else
				lk_str_addc(&one, *p);
		}
		if (one.len && !one.failed)
			history(line->history, &line->event, H_ENTER, one.data);
	}
	lk_str_release(&one);
	lk_str_release(&text);
}

void lk_line_remember(struct lk_line *line, const char *statement)
{
	struct lk_str s = LK_STR_INIT;
	int fd;

	if (isspace((unsigned char)*statement) || !*statement)
		return;
	history(line->history, &line->event, H_ENTER, statement);
	add_escaped(&s, statement);
	lk_str_addc(&s, '\n');
	fd = line->file && !s.failed ? open(line->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
	if (fd >= 0) {
		(void)!lk_write(fd, line->file, s.data, s.len, NULL); /* a session goes on without it */
		close(fd);
	}
	lk_str_release(&s);
}

/* So that the file does not grow for ever: what this session knows is what is kept, when there is more. */
static void shorten(struct lk_line *line)
{
	struct lk_str all = LK_STR_INIT;
	struct stat st;

	if (!line->file || stat(line->file, &st) || st.st_size < 1 << 20)
		return;
	for (int rc = history(line->history, &line->event, H_LAST); rc >= 0; rc = history(line->history, &line->event, H_PREV)) {
		add_escaped(&all, line->event.str);
		lk_str_addc(&all, '\n');
	}
	if (!all.failed)
		(void)!lk_file_replace(line->file, 0600, all.data, all.len, NULL);
	lk_str_release(&all);
}

/* ---- lines ---- */

static enum lk_status open_edit(struct lk_line *line, struct lk_error *err)
{
	line->edit = el_init("lk-query", stdin, stdout, stdout);
	line->history = history_init();
	if (!line->edit || !line->history)
		return lk_error_nomem(err);
	history(line->history, &line->event, H_SETSIZE, REMEMBERED);
	history(line->history, &line->event, H_SETUNIQUE, 1);
	el_set(line->edit, EL_CLIENTDATA, line);
	el_set(line->edit, EL_PROMPT, prompt_of);
	el_set(line->edit, EL_EDITOR, "emacs");
	el_set(line->edit, EL_HIST, history, line->history);
	/* The wide form keeps these texts as they are; the other one copies them, and never frees its copies. */
	el_wset(line->edit, EL_ADDFN, L"lk-complete", L"completes a name", complete);
	el_wset(line->edit, EL_ADDFN, L"lk-cancel", L"gives the line up", cancel);
	el_set(line->edit, EL_BIND, "^I", "lk-complete", NULL);
	el_set(line->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(line->edit, NULL); /* ~/.editrc */
	el_set(line->edit, EL_SETTY, "-d", "-isig", NULL);
	el_set(line->edit, EL_BIND, "^C", "lk-cancel", NULL);
	return LK_OK;
}

enum lk_status lk_line_open(struct lk_line **out, lk_line_words *words, void *context, struct lk_error *err)
{
	struct lk_line *line = calloc(1, sizeof(*line));
	enum lk_status status;

	*out = NULL;
	if (!line)
		return lk_error_nomem(err);
	setlocale(LC_CTYPE, ""); /* so that characters are as wide as the terminal shows them */
	line->words = words;
	line->context = context;
	line->file = history_file();
	status = open_edit(line, err);
	if (status) {
		lk_line_close(line);
		return status;
	}
	load(line);
	*out = line;
	return LK_OK;
}

enum lk_line_end lk_line_read(struct lk_line *line, const char *prompt, struct lk_str *out)
{
	const char *text;
	int len;

	line->prompt = prompt;
	line->cancelled = false;
	el_set(line->edit, EL_PREP_TERM, 1); /* before the prompt invites to type: keys would mean what they mean outside of a line */
	text = el_gets(line->edit, &len);
	if (line->cancelled) {
		fputs("^C\n", stdout);
		fflush(stdout);
		return LK_LINE_CANCELLED;
	}
	if (!text || len <= 0)
		return LK_LINE_END;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	lk_str_add(out, text, (size_t)len);
	return LK_LINE_READ;
}

void lk_line_close(struct lk_line *line)
{
	if (!line)
		return;
	if (line->history)
		shorten(line);
	if (line->edit)
		el_end(line->edit);
	if (line->history)
		history_end(line->history);
	free(line->file);
	free(line);
}
