#include "change/dedup.h"

#include <stdlib.h>
#include <string.h>

#include "change/best.h"
#include "change/rows.h"
#include "change/store.h"
#include "change/version.h"
#include "stream/gather.h"

#define KNOWN_AT_ONCE 200 /* bytes that a lake's resolver takes for a row, with room to spare */

/* A table that rows are left out of. */
struct table {
	char *name;
	bool whole;
	struct lk_spec spec;
	struct lk_arena arena; /* of it */
	struct lk_rows rows;
	int set;
	char *order_type;
	struct lk_version_cells version;
	uint64_t stream, written; /* Arrow streams: that is read, and that something was written of; 0: none */
	struct lk_gather *gather;
	uint64_t gather_stream;
	struct lk_dedup_count count;
	/* of the batch */
	bool *keyless;
	size_t keyless_cap;
	uint64_t *ends;
	size_t end_cap;
	struct lk_str versions;
};

/* A batch that waits in the store. */
struct waiting {
	size_t table;
	int64_t first; /* number of its first row */
};

struct lk_dedup {
	const struct lk_dedup_options *options;
	struct lk_writer *writer;
	struct table *tables;
	size_t table_count, table_cap;
	struct lk_best *best;
	struct lk_store *store;
	struct waiting *waiting;
	size_t waiting_count, waiting_cap;
	uint64_t *known; /* a bit a row: the lake has it; NULL: none */
	int64_t rows;
	bool said;
	int64_t *kept, *left; /* rows of a batch */
	size_t kept_cap, left_cap;
};

enum lk_status lk_dedup_open(struct lk_dedup **out, const struct lk_dedup_options *options, struct lk_writer *writer, struct lk_error *err)
{
	struct lk_dedup *d = calloc(1, sizeof(*d));
	enum lk_status status;

	*out = NULL;
	if (!d)
		return lk_error_nomem(err);
	*d = (struct lk_dedup){.options = options, .writer = writer};
	status = lk_best_create(&d->best, NULL, err);
	if (!status)
		status = lk_store_create(&d->store, options->memory_bytes / 2, NULL, err);
	if (status)
		lk_dedup_close(d);
	else
		*out = d;
	return status;
}

static void table_release(struct table *t)
{
	free(t->name);
	lk_arena_release(&t->arena);
	lk_rows_release(&t->rows);
	free(t->order_type);
	lk_gather_free(t->gather);
	free(t->keyless);
	free(t->ends);
	lk_str_release(&t->versions);
}

void lk_dedup_close(struct lk_dedup *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->table_count; i++)
		table_release(&d->tables[i]);
	free(d->tables);
	lk_best_free(d->best);
	lk_store_free(d->store);
	free(d->waiting);
	free(d->known);
	free(d->kept);
	free(d->left);
	free(d);
}

/* ---- tables and their streams ---- */

static bool is_wanted(const struct lk_dedup *d, const struct lk_batch *batch)
{
	const struct lk_dedup_options *o = d->options;
	struct ArrowStringView change;

	if (lk_table_is_side(batch->table) || lk_meta_get(batch->schema, LK_META_CHANGE, &change))
		return false;
	for (size_t i = 0; i < o->table_count; i++)
		if (lk_table_is_named(batch->table, o->tables[i]))
			return true;
	return !o->table_count;
}

static enum lk_status find_table(struct lk_dedup *d, const char *name, struct table **out, struct lk_error *err)
{
	struct table *t;

	for (size_t i = 0; i < d->table_count; i++)
		if (!strcmp(d->tables[i].name, name)) {
			*out = &d->tables[i];
			return LK_OK;
		}
	if (!lk_grow((void **)&d->tables, &d->table_cap, d->table_count + 1, sizeof(*d->tables)))
		return lk_error_nomem(err);
	t = &d->tables[d->table_count++];
	*t = (struct table){.name = strdup(name)};
	t->count.table = t->name;
	*out = t;
	return t->name ? LK_OK : lk_error_nomem(err);
}

/* What the options say instead of the schema; and whether the columns are there. */
static enum lk_status read_spec(const struct lk_dedup *d, struct lk_spec *spec, const struct ArrowSchema *schema, struct lk_arena *arena,
	struct lk_error *err)
{
	const struct lk_dedup_options *o = d->options;

