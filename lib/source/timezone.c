#include "source/timezone.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/value.h"

#define ZONEINFO "/usr/share/zoneinfo"
#define FILE_BYTES (1024 * 1024)
#define HEADER_BYTES 44
#define DAY_SECONDS INT64_C(86400)

/* When a rule's half of the year begins: Mm.w.d, Jn or n of POSIX's TZ. */
struct change {
	char kind; /* M, J or 0 */
	int month, week, day;
	int64_t seconds; /* of the local day, may be outside of it */
};

/* The footer: standard time, and daylight saving time where there is one. */
struct rule {
	bool given, daylight;
	int64_t standard_offset, daylight_offset;
	struct change begin, end; /* of daylight saving time */
};

struct lk_timezone {
	int64_t *at; /* when the clocks change, UTC seconds, rising */
	int64_t *offset; /* from then on; one more than `at`: [0] holds before the first */
	int count;
	struct rule rule; /* after the last */
};

/* ---- the footer ---- */

struct cursor {
	const char *p, *end;
};

static bool take_char(struct cursor *c, char wanted)
{
	if (c->p == c->end || *c->p != wanted)
		return false;
	c->p++;
	return true;
}

static bool take_number(struct cursor *c, int most, int *out)
{
	const char *start = c->p;

	*out = 0;
	for (; c->p < c->end && isdigit((unsigned char)*c->p); c->p++) {
		*out = *out * 10 + (*c->p - '0');
		if (*out > most)
			return false;
	}
	return c->p > start;
}

/* [+-]hh[:mm[:ss]], at most 167 hours */
static bool take_time(struct cursor *c, int64_t *seconds)
{
	bool negative = take_char(c, '-');
	int hours, minutes = 0, rest = 0;

	if (!negative)
		(void)take_char(c, '+');
	if (!take_number(c, 167, &hours) || (take_char(c, ':') && (!take_number(c, 59, &minutes) ||
									 (take_char(c, ':') && !take_number(c, 59, &rest)))))
		return false;
	*seconds = (hours * 60 + minutes) * INT64_C(60) + rest;
	if (negative)
		*seconds = -*seconds;
	return true;
}

/* Letters, or anything in angle brackets. */
static bool take_name(struct cursor *c)
{
	const char *start = c->p;

	if (take_char(c, '<')) {
		while (c->p < c->end && *c->p != '>')
			c->p++;
		return take_char(c, '>');
	}
	while (c->p < c->end && isalpha((unsigned char)*c->p))
		c->p++;
	return c->p > start;
}

static bool take_change(struct cursor *c, struct change *out)
{
	*out = (struct change){.seconds = 2 * 3600};
	if (take_char(c, 'M')) {
		out->kind = 'M';
		if (!take_number(c, 12, &out->month) || out->month < 1 || !take_char(c, '.') ||
			!take_number(c, 5, &out->week) || out->week < 1 || !take_char(c, '.') ||
			!take_number(c, 6, &out->day))
			return false;
	} else {
		out->kind = take_char(c, 'J') ? 'J' : '\0';
		if (!take_number(c, 365, &out->day) || (out->kind == 'J' && out->day < 1))
			return false;
	}
	return !take_char(c, '/') || take_time(c, &out->seconds);
}

/* A TZ string of POSIX, whose offsets count west of UTC. */
static bool parse_rule(const char *text, size_t len, struct rule *r)
{
	struct cursor c = {text, text + len};

	*r = (struct rule){.given = len > 0};
	if (!len)
		return true;
	if (!take_name(&c) || !take_time(&c, &r->standard_offset))
		return false;
	r->standard_offset = -r->standard_offset;
	if (c.p == c.end)
		return true;
	r->daylight = true;
	r->daylight_offset = r->standard_offset + 3600;
	if (!take_name(&c))
		return false;
	if (c.p < c.end && *c.p != ',') {
		if (!take_time(&c, &r->daylight_offset))
			return false;
		r->daylight_offset = -r->daylight_offset;
	}
	return take_char(&c, ',') && take_change(&c, &r->begin) && take_char(&c, ',') && take_change(&c, &r->end) &&
	       c.p == c.end;
}

