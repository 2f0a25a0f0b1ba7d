#include "infer/choice.h"

#include <string.h>

#include "infer/words.h"

#define LONG_DIGITS 12	 /* of an integer that is rather an identifier */
#define FRACTION_MAX 6	 /* digits of a decimal that is counted, as money is, and not measured */
#define DOUBLE_DIGITS 17 /* no more are needed to write a double */
#define PRECISION 18
#define PRECISION_MAX 38

static bool fits_all(const struct lk_profile *p, int id)
{
	const struct lk_profile_fit *f = &p->fits[id];

	return p->alive & (UINT64_C(1) << id) && f->fit && !f->misfit && f->fit == p->values;
}

/* Both words of a pair, or at least one of true and false, whose meaning nobody doubts. */
static bool is_boolean(const struct lk_profile *p)
{
	uint32_t trues = p->booleans & 0x55555555u, falses = p->booleans & 0xaaaaaaaau;

	return (trues && falses) || p->booleans & 0x3fu;
}

/* Digits that do not name a day each, as 2012, 201207 and 20120731. */
static bool is_partial_date(const struct lk_profile *p, const char *name)
{
	return lk_name_is_date(name) && p->shortest != p->longest && (p->shortest == 4 || p->shortest == 6) &&
	       (p->longest == 6 || p->longest == 8);
}

/* Why integers stay text; NULL when they need not. */
static const char *why_no_integer(const struct lk_profile *p, const char *name)
{
	if (p->longest >= LONG_DIGITS)
		return "long identifiers stay text";
	if (is_partial_date(p, name))
		return "dates of several precisions stay text";
	if (lk_name_is_code(name))
		return "codes stay text";
	return NULL;
}

/* A date of eight digits, or just a number: few values tell little. */
static bool is_compact(const struct lk_profile *p, const char *name)
{
	return lk_name_is_date(name) || (p->values >= 10 && !lk_name_is_code(name) && !lk_name_is_id(name));
}

/* Whether the type may be chosen; sets what is to be noted when not. */
static bool may_be(struct lk_choice *c, const struct lk_profile *p, const char *name, int id)
{
	const char *why;

	switch (id) {
	case LK_MAYBE_BOOLEAN:
		return is_boolean(p);
	case LK_MAYBE_DATE_COMPACT:
	case LK_MAYBE_DATETIME_COMPACT:
	case LK_MAYBE_DATETIME_COMPACT_ZONE:
		return is_compact(p, name);
	case LK_MAYBE_INTEGER:
		why = why_no_integer(p, name);
		if (why && !c->note)
			c->note = why;
		return !why;
	case LK_MAYBE_NUMBER:
		if (!p->fraction_most && why_no_integer(p, name)) /* integers are numbers, too */
			return false;
		return true;
	default: /* plain numbers fit the forms of others, too */
		return !fits_all(p, LK_MAYBE_INTEGER) && !fits_all(p, LK_MAYBE_NUMBER);
	}
}

/* A double loses digits, and what is counted to so many places is meant exactly. */
static void choose_decimal(struct lk_choice *c, const struct lk_profile *p)
{
	int digits = p->whole_digits + p->fraction_most;
	bool counted = p->fraction_least == p->fraction_most && p->fraction_most && p->fraction_most <= FRACTION_MAX;
	bool exact = p->fraction_most <= PRECISION_MAX && p->digits > DOUBLE_DIGITS;

	if ((!counted && !exact) || digits > PRECISION_MAX)
		return;
	c->precision = digits <= PRECISION - 2 ? PRECISION : PRECISION_MAX;
	c->scale = p->fraction_most;
}

/* Of a string, the type that nine in ten values fit. */
static int nearest(const struct lk_profile *p)
{
	int near = LK_MAYBE_STRING;

	for (int id = 0; id < lk_maybe_count; id++) {
		const struct lk_profile_fit *f = &p->fits[id];

		if (!(p->alive & (UINT64_C(1) << id)) || !f->misfit || f->fit < 9 * f->misfit)
			continue;
		if (near < 0 || f->fit > p->fits[near].fit)
			near = id;
	}
	return near;
}

static const char *privacy_of_values(const struct lk_profile *p)
{
	int64_t most = p->values - p->values / 5;

	if (!p->values)
		return NULL;
	return p->ssns >= most ? "id" : p->phones >= most ? "phone" : p->emails >= most ? "email" : NULL;
}

static void note_twin(struct lk_choice *c, const struct lk_profile *p)
{
	int twin = lk_maybe_twin(c->id);

	if (twin >= 0 && fits_all(p, twin))
		c->note = "no day is above 12: day and month may be the other way around";
}

void lk_choice_make(struct lk_choice *c, const char *name, const struct lk_profile *p)
{
	*c = (struct lk_choice){.id = LK_MAYBE_STRING, .near = LK_MAYBE_STRING};
	name = name ? name : "";
	c->privacy = lk_name_privacy(name);
	if (!c->privacy)
		c->privacy = privacy_of_values(p);
	for (int id = 0; id < lk_maybe_count && c->id < 0; id++)
		if (fits_all(p, id) && may_be(c, p, name, id))
			c->id = id;
	if (c->id == LK_MAYBE_NUMBER)
		choose_decimal(c, p);
	else if (c->id >= 0)
		note_twin(c, p);
	else
		c->near = nearest(p);
	if (!p->values)
		c->note = "no value at all";
}

bool lk_choice_needs_word(const struct lk_choice *c, const struct lk_profile *p, int word)
{
	return c->id >= 0 && lk_profile_word(p, word);
}
