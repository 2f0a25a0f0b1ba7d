#include "infer/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define TRIES 20	/* misfits that every type is forgiven, */
#define MISFIT_PART 10 /* and one in so many values */
#define UNIQUE_MAX (4 * 1024 * 1024)

/* ---- sketches ---- */

void lk_sketch_add(struct lk_sketch *s, uint64_t hash)
{
	int low = 0, high = s->count;

	if (s->count == LK_SKETCH_HASHES && hash >= s->hashes[s->count - 1])
		return;
	while (low < high) {
		int mid = (low + high) / 2;

		if (s->hashes[mid] < hash)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < s->count && s->hashes[low] == hash)
		return;
	if (s->count < LK_SKETCH_HASHES)
		s->count++;
	memmove(&s->hashes[low + 1], &s->hashes[low], (size_t)(s->count - low - 1) * sizeof(*s->hashes));
	s->hashes[low] = hash;
}

void lk_sketch_merge(struct lk_sketch *into, const struct lk_sketch *from)
{
	for (int i = 0; i < from->count; i++)
		lk_sketch_add(into, from->hashes[i]);
}

double lk_sketch_distinct(const struct lk_sketch *s)
{
	if (s->count < LK_SKETCH_HASHES)
		return s->count;
	return (LK_SKETCH_HASHES - 1) / ((double)s->hashes[s->count - 1] / (double)UINT64_MAX);
}

double lk_sketch_shared(const struct lk_sketch *a, const struct lk_sketch *b)
{
	double of_a = lk_sketch_distinct(a), of_b = lk_sketch_distinct(b), jaccard, shared;
	int i = 0, j = 0, both = 0, all = 0;

	if (!a->count || !b->count)
		return 0;
	/* the smallest hashes of the union: a sample of it */
	for (; all < LK_SKETCH_HASHES && (i < a->count || j < b->count); all++) {
		bool from_a = j == b->count || (i < a->count && a->hashes[i] <= b->hashes[j]);
		bool from_b = i == a->count || (j < b->count && b->hashes[j] <= a->hashes[i]);

		both += from_a && from_b;
		i += from_a;
		j += from_b;
	}
	jaccard = (double)both / all;
	shared = jaccard * (of_a + of_b) / (1 + jaccard) / (of_a < of_b ? of_a : of_b);
	return shared < 1 ? shared : 1;
}

/* ---- uniqueness ---- */

static void unique_break(struct lk_profile_set *u)
{
	free(u->slots);
	*u = (struct lk_profile_set){.broken = true};
}

static bool unique_put(struct lk_profile_set *u, uint64_t hash)
{
	size_t at = hash & (u->cap - 1);

	while (u->slots[at]) {
		if (u->slots[at] == hash)
			return false;
		at = (at + 1) & (u->cap - 1);
	}
	u->slots[at] = hash;
	u->count++;
	return true;
}

static bool unique_grow(struct lk_profile_set *u)
{
	struct lk_profile_set grown = {.cap = u->cap ? 2 * u->cap : 64};

	grown.slots = calloc(grown.cap, sizeof(*grown.slots));
	if (!grown.slots)
		return false;
	for (size_t i = 0; i < u->cap; i++)
		if (u->slots[i] && !unique_put(&grown, u->slots[i]))
			return false;
	free(u->slots);
	*u = grown;
	return true;
}

static enum lk_status unique_add(struct lk_profile_set *u, uint64_t hash, struct lk_error *err)
{
	if (2 * u->count >= u->cap && !unique_grow(u))
		return lk_error_nomem(err);
	if (!unique_put(u, hash ? hash : 1) || u->count > UNIQUE_MAX)
		unique_break(u);
	return LK_OK;
}

/* ---- profiles ---- */

void lk_profile_init(struct lk_profile *p)
{
	memset(p, 0, sizeof(*p));
	p->alive = (lk_maybe_count < 64 ? UINT64_C(1) << lk_maybe_count : 0) - 1;
	p->shortest = SIZE_MAX;
	p->fraction_least = INT32_MAX;
}

void lk_profile_release(struct lk_profile *p)
{
	free(p->unique.slots);
	p->unique.slots = NULL;
}

