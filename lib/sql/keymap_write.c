/* Key maps: the rows that a map lacks, as files of its table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "change/natural.h"
#include "lake/metadata.h"
#include "lake/partition_writer.h"
#include "sql/keymap_inside.h"
#include "stream/build.h"
#include "stream/side.h"

enum { SURROGATE, NATURAL, PARTS };		     /* and behind the parts: */
enum { MERGED, FIRST_FILE, FIRST_ROW, FIRST_SEEN, AFTER_PARTS };

struct writing {
	struct lk_keymap *m;
	const char **parts; /* names of all parts of all keys, each once */
	int part_count;
	struct lk_builder b;
	struct lk_parquet_column *columns;
	int *source, column_count;
	struct lk_partition_writer *writer;
	int64_t now_us;
};

/* ---- columns ---- */

static int find_part(const struct writing *w, const char *name)
{
	for (int i = 0; i < w->part_count; i++)
		if (!strcmp(w->parts[i], name))
			return i;
	return -1;
}

static enum lk_status gather_parts(struct writing *w, struct lk_error *err)
{
	const struct lk_keymap *m = w->m;

	w->parts = calloc((size_t)m->set_count * LK_SURROGATE_PARTS + 1, sizeof(*w->parts));
	if (!w->parts)
		return lk_error_nomem(err);
	for (int i = 0; i < m->set_count; i++)
		for (int k = 0; k < m->sets[i].key->count; k++)
			if (find_part(w, m->sets[i].key->parts[k].name) < 0)
				w->parts[w->part_count++] = m->sets[i].key->parts[k].name;
	return LK_OK;
}

static enum lk_status make_builder(struct writing *w, struct lk_error *err)
{
	static const struct lk_meta docs[][2] = {{{LK_META_DOC, "the number that rows with the key have"}, {0}},
		{{LK_META_DOC, "which natural key this is; null for a merge"}, {0}},
		{{LK_META_DOC, "of a merge: the surrogate that rows have from now on"}, {0}},
		{{LK_META_DOC, "lk_file of the row that brought it"}, {0}}, {{LK_META_DOC, "lk_row of that row"}, {0}},
		{{LK_META_DOC, "when it was made"}, {0}}};
	int count = PARTS + w->part_count + AFTER_PARTS;
	struct lk_field *fields = calloc((size_t)count, sizeof(*fields)), *after = fields + PARTS + w->part_count;
	enum lk_status status;

	if (!fields)
		return lk_error_nomem(err);
	fields[SURROGATE] = (struct lk_field){LK_KEYMAP_SURROGATE, LK_INT64, .required = true, .meta = docs[0]};
	fields[NATURAL] = (struct lk_field){LK_KEYMAP_NATURAL, LK_UTF8, .meta = docs[1]};
	for (int i = 0; i < w->part_count; i++)
		fields[PARTS + i] = (struct lk_field){w->parts[i], LK_UTF8};
	after[MERGED] = (struct lk_field){LK_KEYMAP_MERGED, LK_INT64, .meta = docs[2]};
	after[FIRST_FILE] = (struct lk_field){"first_file", LK_UTF8, .meta = docs[3]};
	after[FIRST_ROW] = (struct lk_field){"first_row", LK_INT64, .meta = docs[4]};
	after[FIRST_SEEN] = (struct lk_field){"first_seen", LK_TIMESTAMPTZ, .meta = docs[5]};
	status = lk_builder_init(&w->b, fields, count, NULL, err);
	free(fields);
	return status;
}

/* ---- rows ---- */

static enum lk_status flush(struct writing *w, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	if (!w->b.rows)
		return LK_OK;
	LK_TRY(lk_builder_check(&w->b, err));
	LK_TRY(lk_builder_view(&w->b, &view, err));
	LK_TRY(lk_partition_writer_write(w->writer, view, w->source, err));
	lk_builder_clear(&w->b);
	return LK_OK;
}

static void add_int(struct lk_column *c, bool is_null, int64_t value)
{
	if (is_null)
		lk_column_null(c);
	else
		lk_column_int64(c, value);
}

/* The columns behind the parts. */
static enum lk_status end_row(struct writing *w, int64_t merged, const char *file, int64_t row, struct lk_error *err)
{
	struct lk_column *after = &w->b.columns[PARTS + w->part_count];

	add_int(&after[MERGED], merged == LK_KEYMAP_NONE, merged);
	lk_column_text(&after[FIRST_FILE], file);
	add_int(&after[FIRST_ROW], row < 0, row);
	lk_column_int64(&after[FIRST_SEEN], w->now_us);
	LK_TRY(lk_builder_end_row(&w->b, err));
	return lk_builder_full(&w->b) ? flush(w, err) : LK_OK;
}

static enum lk_status add_key(struct writing *w, const struct lk_keymap_entry *e, struct lk_str *text, struct lk_error *err)
{
	const struct lk_keymap_set *set = &w->m->sets[e->key];
	size_t len;
	const char *cell = lk_keys_at(set->keys, e->number, &len);

	lk_column_int64(&w->b.columns[SURROGATE], e->result);
	lk_column_text(&w->b.columns[NATURAL], set->key->name);
	for (int i = 0; i < w->part_count; i++) {
		bool is_part = false;

		for (int k = 0; k < set->key->count; k++)
			is_part |= !strcmp(set->key->parts[k].name, w->parts[i]);
		if (!is_part)
			lk_column_null(&w->b.columns[PARTS + i]);
	}
	for (int k = 0; k < set->key->count; k++) {
		cell = lk_natural_decode(cell, text);
		LK_TRY(lk_str_check(text, err));
		lk_column_bytes(&w->b.columns[PARTS + find_part(w, set->key->parts[k].name)], lk_str_text(text), text->len);
	}
	return end_row(w, LK_KEYMAP_NONE, e->file, e->row, err);
}

