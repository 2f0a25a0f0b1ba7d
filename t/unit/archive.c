/*
 * Units of lib/archive: names, keys, paths of failed members; and archives of every kind, cut at every byte and with every
 * byte changed, of which nothing may come out that did not go in.
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "archive/name.h"
#include "archive/unique.h"
#include "base/file.h"
#include "tap.h"

static void test_names(void)
{
	static const struct {
		const char *name, *unsafe;
	} names[] = {{"a.csv", NULL}, {"d/a.csv", NULL}, {"..a/b..", NULL}, {"", "an empty name"}, {"a/", "an empty name"},
		{"/a", "an absolute path"}, {"../a", "a path with '..'"}, {"a/../b", "a path with '..'"}, {"a/..", "a path with '..'"},
		{"c:x", "a drive letter"}, {"a\\b", "a backslash"}, {"a\nb", "a control character"}};
	struct lk_str s = LK_STR_INIT;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *unsafe = lk_name_unsafe(names[i].name);

		is_text(unsafe ? unsafe : "safe", names[i].unsafe ? names[i].unsafe : "safe", "safety of name %zu", i);
	}
	lk_name_utf8(&s, "Zo\xc3\xab");
	is_text(lk_str_text(&s), "Zo\xc3\xab", "valid UTF-8 stays");
	lk_str_clear(&s);
	lk_name_utf8(&s, "Zo\x89 \x9e");
	is_text(lk_str_text(&s), "Zo\xc3\xab \xe2\x82\xa7", "other bytes are code page 437");
	lk_str_clear(&s);
	lk_name_uncompressed(&s, "a.csv.GZ");
	is_text(lk_str_text(&s), "a.csv", "the suffix of a compressed file goes");
	ok(lk_name_clutter("d/__MACOSX/x") && lk_name_clutter("x/.DS_Store") && lk_name_clutter("THUMBS.DB"), "clutter is known");
	ok(!lk_name_clutter("MACOSX/x.csv"), "and nothing else is");
	lk_str_release(&s);
}

static void test_unique(void)
{
	static const char *const names[][2] = {{"d.x/a", "d.x/a"}, {"d.x/a", "d.x/a (2)"}, {"a.csv", "a.csv"}, {"a (2).csv", "a (2).csv"},
		{"a.csv", "a (3).csv"}, {"a.csv", "a (4).csv"}, {"a (2).csv", "a (2) (2).csv"}, {".x", ".x"}, {".x", ".x (2)"}};
	struct lk_unique u = LK_UNIQUE_INIT;
	struct lk_str out = LK_STR_INIT;
	enum lk_status status = LK_OK;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		is_text(lk_unique_name(&u, names[i][0], &out, NULL) ? "" : lk_str_text(&out), names[i][1], "name %zu is its own", i);
	for (int i = 0; i < 200000 && !status; i++)
		status = lk_unique_name(&u, "many.csv", &out, NULL);
	is_text(lk_str_text(&out), "many (200000).csv", "and 200,000 of one name take no time to tell apart");
	lk_str_release(&out);
	lk_unique_release(&u);
}

static void test_failed_paths(void)
{
	struct lk_member m = {.path = "inner.zip!d/a.csv", .index = 9, .number = 4};

	ok(lk_member_was(&m, "inner.zip!d/a.csv"), "a member is itself");
	ok(lk_member_was(&m, "inner.zip"), "and part of the archive that failed as a whole");
	ok(!lk_member_was(&m, "inner"), "but not of one whose name only begins alike");
	ok(lk_member_was(&m, "inner.zip!(members 4 and on)"), "and of a tail that begins with it");
	ok(!lk_member_was(&m, "inner.zip!(members 5 and on)"), "but not of one that begins later");
	ok(!lk_member_was(&m, "other.zip!(members 0 and on)"), "nor of another archive's");
	ok(!lk_member_was(&m, "(members x and on)"), "nor of what is no tail");
}

static void write_text(const char *path, mode_t mode, const char *text)
{
	struct lk_error err;

	unlink(path);
	if (lk_file_create(path, mode, text, strlen(text), &err))
		ok(false, "%s", err.message);
}

static void test_keys(void)
{
	struct lk_keys keys = LK_KEYS_INIT;
	struct lk_error err;

	write_text("archive-unit.key", 0600, "pass phrase \r\nmore\n");
	write_text("archive-unit.ring", 0600, "# c\n*/F1/* one\tarchive-unit.key\n\n*.zip two archive-unit.key");
	is_int(lk_keys_add_ring(&keys, "archive-unit.ring", &err), LK_OK, "a keyring is read");
	is_int((long long)keys.count, 2, "with its two keys");
	is_text(keys.items[0].passphrase, "pass phrase ", "the passphrase is the line, blanks and all");
	is_text(keys.items[1].label, "two", "and has its label");
	ok(lk_key_applies(&keys.items[0], "in/F1/a.tar") && !lk_key_applies(&keys.items[0], "F1/a.tar"), "a glob with a slash");
	ok(lk_key_applies(&keys.items[1], "in/F1/a.zip") && !lk_key_applies(&keys.items[1], "a.zip/b"), "and one without");
	lk_keys_release(&keys);
	unlink("archive-unit.key");
	unlink("archive-unit.ring");
}

/* ---- archives made here ---- */

