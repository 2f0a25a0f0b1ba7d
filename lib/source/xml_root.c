#include "source/xml.h"

#include <string.h>

#include <libxml/parser.h>

#define HEAD_BYTES (64 * 1024)

static void start_element(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int ns_count, const xmlChar **namespaces, int attribute_count, int defaulted,
	const xmlChar **attributes)
{
	xmlParserCtxtPtr parser = user;
	struct lk_xml_root *root = parser->_private;

	(void)prefix, (void)ns_count, (void)namespaces, (void)attribute_count, (void)defaulted,
		(void)attributes;
	if (!root->found) {
		root->found = true;
		lk_str_adds(&root->name, (const char *)name);
		lk_str_adds(&root->uri, uri ? (const char *)uri : "");
	}
	xmlStopParser(parser);
}

/* The reader will refuse such a document, whatever its root is called; nothing of it is expanded here. */
static void declare_entity(void *user, const xmlChar *name, int type, const xmlChar *public_id,
	const xmlChar *system_id, xmlChar *content)
{
	xmlParserCtxtPtr parser = user;
	struct lk_xml_root *root = parser->_private;

	(void)name, (void)type, (void)public_id, (void)system_id, (void)content;
	root->has_entities = true;
	xmlStopParser(parser);
}

static void quiet(void *user, xmlErrorPtr error)
{
	(void)user, (void)error;
}

void lk_xml_sniff(const char *head, size_t len, struct lk_xml_root *root)
{
	xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC, .startElementNs = start_element,
		.entityDecl = declare_entity, .serror = quiet};
	xmlParserCtxtPtr parser = xmlCreatePushParserCtxt(&handler, NULL, NULL, 0, NULL);

	if (parser) {
		parser->userData = parser;
		parser->_private = root;
		xmlCtxtUseOptions(parser, XML_PARSE_NONET);
		xmlParseChunk(parser, head, (int)(len < HEAD_BYTES ? len : HEAD_BYTES), 0);
		xmlFreeDoc(parser->myDoc); /* made for entities even without a tree */
		parser->myDoc = NULL;
		xmlFreeParserCtxt(parser);
	}
	if (root->found)
		snprintf(root->message, sizeof(root->message),
			"no resource takes a document whose root element is %s%s%s%s",
			root->uri.len ? "{" : "", lk_str_text(&root->uri), root->uri.len ? "}" : "",
			lk_str_text(&root->name));
	else
		snprintf(root->message, sizeof(root->message),
			"no resource takes it: it does not begin as XML");
}

void lk_xml_root_release(struct lk_xml_root *root)
{
	lk_str_release(&root->name);
	lk_str_release(&root->uri);
}

const char *lk_xml_namespace(const struct lk_resource *r, const char *prefix, size_t len)
{
	for (int i = 0; i < r->namespace_count; i++)
		if (strlen(r->namespaces[i].prefix) == len && !memcmp(r->namespaces[i].prefix, prefix, len))
			return r->namespaces[i].uri;
	return NULL;
}

bool lk_xml_root_is(const struct lk_xml_root *root, const struct lk_resource *r)
{
	const char *colon = strchr(r->root, ':'), *name = colon ? colon + 1 : r->root;
	const char *uri = colon ? lk_xml_namespace(r, r->root, (size_t)(colon - r->root)) : "";

	if (root->has_entities)
		return true;
	return root->found && uri && !strcmp(name, lk_str_text(&root->name)) &&
	       !strcmp(uri, lk_str_text(&root->uri));
}
