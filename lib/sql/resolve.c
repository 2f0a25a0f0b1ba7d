#include "sql/resolve.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sql/content.h"
#include "sql/lookup.h"
#include "sql/vectors.h"

#define NO_KEY UINT32_MAX  /* of a candidate of another pass */
#define NONE INT64_C(-1)

/* ---- what is known of a key ---- */

/* Versions lie in one growing text, each behind its length; 0 is none. */
typedef uint64_t version_ref;

struct entry {
	int64_t candidate; /* the newest; NONE */
	uint64_t content;  /* of that */
	version_ref version, deleted, known_deleted, confirmed;
	version_ref claimed; /* at which its row was said to be confirmed, by who saw the table as it was */
	uint32_t scope;
	bool deletes;	   /* the candidate says that the key goes */
	bool late_by_list; /* a newer list of its scope is there */
	bool newer, newer_than_deleted, same, older; /* what is said of rows of the table, below */
	enum lk_verdict verdict;
	int64_t rows; /* of the table */
	const struct lk_lake_file *file; /* of the first of them */
	int64_t position;
};

struct scope {
	version_ref list, known; /* the newest list that came, and that was there */
	bool incomplete;	 /* of the newest list that came */
	bool wanted;		 /* rows that are not in it are to go */
	bool held;
	int64_t rows, vanish; /* of the table: all, and those that are not in the list */
};

/* A row of the table of whose scope there is a newer list, and no candidate of that has its key. */
struct absent {
	uint64_t key, version; /* where they lie, as version_ref */
	int64_t scope;
};

/* A row of the table that was found. */
struct met {
	const struct lk_lake_file *file;
	int64_t position, key, scope;
	bool vanish, anew;
};

/* What weighing a row tells. */
enum {
	WEIGH_NEWER = 1,	      /* than the candidate */
	WEIGH_SAME = 2,		      /* the same values */
	WEIGH_OLDER = 4,	      /* than the candidate, and no version between was the same */
	WEIGH_NEWER_THAN_DELETED = 8, /* than the fact that deletes its key */
	WEIGH_OF_OLDER_LIST = 16,     /* than that of its scope */
	WEIGH_ANEW = 32,	      /* of a delivery that comes anew */
};

struct lk_resolver {
	struct lk_resolver_options o;
	struct lk_places *places;
	struct lk_keys *keys, *scopes;
	struct entry *entries;
	uint32_t entry_count;
	size_t entry_cap, scope_cap;
	struct scope *scope_items;
	struct lk_str versions; /* as version_ref has it */
	uint32_t *key_of;	/* of each candidate */
	int64_t candidates;
	size_t key_cap;
	struct met *met;
	size_t met_count, met_cap;
	struct lk_row_content content;
	enum lk_cells_kind order_kind, *key_kinds, *scope_kinds; /* what the columns hold */
	bool versioned; /* rows say more than in which order they came */
	bool loose; /* a key may go from one scope to another */
	struct absent *absent; /* rows that older lists of their scope had */
	size_t absent_count, absent_cap;
	struct lk_str absent_text;
	pthread_mutex_t lock; /* of those two, while rows are weighed */
	struct lk_merge_counts counts;
	/* the columns of the table that are weighed: those of versions, and then those of the content */
	struct lk_column_list key, scope, also;
	int *columns;
	int at_order, at_sent, at_file, at_row, at_key, at_content; /* places in `also`; -1: not there */
	/* scratch of a batch */
	struct lk_str key_text, version_text, scope_text;
	uint64_t *hash;
	int64_t *number; /* of the key of each row, or NONE */
	size_t hash_cap, number_cap;
};

/* ---- versions ---- */

static version_ref keep(struct lk_str *to, const void *data, size_t len)
{
	uint32_t length = (uint32_t)len;
	version_ref ref = to->len;

	lk_str_add(to, &length, sizeof(length));
	lk_str_add(to, data, len);
	return ref;
}

static const char *kept_at(const struct lk_str *in, version_ref ref, size_t *len)
{
	uint32_t length;

	memcpy(&length, in->data + ref, sizeof(length));
	*len = length;
	return in->data + ref + sizeof(length);
}

static version_ref keep_version(struct lk_resolver *r, const void *data, size_t len)
{
	return keep(&r->versions, data, len);
}

static const char *version_at(const struct lk_resolver *r, version_ref ref, size_t *len)
{
	return kept_at(&r->versions, ref, len);
}

/* Against one that is kept; none is older than any. */
static int compare_kept(const struct lk_resolver *r, const void *version, size_t len, version_ref kept)
{
	size_t kept_len;
	const char *data;

	if (!kept)
		return 1;
	data = version_at(r, kept, &kept_len);
	return lk_version_compare(version, len, data, kept_len);
}

static int compare_refs(const struct lk_resolver *r, version_ref a, version_ref b)
{
	size_t len;
	const char *data;

	if (!a)
		return b ? -1 : 0;
	data = version_at(r, a, &len);
	return compare_kept(r, data, len, b);
}

static void raise_version(struct lk_resolver *r, version_ref *ref, const void *version, size_t len)
{
	if (compare_kept(r, version, len, *ref) > 0)
		*ref = keep_version(r, version, len);
}

