/* TAP for C unit tests: ok(condition, title...) for each check, return done() from main. */
#ifndef LK_TAP_H
#define LK_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

#define ok(condition, ...) tap_ok((condition), __FILE__, __LINE__, __VA_ARGS__)
#define is_text(got, want, ...)                                                                                       \
	do {                                                                                                          \
		const char *tap_got = (got), *tap_want = (want);                                                      \
		if (!ok(!strcmp(tap_got, tap_want), __VA_ARGS__))                                                     \
			printf("#   got:      '%s'\n#   expected: '%s'\n", tap_got, tap_want);                        \
	} while (0)
#define is_int(got, want, ...)                                                                                        \
	do {                                                                                                          \
		long long tap_got = (got), tap_want = (want);                                                         \
		if (!ok(tap_got == tap_want, __VA_ARGS__))                                                            \
			printf("#   got:      %lld\n#   expected: %lld\n", tap_got, tap_want);                        \
	} while (0)

__attribute__((format(printf, 4, 5))) static inline bool tap_ok(bool passed, const char *file, int line,
	const char *title, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++tap_count);
	va_start(args, title);
	vprintf(title, args);
	va_end(args);
	putchar('\n');
	if (!passed) {
		tap_failed++;
		printf("#   at %s:%d\n", file, line);
	}
	fflush(stdout);
	return passed;
}

static inline int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
