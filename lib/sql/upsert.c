#include "sql/upsert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "change/scratch.h"
#include "lake/history.h"
#include "lake/metadata.h"
#include "sql/upsert_inside.h"
#include "stream/side.h"

#define BYTES_PER_ROW 150 /* that the resolver holds of a candidate */

/* An Arrow stream of a table that is upserted. */
struct route {
	uint64_t stream;
	struct lk_upserting *table;
	struct lk_upsert_form *form;
};

struct lk_upsert_rows {
	struct lk_store *store;
	struct route *routes; /* by the number of their stream, ascending */
	size_t route_count, route_cap;
	const struct lk_upserting *table; /* whose rows are read; NULL: none */
	struct ArrowArrayView view;	  /* of form->in, borrowed */
	struct ArrowArrayView **columns;
	size_t column_cap;
};

struct upsert {
	const struct lk_upsert_options *o;
	struct lk_upsert_report *report;
	struct lk_lake *lake;
	struct lk_pin pin;
	struct lk_reader *in;
	struct lk_writer *out;
	struct lk_places places;
	struct lk_lake_table versions_table;
	const struct lk_lake_table *versions; /* lk.versions, loaded; NULL: there is none */
	struct lk_upserting **tables;
	size_t table_count, table_cap;
	struct lk_upsert_wanting wanting;
	bool *met; /* of the tables of the options, those that came */
	struct lk_upsert_rows rows;
	bool has_facts;	 /* came with the rows */
	uint64_t stream; /* the last one */
	struct route *route; /* of it; NULL: it passes */
};

/* ---- the lake ---- */

static struct lk_lake_table *find_table(struct lk_pin *pin, const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t len = dot ? (size_t)(dot - name) : strlen(LK_MAIN);
	const char *space = dot ? name : LK_MAIN;

	for (int i = 0; i < pin->table_count; i++)
		if (!strcmp(pin->tables[i].name, dot ? dot + 1 : name) && strlen(pin->tables[i].namespace_name) == len &&
			!memcmp(pin->tables[i].namespace_name, space, len))
			return &pin->tables[i];
	return NULL;
}

/* As the branch has it or, where it does not know the table, as main does: so a branch begins. *out is NULL where there is none. */
static enum lk_status load_table(struct upsert *u, const char *name, unsigned flags, struct lk_lake_table *table,
	const struct lk_lake_table **out, struct lk_error *err)
{
	struct lk_lake_at at = {.kind = LK_AT_REF, .text = u->o->branch};
	const struct lk_lake_table *found = u->lake ? find_table(&u->pin, name) : NULL;
	bool known = false;

	*out = NULL;
	if (!found)
		return LK_OK;
	*table = *found;
	if (u->o->branch && strcmp(u->o->branch, LK_MAIN) != 0) {
		LK_TRY(lk_lake_table_open(&u->pin, table, NULL, err));
		known = lk_metadata_ref(table->metadata, u->o->branch) >= 0;
		*table = *found;
	}
	LK_TRY(lk_lake_table_load_at(&u->pin, table, known ? &at : NULL, flags, err));
	*out = table;
	return LK_OK;
}

static enum lk_status open_lake(struct upsert *u, struct lk_error *err)
{
	if (!u->lake)
		return LK_OK;
	if (u->o->branch)
		LK_TRY(lk_ledger_check_branch(u->lake, u->o->branch, err));
	LK_TRY(lk_lake_pin(u->lake, &u->pin, err));
	return load_table(u, LK_TABLE_VERSIONS, 0, &u->versions_table, &u->versions, err);
}

/* ---- tables of the stream ---- */

static void drop_outcomes(struct lk_upserting *t)
{
	if (t->outcomes)
		munmap(t->outcomes, (size_t)t->rows * sizeof(*t->outcomes));
	t->outcomes = NULL;
}