/* ---- opening ---- */

static int find_column(const struct lk_lake_table *t, const char *name)
{
	for (int i = 0; t && i < t->column_count; i++)
		if (!strcmp(t->columns[i].name, name))
			return i;
	return -1;
}

static enum lk_status need_column(const struct lk_lake_table *t, const char *name, const char *what, int *out, struct lk_error *err)
{
	*out = find_column(t, name);
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
	int column = name ? find_column(r->o.base, name) : -1;

	if (column < 0)
		return -1;
	r->columns[r->key.count + r->scope.count + r->also.count] = column;
	return r->also.count++;
}

/* Which columns of the table are asked for; those of the content follow when all candidates are there. */
static enum lk_status choose_columns(struct lk_resolver *r, struct lk_error *err)
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

/* Whether all columns of the scope are of the key. */
static bool is_of_key(const struct lk_spec *spec)
{
	int found = 0;

	for (int i = 0; i < spec->scope_count; i++)
		for (int j = 0; j < spec->key_count; j++)
			found += !strcmp(spec->scope[i], spec->key[j]);
	return found == spec->scope_count;
}

enum lk_status lk_resolver_open(struct lk_resolver **out, struct lk_places *p, const struct lk_resolver_options *options,
	struct lk_error *err)
{
	struct lk_resolver *r = calloc(1, sizeof(*r));
	enum lk_status status;

	*out = r;
	if (!r)
		return lk_error_nomem(err);
	r->o = *options;
	r->places = p;
	pthread_mutex_init(&r->lock, NULL);
	r->loose = r->o.spec->load == LK_LOAD_FULL && !is_of_key(r->o.spec);
	lk_str_addc(&r->versions, '\0'); /* so that no version is at 0 */
	r->key_kinds = calloc((size_t)r->o.spec->key_count + 1, sizeof(*r->key_kinds));
	r->scope_kinds = calloc((size_t)r->o.spec->scope_count + 1, sizeof(*r->scope_kinds));
	status = r->key_kinds && r->scope_kinds ? LK_OK : lk_error_nomem(err);
	if (!status)
		status = lk_keys_create(&r->keys, err);
	if (!status)
		status = lk_keys_create(&r->scopes, err);
	if (!status && r->o.base)
		status = choose_columns(r, err);
	return status;
}

void lk_resolver_close(struct lk_resolver *r)
{
	if (!r)
		return;
	lk_keys_free(r->keys);
	lk_keys_free(r->scopes);
	free(r->entries);
	free(r->scope_items);
	lk_str_release(&r->versions);
	free(r->key_of);
	free(r->met);
	lk_content_release(&r->content);
	free(r->absent);
	lk_str_release(&r->absent_text);
	pthread_mutex_destroy(&r->lock);
	free(r->columns);
	free(r->key_kinds);
	free(r->scope_kinds);
	lk_str_release(&r->key_text);
	lk_str_release(&r->version_text);
	lk_str_release(&r->scope_text);
	free(r->hash);
	free(r->number);
	free(r);
}

/* ---- candidates ---- */

/* A batch's columns. */
struct batch {
	const struct ArrowSchema *schema;
	const struct ArrowArrayView *view;
	struct lk_cells *key, *scope, op;
	const char **key_names; /* for messages */
	int key_count;
	bool has_op;
	struct lk_version_cells version;
	uint64_t *content; /* of each row */
};

static const char *type_of(const struct lk_resolver *r, const char *name)
{
	int column = find_column(r->o.base, name);

	return column < 0 ? NULL : r->o.base->columns[column].type;
}

static enum lk_status batch_cells(const struct lk_resolver *r, const struct batch *b, const char *name, const char *type, const char *what,
	struct lk_cells *out, struct lk_error *err)
{
	int i = lk_schema_find(b->schema, name);

	if (i < 0)
		return lk_error_set(err, LK_DATA, "the rows have no column '%s', which is %s", name, what);
	if (!lk_cells_arrow(out, b->schema->children[i], b->view->children[i], type, err)) {
		out->offset += b->view->offset;
		return LK_OK;
	}
	(void)r;
	return lk_error_prefix(err, "column %s", name);
}

/* Columns that the whole row is compared by: the table's; one that the rows lack is null. */
static enum lk_status whole_cells(const struct lk_resolver *r, struct batch *b, struct lk_error *err)
{
	for (int i = 0; i < r->key.count; i++) {
		const struct lk_lake_column *c = &r->o.base->columns[r->key.items[i]];

		b->key_names[i] = c->name;
		b->key[i] = (struct lk_cells){.layout = LK_CELLS_NULL, .factor = 1};
		if (lk_schema_find(b->schema, c->name) >= 0)
			LK_TRY(batch_cells(r, b, c->name, c->type, "compared", &b->key[i], err));
	}
	return LK_OK;
}

static enum lk_status plan_batch(struct lk_resolver *r, struct batch *b, struct lk_error *err)
{
	const struct lk_spec *spec = r->o.spec;
	size_t most = (size_t)(spec->key_count + (r->o.base ? r->o.base->column_count : 0)) + 1;

