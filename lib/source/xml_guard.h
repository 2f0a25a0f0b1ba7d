/*
 * A push parser of libxml2's that hostile documents cannot hold up (private to the XML format).
 *
 * It builds a tree as libxml2's SAX2 does, through callbacks that its owner may replace (sax) and that then call the
 * ones here. Nothing outside the document is read, no entity expanded; documents that are deep, or have tags, names or
 * attributes that libxml2 takes for ever over, are refused. Its own limits for texts are off, since it goes silent at
 * them; who owns the guard counts what it holds.
 */
#ifndef LK_SOURCE_XML_GUARD_H
#define LK_SOURCE_XML_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <libxml/parser.h>

#include "base/error.h"

#define LK_XML_HELD_BYTES (16 * 1024 * 1024) /* of one tag, comment or instruction */

struct lk_xml_guard {
	xmlParserCtxtPtr parser; /* its _private is this guard */
	void *owner;
	bool no_namespaces;  /* names stand alone: prefixes and namespaces are dropped */
	bool one_by_one;     /* the document ends where its root element does; what follows is left */
	bool ended;	     /* it did */
	size_t left;	     /* then: bytes of the last push that follow it */
	char refusal[256];   /* why the document is not taken, "" when it is */
	int64_t refusal_line;
	xmlNodePtr muted;    /* an element whose text is base64, and is dropped */
	int64_t attachments; /* such elements with a text */
	bool attached;	     /* the muted element is counted */
};

/* Begins a document. The parser of the one before is taken again: it knows most names already. */
enum lk_status lk_xml_guard_open(struct lk_xml_guard *g, struct lk_error *err) LK_CHECKED;
/* Gives back the parser, and the tree that it still has. */
void lk_xml_guard_release(struct lk_xml_guard *g);
/* The document is done; a parser that it has blown up goes. */
void lk_xml_guard_clear(struct lk_xml_guard *g);

/* Parses more of the document. False when it is refused, or was before: refusal says why. */
bool lk_xml_guard_push(struct lk_xml_guard *g, const char *data, size_t len, bool last);

/* Callbacks: an element begins (false: it was refused, or there is no memory), ends, has text (false: it is dropped). */
bool lk_xml_guard_start(xmlParserCtxtPtr parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int ns_count, const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes);
void lk_xml_guard_end(xmlParserCtxtPtr parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri);
bool lk_xml_guard_text(xmlParserCtxtPtr parser, const xmlChar *text, int len);

#endif
