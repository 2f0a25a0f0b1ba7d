/* JSON texts and paths: jansson is the oracle of what is JSON; splitting does not depend on the pieces. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/json_path.h"
#include "source/json_split.h"

#include "tap.h"

static const char *const texts[] = {
	"{\"resourceType\":\"Patient\",\"id\":\"p1\",\"name\":[{\"family\":\"\\u00c4\",\"given\":[\"A\",\"B\"]}],\"active\":true}",
	"[1,-2.50,3e+10,0.1E-2,-0,[],{},[[]],null,false,true,\"\"]",
	"{\"a\":{\"b\":{\"c\":[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00\"]}},\"\":0,\"k\":[ 1 , 2 ]\t}\r\n",
};

/* Whether two libraries see the same tree. */
static bool same_tree(struct lk_json *j, const struct lk_json_node *node, const json_t *want)
{
	struct lk_str room = LK_STR_INIT;
	const char *text, *key;
	size_t len, i;
	json_t *value;
	bool same;
	char *end;

	switch (json_typeof(want)) {
	case JSON_OBJECT:
		same = node->type == LK_JSON_OBJECT && node->count == json_object_size(want);
		json_object_foreach((json_t *)want, key, value)
		{
			const struct lk_json_node *member = same ? lk_json_member(j, node, key, strlen(key)) : NULL;

			same = same && member && same_tree(j, member, value);
		}
		return same;
	case JSON_ARRAY:
		same = node->type == LK_JSON_ARRAY && node->count == json_array_size(want);
		json_array_foreach(want, i, value)
		{
			const struct lk_json_node *element = same ? lk_json_element(j, node, i) : NULL;

			same = same && element && element->index == i && same_tree(j, element, value);
		}
		return same;
	case JSON_STRING:
		if (node->type != LK_JSON_STRING)
			return false;
		text = lk_json_string(j, node, &room, &len);
		same = len == json_string_length(want) && !memcmp(text, json_string_value(want), len);
		lk_str_release(&room);
		return same;
	case JSON_INTEGER:
	case JSON_REAL:
		text = j->text + node->start;
		return node->type == LK_JSON_NUMBER && strtod(text, &end) == json_number_value(want) &&
		       end == j->text + node->end;
	case JSON_TRUE:
		return node->type == LK_JSON_TRUE;
	case JSON_FALSE:
		return node->type == LK_JSON_FALSE;
	default:
		return node->type == LK_JSON_NULL;
	}
}