	b->key = calloc(most, sizeof(*b->key));
	b->key_names = calloc(most, sizeof(*b->key_names));
	b->scope = calloc((size_t)spec->scope_count + 1, sizeof(*b->scope));
	b->content = calloc((size_t)b->view->length + 1, sizeof(*b->content));
	if (!b->key || !b->key_names || !b->scope || !b->content)
		return lk_error_nomem(err);
	b->key_count = spec->key_count ? spec->key_count : r->key.count;
	for (int i = 0; i < spec->key_count; i++) {
		b->key_names[i] = spec->key[i];
		LK_TRY(batch_cells(r, b, spec->key[i], type_of(r, spec->key[i]), "a column of the key", &b->key[i], err));
	}
	if (!spec->key_count)
		LK_TRY(whole_cells(r, b, err));
	for (int i = 0; i < spec->scope_count; i++)
		LK_TRY(batch_cells(r, b, spec->scope[i], type_of(r, spec->scope[i]), "a column of the scope", &b->scope[i], err));
	b->has_op = spec->op && lk_schema_find(b->schema, spec->op) >= 0;
	if (b->has_op)
		LK_TRY(batch_cells(r, b, spec->op, "string", "the column of operations", &b->op, err));
	LK_TRY(lk_version_columns(&b->version, spec, spec->order ? type_of(r, spec->order) : NULL, b->schema, b->view, err));
	for (int i = 0; i < spec->key_count; i++)
		r->key_kinds[i] = b->key[i].kind;
	for (int i = 0; i < spec->scope_count; i++)
		r->scope_kinds[i] = b->scope[i].kind;
	if (b->version.has_order)
		r->order_kind = b->version.order.kind;
	r->versioned = r->versioned || b->version.has_order || b->version.has_sent || b->version.has_file;
	return lk_content_arrow(&r->content, r->o.base, spec->op, b->schema, b->view, b->content, err);
}

/* "column dob of 'a.zip@3fa9c1d24b7e!census.csv', row 17: " before what is said. */
static enum lk_status row_error(const struct batch *b, const char *column, int64_t row, enum lk_status status, const char *what,
	struct lk_error *err)
{
	struct lk_str where = LK_STR_INIT;
	int file = lk_schema_find(b->schema, "lk_file"), number = lk_schema_find(b->schema, "lk_row");

	lk_str_addf(&where, "column %s", column);
	if (file >= 0 && number >= 0 && b->version.has_file && b->version.has_row && !lk_cells_is_null(&b->version.file, row) &&
		!lk_cells_is_null(&b->version.row, row)) {
		struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(b->view->children[file], b->view->offset + row);

		lk_str_addf(&where, " of '%.*s', row %lld", (int)text.size_bytes, text.data,
			(long long)ArrowArrayViewGetIntUnsafe(b->view->children[number], b->view->offset + row));
	}
	lk_error_set(err, status, "%s: %s", lk_str_text(&where), what);
	lk_str_release(&where);
	return status;
}

/* Makes entries for all keys there are. */
static enum lk_status add_entries(struct lk_resolver *r, struct lk_error *err)
{
	uint32_t count = lk_keys_count(r->keys);

	if (!lk_grow((void **)&r->entries, &r->entry_cap, (size_t)count, sizeof(*r->entries)))
		return lk_error_nomem(err);
	for (; r->entry_count < count; r->entry_count++)
		r->entries[r->entry_count] = (struct entry){.candidate = NONE};
	return LK_OK;
}

static enum lk_status add_entry(struct lk_resolver *r, const void *key, size_t len, uint64_t hash, uint32_t *number, struct lk_error *err)
{
	bool is_new;

	LK_TRY(lk_keys_add(r->keys, hash, key, len, number, &is_new, err));
	return add_entries(r, err);
}

static enum lk_status add_scope(struct lk_resolver *r, const void *key, size_t len, uint64_t hash, uint32_t *number, struct lk_error *err)
{
	bool is_new;

	LK_TRY(lk_keys_add(r->scopes, hash, key, len, number, &is_new, err));
	if (!is_new)
		return LK_OK;
	if (!lk_grow((void **)&r->scope_items, &r->scope_cap, (size_t)*number + 1, sizeof(*r->scope_items)))
		return lk_error_nomem(err);
	r->scope_items[*number] = (struct scope){0};
	return LK_OK;
}

/* Whether lk_file, "a.zip@3fa9c1d24b7e!b.csv", says that it is of one of these deliveries. */
static bool is_among(const char *file, int64_t len, const char *const *digests, size_t count)
{
	const char *at = file, *end = file + len;

	for (; count && end - at > 12 && (at = memchr(at, '@', (size_t)(end - at))); at++)
		for (size_t i = 0; i < count && end - at > 12; i++)
			if (!memcmp(at + 1, digests[i], 12))
				return true;
	return false;
}

static bool is_incomplete(const struct lk_resolver *r, const struct batch *b, int64_t row)
{
	struct ArrowStringView text;

	if (!r->o.wanting_count || !b->version.has_file || lk_cells_is_null(&b->version.file, row))
		return r->o.all_wanting;
	text = ArrowArrayViewGetStringUnsafe(b->view->children[lk_schema_find(b->schema, "lk_file")], b->view->offset + row);
	return r->o.all_wanting || is_among(text.data, text.size_bytes, r->o.wanting, r->o.wanting_count);
}

