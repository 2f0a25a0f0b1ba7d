/* What a document's root element is called: a look at its first bytes, before it is known which resources
 * take it. */
#ifndef LK_SOURCE_XML_H
#define LK_SOURCE_XML_H

#include "source/package.h"

struct lk_xml_root {
	bool found;
	bool has_entities; /* it declares entities: the root is not known, and every resource will refuse it */
	struct lk_str name, uri; /* uri is empty where it has no namespace */
	char message[256];	 /* for a member that no resource takes */
};

/* Zero root first. Reads no more than it needs; nothing is loaded or expanded. */
void lk_xml_sniff(const char *head, size_t len, struct lk_xml_root *root);
void lk_xml_root_release(struct lk_xml_root *root);

/* Whether it is, or may be, the resource's lk.root. */
bool lk_xml_root_is(const struct lk_xml_root *root, const struct lk_resource *r);

/* The URI of a prefix in a resource; NULL when it has none. */
const char *lk_xml_namespace(const struct lk_resource *r, const char *prefix, size_t len);

#endif
