/*
 * Units of the zip reader, against its oracle, libarchive: whatever a zip is, sound, odd or damaged, both
 * ways of reading it say exactly the same.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "archive/archive.h"
#include "tap.h"

/* ---- two readings ---- */

static struct lk_keys keys;
static struct lk_archive *own, *oracle;

/* Everything that lk.members is made of. */
static void read_all(struct lk_archive *a, const struct lk_blob *blob, struct lk_str *out)
{
	enum lk_archive_next next;
	struct lk_error err;
	struct lk_member m;
	int rows = 0;

	lk_str_clear(out);
	if (lk_archive_open(a, blob, "x.zip", &err))
		lk_str_addf(out, "open: %s\n", err.message);
	while ((next = lk_archive_next(a, &m, &err)) == LK_ARCHIVE_MEMBER && rows++ < 2000) {
		struct lk_piece piece;

		lk_str_addf(out, "%s|%lld|%lld|%lld|%d|%lld|%d|", m.path, (long long)m.index,
			(long long)m.number, (long long)m.size, m.has_modified, (long long)m.modified_us,
			m.encrypted);
		if (lk_archive_verify(a, &m, &err))
			lk_str_addf(out, "verify: %s", err.message);
		lk_str_addf(out, "%lld|%s|%s|%s\n", (long long)m.size, lk_member_status_name(m.status),
			m.error ? m.error : "-", m.passphrase ? m.passphrase : "-");
		while (m.status == LK_MEMBER_OK &&
			(next = lk_archive_piece(a, &piece, &err)) == LK_ARCHIVE_MEMBER)
			lk_str_addf(out, " %lld+%zu %d %llx\n", (long long)piece.offset, piece.len,
				piece.last, (unsigned long long)XXH3_64bits(piece.data, piece.len));
		if (m.status == LK_MEMBER_OK && next == LK_ARCHIVE_ERROR)
			break;
	}
	if (next == LK_ARCHIVE_ERROR)
		lk_str_addf(out, "error: %s\n", err.message);
	lk_archive_close(a);
}

static struct lk_str ours, theirs;

/* The length of a member's lines: its own, and the indented ones of its content. */
static size_t block_length(const char *s)
{
	size_t n = 0;

	do {
		n += strcspn(s + n, "\n");
		n += s[n] == '\n';
	} while (s[n] == ' ');
	return n;
}

/* Whether libarchive refuses a member for figures in its header that count for nothing, as its size and CRC follow the data. */
static bool refused(const char *block, size_t len)
{
	const char *word = strstr(block, "|failed|Inconsistent ");

	return word && word < block + len;
}

/* The same members with the same content, but for those that only libarchive refuses. */
static int refused_count;

static bool agree(const char *mine, const char *oracles)
{
	while (*mine && *oracles) {
		size_t n = block_length(mine), m = block_length(oracles);

		if (n != m || memcmp(mine, oracles, n)) {
			if (!refused(oracles, m) || memcmp(mine, oracles, strcspn(oracles, "|") + 1))
				return false;
			refused_count++;
		}
		mine += n;
		oracles += m;
	}
	return !*mine && !*oracles;
}

static bool same_blob(const struct lk_blob *blob)
{
	read_all(own, blob, &ours);
	read_all(oracle, blob, &theirs);
	if (agree(lk_str_text(&ours), lk_str_text(&theirs)))
		return true;
	printf("# ours:\n%s# theirs:\n%s", lk_str_text(&ours), lk_str_text(&theirs));
	return false;
}

static bool same(const void *bytes, size_t len)
{
	char *exact = malloc(len ? len : 1); /* so that a sanitizer sees a read beyond it */
	struct lk_blob blob;
	bool result;

	memcpy(exact, bytes, len);
	lk_blob_memory(&blob, "x.zip", exact, len);
	result = same_blob(&blob);
	free(exact);
	return result;
}

static uint64_t seed = 20261121;