	LK_TRY(lk_spec_read(spec, schema, arena, err));
	if (o->key) {
		spec->key = o->key;
		spec->key_count = o->key_count;
	}
	if (o->whole)
		spec->key_count = 0;
	if (o->order)
		spec->order = o->order;
	for (int i = 0; i < spec->key_count; i++)
		if (lk_schema_find(schema, spec->key[i]) < 0)
			return lk_error_set(err, LK_DATA, "there is no column '%s'; -t says which tables are meant", spec->key[i]);
	if (spec->key_count && spec->order && lk_schema_find(schema, spec->order) < 0)
		return lk_error_set(err, LK_DATA, "there is no column '%s'; -t says which tables are meant", spec->order);
	return LK_OK;
}

/* The columns that a row is told by. */
static enum lk_status take_columns(struct table *t, const struct ArrowSchema *schema, struct lk_error *err)
{
	const char **names;
	enum lk_status status;
	int count = 0;

	if (!t->whole)
		return lk_rows_stream(&t->rows, schema, t->spec.key, t->spec.key_count, err);
	names = malloc(((size_t)schema->n_children + 1) * sizeof(*names));
	if (!names)
		return lk_error_nomem(err);
	for (int64_t i = 0; i < schema->n_children; i++)
		if (!lk_column_is_trace(schema->children[i]->name))
			names[count++] = schema->children[i]->name;
	status = lk_rows_stream(&t->rows, schema, names, count, err);
	free(names);
	return status;
}

static enum lk_status begin_table(struct lk_dedup *d, struct table *t, const struct ArrowSchema *schema, struct lk_error *err)
{
	struct lk_str word = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(read_spec(d, &t->spec, schema, &t->arena, err));
	t->whole = !t->spec.key_count;
	LK_TRY(take_columns(t, schema, err));
	LK_TRY(lk_best_set(d->best, (int)t->rows.count, &t->set, err));
	if (t->whole || !t->spec.order)
		return LK_OK;
	lk_rows_add_word(schema->children[lk_schema_find(schema, t->spec.order)], &word);
	status = lk_str_check(&word, err);
	if (!status && word.len && !(t->order_type = strdup(word.data)))
		status = lk_error_nomem(err);
	lk_str_release(&word);
	return status;
}

static enum lk_status continue_table(struct lk_dedup *d, struct table *t, const struct ArrowSchema *schema, struct lk_error *err)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_spec spec;
	enum lk_status status = read_spec(d, &spec, schema, &arena, err);

	if (!status && !spec.key_count != t->whole)
		status = lk_error_set(err, LK_DATA, "some of its rows come with a key (lk.key) and some without");
	if (!status && !t->whole && !lk_spec_same(&spec, &t->spec))
		status = lk_error_set(err, LK_DATA, "what lk.key, lk.order and the like say is not what they said before");
	lk_arena_release(&arena);
	LK_TRY(status);
	LK_TRY(take_columns(t, schema, err));
	return lk_best_widen(d->best, t->set, (int)t->rows.count, err);
}

static enum lk_status begin_stream(struct lk_dedup *d, struct table *t, const struct lk_batch *batch, struct lk_error *err)
{
	enum lk_status status = LK_OK;

	if (t->stream != batch->stream + 1)
		status = t->stream ? continue_table(d, t, batch->schema, err) : begin_table(d, t, batch->schema, err);
	t->stream = batch->stream + 1;
	return status ? lk_error_prefix(err, "table %s", t->name) : LK_OK;
}

/* ---- writing ---- */

static bool is_known(const struct lk_dedup *d, int64_t row)
{
	return d->known && (d->known[row / 64] >> (row % 64) & 1);
}

