/* The guess of dialects: each rule by a text that shows it. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "infer/dialect.h"
#include "tap.h"

/* The dialect guessed of a whole text, as compact JSON with sorted keys; borrowed until the next call. */
static const char *guess_len(const char *text, size_t len, struct lk_guess *g)
{
	static char *shown;
	struct lk_error err;

	free(shown);
	shown = NULL;
	if (lk_guess_dialect(text, len, true, g, &err) != LK_OK)
		return "an error";
	shown = json_dumps(g->dialect, JSON_COMPACT | JSON_SORT_KEYS);
	return shown ? shown : "out of memory";
}

static void guesses(const char *text, const char *want, const char *title)
{
	struct lk_guess g;

	is_text(guess_len(text, strlen(text), &g), want, "%s", title);
	lk_guess_release(&g);
}

static void delimiters(void)
{
	guesses("id,name,born\n1,Ann,2001-02-03\n2,Bob,1999-12-31\n", "{}", "a comma is the default");
	guesses("id;price\n1;2,50\n2;13,75\n3;0,99\n", "{\"delimiter\":\";\"}", "semicolon beside decimal commas");
	guesses("id\tnote\n1\tone, two\n2\tthree, four\n", "{\"delimiter\":\"\\t\"}", "tab beside commas in text");
	guesses("id|when\n7|2026-01-01 10:00\n8|2026-01-02 11:30\n", "{\"delimiter\":\"|\"}", "bar beside times");
	guesses("A~B~C\n1~x, y~\n2~~z\n3~w~\n", "{\"delimiter\":\"~\"}", "tilde");
	guesses("ISR$DRUG$SEQ\n4263822$ASPIRIN$1\n4263823$LASIX 40 MG$2\n", "{\"delimiter\":\"$\"}", "dollar");
	guesses("id~|~name~|~n\n1~|~Ann e~|~5\n2~|~Bob~|~7\n", "{\"delimiter\":\"~|~\"}", "three characters");
	guesses("1::1193::5\n1::661::3\n2::914::3\n", "{\"delimiter\":\"::\",\"header\":false}", "two colons");
	guesses("a||c\n1||x\n2||y\n", "{\"delimiter\":\"|\"}", "bars around a column that is always empty");
	guesses("a\x01" "b\n1\x01" "x\n2\x01y\n", "{\"delimiter\":\"\\u0001\"}", "control character");
}

static void quotes(void)
{
	guesses("a,b\n1,\"x, y\"\n2,\"z \"\"q\"\" z\"\n", "{}", "double quotes, doubled, are the default");
	guesses("id,note\n1,'one, two'\n2,'three, four'\n3,'five, six'\n", "{\"quoteChar\":\"'\"}", "single quotes");
	guesses("id,note\n1,Ann's, too\n2,Bob's, too\n", "{}", "apostrophes are no quotes");
	guesses("a|b\n1|\"say \\\"x\\\" | y\"\n2|\"z\"\n", "{\"delimiter\":\"|\",\"escapeChar\":\"\\\\\"}", "an escaped quote");
	guesses("id;size\n1;\"\n2;5\" pipe\n3;\"x\n4;\"y\n5;\"z\n", "{\"delimiter\":\";\",\"quoteChar\":null}",
		"quotes that never close are text");
}

static void blanks(void)
{
	guesses("id, name, n\n1, Ann, 5\n2, Bob, 7\n", "{\"skipInitialSpace\":true}", "a blank after each delimiter");
	guesses("id,name\n1, Ann\n2,Bob\n3,Cid\n", "{}", "one blank is a value's");
	guesses("12  3.5   7\n3   4.5 123\n100 0.1   9\n",
		"{\"delimiter\":\" \",\"header\":false,\"skipInitialSpace\":true}", "runs of blanks between columns");
}

static void headers(void)
{
	guesses("1,2001-02-03,Ann\n2,1999-12-31,Bob\n3,1999-12-30,Cid\n", "{\"header\":false}", "the first row is like the others");
	guesses("Report of May\n\nid,born,n\n1,2001-02-03,5\n2,1999-12-31,7\n", "{\"commentRows\":[1],\"headerRows\":[3]}",
		"a title and a blank line above");
	guesses("Report,,\n,,\nid,born,n\n1,2001-02-03,5\n2,1999-12-31,7\n", "{\"commentRows\":[1,2],\"headerRows\":[3]}",
		"a title with its delimiters");
	guesses("id,weight,height\n,kg,cm\n1,80.5,180\n2,71.0,165\n3,66.5,158\n", "{\"headerRows\":[1,2]}", "units below the names");
	guesses("Name,City\nAnn,Rome\nBob,Oslo\n", "{}", "names that columns have everywhere");
	guesses("year,2001,2002\nOslo,12,13\nRome,14,15\n", "{}", "years as names");
	guesses("# made by us\nid,n\n1,5\n# end of May\n2,7\n", "{\"commentChar\":\"#\",\"headerRows\":[2]}", "comments");
	guesses("it was\n! and then it was\nand so on and on\n!no\nwell\n", "{}", "marks in prose are no comments");
	guesses("id,\"born\"n\n1,2001-02-03,5\n2,1999-12-31,7\n3,1999-12-30,8\n", "{\"commentRows\":[1],\"header\":false}",
		"a header that nobody can read");
	guesses("# one,two\n# three,four\n", "{}", "nothing but comments is data");
	guesses("#id,n\n1,5\n2,7\n", "{}", "a header that looks like a comment");
}