static unsigned below(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* ---- zips of libarchive's own ---- */

static char text[(9 << 20) + 8];
static char *made;
static size_t made_len;
#define MADE_MAX (10 << 20)

static void make(const char *options, const char *passphrase, size_t large)
{
	static const size_t sizes[] = {39, 0, 1, 600, 4000};
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int bad = archive_write_set_format_zip(a) || archive_write_set_options(a, options) ||
		  archive_write_set_bytes_per_block(a, 0);

	if (passphrase)
		bad |= archive_write_set_passphrase(a, passphrase);
	bad |= archive_write_open_memory(a, made, MADE_MAX, &made_len);
	for (int i = 0; i < 5 && !bad; i++) {
		size_t len = i == 3 && large ? large : sizes[i];
		char name[20];

		archive_entry_clear(entry);
		snprintf(name, sizeof(name), "d/%d.csv", i);
		archive_entry_set_pathname(entry, name);
		if (i % 2)
			archive_entry_set_size(entry, (int64_t)len); /* else sizes come behind the data */
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_perm(entry, 0644);
		archive_entry_set_mtime(entry, 1700000000 + i, 0);
		bad |= archive_write_header(a, entry) ||
		       archive_write_data(a, text + i, len) != (la_ssize_t)len;
	}
	bad |= archive_write_close(a);
	if (bad)
		ok(false, "cannot make an archive: %s", archive_error_string(a));
	archive_entry_free(entry);
	archive_write_free(a);
}

static void test_kind(const char *options, const char *passphrase, int every)
{
	char what[100];
	int differ = 0, tried = 0;

	snprintf(what, sizeof(what), "%s, passphrase %s", options, passphrase ? passphrase : "none");
	make(options, passphrase, 0);
	ok(same(made, made_len), "%s: small members", what);
	for (size_t at = below((unsigned)every); at < made_len && differ < 3; at += (size_t)every, tried++) {
		char kept = made[at];

		made[at] = (char)(kept ^ (1 + below(255)));
		differ += !same(made, made_len);
		made[at] = kept;
	}
	for (size_t cut = below((unsigned)every); cut < made_len && differ < 3;
		cut += (size_t)every * 4, tried++)
		differ += !same(made, cut);
	ok(!differ, "%s: %d archives with a changed byte or cut", what, tried);
	make(options, passphrase, 9 << 20);
	ok(same(made, made_len), "%s: a large member", what);
	for (int i = 0; i < 2; i++) {
		made[4 * made_len / 5 + below((unsigned)made_len / 5)] ^= 1;
		differ += !same(made, made_len);
	}
	ok(!differ, "%s: a large member that is damaged", what);
}

/* ---- zips that no one should make ---- */

struct built {
	unsigned char bytes[64 * 1024];
	size_t len;
};

static void put(struct built *b, uint64_t value, int width)
{
	for (int i = 0; i < width; i++)
		b->bytes[b->len++] = (unsigned char)(value >> 8 * i);
}

static void put_bytes(struct built *b, const void *data, size_t len)
{
	memcpy(b->bytes + b->len, data, len);
	b->len += len;
}

/* True for one in n. */
static bool rarely(unsigned n)
{
	return below(n) == 0;
}

struct entry {
	char name[24];
	unsigned flags, method, offset;
	uint32_t crc, packed, size;
};

static void put_facts(struct built *b, const struct entry *e)
{
	put(b, e->flags, 2);
	put(b, e->method, 2);
	put(b, 0x5a8b4321, 4);
	put(b, e->crc, 4);
	put(b, e->packed, 4);
	put(b, e->size, 4);
	put(b, strlen(e->name), 2);
}

/* One number of e a little off, or another's. */
static void spoil(struct entry *e)
{
	switch (below(7)) {
	case 0:
		e->crc += 1;
		break;
	case 1:
		e->packed += below(3) - 1u;
		break;
	case 2:
		e->size += below(3) - 1u;
		break;
	case 3:
		e->flags ^= 1u << below(16);
		break;
	case 4:
		e->method = below(2) ? 8 : below(100);
		break;
	case 5:
		e->size = rarely(2) ? 0xffffffff : 0;
		break;
	case 6:
		e->packed = rarely(2) ? 0xffffffff : 0;
		break;
	}
}

static void build_member(struct built *b, struct entry *e, struct libdeflate_compressor *c, int number)
{
	unsigned char packed[1000];
	struct entry local;

	e->size = below(300);
	e->offset = (unsigned)b->len;
	e->crc = libdeflate_crc32(0, text + number, e->size);
	snprintf(e->name, sizeof(e->name), rarely(8) ? "d%d/" : rarely(8) ? "same.csv" : "f%d.csv", number);
	local = *e;
	local.method = e->method = below(3) ? 8 : 0;
	local.flags = e->flags = rarely(4) ? 8 : rarely(4) ? 0x800 : 0;
	e->packed = e->method ? (uint32_t)libdeflate_deflate_compress(
					c, text + number, e->size, packed, sizeof(packed))
			      : e->size;
	if (!e->method)
		memcpy(packed, text + number, e->size);
	local.packed = e->packed;
	if (e->flags & 8)
		local.crc = local.packed = local.size = 0;
	if (rarely(12))
		spoil(&local);
	put(b, 0x04034b50, 4);
	put(b, 20, 2);
	put_facts(b, &local);
	put(b, rarely(6) ? 9 : 0, 2);
	put_bytes(b, local.name, strlen(local.name));
	if (b->bytes[e->offset + 28])
		put_bytes(b, "\x55\x54\x05\x00\x01\x78\x56\x34\x12", 9);
	put_bytes(b, packed, e->packed);
	if (e->flags & 8 && !rarely(5)) {
		put(b, 0x08074b50, 4);
		put(b, e->crc, 4);
		put(b, e->packed, 4);
		put(b, e->size, 4);
	}
	if (rarely(15))
		put(b, 0, (int)below(8));
}

static void build(struct built *b, struct libdeflate_compressor *c)
{
	struct entry entries[12];
	int count = (int)below(10) + 1;
	size_t start, size;

	b->len = 0;
	if (rarely(10))
		put_bytes(b, "#!/bin/sh\nexit\n", below(16));
	for (int i = 0; i < count; i++)
		build_member(b, &entries[i], c, i);
	start = b->len;
	for (int i = 0; i < count; i++) {
		struct entry e = entries[rarely(20) ? (int)below((unsigned)count) : i];
		bool wide = rarely(6);

		if (rarely(25))
			spoil(&e);
		if (rarely(40))
			e.offset += below(40) - 20u;
		put(b, 0x02014b50, 4);
		put(b, 0x0314, 2);
		put(b, 20, 2);
		uint32_t real = e.size;
		if (wide)
			e.size = 0xffffffff;
		put_facts(b, &e);
		put(b, wide ? 12 : 0, 2);
		put(b, rarely(10) ? 3 : 0, 2);
		bool comment = b->bytes[b->len - 2] != 0;
		put(b, rarely(50) ? 1 : 0, 2);
		put(b, 0, 2);
		put(b, rarely(10) ? 0xa1ed0000u : 0x81a40000u, 4); /* a link or a file */
		put(b, e.offset, 4);
		put_bytes(b, e.name, strlen(e.name));
		if (wide) {
			put(b, 1, 2);
			put(b, 8, 2);
			put(b, real, 8);
		}
		if (comment)
			put_bytes(b, "abc", 3);
	}
	size = b->len - start;
	put(b, 0x06054b50, 4);
	put(b, rarely(30) ? 1 : 0, 4);
	put(b, (uint64_t)count - rarely(30), 2);
	put(b, (uint64_t)count, 2);
	put(b, size + (rarely(30) ? 1 : 0), 4);
	put(b, start + (rarely(30) ? 1 : 0), 4);
	put(b, rarely(20) ? 5 : 0, 2);
	if (b->bytes[b->len - 2] && !rarely(4))
		put_bytes(b, "PK\5\6x", 5);
}

/* One member, larger than a piece, whose headers say that its data are so many bytes longer, and its content
 * is. */
static void build_large(struct built *b, struct libdeflate_compressor *c, int more_packed, int more)
{
	static unsigned char zeros[9 << 20];
	struct entry e = {"large.csv", 0, 8, 0, 0, 0, sizeof(zeros)};
	size_t start, size;

	b->len = 30 + strlen(e.name);
	e.crc = libdeflate_crc32(0, zeros, sizeof(zeros));
	e.packed = (uint32_t)libdeflate_deflate_compress(
		c, zeros, sizeof(zeros), b->bytes + b->len, sizeof(b->bytes) - 1000);
	size = b->len + e.packed;
	e.packed += (uint32_t)more_packed;
	e.size += (uint32_t)more;
	b->len = 0;
	put(b, 0x04034b50, 4);
	put(b, 20, 2);
	put_facts(b, &e);
	put(b, 0, 2);
	put_bytes(b, e.name, strlen(e.name));
	start = b->len = size + (more_packed > 0 ? (size_t)more_packed : 0);
	put(b, 0x02014b50, 4);
	put(b, 0x00140314, 4);
	put_facts(b, &e);
	put(b, 0, 8);
	put(b, 0x81a40000u, 4);
	put(b, 0, 4);
	put_bytes(b, e.name, strlen(e.name));
	size = b->len - start;
	put(b, 0x06054b50, 4);
	put(b, 0, 4);
	put(b, 0x00010001, 4);
	put(b, size, 4);
	put(b, start, 4);
	put(b, 0, 2);
}

static void test_large(void)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	static struct built b;
	int differ = 0;

	build_large(&b, c, 0, 0);
	ok(same(b.bytes, b.len) && strstr(lk_str_text(&ours), "|ok|"), "a large member of our own making");
	for (int more = -9; more < 10; more++) {
		build_large(&b, c, more, 0);
		differ += !same(b.bytes, b.len);
	}
	build_large(&b, c, 0, 1);
	differ += !same(b.bytes, b.len);
	build_large(&b, c, 0, -1);
	differ += !same(b.bytes, b.len);
	libdeflate_free_compressor(c);
	ok(!differ, "large members whose lengths lie");
}

