/*
 * make-stream: an lk stream from lines of text, for tests that need one of exactly some shape.
 *
 *	@TABLE NAME:TYPE[!] ...   a table begins; ! is "never null"; for lk.files and lk.rejects no columns are given
 *	%KEY VALUE                metadata of the table named next
 *	NAME=VALUE|NAME=VALUE     a row; columns that are not named are null, or 0 or empty where they must not be
 *	*N NAME=VALUE|...         N rows, with `#` in values standing for 0 to N-1
 *	!                         die here: no end marker
 *
 * Types: bool int32 int64 float64 utf8 binary date32 time timestamp timestamptz decimal(P,S).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tool.h"
#include "stream/side.h"
#include "stream/stream.h"

#define MAX_COLUMNS 200

static struct lk_error err;
static struct lk_writer *writer;
static struct lk_builder builder;
static char table[256];
static bool open_table;
static struct lk_meta meta[32];
static int meta_count;

static void check(enum lk_status status)
{
	if (!status)
		return;
	fprintf(stderr, "make-stream: %s\n", err.message);
	exit(status);
}

static void fail(const char *what, const char *text)
{
	fprintf(stderr, "make-stream: %s: '%s'\n", what, text);
	exit(64);
}

static void end_table(void)
{
	if (!open_table)
		return;
	check(lk_writer_flush(writer, table, &builder, &err));
	lk_builder_release(&builder);
	open_table = false;
}

static void parse_type(struct lk_field *field, const char *word)
{
	static const char *const words[] = {[LK_BOOL] = "bool", [LK_INT32] = "int32", [LK_INT64] = "int64",
		[LK_FLOAT64] = "float64", [LK_UTF8] = "utf8", [LK_BINARY] = "binary", [LK_DATE32] = "date32",
		[LK_TIME64] = "time", [LK_TIMESTAMP] = "timestamp", [LK_TIMESTAMPTZ] = "timestamptz"};

	field->type = LK_OTHER;
	if (sscanf(word, "decimal(%d,%d)", &field->precision, &field->scale) == 2)
		field->type = LK_DECIMAL128;
	for (int i = 0; i < LK_OTHER; i++)
		if (i != LK_DECIMAL128 && !strcmp(word, words[i]))
			field->type = (enum lk_type)i;
	if (field->type == LK_OTHER)
		fail("no such type", word);
}

static int parse_columns(struct lk_field *fields, char *text)
{
	int count = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		char *colon = strchr(word, ':');
		size_t len = strlen(word);

		if (!colon || count == MAX_COLUMNS)
			fail("not a column", word);
		fields[count] = (struct lk_field){.name = word, .required = word[len - 1] == '!'};
		if (fields[count].required)
			word[len - 1] = '\0';
		*colon = '\0';
		parse_type(&fields[count++], colon + 1);
	}
	return count;
}

static int count_fields(const struct lk_field *fields)
{
	int n = 0;

	while (fields[n].name)
		n++;
	return n;
}

static void begin_table(char *line)
{
	struct lk_field own[MAX_COLUMNS];
	char *blank = strchr(line, ' ');

	end_table();
	if (blank)
		*blank = '\0';
	snprintf(table, sizeof(table), "%s", line);
	meta[meta_count] = (struct lk_meta){NULL, NULL};
	if (!strcmp(table, LK_TABLE_FILES))
		check(lk_builder_init(&builder, lk_files_fields, count_fields(lk_files_fields), meta, &err));
	else if (!strcmp(table, LK_TABLE_REJECTS))
		check(lk_builder_init(&builder, lk_rejects_fields, count_fields(lk_rejects_fields), meta, &err));
	else if (!strcmp(table, LK_TABLE_REPLAYED))
		check(lk_builder_init(&builder, lk_replayed_fields, count_fields(lk_replayed_fields), meta, &err));
	else if (!strcmp(table, LK_TABLE_VERSIONS))
		check(lk_builder_init(&builder, lk_versions_fields, count_fields(lk_versions_fields), meta, &err));
	else if (!strcmp(table, LK_TABLE_MEMBERS))
		check(lk_builder_init(&builder, lk_members_fields, count_fields(lk_members_fields), meta, &err));
	else
		check(lk_builder_init(&builder, own, parse_columns(own, blank ? blank + 1 : line + strlen(line)), meta, &err));
	while (meta_count) {
		free((char *)meta[--meta_count].key);
		free((char *)meta[meta_count].value);
	}
	open_table = true;
}

static void add_value(struct lk_column *c, const struct ArrowSchema *schema, const char *text)
{
	int precision = 0, scale = 0;
	int32_t days;
	int64_t number = 0;
	lk_int128 wide;
	bool zone, good = true;
	size_t len = strlen(text);
	double real;

	lk_type_of(schema, &precision, &scale);
	switch (c->type) {
	case LK_BOOL: lk_column_bool(c, !strcmp(text, "true")); break;
	case LK_INT32: lk_column_int32(c, (int32_t)atol(text)); break;
	case LK_INT64: good = lk_int64_parse(text, len, &number); lk_column_int64(c, number); break;
	case LK_FLOAT64: good = lk_float64_parse(text, len, &real); lk_column_float64(c, good ? real : 0); break;
	case LK_DECIMAL128:
		good = lk_decimal_parse(text, len, precision, scale, &wide);
		lk_column_decimal(c, good ? wide : 0);
		break;
	case LK_DATE32: good = lk_date_parse(text, len, &days); lk_column_int32(c, good ? days : 0); break;
	case LK_TIME64: good = lk_time_parse(text, len, &number); lk_column_int64(c, number); break;
	case LK_TIMESTAMP:
	case LK_TIMESTAMPTZ: good = lk_timestamp_parse(text, len, &number, &zone); lk_column_int64(c, number); break;
	default: lk_column_text(c, text);
	}
	if (!good)
		fail("not such a value", text);
}

/* The value of a column in `name=value|name=value`, with # replaced, or NULL. */
static const char *find_value(const char *row, const char *name, long index, char *out, size_t size)
{
	size_t len = strlen(name), used = 0;

	for (const char *p = row; p; p = strchr(p, '|')) {
		p += *p == '|';
		if (strncmp(p, name, len) || p[len] != '=')
			continue;
		for (p += len + 1; *p && *p != '|' && used + 24 < size; p++)
			if (*p == '#' && index >= 0)
				used += (size_t)snprintf(out + used, size - used, "%ld", index);
			else
				out[used++] = *p;
		out[used] = '\0';
		return out;
	}
	return NULL;
}

