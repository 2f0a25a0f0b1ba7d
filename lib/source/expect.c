#include "source/expect.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/commands.h"
#include "base/file.h"
#include "source/package.h"
#include "stream/stream.h"

#define ENDING ".jsonl"
#define EXACT_DIGITS 15 /* that a double holds, whatever they are */

/* One line of an expectation. */
struct line {
	int number;
	char *text; /* borrowed from the file's */
	json_t *row;
};

/* The expectation of one table and what came. */
struct comparison {
	const char *table;
	char *path;
	bool there; /* the file */
	struct lk_str text;
	struct line *lines;
	size_t line_count, line_cap;
	const struct lk_sample_row **rows;
	size_t row_count;
};

/* ---- cells ---- */

static int significant_digits(const char *number)
{
	int n = 0;

	for (const char *p = number; *p && *p != 'e' && *p != 'E'; p++)
		if (isdigit((unsigned char)*p) && (n || *p != '0'))
			n++;
	return n;
}

static bool is_number(const char *cell)
{
	return *cell == '-' || isdigit((unsigned char)*cell);
}

static bool number_is(const json_t *expected, const char *cell, bool decimal)
{
	char text[32];

	if (!is_number(cell))
		return false;
	snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(expected));
	if (json_is_integer(expected) && !strcmp(text, cell))
		return true;
	if (significant_digits(cell) > EXACT_DIGITS && (decimal || !strpbrk(cell, ".eE")))
		return false; /* only a text says such a number */
	return strtod(cell, NULL) == json_number_value(expected);
}

