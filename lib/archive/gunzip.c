#include "archive/gunzip.h"

#include <stdlib.h>
#include <string.h>

#define IN_SIZE (128 * 1024)
#define GZIP_ONLY (16 + MAX_WBITS) /* zlib's code for "a gzip header and trailer, nothing else" */

bool lk_gunzip_detect(const struct lk_blob *input)
{
	unsigned char head[3];
	size_t got;

	return !lk_blob_read(input, 0, head, 3, &got, NULL) && got == 3 && !memcmp(head, "\x1f\x8b\x08", 3);
}

enum lk_status lk_gunzip_open(struct lk_gunzip *g, const struct lk_blob *input, struct lk_error *err)
{
	unsigned char head[8];
	size_t got;

	*g = (struct lk_gunzip){.input = input};
	LK_TRY(lk_blob_read(input, 0, head, sizeof(head), &got, err));
	if (got == sizeof(head)) /* MTIME, RFC 1952 section 2.3.1 */
		g->modified_us = (head[4] | head[5] << 8 | head[6] << 16 | (int64_t)head[7] << 24) * 1000000;
	if (!input->data) {
		g->in = malloc(IN_SIZE);
		if (!g->in)
			return lk_error_nomem(err);
	}
	if (inflateInit2(&g->z, GZIP_ONLY) != Z_OK) {
		lk_gunzip_close(g);
		return lk_error_nomem(err);
	}
	return LK_OK;
}

/* Gives zlib more input; avail_in stays 0 at the end of the file. */
static enum lk_status refill(struct lk_gunzip *g, struct lk_error *err)
{
	int64_t left = g->input->size - g->offset;
	size_t got = left > IN_SIZE ? IN_SIZE : (size_t)left;

	if (g->input->data) {
		g->z.next_in = (unsigned char *)(uintptr_t)(g->input->data + g->offset);
	} else {
		LK_TRY(lk_blob_read(g->input, g->offset, g->in, IN_SIZE, &got, err));
		g->z.next_in = g->in;
	}
	g->z.avail_in = (unsigned)got;
	g->offset += (int64_t)got;
	return LK_OK;
}

/* After the trailer of a gzip member: on to the next one, or to the end. */
static enum lk_status step_over(struct lk_gunzip *g, struct lk_error *err)
{
	for (bool padding = false;; padding = true) {
		if (!g->z.avail_in)
			LK_TRY(refill(g, err));
		if (!g->z.avail_in) {
			g->ended = true;
			return LK_OK;
		}
		if (!padding && *g->z.next_in == 0x1f) {
			g->between = false;
			return inflateReset(&g->z) == Z_OK ? LK_OK : lk_error_set(err, LK_BUG, "zlib does not reset");
		}
		if (*g->z.next_in)
			return lk_error_set(err, LK_DATA, "something else follows the gzip data");
		g->z.next_in++;
		g->z.avail_in--;
	}
}

static enum lk_status inflate_some(struct lk_gunzip *g, struct lk_error *err)
{
	int code = inflate(&g->z, Z_NO_FLUSH);

	if (code == Z_STREAM_END)
		g->between = true;
	else if (code == Z_MEM_ERROR)
		return lk_error_nomem(err);
	else if (code != Z_OK && code != Z_BUF_ERROR)
		return lk_error_set(err, LK_DATA, "damaged gzip data (%s)", g->z.msg ? g->z.msg : "no reason given");
	return LK_OK;
}

enum lk_status lk_gunzip_read(struct lk_gunzip *g, void *buf, size_t len, size_t *got, struct lk_error *err)
{
	g->z.next_out = buf;
	g->z.avail_out = (unsigned)len;
	*got = 0;
	while (!g->ended && g->z.avail_out == len) {
		if (g->between) {
			LK_TRY(step_over(g, err));
			continue;
		}
		if (!g->z.avail_in)
			LK_TRY(refill(g, err));
		if (!g->z.avail_in)
			return lk_error_set(err, LK_DATA, "the gzip data are cut short");
		LK_TRY(inflate_some(g, err));
	}
	*got = len - g->z.avail_out;
	return LK_OK;
}

void lk_gunzip_close(struct lk_gunzip *g)
{
	if (g->z.state)
		inflateEnd(&g->z);
	free(g->in);
	*g = (struct lk_gunzip){NULL};
}
