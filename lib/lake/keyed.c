#include "lake/keyed.h"

#include <stdlib.h>
#include <string.h>

#include "change/version.h"
#include "lake/metadata.h"
#include "stream/side.h"

#define FACTS_STREAM UINT64_MAX /* the number of our own stream of facts */

/* A table of the stream. */
struct lk_keyed_table {
	char *name;
	uint64_t stream; /* whose schema the rest is about; 0: none yet */
	bool keyed;	 /* else its rows are appended, and nothing below matters */
	struct lk_merge *merge;
	int op, old_file, old_pos; /* columns of the stream that do not go into the table; -1: none */
	int *key;		   /* columns of the key */
	struct lk_gather *gather;
	int64_t *rows; /* of a batch: those for the table's files, and behind them those that are deleted */
	size_t row_cap;
	int64_t row_count, deleted_count;
	/* the stream's schema and rows without those columns */
	struct ArrowSchema schema, **columns;
	struct ArrowArrayView view, **children;
	int *from;
	struct lk_str bytes; /* of a fact */
	struct lk_str file;
};

/* ---- tables ---- */

static void forget_stream(struct lk_keyed_table *t)
{
	lk_gather_free(t->gather);
	free(t->key);
	free(t->columns);
	free(t->children);
	free(t->from);
	t->gather = NULL;
	t->key = t->from = NULL;
	t->columns = NULL;
	t->children = NULL;
}

static void free_table(struct lk_keyed_table *t)
{
	forget_stream(t);
	lk_str_release(&t->bytes);
	lk_str_release(&t->file);
	free(t->rows);
	free(t->name);
	free(t);
}

static enum lk_status find_table(struct lk_keyed *k, const char *name, struct lk_keyed_table **out, struct lk_error *err)
{
	struct lk_keyed_table *t;

	for (size_t i = 0; i < k->count; i++)
		if (!strcmp(k->items[i]->name, name)) {
			*out = k->items[i];
			return LK_OK;
		}
	if (!lk_grow((void **)&k->items, &k->cap, k->count + 1, sizeof(struct lk_keyed_table *)))
		return lk_error_nomem(err);
	*out = t = calloc(1, sizeof(*t));
	if (!t)
		return lk_error_nomem(err);
	k->items[k->count++] = t;
	t->name = strdup(name);
	return t->name ? LK_OK : lk_error_nomem(err);
}

/* ---- what the schema says ---- */

/* Whether anything says that the table's rows have keys that count: the stream or, where it is silent, the table. */
static const char *load_word(const struct ArrowSchema *schema, const struct lk_target *target, char *room, size_t size)
{
	struct ArrowStringView said;

	if (lk_meta_get(schema, LK_META_LOAD, &said))
		return lk_meta_text(schema, LK_META_LOAD, room, size) ? room : "";
	return lk_metadata_property(target->base, LK_META_LOAD);
}

static enum lk_status read_spec(struct lk_keyed *k, const struct ArrowSchema *schema, const struct lk_target *target, struct lk_spec *spec,
	struct lk_error *err)
{
	struct ArrowStringView said;

	if (lk_meta_get(schema, LK_META_LOAD, &said))
		return lk_spec_read(spec, schema, &k->merges->arena, err);
	return lk_merges_spec(k->merges, target->base, spec, err);
}

/* The columns of the stream that are the table's. */
static enum lk_status project(struct lk_keyed_table *t, const struct ArrowSchema *schema, struct lk_error *err)
{
	size_t n = (size_t)schema->n_children + 1, kept = 0;

	t->columns = calloc(n, sizeof(struct ArrowSchema *));
	t->children = calloc(n, sizeof(struct ArrowArrayView *));
	t->from = calloc(n, sizeof(*t->from));
	if (!t->columns || !t->children || !t->from)
		return lk_error_nomem(err);
	for (int i = 0; i < (int)schema->n_children; i++)
		if (i != t->op && i != t->old_file && i != t->old_pos) {
			t->columns[kept] = schema->children[i];
			t->from[kept++] = i;
		}
	t->schema = *schema;
	t->schema.children = t->columns;
	t->schema.n_children = (int64_t)kept;
	return LK_OK;
}

