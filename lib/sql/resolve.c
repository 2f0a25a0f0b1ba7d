#include "sql/resolve_inside.h"

#include <stdlib.h>
#include <string.h>

#define PLACE_SIZE 9 /* of the last cell of a version: an integer */

/* ---- versions ---- */

/* Where memory ran out, which the text remembers: none, so that nothing is read that is not there. */
lk_version_ref lk_resolver_add_text(struct lk_str *to, const void *data, size_t len)
{
	uint32_t length = (uint32_t)len;
	lk_version_ref ref = to->len;

	lk_str_add(to, &length, sizeof(length));
	lk_str_add(to, data, len);
	return to->failed ? 0 : ref;
}

const char *lk_resolver_text(const struct lk_str *in, lk_version_ref ref, size_t *len)
{
	uint32_t length;

	memcpy(&length, in->data + ref, sizeof(length));
	*len = length;
	return in->data + ref + sizeof(length);
}

lk_version_ref lk_resolver_keep(struct lk_resolver *r, const void *data, size_t len)
{
	return lk_resolver_add_text(&r->versions, data, len);
}

const char *lk_resolver_version(const struct lk_resolver *r, lk_version_ref ref, size_t *len)
{
	return lk_resolver_text(&r->versions, ref, len);
}

/* Against one that is kept; none is older than any. */
int lk_resolver_compare(const struct lk_resolver *r, const void *version, size_t len, lk_version_ref kept)
{
	size_t kept_len;
	const char *data;

	if (!kept)
		return 1;
	data = lk_resolver_version(r, kept, &kept_len);
	return lk_version_compare(version, len, data, kept_len);
}

int lk_resolver_compare_kept(const struct lk_resolver *r, lk_version_ref a, lk_version_ref b)
{
	size_t len;
	const char *data;

	if (!a)
		return b ? -1 : 0;
	data = lk_resolver_version(r, a, &len);
	return lk_resolver_compare(r, data, len, b);
}

/* ---- opening ---- */

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
		status = lk_resolver_choose_columns(r, err);
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

/* ---- deciding ---- */

static enum lk_verdict decide_one(const struct lk_resolver *r, const struct lk_known_key *e)
{
	if (r->o.alike)
		return e->same ? LK_VERDICT_UNCHANGED : LK_VERDICT_INSERT;
	if (lk_resolver_compare_kept(r, e->deleted, e->version) > 0 || lk_resolver_compare_kept(r, e->known_deleted, e->version) > 0)
		return LK_VERDICT_LATE;
	if (e->newer || (e->late_by_list && !r->loose))
		return LK_VERDICT_LATE;
	if ((e->deletes || e->late_by_list) && !e->rows && e->known_deleted && !lk_resolver_compare_kept(r, e->known_deleted, e->version))
		return e->deletes ? LK_VERDICT_UNCHANGED : LK_VERDICT_LATE;
	if (e->deletes || e->late_by_list)
		return LK_VERDICT_DELETE;
	if (e->rows == 1 && e->same)
		return LK_VERDICT_UNCHANGED;
	return e->rows ? LK_VERDICT_UPDATE : LK_VERDICT_INSERT;
}

static void count_verdict(struct lk_merge_counts *c, const struct lk_known_key *e)
{
	c->inserted += e->verdict == LK_VERDICT_INSERT;
	c->updated += e->verdict == LK_VERDICT_UPDATE;
	c->deleted += e->verdict == LK_VERDICT_DELETE && e->rows;
	c->unchanged += e->verdict == LK_VERDICT_UNCHANGED;
	c->late += e->candidate != LK_NOWHERE && (e->verdict == LK_VERDICT_LATE || (e->verdict == LK_VERDICT_DELETE && !e->deletes));
}

/* Whether the fact that came takes the table's rows of a key out. */
static bool is_deleted_by_fact(const struct lk_resolver *r, const struct lk_known_key *e)
{
	if (!e->deleted || !e->rows || e->newer_than_deleted)
		return false;
	return e->candidate == LK_NOWHERE || lk_resolver_compare_kept(r, e->deleted, e->version) > 0;
}