/* The scope of a row of a full list, and the list. */
static enum lk_status take_scope(struct lk_resolver *r, const struct batch *b, int64_t row, uint32_t *number, struct lk_error *err)
{
	size_t len = lk_version_list(r->version_text.data, r->version_text.len);
	struct scope *s;
	uint64_t hash = 0;
	int order;

	lk_str_clear(&r->scope_text);
	for (int i = 0; i < r->o.spec->scope_count; i++) {
		struct lk_cells one = b->scope[i];

		lk_cells_encode(&b->scope[i], row, &r->scope_text);
		one.offset += row;
		lk_cells_hash(&one, 1, &hash);
	}
	LK_TRY(lk_str_check(&r->scope_text, err));
	LK_TRY(add_scope(r, lk_str_text(&r->scope_text), r->scope_text.len, hash, number, err));
	s = &r->scope_items[*number];
	order = compare_kept(r, r->version_text.data, len, s->list);
	if (order > 0) {
		s->list = keep_version(r, r->version_text.data, len);
		s->incomplete = false;
	}
	if (order >= 0 && is_incomplete(r, b, row))
		s->incomplete = true;
	return LK_OK;
}

/* Whether a candidate is to take the place of the one that a key has. Of equal ones a delete wins, and then what has the larger hash, so that
 * it does not depend on which came first. */
static bool is_newer(const struct lk_resolver *r, const struct entry *e, bool deletes, uint64_t content)
{
	int order;

	if (e->candidate == NONE)
		return true;
	order = compare_kept(r, r->version_text.data, r->version_text.len, e->version);
	if (order)
		return order > 0;
	return deletes != e->deletes ? deletes : content > e->content;
}

static enum lk_status take_row(struct lk_resolver *r, const struct batch *b, int64_t row, uint32_t number, bool deletes, struct lk_error *err)
{
	uint32_t scope = 0;
	struct entry *e = &r->entries[number];

	lk_str_clear(&r->version_text);
	lk_version_encode(&b->version, r->o.spec->load, row, r->candidates, &r->version_text);
	LK_TRY(lk_str_check(&r->version_text, err));
	r->key_of[r->candidates] = number;
	if (r->o.spec->load == LK_LOAD_FULL)
		LK_TRY(take_scope(r, b, row, &scope, err));
	if (!is_newer(r, e, deletes, b->content[row]))
		return LK_OK;
	e->candidate = r->candidates;
	e->content = b->content[row];
	e->deletes = deletes;
	e->scope = scope;
	e->version = keep_version(r, r->version_text.data, r->version_text.len);
	return LK_OK;
}

static enum lk_status read_op(const struct batch *b, const struct lk_spec *spec, int64_t row, char *op, struct lk_error *err)
{
	struct ArrowStringView text = {"", 0};

	*op = 'I';
	if (!b->has_op)
		return LK_OK;
	if (!lk_cells_is_null(&b->op, row))
		text = ArrowArrayViewGetStringUnsafe(b->view->children[lk_schema_find(b->schema, spec->op)], b->view->offset + row);
	*op = lk_op_of(text.data, (size_t)text.size_bytes);
	if (*op)
		return LK_OK;
	return row_error(b, spec->op, row, LK_DATA, "it is no operation (I, U or D)", err);
}

static enum lk_status check_nulls(const struct lk_resolver *r, const struct batch *b, struct lk_error *err)
{
	for (int i = 0; i < r->o.spec->key_count; i++)
		for (int64_t row = 0; b->key[i].valid && row < b->view->length; row++)
			if (lk_cells_is_null(&b->key[i], row))
				return row_error(b, b->key_names[i], row, LK_DATA, "it is of the key, and null", err);
	return LK_OK;
}

/* The numbers of the keys of a batch, all at once or, where some rows are not to be, one by one. */
static enum lk_status number_rows(struct lk_resolver *r, const struct batch *b, struct lk_error *err)
{
	int64_t rows = b->view->length;

	if (r->o.passes <= 1 && !b->has_op) {
		LK_TRY(lk_keys_add_rows(r->keys, b->key, b->key_count, r->hash, rows, r->number, NULL, err));
		return add_entries(r, err);
	}
	for (int64_t row = 0; row < rows; row++) {
		uint32_t number;
		char op;

		LK_TRY(read_op(b, r->o.spec, row, &op, err));
		r->number[row] = NONE;
		if (op == 'B' || (r->o.passes > 1 && (int)((r->hash[row] >> 32) % (unsigned)r->o.passes) != r->o.pass))
			continue;
		lk_str_clear(&r->key_text);
		for (int i = 0; i < b->key_count; i++)
			lk_cells_encode(&b->key[i], row, &r->key_text);
		LK_TRY(lk_str_check(&r->key_text, err));
		LK_TRY(add_entry(r, r->key_text.data, r->key_text.len, r->hash[row], &number, err));
		r->number[row] = number;
	}
	return LK_OK;
}