static void add_zero(struct lk_column *c)
{
	switch (c->type) {
	case LK_UTF8:
	case LK_BINARY: lk_column_text(c, ""); break;
	case LK_INT64:
	case LK_TIME64:
	case LK_TIMESTAMP:
	case LK_TIMESTAMPTZ: lk_column_int64(c, 0); break;
	case LK_BOOL: lk_column_bool(c, false); break;
	case LK_FLOAT64: lk_column_float64(c, 0); break;
	case LK_DECIMAL128: lk_column_decimal(c, 0); break;
	default: lk_column_int32(c, 0);
	}
}

static void add_row(const char *row, long index)
{
	char text[4096];

	if (!open_table)
		fail("a row before a table", row);
	for (int i = 0; i < builder.column_count; i++) {
		const struct ArrowSchema *schema = builder.schema.children[i];
		const char *value = find_value(row, schema->name, index, text, sizeof(text));

		if (value)
			add_value(&builder.columns[i], schema, value);
		else if (schema->flags & ARROW_FLAG_NULLABLE)
			lk_column_null(&builder.columns[i]);
		else
			add_zero(&builder.columns[i]);
	}
	check(lk_builder_end_row(&builder, &err));
	if (lk_builder_full(&builder))
		check(lk_writer_flush(writer, table, &builder, &err));
}

static void take_line(char *line)
{
	char *blank;
	long n;

	switch (*line) {
	case '@':
		begin_table(line + 1);
		break;
	case '%':
		blank = strchr(line, ' ');
		if (!blank || meta_count == 31)
			fail("no value", line);
		meta[meta_count++] = (struct lk_meta){strndup(line + 1, (size_t)(blank - line - 1)), strdup(blank + 1)};
		break;
	case '*':
		n = strtol(line + 1, &line, 10);
		for (long i = 0; i < n; i++)
			add_row(line + 1, i);
		break;
	case '!':
		end_table();
		exit(0);
	case '\0':
		break;
	default:
		add_row(line, -1);
	}
}

int main(void)
{
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	check(lk_writer_open(&writer, STDOUT_FILENO, "standard output", false, &err));
	while ((len = getline(&line, &cap, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		take_line(line);
	}
	free(line);
	end_table();
	check(lk_writer_close(writer, &err));
	return 0;
}
