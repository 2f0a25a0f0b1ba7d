#include "source/xml.h"

#include <stdlib.h>
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

static void describe(struct lk_xml_root *root)
{
	if (root->found)
		snprintf(root->message, sizeof(root->message), "its root element is %s%s%s%s", root->uri.len ? "{" : "",
			lk_str_text(&root->uri), root->uri.len ? "}" : "", lk_str_text(&root->name));
	else
		snprintf(root->message, sizeof(root->message), "it does not begin as XML");
}

enum lk_status lk_xml_look(const struct lk_head *head, void **seen, struct lk_error *err)
{
	xmlSAXHandler handler = {.initialized = XML_SAX2_MAGIC, .startElementNs = start_element,
		.entityDecl = declare_entity, .serror = quiet};
	struct lk_xml_root *root = *seen = calloc(1, sizeof(*root));
	xmlParserCtxtPtr parser = root ? xmlCreatePushParserCtxt(&handler, NULL, NULL, 0, NULL) : NULL;

	if (!parser)
		return lk_error_nomem(err);
	parser->userData = parser;
	parser->_private = root;
	xmlCtxtUseOptions(parser, XML_PARSE_NONET);
	xmlParseChunk(parser, head->data, (int)(head->len < HEAD_BYTES ? head->len : HEAD_BYTES), 0);
	xmlFreeDoc(parser->myDoc); /* made for entities even without a tree */
	parser->myDoc = NULL;
	xmlFreeParserCtxt(parser);
	describe(root);
	return root->name.failed || root->uri.failed ? lk_error_nomem(err) : LK_OK;
}

void lk_xml_forget(void *seen)
{
	struct lk_xml_root *root = seen;

	if (!root)
		return;
	lk_str_release(&root->name);
	lk_str_release(&root->uri);
	free(root);
}

const char *lk_xml_namespace(const struct lk_resource *r, const char *prefix, size_t len)
{
	for (int i = 0; i < r->namespace_count; i++)
		if (strlen(r->namespaces[i].prefix) == len && !memcmp(r->namespaces[i].prefix, prefix, len))
			return r->namespaces[i].uri;
	return NULL;
}

bool lk_xml_fits(const struct lk_resource *r, const void *seen, const char **why)
{
	const struct lk_xml_root *root = seen;
	const char *colon = r->root ? strchr(r->root, ':') : NULL, *name = colon ? colon + 1 : r->root;
	const char *uri = colon ? lk_xml_namespace(r, r->root, (size_t)(colon - r->root)) : "";

	if (!r->root || root->has_entities)
		return true;
	*why = root->message;
	return root->found && uri && !strcmp(name, lk_str_text(&root->name)) &&
	       (r->no_namespaces || !strcmp(uri, lk_str_text(&root->uri)));
}