/* Divides a batch's rows into those that stay and those that do not. */
static enum lk_status divide(struct lk_dedup *d, struct table *t, int64_t first, int64_t count, int64_t *kept, int64_t *left, struct lk_error *err)
{
	if (!lk_grow((void **)&d->kept, &d->kept_cap, (size_t)count + 1, sizeof(*d->kept)) ||
		!lk_grow((void **)&d->left, &d->left_cap, (size_t)count + 1, sizeof(*d->left)))
		return lk_error_nomem(err);
	*kept = *left = 0;
	for (int64_t i = 0; i < count; i++) {
		bool lost = lk_best_is_lost(d->best, first + i), known = !lost && is_known(d, first + i);

		t->count.repeated += lost;
		t->count.known += known;
		if (lost || known)
			d->left[(*left)++] = i;
		else
			d->kept[(*kept)++] = i;
	}
	return LK_OK;
}

static enum lk_status gather(struct table *t, const struct lk_batch *batch, const int64_t *rows, int64_t count, const struct ArrowArrayView **view,
	struct lk_error *err)
{
	if (t->gather_stream != batch->stream + 1) {
		lk_gather_free(t->gather);
		t->gather = NULL;
		LK_TRY(lk_gather_create(&t->gather, batch->schema, err));
		t->gather_stream = batch->stream + 1;
	}
	return lk_gather_rows(t->gather, batch->view, rows, count, view, err);
}

/* Those that stay go on; of each Arrow stream there is one batch at least, for its schema. */
static enum lk_status write_batch(struct lk_dedup *d, struct table *t, const struct lk_batch *batch, int64_t first, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	int64_t kept = 0, left = 0;

	LK_TRY(divide(d, t, first, batch->rows, &kept, &left, err));
	if (left && d->options->dups) {
		LK_TRY(gather(t, batch, d->left, left, &view, err));
		LK_TRY(lk_writer_batch(d->options->dups, t->name, batch->schema, view, err));
	}
	if (!left) {
		LK_TRY(lk_writer_pass(d->writer, batch, err));
	} else if (kept || t->written != batch->stream + 1) {
		LK_TRY(gather(t, batch, d->kept, kept, &view, err));
		LK_TRY(lk_writer_batch(d->writer, t->name, batch->schema, view, err));
	}
	t->written = batch->stream + 1;
	return LK_OK;
}

/* ---- reading ---- */

static enum lk_status make_versions(struct table *t, const struct lk_batch *batch, int64_t first, struct lk_error *err)
{
	LK_TRY(lk_version_columns(&t->version, &t->spec, t->order_type, batch->schema, batch->view, err));
	if (!lk_grow((void **)&t->ends, &t->end_cap, (size_t)batch->rows + 1, sizeof(*t->ends)))
		return lk_error_nomem(err);
	lk_str_clear(&t->versions);
	for (int64_t i = 0; i < batch->rows; i++) {
		lk_version_encode(&t->version, t->spec.load, i, first + i, &t->versions);
		t->ends[i] = t->versions.len;
	}
	return lk_str_check(&t->versions, err);
}

/* Rows that have no key. */
static enum lk_status find_keyless(struct table *t, int64_t rows, struct lk_error *err)
{
	if (!lk_grow((void **)&t->keyless, &t->keyless_cap, (size_t)rows + 1, sizeof(*t->keyless)))
		return lk_error_nomem(err);
	memset(t->keyless, 0, (size_t)rows * sizeof(*t->keyless));
	for (size_t c = 0; c < t->rows.count; c++)
		for (int64_t i = 0; (t->rows.cells[c].valid || t->rows.cells[c].layout == LK_CELLS_NULL) && i < rows; i++)
			t->keyless[i] |= lk_cells_is_null(&t->rows.cells[c], i);
	for (int64_t i = 0; i < rows; i++)
		t->count.keyless += t->keyless[i];
	return LK_OK;
}

static enum lk_status add_rows(struct lk_dedup *d, struct table *t, const struct lk_batch *batch, int64_t *first, struct lk_error *err)
{
	struct lk_best_rows rows = {.set = t->set, .count = batch->rows};

	LK_TRY(lk_rows_batch(&t->rows, batch->schema, batch->view, err));
	rows.cells = t->rows.cells;
	rows.hash = t->rows.hash;
	if (!t->whole) {
		LK_TRY(find_keyless(t, batch->rows, err));
		LK_TRY(make_versions(t, batch, d->rows, err));
		rows.ignored = t->keyless;
		rows.version_ends = t->ends;
		rows.versions = lk_str_text(&t->versions);
	}
	LK_TRY(lk_best_add(d->best, &rows, first, err));
	d->rows += batch->rows;
	return LK_OK;
}

