/*
 * Parsing in pieces: whatever way a member is cut, the same rows and rejects come out. The parser holds a member's head back until it
 * has a good deal of it, so that what shall reach a reader in small pieces stands behind as many bytes of plain records.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "source/parse.h"
#include "stream/format.h"
#include "stream/side.h"

#include "tap.h"

static const char package[] =
	"{\"name\": \"p\", \"resources\": ["
	"{\"name\": \"t\", \"path\": \"*.csv\", \"dialect\": {\"escapeChar\": \"\\\\\"}, \"schema\": {\"fields\": ["
	"{\"name\": \"a\"}, {\"name\": \"b\", \"type\": \"integer\"}]}},"
	"{\"name\": \"x\", \"path\": \"*.xml\", \"lk\": {\"record\": \"//r\"}, \"schema\": {\"fields\": ["
	"{\"name\": \"id\", \"lk\": {\"path\": \"@id\"}}, {\"name\": \"v\", \"lk\": {\"path\": \"v\"}}]}},"
	"{\"name\": \"h\", \"path\": \"*.hl7\", \"format\": \"hl7\", \"lk\": {\"record\": \"OBX\"}, \"schema\": {\"fields\": ["
	"{\"name\": \"OBX-5\", \"type\": \"integer\"}, {\"name\": \"PID-3.1\"}, {\"name\": \"n\", \"lk\": {\"path\": \"message:number\"}}]}},"
	"{\"name\": \"w\", \"path\": \"*.fixed\", \"format\": \"fixed\", \"schema\": {\"fields\": ["
	"{\"name\": \"a\", \"lk\": {\"path\": \"1:3\"}}, {\"name\": \"b\", \"type\": \"integer\", \"lk\": {\"path\": \"4:5\"}}]}},"
	"{\"name\": \"j\", \"path\": \"*.jsonl\", \"format\": \"jsonl\", \"schema\": {\"fields\": ["
	"{\"name\": \"a\"}, {\"name\": \"b\", \"type\": \"integer\", \"lk\": {\"path\": \"/b/0\"}}]}}]}";

#define HELD 1024 /* of a member's head, by the parser */

static char package_file[] = "/tmp/lk-parse-package-XXXXXX", output_file[] = "/tmp/lk-parse-output-XXXXXX";
static struct lk_sources *sources;

struct piece {
	const char *member, *content, *status;
	size_t len;
	int64_t index, offset;
	bool last;
};

static void add_piece(struct lk_builder *b, const struct piece *p)
{
	struct lk_column *c = b->columns;
	struct lk_error err;

	lk_column_text(&c[LK_MEMBERS_DELIVERY], "in/d.zip");
	lk_column_text(&c[LK_MEMBERS_SHA256], "0123456789abcdef");
	lk_column_int64(&c[LK_MEMBERS_SIZE], 1);
	lk_column_int64(&c[LK_MEMBERS_MODIFIED], 0);
	lk_column_text(&c[LK_MEMBERS_SENDER], "");
	lk_column_text(&c[LK_MEMBERS_MEMBER], p->member);
	lk_column_int64(&c[LK_MEMBERS_INDEX], p->index);
	lk_column_null(&c[LK_MEMBERS_MEMBER_SIZE]);
	lk_column_null(&c[LK_MEMBERS_MEMBER_MODIFIED]);
	lk_column_int64(&c[LK_MEMBERS_OFFSET], p->offset);
	lk_column_bool(&c[LK_MEMBERS_LAST], p->last);
	if (p->content)
		lk_column_bytes(&c[LK_MEMBERS_CONTENT], p->content, p->len);
	else
		lk_column_null(&c[LK_MEMBERS_CONTENT]);
	lk_column_text(&c[LK_MEMBERS_STATUS], p->status ? p->status : "ok");
	lk_column_text(&c[LK_MEMBERS_ERROR], p->content ? NULL : "why");
	lk_column_null(&c[LK_MEMBERS_PASSPHRASE]);
	if (lk_builder_end_row(b, &err))
		printf("# %s\n", err.message);
}