/* A value as it may be shown. */
static void show(char out[LK_EXAMPLE_BYTES], const char *s, size_t len)
{
	size_t n = len < LK_EXAMPLE_BYTES - 4 ? len : LK_EXAMPLE_BYTES - 4;

	while (n < len && n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	snprintf(out, LK_EXAMPLE_BYTES, "%.*s%s", (int)n, s, n < len ? "..." : "");
}

static enum lk_status add_misfit(struct lk_profile_fit *f, struct lk_arena *arena, const char *s, size_t len, struct lk_error *err)
{
	char text[LK_EXAMPLE_BYTES];

	if (f->misfit++ >= LK_EXAMPLES || f->fit < f->misfit)
		return LK_OK;
	for (int i = 0; i < LK_EXAMPLES; i++) {
		if (f->misfits[i])
			continue;
		show(text, s, len);
		f->misfits[i] = lk_arena_strdup(arena, text);
		return f->misfits[i] ? LK_OK : lk_error_nomem(err);
	}
	return LK_OK;
}

/* Tries the value on every type that is still alive. */
static enum lk_status try_types(struct lk_profile *p, const struct lk_maybe_converts *converts, struct lk_arena *arena, const char *s,
	size_t len, struct lk_error *err)
{
	for (uint64_t left = p->alive; left; left &= left - 1) {
		int id = __builtin_ctzll(left);
		struct lk_profile_fit *f = &p->fits[id];

		if (lk_maybe_fits(converts, id, s, len)) {
			f->fit++;
			continue;
		}
		LK_TRY(add_misfit(f, arena, s, len, err));
		if (f->misfit > TRIES && f->misfit > p->values / MISFIT_PART)
			p->alive &= ~(UINT64_C(1) << id);
	}
	return LK_OK;
}

/* How many digits a number has on either side of its point. */
static void measure_number(struct lk_profile *p, const char *s, size_t len)
{
	int whole = 0, fraction = 0;
	bool behind = false;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == 'e' || s[i] == 'E') {
			fraction = 100; /* no decimal holds these */
			break;
		}
		behind |= s[i] == '.';
		if (s[i] >= '0' && s[i] <= '9') {
			whole += !behind;
			fraction += behind;
		}
	}
	if (whole > p->whole_digits)
		p->whole_digits = whole;
	if (fraction < p->fraction_least)
		p->fraction_least = fraction;
	if (fraction > p->fraction_most)
		p->fraction_most = fraction;
	if (whole + fraction > p->digits)
		p->digits = whole + fraction;
}

/* Digits for 9, all else as it stands, must be the form. */
static bool has_form(const char *s, size_t len, const char *form)
{
	size_t i = 0;

	for (; i < len && form[i]; i++)
		if (form[i] == '9' ? s[i] < '0' || s[i] > '9' : s[i] != form[i])
			return false;
	return i == len && !form[i];
}

static void look_for_private(struct lk_profile *p, const char *s, size_t len)
{
	static const char *const phones[] = {"(999) 999-9999", "(999)999-9999", "999-999-9999", "999.999.9999", "+1 999 999 9999",
		"1-999-999-9999"};
	const char *at;

	if (len > 80)
		return;
	at = memchr(s, '@', len);
	if (at && at > s && memchr(at, '.', (size_t)(s + len - at)) && !memchr(s, ' ', len))
		p->emails++;
	if (len == 11)
		p->ssns += has_form(s, len, "999-99-9999");
	for (size_t i = 0; len >= 12 && len <= 15 && i < sizeof(phones) / sizeof(*phones); i++)
		p->phones += has_form(s, len, phones[i]);
}

static void measure(struct lk_profile *p, const struct lk_value *v, const char *s, size_t len)
{
	int word;

	p->values++;
	p->quoted += v->quoted;
	if (len < p->shortest)
		p->shortest = len;
	if (len > p->longest)
		p->longest = len;
	if (!*p->example)
		show(p->example, s, len);
	if (p->fits[LK_MAYBE_NUMBER].fit && lk_maybes[LK_MAYBE_NUMBER].shape(s, len))
		measure_number(p, s, len);
	word = p->alive & (UINT64_C(1) << LK_MAYBE_BOOLEAN) ? lk_boolean_word(s, len) : -1;
	if (word >= 0)
		p->booleans |= UINT32_C(1) << word;
	look_for_private(p, s, len);
}