static enum lk_status wait(struct lk_dedup *d, const struct table *t, struct lk_batch *batch, int64_t first, struct lk_error *err)
{
	if (!lk_grow((void **)&d->waiting, &d->waiting_cap, d->waiting_count + 1, sizeof(*d->waiting)))
		return lk_error_nomem(err);
	d->waiting[d->waiting_count++] = (struct waiting){(size_t)(t - d->tables), first};
	return lk_store_add(d->store, batch, err);
}

static enum lk_status keep_budget(struct lk_dedup *d, struct lk_error *err)
{
	size_t memory = d->options->memory_bytes, bytes = lk_store_memory(d->store) + lk_best_bytes(d->best);

	if (!d->said && (bytes > memory || lk_store_spilled(d->store))) {
		d->said = true;
		if (d->options->say)
			d->options->say("more than %zu MiB of memory are needed: rows go to temporary files from now on", memory >> 20);
	}
	return bytes > memory ? lk_best_spill(d->best, err) : LK_OK;
}

enum lk_status lk_dedup_batch(struct lk_dedup *d, struct lk_batch *batch, struct lk_error *err)
{
	struct table *t = NULL;
	int64_t first;
	bool late;

	if (!is_wanted(d, batch))
		return lk_writer_pass(d->writer, batch, err);
	LK_TRY(find_table(d, batch->table, &t, err));
	LK_TRY(begin_stream(d, t, batch, err));
	t->count.read += batch->rows;
	late = !t->whole || d->options->against || lk_best_has_spilled(d->best);
	if (add_rows(d, t, batch, &first, err))
		return lk_error_prefix(err, "table %s", t->name);
	LK_TRY(late ? wait(d, t, batch, first, err) : write_batch(d, t, batch, first, err));
	return keep_budget(d, err);
}

/* ---- what a lake has ---- */

/* Rows given to it; of each its number here. */
struct asked {
	int64_t *rows;
	size_t count, cap;
};

/* Whether a row can be one that the lake has: one without a key is none of any, and one that deletes is not there to be had. */
static bool is_to_ask(const struct table *t, const struct lk_batch *batch, int64_t row)
{
	int op = t->spec.op && t->spec.load != LK_LOAD_APPEND ? lk_schema_find(batch->schema, t->spec.op) : -1;
	struct ArrowStringView word;

	for (int i = 0; i < t->spec.key_count; i++)
		if (ArrowArrayViewIsNull(batch->view->children[lk_schema_find(batch->schema, t->spec.key[i])], row))
			return false;
	if (op < 0 || lk_type_of(batch->schema->children[op], NULL, NULL) != LK_UTF8 || ArrowArrayViewIsNull(batch->view->children[op], row))
		return true;
	word = ArrowArrayViewGetStringUnsafe(batch->view->children[op], row);
	return lk_op_of(word.data, (size_t)word.size_bytes) != 'D';
}

static enum lk_status ask(struct lk_dedup *d, struct table *t, const struct lk_batch *batch, int64_t first, struct asked *asked,
	struct lk_error *err)
{
	const struct ArrowArrayView *view;
	size_t count = 0;

	if (!lk_grow((void **)&d->kept, &d->kept_cap, (size_t)batch->rows + 1, sizeof(*d->kept)) ||
		!lk_grow((void **)&asked->rows, &asked->cap, asked->count + (size_t)batch->rows + 1, sizeof(*asked->rows)))
		return lk_error_nomem(err);
	for (int64_t i = 0; i < batch->rows; i++)
		if (!lk_best_is_lost(d->best, first + i) && is_to_ask(t, batch, i)) {
			d->kept[count] = i;
			asked->rows[asked->count + count++] = first + i;
		}
	if (!count)
		return LK_OK;
	asked->count += count;
	LK_TRY(gather(t, batch, d->kept, (int64_t)count, &view, err));
	return d->options->against->take(d->options->against->self, batch->schema, view, err);
}

