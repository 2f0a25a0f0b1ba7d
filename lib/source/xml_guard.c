#include "source/xml_guard.h"

#include <stdio.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>

#define SLICE_BYTES (32 * 1024) /* pushed at a time: the parser looks at what it holds more than once */
#define MAX_ATTRIBUTES 1000 /* of an element, and namespaces in force: the parser compares each with each */
#define MAX_NAMES 100000    /* different ones in a document: the parser's table of them does not grow as they do */
#define MAX_DEPTH 256
#define MAX_NAMES_BYTES (10 * 1000 * 1000)
#define KEPT_NAMES (MAX_NAMES / 10)
#define KEPT_NAMES_BYTES (1024 * 1024) /* that the parser has seen, for the next document */
#define OPTIONS (XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_BIG_LINES | XML_PARSE_NOCDATA | XML_PARSE_HUGE)

static void refuse(xmlParserCtxtPtr parser, const char *fmt, const char *name)
{
	struct lk_xml_guard *g = parser->_private;

	if (!*g->refusal) {
		snprintf(g->refusal, sizeof(g->refusal), fmt, name);
		g->refusal_line = xmlSAX2GetLineNumber(parser);
	}
	xmlStopParser(parser);
}

/* ---- what the parser says ---- */

static void on_entity_declaration(void *user, const xmlChar *name, int type, const xmlChar *public_id,
	const xmlChar *system_id, xmlChar *content)
{
	(void)type, (void)public_id, (void)system_id, (void)content;
	refuse(user, "declares the entity '%.64s': documents with entities of their own are not read",
		(const char *)name);
}

static void on_reference(void *user, const xmlChar *name)
{
	refuse(user, "refers to the entity '%.64s', which it does not declare", (const char *)name);
}

static void on_error(void *user, xmlErrorPtr error)
{
	xmlParserCtxtPtr parser = user;
	struct lk_xml_guard *g = parser->_private;

	if (error->level != XML_ERR_FATAL || *g->refusal || g->ended)
		return;
	if (error->code == XML_ERR_DOCUMENT_END && parser->nameNr > 0)
		snprintf(g->refusal, sizeof(g->refusal), "is not well-formed: it ends within the element '%.64s'",
			(const char *)parser->name);
	else
		snprintf(g->refusal, sizeof(g->refusal), "is not well-formed: %.200s",
			error->message ? error->message : "");
	g->refusal[strcspn(g->refusal, "\n")] = '\0';
	g->refusal_line = error->line;
}

/* Whether an element that begins is one that the parser takes for ever over; then the document is refused. */
static bool is_too_much(xmlParserCtxtPtr parser, const xmlChar *name, int attribute_count)
{
	if (attribute_count > MAX_ATTRIBUTES)
		refuse(parser, "has an element '%.64s' of more than 1000 attributes", (const char *)name);
	else if (parser->nsNr / 2 > MAX_ATTRIBUTES)
		refuse(parser, "has more than 1000 namespaces in force in '%.64s'", (const char *)name);
	else if (xmlDictSize(parser->dict) > MAX_NAMES)
		refuse(parser, "has more than 100000 different names%s", "");
	else if (parser->nameNr >= MAX_DEPTH)
		refuse(parser, "is deeper than 256 elements%s", "");
	else
		return false;
	return true;
}

/* The same for a tag of which the parser holds the beginning, and which it would look at once it has the end. */
static void check_held(xmlParserCtxtPtr parser)
{
	const xmlChar *p = parser->input->cur, *end = parser->input->end;
	int count = 0;

	if (end - p > LK_XML_HELD_BYTES) {
		refuse(parser, "has a tag, comment or instruction longer than 16 MiB%s", "");
		return;
	}
	if (xmlDictGetUsage(parser->dict) > MAX_NAMES_BYTES) {
		refuse(parser, "has names of more than 10 MB%s", "");
		return;
	}
	if (end - p < SLICE_BYTES || *p != '<' || p[1] == '!' || p[1] == '?')
		return;
	for (; p < end && count <= MAX_ATTRIBUTES; p++)
		if (*p == '"' || *p == '\'') {
			count++;
			p = memchr(p + 1, *p, (size_t)(end - p - 1));
			if (!p)
				break;
		}
	if (count > MAX_ATTRIBUTES)
		refuse(parser, "has an element of more than 1000 attributes%s", "");
}