static void free_table(struct lk_upserting *t)
{
	if (!t)
		return;
	lk_resolver_close(t->resolver);
	drop_outcomes(t);
	for (size_t i = 0; i < t->form_count; i++)
		lk_upsert_form_free(t->forms[i]);
	free(t->forms);
	lk_store_free(t->kept_facts);
	lk_upsert_patches_free(t->patches);
	free(t->batches);
	free(t->listed);
	free(t->goes);
	free(t->vanished);
	free(t->name);
	lk_arena_release(&t->arena);
	free(t);
}

/* What stands in no namespace is in main. */
static const char *bare(const char *name)
{
	size_t len = strlen(LK_MAIN);

	return !strncmp(name, LK_MAIN, len) && name[len] == '.' && !strchr(name + len + 1, '.') ? name + len + 1 : name;
}

static struct lk_upserting *table_of(const struct upsert *u, const char *name)
{
	for (size_t i = 0; i < u->table_count; i++)
		if (!strcmp(bare(u->tables[i]->name), bare(name)))
			return u->tables[i];
	return NULL;
}

static enum lk_status add_table(struct upsert *u, const char *name, struct lk_upserting **out, struct lk_error *err)
{
	struct lk_upserting *t;

	if (!lk_grow((void **)&u->tables, &u->table_cap, u->table_count + 1, sizeof(*u->tables)))
		return lk_error_nomem(err);
	t = calloc(1, sizeof(*t));
	if (!t)
		return lk_error_nomem(err);
	u->tables[u->table_count++] = *out = t;
	*t = (struct lk_upserting){.o = u->o, .arena = LK_ARENA_INIT, .name = strdup(name), .places = &u->places,
		.facts = u->versions ? u->versions->snapshot_id : -1};
	if (!t->name)
		return lk_error_nomem(err);
	LK_TRY(load_table(u, name, LK_LOAD_METRICS, &t->base_table, &t->base, err));
	if (t->base && lk_history_wanted(json_object_get(t->base->metadata, "properties")))
		return lk_error_set(err, LK_DATA, "table %s keeps rows of the past (" LK_META_HISTORY "): lk-commit merges its rows by itself", name);
	return LK_OK;
}

static void note_met(struct upsert *u, const char *table)
{
	const char *dot = strrchr(table, '.');

	for (size_t i = 0; i < u->o->table_count; i++)
		u->met[i] = u->met[i] || !strcmp(u->o->tables[i], table) || (dot && !strcmp(u->o->tables[i], dot + 1));
}

static enum lk_status is_wanted(struct upsert *u, const struct lk_batch *batch, bool *wanted, struct lk_error *err)
{
	struct lk_lake_table table;
	const struct lk_lake_table *base = NULL, *found = u->lake && !lk_table_is_side(batch->table) ? find_table(&u->pin, batch->table) : NULL;

	if (found) {
		table = *found;
		LK_TRY(lk_lake_table_open(&u->pin, &table, NULL, err));
		base = &table;
	}
	return lk_upsert_form_wanted(u->o, base, batch->table, batch->schema, wanted, err);
}

static enum lk_status add_route(struct upsert *u, const struct lk_batch *batch, struct lk_upserting *t, struct lk_error *err)
{
	struct lk_upsert_rows *r = &u->rows;
	struct lk_upsert_form *form;

	LK_TRY(lk_upsert_form_get(t, batch->schema, &form, err));
	if (!lk_grow((void **)&r->routes, &r->route_cap, r->route_count + 1, sizeof(*r->routes)))
		return lk_error_nomem(err);
	u->route = &r->routes[r->route_count++];
	*u->route = (struct route){batch->stream, t, form};
	return LK_OK;
}

/* Where the batches of an Arrow stream go. */
static enum lk_status find_route(struct upsert *u, const struct lk_batch *batch, struct lk_error *err)
{
	struct lk_upserting *t = table_of(u, batch->table);
	bool wanted = t != NULL;