static enum lk_status hear(struct lk_dedup *d, struct asked *asked, struct lk_error *err)
{
	const struct lk_dedup_against *a = d->options->against;

	LK_TRY(a->run(a->self, err));
	for (size_t i = 0; i < asked->count; i++)
		if (a->has(a->self, (int64_t)i))
			d->known[asked->rows[i] / 64] |= UINT64_C(1) << (asked->rows[i] % 64);
	asked->count = 0;
	return LK_OK;
}

/* All rows of a table that wait, as many at once as memory has room for. */
static enum lk_status ask_table(struct lk_dedup *d, size_t table, struct asked *asked, struct lk_error *err)
{
	const struct lk_dedup_against *a = d->options->against;
	struct table *t = &d->tables[table];
	struct lk_batch batch;
	bool is_there = true, begun = false;

	LK_TRY(lk_store_rewind(d->store, err));
	for (size_t i = 0; i < d->waiting_count && is_there; i++) {
		if (lk_store_next(d->store, &batch, err) != LK_NEXT_BATCH)
			return err->status;
		if (d->waiting[i].table != table)
			continue;
		if (!begun)
			LK_TRY(a->begin(a->self, t->name, &t->spec, &is_there, err));
		begun = is_there;
		if (begun)
			LK_TRY(ask(d, t, &batch, d->waiting[i].first, asked, err));
		if (asked->count >= d->options->memory_bytes / KNOWN_AT_ONCE) {
			LK_TRY(hear(d, asked, err));
			begun = false;
		}
	}
	return begun ? hear(d, asked, err) : LK_OK;
}

static enum lk_status ask_all(struct lk_dedup *d, struct lk_error *err)
{
	struct asked asked = {NULL, 0, 0};
	enum lk_status status = LK_OK;

	d->known = calloc((size_t)d->rows / 64 + 1, sizeof(*d->known));
	if (!d->known)
		return lk_error_nomem(err);
	for (size_t i = 0; i < d->table_count && !status; i++)
		status = ask_table(d, i, &asked, err);
	free(asked.rows);
	return status;
}

/* ---- the end ---- */

static enum lk_status write_waiting(struct lk_dedup *d, struct lk_error *err)
{
	struct lk_batch batch;

	LK_TRY(lk_store_rewind(d->store, err));
	for (size_t i = 0; i < d->waiting_count; i++) {
		if (lk_store_next(d->store, &batch, err) != LK_NEXT_BATCH)
			return err->status;
		LK_TRY(write_batch(d, &d->tables[d->waiting[i].table], &batch, d->waiting[i].first, err));
	}
	return LK_OK;
}

static enum lk_status count_table(struct lk_dedup *d, const struct lk_dedup_count *c, struct lk_error *err)
{
	struct lk_str reason = LK_STR_INIT;
	enum lk_status status;

	if (c->repeated)
		lk_str_addf(&reason, "%lld repeated", (long long)c->repeated);
	if (c->known)
		lk_str_addf(&reason, "%s%lld in the lake already", reason.len ? ", " : "", (long long)c->known);
	status = lk_str_check(&reason, err);
	if (!status)
		status = lk_writer_count(d->writer, c->table, c->read, c->repeated + c->known, reason.data, err);
	if (!status && d->options->dups)
		status = lk_writer_count(d->options->dups, c->table, c->read, c->read - c->repeated - c->known, "not repeated", err);
	lk_str_release(&reason);
	return status;
}

enum lk_status lk_dedup_finish(struct lk_dedup *d, struct lk_error *err)
{
	LK_TRY(lk_best_finish(d->best, d->options->memory_bytes / 2, err));
	if (d->options->against)
		LK_TRY(ask_all(d, err));
	LK_TRY(write_waiting(d, err));
	for (size_t i = 0; i < d->table_count; i++)
		LK_TRY(count_table(d, &d->tables[i].count, err));
	return LK_OK;
}

bool lk_dedup_counts(const struct lk_dedup *d, size_t i, struct lk_dedup_count *count)
{
	if (i >= d->table_count)
		return false;
	*count = d->tables[i].count;
	return true;
}