/* Rows, rejects and files as text, without what differs from run to run. */
static void show(struct lk_str *out)
{
	FILE *f = fopen(output_file, "r");
	struct lk_reader *reader;
	struct lk_batch batch;
	struct lk_error err = {0};

	if (lk_reader_open(&reader, fileno(f), "output", 0, &err))
		return;
	while (lk_reader_next(reader, &batch, &err) == LK_NEXT_BATCH)
		for (int64_t row = 0; row < batch.rows; row++) {
			lk_str_addf(out, "%s:", batch.table);
			for (int i = 0; i < batch.schema->n_children; i++) {
				const char *name = batch.schema->children[i]->name;

				if (!strcmp(name, "started") || !strcmp(name, "finished") ||
					!strcmp(name, "package_sha256"))
					continue;
				lk_str_addc(out, ' ');
				lk_cell_json(batch.schema->children[i], batch.view->children[i], row, out);
			}
			lk_str_addc(out, '\n');
		}
	lk_str_adds(out, err.message);
	lk_reader_close(reader);
	fclose(f);
}

static enum lk_status run_impl(struct lk_writer *writer, struct lk_builder *members, struct lk_error *err)
{
	struct lk_batch batch = {.table = "lk.members", .schema = &members->schema, .rows = members->rows};
	struct lk_output_totals totals;
	struct lk_parser *parser;
	enum lk_status status;

	LK_TRY(lk_parser_open(&parser, sources, NULL, writer, err));
	status = lk_builder_view(members, &batch.view, err);
	if (status == LK_OK)
		status = lk_parser_batch(parser, &batch, err);
	if (status == LK_OK)
		status = lk_parser_finish(parser, &totals, err);
	lk_parser_close(parser);
	return status;
}

/* Parses these members; what came out, or the error. */
static enum lk_status run(const struct piece *pieces, int count, struct lk_str *out)
{
	FILE *f = fopen(output_file, "w");
	struct lk_builder members;
	struct lk_writer *writer;
	struct lk_error err = {0};
	enum lk_status status;

	lk_str_clear(out);
	if (lk_builder_init(&members, lk_members_fields, LK_MEMBERS_COLUMNS, NULL, &err) ||
		lk_writer_open(&writer, fileno(f), "output", false, &err))
		return err.status;
	for (int i = 0; i < count; i++)
		add_piece(&members, &pieces[i]);
	status = run_impl(writer, &members, &err);
	if (status)
		lk_writer_abort(writer);
	else
		status = lk_writer_close(writer, &err);
	lk_builder_release(&members);
	fclose(f);
	if (status)
		lk_str_adds(out, err.message);
	else
		show(out);
	return status;
}

/* The text as one member, in pieces of `size` bytes. */
static void run_cut(const char *member, const char *text, size_t len, size_t size, struct lk_str *out)
{
	struct piece *pieces = calloc(len / size + 2, sizeof(*pieces));
	int n = 0;

	for (size_t at = 0; at < len || !n; at += size)
		pieces[n++] = (struct piece){member, text + at, NULL, len - at < size ? len - at : size, 0,
			(int64_t)at, at + size >= len};
	run(pieces, n, out);
	free(pieces);
}

/* prefix: how much of the text shall stand before the plain records. */
static void test_cuts(const char *title, const char *member, const char *short_text, size_t short_len, size_t prefix, const char *plain)
{
	struct lk_str long_text = LK_STR_INIT;
	const char *text;
	size_t len;
	struct lk_str whole = LK_STR_INIT, cut = LK_STR_INIT;
	bool same = true;

	lk_str_add(&long_text, short_text, prefix);
	for (size_t made = 0; made <= HELD; made += strlen(plain))
		lk_str_adds(&long_text, plain);
	lk_str_add(&long_text, short_text + prefix, short_len - prefix);
	text = lk_str_text(&long_text);
	len = long_text.len;
	run_cut(member, text, len, len + 1, &whole);
	ok(whole.len > 0, "%s: %zu bytes come out", title, whole.len);
	for (size_t size = 1; size <= 9 && same; size++) {
		run_cut(member, text, len, size, &cut);
		same = !strcmp(lk_str_text(&whole), lk_str_text(&cut));
		if (!same)
			printf("# in pieces of %zu:\n%s\n# whole:\n%s\n", size, lk_str_text(&cut),
				lk_str_text(&whole));
	}
	ok(same, "%s: the same in pieces of 1 to 9 bytes", title);
	lk_str_release(&long_text);
	lk_str_release(&whole);
	lk_str_release(&cut);
}