	if (batch->stream == u->stream)
		return LK_OK;
	u->stream = batch->stream;
	u->route = NULL;
	note_met(u, batch->table);
	if (!t)
		LK_TRY(is_wanted(u, batch, &wanted, err));
	if (!wanted)
		return LK_OK;
	if (!t)
		LK_TRY(add_table(u, batch->table, &t, err));
	return add_route(u, batch, t, err);
}

/* ---- rows, again ---- */

/* The columns of a form in a batch as it came. */
static enum lk_status show(struct lk_upsert_rows *r, const struct lk_upsert_form *f, const struct ArrowArrayView *view, struct lk_error *err)
{
	if (!lk_grow((void **)&r->columns, &r->column_cap, (size_t)f->in.n_children + 1, sizeof(*r->columns)))
		return lk_error_nomem(err);
	for (int64_t i = 0; i < f->in.n_children; i++)
		r->columns[i] = view->children[f->source[i]];
	r->view = *view;
	r->view.n_children = f->in.n_children;
	r->view.children = r->columns;
	return LK_OK;
}

enum lk_status lk_upsert_rewind(struct lk_upsert_rows *rows, const struct lk_upserting *t, struct lk_error *err)
{
	rows->table = t;
	return lk_store_rewind(rows->store, err);
}

static int by_stream(const void *key, const void *route)
{
	uint64_t stream = *(const uint64_t *)key, other = ((const struct route *)route)->stream;

	return (stream > other) - (stream < other);
}

enum lk_next lk_upsert_next(struct lk_upsert_rows *rows, struct lk_upsert_form **form, const struct ArrowArrayView **in, struct lk_error *err)
{
	const struct route *route;
	struct lk_batch batch;
	enum lk_next next;

	while ((next = lk_store_next(rows->store, &batch, err)) == LK_NEXT_BATCH) {
		route = bsearch(&batch.stream, rows->routes, rows->route_count, sizeof(*route), by_stream);
		if (!route || route->table != rows->table)
			continue;
		*form = route->form;
		*in = &rows->view;
		return show(rows, route->form, batch.view, err) ? LK_NEXT_ERROR : LK_NEXT_BATCH;
	}
	return next;
}

/* ---- reading ---- */

/* Facts stand behind the rows of their tables, which wait. */
static enum lk_status pass(struct upsert *u, struct lk_batch *batch, struct lk_error *err)
{
	if (!strcmp(batch->table, LK_TABLE_VERSIONS)) {
		u->has_facts = true;
		return lk_store_add(u->rows.store, batch, err);
	}
	LK_TRY(lk_upsert_note(&u->wanting, batch, err));
	return lk_writer_pass(u->out, batch, err);
}

/* Rows are taken as they come where nothing that comes behind them matters, and not too many come. */
static bool takes_at_once(const struct upsert *u, const struct lk_upserting *t)
{
	return t->spec.load != LK_LOAD_FULL && (size_t)t->rows <= u->o->memory_bytes / 2 / BYTES_PER_ROW;
}

static enum lk_status open_resolver(struct upsert *u, struct lk_upserting *t, int pass, int passes, const char *const *wanting,
	size_t wanting_count, struct lk_error *err)
{
	struct lk_resolver_options o = {.spec = &t->spec, .base = t->base, .pass = pass, .passes = passes, .partial = u->o->patch,
		.wanting = wanting, .wanting_count = wanting_count};

	LK_TRY(lk_places_open(&u->places, err));
	return lk_resolver_open(&t->resolver, &u->places, &o, err);
}

static enum lk_status note_batch(struct lk_upserting *t, const struct lk_upsert_form *form, struct lk_error *err)
{
	if (!t->o->patch)
		return LK_OK;
	if (!lk_grow((void **)&t->batches, &t->batch_cap, t->batch_count + 1, sizeof(*t->batches)))
		return lk_error_nomem(err);
	t->batches[t->batch_count++] = (struct lk_upsert_batch){t->rows, form};
	return LK_OK;
}

