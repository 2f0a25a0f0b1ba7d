/*
 * Key maps: what the lake has.
 *
 * Rows are added to maps and never changed, so each file is looked at once, however often the map is; those that came since are few.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/value.h"
#include "lake/metadata.h"
#include "sql/keymap_inside.h"
#include "sql/lookup.h"
#include "sql/view.h"

/* ---- the table ---- */

static const struct lk_lake_column *find_column(const struct lk_lake_table *t, const char *name, int *number)
{
	for (*number = 0; *number < t->column_count; ++*number)
		if (!strcmp(t->columns[*number].name, name))
			return &t->columns[*number];
	*number = -1;
	return NULL;
}

static enum lk_status check_column(const struct lk_keymap *m, const struct lk_lake_table *t, const char *name, const char *type,
	bool needed, struct lk_error *err)
{
	const struct lk_lake_column *c;
	int number;

	c = find_column(t, name, &number);
	if (!c && !needed)
		return LK_OK;
	if (!c)
		return lk_error_set(err, LK_DATA, "table %s is no map of keys: it has no column %s", m->table, name);
	if (strcmp(c->type, type) != 0)
		return lk_error_set(err, LK_DATA, "table %s is no map of such keys: column %s is %s and not %s", m->table, name, c->type, type);
	return LK_OK;
}

static enum lk_status check_columns(const struct lk_keymap *m, const struct lk_lake_table *t, struct lk_error *err)
{
	LK_TRY(check_column(m, t, LK_KEYMAP_SURROGATE, "long", true, err));
	LK_TRY(check_column(m, t, LK_KEYMAP_NATURAL, "string", true, err));
	LK_TRY(check_column(m, t, LK_KEYMAP_MERGED, "long", true, err));
	for (int i = 0; i < m->set_count; i++)
		for (int k = 0; k < m->sets[i].key->count; k++)
			LK_TRY(check_column(m, t, m->sets[i].key->parts[k].name, "string", false, err));
	return LK_OK;
}

static struct lk_lake_table *find_table(const struct lk_keymap *m, struct lk_pin *pin)
{
	for (int i = 0; i < pin->table_count; i++) {
		const char *outer = pin->tables[i].namespace_name;
		size_t len = strlen(outer);

		if (!strncmp(m->table, outer, len) && m->table[len] == '.' && !strcmp(m->table + len + 1, pin->tables[i].name))
			return &pin->tables[i];
	}
	return NULL;
}

/* ---- files ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const struct lk_column_metrics *metrics_of(const struct lk_lake_file *file, int32_t field_id)
{
	const struct lk_file_metrics *metrics = &file->entry.metrics;

	for (int i = 0; i < metrics->column_count; i++)
		if (metrics->columns[i].field_id == field_id)
			return &metrics->columns[i];
	return NULL;
}

typedef bool file_test(const struct lk_keymap *m, const struct lk_lake_file *file, int32_t field_id);

static bool is_new(const struct lk_keymap *m, const struct lk_lake_file *file, int32_t field_id)
{
	(void)field_id;
	return !m->seen_count || !bsearch(&file->uri, m->seen, m->seen_count, sizeof(*m->seen), by_text);
}

/* Whether the column may have anything but nulls there. */
static bool has_values(const struct lk_keymap *m, const struct lk_lake_file *file, int32_t field_id)
{
	const struct lk_column_metrics *c = metrics_of(file, field_id);

	(void)m;
	return !c || c->null_count < 0 || c->null_count < file->rows;
}

static bool has_no_bound(const struct lk_keymap *m, const struct lk_lake_file *file, int32_t field_id)
{
	const struct lk_column_metrics *c = metrics_of(file, field_id);

	(void)m;
	return !c || !c->has_upper || c->upper.len != sizeof(int64_t);
}

/* The table with those of its files that pass; their array is the caller's to free. */
static enum lk_status choose(const struct lk_keymap *m, const struct lk_lake_table *t, file_test *test, const char *column,
	struct lk_lake_table *out, struct lk_error *err)
{
	const struct lk_lake_column *c;
	int number;

	c = column ? find_column(t, column, &number) : NULL;
	*out = *t;
	out->files = malloc(((size_t)t->file_count + 1) * sizeof(*out->files));
	if (!out->files)
		return lk_error_nomem(err);
	out->file_count = 0;
	for (int i = 0; i < t->file_count; i++)
		if (test(m, &t->files[i], c ? c->id : -1))
			out->files[out->file_count++] = t->files[i];
	return LK_OK;
}