static void decide(struct lk_resolver *r)
{
	uint32_t count = lk_keys_count(r->keys);

	for (uint32_t i = 0; i < count; i++) {
		struct lk_known_key *e = &r->entries[i];

		e->verdict = e->candidate == LK_NOWHERE ? LK_VERDICT_LATE : decide_one(r, e);
		count_verdict(&r->counts, e);
		r->counts.deleted += is_deleted_by_fact(r, e);
	}
	for (int64_t i = 0; i < r->candidates; i++)
		r->counts.repeated += r->key_of[i] != LK_NO_KEY && r->entries[r->key_of[i]].candidate != i;
}

/* Whether a row is absent from the list of its scope: no candidate of that list has its key. */
static bool vanishes(const struct lk_resolver *r, const struct lk_met *m)
{
	const struct lk_known_key *e = m->key >= 0 ? &r->entries[m->key] : NULL;

	if (!m->vanish || m->scope < 0)
		return false;
	if (e && e->candidate != LK_NOWHERE && e->verdict != LK_VERDICT_LATE)
		return false;
	return !e || !is_deleted_by_fact(r, e);
}

static void decide_scopes(struct lk_resolver *r)
{
	for (size_t i = 0; i < r->met_count; i++) {
		struct lk_met *m = &r->met[i];
		const struct lk_known_key *e = m->key >= 0 ? &r->entries[m->key] : NULL;

		m->vanish = vanishes(r, m);
		if (m->vanish)
			r->scope_items[m->scope].vanish++;
		r->counts.deleted += !m->vanish && m->anew && (!e || (e->candidate == LK_NOWHERE && !e->newer && !is_deleted_by_fact(r, e)));
	}
	for (uint32_t i = 0; i < lk_keys_count(r->scopes); i++) {
		struct lk_known_scope *s = &r->scope_items[i];

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
		struct lk_known_scope *s = &r->scope_items[i];

		s->wanted = s->list && !s->incomplete && lk_resolver_compare_kept(r, s->list, s->known) >= 0;
		any |= s->wanted;
	}
	for (uint32_t i = 0; i < lk_keys_count(r->keys) && lk_keys_count(r->scopes); i++) {
		struct lk_known_key *e = &r->entries[i];
		const struct lk_known_scope *s = &r->scope_items[e->scope];
		const char *version;
		size_t len;

		if (e->candidate == LK_NOWHERE)
			continue;
		version = lk_resolver_version(r, e->version, &len);
		len = lk_version_list(version, len);
		e->late_by_list = (!s->incomplete && lk_resolver_compare(r, version, len, s->list) < 0) || lk_resolver_compare(r, version, len, s->known) < 0;
	}
	return any;
}

static enum lk_status lost_claim(const struct lk_lake_table *base, struct lk_error *err)
{
	if (!base)
		return lk_error_set(err, LK_CONFLICT, "another writer has dropped the table meanwhile: run lk-upsert again");
	return lk_error_set(err, LK_CONFLICT, "another writer has changed table %s.%s meanwhile: run lk-upsert again", base->namespace_name,
		base->name);
}

/* A row that was said to be confirmed, and that nothing newer has replaced since, must still be there: it has no candidate that could take its
 * place. */
static enum lk_status check_claims(const struct lk_resolver *r, struct lk_error *err)
{
	for (uint32_t i = 0; i < lk_keys_count(r->keys); i++) {
		const struct lk_known_key *e = &r->entries[i];

		if (e->claimed && (!e->rows || e->unclaimed) && lk_resolver_compare_kept(r, e->claimed, e->deleted) > 0 &&
			lk_resolver_compare_kept(r, e->claimed, e->known_deleted) > 0 &&
			(e->candidate == LK_NOWHERE || lk_resolver_compare_kept(r, e->claimed, e->version) > 0))
			return lost_claim(r->o.base, err);
	}
	return LK_OK;
}

enum lk_status lk_resolver_run(struct lk_resolver *r, struct lk_error *err)
{
	bool scopes = weigh_lists(r);

	if (r->o.base && r->o.base->file_count && (lk_keys_count(r->keys) || r->o.anew_count))
		LK_TRY(lk_resolver_look_up(r, scopes, err));
	LK_TRY(check_claims(r, err));
	decide(r);
	decide_scopes(r);
	return lk_str_check(&r->absent_text, err);
}

/* ---- what came of it ---- */

enum lk_verdict lk_resolver_verdict(const struct lk_resolver *r, int64_t candidate, const struct lk_lake_file **file, int64_t *position)
{
	const struct lk_known_key *e;