static enum lk_status add_keys(struct writing *w, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status = LK_OK;

	for (size_t i = 0; i < w->m->count && !status; i++)
		if (w->m->entries[i].known == LK_KEYMAP_NONE && w->m->entries[i].result != LK_KEYMAP_NONE)
			status = add_key(w, &w->m->entries[i], &text, err);
	lk_str_release(&text);
	return status;
}

/* The link that a surrogate was merged by now: its own, or that of the one that it was merged into before. */
static const struct lk_keymap_link *link_of(const struct lk_keymap *m, const struct lk_keymap_node *node)
{
	const struct lk_keymap_node *before = node->into == LK_KEYMAP_NONE ? NULL : lk_keymap_nodes_find(&m->nodes, node->into);
	int link = node->link < 0 && before ? before->link : node->link;

	return link < 0 ? NULL : &m->links[link];
}

/* One for each surrogate that is merged into another than the map says, so that the smallest merged_into of each is the one that holds. */
static enum lk_status add_merges(struct writing *w, struct lk_error *err)
{
	struct lk_keymap *m = w->m;

	for (size_t i = 0; i < m->nodes.count; i++) {
		const struct lk_keymap_node *node = &m->nodes.items[i], *root = lk_keymap_nodes_root(&m->nodes, i);
		const struct lk_keymap_link *link;

		if (root == node || node->into == root->surrogate)
			continue;
		link = link_of(m, node);
		lk_column_int64(&w->b.columns[SURROGATE], node->surrogate);
		for (int c = NATURAL; c < PARTS + w->part_count; c++)
			lk_column_null(&w->b.columns[c]);
		LK_TRY(end_row(w, root->surrogate, link ? link->file : NULL, link ? link->row : -1, err));
	}
	return LK_OK;
}

static enum lk_status add_rows(struct writing *w, struct lk_error *err)
{
	bool more = true;

	LK_TRY(add_keys(w, err));
	LK_TRY(add_merges(w, err));
	LK_TRY(flush(w, err));
	LK_TRY(lk_partition_writer_end(w->writer, err));
	while (more)
		LK_TRY(lk_partition_writer_drain(w->writer, &more, err));
	return LK_OK;
}

/* ---- the table ---- */

/* What was given out is kept beside the rows, with the classes of privacy of new columns. */
static enum lk_status edit(void *context, json_t *root, struct lk_error *err)
{
	const struct lk_keymap *m = context;
	json_t *properties = json_object_get(root, "properties");
	bool good = properties != NULL || !json_object_set_new(root, "properties", properties = json_object());
	char key[512], next[24];

	snprintf(next, sizeof(next), "%lld", (long long)m->new_next);
	good = good && !json_object_set_new(properties, LK_METADATA_NEXT_SURROGATE, json_string(next));
	for (int i = 0; good && i < m->set_count; i++)
		for (int k = 0; good && k < m->sets[i].key->count; k++) {
			snprintf(key, sizeof(key), LK_META_PHI ".%s", m->sets[i].key->parts[k].name);
			if (m->sets[i].phi[k] && !json_object_get(properties, key))
				good = !json_object_set_new(properties, key, json_string(m->sets[i].phi[k]));
		}
	return good ? LK_OK : lk_error_nomem(err);
}

static enum lk_status open_target(struct lk_keymap *m, struct lk_lake *lake, struct lk_error *err)
{
	struct lk_target *t = &m->target;

	LK_TRY(lk_target_open(t, lake, m->table, err));
	if (t->base_location ? !m->location || strcmp(t->base_location, m->location) != 0 : m->there)
		return lk_error_set(err, LK_CONFLICT, "another writer was first at table %s", m->table);
	t->edit = edit;
	t->edit_context = m;
	t->watched = true;
	return LK_OK;
}

static enum lk_status write_rows(struct writing *w, const char *run, int *next_file, struct lk_error *err)
{
	struct lk_target *t = &w->m->target;

	LK_TRY(gather_parts(w, err));
	LK_TRY(make_builder(w, err));
	LK_TRY(lk_target_fit(t, &w->b.schema, NULL, LK_SCHEMA_ADD, err));
	LK_TRY(lk_target_columns(t, &w->b.schema, NULL, &w->columns, &w->source, &w->column_count, err));
	LK_TRY(lk_partition_writer_create(&w->writer, t, w->columns, w->column_count, run, next_file, err));
	return add_rows(w, err);
}

enum lk_status lk_keymap_write(struct lk_keymap *m, struct lk_lake *lake, const char *run, int *next_file, struct lk_error *err)
{
	struct writing w = {.m = m, .now_us = lk_now_us()};
	enum lk_status status;

	m->writes = m->made || m->merged;
	if (!m->writes)
		return LK_OK;
	status = open_target(m, lake, err);
	if (!status)
		status = write_rows(&w, run, next_file, err);
	lk_partition_writer_free(w.writer);
	if (w.b.columns)
		lk_builder_release(&w.b);
	free(w.columns);
	free(w.source);
	free(w.parts);
	return status;
}
