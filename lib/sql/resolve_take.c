#include "sql/resolve_inside.h"

#include <stdlib.h>
#include <string.h>

static void raise_version(struct lk_resolver *r, lk_version_ref *ref, const void *version, size_t len)
{
	if (lk_resolver_compare(r, version, len, *ref) > 0)
		*ref = lk_resolver_keep(r, version, len);
}

/* ---- candidates ---- */

/* A batch's columns. */
struct batch {
	const struct ArrowSchema *schema;
	const struct ArrowArrayView *view;
	struct lk_cells *key, *scope, op;
	const char **key_names; /* for messages */
	int key_count, op_column, file_column; /* the latter two: -1: there is none */
	struct lk_version_cells version;
	uint64_t *numbers, *texts; /* what each row says */
};

static const char *type_of(const struct lk_resolver *r, const char *name)
{
	int column = lk_resolver_column(r->o.base, name);

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
	b->numbers = calloc((size_t)b->view->length + 1, sizeof(*b->numbers));
	b->texts = calloc((size_t)b->view->length + 1, sizeof(*b->texts));
	if (!b->key || !b->key_names || !b->scope || !b->numbers || !b->texts)
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
	b->op_column = spec->op ? lk_schema_find(b->schema, spec->op) : -1;
	b->file_column = lk_schema_find(b->schema, "lk_file");
	if (b->op_column >= 0)
		LK_TRY(batch_cells(r, b, spec->op, "string", "the column of operations", &b->op, err));
	LK_TRY(lk_version_columns(&b->version, spec, spec->order ? type_of(r, spec->order) : NULL, b->schema, b->view, err));
	for (int i = 0; i < spec->key_count; i++)
		r->key_kinds[i] = b->key[i].kind;
	for (int i = 0; i < spec->scope_count; i++)
		r->scope_kinds[i] = b->scope[i].kind;
	if (b->version.has_order)
		r->order_kind = b->version.order.kind;
	r->dated = r->dated || b->version.has_sent || b->version.has_file;
	r->versioned = r->versioned || b->version.has_order || b->version.has_sent || b->version.has_file;
	return lk_content_arrow(&r->content, r->o.base, spec->op, b->schema, b->view, b->numbers, b->texts, err);
}

/* "column dob of 'a.zip@3fa9c1d24b7e!census.csv', row 17: " before what is said. */
static enum lk_status row_error(const struct batch *b, const char *column, int64_t row, enum lk_status status, const char *what,
	struct lk_error *err)
{
	struct lk_str where = LK_STR_INIT;
	int number = lk_schema_find(b->schema, "lk_row");

	lk_str_addf(&where, "column %s", column);
	if (b->file_column >= 0 && number >= 0 && b->version.has_file && b->version.has_row && !lk_cells_is_null(&b->version.file, row) &&
		!lk_cells_is_null(&b->version.row, row)) {
		struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(b->view->children[b->file_column], b->view->offset + row);

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
		r->entries[r->entry_count] = (struct lk_known_key){.candidate = LK_NOWHERE};
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
	r->scope_items[*number] = (struct lk_known_scope){0};
	return LK_OK;
}

bool lk_resolver_is_among(const char *file, int64_t len, const char *const *digests, size_t count)
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
	text = ArrowArrayViewGetStringUnsafe(b->view->children[b->file_column], b->view->offset + row);
	return r->o.all_wanting || lk_resolver_is_among(text.data, text.size_bytes, r->o.wanting, r->o.wanting_count);
}

/* The scope of a row of a full list, and the list; a row that deletes says nothing of what else is there. */
static enum lk_status take_scope(struct lk_resolver *r, const struct batch *b, int64_t row, bool deletes, uint32_t *number,
	struct lk_error *err)
{
	size_t len = lk_version_list(r->version_text.data, r->version_text.len);
	struct lk_known_scope *s;
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
	if (deletes)
		return LK_OK;
	s = &r->scope_items[*number];
	order = lk_resolver_compare(r, r->version_text.data, len, s->list);
	if (order > 0) {
		s->list = lk_resolver_keep(r, r->version_text.data, len);
		s->incomplete = false;
	}
	if (order >= 0 && is_incomplete(r, b, row))
		s->incomplete = true;
	return LK_OK;
}

/* Whether a candidate is to take the place of the one that a key has. Of equal ones the later does: who takes a row out and brings it back, as a
 * stream of changes may, tells it in that order. */
static bool is_newer(const struct lk_resolver *r, const struct lk_known_key *e)
{
	return e->candidate == LK_NOWHERE || lk_resolver_compare(r, r->version_text.data, r->version_text.len, e->version) >= 0;
}

static enum lk_status take_row(struct lk_resolver *r, const struct batch *b, int64_t row, uint32_t number, bool deletes, struct lk_error *err)
{
	uint32_t scope = 0;
	struct lk_known_key *e = &r->entries[number];

	lk_str_clear(&r->version_text);
	lk_version_encode(&b->version, r->o.spec->load, row, r->candidates, &r->version_text);
	LK_TRY(lk_str_check(&r->version_text, err));
	r->key_of[r->candidates] = number;
	if (r->o.spec->load == LK_LOAD_FULL)
		LK_TRY(take_scope(r, b, row, deletes, &scope, err));
	if (!is_newer(r, e))
		return LK_OK;
	e->candidate = r->candidates;
	e->numbers = b->numbers[row];
	e->texts = b->texts[row];
	e->deletes = deletes;
	e->placed = !b->version.has_row || lk_cells_is_null(&b->version.row, row);
	e->scope = scope;
	e->version = lk_resolver_keep(r, r->version_text.data, r->version_text.len);
	return LK_OK;
}

static enum lk_status read_op(const struct batch *b, const struct lk_spec *spec, int64_t row, char *op, struct lk_error *err)
{
	struct ArrowStringView text = {"", 0};

	*op = 'I';
	if (b->op_column < 0)
		return LK_OK;
	if (!lk_cells_is_null(&b->op, row))
		text = ArrowArrayViewGetStringUnsafe(b->view->children[b->op_column], b->view->offset + row);
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

	if (r->o.passes <= 1 && b->op_column < 0) {
		LK_TRY(lk_keys_add_rows(r->keys, b->key, b->key_count, r->hash, rows, r->number, NULL, err));
		return add_entries(r, err);
	}
	for (int64_t row = 0; row < rows; row++) {
		uint32_t number;
		char op;

		LK_TRY(read_op(b, r->o.spec, row, &op, err));
		r->number[row] = LK_NOWHERE;
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

		r->key_of[r->candidates] = LK_NO_KEY;
		if (r->number[row] == LK_NOWHERE)
			continue;
		if (b->op_column >= 0)
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
	free(b.numbers);
	free(b.texts);
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

	if (kind == LK_FACT_COMPLETE || (!r->o.base && !r->candidates)) /* of lists that came, or of nothing that could go */
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
