/*
 * Reads a stream that was damaged at every place, in one process.
 *
 *	stream-damage cut FILE          every part of it from the start but the whole: each must be an error with a sentence
 *	stream-damage flip FILE [STEP]  with one byte (every STEPth) changed: rows or an error, and no more memory than sane
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "stream/stream.h"

/* Reads all batches from fd's start; LK_OK at the end of the stream. */
static enum lk_status read_all(int fd, unsigned flags, struct lk_error *err)
{
	struct lk_reader *r;
	struct lk_batch batch;
	enum lk_next next;

	*err = (struct lk_error){LK_OK, ""};
	lseek(fd, 0, SEEK_SET);
	if (lk_reader_open(&r, fd, "damaged", flags, err))
		return err->status;
	while ((next = lk_reader_next(r, &batch, err)) == LK_NEXT_BATCH)
		;
	lk_reader_close(r);
	return next == LK_NEXT_END ? LK_OK : err->status;
}

static int check(const char *what, size_t at, const struct lk_error *err)
{
	if (err->status == LK_DATA && err->message[0])
		return 0;
	printf("%s at byte %zu: status %d, '%s'\n", what, at, (int)err->status, err->message);
	return 1;
}

static int cut(int fd, const struct lk_str *bytes)
{
	struct lk_error err;
	int failed = 0;

	for (size_t len = 0; len < bytes->len; len++) {
		if (ftruncate(fd, (off_t)len) || pwrite(fd, bytes->data, len, 0) != (ssize_t)len)
			return 74;
		read_all(fd, 0, &err);
		failed |= check("cut", len, &err);
	}
	return failed;
}

static int flip(int fd, const struct lk_str *bytes, size_t step)
{
	static const unsigned char masks[] = {0xff, 0x01, 0x80};
	size_t whole = 0, damaged = 0;
	struct lk_error err;
	int failed = 0;

	for (size_t at = 0; at < bytes->len; at += step)
		for (size_t i = 0; i < sizeof(masks); i++) {
			unsigned char byte = (unsigned char)bytes->data[at] ^ masks[i];

			if (pwrite(fd, &byte, 1, (off_t)at) != 1)
				return 74;
			if (!read_all(fd, LK_READER_PLAIN | LK_READER_ANY_FORM, &err))
				whole++;
			else
				failed |= check("change", at, &err), damaged++;
			if (pwrite(fd, bytes->data + at, 1, (off_t)at) != 1)
				return 74;
		}
	printf("%zu read, %zu refused\n", whole, damaged);
	return failed;
}

int main(int argc, char **argv)
{
	struct lk_str bytes = LK_STR_INIT;
	struct lk_error err = {LK_OK, ""};
	int fd = memfd_create("damaged", 0), rc;

	if (argc < 3 || fd < 0 || lk_file_read(argv[2], 1 << 30, &bytes, &err) ||
		pwrite(fd, bytes.data, bytes.len, 0) != (ssize_t)bytes.len || read_all(fd, LK_READER_PLAIN | LK_READER_ANY_FORM, &err)) {
		fprintf(stderr, "stream-damage: %s\n", err.message);
		return 64;
	}
	if (!strcmp(argv[1], "cut"))
		rc = cut(fd, &bytes);
	else
		rc = flip(fd, &bytes, argc > 3 ? strtoul(argv[3], NULL, 10) : 1);
	lk_str_release(&bytes);
	close(fd);
	return rc;
}
