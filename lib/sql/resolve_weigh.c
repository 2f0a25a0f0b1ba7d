#include "sql/resolve_inside.h"

#include <stdlib.h>
#include <string.h>

#include "sql/vectors.h"

_Static_assert(LK_FUNCTION_ROWS <= LK_CONTENT_ROWS, "what weighs rows has room for those of one call");

/* ---- columns ---- */

int lk_resolver_column(const struct lk_lake_table *t, const char *name)
{
	for (int i = 0; t && i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, name))
			return i;
	return -1;
}

static enum lk_status need_column(const struct lk_lake_table *t, const char *name, const char *what, int *out, struct lk_error *err)
{
	*out = lk_resolver_column(t, name);
	if (*out >= 0)
		return LK_OK;
	return lk_error_set(err, LK_DATA, "table %s.%s has no column '%s', which is %s", t->namespace_name, t->name, name, what);
}

static enum lk_status no_kind(const struct lk_lake_table *t, const char *name, struct lk_error *err)
{
	return lk_error_set(err, LK_MISSING, "table %s.%s: column '%s' is of a type that cannot be a key here", t->namespace_name, t->name, name);
}

static int also(struct lk_resolver *r, const char *name)
{
	int column = name ? lk_resolver_column(r->o.base, name) : -1;

	if (column < 0)
		return -1;
	r->columns[r->key.count + r->scope.count + r->also.count] = column;
	return r->also.count++;
}

enum lk_status lk_resolver_choose_columns(struct lk_resolver *r, struct lk_error *err)
{
	const struct lk_lake_table *t = r->o.base;
	const struct lk_spec *spec = r->o.spec;
	bool whole = !spec->key_count; /* of rows that are compared as a whole */
	int n = 0;

	r->columns = calloc((size_t)(2 * t->column_count + 2 * spec->key_count + spec->scope_count + 8), sizeof(*r->columns));
	if (!r->columns)
		return lk_error_nomem(err);
	for (int i = 0; i < spec->key_count; i++) {
		LK_TRY(need_column(t, spec->key[i], "a column of the key", &r->columns[n], err));
		if (!lk_cells_kind_of(t->columns[r->columns[n++]].type, &r->key_kinds[i]))
			return no_kind(t, spec->key[i], err);
	}
	for (int i = 0; whole && i < t->column_count; i++)
		if (lk_content_counts(t->columns[i].name))
			r->columns[n++] = i;
	r->key = (struct lk_column_list){r->columns, n};
	for (int i = 0; i < spec->scope_count; i++) {
		LK_TRY(need_column(t, spec->scope[i], "a column of the scope", &r->columns[n], err));
		if (!lk_cells_kind_of(t->columns[r->columns[n++]].type, &r->scope_kinds[i]))
			return no_kind(t, spec->scope[i], err);
	}
	r->scope = (struct lk_column_list){r->columns + r->key.count, spec->scope_count};
	r->also.items = r->columns + n;
	r->at_order = also(r, spec->order);
	r->at_sent = also(r, LK_COLUMN_SENT);
	r->at_file = also(r, "lk_file");
	r->at_row = also(r, "lk_row");
	r->at_key = r->also.count;
	for (int i = 0; r->loose && i < spec->key_count; i++)
		(void)also(r, spec->key[i]);
	r->at_content = r->also.count;
	return LK_OK;
}

/* ---- rows of the table ---- */

static void base_version(const struct lk_resolver *r, const struct lk_cells *cells, int64_t row, struct lk_str *out)
{
	struct lk_version_cells v = {.has_order = r->at_order >= 0, .has_sent = r->at_sent >= 0, .has_file = r->at_file >= 0,
		.has_row = r->at_row >= 0};

	if (v.has_order)
		v.order = cells[r->at_order];
	if (v.has_sent)
		v.sent = cells[r->at_sent];
	if (v.has_file)
		v.file = cells[r->at_file];
	if (v.has_row)
		v.row = cells[r->at_row];
	lk_str_clear(out);
	lk_version_encode(&v, r->o.spec->load, row, LK_NOWHERE, out);
}

/* A row is at least as new as what confirmed it, and as the last complete list of its scope. */
static int compare_row(const struct lk_resolver *r, const struct lk_str *version, const struct lk_known_key *e,
	const struct lk_known_scope *s, lk_version_ref with)
{
	int order = lk_resolver_compare(r, version->data, version->len, with);

	if (order <= 0 && e->confirmed && lk_resolver_compare_kept(r, e->confirmed, with) >= 0)
		order = lk_resolver_compare_kept(r, e->confirmed, with) > 0 ? 1 : 0;
	if (order <= 0 && s && s->known && lk_resolver_compare_kept(r, s->known, with) > 0)
		order = 1;
	return order;
}

