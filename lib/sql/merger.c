#include "sql/merger.h"

#include <stdlib.h>
#include <string.h>

#include "sql/history.h"
#include "sql/resolve.h"
#include "sql/view.h"

#define ROWS_PER_PASS (4 << 20) /* candidates, of 150 bytes each and more */

struct lk_mergers {
	struct lk_places places;
};

/* Rows that are not to be, by the number of their file. */
struct dead {
	struct dead_row {
		const struct lk_lake_file *file;
		int64_t position;
	} *items;
	size_t count, cap;
};

struct merge {
	struct lk_places *places;
	const struct lk_merge_request *rq;
	const struct lk_merge_visitor *visitor;
	struct lk_resolver *resolver; /* of this pass */
	struct dead old, new;
};

/* ---- reading ---- */

static enum lk_status read_select(struct lk_places *p, const char *select, lk_rows_visitor *visit, void *context, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_result *result;
	enum lk_next next = LK_NEXT_ERROR;
	enum lk_status status;

	LK_TRY(lk_result_select(&result, p->sql, select, true, err));
	status = LK_OK;
	while (!status && (next = lk_result_next(result, &view, err)) == LK_NEXT_BATCH)
		status = visit(context, lk_result_schema(result), view, err);
	if (!status && next == LK_NEXT_ERROR)
		status = err->status;
	lk_result_close(result);
	return status;
}

/* Rows of a table; select may say which and what of them: "SELECT a FROM (%) WHERE b". */
static enum lk_status read_table(struct lk_places *p, const struct lk_lake_table *table, const char *before, const char *behind,
	lk_rows_visitor *visit, void *context, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = LK_OK;

	lk_str_adds(&s, before);
	status = lk_sql_add_rows(p->sql, table, &s, err);
	lk_str_adds(&s, behind);
	if (!status)
		status = lk_str_check(&s, err);
	if (!status)
		status = read_select(p, s.data, visit, context, err);
	lk_str_release(&s);
	return status;
}

static enum lk_status take_rows(void *context, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct merge *m = context;

	return lk_resolver_take(m->resolver, schema, view, err);
}

/* ---- facts ---- */

struct fact_reader {
	struct merge *m;
	bool known; /* the lake has them already */
};

static bool kind_of(struct ArrowStringView word, enum lk_fact_kind *kind)
{
	for (int i = LK_FACT_DELETED; i <= LK_FACT_COMPLETE; i++)
		if ((size_t)word.size_bytes == strlen(lk_fact_words[i]) && !memcmp(word.data, lk_fact_words[i], (size_t)word.size_bytes)) {
			*kind = (enum lk_fact_kind)i;
			return true;
		}
	return false;
}

/* fact, key, version; of words that are not known nothing is taken. */
static enum lk_status take_facts(void *context, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct fact_reader *f = context;

	(void)schema;
	for (int64_t row = 0; row < view->length; row++) {
		struct ArrowStringView word = ArrowArrayViewGetStringUnsafe(view->children[0], view->offset + row);
		struct ArrowBufferView key = ArrowArrayViewGetBytesUnsafe(view->children[1], view->offset + row);
		struct ArrowBufferView version = ArrowArrayViewGetBytesUnsafe(view->children[2], view->offset + row);
		enum lk_fact_kind kind;

		if (!kind_of(word, &kind))
			continue;
		LK_TRY((f->known ? lk_resolver_known : lk_resolver_fact)(f->m->resolver, kind, key.data.as_char, (size_t)key.size_bytes,
			version.data.as_char, (size_t)version.size_bytes, err));
	}
	return LK_OK;
}

static enum lk_status read_facts(struct merge *m, const struct lk_lake_table *table, bool known, struct lk_error *err)
{
	struct fact_reader reader = {m, known};
	struct lk_str behind = LK_STR_INIT;
	enum lk_status status;

	if (!table || !table->file_count)
		return LK_OK;
	lk_str_adds(&behind, ") WHERE table_uuid = ");
	lk_sql_add_literal(&behind, m->rq->uuid);
	status = lk_str_check(&behind, err);
	if (!status)
		status = read_table(m->places, table, "SELECT fact, key, version FROM (", behind.data, take_facts, &reader, err);
	lk_str_release(&behind);
	return status;
}