static const struct {
	const char *name, *content;
} members[] = {{"a.csv", "id,name\n1,Anna\n2,Bo\n3,Anna\n4,Bo\n5,Anna\n"}, {"d/b.xml", "<r><x id='1'/><x id='2'/><x id='3'/></r>"},
	{"c.txt", ""}, {"e.txt", "the end of it, the end of it, the end of it"}};
#define MEMBERS (sizeof(members) / sizeof(*members))

struct made {
	char bytes[8192];
	size_t len;
};

static void make(struct made *made, int (*format)(struct archive *), int (*filter)(struct archive *), const char *options)
{
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	int bad;

	bad = format(a) || (filter && filter(a)) || (options && archive_write_set_options(a, options)) ||
	      archive_write_set_bytes_per_block(a, 0);
	if (options)
		bad |= archive_write_set_passphrase(a, "secret");
	bad |= archive_write_open_memory(a, made->bytes, sizeof(made->bytes), &made->len);
	for (size_t i = 0; i < MEMBERS && !bad; i++) {
		size_t len = strlen(members[i].content);

		archive_entry_clear(entry);
		archive_entry_set_pathname(entry, members[i].name);
		archive_entry_set_size(entry, (int64_t)len);
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_perm(entry, 0644);
		archive_entry_set_mtime(entry, 1700000000, 0);
		bad |= archive_write_header(a, entry) || archive_write_data(a, members[i].content, len) != (la_ssize_t)len;
	}
	bad |= archive_write_close(a);
	if (bad)
		ok(false, "cannot make an archive: %s", archive_error_string(a));
	archive_entry_free(entry);
	archive_write_free(a);
}

/* What came of one reading. */
struct outcome {
	int verified, rows, errors;
	bool foreign; /* content came out that did not go in */
};

static bool went_in(const struct lk_piece *piece)
{
	for (size_t i = 0; i < MEMBERS; i++)
		if (strlen(members[i].content) == piece->len && !memcmp(members[i].content, piece->data, piece->len))
			return true;
	return false;
}

static void read_all(struct lk_archive *a, const void *bytes, size_t len, struct outcome *o)
{
	enum lk_archive_next next;
	struct lk_member m;
	struct lk_error err;
	struct lk_blob blob;

	*o = (struct outcome){0};
	lk_blob_memory(&blob, "x", bytes, len);
	o->errors += lk_archive_open(a, &blob, "x", &err) != LK_OK;
	while ((next = lk_archive_next(a, &m, &err)) == LK_ARCHIVE_MEMBER && o->rows < 1000) {
		struct lk_piece piece;

		o->rows++;
		o->errors += lk_archive_verify(a, &m, &err) != LK_OK;
		if (m.status != LK_MEMBER_OK)
			continue;
		o->verified++;
		o->errors += lk_archive_piece(a, &piece, &err) != LK_ARCHIVE_MEMBER;
		/* What no longer looks like an archive at all is a plain file: itself. */
		if (!went_in(&piece) && !(piece.len == len && !memcmp(piece.data, bytes, len)))
			o->foreign = true;
	}
	o->errors += next == LK_ARCHIVE_ERROR;
	lk_archive_close(a);
}

/* checked: whether the format has a check for every byte of content. */
static void test_damage(struct lk_archive *a, const char *what, const struct made *made, bool checked)
{
	int errors = 0, foreign = 0, silent = 0, doubled = 0;
	struct outcome o;
	struct made copy;

	read_all(a, made->bytes, made->len, &o);
	ok(o.verified == (int)MEMBERS && !o.errors && !o.foreign, "%s: all members come out", what);
	for (size_t cut = 0; cut < made->len; cut++) {
		char *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees a read beyond it */

		memcpy(exact, made->bytes, cut);
		read_all(a, exact, cut, &o);
		free(exact);
		errors += o.errors;
		foreign += o.foreign;
		silent += !o.rows;
		doubled += o.verified > (int)MEMBERS;
	}
	ok(!errors && !foreign && !silent && !doubled, "%s: cut at every byte (%d, %d, %d, %d)", what, errors, foreign, silent, doubled);
	errors = foreign = silent = doubled = 0;
	for (size_t at = 0; at < made->len; at++) {
		copy = *made;
		copy.bytes[at] ^= 0x41;
		read_all(a, copy.bytes, copy.len, &o);
		errors += o.errors;
		foreign += o.foreign;
		silent += !o.rows;
	}
	ok(!errors && !silent && (!foreign || !checked), "%s: every byte changed (%d, %d, %d)", what, errors, foreign, silent);
}

