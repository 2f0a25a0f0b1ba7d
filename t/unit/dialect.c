/* The guess of dialects: each rule by a text that shows it. */
#include <stdlib.h>
#include <string.h>

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
	guesses("a\x01" "b\n1\x01" "x\n2\x01y\n", "{\"delimiter\":\"\\u0001\"}", "control character");
}

int main(void)
{
	delimiters();
	return done();
}
