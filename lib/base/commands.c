#include "base/commands.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

#define PREFIX "lk-"
#define MAX_TYPED 64 /* longer words are near to nothing */
#define MAX_HELP (64 * 1024) /* bytes of --help that are looked at */

static bool is_command_name(const char *file)
{
	if (strncmp(file, PREFIX, strlen(PREFIX)) || !file[strlen(PREFIX)])
		return false;
	for (; *file; file++)
		if (!isalnum((unsigned char)*file) && *file != '-')
			return false;
	return true;
}

static enum lk_status add_directory(struct lk_commands *c, const char *path, struct lk_error *err)
{
	DIR *dir = path ? opendir(path) : NULL;
	enum lk_status status = LK_OK;
	struct dirent *entry;

	while (dir && !status && (entry = readdir(dir))) {
		const char *name;

		if (!is_command_name(entry->d_name) || faccessat(dirfd(dir), entry->d_name, X_OK, 0))
			continue;
		name = lk_arena_strdup(&c->arena, entry->d_name + strlen(PREFIX));
		if (!name || !lk_grow((void **)&c->names, &c->cap, c->count + 1, sizeof(*c->names)))
			status = lk_error_nomem(err);
		else
			c->names[c->count++] = name;
	}
	if (dir)
		closedir(dir);
	return status;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum lk_status lk_commands_list(struct lk_commands *c, struct lk_error *err)
{
	char *own = lk_program_dir();
	enum lk_status status;
	size_t kept = 0;

	*c = (struct lk_commands){.arena = LK_ARENA_INIT};
	status = add_directory(c, getenv("LK_EXEC_PATH"), err);
	if (!status)
		status = add_directory(c, own, err);
	free(own);
	if (status)
		return status;
	if (c->count)
		qsort(c->names, c->count, sizeof(*c->names), by_name);
	for (size_t i = 0; i < c->count; i++)
		if (!kept || strcmp(c->names[kept - 1], c->names[i]))
			c->names[kept++] = c->names[i];
	c->count = kept;
	return LK_OK;
}

void lk_commands_release(struct lk_commands *c)
{
	free(c->names);
	lk_arena_release(&c->arena);
	*c = (struct lk_commands){.arena = LK_ARENA_INIT};
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Letters to add, drop, change, or swap with their neighbour to make b of a ("optimal string alignment"). */
static size_t edits(const char *a, const char *b)
{
	size_t rows[3][MAX_TYPED + 1], *before = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t width = strlen(b);

	for (size_t j = 0; j <= width; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[width];
}

const char *lk_nearest(const char *const *names, size_t count, const char *typed)
{
	const char *best = NULL;
	size_t best_edits = strlen(typed) < 5 ? 2 : 3; /* fewer than this is near */

	if (strlen(typed) > MAX_TYPED)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(names[i]) > MAX_TYPED ? SIZE_MAX : edits(typed, names[i]);

		if (strlen(typed) > 2 && !strncmp(names[i], typed, strlen(typed)))
			n = 1;
		if (n < best_edits) {
			best = names[i];
			best_edits = n;
		}
	}
	return best;
}

const char *lk_commands_nearest(const struct lk_commands *c, const char *typed)
{
	return lk_nearest(c->names, c->count, typed);
}

static enum lk_status read_to_end(int fd, struct lk_str *out, struct lk_error *err)
{
	char buf[4096];
	size_t got;

	do {
		LK_TRY(lk_read(fd, "--help", buf, sizeof(buf), &got, err));
		if (out->len < MAX_HELP)
			lk_str_add(out, buf, got);
	} while (got);
	return lk_str_check(out, err);
}

static enum lk_status read_help_impl(const char *path, int null, int out[2], struct lk_child *child,
	struct lk_str *help, struct lk_error *err)
{
	const char *argv[] = {path, "--help", NULL};
	enum lk_status status;

	if (null < 0 || pipe2(out, O_CLOEXEC) < 0)
		return lk_error_sys(err, LK_MISSING, "cannot run '%s'", path);
	status = lk_child_start(child, path, argv, (int[3]){null, out[1], null}, err);
	close(out[1]);
	out[1] = -1;
	return status ? status : read_to_end(out[0], help, err);
}

static enum lk_status read_help(const char *path, struct lk_str *help, struct lk_error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), out[2] = {-1, -1};
	struct lk_child child = {.pidfd = -1};
	enum lk_status status = read_help_impl(path, null, out, &child, help, err);

	lk_child_end(&child);
	for (int i = 0; i < 2; i++)
		if (out[i] >= 0)
			close(out[i]);
	if (null >= 0)
		close(null);
	return status;
}

/* Whether the full stop at p ends a sentence, and is none of an abbreviation ("e.g. so") or of a name (lk.members). */
static bool ends_sentence(const char *p)
{
	size_t gap = strspn(p + 1, " \n");

	return !p[1 + gap] || (gap && !islower((unsigned char)p[1 + gap]));
}

/* --help is usage, an empty line, what it is about, an empty line, the options. The sentence may go over lines. */
static char *first_sentence(struct lk_arena *arena, const char *help)
{
	const char *begin = strstr(help, "\n\n"), *end;
	int depth = 0;
	char *text;

	begin = begin ? begin + 2 : "";
	for (end = begin; *end && strncmp(end, "\n\n", 2); end++) {
		depth += (*end == '(') - (*end == ')');
		if (*end == '.' && depth <= 0 && ends_sentence(end))
			break;
	}
	text = lk_arena_strndup(arena, begin, (size_t)(end - begin));
	for (char *p = text; p && *p; p++)
		if (*p == '\n')
			*p = ' ';
	return text;
}

enum lk_status lk_commands_about(struct lk_commands *c, const char *name, const char **about, struct lk_error *err)
{
	char *file = lk_arena_printf(&c->arena, PREFIX "%s", name), *path = NULL;
	struct lk_str help = LK_STR_INIT;
	enum lk_status status;

	*about = "";
	if (!file)
		return lk_error_nomem(err);
	status = lk_program_find(file, &path, err);
	if (!status)
		status = read_help(path, &help, err);
	if (!status) {
		*about = first_sentence(&c->arena, lk_str_text(&help));
		if (!*about)
			status = lk_error_nomem(err);
	}
	lk_str_release(&help);
	free(path);
	return status;
}
