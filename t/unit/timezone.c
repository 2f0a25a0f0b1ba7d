/* Time zones, with the C library's own reading of the same files as the oracle. */
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "source/timezone.h"

#include "tap.h"

#define DAY INT64_C(86400)

/* Offsets of many moments: steps of a prime number of seconds, from 1850 to 2150. */
static int wrong_offsets(const struct lk_timezone *zone)
{
	int wrong = 0;

	for (int64_t at = -120 * 365 * DAY; at < 180 * 365 * DAY; at += 1000003) {
		time_t t = (time_t)at;
		struct tm tm;

		localtime_r(&t, &tm);
		wrong += lk_timezone_offset(zone, at) != tm.tm_gmtoff;
	}
	return wrong;
}

/* The first moment, in whole quarters of an hour, at which the clocks show a local time; false when they never do. */
static bool first_showing(int64_t local, int64_t *utc)
{
	for (int64_t at = local - 27 * 3600; at <= local + 27 * 3600; at += 900) {
		time_t t = (time_t)at;
		struct tm tm;

		localtime_r(&t, &tm);
		if (at + tm.tm_gmtoff == local) {
			*utc = at;
			return true;
		}
	}
	return false;
}

/* Local times around every change of the clocks between two years. */
static int wrong_locals(const struct lk_timezone *zone, int from, int to, int *gaps, int *checked)
{
	int wrong = 0;
	int64_t last = lk_timezone_offset(zone, (from - 1970) * 365 * DAY);

	for (int64_t at = (from - 1970) * 365 * DAY / 900 * 900; at < (to - 1970) * 365 * DAY; at += 3600 * 12) {
		int64_t offset = lk_timezone_offset(zone, at);

		if (offset == last)
			continue;
		for (int64_t local = at + offset - 30 * 3600; local < at + offset + 6 * 3600; local += 900) {
			int64_t want = 0, us;
			bool shown = first_showing(local, &want), is = lk_timezone_utc(zone, local * 1000000 + 250000, &us);

			wrong += shown != is || (is && us != want * 1000000 + 250000);
			*gaps += !shown;
			++*checked;
		}
		last = offset;
	}
	return wrong;
}

static void test_zone(const char *name)
{
	struct lk_arena arena = LK_ARENA_INIT;
	const struct lk_timezone *zone;
	struct lk_error err;
	int gaps = 0, checked = 0;

	setenv("TZ", name, 1);
	tzset();
	if (ok(lk_timezone_load(&arena, name, &zone, &err) == LK_OK, "%s is loaded", name)) {
		is_int(wrong_offsets(zone), 0, "%s: offsets of three centuries", name);
		is_int(wrong_locals(zone, 2019, 2023, &gaps, &checked), 0, "%s: local times, in its table", name);
		is_int(wrong_locals(zone, 2060, 2063, &gaps, &checked), 0, "%s: local times, by its rule", name);
		printf("# %d local times, %d of them never shown\n", checked, gaps);
	} else {
		printf("# %s\n", err.message);
	}
	lk_arena_release(&arena);
}

/* A file without a table, as small zones are: all is in the footer. */
static void test_footer(const char *folder, const char *footer, int64_t january, int64_t july)
{
	static const char header[] = "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\4";
	static const char body[] = "\0\0\0\0\0\0XXX";
	struct lk_arena arena = LK_ARENA_INIT;
	const struct lk_timezone *zone;
	struct lk_error err;
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/X", folder);
	f = fopen(path, "wb");
	fwrite(header, 1, 44, f);
	fwrite(body, 1, 10, f);
	fwrite(header, 1, 44, f);
	fwrite(body, 1, 10, f);
	fprintf(f, "\n%s\n", footer);
	fclose(f);
	setenv("TZDIR", folder, 1);
	if (lk_timezone_load(&arena, "X", &zone, &err) != LK_OK)
		ok(january == INT64_MAX, "'%s' is refused: %s", footer, err.message);
	else
		ok(lk_timezone_offset(zone, 1767225600) == january && lk_timezone_offset(zone, 1782864000) == july,
			"'%s' is %lld in January 2026 and %lld in July", footer, (long long)lk_timezone_offset(zone, 1767225600),
			(long long)lk_timezone_offset(zone, 1782864000));
	unsetenv("TZDIR");
	remove(path);
	lk_arena_release(&arena);
}

static void test_damage(const char *folder)
{
	struct lk_str bytes = LK_STR_INIT;
	struct lk_error err;
	char path[4096];
	int loaded = 0, refused = 0;

	if (lk_file_read("/usr/share/zoneinfo/America/New_York", 1 << 20, &bytes, &err) != LK_OK)
		return;
	snprintf(path, sizeof(path), "%s/Y", folder);
	setenv("TZDIR", folder, 1);
	for (size_t i = 0; i < bytes.len; i += i < 200 ? 1 : 37) {
		struct lk_arena arena = LK_ARENA_INIT;
		const struct lk_timezone *zone;
		int64_t us;
		FILE *f = fopen(path, "wb");

		if (i % 2) { /* cut off */
			fwrite(bytes.data, 1, i, f);
		} else {
			bytes.data[i] = (char)(bytes.data[i] ^ 0xff);
			fwrite(bytes.data, 1, bytes.len, f);
			bytes.data[i] = (char)(bytes.data[i] ^ 0xff);
		}
		fclose(f);
		if (lk_timezone_load(&arena, "Y", &zone, &err) == LK_OK) {
			loaded++;
			for (int64_t at = 0; at < 100 * 365 * DAY; at += 300 * DAY)
				(void)lk_timezone_utc(zone, at * 1000000, &us);
		} else {
			refused++;
		}
		lk_arena_release(&arena);
	}
	unsetenv("TZDIR");
	remove(path);
	ok(refused > 50 && loaded > 50, "damaged files are refused (%d) or read as what they are (%d)", refused, loaded);
	lk_str_release(&bytes);
}

int main(void)
{
	static const char *const zones[] = {"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo",
		"Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia", "Antarctica/Troll", "UTC", "America/Nuuk"};
	char folder[] = "/tmp/lk-zones-XXXXXX";

	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
		test_zone(zones[i]);
	if (!mkdtemp(folder))
		return 1;
	test_footer(folder, "EST5EDT,M3.2.0,M11.1.0", -18000, -14400);
	test_footer(folder, "<+0330>-3:30", 12600, 12600);
	test_footer(folder, "AEST-10AEDT,M10.1.0,M4.1.0/3", 39600, 36000);
	test_footer(folder, "XXX-1YYY-2,J60/0,J300/24:30:15", 3600, 7200);
	test_footer(folder, "XXX-1YYY,59,299/-3", 3600, 7200);
	test_footer(folder, "", 0, 0);
	test_footer(folder, "EST5EDT", INT64_MAX, 0);
	test_footer(folder, "EST5EDT,M13.1.0,M11.1.0", INT64_MAX, 0);
	test_footer(folder, "EST5EDT,M3.2.0,M11.1.0,", INT64_MAX, 0);
	test_footer(folder, "5", INT64_MAX, 0);
	test_damage(folder);
	rmdir(folder);
	return done();
}
