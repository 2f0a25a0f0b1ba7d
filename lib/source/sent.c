#include "source/sent.h"

#include <ctype.h>
#include <string.h>

#include "base/value.h"

#define MARKS "-_.: "

void lk_sent_init(struct lk_convert *c)
{
	const char *problem;

	lk_convert_init(c, "datetime", "any", &problem);
	c->zone = true;
}

/* Takes `count` digits behind at most one of the marks; false, with nothing taken, when they are not there. */
static bool take(const char **s, const char *end, const char *marks, int count, char **out)
{
	const char *at = *s;

	if (at < end && *at && strchr(marks, *at))
		at++;
	if (end - at < count)
		return false;
	for (int i = 0; i < count; i++)
		if (!isdigit((unsigned char)at[i]))
			return false;
	memcpy(*out, at, (size_t)count);
	*out += count;
	*s = at + count;
	return true;
}

/* The same moment as ISO 8601 writes it: "2026-11-21T07:15:00Z". */
static bool spell(const char *s, const char *end, char *out)
{
	bool date = take(&s, end, "", 4, &out) && (*out++ = '-') && take(&s, end, MARKS, 2, &out) && (*out++ = '-') &&
		    take(&s, end, MARKS, 2, &out);

	if (date && s < end) {
		*out++ = 'T';
		if (!take(&s, end, MARKS "Tt", 2, &out) || !(*out++ = ':') || !take(&s, end, MARKS, 2, &out))
			return false;
		*out++ = ':';
		if (!take(&s, end, MARKS, 2, &out)) {
			memcpy(out, "00", 2);
			out += 2;
		}
		if (s < end && (*s == 'Z' || *s == 'z') && s++)
			*out++ = 'Z';
	}
	*out = '\0';
	return date && s == end;
}

bool lk_sent_parse(const struct lk_convert *c, const char *s, size_t len, int64_t *us)
{
	char text[LK_VALUE_TEXT];
	struct lk_scalar value;
	const char *reason;

	if (!lk_convert_scalar(c, s, len, &value, &reason) &&
		!(spell(s, s + len, text) && lk_convert_scalar(c, text, strlen(text), &value, &reason)))
		return false;
	*us = value.integer;
	return true;
}
