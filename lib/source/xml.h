/* What the parts of the XML format share: the look at a document's root element, and its side of packages. */
#ifndef LK_SOURCE_XML_H
#define LK_SOURCE_XML_H

#include "source/format.h"

/* What a document's root element is called. */
struct lk_xml_root {
	bool found;
	bool has_entities; /* it declares entities: the root is not known, and every resource will refuse it */
	struct lk_str name, uri; /* uri is empty where it has no namespace */
	char message[256];	 /* what it is, for a member that does not fit */
};

/* The format's side of the package (format.h). */
enum lk_status lk_xml_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r) LK_CHECKED;
void lk_xml_unload(struct lk_resource *r);

/* The format's look at a member's first bytes: reads no more than it needs, loads and expands nothing. */
enum lk_status lk_xml_look(const struct lk_head *head, void **seen, struct lk_error *err) LK_CHECKED;
bool lk_xml_fits(const struct lk_resource *r, const void *seen, const char **why);
void lk_xml_forget(void *seen);

/* The URI of a prefix in a resource; NULL when it has none. */
const char *lk_xml_namespace(const struct lk_resource *r, const char *prefix, size_t len);

#endif