static enum lk_status give_fact(void *context, enum lk_fact_kind kind, const void *key, size_t key_len, const void *version, size_t version_len,
	int64_t candidate, struct lk_error *err)
{
	struct merge *m = context;
	struct lk_fact fact = {.kind = kind, .key = key, .key_len = key_len, .version = version, .version_len = version_len};
	struct lk_version_origin origin = {.file = LK_STR_INIT};
	enum lk_status status = LK_OK;

	(void)candidate;
	if (lk_version_origin(version, version_len, m->rq->spec->load, lk_resolver_order_kind(m->resolver), &origin)) {
		fact.has_sent = origin.has_sent;
		fact.sent = origin.sent;
		fact.has_row = origin.has_row;
		fact.row = origin.row;
		fact.file = origin.file.len ? origin.file.data : NULL;
	}
	status = lk_str_check(&origin.file, err);
	if (!status)
		status = m->visitor->fact(m->visitor->context, &fact, err);
	lk_str_release(&origin.file);
	return status;
}

/* ---- rows that are not to be ---- */

static enum lk_status add_dead(struct dead *dead, const struct lk_lake_file *file, int64_t position, struct lk_error *err)
{
	if (!lk_grow((void **)&dead->items, &dead->cap, dead->count + 1, sizeof(*dead->items)))
		return lk_error_nomem(err);
	dead->items[dead->count++] = (struct dead_row){file, position};
	return LK_OK;
}

static enum lk_status add_old(void *context, const struct lk_lake_file *file, int64_t position, int64_t candidate, struct lk_error *err)
{
	struct merge *m = context;

	(void)candidate;
	return add_dead(&m->old, file, position, err);
}

static enum lk_status add_new(struct merge *m, struct lk_error *err)
{
	const struct lk_lake_file *old;
	int64_t candidate = 0, at;

	for (int i = 0; i < m->rq->added->file_count; i++)
		for (int64_t row = 0; row < m->rq->added->files[i].rows; row++) {
			enum lk_verdict verdict = lk_resolver_verdict(m->resolver, candidate++, &old, &at);

			if (verdict != LK_VERDICT_INSERT && verdict != LK_VERDICT_UPDATE && verdict != LK_VERDICT_ELSEWHERE)
				LK_TRY(add_dead(&m->new, &m->rq->added->files[i], row, err));
		}
	return LK_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct dead_row *x = a, *y = b;
	int order = x->file == y->file ? 0 : strcmp(x->file->uri, y->file->uri);

	return order ? order : (x->position > y->position) - (x->position < y->position);
}

/* One pass gives them in order. */
static enum lk_status visit_dead(struct merge *m, struct dead *dead, lk_place_visitor *visit, bool sorted, struct lk_error *err)
{
	if (!sorted)
		qsort(dead->items, dead->count, sizeof(*dead->items), by_place);
	for (size_t i = 0; i < dead->count; i++)
		LK_TRY(visit(m->visitor->context, dead->items[i].file, dead->items[i].position, err));
	return LK_OK;
}

/* ---- the passes ---- */

static enum lk_status check_count(const struct merge *m, struct lk_error *err)
{
	int64_t came = lk_resolver_candidates(m->resolver);

	if (came == m->rq->added->rows)
		return LK_OK;
	return lk_error_set(err, LK_BUG, "%lld rows were written and %lld are read", (long long)m->rq->added->rows, (long long)came);
}

static void add_name(const struct lk_lake_table *t, const char *name, struct lk_str *s)
{
	for (int i = 0; name && i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, name)) {
			lk_str_adds(s, s->len ? ", " : "SELECT ");
			lk_sql_add_identifier(s, name);
		}
}

/* Of rows that come; where there are none to be compared with, just what tells them apart. */
static enum lk_status read_added(struct merge *m, struct lk_error *err)
{
	const struct lk_lake_table *added = m->rq->added;
	const struct lk_spec *spec = m->rq->spec;
	struct lk_str select = LK_STR_INIT;
	enum lk_status status;

