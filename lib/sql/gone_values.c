/* Equality deletes as joins: one for each set of columns that some go by. */
#include <stdlib.h>
#include <string.h>

#include "sql/gone.h"
#include "sql/view.h"

static int by_number(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* The columns of a file of deletes as text, in order. */
static char *set_of(const struct lk_data_file *file)
{
	int32_t *ids = malloc(((size_t)file->equality_count + 1) * sizeof(*ids));
	struct lk_str s = LK_STR_INIT;

	if (!ids)
		return NULL;
	memcpy(ids, file->equality_ids, (size_t)file->equality_count * sizeof(*ids));
	qsort(ids, (size_t)file->equality_count, sizeof(*ids), by_number);
	for (int i = 0; i < file->equality_count; i++)
		lk_str_addf(&s, "%d,", ids[i]);
	free(ids);
	return s.data;
}

/* ---- one set ---- */

struct set {
	const struct lk_gone *gone;
	struct lk_file_scan *scan; /* to ask for columns, which it has */
	const struct lk_data_file *of; /* one of its files, which says the columns */
	int *files;	      /* numbers of the files of deletes */
	int count;
};

static void add_list(const struct set *set, bool keys, struct lk_str *s)
{
	const struct lk_gone *g = set->gone;

	lk_str_adds(s, "([");
	for (int i = 0; i < set->count; i++) {
		int file = set->files[i];

		lk_str_adds(s, i ? ", " : "");
		if (keys && g->is_global[file])
			lk_str_adds(s, "NULL");
		else
			lk_str_addf(s, "%lld", keys ? (long long)g->key_of_equality[file] : (long long)g->table->equality[file].sequence);
	}
	lk_str_adds(s, "]::BIGINT[])[CAST(file_index AS BIGINT) + 1]");
}

static void add_paths(const struct set *set, struct lk_str *s)
{
	lk_str_addc(s, '[');
	for (int i = 0; i < set->count; i++) {
		lk_str_adds(s, i ? ", " : "");
		lk_sql_add_path(s, set->gone->table->equality[set->files[i]].path);
	}
	lk_str_addc(s, ']');
}

/* A file of deletes without the ids of its columns would seem to delete nulls. */
static enum lk_status check_ids(const struct set *set, struct lk_sql *sql, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_adds(&s, "SELECT error('''' || file_name || ''' lacks the field ids of columns that it deletes by') FROM parquet_schema(");
	add_paths(set, &s);
	lk_str_adds(&s, ") GROUP BY file_name HAVING count(DISTINCT field_id) FILTER (field_id IN (");
	for (int i = 0; i < set->of->equality_count; i++)
		lk_str_addf(&s, "%s%d", i ? ", " : "", set->of->equality_ids[i]);
	lk_str_addf(&s, ")) < %d", set->of->equality_count);
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(sql, s.data, err);
	lk_str_release(&s);
	return status;
}

/* The values, each once for a partition with the youngest of its deletes: (SELECT k0, k1, part, max(seq) AS seq ...) */
static enum lk_status add_values(const struct set *set, struct lk_str *s, struct lk_error *err)
{
	lk_str_adds(s, "(SELECT ");
	for (int i = 0; i < set->of->equality_count; i++)
		lk_str_addf(s, "k%d, ", i);
	lk_str_adds(s, "part, max(seq) AS seq FROM (SELECT *, ");
	add_list(set, true, s);
	lk_str_adds(s, " AS part, ");
	add_list(set, false, s);
	lk_str_adds(s, " AS seq FROM read_parquet(");
	add_paths(set, s);
	lk_str_adds(s, ", hive_partitioning = false, can_have_nan = true, schema = MAP {");
	for (int i = 0; i < set->of->equality_count; i++) {
		const struct lk_lake_column *c = &set->scan->columns[lk_scan_column(set->scan, set->of->equality_ids[i])];
		struct lk_str type = LK_STR_INIT;
		enum lk_status status = lk_scan_add_type(set->scan->table, c, &type, err);

		lk_str_addf(s, "%s%d: {name: 'k%d', type: ", i ? ", " : "", c->id, i);
		lk_sql_add_literal(s, lk_str_text(&type));
		lk_str_adds(s, ", default_value: NULL}");
		lk_str_release(&type);
		if (status)
			return status;
	}
	lk_str_adds(s, "})) GROUP BY ALL)");
	return LK_OK;
}

/* Of each data file its sequence number, or the number of its partition. */
static void add_data_list(const struct lk_gone *g, bool keys, struct lk_str *s)
{
	lk_str_adds(s, "([");
	for (int i = 0; i < g->table->file_count; i++)
		lk_str_addf(s, "%s%lld", i ? ", " : "", keys ? (long long)g->key_of_file[i] : (long long)g->table->files[i].sequence);
	lk_str_adds(s, "]::BIGINT[])[l.f + 1]");
}

/* A null is equal to a null here. */
static enum lk_status add_join(const struct set *set, int number, struct lk_sql *sql, struct lk_str *s, struct lk_error *err)
{
	LK_TRY(check_ids(set, sql, err));
	lk_str_adds(s, " ANTI JOIN ");
	LK_TRY(add_values(set, s, err));
	lk_str_addf(s, " e%d ON ", number);
	for (int i = 0; i < set->of->equality_count; i++)
		lk_str_addf(s, "l.c%d IS NOT DISTINCT FROM e%d.k%d AND ", lk_scan_column(set->scan, set->of->equality_ids[i]), number, i);
	add_data_list(set->gone, false, s);
	lk_str_addf(s, " < e%d.seq AND (e%d.part IS NULL OR e%d.part = ", number, number, number);
	add_data_list(set->gone, true, s);
	lk_str_addc(s, ')');
	return LK_OK;
}

/* ---- all sets ---- */

static enum lk_status add_joins(const struct lk_gone *g, struct lk_file_scan *scan, char **names, int *files, struct lk_sql *sql,
	struct lk_str *s, struct lk_error *err)
{
	const struct lk_lake_table *t = g->table;
	int number = 0;

	for (int i = 0; i < t->equality_count; i++) {
		struct set set = {g, scan, &t->equality[i].entry, files, 0};
		bool first = true;

		if (!set.of->equality_count)
			return lk_error_set(err, LK_DATA, "'%s' does not say by which columns it deletes", t->equality[i].uri);
		if (!g->equality[i])
			continue;
		for (int j = 0; j < t->equality_count; j++)
			if (g->equality[j] && !strcmp(names[i], names[j])) {
				first = first && j >= i;
				files[set.count++] = j;
			}
		if (first)
			LK_TRY(add_join(&set, number++, sql, s, err));
	}
	return LK_OK;
}

enum lk_status lk_gone_add_joins(const struct lk_gone *g, struct lk_file_scan *scan, struct lk_sql *sql, struct lk_str *s, struct lk_error *err)
{
	size_t count = (size_t)g->table->equality_count;
	char **names = calloc(count + 1, sizeof(*names));
	int *files = malloc((count + 1) * sizeof(*files));
	enum lk_status status = names && files ? LK_OK : lk_error_nomem(err);

	for (size_t i = 0; !status && i < count; i++)
		if (!(names[i] = set_of(&g->table->equality[i].entry)) && g->table->equality[i].entry.equality_count)
			status = lk_error_nomem(err);
	if (!status)
		status = add_joins(g, scan, names, files, sql, s, err);
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
	free(files);
	return status;
}