/* ---- elements ---- */

/* HL7's data type ED: a document within the document, which is nobody's column. */
static bool is_base64(int attribute_count, const xmlChar **attributes)
{
	for (int i = 0; i < attribute_count; i++, attributes += 5)
		if (!strcmp((const char *)attributes[0], "representation") && attributes[4] - attributes[3] == 3 &&
			!memcmp(attributes[3], "B64", 3))
			return true;
	return false;
}

bool lk_xml_guard_start(xmlParserCtxtPtr parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int ns_count, const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	struct lk_xml_guard *g = parser->_private;

	if (is_too_much(parser, name, attribute_count))
		return false;
	for (int i = 0; g->no_namespaces && i < attribute_count; i++)
		attributes[5 * i + 1] = attributes[5 * i + 2] = NULL;
	if (g->no_namespaces)
		xmlSAX2StartElementNs(parser, name, NULL, NULL, 0, NULL, attribute_count, defaulted, attributes);
	else
		xmlSAX2StartElementNs(parser, name, prefix, uri, ns_count, namespaces, attribute_count, defaulted,
			attributes);
	if (!g->muted && is_base64(attribute_count, attributes)) {
		g->muted = parser->node;
		g->attached = false;
	}
	return parser->node;
}

/* How many bytes of what was pushed the parser has not taken: those that it holds as UTF-8 are turned back first.
 * xmlByteConsumed does not count what went before a declared encoding. */
static size_t count_left(xmlParserCtxtPtr parser)
{
	const xmlParserInput *input = parser->input;
	size_t held = (size_t)(input->end - input->cur);
	xmlBufferPtr text, bytes;

	if (!input->buf || !input->buf->encoder)
		return held;
	text = xmlBufferCreateStatic((void *)input->cur, held);
	bytes = xmlBufferCreate();
	held = text && bytes && (!held || xmlCharEncOutFunc(input->buf->encoder, bytes, text) >= 0) ?
		       (size_t)xmlBufferLength(bytes) + xmlBufUse(input->buf->raw) :
		       0;
	xmlBufferFree(text);
	xmlBufferFree(bytes);
	return held;
}

void lk_xml_guard_end(xmlParserCtxtPtr parser, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct lk_xml_guard *g = parser->_private;

	if (g->muted == parser->node)
		g->muted = NULL;
	xmlSAX2EndElementNs(parser, name, prefix, uri);
	if (g->one_by_one && !parser->node) {
		g->ended = true;
		g->left = count_left(parser);
		xmlStopParser(parser);
	}
}

bool lk_xml_guard_text(xmlParserCtxtPtr parser, const xmlChar *text, int len)
{
	struct lk_xml_guard *g = parser->_private;

	if (!g->muted) {
		xmlSAX2Characters(parser, text, len);
		return true;
	}
	g->attachments += !g->attached;
	g->attached = true;
	return false;
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count,
	const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	lk_xml_guard_start(
		user, name, prefix, uri, ns_count, namespaces, attribute_count, defaulted, attributes);
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	lk_xml_guard_end(user, name, prefix, uri);
}

static void on_text(void *user, const xmlChar *text, int len)
{
	lk_xml_guard_text(user, text, len);
}

/* ---- a document ---- */

