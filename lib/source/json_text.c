#include "source/json_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* The text that is parsed. */
struct cursor {
	struct lk_json *j;
	const char *p, *end;
	uint32_t open;	/* the array or object that is open; NONE at the top */
	int depth;
	uint32_t key;	/* the key whose value comes; NONE outside of members */
	bool nomem;
};

#define NONE UINT32_MAX
#define SMALL 16 /* members of an object in which all keys are compared with all */

static bool fail(struct cursor *c, const char *at, const char *problem)
{
	c->j->problem = problem;
	c->j->problem_at = (size_t)(at - c->j->text);
	return false;
}

static void skip_white(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
		c->p++;
}

/* A node that begins at `start`; its `next` is set for one with nothing in it. NULL: problem, or out of memory. */
static struct lk_json_node *add_node(struct cursor *c, enum lk_json_type type, const char *start)
{
	struct lk_json *j = c->j;
	struct lk_json_node *node;

	if (j->count == LK_JSON_NODES) {
		fail(c, start, "more than a million values");
		return NULL;
	}
	if (j->count == j->cap && !lk_grow((void **)&j->nodes, &j->cap, j->count + 1, sizeof(*j->nodes))) {
		c->nomem = true;
		return NULL;
	}
	node = &j->nodes[j->count];
	*node = (struct lk_json_node){.type = (uint8_t)type, .start = (uint32_t)(start - j->text), .next = (uint32_t)j->count + 1};
	node->parent = c->open == NONE ? (uint32_t)j->count : c->open;
	j->count++;
	return node;
}

/* ---- scalars ---- */

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static bool parse_number(struct cursor *c)
{
	const char *start = c->p, *p = c->p, *digits;
	struct lk_json_node *node;

	p += *p == '-';
	digits = p;
	p = skip_digits(p, c->end);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return fail(c, p == digits ? p : digits, p == digits ? "a digit is missing" : "a number begins with 0");
	if (p < c->end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, c->end);
		if (p == digits)
			return fail(c, p, "a digit is missing");
	}
	if (p < c->end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < c->end && (*p == '-' || *p == '+');
		digits = p;
		p = skip_digits(p, c->end);
		if (p == digits)
			return fail(c, p, "a digit is missing");
	}
	node = add_node(c, LK_JSON_NUMBER, start);
	if (!node)
		return false;
	node->end = (uint32_t)(p - c->j->text);
	c->p = p;
	return true;
}

static bool parse_word(struct cursor *c, enum lk_json_type type, const char *word, size_t len)
{
	struct lk_json_node *node;

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len))
		return fail(c, c->p, "no value of JSON begins like this");
	node = add_node(c, type, c->p);
	if (!node)
		return false;
	c->p += len;
	node->end = (uint32_t)(c->p - c->j->text);
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u; -1 when they are none. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t value = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* The code point of the escape \uXXXX at p, with its low half where it is a high one, and how long it is; -1: it is none. */
static int32_t unicode_escape(const char *p, const char *end, size_t *len)
{
	int32_t high = hex4(p + 2, end), low;

	*len = 6;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	*len = 12;
	if (high > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return -1;
	low = hex4(p + 8, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Passes over the escape at p; NULL, with the problem said, when it is none. */
static const char *skip_escape(struct cursor *c, const char *p)
{
	size_t len = 2;

	if (c->end - p < 2) {
		fail(c, p, "a string is never closed");
		return NULL;
	}
	if (p[1] == 'u' ? unicode_escape(p, c->end, &len) < 0 : !p[1] || !strchr("\"\\/bfnrt", p[1])) {
		fail(c, p, p[1] == 'u' ? "\\u without four hexadecimal digits, or half of a pair" : "there is no such escape");
		return NULL;
	}
	return p + len;
}

static inline uint64_t load8(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Whether one of 8 bytes is a quote, a backslash or a control character. */
static inline bool has_special(uint64_t w)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
	uint64_t quote = w ^ (ones * '"'), back = w ^ (ones * '\\');

	return (((quote - ones) & ~quote) | ((back - ones) & ~back) | ((w - ones * 0x20) & ~w)) & tops;
}

/* A string's node, for a value or a key. The text is valid UTF-8. */
static struct lk_json_node *parse_string(struct cursor *c)
{
	const char *p = c->p + 1;
	struct lk_json_node *node = add_node(c, LK_JSON_STRING, p);

	if (!node)
		return NULL;
	for (;;) {
		while (c->end - p >= 8 && !has_special(load8(p)))
			p += 8;
		while (p < c->end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
			p++;
		if (p == c->end) {
			fail(c, c->p, "a string is never closed");
			return NULL;
		}
		if (*p == '"')
			break;
		if (*p != '\\') {
			fail(c, p, "a control character in a string");
			return NULL;
		}
		node->escaped = true;
		p = skip_escape(c, p);
		if (!p)
			return NULL;
	}
	node->end = (uint32_t)(p - c->j->text);
	c->p = p + 1;
	return node;
}

const char *lk_json_string(const struct lk_json *j, const struct lk_json_node *node, struct lk_str *room, size_t *len)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = j->text + node->start, *end = j->text + node->end;
	size_t before = room->len;

	*len = node->end - node->start;
	if (!node->escaped)
		return p;
	while (p < end) {
		const char *back = memchr(p, '\\', (size_t)(end - p));
		size_t skipped = 2;

		lk_str_add(room, p, (size_t)((back ? back : end) - p));
		if (!back)
			break;
		if (back[1] == 'u') {
			int32_t point = unicode_escape(back, end, &skipped);

			if (point)
				lk_str_add_point(room, (uint32_t)point);
			else
				lk_str_addc(room, '\0');
		} else {
			lk_str_addc(room, to[strchr(from, back[1]) - from]);
		}
		p = back + skipped;
	}
	*len = room->failed ? 0 : room->len - before;
	return room->failed ? "" : lk_str_text(room) + before;
}

/* ---- members ---- */

static uint32_t hash_of(const char *s, size_t len)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)s[i]) * 16777619u;
	return hash;
}