/* ---- what openssl enc wrote ---- */

/* The reason why a file is not opened, or "" when it is. */
static const char *why_not(struct lk_archive *a, const void *bytes, size_t len)
{
	static char why[300];
	struct lk_member m;
	struct lk_error err = {0};
	struct lk_blob blob;

	lk_blob_memory(&blob, "x", bytes, len);
	snprintf(why, sizeof(why), "error");
	if (!lk_archive_open(a, &blob, "x", &err) && lk_archive_next(a, &m, &err) == LK_ARCHIVE_MEMBER &&
		!lk_archive_verify(a, &m, &err))
		snprintf(why, sizeof(why), "%s", m.error ? m.error : "");
	lk_archive_close(a);
	return why;
}

/* gzip of "a,b\n1,2\n" by -aes-256-cbc -pbkdf2 -iter 10000 and 100000; and nothing of the kind. */
static void test_enc_budget(const struct lk_keys *keys)
{
	static const char cheap[] =
		"\x53\x61\x6c\x74\x65\x64\x5f\x5f\x61\x62\x63\x64\x65\x66\x67\x68\x1e\x2d\x99\x3a\xd3\x91\x14\x90"
		"\x2e\x45\x04\x1a\x5b\x86\x66\x2f\x43\xc6\x2d\xb6\x8e\x51\x56\xa5\xde\x9b\x38\x98\x80\xd2\x86\xc5",
		dear[] = "\x53\x61\x6c\x74\x65\x64\x5f\x5f\x61\x62\x63\x64\x65\x66\x67\x68\x3a\x2f\x0e\x0f\x39\x06\x73\x6a"
		"\x97\xac\x03\x61\x67\x16\xe1\x6b\x31\xe1\x7e\x0c\xa2\xdb\x3d\xcf\xaf\x78\x84\x94\x68\xd3\x04\x79",
		junk[] = "Salted__01234567and so many bytes of junk for it";
	struct lk_archive_options options = LK_ARCHIVE_DEFAULTS;
	struct lk_archive *a;
	struct lk_error err;

	options.keys = keys;
	options.max_rounds = 100000;
	if (lk_archive_new(&a, &options, &err)) {
		ok(false, "%s", err.message);
		return;
	}
	is_text(why_not(a, dear, sizeof(dear) - 1), "", "many iterations, while the budget lasts");
	is_text(why_not(a, cheap, sizeof(cheap) - 1), "", "the usual ones");
	ok(strstr(why_not(a, junk, sizeof(junk) - 1), "keys of many iterations no longer"), "what nothing opens spends it");
	ok(strstr(why_not(a, dear, sizeof(dear) - 1), "keys of many iterations no longer"), "many iterations are not tried then");
	is_text(why_not(a, cheap, sizeof(cheap) - 1), "", "the usual ones are");
	lk_archive_free(a);
	if (lk_archive_new(&a, &options, &err)) {
		ok(false, "%s", err.message);
		return;
	}
	is_text(why_not(a, dear, sizeof(dear) - 1), "", "many iterations, in another run");
	why_not(a, junk, sizeof(junk) - 1);
	is_text(why_not(a, dear, sizeof(dear) - 1), "", "what fitted last is tried whatever was spent");
	lk_archive_free(a);
}

static void test_archives(void)
{
	struct lk_archive_options options = LK_ARCHIVE_DEFAULTS;
	struct lk_keys keys = LK_KEYS_INIT;
	struct lk_archive *a;
	struct lk_error err;
	struct made made;

	write_text("archive-unit.pass", 0600, "secret");
	if (lk_keys_add_file(&keys, "archive-unit.pass", &err))
		ok(false, "%s", err.message);
	unlink("archive-unit.pass");
	options.keys = &keys;
	options.max_total = 1 << 20;
	if (lk_archive_new(&a, &options, &err)) {
		ok(false, "%s", err.message);
		return;
	}
	make(&made, archive_write_set_format_zip, NULL, NULL);
	test_damage(a, "zip", &made, true);
	make(&made, archive_write_set_format_zip, NULL, "zip:encryption=zipcrypt");
	test_damage(a, "zip with ZipCrypto", &made, true);
	make(&made, archive_write_set_format_7zip, NULL, NULL);
	test_damage(a, "7z", &made, true);
	make(&made, archive_write_set_format_ustar, archive_write_add_filter_gzip, NULL);
	test_damage(a, "tar in gzip", &made, true);
	make(&made, archive_write_set_format_ustar, archive_write_add_filter_xz, NULL);
	test_damage(a, "tar in xz", &made, true);
	lk_archive_free(a);
	test_enc_budget(&keys);
	lk_keys_release(&keys);
}

int main(void)
{
	test_names();
	test_unique();
	test_failed_paths();
	test_keys();
	test_archives();
	return done();
}