static enum lk_status keep(struct upsert *u, struct lk_batch *batch, struct lk_error *err)
{
	struct lk_upserting *t = u->route->table;
	bool first = !t->rows;

	LK_TRY(note_batch(t, u->route->form, err));
	t->rows += batch->rows;
	if (!takes_at_once(u, t)) {
		lk_resolver_close(t->resolver);
		t->resolver = NULL;
	} else if (first && !t->resolver) {
		LK_TRY(open_resolver(u, t, 0, 1, NULL, 0, err));
	}
	if (t->resolver) {
		LK_TRY(show(&u->rows, u->route->form, batch->view, err));
		LK_TRY(lk_resolver_take(t->resolver, &u->route->form->in, &u->rows.view, err));
	}
	return lk_store_add(u->rows.store, batch, err);
}

static enum lk_status named(const struct lk_batch *batch, enum lk_status status, struct lk_error *err)
{
	return status ? lk_error_prefix(err, "table %s", batch->table) : LK_OK;
}

static enum lk_status read_all(struct upsert *u, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next;

	while ((next = lk_reader_next(u->in, &batch, err)) == LK_NEXT_BATCH) {
		LK_TRY(named(&batch, find_route(u, &batch, err), err));
		if (u->route)
			LK_TRY(named(&batch, keep(u, &batch, err), err));
		else
			LK_TRY(pass(u, &batch, err));
	}
	if (next == LK_NEXT_ERROR)
		return err->status;
	for (size_t i = 0; i < u->o->table_count; i++)
		if (!u->met[i])
			return lk_error_set(err, LK_NOINPUT, "the stream has no table '%s'", u->o->tables[i]);
	return LK_OK;
}

/* ---- resolving ---- */

/* The number of a file in the stream's list, which it comes into. */
static int32_t list_file(struct lk_upserting *t, const struct lk_lake_file *file)
{
	int32_t *listed = &t->listed[file->number];

	if (*listed < 0) {
		t->goes[t->goes_count] = file;
		*listed = t->goes_count++;
	}
	return *listed;
}

/* A row that a patch leaves as it is may be changed by an older one. */
static struct lk_upsert_outcome ask(struct lk_upserting *t, int64_t candidate)
{
	struct lk_upsert_outcome o = {.file = -1, .position = -1};
	const struct lk_lake_file *file;

	o.verdict = lk_resolver_verdict(t->resolver, candidate, &file, &o.position);
	if (file && (o.verdict == LK_VERDICT_UPDATE || o.verdict == LK_VERDICT_DELETE || (t->patches && o.verdict == LK_VERDICT_UNCHANGED)))
		o.file = list_file(t, file);
	return o;
}

struct lk_upsert_outcome lk_upsert_outcome(struct lk_upserting *t, int64_t candidate)
{
	return t->outcomes ? t->outcomes[candidate] : ask(t, candidate);
}

static enum lk_status note_gone(void *context, const struct lk_lake_file *file, int64_t position, int64_t candidate, struct lk_error *err)
{
	struct lk_upserting *t = context;
	int32_t listed = list_file(t, file);

	if (candidate >= 0)
		return LK_OK;
	if (!lk_grow((void **)&t->vanished, &t->vanished_cap, t->vanished_count + 1, sizeof(*t->vanished)))
		return lk_error_nomem(err);
	t->vanished[t->vanished_count++] = (struct lk_base_place){listed, position};
	return LK_OK;
}

static enum lk_status take_all(struct upsert *u, struct lk_upserting *t, struct lk_error *err)
{
	const struct ArrowArrayView *in;
	struct lk_upsert_form *form;
	enum lk_next next;

	LK_TRY(lk_upsert_rewind(&u->rows, t, err));
	while ((next = lk_upsert_next(&u->rows, &form, &in, err)) == LK_NEXT_BATCH)
		LK_TRY(lk_resolver_take(t->resolver, &form->in, in, err));
	return next == LK_NEXT_ERROR ? err->status : LK_OK;
}