static void test_built(void)
{
	struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
	static struct built b;
	int differ = 0, sound = 0;

	for (int i = 0; i < 600 && differ < 3; i++) {
		build(&b, c);
		differ += !same(b.bytes, b.len);
		sound += strstr(lk_str_text(&ours), "|failed|") == NULL;
	}
	libdeflate_free_compressor(c);
	ok(!differ, "600 zips with what no one should do");
	ok(sound > 60 && sound < 540, "of which some are sound (%d)", sound);
}

/* ---- zips of other projects ---- */

static void test_folder(const char *path, int *count, int *differ)
{
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char file[4400];
		struct lk_error err;
		struct lk_blob blob = LK_BLOB_INIT, in_place = LK_BLOB_INIT;

		if (*e->d_name == '.' || e->d_type == DT_DIR)
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (lk_blob_open(&blob, file, &err)) {
			ok(false, "%s", err.message);
			continue;
		}
		in_place.name = blob.name;
		in_place.size = blob.size;
		in_place.modified_us = blob.modified_us;
		in_place.fd = open(file, O_RDONLY | O_CLOEXEC);
		*differ += !same_blob(&blob) || !same_blob(&in_place);
		++*count;
		close(in_place.fd);
		lk_blob_release(&blob);
	}
	if (dir)
		closedir(dir);
}

