/* Sums of decimal numbers, exact to 38 digits. */
#include <string.h>

#include "source/control.h"

#define SCALE_MAX 38

/* The units of a number that has more digits behind the point. */
static bool rescale(lk_int128 *units, int from, int to)
{
	for (int i = from; i < to; i++)
		if (__builtin_mul_overflow(*units, (lk_int128)10, units))
			return false;
	return true;
}

/* Takes a sign off either end. */
static bool take_sign(const char **s, size_t *len)
{
	bool minus = false;

	if (*len && (**s == '-' || **s == '+')) {
		minus = **s == '-';
		++*s;
		--*len;
	} else if (*len && ((*s)[*len - 1] == '-' || (*s)[*len - 1] == '+')) {
		minus = (*s)[*len - 1] == '-';
		--*len;
	}
	return minus;
}

static bool starts(const char *s, size_t len, const struct lk_text *mark)
{
	return mark->len && len >= mark->len && !memcmp(s, mark->data, mark->len);
}

static bool parse(struct lk_total *t, const char *s, size_t len, const struct lk_text *decimal, const struct lk_text *group)
{
	bool minus, point = false, digits = false;

	lk_text_trim(&s, &len);
	minus = take_sign(&s, &len);
	lk_text_trim(&s, &len);
	for (size_t i = 0; i < len; i++) {
		if (!point && starts(s + i, len - i, decimal)) {
			point = true;
			i += decimal->len - 1;
			continue;
		}
		if (starts(s + i, len - i, group)) {
			i += group->len - 1;
			continue;
		}
		if (s[i] < '0' || s[i] > '9' || t->scale == SCALE_MAX)
			return false;
		digits = true;
		t->scale += point;
		if (__builtin_mul_overflow(t->units, (lk_int128)10, &t->units) ||
			__builtin_add_overflow(t->units, (lk_int128)(s[i] - '0'), &t->units))
			return false;
	}
	if (minus)
		t->units = -t->units;
	return digits;
}

void lk_total_add(struct lk_total *t, const char *s, size_t len, const struct lk_text *decimal, const struct lk_text *group)
{
	struct lk_total number = {0};
	int scale;

	if (t->bad)
		return;
	t->bad = !parse(&number, s, len, decimal, group);
	scale = number.scale > t->scale ? number.scale : t->scale;
	if (t->bad || !rescale(&number.units, number.scale, scale) || !rescale(&t->units, t->scale, scale) ||
		__builtin_add_overflow(t->units, number.units, &t->units))
		t->bad = true;
	t->scale = scale;
}

bool lk_totals_equal(const struct lk_total *a, const struct lk_total *b)
{
	lk_int128 x = a->units, y = b->units;
	int scale = a->scale > b->scale ? a->scale : b->scale;

	return !a->bad && !b->bad && rescale(&x, a->scale, scale) && rescale(&y, b->scale, scale) && x == y;
}

void lk_total_text(const struct lk_total *t, char *out)
{
	char digits[LK_TOTAL_TEXT];
	lk_int128 left = t->units;
	int n = 0;

	if (t->units < 0)
		*out++ = '-';
	for (int least = t->scale ? t->scale + 2 : 1; left || n < least; left /= 10) {
		digits[n++] = (char)('0' + (int)(left < 0 ? -(left % 10) : left % 10));
		if (n == t->scale)
			digits[n++] = '.';
	}
	while (n)
		*out++ = digits[--n];
	*out = '\0';
}
