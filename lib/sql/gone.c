#include "sql/gone.h"

#include <stdlib.h>
#include <string.h>

#include "lake/metadata.h"
#include "sql/view.h"

/* ---- partitions by number ---- */

/* A file's partition as text, and where its number goes. */
struct keyed {
	char *text;
	int *number;
	bool is_data;
};

static void add_key(const struct lk_data_file *file, struct lk_str *s)
{
	lk_str_addf(s, "%d", file->spec_id);
	for (int i = 0; i < file->partition_count; i++) {
		const struct lk_partition_value *v = &file->partition[i];

		lk_str_addf(s, ",%d:%zu%s:", v->field_id, v->value.len, v->null ? "-" : "");
		for (size_t j = 0; !v->null && j < v->value.len; j++)
			lk_str_addf(s, "%02x", (unsigned char)v->value.data[j]);
	}
}

static bool add_keyed(struct keyed **at, const struct lk_data_file *file, int *number, bool is_data)
{
	struct lk_str s = LK_STR_INIT;

	add_key(file, &s);
	*(*at)++ = (struct keyed){s.data, number, is_data};
	return !s.failed;
}

static int by_text(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order ? order : (int)y->is_data - (int)x->is_data; /* data files first */
}

static bool number_keys(struct lk_gone *g, struct keyed *items, size_t count)
{
	const struct lk_lake_table *t = g->table;
	struct keyed *at = items;
	bool fine = true, data = false;
	int number = -1;

	for (int i = 0; i < t->file_count; i++)
		fine = add_keyed(&at, &t->files[i].entry, &g->key_of_file[i], true) && fine;
	for (int i = 0; i < t->deletes_count; i++)
		fine = add_keyed(&at, &t->deletes[i].entry, &g->key_of_deletes[i], false) && fine;
	for (int i = 0; i < t->equality_count; i++)
		fine = add_keyed(&at, &t->equality[i].entry, &g->key_of_equality[i], false) && fine;
	if (fine)
		qsort(items, count, sizeof(*items), by_text);
	for (size_t i = 0; fine && i < count; i++) {
		if (!i || strcmp(items[i - 1].text, items[i].text) != 0) {
			number++;
			data = items[i].is_data;
		}
		*items[i].number = data ? number : -1;
	}
	for (at = items; at < items + count; at++)
		free(at->text);
	return fine;
}

/* ---- which files ---- */

static bool is_unpartitioned(const struct lk_lake_table *t, int32_t spec_id)
{
	const json_t *spec, *field;
	size_t i, j;

	json_array_foreach(json_object_get(t->metadata, "partition-specs"), i, spec) {
		if (lk_metadata_number(spec, "spec-id", -1) != spec_id)
			continue;
		json_array_foreach(json_object_get(spec, "fields"), j, field)
			if (strcmp(lk_metadata_text(field, "transform"), "void") != 0)
				return false;
		return true;
	}
	return false;
}

static int by_referenced(const void *a, const void *b)
{
	const struct lk_lake_deletes *x = *(const struct lk_lake_deletes *const *)a, *y = *(const struct lk_lake_deletes *const *)b;

	return strcmp(x->referenced, y->referenced);
}

/* Marks deletes that name this file, and the file. */
static void mark_referenced(struct lk_gone *g, const struct lk_lake_deletes **sorted, size_t count, int file)
{
	const struct lk_lake_file *f = &g->table->files[file];
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(sorted[middle]->referenced, f->uri) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && !strcmp(sorted[low]->referenced, f->uri); low++)
		if (f->sequence <= sorted[low]->sequence) {
			g->by_position[file] = true;
			g->deletes[sorted[low] - g->table->deletes] = true;
		}
}

/* For each partition, of its data files the oldest and of its deletes the youngest. */
struct ages {
	int64_t *oldest, *by_position, *by_value;
	int64_t oldest_of_all, global;
};

static void find_ages(const struct lk_gone *g, struct ages *a)
{
	const struct lk_lake_table *t = g->table;

	for (int i = 0; i <= t->file_count + t->deletes_count + t->equality_count; i++) {
		a->oldest[i] = INT64_MAX;
		a->by_position[i] = a->by_value[i] = INT64_MIN;
	}
	a->oldest_of_all = INT64_MAX;
	a->global = INT64_MIN;
	for (int i = 0; i < t->file_count; i++) {
		int64_t *oldest = &a->oldest[g->key_of_file[i]];

		if (t->files[i].sequence < *oldest)
			*oldest = t->files[i].sequence;
		if (t->files[i].sequence < a->oldest_of_all)
			a->oldest_of_all = t->files[i].sequence;
	}
	for (int i = 0; i < t->deletes_count; i++)
		if (!t->deletes[i].referenced && g->key_of_deletes[i] >= 0 && t->deletes[i].sequence > a->by_position[g->key_of_deletes[i]])
			a->by_position[g->key_of_deletes[i]] = t->deletes[i].sequence;
	for (int i = 0; i < t->equality_count; i++) {
		int64_t *youngest = g->is_global[i] ? &a->global : g->key_of_equality[i] >= 0 ? &a->by_value[g->key_of_equality[i]] : NULL;

		if (youngest && t->equality[i].sequence > *youngest)
			*youngest = t->equality[i].sequence;
	}
}