static enum lk_status note_seen(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_error *err)
{
	char **seen = calloc((size_t)t->file_count + 1, sizeof(*seen)), *location = strdup(t->metadata_location);
	bool good = seen && location;

	for (int i = 0; good && i < t->file_count; i++)
		good = (seen[i] = strdup(t->files[i].uri)) != NULL;
	for (size_t i = 0; i < m->seen_count; i++)
		free(m->seen[i]);
	free(m->seen);
	free(m->location);
	m->seen = seen;
	m->seen_count = seen ? (size_t)t->file_count : 0;
	m->location = location;
	if (!good)
		return lk_error_nomem(err);
	qsort(seen, m->seen_count, sizeof(*seen), by_text);
	return LK_OK;
}

/* ---- keys ---- */

struct finding {
	struct lk_keymap *m;
	struct lk_keymap_set *set;
	pthread_mutex_t lock;
};

/* Of keys that were found; cells: their surrogates. A row without one, which lk does not write, says nothing. */
static void take_surrogates(void *context, const struct lk_cells *cells, const int64_t *key, const int64_t *scope, int64_t count,
	int8_t *verdict)
{
	const int64_t *surrogate = (const int64_t *)cells->data + cells->offset;
	struct finding *f = context;

	(void)scope;
	pthread_mutex_lock(&f->lock);
	for (int64_t i = 0; i < count; i++) {
		struct lk_keymap_entry *e = key[i] < 0 || lk_cells_is_null(cells, i) ? NULL : &f->m->entries[f->set->entries[key[i]]];

		verdict[i] = 0;
		if (e && e->known == LK_KEYMAP_NONE)
			f->set->unknown--;
		if (e && (e->known == LK_KEYMAP_NONE || surrogate[i] < e->known))
			e->known = surrogate[i];
	}
	pthread_mutex_unlock(&f->lock);
}

enum lk_status lk_keymap_visit_nothing(void *context, const struct lk_lake_file *file, int64_t position, int64_t key, int64_t scope,
	int8_t verdict, struct lk_error *err)
{
	(void)context, (void)file, (void)position, (void)key, (void)scope, (void)verdict, (void)err;
	return LK_OK;
}

/* t: its files that were not looked at yet. */
static enum lk_status find_keys(struct lk_keymap *m, struct lk_keymap_set *set, const struct lk_lake_table *t, struct lk_places *places,
	struct lk_error *err)
{
	int key[LK_SURROGATE_PARTS + 1], surrogate, n = 0;
	struct finding f = {m, set, PTHREAD_MUTEX_INITIALIZER};
	const struct lk_lookup lookup = {.table = t, .key = {key, set->key->count + 1}, .also = {&surrogate, 1}, .keys = set->keys,
		.weigh = take_surrogates, .visit = lk_keymap_visit_nothing, .context = &f};

	for (; n < set->key->count; n++)
		if (!find_column(t, set->key->parts[n].name, &key[n]))
			return LK_OK; /* the map has no such keys yet */
	find_column(t, LK_KEYMAP_NATURAL, &key[n]);
	find_column(t, LK_KEYMAP_SURROGATE, &surrogate);
	return lk_lookup_run(&lookup, places, err);
}

/* ---- merges ---- */

static enum lk_status ask(struct lk_places *places, const char *select, const struct lk_lake_table *t, const char *rest,
	struct lk_duckdb_result *result, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	*result = (struct lk_duckdb_result){{0}};
	lk_str_addf(&s, "SELECT %s FROM (", select);
	status = lk_sql_add_rows(places->sql, t, &s, err);
	lk_str_addf(&s, ") %s", rest);
	if (!status)
		status = lk_str_check(&s, err);
	if (!status)
		status = lk_places_ask(places, s.data, result, err);
	lk_str_release(&s);
	return status;
}

static enum lk_status find_merges(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_places *places, struct lk_error *err)
{
	const struct lk_duckdb *d = &places->sql->duckdb;
	struct lk_duckdb_result result;
	enum lk_status status = ask(places, LK_KEYMAP_SURROGATE ", " LK_KEYMAP_MERGED, t,
		"WHERE " LK_KEYMAP_MERGED " IS NOT NULL ORDER BY ALL", &result, err);