static enum lk_status find_keys(struct lk_keyed_table *t, const struct ArrowSchema *schema, struct lk_error *err)
{
	const struct lk_spec *spec = &t->merge->spec;

	t->key = calloc((size_t)spec->key_count + 1, sizeof(*t->key));
	if (!t->key)
		return lk_error_nomem(err);
	for (int i = 0; i < spec->key_count; i++) {
		t->key[i] = lk_schema_find(schema, spec->key[i]);
		if (t->key[i] < 0)
			return lk_error_set(err, LK_DATA, "table %s: the stream has no column %s, which is of its key", t->name, spec->key[i]);
	}
	return LK_OK;
}

/* A column that a change stream has in front of the table's. */
static enum lk_status find_own(const struct ArrowSchema *schema, const char *name, enum lk_type type, int *at, struct lk_error *err)
{
	*at = lk_schema_find(schema, name);
	if (*at >= 0 && lk_type_of(schema->children[*at], NULL, NULL) == type)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "the change stream has no sound column %s", name);
}

static enum lk_status find_columns(struct lk_keyed_table *t, const struct ArrowSchema *schema, struct lk_error *err)
{
	const struct lk_spec *spec = &t->merge->spec;

	t->op = t->old_file = t->old_pos = -1;
	if (t->merge->change) {
		LK_TRY(find_own(schema, LK_COLUMN_OP, LK_UTF8, &t->op, err));
		LK_TRY(find_own(schema, LK_COLUMN_OLD_FILE, LK_INT32, &t->old_file, err));
		LK_TRY(find_own(schema, LK_COLUMN_OLD_POS, LK_INT64, &t->old_pos, err));
	} else if (spec->op) {
		t->op = lk_schema_find(schema, spec->op);
		if (t->op >= 0 && lk_type_of(schema->children[t->op], NULL, NULL) != LK_UTF8)
			return lk_error_set(err, LK_DATA, "table %s: column %s says what happened to a row, and is no text", t->name, spec->op);
	}
	return find_keys(t, schema, err);
}

/* Writes a batch without rows, so that the target has its columns. */
static enum lk_status begin_stream(struct lk_keyed *k, struct lk_keyed_table *t, const struct lk_batch *batch, struct lk_target *target,
	struct lk_error *err)
{
	struct ArrowArrayView none = {.length = 0};
	struct lk_change change, *kept = NULL;
	struct lk_spec spec;
	bool is_change;

	LK_TRY(read_spec(k, batch->schema, target, &spec, err));
	LK_TRY(lk_change_read(&change, batch->schema, &k->merges->arena, &is_change, err));
	if (is_change) {
		if (k->stage)
			return lk_error_set(err, LK_USAGE, "table %s: a change stream is committed at once, not staged", t->name);
		spec.op = NULL;
		kept = lk_arena_alloc(&k->merges->arena, sizeof(*kept));
		if (!kept)
			return lk_error_nomem(err);
		*kept = change;
	}
	LK_TRY(lk_merges_add(k->merges, target, &spec, &t->merge, err));
	LK_TRY(lk_merges_change(k->merges, t->merge, kept, err));
	LK_TRY(find_columns(t, batch->schema, err));
	LK_TRY(project(t, batch->schema, err));
	LK_TRY(lk_gather_create(&t->gather, batch->schema, err));
	return lk_data_writers_write(k->writers, t->name, NULL, batch->stream, &t->schema, &none, err);
}

static enum lk_status meet_stream(struct lk_keyed *k, struct lk_keyed_table *t, const struct lk_batch *batch, struct lk_error *err)
{
	struct lk_target *target;
	char room[16];
	const char *word;

	if (t->stream == batch->stream)
		return LK_OK;
	forget_stream(t);
	LK_TRY(lk_data_writers_target(k->writers, t->name, NULL, &target, err));
	word = load_word(batch->schema, target, room, sizeof(room));
	t->keyed = word && strcmp(word, "append") != 0;
	if (t->keyed) {
		enum lk_status status = begin_stream(k, t, batch, target, err);

		if (status)
			return status == LK_DATA && !strstr(err->message, t->name) ? lk_error_prefix(err, "table %s", t->name) : status;
	}
	t->stream = batch->stream;
	return LK_OK;
}

