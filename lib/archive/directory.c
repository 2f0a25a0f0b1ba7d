#include "archive/directory.h"

#include <stdlib.h>
#include <string.h>

#define END_SIZE 22 /* of the end record without its comment (APPNOTE.TXT 4.3.16) */
#define COMMENT_MAX 65535
#define LOCATOR_SIZE 20 /* of the zip64 locator before it (4.3.15) */
#define END64_SIZE 56	/* of the zip64 end record, at least (4.3.14) */
#define ENTRY_SIZE 46	/* of an entry without its texts (4.3.12) */

static uint64_t number(const unsigned char *p, int bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | p[bytes];
	return n;
}

static bool read_at(const struct lk_blob *in, int64_t offset, unsigned char *buf, size_t len, const char *magic)
{
	size_t got;

	return offset >= 0 && !lk_blob_read(in, offset, buf, len, &got, NULL) && got == len && !memcmp(buf, magic, 4);
}

/* Where the end record stands, by what is as long as its comment says; -1 when nowhere. */
static int64_t find_end(const struct lk_blob *in)
{
	int64_t from = in->size > END_SIZE + COMMENT_MAX ? in->size - END_SIZE - COMMENT_MAX : 0, found = -1;
	unsigned char *tail = malloc(END_SIZE + COMMENT_MAX);
	size_t got = 0;

	if (tail && !lk_blob_read(in, from, tail, END_SIZE + COMMENT_MAX, &got, NULL))
		for (size_t i = got >= END_SIZE ? got - END_SIZE + 1 : 0; found < 0 && i--;)
			if (!memcmp(tail + i, "PK\5\6", 4) && number(tail + i + 20, 2) == got - i - END_SIZE)
				found = from + (int64_t)i;
	free(tail);
	return found;
}

/* The directory ends where the first of the end records begins. *size: of the directory. */
static int64_t find_directory_end(const struct lk_blob *in, uint64_t *size)
{
	unsigned char end[END_SIZE], locator[LOCATOR_SIZE], end64[END64_SIZE];
	int64_t at = find_end(in), at64;

	if (!read_at(in, at, end, sizeof(end), "PK\5\6"))
		return -1;
	*size = number(end + 12, 4);
	if (!read_at(in, at - LOCATOR_SIZE, locator, sizeof(locator), "PK\6\7"))
		return at;
	at64 = at - LOCATOR_SIZE - END64_SIZE;
	if (!read_at(in, at64, end64, sizeof(end64), "PK\6\6"))
		return -1;
	*size = number(end64 + 40, 8);
	return at64;
}

int64_t lk_directory_count(const struct lk_blob *input)
{
	unsigned char entry[ENTRY_SIZE];
	uint64_t size = 0;
	int64_t end = find_directory_end(input, &size), at, count = 0;

	if (end < 0 || size > (uint64_t)end)
		return 0;
	for (at = end - (int64_t)size; at < end; count++) {
		if (!read_at(input, at, entry, sizeof(entry), "PK\1\2"))
			return 0;
		at += ENTRY_SIZE + (int64_t)(number(entry + 28, 2) + number(entry + 30, 2) + number(entry + 32, 2));
	}
	return at == end ? count : 0;
}
