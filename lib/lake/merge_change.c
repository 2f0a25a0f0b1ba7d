/* Change streams: what was resolved before, and whether it still holds. */
#include <stdlib.h>
#include <string.h>

#include "lake/merges.h"
#include "lake/metadata.h"

/* ---- while it is read ---- */

static const char *branch_of(const struct lk_merges *ms)
{
	return ms->branch ? ms->branch : LK_MAIN;
}

/* Whether it is about the target's table, on this branch, as the target has it. */
static bool is_current(const struct lk_merges *ms, const struct lk_merge *m)
{
	const struct lk_change *c = m->change;
	const struct lk_target *t = m->target;

	if (!t->base)
		return !c->uuid && c->base < 0;
	return c->uuid && !strcmp(c->uuid, t->uuid) && !strcmp(c->branch, branch_of(ms)) && lk_metadata_head(t->base, ms->branch) == c->base;
}

static const char *field_of(const struct lk_target *t, int32_t id)
{
	const json_t *field;
	size_t i;

	json_array_foreach(json_object_get(lk_metadata_schema(t->base), "fields"), i, field)
		if (lk_metadata_number(field, "id", 0) == id)
			return lk_metadata_text(field, "name");
	return "";
}

/* By another table, lake or key nothing of it can be found. */
static enum lk_status check_table(const struct lk_merge *m, struct lk_error *err)
{
	const struct lk_change *c = m->change;
	const struct lk_target *t = m->target;
	bool same = c->key_count == m->spec.key_count;

	if (c->uuid && (!t->base || strcmp(c->uuid, t->uuid)))
		return lk_error_set(err, LK_DATA, "table %s.%s is not the one that the change stream was resolved against: it was made anew, or "
			"it is another lake's", t->namespace_name, t->name);
	for (int i = 0; c->uuid && same && i < c->key_count; i++)
		same = !strcmp(field_of(t, c->key_ids[i]), m->spec.key[i]);
	if (!c->uuid || same)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "table %s.%s: the change stream was resolved by another key", t->namespace_name, t->name);
}

static enum lk_status load_given(const struct lk_merges *ms, struct lk_merge *m, struct lk_error *err)
{
	const struct lk_change *c = m->change;
	bool has;

	m->given_pin = (struct lk_pin){.arena = LK_ARENA_INIT};
	LK_TRY(lk_merge_load(ms, m->target, -1, NULL, &m->given_pin, &m->given_table, &has, err));
	LK_TRY(lk_rowset_init(&m->given, &m->given_table, err));
	m->given_files = calloc((size_t)c->file_count + 1, sizeof(struct lk_rowset_file *));
	if (!m->given_files)
		return lk_error_nomem(err);
	for (int i = 0; i < c->file_count; i++)
		m->given_files[i] = lk_rowset_find(&m->given, c->files[i]);
	m->has_given = true;
	return LK_OK;
}

static bool same_change(const struct lk_change *a, const struct lk_change *b)
{
	bool same = a->base == b->base && a->facts == b->facts && a->patch == b->patch && a->file_count == b->file_count;

	for (int i = 0; same && i < a->file_count; i++)
		same = !strcmp(a->files[i], b->files[i]);
	return same;
}

enum lk_status lk_merges_change(struct lk_merges *ms, struct lk_merge *m, const struct lk_change *change, struct lk_error *err)
{
	const struct lk_target *t = m->target;

	if (m->announced && (change == NULL) == (m->change == NULL) && (!change || same_change(change, m->change)))
		return LK_OK;
	if (m->announced)
		return lk_error_set(err, LK_DATA, "table %s.%s: the stream has changes of it that were resolved at different times, or beside other "
			"rows: commit them one after the other", t->namespace_name, t->name);
	m->announced = true;
	m->change = change;
	if (!change)
		return LK_OK;
	LK_TRY(check_table(m, err));
	return is_current(ms, m) ? load_given(ms, m, err) : LK_OK; /* its deliveries may be loaded already */
}

static enum lk_status count_given(struct lk_merge *m, const struct lk_merge_row *row, struct lk_error *err)
{
	struct lk_merge_counts *c = &m->given_counts;
	bool has = row->file >= 0;

	if ((row->op == 'I' && has) || (row->op == 'U' && !has))
		return lk_error_set(err, LK_DATA, "a row of the change stream %s", has ? "is an insert (I), and says which row it replaces" :
			"is an update (U), and does not say which row it replaces");
	c->inserted += row->op == 'I';
	c->updated += row->op == 'U';
	c->deleted += row->op == 'D' && has;
	return LK_OK;
}

enum lk_status lk_merge_given(struct lk_merge *m, const struct lk_merge_row *row, struct lk_error *err)
{
	const struct lk_change *c = m->change;

	LK_TRY(count_given(m, row, err));
	if (row->file < 0 && row->file != -1)
		return lk_error_set(err, LK_DATA, "a row of the change stream replaces one of file %lld", (long long)row->file);
	if (row->file >= c->file_count)
		return lk_error_set(err, LK_DATA, "a row of the change stream replaces one of file %lld, and the stream names %d", (long long)row->file,
			c->file_count);
	if (!m->has_given || row->file < 0)
		return LK_OK;
	if (!m->given_files[row->file])
		return lk_error_set(err, LK_DATA, "a row of the change stream replaces one of '%s', which is no file of the table",
			c->files[row->file]);
	return lk_rowset_add(&m->given, m->given_files[row->file], row->position, err);
}