static void mark_by_age(struct lk_gone *g, const struct ages *a)
{
	const struct lk_lake_table *t = g->table;

	for (int i = 0; i < t->file_count; i++) {
		int key = g->key_of_file[i];

		g->by_position[i] = g->by_position[i] || t->files[i].sequence <= a->by_position[key];
		g->by_value[i] = t->files[i].sequence < a->by_value[key] || t->files[i].sequence < a->global;
		g->by_position_count += g->by_position[i];
		g->by_value_count += g->by_value[i];
	}
	for (int i = 0; i < t->deletes_count; i++)
		if (!t->deletes[i].referenced && g->key_of_deletes[i] >= 0)
			g->deletes[i] = a->oldest[g->key_of_deletes[i]] <= t->deletes[i].sequence;
	for (int i = 0; i < t->equality_count; i++) {
		int64_t oldest = g->is_global[i] ? a->oldest_of_all : g->key_of_equality[i] >= 0 ? a->oldest[g->key_of_equality[i]] : INT64_MAX;

		g->equality[i] = oldest < t->equality[i].sequence;
	}
}

static bool mark(struct lk_gone *g, const struct lk_lake_deletes **sorted, struct ages *a, size_t all)
{
	const struct lk_lake_table *t = g->table;
	size_t count = 0;

	a->oldest = malloc(all * sizeof(int64_t));
	a->by_position = malloc(all * sizeof(int64_t));
	a->by_value = malloc(all * sizeof(int64_t));
	if (!a->oldest || !a->by_position || !a->by_value || !sorted)
		return false;
	for (int i = 0; i < t->deletes_count; i++)
		if (t->deletes[i].referenced)
			sorted[count++] = &t->deletes[i];
	qsort(sorted, count, sizeof(*sorted), by_referenced);
	for (int i = 0; i < t->file_count; i++)
		mark_referenced(g, sorted, count, i);
	for (int i = 0; i < t->equality_count; i++)
		g->is_global[i] = is_unpartitioned(t, t->equality[i].entry.spec_id);
	find_ages(g, a);
	mark_by_age(g, a);
	return true;
}

enum lk_status lk_gone_init(struct lk_gone *g, const struct lk_lake_table *t, struct lk_error *err)
{
	size_t files = (size_t)t->file_count + 1, deletes = (size_t)t->deletes_count + 1, equality = (size_t)t->equality_count + 1;
	size_t all = files + deletes + equality;
	struct keyed *items = calloc(all, sizeof(*items));
	const struct lk_lake_deletes **sorted = calloc(deletes, sizeof(*sorted));
	struct ages ages = {NULL};
	bool fine;

	*g = (struct lk_gone){.table = t, .key_of_file = calloc(files, sizeof(int)), .key_of_deletes = calloc(deletes, sizeof(int)),
		.key_of_equality = calloc(equality, sizeof(int)), .by_position = calloc(files, 1), .by_value = calloc(files, 1),
		.deletes = calloc(deletes, 1), .equality = calloc(equality, 1), .is_global = calloc(equality, 1)};
	fine = items && g->key_of_file && g->key_of_deletes && g->key_of_equality && g->by_position && g->by_value && g->deletes &&
	       g->equality && g->is_global && number_keys(g, items, all - 3) && mark(g, sorted, &ages, all);
	free(ages.oldest);
	free(ages.by_position);
	free(ages.by_value);
	free(sorted);
	free(items);
	return fine ? LK_OK : lk_error_nomem(err);
}

void lk_gone_release(struct lk_gone *g)
{
	free(g->key_of_file);
	free(g->key_of_deletes);
	free(g->key_of_equality);
	free(g->by_position);
	free(g->by_value);
	free(g->deletes);
	free(g->equality);
	free(g->is_global);
	*g = (struct lk_gone){NULL};
}

/* ---- by position ---- */

#define NO_IDS "error('a file of position deletes lacks the field ids of its columns')"

void lk_gone_add_rows(const struct lk_gone *g, struct lk_str *s)
{
	const struct lk_lake_table *t = g->table;
	bool first = true;

	lk_str_adds(s, "SELECT coalesce(uri, " NO_IDS ") AS uri, coalesce(pos, " NO_IDS ") AS pos, CAST(file_index AS BIGINT) AS d"
		" FROM read_parquet([");
	for (int i = 0; i < t->deletes_count; i++)
		if (g->deletes[i]) {
			lk_str_adds(s, first ? "" : ", ");
			lk_sql_add_path(s, t->deletes[i].path);
			first = false;
		}
	lk_str_adds(s, "], hive_partitioning = false, schema = MAP {"
		"2147483546: {name: 'uri', type: 'VARCHAR', default_value: NULL}, "
		"2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}})");
}

/* The sequence numbers of the files of deletes, as a list. */
static void add_sequences(const struct lk_gone *g, struct lk_str *s)
{
	bool first = true;

	lk_str_adds(s, "([");
	for (int i = 0; i < g->table->deletes_count; i++)
		if (g->deletes[i]) {
			lk_str_addf(s, "%s%lld", first ? "" : ", ", (long long)g->table->deletes[i].sequence);
			first = false;
		}
	lk_str_adds(s, "]::BIGINT[])");
}

void lk_gone_add_places(const struct lk_gone *g, struct lk_str *s)
{
	const struct lk_lake_table *t = g->table;
	bool first = true;

	/* A delete names a data file by the very text that the manifest has. */
	lk_str_adds(s, "(SELECT w.f AS f, d.pos AS pos FROM (");
	lk_gone_add_rows(g, s);
	lk_str_adds(s, ") d JOIN (VALUES ");
	for (int i = 0; i < t->file_count; i++)
		if (g->by_position[i]) {
			lk_str_adds(s, first ? "(" : ", (");
			lk_sql_add_literal(s, t->files[i].uri);
			lk_str_addf(s, ", %d::BIGINT, %lld)", i, (long long)t->files[i].sequence);
			first = false;
		}
	lk_str_adds(s, ") AS w(uri, f, seq) ON w.uri = d.uri AND w.seq <= ");
	add_sequences(g, s);
	lk_str_adds(s, "[d.d + 1])");
}