/* An order in which keys of one name are neighbours, whatever their hashes. */
static int compare_keys(struct lk_json *j, const struct lk_json_node *a, const struct lk_json_node *b)
{
	size_t a_len, b_len;
	const char *x, *y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	lk_str_clear(&j->room[0]);
	lk_str_clear(&j->room[1]);
	x = lk_json_string(j, a, &j->room[0], &a_len);
	y = lk_json_string(j, b, &j->room[1], &b_len);
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return memcmp(x, y, a_len);
}

static int compare_order(const void *a, const void *b, void *arg)
{
	struct lk_json *j = arg;

	return compare_keys(j, &j->nodes[*(const uint32_t *)a], &j->nodes[*(const uint32_t *)b]);
}

/* A key of an object that is complete, whose name another has, too; NULL when there is none. */
static const struct lk_json_node *find_twin(struct cursor *c, const struct lk_json_node *object)
{
	struct lk_json *j = c->j;
	uint32_t n = 0;

	if (object->count < 2)
		return NULL;
	if (object->count > j->order_cap && !lk_grow((void **)&j->order, &j->order_cap, object->count, sizeof(*j->order))) {
		c->nomem = true;
		return NULL;
	}
	for (uint32_t key = lk_json_id(j, object) + 1; n < object->count; key = j->nodes[key + 1].next)
		j->order[n++] = key;
	if (n <= SMALL) {
		for (uint32_t i = 1; i < n; i++)
			for (uint32_t k = 0; k < i; k++)
				if (!compare_keys(j, &j->nodes[j->order[k]], &j->nodes[j->order[i]]))
					return &j->nodes[j->order[i]];
		return NULL;
	}
	qsort_r(j->order, n, sizeof(*j->order), compare_order, j);
	for (uint32_t i = 1; i < n; i++)
		if (!compare_order(&j->order[i - 1], &j->order[i], j))
			return &j->nodes[j->order[i]];
	return NULL;
}

static bool parse_key(struct cursor *c)
{
	struct lk_json_node *node;
	size_t len;
	const char *name;

	if (c->p == c->end || *c->p != '"')
		return fail(c, c->p, "a member's name in quotes is missing");
	node = parse_string(c);
	if (!node)
		return false;
	lk_str_clear(&c->j->room[0]);
	name = lk_json_string(c->j, node, &c->j->room[0], &len);
	node->hash = hash_of(name, len);
	c->key = lk_json_id(c->j, node);
	skip_white(c);
	if (c->p == c->end || *c->p != ':')
		return fail(c, c->p, "a colon is missing");
	c->p++;
	return true;
}

const struct lk_json_node *lk_json_member(struct lk_json *j, const struct lk_json_node *object, const char *name, size_t len)
{
	const struct lk_json_node *key = object + 1;

	for (uint32_t i = 0; i < object->count; i++, key = &j->nodes[key[1].next]) {
		size_t key_len = key->end - key->start;
		const char *text = j->text + key->start;

		if (key->escaped) {
			lk_str_clear(&j->room[0]);
			text = lk_json_string(j, key, &j->room[0], &key_len);
		}
		if (key_len == len && !memcmp(text, name, len))
			return key + 1;
	}
	return NULL;
}