static bool text_is(const json_t *expected, const char *cell)
{
	json_t *value;
	bool same;

	if (is_number(cell))
		return !strcmp(json_string_value(expected), cell);
	value = json_loads(cell, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	same = json_equal(value, expected);
	json_decref(value);
	return same;
}

static bool cell_is(const json_t *expected, const char *cell, bool decimal)
{
	switch (json_typeof(expected)) {
	case JSON_NULL:
		return !strcmp(cell, "null");
	case JSON_TRUE:
		return !strcmp(cell, "true");
	case JSON_FALSE:
		return !strcmp(cell, "false");
	case JSON_STRING:
		return text_is(expected, cell);
	case JSON_INTEGER:
	case JSON_REAL:
		return number_is(expected, cell, decimal);
	default:
		return false;
	}
}

/* A column that this row's resource does not have, but another one of the table, reads as null. */
static bool row_is(const struct line *line, const struct lk_sample_row *row)
{
	const char *key;
	json_t *value;

	json_object_foreach(line->row, key, value)
	{
		bool decimal = false;
		const char *cell = lk_sample_cell(row, key, &decimal);

		if (!cell_is(value, cell ? cell : "null", decimal))
			return false;
	}
	return true;
}

/* ---- what is shown and written of a row ---- */

static bool is_shown(const char *table, const char *column)
{
	static const char *const files[] = {"table", "status", "error", NULL};
	static const char *const rejects[] = {"table", "record", "line", "field", "reason", NULL};
	const char *const *list = !strcmp(table, LK_TABLE_FILES) ? files : !strcmp(table, LK_TABLE_REJECTS) ? rejects : NULL;

	if (!list)
		return strcmp(column, LK_COLUMN_FILE) && strcmp(column, LK_COLUMN_ROW) && strcmp(column, LK_COLUMN_SENT);
	while (*list && strcmp(*list, column))
		list++;
	return *list;
}

static void add_cell(struct lk_str *out, const char *name, const char *cell, bool decimal)
{
	bool as_text = decimal && is_number(cell) && significant_digits(cell) > EXACT_DIGITS;

	lk_str_addc(out, out->len && out->data[out->len - 1] != '{' ? ',' : '{');
	lk_str_add_json(out, name, strlen(name));
	lk_str_addf(out, as_text ? ":\"%s\"" : ":%s", cell);
}

/* like: only its columns, in its order; NULL: those that are shown of this table. */
static void add_row(struct lk_str *out, const char *table, const struct lk_sample_row *row, const struct line *like)
{
	const char *key;
	json_t *value;

	if (like)
		json_object_foreach(like->row, key, value)
		{
			bool decimal = false;
			const char *cell = lk_sample_cell(row, key, &decimal);

			add_cell(out, key, cell ? cell : "null", decimal);
		}
	for (int i = 0; !like && i < row->shape->count; i++)
		if (is_shown(table, row->shape->names[i]))
			add_cell(out, row->shape->names[i], row->cells[i], row->shape->decimal[i]);
	lk_str_adds(out, out->len ? "}" : "{}");
}

/* ---- reading ---- */

static enum lk_status add_line(struct comparison *c, char *text, int number, struct lk_error *err)
{
	json_error_t problem;
	struct line line = {number, text, NULL};

	if (!text[strspn(text, " \t\r")])
		return LK_OK;
	line.row = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
	if (!line.row)
		return lk_error_set(err, LK_CONFIG, "'%s' line %d: %s", c->path, number, problem.text);
	if (!json_is_object(line.row)) {
		json_decref(line.row);
		return lk_error_set(err, LK_CONFIG, "'%s' line %d: must be an object", c->path, number);
	}
	if (!lk_grow((void **)&c->lines, &c->line_cap, c->line_count + 1, sizeof(*c->lines))) {
		json_decref(line.row);
		return lk_error_nomem(err);
	}
	c->lines[c->line_count++] = line;
	return LK_OK;
}

static enum lk_status read_expectation(struct comparison *c, struct lk_error *err)
{
	struct stat st;
	int number = 1;
	char *end;

	c->there = !stat(c->path, &st);
	if (!c->there)
		return LK_OK;
	LK_TRY(lk_file_read(c->path, LK_SAMPLE_BYTES, &c->text, err));
	for (char *p = c->text.data; p && *p; p = end, number++) {
		end = p + strcspn(p, "\n");
		if (*end)
			*end++ = '\0';
		LK_TRY(add_line(c, p, number, err));
	}
	return LK_OK;
}

static bool table_has(const struct comparison *c, const char *column)
{
	bool decimal;

	for (size_t i = 0; i < c->row_count; i++)
		if (lk_sample_cell(c->rows[i], column, &decimal))
			return true;
	return false;
}

/* A column that the table does not have is a mistake, rather than a difference. */
static enum lk_status check_columns(const struct comparison *c, struct lk_error *err)
{
	const char *key, *near;
	json_t *value;

	for (size_t i = 0; c->row_count && i < c->line_count; i++)
		json_object_foreach(c->lines[i].row, key, value)
		{
			const struct lk_shape *shape = c->rows[i < c->row_count ? i : 0]->shape;

			if (lk_sample_cell(c->rows[i < c->row_count ? i : 0], key, &(bool){false}) || table_has(c, key))
				continue;
			near = lk_nearest(shape->names, (size_t)shape->count, key);
			return lk_error_set(err, LK_CONFIG, "'%s' line %d: the table has no column '%s'%s%s%s", c->path,
				c->lines[i].number, key, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
	return LK_OK;
}

/* Rows that count: of lk.files, where nothing is expected of it, only those that tell of trouble. */
static enum lk_status take_rows(struct comparison *c, const struct lk_sample_result *r, struct lk_error *err)
{
	const struct lk_sample_table *t = lk_sample_find(r, c->table);
	bool only_trouble = !strcmp(c->table, LK_TABLE_FILES) && !c->there, decimal;

	c->rows = calloc(t ? t->count + 1 : 1, sizeof(*c->rows));
	if (!c->rows)
		return lk_error_nomem(err);
	for (size_t i = 0; t && i < t->count; i++)
		if (!only_trouble || strcmp(lk_sample_cell(&t->rows[i], "status", &decimal), "\"ok\""))
			c->rows[c->row_count++] = &t->rows[i];
	return LK_OK;
}

/* ---- comparing ---- */

static void show_row(const struct lk_expect *e, const struct comparison *c, size_t at, const struct line *like)
{
	struct lk_str text = LK_STR_INIT;

	add_row(&text, c->table, c->rows[at], like);
	fprintf(e->out, "+%s\n", lk_str_text(&text));
	lk_str_release(&text);
}

static void show(const struct lk_expect *e, const struct comparison *c, size_t from, size_t line_end, size_t row_end)
{
	fprintf(e->out, "--- %s\n+++ %s: table %s\n", c->path, e->sample->path, c->table);
	for (size_t i = from; i < line_end || i < row_end; i++) {
		if (i < line_end && i < row_end && row_is(&c->lines[i], c->rows[i]))
			continue;
		fputs("@@", e->out);
		if (i < line_end)
			fprintf(e->out, " -%d", c->lines[i].number);
		if (i < row_end)
			fprintf(e->out, " +%zu", i + 1);
		fputs(" @@\n", e->out);
		if (i < line_end)
			fprintf(e->out, "-%s\n", c->lines[i].text);
		if (i < row_end)
			show_row(e, c, i, i < line_end ? &c->lines[i] : NULL);
	}
}

/* Whether all is as it must be; what is not, is shown. Rows that are alike at either end are passed over, so that one row
 * more or less is one difference. */
static bool compare(const struct lk_expect *e, const struct comparison *c)
{
	size_t from = 0, line_end = c->line_count, row_end = c->row_count;

	while (from < line_end && from < row_end && row_is(&c->lines[from], c->rows[from]))
		from++;
	while (line_end > from && row_end > from && row_is(&c->lines[line_end - 1], c->rows[row_end - 1])) {
		line_end--;
		row_end--;
	}
	if (from == line_end && from == row_end)
		return true;
	if (!e->accept)
		show(e, c, from, line_end, row_end);
	return false;
}

static enum lk_status write_expectation(struct lk_expect *e, const struct comparison *c, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT, row = LK_STR_INIT;
	enum lk_status status;

	for (size_t i = 0; i < c->row_count; i++) {
		lk_str_clear(&row);
		add_row(&row, c->table, c->rows[i], NULL);
		lk_str_addf(&text, "%s\n", lk_str_text(&row));
	}
	status = row.failed ? lk_error_nomem(err) : lk_str_check(&text, err);
	if (!status)
		status = lk_mkdirs(e->folder, 0777, err);
	if (!status)
		status = c->row_count ? lk_file_replace(c->path, 0666, lk_str_text(&text), text.len, err)
				      : lk_remove(c->path, err);
	lk_str_release(&row);
	lk_str_release(&text);
	if (!status)
		fprintf(e->out, "%s %s\n", c->row_count ? "wrote" : "removed", c->path);
	e->written += !status;
	return status;
}

static enum lk_status check_table_impl(struct lk_expect *e, struct comparison *c, struct lk_error *err)
{
	LK_TRY(read_expectation(c, err));
	LK_TRY(take_rows(c, e->result, err));
	LK_TRY(check_columns(c, err));
	if (compare(e, c))
		return LK_OK;
	if (e->accept)
		return write_expectation(e, c, err);
	e->differs = true;
	return LK_OK;
}

static enum lk_status check_table(struct lk_expect *e, const char *table, struct lk_error *err)
{
	struct comparison c = {.table = table};
	enum lk_status status = LK_OK;

	if (asprintf(&c.path, "%s/%s" ENDING, e->folder, table) < 0) {
		c.path = NULL;
		status = lk_error_nomem(err);
	}
	if (!status)
		status = check_table_impl(e, &c, err);
	for (size_t i = 0; i < c.line_count; i++)
		json_decref(c.lines[i].row);
	free(c.lines);
	free(c.rows);
	free(c.path);
	lk_str_release(&c.text);
	return status;
}

/* ---- all tables ---- */

struct names {
	struct lk_arena arena;
	const char **items;
	size_t count, cap;
};

static enum lk_status add_name(struct names *n, const char *name, size_t len, struct lk_error *err)
{
	char *copy = lk_arena_strndup(&n->arena, name, len);

	if (!copy || !lk_grow((void **)&n->items, &n->cap, n->count + 1, sizeof(*n->items)))
		return lk_error_nomem(err);
	for (size_t i = 0; i < n->count; i++)
		if (!strcmp(n->items[i], copy))
			return LK_OK;
	n->items[n->count++] = copy;
	return LK_OK;
}

static enum lk_status list_expectations(struct names *n, DIR *dir, struct lk_error *err)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (*entry->d_name != '.' && len > strlen(ENDING) && !strcmp(entry->d_name + len - strlen(ENDING), ENDING))
			LK_TRY(add_name(n, entry->d_name, len - strlen(ENDING), err));
	}
	return LK_OK;
}

/* Without a folder of expectations, only that all of the sample can be read is expected. */
static enum lk_status list_tables(struct names *n, const struct lk_expect *e, struct lk_error *err)
{
	DIR *dir = opendir(e->folder);
	enum lk_status status = LK_OK;

	if (!dir && errno != ENOENT)
		return lk_error_sys(err, LK_NOINPUT, "cannot open '%s'", e->folder);
	LK_TRY(add_name(n, LK_TABLE_FILES, strlen(LK_TABLE_FILES), err));
	LK_TRY(add_name(n, LK_TABLE_REJECTS, strlen(LK_TABLE_REJECTS), err));
	for (size_t i = 0; !status && (dir || e->accept) && i < e->result->count; i++)
		status = add_name(n, e->result->tables[i].name, strlen(e->result->tables[i].name), err);
	if (!status && dir)
		status = list_expectations(n, dir, err);
	if (dir)
		closedir(dir);
	return status;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum lk_status lk_expect_check(struct lk_expect *e, struct lk_error *err)
{
	struct names names = {.arena = LK_ARENA_INIT};
	enum lk_status status = list_tables(&names, e, err);

	if (!status)
		qsort(names.items, names.count, sizeof(*names.items), compare_names);
	for (size_t i = 0; !status && i < names.count; i++)
		status = check_table(e, names.items[i], err);
	free(names.items);
	lk_arena_release(&names.arena);
	return status;
}