/* One pass: what the lake knows, and what becomes of the rows. */
static enum lk_status resolve(struct upsert *u, struct lk_upserting *t, struct lk_upserted *report, struct lk_error *err)
{
	LK_TRY(lk_upsert_read_facts(t, u->versions, err));
	LK_TRY(lk_resolver_run(t->resolver, err));
	LK_TRY(lk_resolver_gone(t->resolver, note_gone, t, err));
	lk_resolver_counts(t->resolver, &report->counts);
	return lk_upsert_collect(t, &u->rows, err);
}

static enum lk_status run_pass(struct upsert *u, struct lk_upserting *t, int pass, int passes, struct lk_upserted *report,
	struct lk_error *err)
{
	lk_resolver_close(t->resolver);
	t->resolver = NULL;
	LK_TRY(open_resolver(u, t, pass, passes, NULL, 0, err));
	LK_TRY(take_all(u, t, err));
	LK_TRY(resolve(u, t, report, err));
	LK_TRY(lk_upsert_keep_facts(t, err));
	for (int64_t i = 0; i < t->rows; i++) {
		struct lk_upsert_outcome o = ask(t, i);

		if (o.verdict != LK_VERDICT_ELSEWHERE)
			t->outcomes[i] = o;
	}
	return LK_OK;
}

/* What became of the rows lies in a file of its own while the passes run, for they may be more than fit memory. */
static enum lk_status run_passes(struct upsert *u, struct lk_upserting *t, struct lk_upserted *report, struct lk_error *err)
{
	size_t bytes = (size_t)t->rows * sizeof(*t->outcomes);
	int passes = (int)((size_t)t->rows / (u->o->memory_bytes / 2 / BYTES_PER_ROW + 1)) + 1, fd;
	enum lk_status status = LK_OK;

	LK_TRY(lk_scratch_open(NULL, &fd, err));
	errno = posix_fallocate(fd, 0, (off_t)bytes); /* a disk that is full is to be told now: who writes to the mapping cannot be told */
	t->outcomes = errno ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (t->outcomes == MAP_FAILED) {
		t->outcomes = NULL;
		return lk_error_sys(err, LK_IO, "cannot keep what becomes of %lld rows", (long long)t->rows);
	}
	for (int64_t i = 0; i < t->rows; i++)
		t->outcomes[i] = (struct lk_upsert_outcome){LK_VERDICT_ELSEWHERE, -1, -1};
	for (int pass = 0; !status && pass < passes; pass++)
		status = run_pass(u, t, pass, passes, report, err);
	return status;
}

/* Full lists need all keys at once: what is absent is absent from all passes. */
static enum lk_status run_once(struct upsert *u, struct lk_upserting *t, struct lk_upserted *report, struct lk_error *err)
{
	const char *name = strchr(t->name, '.') ? t->name : lk_arena_printf(&t->arena, LK_MAIN ".%s", t->name), **wanting;
	size_t count;

	if (!name)
		return lk_error_nomem(err);
	LK_TRY(lk_upsert_wanting_of(&u->wanting, name, &t->arena, &wanting, &count, err));
	if (!t->resolver) {
		LK_TRY(open_resolver(u, t, 0, 1, wanting, count, err));
		LK_TRY(take_all(u, t, err));
	}
	return resolve(u, t, report, err);
}

static enum lk_status say_dropped(struct upsert *u, const struct lk_upserting *t, const struct lk_upserted *r, struct lk_error *err)
{
	const struct lk_merge_counts *c = &r->counts;
	struct lk_str reason = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&reason, "%lld unchanged, %lld late, %lld repeated", (long long)c->unchanged, (long long)c->late, (long long)c->repeated);
	status = lk_str_check(&reason, err);
	if (!status)
		status = lk_writer_count(u->out, t->name, t->rows, t->rows - t->written, t->rows > t->written ? reason.data : NULL, err);
	lk_str_release(&reason);
	return status;
}