/* Rows of before are no candidates; nor are those of other passes. */
static enum lk_status take_rows(struct lk_resolver *r, const struct batch *b, struct lk_error *err)
{
	LK_TRY(check_nulls(r, b, err));
	LK_TRY(number_rows(r, b, err));
	for (int64_t row = 0; row < b->view->length; row++, r->candidates++) {
		char op = 'I';

		r->key_of[r->candidates] = NO_KEY;
		if (r->number[row] == NONE)
			continue;
		if (b->has_op)
			LK_TRY(read_op(b, r->o.spec, row, &op, err));
		LK_TRY(take_row(r, b, row, (uint32_t)r->number[row], op == 'D', err));
	}
	return lk_str_check(&r->versions, err);
}

static enum lk_status take(struct lk_resolver *r, struct batch *b, struct lk_error *err)
{
	size_t rows = (size_t)b->view->length;

	LK_TRY(plan_batch(r, b, err));
	if (!lk_grow((void **)&r->key_of, &r->key_cap, (size_t)r->candidates + rows + 1, sizeof(*r->key_of)) ||
		!lk_grow((void **)&r->number, &r->number_cap, rows + 1, sizeof(*r->number)) ||
		!lk_grow((void **)&r->hash, &r->hash_cap, rows + 1, sizeof(*r->hash)))
		return lk_error_nomem(err);
	memset(r->hash, 0, rows * sizeof(*r->hash));
	for (int i = 0; i < b->key_count; i++)
		lk_cells_hash(&b->key[i], b->view->length, r->hash);
	return take_rows(r, b, err);
}

enum lk_status lk_resolver_take(struct lk_resolver *r, const struct ArrowSchema *schema, const struct ArrowArrayView *view, struct lk_error *err)
{
	struct batch b = {.schema = schema, .view = view};
	enum lk_status status = take(r, &b, err);

	free(b.key);
	free(b.key_names);
	free(b.scope);
	free(b.content);
	return status;
}

/* ---- facts ---- */

static enum lk_status unsound_fact(struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "a row of lk.versions has a key that is none of the table's");
}

/* The hash of an encoded key, or of values of the scope. */
static bool hash_of(const struct lk_resolver *r, bool scope, const void *key, size_t len, uint64_t *hash)
{
	return lk_encoded_hash(key, len, scope ? r->scope_kinds : r->key_kinds, scope ? r->o.spec->scope_count : r->o.spec->key_count, hash);
}

enum lk_status lk_resolver_fact(struct lk_resolver *r, enum lk_fact_kind kind, const void *key, size_t key_len, const void *version,
	size_t version_len, struct lk_error *err)
{
	uint32_t number;
	uint64_t hash = 0;

	if (kind == LK_FACT_COMPLETE)
		return LK_OK;
	if (!hash_of(r, false, key, key_len, &hash))
		return unsound_fact(err);
	if (r->o.passes > 1 && (int)((hash >> 32) % (unsigned)r->o.passes) != r->o.pass)
		return LK_OK;
	LK_TRY(add_entry(r, key, key_len, hash, &number, err));
	raise_version(r, kind == LK_FACT_DELETED ? &r->entries[number].deleted : &r->entries[number].claimed, version, version_len);
	return lk_str_check(&r->versions, err);
}

int64_t lk_resolver_candidates(const struct lk_resolver *r)
{
	return r->candidates;
}

enum lk_cells_kind lk_resolver_order_kind(const struct lk_resolver *r)
{
	return r->order_kind;
}

/* Keys that nothing asks for are passed by, but where rows may go that no candidate has. */
enum lk_status lk_resolver_known(struct lk_resolver *r, enum lk_fact_kind kind, const void *key, size_t key_len, const void *version,
	size_t version_len, struct lk_error *err)
{
	bool list = kind == LK_FACT_COMPLETE;
	uint32_t added = 0;
	uint64_t hash = 0;
	int64_t number;

	if (!hash_of(r, list, key, key_len, &hash))
		return unsound_fact(err);
	number = lk_keys_number(list ? r->scopes : r->keys, hash, key, key_len);
	if (number < 0 && list && r->loose) {
		LK_TRY(add_scope(r, key, key_len, hash, &added, err));
		number = added;
	} else if (number < 0 && kind == LK_FACT_CONFIRMED && r->o.anew_count) {
		LK_TRY(add_entry(r, key, key_len, hash, &added, err));
		number = added;
	}
	if (number < 0)
		return LK_OK;
	if (list)
		raise_version(r, &r->scope_items[number].known, version, version_len);
	else
		raise_version(r, kind == LK_FACT_DELETED ? &r->entries[number].known_deleted : &r->entries[number].confirmed, version, version_len);
	return lk_str_check(&r->versions, err);
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
	lk_version_encode(&v, r->o.spec->load, row, NONE, out);
}

/* A row is at least as new as what confirmed it, and as the last complete list of its scope. */
static int compare_row(const struct lk_resolver *r, const struct lk_str *version, const struct entry *e, const struct scope *s, version_ref with)
{
	int order = compare_kept(r, version->data, version->len, with);

	if (order <= 0 && e->confirmed && compare_refs(r, e->confirmed, with) >= 0)
		order = compare_refs(r, e->confirmed, with) > 0 ? 1 : 0;
	if (order <= 0 && s && s->known && compare_refs(r, s->known, with) > 0)
		order = 1;
	return order;
}