static int8_t weigh_row(const struct lk_resolver *r, const struct lk_str *version, uint64_t numbers, const struct lk_known_key *e,
	const struct lk_known_scope *s)
{
	int8_t verdict = 0;
	int order;

	if (e && e->candidate != LK_NOWHERE) {
		order = compare_row(r, version, e, s, e->version);
		verdict |= order > 0 ? WEIGH_NEWER : 0;
		verdict |= order < 0 ? WEIGH_OLDER : 0;
		verdict |= numbers == e->numbers ? WEIGH_SAME : 0;
	}
	if (e && e->deleted && compare_row(r, version, e, s, e->deleted) > 0)
		verdict |= WEIGH_NEWER_THAN_DELETED;
	if (e && e->candidate == LK_NOWHERE && e->confirmed && lk_resolver_compare(r, version->data, version->len, e->confirmed) < 0)
		verdict |= WEIGH_NEWER;
	if (s && s->wanted && lk_resolver_compare(r, version->data, lk_version_list(version->data, version->len), s->list) < !r->dated)
		verdict |= WEIGH_OF_OLDER_LIST;
	return verdict;
}

static bool is_anew(const struct lk_resolver *r, const struct lk_cells *cells, int64_t row)
{
	const char *text;
	size_t len;

	if (!r->o.anew_count || r->at_file < 0 || lk_cells_is_null(&cells[r->at_file], row))
		return false;
	text = lk_vector_text(&cells[r->at_file], row, &len);
	return lk_resolver_is_among(text, (int64_t)len, r->o.anew, r->o.anew_count);
}

/* Keeps the key of a row that is to vanish: asked for where that leaves a fact. */
static void note_absent(struct lk_resolver *r, const struct lk_cells *key, int64_t row, const struct lk_str *version, int64_t scope,
	int64_t number)
{
	struct lk_str text = LK_STR_INIT;

	for (int i = 0; i < r->key.count; i++)
		lk_cells_encode(&key[i], row, &text);
	pthread_mutex_lock(&r->lock);
	if (text.failed || !lk_grow((void **)&r->absent, &r->absent_cap, r->absent_count + 1, sizeof(*r->absent)))
		r->absent_text.failed = true;
	else
		r->absent[r->absent_count++] = (struct lk_absent){lk_resolver_add_text(&r->absent_text, text.data, text.len),
			lk_resolver_add_text(&r->absent_text, version->data, version->len), scope, number};
	pthread_mutex_unlock(&r->lock);
	lk_str_release(&text);
}

/* lk_resolver_run looks at that. */
static void note_failed(struct lk_resolver *r)
{
	pthread_mutex_lock(&r->lock);
	r->absent_text.failed = true;
	pthread_mutex_unlock(&r->lock);
}

/* Candidates lie all over memory. */
static void prefetch(const struct lk_resolver *r, const int64_t *key, int64_t count)
{
	for (int64_t i = 0; i < count; i++)
		if (key[i] >= 0)
			__builtin_prefetch(&r->entries[key[i]]);
	for (int64_t i = 0; i < count; i++)
		if (key[i] >= 0)
			__builtin_prefetch(r->versions.data + r->entries[key[i]].version);
}

/* Whether rows of the table have versions of their own. */
static bool has_versions(const struct lk_resolver *r)
{
	return r->at_order >= 0 || r->at_sent >= 0 || r->at_file >= 0 || r->at_row >= 0;
}

/* From several threads at once: nothing of the resolver is changed but what the lock guards. */
static void weigh(void *context, const struct lk_cells *cells, const int64_t *key, const int64_t *scope, int64_t count, int8_t *verdict)
{
	struct lk_resolver *r = context;
	struct lk_str version = LK_STR_INIT;
	uint64_t numbers[LK_CONTENT_ROWS];

	lk_content_columns(r->o.base, r->also.items + r->at_content, cells + r->at_content, r->also.count - r->at_content, count, numbers);
	prefetch(r, key, count);
	for (int64_t i = 0; i < count; i++) {
		const struct lk_known_key *e = key[i] >= 0 ? &r->entries[key[i]] : NULL;

		if (!i || has_versions(r))
			base_version(r, cells, i, &version);
		verdict[i] = weigh_row(r, &version, numbers[i], e, scope[i] >= 0 ? &r->scope_items[scope[i]] : NULL);
		verdict[i] |= is_anew(r, cells, i) ? WEIGH_ANEW : 0;
		if (r->loose && verdict[i] & WEIGH_OF_OLDER_LIST)
			note_absent(r, cells + r->at_key, i, &version, scope[i], key[i]);
	}
	if (version.failed)
		note_failed(r);
	lk_str_release(&version);
}