static void test_others(void)
{
	static const char *const folders[] = {"nasty/zip-libarchive", "nasty/zip-yauzl/success",
		"nasty/zip-yauzl/failure", "nasty/zip-slip-snyk", "txt/faers-fda-zip",
		"txt/icd-cms-fixed-width-zip"};
	const char *data = getenv("LK_DATA");
	int count = 0, differ = 0;

	for (size_t i = 0; data && *data && i < sizeof(folders) / sizeof(*folders); i++) {
		char path[4100];

		snprintf(path, sizeof(path), "%s/%s", data, folders[i]);
		test_folder(path, &count, &differ);
	}
	ok(!differ, "%d zips of other projects%s", count, count ? "" : " # SKIP no $LK_DATA");
}

static void add_key(const char *passphrase)
{
	struct lk_error err;
	int ends[2];

	if (pipe(ends) || write(ends[1], passphrase, strlen(passphrase)) < 0 || close(ends[1]) ||
		lk_keys_add_fd(&keys, ends[0], &err))
		ok(false, "cannot add a key");
	close(ends[0]);
}

int main(void)
{
	struct lk_archive_options options = LK_ARCHIVE_DEFAULTS;
	struct lk_error err;

	made = malloc(MADE_MAX);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 40 == 39 ? '\n' : (char)("0123456789,abcdef"[below(i % 4000 < 2000 ? 3 : 17)]);
	add_key("password");
	add_key("secret");
	options.keys = &keys;
	options.nested = true;
	options.max_total = 32 << 20;
	if (lk_archive_new(&own, &options, &err))
		ok(false, "%s", err.message);
	options.no_own_zip = true;
	if (lk_archive_new(&oracle, &options, &err))
		ok(false, "%s", err.message);
	test_kind("zip:compression=store", NULL, 5);
	test_kind("zip:compression=deflate", NULL, 2);
	test_kind("zip:compression=deflate,zip:encryption=zipcrypt", "secret", 5);
	test_kind("zip:compression=store,zip:encryption=zipcrypt", "unknown", 29);
	test_kind("zip:compression=store,zip:encryption=aes128", "password", 29);
	test_kind("zip:compression=deflate,zip:encryption=aes256", "secret", 19);
	test_kind("zip:compression=deflate,zip:encryption=aes256", "unknown", 99);
	test_built();
	test_large();
	test_others();
	ok(refused_count > 0, "members that libarchive refuses for a header that counts for nothing are read");
	lk_archive_free(own);
	lk_archive_free(oracle);
	lk_keys_release(&keys);
	lk_str_release(&ours);
	lk_str_release(&theirs);
	free(made);
	return done();
}