/* When a change happens in a year, in local seconds since 1970. */
static int64_t change_at(const struct change *change, int64_t year)
{
	int64_t first, days;
	int weekday;

	if (change->kind != 'M') {
		days = lk_days_from_civil(year, 1, 1) + change->day;
		if (change->kind == 'J') /* February 29 is not counted */
			days -= !(lk_civil_valid(year, 2, 29) && change->day >= 60);
		return days * DAY_SECONDS + change->seconds;
	}
	first = lk_days_from_civil(year, (unsigned)change->month, 1);
	weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
	days = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
	while (!lk_civil_valid(year, (unsigned)change->month, (unsigned)(days - first + 1)))
		days -= 7;
	return days * DAY_SECONDS + change->seconds;
}

/* ---- the file ---- */

static uint64_t read_big(const unsigned char *p, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

/* The counts of a header. */
struct counts {
	size_t isut, isstd, leap, time, type, chars;
};

static bool read_header(const unsigned char *p, size_t len, struct counts *n)
{
	size_t *all[] = {&n->isut, &n->isstd, &n->leap, &n->time, &n->type, &n->chars};

	if (len < HEADER_BYTES || memcmp(p, "TZif", 4))
		return false;
	for (int i = 0; i < 6; i++) {
		*all[i] = (size_t)read_big(p + 20 + 4 * i, 4);
		if (*all[i] > FILE_BYTES)
			return false;
	}
	return n->type > 0;
}

static size_t body_bytes(const struct counts *n, size_t time_bytes)
{
	return n->time * (time_bytes + 1) + n->type * 6 + n->chars + n->leap * (time_bytes + 4) + n->isstd + n->isut;
}

/* Of the body at p: its changes, with times of so many bytes. */
static bool read_changes(
	struct lk_arena *arena, const unsigned char *p, const struct counts *n, int time_bytes, struct lk_timezone *z)
{
	const unsigned char *index = p + n->time * (size_t)time_bytes, *types = index + n->time;
	size_t first = 0;

	z->at = lk_arena_alloc(arena, (n->time + 1) * sizeof(*z->at));
	z->offset = lk_arena_alloc(arena, (n->time + 1) * sizeof(*z->offset));
	if (!z->at || !z->offset)
		return false;
	z->count = (int)n->time;
	while (first < n->type && types[first * 6 + 4])
		first++; /* before the first change it is standard time (RFC 8536, 3.2) */
	z->offset[0] = (int32_t)(uint32_t)read_big(types + (first < n->type ? first : 0) * 6, 4);
	for (size_t i = 0; i < n->time; i++) {
		uint64_t at = read_big(p + i * (size_t)time_bytes, time_bytes);

		if (index[i] >= n->type)
			return false;
		z->at[i] = time_bytes == 8 ? (int64_t)at : (int32_t)(uint32_t)at;
		z->offset[i + 1] = (int32_t)(uint32_t)read_big(types + (size_t)index[i] * 6, 4);
		if ((i && z->at[i] <= z->at[i - 1]) || z->offset[i + 1] < -26 * 3600 || z->offset[i + 1] > 26 * 3600)
			return false;
	}
	return true;
}

static bool read_zone(struct lk_arena *arena, const unsigned char *p, size_t len, struct lk_timezone *z)
{
	const unsigned char *end = p + len, *stop;
	struct counts n;
	int time_bytes = 4;

	if (!read_header(p, len, &n) || body_bytes(&n, 4) > len - HEADER_BYTES)
		return false;
	if (p[4] >= '2') {
		p += HEADER_BYTES + body_bytes(&n, 4);
		time_bytes = 8;
		if (!read_header(p, (size_t)(end - p), &n) || body_bytes(&n, 8) > (size_t)(end - p) - HEADER_BYTES)
			return false;
	}
	p += HEADER_BYTES;
	if (!read_changes(arena, p, &n, time_bytes, z))
		return false;
	p += body_bytes(&n, (size_t)time_bytes);
	if (time_bytes == 4)
		return true;
	if (p == end || *p++ != '\n')
		return false;
	stop = memchr(p, '\n', (size_t)(end - p));
	return stop && parse_rule((const char *)p, (size_t)(stop - p), &z->rule);
}

/* ---- loading ---- */

bool lk_timezone_name(const char *name)
{
	for (const char *p = name; *p; p++) {
		bool inside = p > name && p[-1] != '/';

		if (*p == '/' ? !inside || !p[1] : !isalnum((unsigned char)*p) && (!strchr("_+-", *p) || !inside))
			return false;
	}
	return *name;
}

static enum lk_status load_impl(struct lk_arena *arena, const char *name, struct lk_str *path, struct lk_str *bytes,
	const struct lk_timezone **out, struct lk_error *err)
{
	const char *folder = getenv("TZDIR");
	struct lk_timezone *zone = lk_arena_alloc(arena, sizeof(*zone));

	if (!zone)
		return lk_error_nomem(err);
	if (!folder || !*folder)
		folder = ZONEINFO;
	lk_str_addf(path, "%s/%s", folder, name);
	LK_TRY(lk_str_check(path, err));
	if (access(folder, R_OK | X_OK) != 0)
		return lk_error_sys(err, LK_MISSING, "time zones (Debian's tzdata) are missing: '%s'", folder);
	if (!lk_timezone_name(name) || access(path->data, F_OK) != 0)
		return lk_error_set(err, LK_CONFIG, "there is no time zone '%s' in '%s'", name, folder);
	LK_TRY(lk_file_read(path->data, FILE_BYTES, bytes, err));
	if (!read_zone(arena, (const unsigned char *)lk_str_text(bytes), bytes->len, zone))
		return lk_error_set(err, LK_DATA, "'%s' is no time zone (TZif)", path->data);
	*out = zone;
	return LK_OK;
}

enum lk_status lk_timezone_load(
	struct lk_arena *arena, const char *name, const struct lk_timezone **out, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT, bytes = LK_STR_INIT;
	enum lk_status status = load_impl(arena, name, &path, &bytes, out, err);

	lk_str_release(&path);
	lk_str_release(&bytes);
	return status;
}

/* ---- times ---- */

/* The changes of the rule around a moment: those of three years, in order. Returns how many. */
static int rule_changes(const struct rule *r, int64_t seconds, int64_t at[6], int64_t offset[6])
{
	/* A year of 365.2425 days is near enough, as the years beside it are looked at too. */
	int64_t year = 1970 + (seconds - (seconds < 0 ? 31556951 : 0)) / 31556952;
	int n = 0;

	if (!r->daylight)
		return 0;
	for (int64_t y = year - 1; y <= year + 1; y++) {
		int64_t begin = change_at(&r->begin, y) - r->standard_offset,
			end = change_at(&r->end, y) - r->daylight_offset;
		bool begin_first = begin <= end;

		at[n] = begin_first ? begin : end;
		offset[n++] = begin_first ? r->daylight_offset : r->standard_offset;
		at[n] = begin_first ? end : begin;
		offset[n++] = begin_first ? r->standard_offset : r->daylight_offset;
	}
	return n;
}

/* How many changes of the table are not after a moment. */
static int changes_until(const struct lk_timezone *z, int64_t seconds)
{
	int low = 0, high = z->count;

	while (low < high) {
		int middle = (low + high) / 2;

		if (z->at[middle] <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int64_t table_end(const struct lk_timezone *z)
{
	return z->count ? z->at[z->count - 1] : INT64_MIN;
}

int64_t lk_timezone_offset(const struct lk_timezone *z, int64_t seconds)
{
	int64_t at[6], offset[6], now;
	int known = changes_until(z, seconds), n;

	if (known < z->count || !z->rule.given)
		return z->offset[known];
	n = rule_changes(&z->rule, seconds, at, offset);
	now = n ? offset[1] : z->rule.standard_offset;
	for (int i = 0; i < n; i++)
		if (at[i] <= seconds)
			now = offset[i];
	return now;
}

/* The first change after a moment; false when there is none within two years. */
static bool next_change(const struct lk_timezone *z, int64_t seconds, int64_t *next)
{
	int64_t at[6], offset[6];
	int known = changes_until(z, seconds), n;

	if (known < z->count) {
		*next = z->at[known];
		return true;
	}
	n = z->rule.given ? rule_changes(&z->rule, seconds, at, offset) : 0;
	for (int i = 0; i < n; i++)
		if (at[i] > seconds && at[i] > table_end(z)) {
			*next = at[i];
			return true;
		}
	return false;
}

/* Walks through the stretches of one offset, from a day before to a day after: the first in which the clocks show this. */
bool lk_timezone_utc(const struct lk_timezone *z, int64_t local_us, int64_t *us)
{
	int64_t local = local_us / 1000000 - (local_us % 1000000 < 0), fraction = local_us - local * 1000000;
	int64_t from = local - 2 * DAY_SECONDS, jump = local;

	for (;;) {
		int64_t offset = lk_timezone_offset(z, from), utc = local - offset, next;
		bool more = next_change(z, from, &next);

		if (utc < from) { /* this stretch begins with clocks that are beyond it already */
			*us = jump * 1000000;
			return false;
		}
		if (!more || utc < next) {
			*us = utc * 1000000 + fraction;
			return true;
		}
		from = jump = next;
	}
}
