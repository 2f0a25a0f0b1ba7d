#include "source/constraint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source/form.h"

#define MATCH_STEPS 10000    /* of a pattern, for any value, */
#define MATCH_STEPS_BYTE 10  /* and for each of its bytes */
#define MATCH_HEAP_KIB 16384
#define JIT_STACK_FIRST (32 * 1024)
#define JIT_STACK_MOST (1024 * 1024)

/* ---- comparing ---- */

/* Durations are compared by where they lead from four days that the standard names (XML Schema 1.1, 3.3.6.2): some, such as
 * a month and thirty days, have no order. */
static bool compare_durations(const struct lk_checked *a, const struct lk_checked *b, int *order)
{
	static const struct {
		int year, month;
	} starts[] = {{1696, 9}, {1697, 2}, {1903, 3}, {1903, 7}};
	struct lk_duration left, right;

	if (!lk_duration_of(a->s, a->len, &left) || !lk_duration_of(b->s, b->len, &right))
		return false;
	for (int i = 0; i < 4; i++) {
		const struct lk_duration *both[] = {&left, &right};
		lk_int128 at[2];
		int now;

		for (int j = 0; j < 2; j++) {
			int64_t month = starts[i].year * INT64_C(12) + starts[i].month - 1 + both[j]->months;
			int64_t year = month / 12 - (month % 12 < 0);

			at[j] = (lk_int128)lk_days_from_civil(year, (unsigned)(month - year * 12 + 1), 1) * LK_DAY_US +
				both[j]->us;
		}
		now = (at[0] > at[1]) - (at[0] < at[1]);
		if (i && now != *order)
			return false;
		*order = now;
	}
	return true;
}

bool lk_checked_compare(const struct lk_convert *convert, const struct lk_checked *a, const struct lk_checked *b, int *order)
{
	double x, y;

	switch (convert->kind) {
	case LK_CONVERT_NUMBER:
		x = a->scalar.number;
		y = b->scalar.number;
		*order = (x > y) - (x < y);
		return !isnan(x) && !isnan(y);
	case LK_CONVERT_DECIMAL:
		*order = (a->scalar.decimal > b->scalar.decimal) - (a->scalar.decimal < b->scalar.decimal);
		return true;
	case LK_CONVERT_TEXT:
	case LK_CONVERT_CHECKED:
	case LK_CONVERT_LIST:
		if (convert->check == lk_form_duration)
			return compare_durations(a, b, order);
		*order = lk_key_compare(&(struct lk_text){a->s, a->len}, &(struct lk_text){b->s, b->len});
		return true;
	default:
		*order = (a->scalar.integer > b->scalar.integer) - (a->scalar.integer < b->scalar.integer);
		return true;
	}
}

int lk_key_compare(const void *a, const void *b)
{
	const struct lk_text *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->len ? memcmp(x->data, y->data, x->len) : 0;
}

/* ---- keys ---- */

bool lk_checked_key(
	const struct lk_convert *convert, const struct lk_checked *value, struct lk_str *room, struct lk_text *key)
{
	struct lk_duration duration;
	double number = value->scalar.number;

	lk_str_clear(room);
	if (convert->kind == LK_CONVERT_NUMBER) {
		if (number == 0 || isnan(number))
			number = isnan(number) ? NAN : 0; /* one of each */
		lk_str_add(room, &number, sizeof(number));
	} else if (convert->kind == LK_CONVERT_DECIMAL) {
		lk_str_add(room, &value->scalar.decimal, sizeof(value->scalar.decimal));
	} else if (!lk_convert_is_text(convert)) {
		lk_str_add(room, &value->scalar.integer, sizeof(value->scalar.integer));
	} else if (convert->check == lk_form_duration && lk_duration_of(value->s, value->len, &duration)) {
		lk_str_add(room, &duration, sizeof(duration));
	} else if (!convert->json || !lk_form_canonical(value->s, value->len, room)) {
		*key = (struct lk_text){value->s, value->len};
		return !room->failed;
	}
	*key = (struct lk_text){lk_str_text(room), room->len};
	return !room->failed;
}

/* ---- checks ---- */

static int64_t length_of(const struct lk_convert *convert, const struct lk_checked *value)
{
	int64_t count = 0;

	if (convert->json)
		return lk_form_count(value->s, value->len);
	if (convert->kind == LK_CONVERT_LIST) {
		const char *s = value->s, *end = s + value->len;

		for (count = 1; (s = memmem(s, (size_t)(end - s), convert->delimiter.data, convert->delimiter.len)); count++)
			s += convert->delimiter.len;
		return count;
	}
	for (size_t i = 0; i < value->len; i++)
		count += ((unsigned char)value->s[i] & 0xc0) != 0x80;
	return count;
}

static bool check_length(const struct lk_constraints *c, const struct lk_convert *convert, const struct lk_checked *value,
	struct lk_str *why)
{
	const char *unit = convert->json || convert->kind == LK_CONVERT_LIST ? "item" : "character";
	int64_t length, limit;

	if (c->min_length < 0 && c->max_length < 0)
		return true;
	length = length_of(convert, value);
	if (length >= c->min_length && (c->max_length < 0 || length <= c->max_length))
		return true;
	limit = length < c->min_length ? c->min_length : c->max_length;
	lk_str_addf(why, "has %s than %lld %s%s", length < c->min_length ? "fewer" : "more", (long long)limit, unit,
		limit == 1 ? "" : "s");
	return false;
}

