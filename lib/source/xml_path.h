/*
 * XPaths of a resource, compiled once when its package is loaded.
 *
 * A record path of plain steps can be followed while a document streams by, and predicates of its last step be tested
 * once the element is complete, where they look only into it. A field's path of plain steps is
 * walked on the tree without libxml2's evaluator; one that only looks at the document, not at the record, is
 * evaluated once a document.
 */
#ifndef LK_SOURCE_XML_PATH_H
#define LK_SOURCE_XML_PATH_H

#include <libxml/xpath.h>

#include "source/package.h"

/* A location step: an element or attribute by name. */
struct lk_xml_step {
	const char *name; /* NULL: any */
	const char *uri;  /* "": no namespace; NULL: any */
	bool descendant;  /* // before it */
	bool attribute;
	int position; /* [N]; 0 for all */
};

struct lk_xml_steps {
	struct lk_xml_step *items;
	int count; /* 0: the path is more than plain steps */
};

struct lk_xml_path {
	xmlXPathCompExprPtr expression;
	struct lk_xml_steps steps;
	xmlXPathCompExprPtr test; /* of a record: the predicates of its last step, when steps lack them; NULL for none */
	bool downward; /* looks at nothing but the record and what is in it */
	bool constant; /* does not look at the record at all */
};

struct lk_xml_program {
	struct lk_xml_path record;
	struct lk_xml_path *fields; /* by field; expression NULL for those of other origins */
	int field_count;
	bool streams;
	xmlNsPtr *namespaces; /* for xmlXPathContext */
	int namespace_count;
};

/* Compiles all of r's paths into an arena. False with *problem (borrowed) and *field (-1: the record) when
 * one is wrong; what was compiled is in *out to be released even then. problem NULL: out of memory. */
bool lk_xml_program_make(struct lk_arena *arena, const struct lk_resource *r, struct lk_xml_program **out,
	int *field, const char **problem);
void lk_xml_program_release(struct lk_xml_program *p); /* NULL is fine */

/* Whether an element, whose ancestors are in the tree, is one that the steps find from the document's root. */
bool lk_xml_steps_match(const struct lk_xml_steps *steps, const xmlNode *element);

/* Calls found for each node that the steps find from `node` on, in document order, until it says false. */
bool lk_xml_steps_walk(const struct lk_xml_steps *steps, const xmlNode *node,
	bool (*found)(void *arg, const xmlNode *node), void *arg);

#endif