static xmlSAXHandler make_handler(void)
{
	xmlSAXHandler handler;

	memset(&handler, 0, sizeof(handler));
	xmlSAX2InitDefaultSAXHandler(&handler, 0);
	handler.startElementNs = on_start;
	handler.endElementNs = on_end;
	handler.characters = handler.ignorableWhitespace = on_text;
	handler.entityDecl = on_entity_declaration;
	handler.reference = on_reference;
	handler.serror = on_error;
	handler.error = handler.warning = NULL;
	handler.externalSubset = NULL;
	handler.resolveEntity = NULL;
	handler.comment = NULL;
	handler.processingInstruction = NULL;
	handler.cdataBlock = NULL; /* then CDATA is characters */
	return handler;
}

static void begin(struct lk_xml_guard *g)
{
	g->ended = false;
	g->left = 0;
	g->muted = NULL;
	g->refusal[0] = '\0';
	g->refusal_line = 0;
}

enum lk_status lk_xml_guard_open(struct lk_xml_guard *g, struct lk_error *err)
{
	xmlSAXHandler handler = make_handler();

	begin(g);
	if (g->parser && xmlCtxtResetPush(g->parser, NULL, 0, NULL, NULL))
		lk_xml_guard_release(g);
	if (!g->parser)
		g->parser = xmlCreatePushParserCtxt(&handler, NULL, NULL, 0, NULL);
	if (!g->parser)
		return lk_error_nomem(err);
	g->parser->charset = XML_CHAR_ENCODING_NONE; /* a reset would have it UTF-8, and not look for UTF-16 */
	*g->parser->sax = handler;
	g->parser->_private = g;
	g->parser->userData = g->parser;
	xmlCtxtUseOptions(g->parser, OPTIONS);
	g->parser->sax->cdataBlock = NULL;
	return LK_OK;
}

void lk_xml_guard_release(struct lk_xml_guard *g)
{
	if (!g->parser)
		return;
	xmlFreeDoc(g->parser->myDoc);
	g->parser->myDoc = NULL;
	xmlFreeParserCtxt(g->parser);
	g->parser = NULL;
}

void lk_xml_guard_clear(struct lk_xml_guard *g)
{
	if (g->parser && (*g->refusal || xmlDictGetUsage(g->parser->dict) > KEPT_NAMES_BYTES ||
				 xmlDictSize(g->parser->dict) > KEPT_NAMES))
		lk_xml_guard_release(g);
}

/* Whether the parser still takes everything. Where its memory runs out it goes silent at once, calls the
 * document well-formed all the same, and reports no error. */
static bool is_sound(struct lk_xml_guard *g)
{
	if (*g->refusal)
		return false;
	if (g->ended || (g->parser->wellFormed && !g->parser->disableSAX))
		return true;
	snprintf(g->refusal, sizeof(g->refusal), "%s",
		g->parser->errNo == XML_ERR_NO_MEMORY ? "needs too much memory" : "is not well-formed");
	g->refusal_line = xmlSAX2GetLineNumber(g->parser);
	return false;
}

/* One by one, what is left of a slice is parsed again. What is held is looked at again with each slice: larger ones keep
 * that bearable, but not so large that they could hold all the attributes of a tag that was not refused in time. */
static size_t slice_bytes(const struct lk_xml_guard *g)
{
	size_t held = (size_t)(g->parser->input->end - g->parser->input->cur);

	return g->one_by_one ? SLICE_BYTES / 8 : held > 8 * SLICE_BYTES ? 4 * SLICE_BYTES : SLICE_BYTES;
}

/* Slice by slice: a tag must not be looked at before it is known to be of a bearable size. */
bool lk_xml_guard_push(struct lk_xml_guard *g, const char *data, size_t len, bool last)
{
	if (g->ended || *g->refusal)
		return !*g->refusal;
	do {
		size_t most = slice_bytes(g), n = len < most ? len : most;
		int code;

		code = xmlParseChunk(g->parser, data, (int)n, last && n == len);
		(void)code; /* warnings count, too: refusal and is_sound say what matters */
		data += n;
		len -= n;
		if (!g->ended)
			check_held(g->parser);
		else
			g->left += len;
		if (!is_sound(g))
			return false;
	} while (len && !g->ended);
	return true;
}