static bool check_bounds(const struct lk_constraints *c, const struct lk_convert *convert, const struct lk_checked *value,
	struct lk_str *why)
{
	static const struct {
		const char *verb, *noun;
	} words[LK_BOUNDS] = {{"is less than", "minimum"}, {"is more than", "maximum"},
		{"is not more than", "exclusive minimum"}, {"is not less than", "exclusive maximum"}};

	for (int i = 0; i < LK_BOUNDS; i++) {
		int order;

		if (!c->bounds[i].text)
			continue;
		if (!lk_checked_compare(convert, value, &c->bounds[i].value, &order)) {
			lk_str_addf(why, "cannot be compared with the %s %s", words[i].noun, c->bounds[i].text);
			return false;
		}
		if (i == LK_MINIMUM	       ? order >= 0
			: i == LK_MAXIMUM      ? order <= 0
			: i == LK_EXCLUSIVE_MINIMUM ? order > 0
						    : order < 0)
			continue;
		lk_str_addf(why, "%s the %s %s", words[i].verb, words[i].noun, c->bounds[i].text);
		return false;
	}
	return true;
}

static bool check_allowed(const struct lk_constraints *c, const struct lk_text *key, struct lk_str *why)
{
	for (int i = 0; i < 2; i++) {
		const struct lk_allowed *a = &c->allowed[i];

		if (!a->shown || bsearch(key, a->keys, (size_t)a->count, sizeof(*a->keys), lk_key_compare))
			continue;
		lk_str_addf(why, "is none of %s", a->shown);
		return false;
	}
	return true;
}

static enum lk_status start_matching(struct lk_constraint_state *state, struct lk_error *err)
{
	state->match = pcre2_match_data_create(1, NULL);
	state->limits = pcre2_match_context_create(NULL);
	state->stack = pcre2_jit_stack_create(JIT_STACK_FIRST, JIT_STACK_MOST, NULL);
	if (!state->match || !state->limits || !state->stack)
		return lk_error_nomem(err);
	pcre2_jit_stack_assign(state->limits, NULL, state->stack);
	pcre2_set_heap_limit(state->limits, MATCH_HEAP_KIB);
	return LK_OK;
}

/* A value that would take the expression too long does not match it: steps are bounded by the value's length, so that no file
 * can take more time than its size allows. */
static enum lk_status check_pattern(const struct lk_constraints *c, struct lk_constraint_state *state,
	const struct lk_checked *value, bool *holds, struct lk_str *why, struct lk_error *err)
{
	int code;

	if (!state->match)
		LK_TRY(start_matching(state, err));
	pcre2_set_match_limit(state->limits, (uint32_t)(MATCH_STEPS + MATCH_STEPS_BYTE * value->len));
	code = pcre2_match(c->pattern, (PCRE2_SPTR)value->s, value->len, 0, PCRE2_NO_UTF_CHECK, state->match, state->limits);
	*holds = code >= 0;
	if (code == PCRE2_ERROR_NOMEMORY)
		return lk_error_nomem(err);
	if (code == PCRE2_ERROR_NOMATCH)
		lk_str_addf(why, "does not match the pattern %s", c->pattern_text);
	else if (code < 0)
		lk_str_addf(why, "takes too long to be matched by the pattern %s", c->pattern_text);
	return LK_OK;
}

enum lk_status lk_constraints_check(const struct lk_constraints *c, const struct lk_convert *convert,
	struct lk_constraint_state *state, const struct lk_checked *value, bool *holds, struct lk_str *why, struct lk_error *err)
{
	struct lk_text key;

	*holds = check_length(c, convert, value, why) && check_bounds(c, convert, value, why);
	if (*holds && c->pattern)
		LK_TRY(check_pattern(c, state, value, holds, why, err));
	if (!*holds || (!c->unique && !c->allowed[0].shown && !c->allowed[1].shown))
		return LK_OK;
	if (!lk_checked_key(convert, value, &state->key, &key))
		return lk_error_nomem(err);
	*holds = check_allowed(c, &key, why);
	if (!*holds || !c->unique)
		return LK_OK;
	LK_TRY(lk_distinct_hash(&state->seen, key.data, key.len, &state->pending, err));
	state->is_pending = true;
	*holds = !lk_distinct_has(&state->seen, &state->pending);
	if (!*holds)
		lk_str_adds(why, "stands in an earlier record, and must be unique");
	return LK_OK;
}

enum lk_status lk_constraints_settle(struct lk_constraint_state *state, bool row, struct lk_error *err)
{
	bool add = state->is_pending && row;

	state->is_pending = false;
	return add ? lk_distinct_add(&state->seen, &state->pending, err) : LK_OK;
}

/* ---- the end ---- */

void lk_constraint_state_release(struct lk_constraint_state *state)
{
	pcre2_match_data_free(state->match);
	pcre2_match_context_free(state->limits);
	pcre2_jit_stack_free(state->stack);
	lk_distinct_release(&state->seen);
	lk_str_release(&state->key);
	*state = (struct lk_constraint_state){NULL};
}

void lk_constraints_release(struct lk_constraints *c)
{
	if (!c)
		return;
	pcre2_code_free(c->pattern);
	c->pattern = NULL;
}