/* ---- rows ---- */

static char op_of(const struct lk_keyed_table *t, const struct ArrowArrayView *view, int64_t row)
{
	const struct ArrowArrayView *column = t->op < 0 ? NULL : view->children[t->op];
	struct ArrowStringView text;

	if (!column || ArrowArrayViewIsNull(column, row))
		return t->merge->change ? 0 : 'I';
	text = ArrowArrayViewGetStringUnsafe(column, row);
	return lk_op_of(text.data, (size_t)text.size_bytes);
}

static enum lk_status check_key(const struct lk_keyed_table *t, const struct lk_batch *batch, int64_t row, struct lk_error *err)
{
	const struct lk_spec *spec = &t->merge->spec;

	for (int i = 0; i < spec->key_count; i++)
		if (batch->view->children[t->key[i]]->null_count && ArrowArrayViewIsNull(batch->view->children[t->key[i]], row))
			return lk_error_set(err, LK_DATA, "table %s, column %s: a row has no value, and the column is of the key", t->name,
				spec->key[i]);
	return LK_OK;
}

static enum lk_status check_keys(const struct lk_keyed_table *t, const struct lk_batch *batch, struct lk_error *err)
{
	bool nulls = false;

	for (int i = 0; i < t->merge->spec.key_count; i++)
		nulls = nulls || batch->view->children[t->key[i]]->null_count;
	for (int64_t row = 0; nulls && row < batch->rows; row++)
		if (op_of(t, batch->view, row) != 'B')
			LK_TRY(check_key(t, batch, row, err));
	return LK_OK;
}

static enum lk_status change_row(struct lk_keyed_table *t, const struct lk_batch *batch, int64_t row, char op, struct lk_error *err)
{
	const struct ArrowArrayView *file = batch->view->children[t->old_file], *pos = batch->view->children[t->old_pos];
	bool has = !ArrowArrayViewIsNull(file, row);
	struct lk_merge_row given = {.op = op, .file = -1};

	if (has != !ArrowArrayViewIsNull(pos, row))
		return lk_error_set(err, LK_DATA, "table %s: a row has one of " LK_COLUMN_OLD_FILE " and " LK_COLUMN_OLD_POS " without the other",
			t->name);
	if (has) {
		given.file = ArrowArrayViewGetIntUnsafe(file, row);
		given.position = ArrowArrayViewGetIntUnsafe(pos, row);
	}
	return lk_merge_given(t->merge, &given, err);
}

/* Sorts a batch's rows: into the table, deleted, nothing. */
static enum lk_status sort_rows(struct lk_keyed *k, struct lk_keyed_table *t, const struct lk_batch *batch, struct lk_error *err)
{
	int64_t end = batch->rows;

	if (!lk_grow((void **)&t->rows, &t->row_cap, (size_t)batch->rows + 1, sizeof(*t->rows)))
		return lk_error_nomem(err);
	t->row_count = t->deleted_count = 0;
	for (int64_t row = 0; row < batch->rows; row++) {
		char op = op_of(t, batch->view, row);

		if (!op)
			return lk_error_set(err, LK_DATA, "table %s: column %s of a row is none of I, U, D and B, nor another word for these", t->name,
				batch->schema->children[t->op]->name);
		if (t->merge->change && op != 'B')
			LK_TRY(change_row(t, batch, row, op, err));
		if (op == 'I' || op == 'U')
			t->rows[t->row_count++] = row;
		else if (op == 'D' && !t->merge->change)
			t->rows[--end] = row;
		else
			k->dropped++;
	}
	t->deleted_count = batch->rows - end;
	return LK_OK;
}

static enum lk_status write_rows(struct lk_keyed *k, struct lk_keyed_table *t, const struct lk_batch *batch, bool all, struct lk_error *err)
{
	const struct ArrowArrayView *rows = batch->view;

