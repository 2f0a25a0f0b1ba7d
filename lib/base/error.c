#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Marks a message that was cut, without leaving half a UTF-8 sequence before the dots. */
static void mark_cut(char *message)
{
	size_t at = LK_ERROR_SIZE - 4;

	while (at > 0 && ((unsigned char)message[at] & 0xc0) == 0x80)
		at--;
	memcpy(message + at, "...", 4);
}

static void format(char *message, const char *fmt, va_list args)
{
	int n = vsnprintf(message, LK_ERROR_SIZE, fmt, args);

	if (n >= LK_ERROR_SIZE)
		mark_cut(message);
}

static void add_behind(char *message, const char *more)
{
	size_t len = strlen(message);

	if ((size_t)snprintf(message + len, LK_ERROR_SIZE - len, ": %s", more) >= LK_ERROR_SIZE - len)
		mark_cut(message);
}

enum lk_status lk_error_set(struct lk_error *err, enum lk_status status, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return status;
	err->status = status;
	va_start(args, fmt);
	format(err->message, fmt, args);
	va_end(args);
	return status;
}

enum lk_status lk_error_sys(struct lk_error *err, enum lk_status status, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	if (!err)
		return status;
	err->status = status;
	va_start(args, fmt);
	format(err->message, fmt, args);
	va_end(args);
	add_behind(err->message, strerror(saved));
	return status;
}

enum lk_status lk_error_prefix(struct lk_error *err, const char *fmt, ...)
{
	char old[LK_ERROR_SIZE];
	va_list args;

	memcpy(old, err->message, sizeof(old));
	va_start(args, fmt);
	format(err->message, fmt, args);
	va_end(args);
	add_behind(err->message, old);
	return err->status;
}

enum lk_status lk_error_nomem(struct lk_error *err)
{
	return lk_error_set(err, LK_MISSING, "out of memory");
}