/* ---- when it is committed ---- */

/* Facts that came since, about other tables perhaps. */
static enum lk_status check_facts(const struct lk_merges *ms, const struct lk_merge *m, uint64_t now, bool *same, struct lk_error *err)
{
	int64_t head = ms->versions->base ? lk_metadata_head(ms->versions->base, ms->branch) : -1;
	struct lk_pin pin = {.arena = LK_ARENA_INIT};
	struct lk_lake_table facts;
	enum lk_status status = LK_OK;
	uint64_t before;
	bool has;

	*same = head == m->change->facts;
	if (*same || (m->change->facts >= 0 && !lk_metadata_snapshot(ms->versions->base, m->change->facts)))
		return LK_OK;
	if (m->change->facts >= 0)
		status = lk_merge_facts(ms, m->target, m->change->facts, &pin, &facts, &has, &before, err);
	else
		before = LK_MERGE_NO_FACTS;
	*same = !status && before == now;
	lk_pin_release(&pin);
	return status;
}

enum lk_status lk_merge_stands(struct lk_merges *ms, struct lk_merge *m, uint64_t facts_mark, bool *stands, struct lk_error *err)
{
	*stands = m->change && m->has_given && is_current(ms, m);
	return *stands ? check_facts(ms, m, facts_mark, stands, err) : LK_OK;
}

enum lk_status lk_merge_check_again(const struct lk_merge *m, struct lk_error *err)
{
	const struct lk_target *t = m->target;

	if (!m->change || (!m->change->patch && m->change->load != LK_LOAD_FULL))
		return LK_OK;
	return lk_error_set(err, LK_CONFLICT, "table %s.%s changed since the change stream was resolved, and %s cannot be resolved again "
		"from it; nothing was changed, run lk-upsert again", t->namespace_name, t->name,
		m->change->patch ? "rows that set some columns only" : "a list of what is there");
}

struct looking {
	struct lk_merge *m;
	struct lk_str uri;
};

/* Rows that the table's files of deletes have. */
static enum lk_status look_at(void *context, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct looking *l = context;

	(void)schema;
	for (int64_t i = 0; i < view->length; i++) {
		struct ArrowStringView uri = ArrowArrayViewGetStringUnsafe(view->children[0], view->offset + i);
		int64_t position = ArrowArrayViewGetIntUnsafe(view->children[1], view->offset + i);
		const struct lk_rowset_file *f;

		if (lk_str_text(&l->uri)[0] == '\0' || l->uri.len != (size_t)uri.size_bytes || memcmp(l->uri.data, uri.data, l->uri.len)) {
			lk_str_clear(&l->uri);
			lk_str_add(&l->uri, uri.data, (size_t)uri.size_bytes);
			LK_TRY(lk_str_check(&l->uri, err));
		}
		f = lk_rowset_find(&l->m->given, lk_str_text(&l->uri));
		if (f && lk_rowset_has(f, position))
			return lk_error_set(err, LK_DATA, "a row of the change stream replaces that of '%s' at position %lld, which is deleted already",
				l->uri.data, (long long)position);
	}
	return LK_OK;
}

/* The files of deletes, as a table of what they hold. */
static void deletes_table(const struct lk_merge *m, struct lk_lake_file *files, struct lk_lake_column *columns,
	struct lk_lake_table *table)
{
	const struct lk_lake_table *t = &m->given_table;

	for (int i = 0; i < 2; i++)
		columns[i] = (struct lk_lake_column){.id = lk_delete_columns[i].field_id, .name = lk_delete_columns[i].name,
			.type = i ? "long" : "string", .required = true};
	*table = (struct lk_lake_table){.namespace_name = t->namespace_name, .name = t->name, .uuid = t->uuid, .snapshot_id = -1,
		.nested_same = true, .files = files, .columns = columns, .column_count = 2};
	for (int i = 0; i < t->deletes_count; i++) {
		const struct lk_lake_deletes *d = &t->deletes[i];
		const struct lk_rowset_file *f = d->referenced ? lk_rowset_find((struct lk_rowset *)&m->given, d->referenced) : NULL;

		if (!d->referenced || (f && f->count))
			files[table->file_count++] = (struct lk_lake_file){.path = d->path, .uri = d->uri, .rows = d->rows, .entry = d->entry};
	}
}

enum lk_status lk_merge_check_alive(struct lk_merges *ms, struct lk_merge *m, struct lk_error *err)
{
	struct looking looking = {.m = m};
	struct lk_lake_column columns[2];
	struct lk_lake_file *files;
	struct lk_lake_table table;
	enum lk_status status = LK_OK;

	if (!m->given.rows || !m->given_table.deletes_count)
		return LK_OK;
	files = calloc((size_t)m->given_table.deletes_count, sizeof(*files));
	if (!files)
		return lk_error_nomem(err);
	deletes_table(m, files, columns, &table);
	if (table.file_count)
		status = ms->merger->read(ms->merger->self, &table, look_at, &looking, err);
	lk_str_release(&looking.uri);
	free(files);
	return status;
}