static enum lk_status meet(void *context, const struct lk_lake_file *file, int64_t position, int64_t key, int64_t scope, int8_t verdict,
	struct lk_error *err)
{
	struct lk_resolver *r = context;
	bool same = verdict & WEIGH_SAME && (r->o.alike || !(verdict & WEIGH_NEWER)); /* who only looks does not mind which is newer */

	if (!lk_grow((void **)&r->met, &r->met_cap, r->met_count + 1, sizeof(*r->met)))
		return lk_error_nomem(err);
	r->met[r->met_count++] = (struct lk_met){file, position, key, scope, verdict & WEIGH_OF_OLDER_LIST, verdict & WEIGH_ANEW, same};
	if (scope >= 0)
		r->scope_items[scope].rows++;
	if (key >= 0) {
		struct lk_known_key *e = &r->entries[key];

		e->newer |= (verdict & WEIGH_NEWER) != 0;
		e->newer_than_deleted |= (verdict & WEIGH_NEWER_THAN_DELETED) != 0;
		e->older |= (verdict & WEIGH_OLDER) != 0;
		e->unclaimed |= e->claimed && file->sequence > r->o.since;
		if (!e->rows++) {
			e->file = file;
			e->position = position;
		}
	}
	return LK_OK;
}

/* ---- text ---- */

/* Whether a column is compared, and now: those of text are asked for only where all else is the same, for they cost the most. */
static bool is_compared(const struct lk_resolver *r, const struct lk_lake_column *c, bool text)
{
	return lk_content_counts(c->name) && lk_content_is_text(c->type) == text && (!r->o.partial || lk_content_has(&r->content, c->name));
}

static struct lk_column_list add_compared(const struct lk_resolver *r, int *items, bool text)
{
	struct lk_column_list list = {items, 0};

	for (int i = 0; i < r->o.base->column_count; i++)
		if (is_compared(r, &r->o.base->columns[i], text))
			items[list.count++] = i;
	return list;
}

static void hash_texts(void *context, const struct lk_cells *cells, int64_t count, int64_t *out)
{
	const struct lk_rehash *h = context;
	uint64_t texts[LK_CONTENT_ROWS];

	lk_content_columns(h->table, h->columns.items, cells, h->columns.count, count, texts);
	memcpy(out, texts, (size_t)count * sizeof(*out));
}

static enum lk_status meet_texts(void *context, size_t place, int64_t hash, struct lk_error *err)
{
	struct lk_resolver *r = context;
	struct lk_met *m = &r->met[r->open[place]];

	(void)err;
	m->same = (uint64_t)hash == r->entries[m->key].texts;
	return LK_OK;
}

/* Of rows that are the same so far, the rest. */
static enum lk_status compare_texts(struct lk_resolver *r, struct lk_error *err)
{
	struct lk_lookup_place *places = malloc((r->met_count + 1) * sizeof(*places));
	int *items = malloc(((size_t)r->o.base->column_count + 1) * sizeof(*items));
	struct lk_rehash h = {.table = r->o.base, .places = places, .hash = hash_texts, .visit = meet_texts, .context = r};
	enum lk_status status = LK_OK;

	r->open = malloc((r->met_count + 1) * sizeof(*r->open));
	if (!places || !items || !r->open)
		status = lk_error_nomem(err);
	for (size_t i = 0; !status && i < r->met_count; i++)
		if (r->met[i].same) {
			r->open[h.place_count] = i;
			places[h.place_count++] = (struct lk_lookup_place){r->met[i].file, r->met[i].position};
		}
	if (!status)
		h.columns = add_compared(r, items, true);
	if (!status && h.place_count)
		status = lk_rehash_run(&h, r->places, err);
	free(places);
	free(items);
	free(r->open);
	r->open = NULL;
	return status;
}

enum lk_status lk_resolver_look_up(struct lk_resolver *r, bool scopes, struct lk_error *err)
{
	struct lk_lookup l = {.table = r->o.base, .key = r->key, .scope = r->scope, .keys = r->keys,
		.scopes = scopes || r->loose ? r->scopes : NULL, .scope_rows = scopes, .weigh = weigh, .visit = meet, .context = r};

	r->also.count = r->at_content + add_compared(r, r->columns + r->key.count + r->scope.count + r->at_content, false).count;
	l.also = r->also;
	if (r->at_file >= 0) {
		l.wanted = r->o.anew;
		l.wanted_count = r->o.anew_count;
		l.file_column = r->also.items[r->at_file];
	}
	LK_TRY(lk_lookup_run(&l, r->places, err));
	LK_TRY(compare_texts(r, err));
	for (size_t i = 0; i < r->met_count; i++)
		if (r->met[i].key >= 0)
			r->entries[r->met[i].key].same |= r->met[i].same;
	return LK_OK;
}