	*file = NULL;
	*position = LK_NOWHERE;
	if (r->key_of[candidate] == LK_NO_KEY)
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

int64_t lk_resolver_newest(const struct lk_resolver *r, int64_t candidate)
{
	return r->entries[r->key_of[candidate]].candidate;
}

bool lk_resolver_deleted(const struct lk_resolver *r, int64_t candidate, const void **version, size_t *len)
{
	const struct lk_known_key *e = &r->entries[r->key_of[candidate]];

	if (e->known_deleted)
		*version = lk_resolver_version(r, e->known_deleted, len);
	return e->known_deleted != 0;
}

/* Whether a row of the table goes, and which candidate takes its place. */
static bool goes(const struct lk_resolver *r, const struct lk_met *m, int64_t *candidate)
{
	const struct lk_known_key *e = m->key >= 0 ? &r->entries[m->key] : NULL;

	*candidate = LK_NOWHERE;
	if (e && e->candidate != LK_NOWHERE && (e->verdict == LK_VERDICT_UPDATE || e->verdict == LK_VERDICT_DELETE)) {
		if (m->file == e->file && m->position == e->position)
			*candidate = e->candidate;
		return true;
	}
	if (e && is_deleted_by_fact(r, e))
		return true;
	if (m->anew && (!e || (e->candidate == LK_NOWHERE && !e->newer)))
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
static bool fact_of(const struct lk_resolver *r, const struct lk_known_key *e, enum lk_fact_kind *kind)
{
	const struct lk_known_scope *s = r->o.spec->load == LK_LOAD_FULL ? &r->scope_items[e->scope] : NULL;

	*kind = e->verdict == LK_VERDICT_DELETE ? LK_FACT_DELETED : LK_FACT_CONFIRMED;
	if (e->verdict == LK_VERDICT_DELETE)
		return true;
	return e->verdict == LK_VERDICT_UNCHANGED && e->older && (!s || !s->wanted || s->held);
}

/* The version of a fact: a place in one stream says nothing to another. */
static const char *lasting_version(struct lk_resolver *r, const struct lk_known_key *e, size_t *len)
{
	static const char null_row = 0;
	const char *version = lk_resolver_version(r, e->version, len);

	if (!e->placed)
		return version;
	lk_str_clear(&r->version_text);
	lk_str_add(&r->version_text, version, *len - PLACE_SIZE);
	lk_str_add(&r->version_text, &null_row, 1);
	*len = r->version_text.len;
	return lk_str_text(&r->version_text);
}

enum lk_status lk_resolver_facts(struct lk_resolver *r, lk_resolved_fact_visitor *visit, void *context, struct lk_error *err)
{
	size_t key_len, version_len;
	enum lk_fact_kind kind;
	const char *version;

	for (uint32_t i = 0; r->versioned && i < lk_keys_count(r->keys); i++) {
		const struct lk_known_key *e = &r->entries[i];
		const void *key = lk_keys_at(r->keys, i, &key_len);

		if (e->candidate == LK_NOWHERE || !fact_of(r, e, &kind))
			continue;
		version = lasting_version(r, e, &version_len);
		LK_TRY(lk_str_check(&r->version_text, err));
		LK_TRY(visit(context, kind, key, key_len, version, version_len, e->candidate, err));
	}
	for (size_t i = 0; r->versioned && i < r->absent_count; i++) {
		const struct lk_absent *a = &r->absent[i];
		const char *key = lk_resolver_text(&r->absent_text, a->key, &key_len);

		version = lk_resolver_text(&r->absent_text, a->version, &version_len);
		if (!r->scope_items[a->scope].held && (a->number < 0 || r->entries[a->number].verdict == LK_VERDICT_LATE))
			LK_TRY(visit(context, LK_FACT_DELETED, key, key_len, version, version_len, LK_NOWHERE, err));
	}
	for (uint32_t i = 0; r->versioned && i < lk_keys_count(r->scopes); i++) {
		const struct lk_known_scope *s = &r->scope_items[i];
		const void *key = lk_keys_at(r->scopes, i, &key_len);

		if (!s->wanted || s->held || lk_resolver_compare_kept(r, s->list, s->known) <= 0)
			continue;
		version = lk_resolver_version(r, s->list, &version_len);
		LK_TRY(visit(context, LK_FACT_COMPLETE, key, key_len, version, version_len, LK_NOWHERE, err));
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