	for (uint64_t i = 0; !status && i < d->row_count(&result); i++)
		status = lk_keymap_nodes_add(&m->nodes, d->value_int64(&result, 0, i), d->value_int64(&result, 1, i), err);
	d->destroy_result(&result);
	return status;
}

/* ---- numbers ---- */

static void take_next(struct lk_keymap *m, int64_t greatest)
{
	if (greatest >= m->next)
		m->next = greatest < INT64_MAX ? greatest + 1 : INT64_MAX;
}

/* What the greatest number of files is that do not say their own. */
static enum lk_status ask_greatest(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_places *places, struct lk_error *err)
{
	const struct lk_duckdb *d = &places->sql->duckdb;
	struct lk_duckdb_result result;
	enum lk_status status = ask(places, "coalesce(max(" LK_KEYMAP_SURROGATE "), 0)", t, "", &result, err);

	if (!status)
		take_next(m, d->value_int64(&result, 0, 0));
	d->destroy_result(&result);
	return status;
}

/* Of the property and of files' bounds. */
static void find_next(struct lk_keymap *m, const struct lk_lake_table *t)
{
	const char *property = lk_metadata_property(t->metadata, LK_METADATA_NEXT_SURROGATE);
	int64_t number;
	int column;

	if (property && lk_int64_parse(property, strlen(property), &number) && number > m->next)
		m->next = number;
	find_column(t, LK_KEYMAP_SURROGATE, &column);
	for (int i = 0; i < t->file_count; i++) {
		if (has_no_bound(m, &t->files[i], t->columns[column].id))
			continue;
		memcpy(&number, metrics_of(&t->files[i], t->columns[column].id)->upper.data, sizeof(number));
		take_next(m, number);
	}
}

/* ---- all of it ---- */

static enum lk_status look_for_keys(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_places *places, struct lk_error *err)
{
	LK_TRY(lk_places_open(places, err));
	for (int i = 0; i < m->set_count; i++)
		if (m->sets[i].unknown)
			LK_TRY(find_keys(m, &m->sets[i], t, places, err));
	return m->gives ? lk_keymap_check_given(m, t, places, err) : LK_OK;
}

typedef enum lk_status look_fn(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_places *places, struct lk_error *err);

/* Has those of the files looked at that pass a test; where there are none, DuckDB is not needed. */
static enum lk_status look_at(struct lk_keymap *m, const struct lk_lake_table *t, file_test *test, const char *column, look_fn *look,
	struct lk_places *places, struct lk_error *err)
{
	struct lk_lake_table chosen;
	enum lk_status status;

	LK_TRY(choose(m, t, test, column, &chosen, err));
	status = chosen.file_count ? lk_places_open(places, err) : LK_OK;
	if (!status && chosen.file_count)
		status = look(m, &chosen, places, err);
	free(chosen.files);
	return status;
}

static enum lk_status look_at_new(struct lk_keymap *m, const struct lk_lake_table *t, struct lk_places *places, struct lk_error *err)
{
	find_next(m, t);
	LK_TRY(look_at(m, t, has_no_bound, LK_KEYMAP_SURROGATE, ask_greatest, places, err));
	LK_TRY(look_for_keys(m, t, places, err));
	return look_at(m, t, has_values, LK_KEYMAP_MERGED, find_merges, places, err);
}

static enum lk_status look(struct lk_keymap *m, struct lk_lake_table *t, struct lk_pin *pin, struct lk_places *places, struct lk_error *err)
{
	LK_TRY(lk_lake_table_load_at(pin, t, NULL, LK_LOAD_METRICS, err));
	LK_TRY(check_columns(m, t, err));
	find_next(m, t);
	LK_TRY(look_at(m, t, is_new, NULL, look_at_new, places, err));
	return note_seen(m, t, err);
}

enum lk_status lk_keymap_look(struct lk_keymap *m, struct lk_pin *pin, struct lk_places *places, struct lk_error *err)
{
	struct lk_lake_table *t = find_table(m, pin);

	m->there = t != NULL;
	if (!t || (m->location && !strcmp(m->location, t->metadata_location)))
		return LK_OK;
	return look(m, t, pin, places, err);
}