static int8_t weigh_row(const struct lk_resolver *r, const struct lk_str *version, uint64_t content, const struct entry *e, const struct scope *s)
{
	int8_t verdict = 0;
	int order;

	if (e && e->candidate != NONE) {
		order = compare_row(r, version, e, s, e->version);
		verdict |= order > 0 ? WEIGH_NEWER : 0;
		verdict |= order < 0 ? WEIGH_OLDER : 0;
		verdict |= content == e->content ? WEIGH_SAME : 0;
	}
	if (e && e->deleted && compare_row(r, version, e, s, e->deleted) > 0)
		verdict |= WEIGH_NEWER_THAN_DELETED;
	if (e && e->candidate == NONE && e->confirmed && compare_kept(r, version->data, version->len, e->confirmed) < 0)
		verdict |= WEIGH_NEWER;
	if (s && s->wanted && compare_kept(r, version->data, lk_version_list(version->data, version->len), s->list) < 0)
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
	return is_among(text, (int64_t)len, r->o.anew, r->o.anew_count);
}

/* Keeps the key of a row that is to vanish: asked for where that leaves a fact. */
static void note_absent(struct lk_resolver *r, const struct lk_cells *key, int64_t row, const struct lk_str *version, int64_t scope)
{
	struct lk_str text = LK_STR_INIT;

	for (int i = 0; i < r->key.count; i++)
		lk_cells_encode(&key[i], row, &text);
	pthread_mutex_lock(&r->lock);
	if (text.failed || !lk_grow((void **)&r->absent, &r->absent_cap, r->absent_count + 1, sizeof(*r->absent)))
		r->absent_text.failed = true;
	else
		r->absent[r->absent_count++] = (struct absent){keep(&r->absent_text, text.data, text.len),
			keep(&r->absent_text, version->data, version->len), scope};
	pthread_mutex_unlock(&r->lock);
	lk_str_release(&text);
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
	uint64_t content[LK_CONTENT_ROWS];

	lk_content_columns(r->o.base, r->also.items + r->at_content, cells + r->at_content, r->also.count - r->at_content, count, content);
	prefetch(r, key, count);
	for (int64_t i = 0; i < count; i++) {
		const struct entry *e = key[i] >= 0 ? &r->entries[key[i]] : NULL;

		if (!i || has_versions(r))
			base_version(r, cells, i, &version);
		verdict[i] = weigh_row(r, &version, content[i], e, scope[i] >= 0 ? &r->scope_items[scope[i]] : NULL);
		verdict[i] |= is_anew(r, cells, i) ? WEIGH_ANEW : 0;
		if (r->loose && verdict[i] & WEIGH_OF_OLDER_LIST && (!e || e->candidate == NONE))
			note_absent(r, cells + r->at_key, i, &version, scope[i]);
	}
	lk_str_release(&version);
}

static enum lk_status meet(void *context, const struct lk_lake_file *file, int64_t position, int64_t key, int64_t scope, int8_t verdict,
	struct lk_error *err)
{
	struct lk_resolver *r = context;

	if (!lk_grow((void **)&r->met, &r->met_cap, r->met_count + 1, sizeof(*r->met)))
		return lk_error_nomem(err);
	r->met[r->met_count++] = (struct met){file, position, key, scope, verdict & WEIGH_OF_OLDER_LIST, verdict & WEIGH_ANEW};
	if (scope >= 0)
		r->scope_items[scope].rows++;
	if (key >= 0) {
		struct entry *e = &r->entries[key];

		e->newer |= (verdict & WEIGH_NEWER) != 0;
		e->newer_than_deleted |= (verdict & WEIGH_NEWER_THAN_DELETED) != 0;
		e->same |= (verdict & WEIGH_SAME) != 0;
		e->older |= (verdict & WEIGH_OLDER) != 0;
		if (!e->rows++) {
			e->file = file;
			e->position = position;
		}
	}
	return LK_OK;
}

static enum lk_status look_up(struct lk_resolver *r, bool scopes, struct lk_error *err)
{
	struct lk_lookup l = {.table = r->o.base, .key = r->key, .scope = r->scope, .keys = r->keys, .scopes = scopes ? r->scopes : NULL,
		.weigh = weigh, .visit = meet, .context = r};
	int *items = r->columns + r->key.count + r->scope.count;

	r->also.count = r->at_content;
	for (int i = 0; i < r->o.base->column_count; i++)
		if (lk_content_counts(r->o.base->columns[i].name) && (!r->o.partial || lk_content_has(&r->content, r->o.base->columns[i].name)))
			items[r->also.count++] = i;
	l.also = r->also;
	if (r->at_file >= 0) {
		l.wanted = r->o.anew;
		l.wanted_count = r->o.anew_count;
		l.file_column = r->also.items[r->at_file];
	}
	return lk_lookup_run(&l, r->places, err);
}

/* ---- deciding ---- */