const struct lk_json_node *lk_json_element(const struct lk_json *j, const struct lk_json_node *array, size_t index)
{
	const struct lk_json_node *element = array + 1;

	if (index >= array->count)
		return NULL;
	while (index--)
		element = &j->nodes[element->next];
	return element;
}

/* ---- arrays and objects ---- */

static bool open_node(struct cursor *c, enum lk_json_type type)
{
	struct lk_json_node *node;

	if (c->depth == LK_JSON_DEPTH)
		return fail(c, c->p, "deeper than 256 arrays and objects");
	node = add_node(c, type, c->p);
	if (!node)
		return false;
	c->depth++;
	c->p++;
	c->open = lk_json_id(c->j, node);
	return true;
}

/* The array or object that is open ends here. */
static bool close_node(struct cursor *c)
{
	struct lk_json_node *node = &c->j->nodes[c->open];
	const struct lk_json_node *twin;

	node->end = (uint32_t)(++c->p - c->j->text);
	node->next = (uint32_t)c->j->count;
	c->depth--;
	c->open = node->parent == c->open ? NONE : node->parent;
	twin = node->type == LK_JSON_OBJECT ? find_twin(c, node) : NULL;
	if (twin)
		return fail(c, c->j->text + twin->start, "an object has two members of one name");
	return !c->nomem;
}

/* One value, of which an array or object is only begun. */
static bool parse_value(struct cursor *c)
{
	struct lk_json_node *node;
	size_t id = c->j->count;
	bool good;

	if (c->p == c->end)
		return fail(c, c->p, "a value is missing");
	switch (*c->p) {
	case '{':
		good = open_node(c, LK_JSON_OBJECT);
		break;
	case '[':
		good = open_node(c, LK_JSON_ARRAY);
		break;
	case '"':
		good = parse_string(c) != NULL;
		break;
	case 't':
		good = parse_word(c, LK_JSON_TRUE, "true", 4);
		break;
	case 'f':
		good = parse_word(c, LK_JSON_FALSE, "false", 5);
		break;
	case 'n':
		good = parse_word(c, LK_JSON_NULL, "null", 4);
		break;
	case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
		good = parse_number(c);
		break;
	default:
		return fail(c, c->p, "no value of JSON begins like this");
	}
	if (!good)
		return false;
	node = &c->j->nodes[id];
	if (node->parent == id)
		return true;
	node->index = c->j->nodes[node->parent].type == LK_JSON_OBJECT ? c->key : c->j->nodes[node->parent].count;
	c->j->nodes[node->parent].count++;
	return true;
}

/* A value within the array or object that is open, or its end. */
static bool parse_item(struct cursor *c)
{
	bool object = c->j->nodes[c->open].type == LK_JSON_OBJECT;
	char closing = object ? '}' : ']';

	skip_white(c);
	if (c->p < c->end && *c->p == closing)
		return close_node(c);
	if (c->j->nodes[c->open].count) {
		if (c->p == c->end || *c->p != ',')
			return fail(c, c->p, object ? "a comma or a closing brace is missing" : "a comma or a closing bracket is missing");
		c->p++;
		skip_white(c);
	}
	if (object && !parse_key(c))
		return false;
	skip_white(c);
	return parse_value(c);
}

static bool parse(struct cursor *c)
{
	skip_white(c);
	if (!parse_value(c))
		return false;
	while (c->open != NONE)
		if (!parse_item(c))
			return false;
	skip_white(c);
	return c->p == c->end || fail(c, c->p, "text follows the value");
}

enum lk_status lk_json_parse(struct lk_json *j, const char *text, size_t len, bool *good, struct lk_error *err)
{
	struct cursor c = {.j = j, .p = text, .end = text + len, .open = NONE, .key = NONE};

	j->text = text;
	j->count = 0;
	j->problem = NULL;
	*good = lk_utf8_valid(text, len);
	if (!*good) {
		const char *p = text;
		size_t n;

		while (p < c.end && (n = lk_utf8_len((const unsigned char *)p, (const unsigned char *)c.end)) > 0)
			p += n;
		fail(&c, p, "bytes that are not UTF-8");
		return LK_OK;
	}
	*good = parse(&c);
	return c.nomem || j->room[0].failed || j->room[1].failed ? lk_error_nomem(err) : LK_OK;
}

void lk_json_release(struct lk_json *j)
{
	free(j->nodes);
	free(j->order);
	lk_str_release(&j->room[0]);
	lk_str_release(&j->room[1]);
	*j = (struct lk_json){NULL};
}