/* Text that has all that a cut could hurt. */
static void test_delimited(void)
{
	static const char text[] =
		"\xef\xbb\xbf"
		"a,b\r\n1,2\r\n\"x\"\"y\r\nz\",3\r\r\n\"\"\"\",4\n\\\",5,\n\"a\\\"b\", 6\nno\n\"bad\"x,7\n\xc3\xa9,8\n\xff,9\n"
		"ten,x\n\"open,11\r\n12,";
	struct lk_str soup = LK_STR_INIT;
	uint32_t state = 1;

	test_cuts("delimited text", "t.csv", text, sizeof(text) - 1, 8, "plain,1\r\n");
	for (int round = 0; round < 12; round++) {
		lk_str_clear(&soup);
		lk_str_adds(&soup, "a,b\n");
		for (int i = 0; i < 300; i++) {
			state = state * 1664525 + 1013904223;
			lk_str_addc(&soup, ",,,,\"\"\n\r\\a12 "[(state >> 16) % 13]);
		}
		test_cuts("soup", "t.csv", lk_str_text(&soup), soup.len, 4, "plain,1\n");
	}
	lk_str_release(&soup);
}

static void test_hl7(void)
{
	static const char text[] = "\xef\xbb\xbf\r\n\vMSH|^~\\&|A\r\nPID|1||p^^^x\r\n\r\nOBX|1|NM|c||1\rOBX|2|NM|c||\\X32\\\n\x1c\r\nBTS|2\r\n"
				   "junk\r\nMSH|&&&&\nOBX|1\n\nMSH#!\nPID#1##q!\rOBX#1####3\r\nno segment\nOBX#2####x";
	struct lk_str soup = LK_STR_INIT;
	uint32_t state = 1;

	test_cuts("HL7", "t.hl7", text, sizeof(text) - 1, 18, "OBX|9|NM|c||7\r");
	for (int round = 0; round < 12; round++) {
		lk_str_clear(&soup);
		lk_str_adds(&soup, "MSH|^~\\&|A\n");
		for (int i = 0; i < 200; i++) {
			static const char *const words[] = {"MSH|^~\\&", "\r", "\n", "\r\n", "PID|", "OBX|", "|", "^", "~", "1", "\\",
				"\r", "\n", "BTS|1", "\xef\xbb\xbf", "\v", "\x1c", "\xff"};

			state = state * 1664525 + 1013904223;
			lk_str_adds(&soup, words[(state >> 16) % (sizeof(words) / sizeof(*words))]);
		}
		test_cuts("soup of HL7", "t.hl7", lk_str_text(&soup), soup.len, 11, "OBX|9|NM|c||7\n");
	}
	lk_str_release(&soup);
}

static void test_fixed(void)
{
	static const char text[] = "\xef\xbb\xbf" "abc 1\r\nde  x\n\n\r\nf\xc3\xa9g12\nlong  and more\nab\n\xff\xff\xff 3\n\x1a\r\r\nabc 4";

	test_cuts("fixed width", "w.fixed", text, sizeof(text) - 1, 3, "abc 1\n");
}

static void test_jsonl(void)
{
	static const char text[] =
		"\xef\xbb\xbf{\"a\": \"\\u00e4\\ud83d\\ude00\\\"\", \"b\": [1, 2]}\r\n\n{\"b\": [\"x\"]}\n{\"a\": \"\xc3\xa9\", \"b\": [12e1]}\nno\n"
		"{\"a\": 1, \"a\": 2}\n {\"a\": \"\xff\"}\n{\"a\": [tru\n{}\r\n[1]\n{\"a\": {\"q\": null}, \"b\": [-0.5]}\n{\"b\": [3]}";
	struct lk_str soup = LK_STR_INIT;
	uint32_t state = 1;

	test_cuts("JSON lines", "j.jsonl", text, sizeof(text) - 1, 3, "{\"a\": \"plain\", \"b\": [1]}\n");
	for (int round = 0; round < 12; round++) {
		lk_str_clear(&soup);
		for (int i = 0; i < 200; i++) {
			static const char *const words[] = {"{\"a\":1}\n", "\n", "\r\n", "{", "}", "\"a\"", ":", "\"b\"", "[", "]", ",", "1", "\\",
				"\"", "\xef\xbb\xbf", "\n{\"b\":[7]}\n", "\xff", "null"};

			state = state * 1664525 + 1013904223;
			lk_str_adds(&soup, words[(state >> 16) % (sizeof(words) / sizeof(*words))]);
		}
		test_cuts("soup of JSON", "j.jsonl", lk_str_text(&soup), soup.len, 0, "{\"b\":[7]}\n");
	}
	lk_str_release(&soup);
}