static enum lk_verdict decide_one(const struct lk_resolver *r, const struct entry *e)
{
	if (r->o.alike)
		return e->same ? LK_VERDICT_UNCHANGED : LK_VERDICT_INSERT;
	if (compare_refs(r, e->deleted, e->version) > 0 || compare_refs(r, e->known_deleted, e->version) > 0)
		return LK_VERDICT_LATE;
	if (e->newer || (e->late_by_list && !r->loose))
		return LK_VERDICT_LATE;
	if (e->deletes || e->late_by_list)
		return LK_VERDICT_DELETE;
	if (e->rows == 1 && e->same)
		return LK_VERDICT_UNCHANGED;
	return e->rows ? LK_VERDICT_UPDATE : LK_VERDICT_INSERT;
}

static void count_verdict(struct lk_merge_counts *c, const struct entry *e)
{
	c->inserted += e->verdict == LK_VERDICT_INSERT;
	c->updated += e->verdict == LK_VERDICT_UPDATE;
	c->deleted += e->verdict == LK_VERDICT_DELETE && e->rows;
	c->unchanged += e->verdict == LK_VERDICT_UNCHANGED;
	c->late += e->candidate != NONE && (e->verdict == LK_VERDICT_LATE || (e->verdict == LK_VERDICT_DELETE && !e->deletes));
}

/* Whether the fact that came takes the table's rows of a key out. */
static bool is_deleted_by_fact(const struct lk_resolver *r, const struct entry *e)
{
	if (!e->deleted || !e->rows || e->newer_than_deleted)
		return false;
	return e->candidate == NONE || compare_refs(r, e->deleted, e->version) > 0;
}

static void decide(struct lk_resolver *r)
{
	uint32_t count = lk_keys_count(r->keys);

	for (uint32_t i = 0; i < count; i++) {
		struct entry *e = &r->entries[i];

		e->verdict = e->candidate == NONE ? LK_VERDICT_LATE : decide_one(r, e);
		count_verdict(&r->counts, e);
		r->counts.deleted += is_deleted_by_fact(r, e);
	}
	for (int64_t i = 0; i < r->candidates; i++)
		r->counts.repeated += r->key_of[i] != NO_KEY && r->entries[r->key_of[i]].candidate != i;
}

/* Whether a row is absent from the list of its scope: no candidate of that list has its key. */
static bool vanishes(const struct lk_resolver *r, const struct met *m)
{
	const struct entry *e = m->key >= 0 ? &r->entries[m->key] : NULL;

	if (!m->vanish || m->scope < 0)
		return false;
	if (e && e->candidate != NONE)
		return e->late_by_list && e->verdict == LK_VERDICT_LATE && !e->newer;
	return !e || !is_deleted_by_fact(r, e);
}

static void decide_scopes(struct lk_resolver *r)
{
	for (size_t i = 0; i < r->met_count; i++) {
		struct met *m = &r->met[i];
		const struct entry *e = m->key >= 0 ? &r->entries[m->key] : NULL;

		m->vanish = vanishes(r, m);
		if (m->vanish)
			r->scope_items[m->scope].vanish++;
		r->counts.deleted += !m->vanish && m->anew && (!e || (e->candidate == NONE && !e->newer && !is_deleted_by_fact(r, e)));
	}
	for (uint32_t i = 0; i < lk_keys_count(r->scopes); i++) {
		struct scope *s = &r->scope_items[i];

		if (!s->wanted)
			continue;
		s->held = !lk_limit_holds(&r->o.spec->limit, s->vanish, s->rows);
		r->counts.held += s->held ? s->vanish : 0;
		r->counts.held_scopes += s->held;
		r->counts.deleted += s->held ? 0 : s->vanish;
	}
}

/* Lists that are older than one of their scope; and in which scopes rows are to go. */
static bool weigh_lists(struct lk_resolver *r)
{
	bool any = false;

	for (uint32_t i = 0; i < lk_keys_count(r->scopes); i++) {
		struct scope *s = &r->scope_items[i];

		s->wanted = s->list && !s->incomplete && compare_refs(r, s->list, s->known) >= 0;
		any |= s->wanted;
	}
	for (uint32_t i = 0; i < lk_keys_count(r->keys) && lk_keys_count(r->scopes); i++) {
		struct entry *e = &r->entries[i];
		const struct scope *s = &r->scope_items[e->scope];
		const char *version;
		size_t len;

		if (e->candidate == NONE)
			continue;
		version = version_at(r, e->version, &len);
		len = lk_version_list(version, len);
		e->late_by_list = (!s->incomplete && compare_kept(r, version, len, s->list) < 0) || compare_kept(r, version, len, s->known) < 0;
	}
	return any;
}

/* A row that was said to be confirmed, and that nothing newer has replaced since, must still be there: it has no candidate that could take its
 * place. */
static enum lk_status check_claims(const struct lk_resolver *r, struct lk_error *err)
{
	for (uint32_t i = 0; i < lk_keys_count(r->keys); i++) {
		const struct entry *e = &r->entries[i];

		if (e->claimed && !e->rows && compare_refs(r, e->claimed, e->deleted) > 0 && compare_refs(r, e->claimed, e->known_deleted) > 0 &&
			(e->candidate == NONE || compare_refs(r, e->claimed, e->version) > 0))
			return lk_error_set(err, LK_CONFLICT, "another writer has changed table %s.%s meanwhile: run lk-upsert again",
				r->o.base->namespace_name, r->o.base->name);
	}
	return LK_OK;
}

