#include "sql/repl_names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TABLES 200 /* whose columns are read */

static const char *const commands[] = {"\\?", "\\d", "\\dt", "\\f", "\\o", "\\q", "\\timing"};

static const char *const words[] = {
	"all", "and", "any", "as", "asc", "between", "by", "case", "cast", "cross", "desc", "describe", "distinct", "else", "end", "except",
	"exclude", "exists", "explain", "false", "filter", "from", "full", "group", "having", "ilike", "in", "inner", "intersect", "interval",
	"is", "join", "last", "lateral", "left", "like", "limit", "natural", "not", "null", "nulls", "offset", "on", "or", "order", "outer",
	"over", "partition", "pivot", "qualify", "recursive", "replace", "right", "sample", "select", "semi", "similar", "summarize", "then",
	"true", "union", "unnest", "unpivot", "using", "values", "when", "where", "window", "with",
	/* functions */
	"abs(", "arg_max(", "arg_min(", "avg(", "coalesce(", "concat(", "count(", "current_date", "date_diff(", "date_part(", "date_trunc(",
	"first(", "greatest(", "ifnull(", "lag(", "lead(", "least(", "length(", "list(", "lower(", "max(", "max_by(", "median(", "min(",
	"min_by(", "now()", "nullif(", "quantile_cont(", "rank(", "regexp_extract(", "regexp_matches(", "regexp_replace(", "round(",
	"row_number(", "split_part(", "stddev(", "strftime(", "string_agg(", "strptime(", "substring(", "sum(", "trim(", "try_cast(", "upper(",
};

static bool begins(const char *word, const char *prefix)
{
	return !strncasecmp(word, prefix, strlen(prefix));
}

static void open_lake(struct lk_repl_names *n)
{
	char *path = NULL;

	n->loaded = true;
	if (lk_lake_find(n->lake, &path, NULL) || lk_lake_open(&n->opened, path, LK_LAKE_READONLY, NULL) ||
		lk_lake_pin(n->opened, &n->pin, NULL)) {
		free(path);
		return;
	}
	free(path);
	for (int i = 0; i < n->pin.table_count && i < MAX_TABLES; i++)
		(void)!lk_lake_table_open(&n->pin, &n->pin.tables[i], NULL, NULL); /* one without columns has none to offer */
}

/* SQL's words are written as the person writes. */
static void add_words(const char *prefix, lk_line_add *add, void *to)
{
	char word[32];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t k = 0;

		if (!begins(words[i], prefix))
			continue;
		for (; words[i][k]; k++)
			word[k] = (char)(isupper((unsigned char)*prefix) ? toupper((unsigned char)words[i][k]) : words[i][k]);
		word[k] = '\0';
		add(to, word);
	}
}

static void add_tables(const struct lk_repl_names *n, const char *prefix, lk_line_add *add, void *to)
{
	struct lk_str full = LK_STR_INIT;

	for (int i = 0; i < n->pin.table_count; i++) {
		const struct lk_lake_table *t = &n->pin.tables[i];

		lk_str_clear(&full);
		lk_str_addf(&full, "%s.%s", t->namespace_name, t->name);
		if (begins(t->name, prefix) && (!strcmp(t->namespace_name, LK_MAIN) || *prefix))
			add(to, t->name);
		if (!full.failed && strcmp(t->namespace_name, LK_MAIN) && begins(full.data, prefix))
			add(to, full.data);
		for (int k = 0; k < t->column_count && *prefix; k++)
			if (begins(t->columns[k].name, prefix))
				add(to, t->columns[k].name);
	}
	lk_str_release(&full);
}

void lk_repl_words(void *context, const char *prefix, lk_line_add *add, void *to)
{
	struct lk_repl_names *n = context;

	if (*prefix == '\\') {
		for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
			if (begins(commands[i], prefix))
				add(to, commands[i]);
		return;
	}
	if (!n->loaded)
		open_lake(n);
	if (*prefix)
		add_words(prefix, add, to);
	add_tables(n, prefix, add, to);
}

void lk_repl_names_clear(struct lk_repl_names *n)
{
	if (!n->loaded)
		return;
	lk_pin_release(&n->pin);
	lk_lake_close(n->opened);
	*n = (struct lk_repl_names){.lake = n->lake};
}