static enum lk_status add_report(struct upsert *u, const struct lk_upserting *t, struct lk_upserted **out, struct lk_error *err)
{
	struct lk_upsert_report *r = u->report;

	*out = NULL;
	if (!lk_grow((void **)&r->items, &r->cap, r->count + 1, sizeof(*r->items)))
		return lk_error_nomem(err);
	*out = &r->items[r->count++];
	**out = (struct lk_upserted){.table = strdup(t->name), .is_new = !t->base, .rows = t->rows};
	return (*out)->table ? LK_OK : lk_error_nomem(err);
}

static enum lk_status make_lists(struct lk_upserting *t, struct lk_error *err)
{
	size_t files = t->base ? (size_t)t->base->file_count : 0;

	t->listed = malloc((files + 1) * sizeof(*t->listed));
	t->goes = calloc(files + 1, sizeof(*t->goes));
	if (!t->listed || !t->goes)
		return lk_error_nomem(err);
	for (size_t i = 0; i < files; i++)
		t->listed[i] = -1;
	return LK_OK;
}

static enum lk_status finish_table(struct upsert *u, struct lk_upserting *t, struct lk_error *err)
{
	bool many = t->spec.load != LK_LOAD_FULL && !takes_at_once(u, t);
	struct lk_upserted *report = NULL;

	LK_TRY(make_lists(t, err));
	LK_TRY(add_report(u, t, &report, err));
	LK_TRY(many ? run_passes(u, t, report, err) : run_once(u, t, report, err));
	LK_TRY(lk_upsert_write(t, &u->rows, u->out, err));
	report->counts.unchanged -= t->patched;
	report->counts.updated += t->patched;
	LK_TRY(lk_upsert_write_facts(t, u->out, err));
	LK_TRY(say_dropped(u, t, report, err));
	lk_resolver_close(t->resolver);
	t->resolver = NULL;
	drop_outcomes(t);
	return LK_OK;
}

/* ---- the whole ---- */

static enum lk_status pass_facts(struct upsert *u, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next;

	if (!u->has_facts)
		return LK_OK;
	LK_TRY(lk_store_rewind(u->rows.store, err));
	while ((next = lk_store_next(u->rows.store, &batch, err)) == LK_NEXT_BATCH)
		if (!strcmp(batch.table, LK_TABLE_VERSIONS))
			LK_TRY(lk_writer_batch(u->out, batch.table, batch.schema, batch.view, err));
	return next == LK_NEXT_ERROR ? err->status : LK_OK;
}

static enum lk_status upsert(struct upsert *u, struct lk_error *err)
{
	u->met = calloc(u->o->table_count + 1, sizeof(*u->met));
	if (!u->met)
		return lk_error_nomem(err);
	LK_TRY(open_lake(u, err));
	LK_TRY(lk_store_create(&u->rows.store, u->o->memory_bytes / 2, NULL, err));
	LK_TRY(read_all(u, err));
	for (size_t i = 0; i < u->table_count; i++)
		if (finish_table(u, u->tables[i], err))
			return lk_error_prefix(err, "table %s", u->tables[i]->name);
	return pass_facts(u, err);
}

enum lk_status lk_upsert(struct lk_lake *lake, struct lk_reader *in, struct lk_writer *out, const struct lk_upsert_options *options,
	struct lk_upsert_report *report, struct lk_error *err)
{
	struct upsert u = {.o = options, .report = report, .lake = lake, .in = in, .out = out};
	enum lk_status status;

	*report = (struct lk_upsert_report){.items = NULL};
	status = upsert(&u, err);
	for (size_t i = 0; i < u.table_count; i++)
		free_table(u.tables[i]);
	free(u.tables);
	lk_upsert_wanting_release(&u.wanting);
	free(u.met);
	lk_store_free(u.rows.store);
	free(u.rows.routes);
	free(u.rows.columns);
	lk_places_close(&u.places);
	lk_pin_release(&u.pin);
	return status;
}