/* Both take a text, or neither does. */
static bool agree(struct lk_json *j, const char *text, size_t len, int *taken)
{
	char *copy = malloc(len + 1); /* of exactly this size, so that a sanitizer sees a read behind it */
	struct lk_error err;
	json_error_t problem;
	json_t *want;
	bool good, same;

	if (!copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	want = json_loadb(copy, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &problem);
	/* Numbers that a double cannot hold are JSON all the same. */
	same = lk_json_parse(j, copy, len, &good, &err) == LK_OK &&
	       (good == (want != NULL) || (good && json_error_code(&problem) == json_error_numeric_overflow));
	if (same && want)
		same = same_tree(j, j->nodes, want);
	if (!same)
		printf("# %.*s\n", (int)len, text);
	*taken += good;
	json_decref(want);
	free(copy);
	return same;
}

static void test_against_jansson(void)
{
	static const char bytes[] = "{}[]\",:0.-+eE1tn\\u \n\x01\xff\xc3";
	struct lk_json j = {0};
	unsigned seed = 12345;
	bool same = true;
	int taken = 0;

	for (size_t t = 0; t < 3; t++) {
		char text[512];
		size_t len = strlen(texts[t]);

		same &= agree(&j, texts[t], len, &taken);
		for (size_t cut = 0; cut < len; cut++)
			same &= agree(&j, texts[t], cut, &taken);
		for (int i = 0; i < 20000 && same; i++) {
			size_t n = len;

			memcpy(text, texts[t], len);
			for (int k = 0; k < 1 + i % 3; k++) {
				seed = seed * 1103515245 + 12345;
				text[(seed >> 16) % len] = bytes[(seed >> 8) % (sizeof(bytes) - 1)];
			}
			if (i % 4 == 0) {
				size_t at = (seed >> 4) % len;

				memmove(text + at, text + at + 1, --n - at);
			}
			same &= agree(&j, text, n, &taken);
		}
	}
	ok(same && taken > 3000 && taken < 50000, "60,000 texts are JSON, or not, as jansson says; %d are", taken);
	lk_json_release(&j);
}

/* ---- paths ---- */

struct found {
	struct lk_json *j;
	struct lk_str out;
};

static bool add_found(void *arg, const struct lk_json_node *node)
{
	struct found *f = arg;

	lk_str_addc(&f->out, '[');
	lk_str_add(&f->out, f->j->text + node->start, node->end - node->start);
	lk_str_addc(&f->out, ']');
	return true;
}

/* What the path yields from the second name of a patient. */
static void check_path(const char *path, const char *want)
{
	static const char text[] = "{\"id\":\"p\",\"a/b\":1,\"m~n\":2,\"\":3,\"*\":4,\"name\":[{\"g\":[1,2]},{\"g\":[3,[4]],\"f\":null}]}";
	struct lk_json j = {0};
	struct lk_json_path compiled, start;
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_error err;
	struct found f = {.j = &j};
	const char *problem;
	bool good;

	if (lk_json_parse(&j, text, sizeof(text) - 1, &good, &err) == LK_OK && good &&
		lk_json_path_compile(&arena, "/name/1", &start, &problem) &&
		lk_json_path_compile(&arena, path, &compiled, &problem))
		(void)lk_json_path_walk(
			&j, &compiled, compiled.relative ? lk_json_path_first(&j, &start, j.nodes) : j.nodes, add_found, &f);
	is_text(lk_str_text(&f.out), want, "path '%s'", path);
	lk_str_release(&f.out);
	lk_arena_release(&arena);
	lk_json_release(&j);
}

static void test_paths(void)
{
	check_path("/id", "[p]");
	check_path("/a~1b", "[1]");
	check_path("/m~0n", "[2]");
	check_path("/", "[3]");
	check_path("/*", "[4]");
	check_path("/name/1/g/0", "[3]");
	check_path("/name/01/g", "");
	check_path("/name/2", "");
	check_path("/name/-", "");
	check_path("/name/4294967296", "");
	check_path("/id/0", "");
	check_path("/name/*/g", "[[1,2]][[3,[4]]]");
	check_path("/name/*/g/*", "[1][2][3][[4]]");
	check_path("/name/*/g/*/*", "[4]");
	check_path("/name/*/f", "[null]");
	check_path("0/f", "[null]");
	check_path("1/0/g/1", "[2]");
	check_path("2/id", "[p]");
	check_path("3", "");
	check_path("99/id", "");
}

/* ---- splitting ---- */

static void check_split(const char *text, const char *want)
{
	struct lk_str out = LK_STR_INIT;
	struct lk_json_split s = {0};
	size_t len = strlen(text);
	struct lk_line value;
	struct lk_error err;
	bool same = true;

	for (size_t size = 1; size <= len && same; size++) {
		lk_str_clear(&out);
		lk_json_split_begin(&s);
		for (size_t at = 0; at <= len; at += size) {
			bool last = at + size > len;

			if (lk_json_split_add(&s, text + at, last ? len - at : size, &err))
				break;
			while (lk_json_split_next(&s, last, &value))
				lk_str_addf(&out, "<%d:%.*s>", (int)value.number, (int)value.len, value.data);
		}
		if (s.problem)
			lk_str_addf(&out, "%d: %s", (int)s.begun_line, s.problem);
		same = !strcmp(lk_str_text(&out), want);
		if (!same)
			printf("# in pieces of %zu: %s\n", size, lk_str_text(&out));
	}
	ok(same, "%s in pieces of any size", want);
	lk_str_release(&out);
	lk_json_split_release(&s);
}

int main(void)
{
	test_against_jansson();
	test_paths();
	check_split("[1,\"a]\\\"\", {\"b\":[]}\n,true]", "<1:1><1:\"a]\\\"\"><1:{\"b\":[]}><2:true>");
	check_split("\xef\xbb\xbf {\"a\":\n1}\n{}", "<1:{\"a\":\n1}><3:{}>");
	check_split("12 34", "<1:12><1:34>");
	check_split("[{\"a\":1},\n{\"b\":", "<1:{\"a\":1}>2: it ends within a value");
	check_split("[1\n", "<1:1>2: it ends within the array");
	check_split("[1,,2]", "<1:1>1: a value is missing between two others");
	check_split("[1]\n2", "<1:1>2: text follows the array");
	check_split("{}}", "<1:{}>1: a value is missing between two others");
	check_split("[]", "");
	return done();
}