	if (!all)
		LK_TRY(lk_gather_rows(t->gather, batch->view, t->rows, t->row_count, &rows, err));
	t->view = *rows;
	for (int64_t i = 0; i < t->schema.n_children; i++)
		t->children[i] = rows->children[t->from[i]];
	t->view.children = t->children;
	t->view.n_children = t->schema.n_children;
	return lk_data_writers_write(k->writers, t->name, NULL, batch->stream, &t->schema, &t->view, err);
}

/* ---- facts ---- */

static enum lk_status flush_facts(struct lk_keyed *k, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	enum lk_status status;

	LK_TRY(lk_builder_check(&k->facts.builder, err));
	LK_TRY(lk_builder_view(&k->facts.builder, &view, err));
	status = view->length ? lk_data_writers_write(k->writers, LK_TABLE_VERSIONS, NULL, FACTS_STREAM, &k->facts.builder.schema, view, err) :
				LK_OK;
	lk_builder_clear(&k->facts.builder);
	return status;
}

static enum lk_status add_fact(struct lk_keyed *k, const struct lk_target *of, const struct lk_fact *fact, struct lk_error *err)
{
	LK_TRY(lk_facts_add(&k->facts, of, fact, err));
	return lk_builder_full(&k->facts.builder) ? flush_facts(k, err) : LK_OK;
}

static const char *column_type(const struct lk_target *t, const char *name)
{
	const json_t *field;
	size_t i;

	json_array_foreach(json_object_get(t->schema, "fields"), i, field)
		if (name && !strcmp(lk_metadata_text(field, "name"), name))
			return json_string_value(json_object_get(field, "type"));
	return NULL;
}

static bool number_at(const struct lk_batch *batch, const char *name, int64_t row, int64_t *value)
{
	int at = lk_schema_find(batch->schema, name);

	if (at < 0 || ArrowArrayViewIsNull(batch->view->children[at], row))
		return false;
	*value = ArrowArrayViewGetIntUnsafe(batch->view->children[at], row);
	return true;
}

static enum lk_status file_at(struct lk_keyed_table *t, const struct lk_batch *batch, int64_t row, const char **file, struct lk_error *err)
{
	int at = lk_schema_find(batch->schema, LK_COLUMN_FILE);
	struct ArrowStringView text;

	*file = NULL;
	if (at < 0 || ArrowArrayViewIsNull(batch->view->children[at], row))
		return LK_OK;
	text = ArrowArrayViewGetStringUnsafe(batch->view->children[at], row);
	lk_str_clear(&t->file);
	lk_str_add(&t->file, text.data, (size_t)text.size_bytes);
	*file = lk_str_text(&t->file);
	return lk_str_check(&t->file, err);
}

static enum lk_status delete_row(struct lk_keyed *k, struct lk_keyed_table *t, const struct lk_batch *batch, const struct lk_cells *keys,
	const struct lk_version_cells *version, int64_t row, struct lk_error *err)
{
	const struct lk_spec *spec = &t->merge->spec;
	struct lk_fact fact = {.kind = LK_FACT_DELETED};

	lk_str_clear(&t->bytes);
	for (int i = 0; i < spec->key_count; i++)
		lk_cells_encode(&keys[i], row, &t->bytes);
	fact.key_len = t->bytes.len;
	lk_version_encode(version, spec->load, row, -1, &t->bytes);
	LK_TRY(lk_str_check(&t->bytes, err));
	fact.key = t->bytes.data;
	fact.version = t->bytes.data + fact.key_len;
	fact.version_len = t->bytes.len - fact.key_len;
	fact.has_sent = number_at(batch, LK_COLUMN_SENT, row, &fact.sent);
	fact.has_row = number_at(batch, LK_COLUMN_ROW, row, &fact.row);
	LK_TRY(file_at(t, batch, row, &fact.file, err));
	return add_fact(k, t->merge->target, &fact, err);
}