enum lk_status lk_resolver_run(struct lk_resolver *r, struct lk_error *err)
{
	bool scopes = weigh_lists(r);

	if (r->o.base && r->o.base->file_count && (lk_keys_count(r->keys) || r->o.anew_count))
		LK_TRY(look_up(r, scopes, err));
	LK_TRY(check_claims(r, err));
	decide(r);
	decide_scopes(r);
	return lk_str_check(&r->absent_text, err);
}

/* ---- what came of it ---- */

enum lk_verdict lk_resolver_verdict(const struct lk_resolver *r, int64_t candidate, const struct lk_lake_file **file, int64_t *position)
{
	const struct entry *e;

	*file = NULL;
	*position = NONE;
	if (r->key_of[candidate] == NO_KEY)
		return LK_VERDICT_ELSEWHERE;
	e = &r->entries[r->key_of[candidate]];
	if (e->candidate != candidate)
		return LK_VERDICT_REPEATED;
	if (e->rows) {
		*file = e->file;
		*position = e->position;
	}
	return e->verdict;
}

/* Whether a row of the table goes, and which candidate takes its place. */
static bool goes(const struct lk_resolver *r, const struct met *m, int64_t *candidate)
{
	const struct entry *e = m->key >= 0 ? &r->entries[m->key] : NULL;

	*candidate = NONE;
	if (e && e->candidate != NONE && (e->verdict == LK_VERDICT_UPDATE || e->verdict == LK_VERDICT_DELETE)) {
		if (m->file == e->file && m->position == e->position)
			*candidate = e->candidate;
		return true;
	}
	if (e && is_deleted_by_fact(r, e))
		return true;
	if (m->anew && (!e || (e->candidate == NONE && !e->newer)))
		return true;
	return m->vanish && !r->scope_items[m->scope].held;
}

enum lk_status lk_resolver_gone(struct lk_resolver *r, lk_gone_visitor *visit, void *context, struct lk_error *err)
{
	for (size_t i = 0; i < r->met_count; i++) {
		int64_t candidate;

		if (goes(r, &r->met[i], &candidate))
			LK_TRY(visit(context, r->met[i].file, r->met[i].position, candidate, err));
	}
	return LK_OK;
}

/* What is to be remembered of a candidate. */
static bool fact_of(const struct lk_resolver *r, const struct entry *e, enum lk_fact_kind *kind)
{
	const struct scope *s = r->o.spec->load == LK_LOAD_FULL ? &r->scope_items[e->scope] : NULL;

	*kind = e->verdict == LK_VERDICT_DELETE ? LK_FACT_DELETED : LK_FACT_CONFIRMED;
	if (e->verdict == LK_VERDICT_DELETE)
		return true;
	return e->verdict == LK_VERDICT_UNCHANGED && e->older && (!s || !s->wanted || s->held);
}

enum lk_status lk_resolver_facts(struct lk_resolver *r, lk_resolved_fact_visitor *visit, void *context, struct lk_error *err)
{
	size_t key_len, version_len;
	enum lk_fact_kind kind;
	const char *version;

	for (uint32_t i = 0; r->versioned && i < lk_keys_count(r->keys); i++) {
		const struct entry *e = &r->entries[i];
		const void *key = lk_keys_at(r->keys, i, &key_len);

		if (e->candidate == NONE || !fact_of(r, e, &kind))
			continue;
		version = version_at(r, e->version, &version_len);
		LK_TRY(visit(context, kind, key, key_len, version, version_len, e->candidate, err));
	}
	for (size_t i = 0; r->versioned && i < r->absent_count; i++) {
		const struct absent *a = &r->absent[i];
		const char *key = kept_at(&r->absent_text, a->key, &key_len);

		version = kept_at(&r->absent_text, a->version, &version_len);
		if (!r->scope_items[a->scope].held)
			LK_TRY(visit(context, LK_FACT_DELETED, key, key_len, version, version_len, NONE, err));
	}
	for (uint32_t i = 0; r->versioned && i < lk_keys_count(r->scopes); i++) {
		const struct scope *s = &r->scope_items[i];
		const void *key = lk_keys_at(r->scopes, i, &key_len);

		if (!s->wanted || s->held || compare_refs(r, s->list, s->known) <= 0)
			continue;
		version = version_at(r, s->list, &version_len);
		LK_TRY(visit(context, LK_FACT_COMPLETE, key, key_len, version, version_len, NONE, err));
	}
	return LK_OK;
}

void lk_resolver_counts(const struct lk_resolver *r, struct lk_merge_counts *counts)
{
	const struct lk_merge_counts *c = &r->counts;

	counts->inserted += c->inserted;
	counts->updated += c->updated;
	counts->deleted += c->deleted;
	counts->unchanged += c->unchanged;
	counts->late += c->late;
	counts->repeated += c->repeated;
	counts->held += c->held;
	counts->held_scopes += c->held_scopes;
}