	if (m->rq->base && m->rq->base->file_count)
		return read_table(m->places, added, "", "", take_rows, m, err);
	for (int i = 0; i < spec->key_count; i++)
		add_name(added, spec->key[i], &select);
	for (int i = 0; i < spec->scope_count; i++)
		add_name(added, spec->scope[i], &select);
	add_name(added, spec->order, &select);
	add_name(added, LK_COLUMN_SENT, &select);
	add_name(added, LK_COLUMN_FILE, &select);
	add_name(added, LK_COLUMN_ROW, &select);
	lk_str_adds(&select, " FROM (");
	status = lk_str_check(&select, err);
	if (!status)
		status = read_table(m->places, added, select.data, ")", take_rows, m, err);
	lk_str_release(&select);
	return status;
}

static enum lk_status resolve(struct merge *m, struct lk_merge_counts *counts, struct lk_error *err)
{
	if (m->rq->added->file_count)
		LK_TRY(read_added(m, err));
	LK_TRY(check_count(m, err));
	LK_TRY(read_facts(m, m->rq->added_facts, false, err));
	LK_TRY(read_facts(m, m->rq->facts, true, err));
	LK_TRY(lk_resolver_run(m->resolver, err));
	LK_TRY(add_new(m, err));
	LK_TRY(lk_resolver_gone(m->resolver, add_old, m, err));
	LK_TRY(lk_resolver_facts(m->resolver, give_fact, m, err));
	lk_resolver_counts(m->resolver, counts);
	return LK_OK;
}

static enum lk_status run_pass(struct merge *m, int pass, int passes, struct lk_merge_counts *counts, struct lk_error *err)
{
	const struct lk_merge_request *rq = m->rq;
	struct lk_resolver_options o = {.spec = rq->spec, .base = rq->base, .pass = pass, .passes = passes, .wanting = rq->wanting,
		.wanting_count = rq->wanting_count, .all_wanting = rq->all_wanting, .anew = rq->anew, .anew_count = rq->anew_count, .since = rq->since};
	enum lk_status status = lk_resolver_open(&m->resolver, m->places, &o, err);

	if (!status)
		status = resolve(m, counts, err);
	lk_resolver_close(m->resolver);
	return status;
}

/* Full lists need all keys at once: what is absent is absent from all passes. */
static int passes_for(const struct lk_merge_request *rq)
{
	if (rq->spec->load == LK_LOAD_FULL || rq->anew_count)
		return 1;
	return (int)(rq->added->rows / ROWS_PER_PASS) + 1;
}

static enum lk_status merge(void *self, const struct lk_merge_request *request, const struct lk_merge_visitor *visitor,
	struct lk_merge_counts *counts, struct lk_error *err)
{
	struct lk_mergers *mergers = self;
	struct merge m = {.places = &mergers->places, .rq = request, .visitor = visitor};
	int passes = passes_for(request);
	enum lk_status status = lk_places_open(&mergers->places, err);

	*counts = (struct lk_merge_counts){0};
	if (!status && request->history)
		return lk_history_merge(&mergers->places, request, visitor, counts, err);
	for (int pass = 0; !status && pass < passes; pass++)
		status = run_pass(&m, pass, passes, counts, err);
	if (!status)
		status = visit_dead(&m, &m.old, visitor->old, passes == 1, err);
	if (!status)
		status = visit_dead(&m, &m.new, visitor->new, passes == 1, err);
	free(m.old.items);
	free(m.new.items);
	return status;
}

static enum lk_status read_rows(void *self, const struct lk_lake_table *table, lk_rows_visitor *visit, void *context, struct lk_error *err)
{
	struct lk_mergers *mergers = self;

	LK_TRY(lk_places_open(&mergers->places, err));
	return read_table(&mergers->places, table, "", "", visit, context, err);
}

enum lk_status lk_merger_open(struct lk_mergers **out, struct lk_merger *merger, struct lk_error *err)
{
	*out = calloc(1, sizeof(**out));
	*merger = (struct lk_merger){*out, merge, read_rows};
	return *out ? LK_OK : lk_error_nomem(err);
}

void lk_merger_close(struct lk_mergers *m)
{
	if (!m)
		return;
	lk_places_close(&m->places);
	free(m);
}