/* A text, whatever it says: no type has bytes above ASCII. */
static void add_foreign(struct lk_profile *p, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p->foreign_to_windows |= s[i] && strchr("\x81\x8d\x8f\x90\x9d", s[i]) != NULL;
	p->values++;
	p->foreign++;
	p->alive = 0;
	p->unique.broken = true;
}

enum lk_status lk_profile_add(struct lk_profile *p, const struct lk_maybe_converts *converts, struct lk_arena *arena,
	const struct lk_value *v, struct lk_error *err)
{
	const char *s = v->data;
	size_t len = v->len;
	uint64_t hash;
	int word;

	if (s)
		lk_text_trim(&s, &len);
	if (!s || !len) {
		p->empty++;
		p->empty_quoted += s && v->quoted;
		return LK_OK;
	}
	if (v->unchecked && memchr(s, '\0', len)) {
		p->unclean++;
		return LK_OK;
	}
	if (v->unchecked && !lk_utf8_valid(s, len)) {
		add_foreign(p, s, len);
		return LK_OK;
	}
	word = lk_null_word(s, len);
	if (word >= 0) {
		p->words[word][v->quoted]++;
		return LK_OK;
	}
	hash = XXH3_64bits(s, len);
	lk_sketch_add(&p->sketch, hash);
	if (!p->unique.broken)
		LK_TRY(unique_add(&p->unique, hash, err));
	LK_TRY(try_types(p, converts, arena, s, len, err));
	measure(p, v, s, len);
	return LK_OK;
}

static bool fits_all(const struct lk_profile *p, int id)
{
	return p->alive & (UINT64_C(1) << id) && p->fits[id].fit && !p->fits[id].misfit;
}

void lk_profile_end(struct lk_profile *p)
{
	bool date = fits_all(p, LK_MAYBE_DATE), time = fits_all(p, LK_MAYBE_DATETIME_SHORT_ZONE);

	p->is_unique = p->values && !p->unique.broken && !p->empty && !p->unclean;
	for (int i = 0; i < LK_NULL_WORDS; i++)
		p->is_unique &= !lk_profile_word(p, i);
	free(p->unique.slots);
	p->unique = (struct lk_profile_set){.broken = true};
	/* Where some values of a file have a time and some have none, a midnight would say more than is known. */
	if (p->values && !date && !time)
		p->alive &= ~((UINT64_C(1) << LK_MAYBE_DATETIME_ANY) | (UINT64_C(1) << LK_MAYBE_DATETIME_ANY_ZONE));
}

static void merge_fit(struct lk_profile_fit *into, const struct lk_profile_fit *from)
{
	into->fit += from->fit;
	into->misfit += from->misfit;
	for (int i = 0, j = 0; i < LK_EXAMPLES; i++)
		if (!into->misfits[i])
			into->misfits[i] = from->misfits[j++];
}

void lk_profile_merge(struct lk_profile *into, const struct lk_profile *from)
{
	into->is_unique = (into->is_unique || !into->values) && (from->is_unique || !from->values);
	into->values += from->values;
	into->quoted += from->quoted;
	into->empty += from->empty;
	into->empty_quoted += from->empty_quoted;
	into->foreign += from->foreign;
	into->foreign_to_windows |= from->foreign_to_windows;
	into->unclean += from->unclean;
	into->emails += from->emails;
	into->phones += from->phones;
	into->ssns += from->ssns;
	for (int i = 0; i < LK_NULL_WORDS; i++)
		for (int quoted = 0; quoted < 2; quoted++)
			into->words[i][quoted] += from->words[i][quoted];
	into->alive &= from->alive;
	for (int i = 0; i < lk_maybe_count; i++)
		merge_fit(&into->fits[i], &from->fits[i]);
	into->booleans |= from->booleans;
	if (from->shortest < into->shortest)
		into->shortest = from->shortest;
	if (from->longest > into->longest)
		into->longest = from->longest;
	if (from->whole_digits > into->whole_digits)
		into->whole_digits = from->whole_digits;
	if (from->fraction_least < into->fraction_least)
		into->fraction_least = from->fraction_least;
	if (from->fraction_most > into->fraction_most)
		into->fraction_most = from->fraction_most;
	if (from->digits > into->digits)
		into->digits = from->digits;
	lk_sketch_merge(&into->sketch, &from->sketch);
	if (!*into->example)
		memcpy(into->example, from->example, sizeof(into->example));
}
