/*
 * JSON texts (RFC 8259), one at a time, as a list of nodes that point into the text (private to lib/source).
 *
 *	text:   {"a": [1.50, "x"], "b": null}
 *	nodes:  0 object  1 key a  2 array  3 number 1.50  4 string x  5 key b  6 null
 *
 * Nothing is converted: a number is what stands there, to its last digit, and an object its own text. So values stay exact,
 * which a tree of doubles would lose.
 */
#ifndef LK_SOURCE_JSON_TEXT_H
#define LK_SOURCE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define LK_JSON_DEPTH 256
#define LK_JSON_NODES (1024 * 1024)

enum lk_json_type {
	LK_JSON_NULL,
	LK_JSON_TRUE,
	LK_JSON_FALSE,
	LK_JSON_NUMBER,
	LK_JSON_STRING,
	LK_JSON_ARRAY,
	LK_JSON_OBJECT,
};

struct lk_json_node {
	uint8_t type;
	bool escaped;	    /* a string with a backslash in it */
	uint32_t start, end; /* of its text; a string's without the quotes */
	uint32_t next;	    /* the node behind it and all that is in it */
	uint32_t parent;    /* the array or object that it is in, of a value the object too; its own number at the top */
	uint32_t index;	    /* in an array, from 0; of a member's value: the node of its key */
	uint32_t count;	    /* of elements or members */
	uint32_t hash;	    /* of a key */
};

struct lk_json {
	const char *text;
	struct lk_json_node *nodes;
	size_t count, cap;
	uint32_t *order; /* scratch, to find keys that stand twice */
	size_t order_cap;
	struct lk_str room[2];
	const char *problem; /* why the last text was none; a constant */
	size_t problem_at;   /* where, in bytes */
};

/* Parses a text of less than 2^32 bytes, which must outlive the nodes. LK_OK with *good; what is not JSON has the problem said,
 * as has one that is deeper or has more values than the limits, or an object with two members of one name. */
enum lk_status lk_json_parse(struct lk_json *j, const char *text, size_t len, bool *good, struct lk_error *err) LK_CHECKED;
void lk_json_release(struct lk_json *j);

/* The text of a string or key with its escapes resolved: borrowed from the JSON text, or added to room. */
const char *lk_json_string(const struct lk_json *j, const struct lk_json_node *node, struct lk_str *room, size_t *len);
/* The member's value, or NULL. The node must be an object. */
const struct lk_json_node *lk_json_member(struct lk_json *j, const struct lk_json_node *object, const char *name, size_t len);
/* The element, or NULL. The node must be an array. */
const struct lk_json_node *lk_json_element(const struct lk_json *j, const struct lk_json_node *array, size_t index);

static inline uint32_t lk_json_id(const struct lk_json *j, const struct lk_json_node *node)
{
	return (uint32_t)(node - j->nodes);
}

#endif
