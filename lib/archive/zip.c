#include "archive/zip.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define END_SIZE 22
#define END64_SIZE 56
#define LOCATOR_SIZE 20
#define ENTRY_SIZE 46
#define HEADER_SIZE 30
#define TAIL (16 * 1024) /* where libarchive looks for the end of the directory */
#define DIRECTORY_MAX (256 * 1024 * 1024)
#define NONE32 0xffffffffu

#define FLAG_ENCRYPTED 0x0001
#define FLAG_DESCRIPTOR 0x0008
#define FLAGS_TAKEN 0x080f /* encrypted, two of the compressor's, sizes behind the data, names in UTF-8 */
#define METHOD_STORED 0
#define METHOD_DEFLATED 8
#define METHOD_AES 99
#define EXTRA_ZIP64 0x0001
#define EXTRA_AES 0x9901

static uint16_t le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const unsigned char *p)
{
	return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static uint64_t le64(const unsigned char *p)
{
	return le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* ---- the end of the directory ---- */

struct directory {
	uint64_t offset, size, count;
};

/* The zip64 record (section 4.3.14), where the locator before the end points to it. */
static bool read_end64(
	const struct lk_blob *input, uint64_t end, const unsigned char *locator, struct directory *d)
{
	unsigned char record[END64_SIZE];
	uint64_t at = le64(locator + 8);
	size_t got;

	if (le32(locator + 4) || le32(locator + 16) != 1 || end < LOCATOR_SIZE + END64_SIZE ||
		at != end - LOCATOR_SIZE - END64_SIZE)
		return false;
	if (lk_blob_read(input, (int64_t)at, record, sizeof(record), &got, NULL) || got != sizeof(record) ||
		memcmp(record, "PK\6\6", 4) || le64(record + 4) != END64_SIZE - 12 || le32(record + 16) ||
		le32(record + 20) || le64(record + 24) != le64(record + 32))
		return false;
	d->count = le64(record + 32);
	d->size = le64(record + 40);
	d->offset = le64(record + 48);
	return d->offset <= at && d->size == at - d->offset;
}

/* Finds the directory by the last end record (section 4.3.16): it must end where that begins. */
static bool find_directory(const struct lk_blob *input, struct directory *d)
{
	unsigned char tail[TAIL], *end;
	int64_t start = input->size > TAIL ? input->size - TAIL : 0;
	uint64_t at;
	size_t got;

	if (lk_blob_read(input, start, tail, sizeof(tail), &got, NULL) ||
		start + (int64_t)got != input->size || got <= END_SIZE)
		return false;
	for (end = tail + got - END_SIZE; memcmp(end, "PK\5\6", 4); end--)
		if (end == tail + 1)
			return false;
	at = (uint64_t)(start + (end - tail));
	if (le16(end + 20) != tail + got - end - END_SIZE || le16(end + 4) || le16(end + 6) ||
		le16(end + 8) != le16(end + 10))
		return false;
	if (end - tail >= LOCATOR_SIZE && !memcmp(end - LOCATOR_SIZE, "PK\6\7", 4))
		return read_end64(input, at, end - LOCATOR_SIZE, d);
	d->count = le16(end + 10);
	d->size = le32(end + 12);
	d->offset = le32(end + 16);
	return d->offset <= at && d->size == at - d->offset;
}

/* ---- its entries ---- */

/* The data of the one extra field of a kind; NULL when there is none, or more, or the fields do not fit their
 * room. */
static const unsigned char *find_extra(const unsigned char *p, size_t len, unsigned kind, size_t *found_len)
{
	const unsigned char *found = NULL;

	while (len >= 4) {
		size_t size = le16(p + 2);

		if (size > len - 4)
			return NULL;
		if (le16(p) == kind) {
			if (found)
				return NULL;
			found = p + 4;
			*found_len = size;
		}
		p += 4 + size;
		len -= 4 + size;
	}
	return found;
}

/* Takes a number that the zip64 field has in place of one of 32 bits (section 4.5.3). */
static bool widen(int64_t *value, const unsigned char **p, size_t *len)
{
	if (*value != NONE32)
		return true;
	if (*len < 8 || le64(*p) > INT64_MAX)
		return false;
	*value = (int64_t)le64(*p);
	*p += 8;
	*len -= 8;
	return true;
}

static bool read_zip64(struct lk_zip_member *m, const unsigned char *extra, size_t extra_len)
{
	size_t len;
	const unsigned char *p;

	if (m->size != NONE32 && m->packed != NONE32 && m->header != NONE32)
		return true;
	p = find_extra(extra, extra_len, EXTRA_ZIP64, &len);
	return p && widen(&m->size, &p, &len) && widen(&m->packed, &p, &len) && widen(&m->header, &p, &len);
}

/* WinZip's field (www.winzip.com/en/support/aes-encryption): version 1 has a CRC, 2 has none. */
static bool read_aes(struct lk_zip_member *m, const unsigned char *extra, size_t extra_len, unsigned *method)
{
	size_t len;
	const unsigned char *p = find_extra(extra, extra_len, EXTRA_AES, &len);

	if (!p || len != 7 || memcmp(p + 2, "AE", 2) || le16(p) < 1 || le16(p) > 2 || p[4] < 1 || p[4] > 3)
		return false;
	m->cipher = LK_ZIP_AES;
	m->has_crc = le16(p) == 1;
	m->strength = p[4];
	*method = le16(p + 5);
	return true;
}

/* How its data are to be read; false when that is not for us. */
static bool read_kind(struct lk_zip_member *m, const unsigned char *extra, size_t extra_len)
{
	unsigned method = m->method;

	m->has_crc = true;
	m->cipher = LK_ZIP_CLEAR;
	if (m->flags & ~FLAGS_TAKEN)
		return false;
	if (method == METHOD_AES) {
		if (!(m->flags & FLAG_ENCRYPTED) || !read_aes(m, extra, extra_len, &method))
			return false;
	} else if (m->flags & FLAG_ENCRYPTED) {
		m->cipher = LK_ZIP_CRYPTO;
	}
	m->deflated = method == METHOD_DEFLATED;
	return method == METHOD_STORED || method == METHOD_DEFLATED;
}

/* One entry of the directory <p, len>; its length, or 0 when it is damaged. end: where the directory begins,
 * and data end. */
static size_t read_entry(struct lk_zip_member *m, const unsigned char *p, size_t len, uint64_t end)
{
	size_t name_len, extra_len, all;
	const unsigned char *extra;

	if (len < ENTRY_SIZE || memcmp(p, "PK\1\2", 4) || le16(p + 34))
		return 0;
	name_len = le16(p + 28);
	extra_len = le16(p + 30);
	all = ENTRY_SIZE + name_len + extra_len + le16(p + 32);
	if (len < all)
		return 0;
	extra = p + ENTRY_SIZE + name_len;
	*m = (struct lk_zip_member){.header = le32(p + 42),
		.packed = le32(p + 20),
		.size = le32(p + 24),
		.crc = le32(p + 16),
		.flags = le16(p + 8),
		.method = le16(p + 10)};
	if (!read_zip64(m, extra, extra_len))
		return 0;
	if ((uint64_t)m->header > end || (uint64_t)m->packed > end - (uint64_t)m->header)
		return 0;
	m->ours = read_kind(m, extra, extra_len);
	return all;
}

static int by_header(const void *a, const void *b)
{
	const struct lk_zip_member *x = a, *y = b;

	return x->header < y->header ? -1 : x->header > y->header;
}

/* Sets the order of headers; false when two of them are one, or the data of one reach into the next. */
static bool sort(struct lk_zip *z)
{
	bool sorted = true;

	for (size_t i = 1; sorted && i < z->count; i++)
		sorted = z->members[i - 1].header < z->members[i].header;
	if (!sorted)
		qsort(z->members, z->count, sizeof(*z->members), by_header);
	for (size_t i = 1; i < z->count; i++)
		if (z->members[i].header - z->members[i - 1].header < HEADER_SIZE + z->members[i - 1].packed)
			return false;
	return true;
}

static enum lk_status read_members(
	struct lk_zip *z, const unsigned char *p, const struct directory *d, struct lk_error *err)
{
	size_t left = (size_t)d->size, len;

	z->end = (int64_t)d->offset;
	if (d->count > left / ENTRY_SIZE)
		return LK_OK;
	if (!lk_grow((void **)&z->members, &z->cap, (size_t)d->count, sizeof(*z->members)))
		return lk_error_nomem(err);
	for (; z->count < d->count; z->count++) {
		len = read_entry(&z->members[z->count], p, left, d->offset);
		if (!len)
			break;
		p += len;
		left -= len;
	}
	if (z->count < d->count || left || !sort(z))
		z->count = 0;
	return LK_OK;
}

enum lk_status lk_zip_open(struct lk_zip *z, const struct lk_blob *input, struct lk_error *err)
{
	struct directory d;
	size_t got;

	z->input = input;
	z->count = 0;
	z->end = 0;
	if (!find_directory(input, &d) || d.size > DIRECTORY_MAX || !d.count)
		return LK_OK;
	if (input->data)
		return read_members(z, input->data + d.offset, &d, err);
	lk_str_clear(&z->directory);
	if (!lk_str_reserve(&z->directory, (size_t)d.size))
		return lk_error_nomem(err);
	LK_TRY(lk_blob_read(input, (int64_t)d.offset, z->directory.data, (size_t)d.size, &got, err));
	if (got == d.size)
		LK_TRY(read_members(z, (const unsigned char *)z->directory.data, &d, err));
	lk_str_release(&z->directory);
	return LK_OK;
}

void lk_zip_release(struct lk_zip *z)
{
	free(z->members);
	lk_str_release(&z->directory);
	*z = (struct lk_zip){.input = NULL};
}

bool lk_zip_has_descriptor(const struct lk_zip_member *m)
{
	return m->flags & FLAG_DESCRIPTOR;
}

/* ---- one member's place ---- */

/* Whether the AES field of the local header is that of the directory: the local one is what libarchive goes
 * by. */
static bool same_aes(const struct lk_zip *z, const struct lk_zip_member *m, int64_t offset, size_t len)
{
	struct lk_zip_member local = {.flags = m->flags, .method = m->method};
	unsigned char extra[256];
	size_t got;

	if (len > sizeof(extra) || lk_blob_read(z->input, offset, extra, len, &got, NULL) || got != len)
		return false;
	return read_kind(&local, extra, len) && local.strength == m->strength &&
	       local.has_crc == m->has_crc && local.deflated == m->deflated;
}

bool lk_zip_locate(const struct lk_zip *z, size_t index, struct lk_zip_place *place)
{
	const struct lk_zip_member *m = &z->members[index];
	unsigned char h[HEADER_SIZE];
	int64_t end = index + 1 < z->count ? m[1].header : z->end;
	size_t name_len, extra_len, got;

	if (!m->ours || lk_blob_read(z->input, m->header, h, sizeof(h), &got, NULL) || got != sizeof(h) ||
		memcmp(h, "PK\3\4", 4) || le16(h + 6) != m->flags || le16(h + 8) != m->method)
		return false;
	name_len = le16(h + 26);
	extra_len = le16(h + 28);
	place->member = m;
	place->data = m->header + HEADER_SIZE + (int64_t)(name_len + extra_len);
	place->check = m->flags & FLAG_DESCRIPTOR ? h[11] : h[17];
	if (place->data > end || m->packed > end - place->data)
		return false;
	return m->cipher != LK_ZIP_AES || same_aes(z, m, place->data - (int64_t)extra_len, extra_len);
}

bool lk_zip_find(const struct lk_zip *z, int64_t data, struct lk_zip_place *place)
{
	size_t low = 0, high = z->count; /* the last header before data is in [low, high) */

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (z->members[middle].header < data)
			low = middle;
		else
			high = middle;
	}
	return z->count && lk_zip_locate(z, low, place) && place->data == data;
}