static void one_column(void)
{
	guesses("note\none, and two, or three\nfour\nfive, six\nwhy, that, is, so\n", "{\"delimiter\":\"\\t\"}",
		"prose of one column gets a delimiter that it lacks");
	guesses("n\n1\n2\n", "{}", "one column");
	guesses("id\x1fn\x1e" "1\x1fx\x1e" "2\x1fy\x1e", "{\"delimiter\":\"\\u001F\",\"lineTerminator\":\"\\u001E\"}",
		"unit and record separators");
	guesses("", "{}", "nothing");
	guesses("\n\n\r\n", "{}", "blank lines");
}

static void tells(const char *text, bool whole, bool flawed, size_t columns, const char *title)
{
	struct lk_error err;
	struct lk_guess g;

	if (!ok(lk_guess_dialect(text, strlen(text), whole, &g, &err) == LK_OK, "%s: guessed", title))
		return;
	ok(g.flawed == flawed, "%s: %s", title, g.flawed ? "flawed" : "sound");
	is_int((long long)g.columns, (long long)columns, "%s: columns", title);
	ok(g.confidence >= 0 && g.confidence <= 1, "%s: confidence is between 0 and 1", title);
	lk_guess_release(&g);
}

static void state(void)
{
	tells("id,a,b\n1,2,3\n4,5,6\n7,8,9\n", true, false, 3, "a sound text");
	tells("id,a,b\n1,2,3\n4,5\n7,8,9\n", true, false, 3, "a record that is too short");
	tells("Title\n\nid,a,b\n1,2,3\n7,8,9\n", true, false, 3, "a title");
	tells("id,a,b\n1,2,3\n4,\"x\"y,5\n7,8,9\n", true, true, 3, "text after a closing quote");
	tells("id,\"a,b\n1,2,3\n4,5,6\n7,8,9\n", true, true, 3, "a header with a stray quote");
	tells("id,a,b\n1,2,3\n4,5,6\n7,\"x\n", false, false, 3, "a cut sample's last record");
}

/* Prose of one column, whose first comma stands beyond what is looked at closely. */
static void late_comma(void)
{
	static const char *const LINES[] = {"it was so\n", "and then they went\n", "home where it was warm\n", "again\n"};
	struct lk_str text = LK_STR_INIT;
	struct lk_guess g;

	for (size_t i = 0; i < 10000; i++)
		lk_str_adds(&text, LINES[i * i % 7 % 4]);
	lk_str_adds(&text, "and some, if few, did not\n");
	is_text(guess_len(lk_str_text(&text), text.len, &g), "{\"delimiter\":\"\\t\",\"header\":false}",
		"a comma far down in prose");
	lk_guess_release(&g);
	lk_str_release(&text);
}

static void encoded(const char *text, size_t len, const char *want, const char *title)
{
	struct lk_guess g;

	guess_len(text, len, &g);
	is_text(g.encoding, want, "%s", title);
	is_int((long long)g.columns, 2, "%s: columns", title);
	lk_guess_release(&g);
}

static void encodings(void)
{
#define TEXT(s) s, sizeof(s) - 1
	encoded(TEXT("id,n\n1,2\n"), "utf-8", "ASCII");
	encoded(TEXT("\xef\xbb\xbf" "id,n\n1,2\n"), "utf-8", "UTF-8 with a mark");
	encoded(TEXT("\xff\xfei\0d\0,\0n\0\n\0001\0,\0002\0\n\0"), "utf-16", "UTF-16 with a mark");
	encoded(TEXT("i\0d\0,\0n\0\n\0001\0,\0002\0\n\0"), "utf-16le", "UTF-16LE without a mark");
	encoded(TEXT("\0i\0d\0,\0n\0\n\0001\0,\0002\0\n"), "utf-16be", "UTF-16BE without a mark");
	encoded(TEXT("id,n\nM\xfcller,2\n"), "iso-8859-1", "Latin 1");
	encoded(TEXT("id,n\nit\x92s,2\n"), "windows-1252", "a curly apostrophe");
	encoded(TEXT("id,n\nkos\x9d,2\nit\x92s,3\n"), "windows-1250", "a letter that windows-1252 lacks");
	encoded(TEXT("id,n\n\xcc\xe0\xeb\xfc\xea\xee\xe2 \xc0\xeb\xe5\xea\xf1,2\n"), "windows-1251", "Cyrillic");
	encoded(TEXT("id,n\n\x82\xcd\x82\xa2\x82\xa2\x82\xa4,2\n"), "shift_jis", "Shift JIS");
	encoded(TEXT("id,n\n\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xe4,2\n"), "utf-8",
		"UTF-8 with one wrong byte");
}

/* Whatever the bytes are there is an answer, and soon. */
static void rubbish(void)
{
	static const char *const ALPHABETS[] = {"\"", "\n", ",", "\\\"", "\",\n", "a,;|\t:# ~^$\"'`\\\n", "#a,\"\n/-%!", NULL};
	size_t len = 200000;
	char *text = malloc(len);
	unsigned state = 1;

	for (int i = 0; text && i < 8; i++) {
		const char *alphabet = ALPHABETS[i];
		size_t letters = alphabet ? strlen(alphabet) : 0;
		struct lk_error err;
		struct lk_guess g;

		for (size_t k = 0; k < len; k++) {
			state = state * 1103515245 + 12345;
			text[k] = alphabet ? alphabet[(state >> 16) % letters] : (char)(state >> 16);
		}
		ok(lk_guess_dialect(text, len, true, &g, &err) == LK_OK, "rubbish of kind %d", i);
		lk_guess_release(&g);
	}
	free(text);
}

int main(void)
{
	delimiters();
	quotes();
	blanks();
	headers();
	one_column();
	state();
	late_comma();
	encodings();
	rubbish();
	return done();
}