static void test_xml(void)
{
	static const char text[] =
		"<?xml version='1.0'?><d><!-- c --><r id='1'><v>a&amp;b</v><v>2</v><r id='2'><v>\xc3\xa9</v></r></r>"
		"<r id='3'/><x><r id='4'><v><![CDATA[<]]></v></r></x></d>";
	struct lk_str big = LK_STR_INIT, whole = LK_STR_INIT, out = LK_STR_INIT;

	test_cuts("XML", "x.xml", text, sizeof(text) - 1, 24, "<r id='0'><v>x</v></r>");
	test_cuts("XML that breaks off", "x.xml", text, sizeof(text) - 9, 24, "<r id='0'><v>x</v></r>");
	lk_str_adds(&big, "<d>");
	while (big.len < 4500000)
		lk_str_addf(&big, "<r id='%zu'><v>value &#233;</v><w>%0200d</w></r>", big.len, 0);
	lk_str_adds(&big, "</d>");
	run_cut("x.xml", big.data, big.len, big.len, &whole);
	run_cut("x.xml", big.data, big.len, 70001, &out);
	ok(whole.len > 1000000 && !strcmp(lk_str_text(&whole), lk_str_text(&out)),
		"a streamed document, the same in pieces");
	lk_str_release(&big);
	lk_str_release(&whole);
	lk_str_release(&out);
}

static void test_members(void)
{
	static const struct piece several[] = {
		{"one.csv", "a,b\nx,", NULL, 6, 0, 0, false},
		{"one.csv", "1\n", NULL, 2, 0, 6, true},
		{"bad.csv", NULL, "failed", 0, 1, 0, true},
		{"folder/", NULL, "skipped", 0, 2, 0, true},
		{"cut.csv", "a,b\ny,2\nz", NULL, 9, 3, 0, false},
		{"cut.csv", NULL, "failed", 0, 3, 9, true},
		{"lost.csv", "a,b\n", NULL, 4, 4, 0, false},
		{"other.bin", "", NULL, 0, 5, 0, true},
		{"end.csv", "a,b\n", NULL, 4, 6, 0, false},
	};
	static const struct piece gap[] = {
		{"g.csv", "a,b\n", NULL, 4, 0, 0, false}, {"g.csv", "1,2\n", NULL, 4, 0, 5, true}};
	static const struct piece word[] = {{"g.csv", "a,b\n", "fine", 4, 0, 0, true}};
	struct lk_str out = LK_STR_INIT;

	is_int(run(several, 9, &out), LK_OK, "members of every kind");
	ok(strstr(out.data, "t: \"x\" 1 \"d.zip@0123456789ab!one.csv\" 1\n"), "a member in two pieces");
	ok(strstr(out.data, "\"bad.csv\" null null null null null 0 0 0 \"failed\" \"why\""),
		"a failed one is a file without a table");
	ok(strstr(out.data, "\"folder/\" null null null null null 0 0 0 \"skipped\" \"why\""),
		"a skipped one, too");
	ok(strstr(out.data,
		   "\"cut.csv\" null null null \"main.t\" \"p\" 2 1 1 \"ok\" \"the member is cut off: why\""),
		"one that fails half way keeps its rows and has a reject");
	ok(strstr(out.data,
		   "\"lost.csv\" null null null \"main.t\" \"p\" 0 0 0 \"failed\" \"the member is cut off: its last piece did not come\""),
		"one whose end is missing is failed");
	ok(strstr(out.data,
		   "\"other.bin\" null null null null null 0 0 0 \"unmatched\" \"no resource takes it\""),
		"one that nobody takes");
	ok(strstr(out.data, "\"end.csv\" null null null \"main.t\" \"p\" 0 0 0 \"failed\""),
		"the stream ends within a member");
	is_int(run(gap, 2, &out), LK_DATA, "pieces that do not follow each other are an error");
	is_text(lk_str_text(&out), "lk.members: 'in/d.zip!g.csv' goes on at byte 5, not 4", "which says where");
	is_int(run(word, 1, &out), LK_DATA, "so is an unknown status");
	lk_str_release(&out);
}

int main(void)
{
	struct lk_error err = {0};
	int fd = mkstemp(package_file);

	close(mkstemp(output_file));
	if (write(fd, package, sizeof(package) - 1) != (ssize_t)sizeof(package) - 1 ||
		lk_sources_open(&sources, package_file, &err))
		printf("# %s\n", err.message);
	close(fd);
	if (ok(sources != NULL, "the package is right")) {
		test_delimited();
		test_hl7();
		test_fixed();
		test_jsonl();
		test_xml();
		test_members();
	}
	lk_sources_close(sources);
	unlink(package_file);
	unlink(output_file);
	return done();
}