static enum lk_status delete_rows(struct lk_keyed *k, struct lk_keyed_table *t, const struct lk_batch *batch, struct lk_cells *keys,
	struct lk_error *err)
{
	const struct lk_spec *spec = &t->merge->spec;
	const struct lk_target *target = t->merge->target;
	struct lk_version_cells version;

	for (int i = 0; i < spec->key_count; i++)
		LK_TRY(lk_cells_arrow(&keys[i], batch->schema->children[t->key[i]], batch->view->children[t->key[i]],
			column_type(target, spec->key[i]), err));
	LK_TRY(lk_version_columns(&version, spec, column_type(target, spec->order), batch->schema, batch->view, err));
	for (int64_t i = 0; i < t->deleted_count; i++)
		LK_TRY(delete_row(k, t, batch, keys, &version, t->rows[batch->rows - 1 - i], err));
	return LK_OK;
}

static enum lk_status write_deleted(struct lk_keyed *k, struct lk_keyed_table *t, const struct lk_batch *batch, struct lk_error *err)
{
	struct lk_cells *keys;
	enum lk_status status;

	if (!t->deleted_count)
		return LK_OK;
	if (!t->merge->spec.key_count)
		return lk_error_set(err, LK_DATA, "table %s: a row says that it was deleted, and without a key it is not known which", t->name);
	keys = calloc((size_t)t->merge->spec.key_count, sizeof(*keys));
	if (!keys)
		return lk_error_nomem(err);
	status = delete_rows(k, t, batch, keys, err);
	free(keys);
	return status;
}

/* ---- the whole ---- */

enum lk_status lk_keyed_write(struct lk_keyed *k, const char *table, const struct lk_batch *batch, struct lk_error *err)
{
	struct lk_keyed_table *t = NULL;

	LK_TRY(find_table(k, table, &t, err));
	LK_TRY(meet_stream(k, t, batch, err));
	if (!t->keyed)
		return lk_data_writers_write(k->writers, table, NULL, batch->stream, batch->schema, batch->view, err);
	LK_TRY(check_keys(t, batch, err));
	if (t->op < 0)
		return write_rows(k, t, batch, true, err);
	LK_TRY(sort_rows(k, t, batch, err));
	LK_TRY(write_deleted(k, t, batch, err));
	return t->row_count ? write_rows(k, t, batch, t->row_count == batch->rows, err) : LK_OK;
}

/* Facts may stand before the rows of their table. */
static enum lk_status take_fact(void *context, const char *table, const struct lk_fact *fact, struct lk_error *err)
{
	struct lk_keyed *k = context;

	if (!k->told || !lk_target_is(k->told, table))
		LK_TRY(lk_data_writers_target(k->writers, table, NULL, &k->told, err));
	return add_fact(k, k->told, fact, err);
}

enum lk_status lk_keyed_facts(struct lk_keyed *k, const struct lk_batch *batch, struct lk_error *err)
{
	if (k->stage && batch->rows)
		return lk_error_set(err, LK_USAGE, "the stream has facts about tables (" LK_TABLE_VERSIONS "), which are committed at once, not staged");
	return lk_facts_read(batch, take_fact, k, err);
}

/* What was said of a table must be of one whose rows come, with a key. */
static enum lk_status check_told(const struct lk_keyed *k, struct lk_error *err)
{
	for (size_t i = 0; k->told && i < k->writers->count; i++) {
		const struct lk_target *t = &k->writers->items[i]->target;

		if (!lk_target_is_own(t) && !k->writers->items[i]->stream)
			return lk_error_set(err, LK_DATA, "the stream has facts about table %s (" LK_TABLE_VERSIONS "), and no rows of it, not even none",
				k->writers->items[i]->table);
	}
	return LK_OK;
}

enum lk_status lk_keyed_finish(struct lk_keyed *k, struct lk_error *err)
{
	LK_TRY(check_told(k, err));
	return k->facts.made ? flush_facts(k, err) : LK_OK;
}

void lk_keyed_release(struct lk_keyed *k)
{
	for (size_t i = 0; i < k->count; i++)
		free_table(k->items[i]);
	free(k->items);
	lk_facts_release(&k->facts);
	*k = (struct lk_keyed){.items = NULL};
}
