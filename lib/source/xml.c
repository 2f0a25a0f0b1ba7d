/*
 * XML: records by XPath (lk-source(5), XML), through libxml2's SAX2 with a tree of only what is needed.
 *
 * A document begins as text in a buffer. When it ends there, below the limit, it is parsed into a whole tree,
 * and records are what their XPaths find. When every resource streams and the document is longer than
 * WHOLE_BYTES, it is pushed through the parser instead: the tree then holds the open elements and what is
 * inside an open record, and is pruned as elements end.
 *
 *	document  >  catalog  >  [book]  >  ...          inside a record: kept until the outermost record ends
 *	                      >  (shelf, text: gone as soon as they end)
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/tree.h>
#include <libxml/xpathInternals.h>

#include "source/format.h"
#include "source/xml.h"
#include "source/xml_path.h"

#define WHOLE_BYTES (4 * 1024 * 1024)
#define LIMIT_BYTES (64 * 1024 * 1024)
#define RECORD_BYTES (16 * 1024 * 1024)
#define KEPT_BYTES (1024 * 1024) /* of a buffer, or of names that the parser has seen, for the next document */
#define SLICE_BYTES (32 * 1024) /* pushed at a time: the parser looks at what it holds more than once */
#define MAX_ATTRIBUTES 1000 /* of an element, and namespaces in force: the parser compares each with each */
#define MAX_NAMES 100000    /* different ones in a document: the parser's table of them does not grow as they do */
#define KEPT_NAMES (MAX_NAMES / 10)
#define OPTIONS (XML_PARSE_NONET | XML_PARSE_COMPACT | XML_PARSE_BIG_LINES | XML_PARSE_NOCDATA)

/* What one sink needs for one document. */
struct target {
	struct lk_sink *sink;
	const struct lk_xml_program *program;
	struct lk_value *values;      /* by field */
	xmlXPathObjectPtr *objects;   /* by field: results that values point into */
	struct lk_str *texts;	      /* by field: values that had to be put together */
	bool *known;		      /* by field: constants that were evaluated */
};

/* A record of a streamed document that has begun. */
struct pending {
	struct target *target;
	xmlNodePtr node;
	int64_t line;
	size_t begin; /* record_bytes when it began */
	ptrdiff_t outer; /* the open record around it: index, or -1 */
	bool ended;
};

struct xml {
	struct lk_sink *const *sinks;
	int count;
	struct target *targets;
	bool streams;	      /* all resources can */
	struct lk_str buffer; /* the document so far, before it is decided how it is read */
	xmlParserCtxtPtr parser;
	xmlDocPtr doc; /* a whole document */
	xmlXPathContextPtr context;
	bool streaming;
	bool over; /* failed, or too long: what comes is not looked at */
	struct pending *pending; /* in the order in which they began; the first is outermost */
	size_t pending_count, pending_cap;
	ptrdiff_t innermost; /* of them that is open; -1 */
	size_t record_bytes; /* about what is held for them */
	char refusal[256];   /* why the parser was stopped, "" when it was not */
	int64_t refusal_line;
	enum lk_status status; /* of a callback that ends the run */
	struct lk_error *err;
};

/* ---- fields of a record ---- */

/* A text that libxml2 made (NULL when it could not), in room. */
static struct lk_value take_text(xmlChar *text, struct lk_str *room)
{
	lk_str_clear(room);
	if (text)
		lk_str_adds(room, (const char *)text);
	else
		room->failed = true;
	xmlFree(text);
	return (struct lk_value){.data = lk_str_text(room), .len = room->len};
}

/* The text of a node: borrowed where it is in one piece, else put together in room. */
static struct lk_value node_text(const xmlNode *node, struct lk_str *room)
{
	const xmlNode *only =
		node->type == XML_ELEMENT_NODE || node->type == XML_ATTRIBUTE_NODE ? node->children : NULL;

	if (!only && (node->type == XML_ELEMENT_NODE || node->type == XML_ATTRIBUTE_NODE))
		return (struct lk_value){.data = ""};
	if (only && !only->next && only->type == XML_TEXT_NODE && only->content)
		return (struct lk_value){
			.data = (const char *)only->content, .len = strlen((const char *)only->content)};
	return take_text(xmlNodeGetContent(node), room);
}

struct finding {
	struct lk_value value;
	struct lk_str *room;
	const char *join;
	struct lk_str piece;
};

static bool found_first(void *arg, const xmlNode *node)
{
	struct finding *f = arg;

	f->value = node_text(node, f->room);
	return false;
}

static bool found_next(void *arg, const xmlNode *node)
{
	struct finding *f = arg;
	struct lk_value piece = node_text(node, &f->piece);

	if (f->value.data)
		lk_str_adds(f->room, f->join);
	lk_str_add(f->room, piece.data, piece.len);
	f->room->failed |= f->piece.failed;
	f->value = (struct lk_value){.data = lk_str_text(f->room), .len = f->room->len};
	return true;
}

static struct lk_value steps_value(
	const struct lk_xml_steps *steps, const xmlNode *record, const char *join, struct lk_str *room)
{
	struct finding f = {.room = room, .join = join};

	lk_str_clear(room);
	lk_xml_steps_walk(steps, record, join ? found_next : found_first, &f);
	lk_str_release(&f.piece);
	return f.value;
}

static struct lk_value set_value(xmlNodeSetPtr set, const char *join, struct lk_str *room)
{
	struct finding f = {.room = room, .join = join};

	lk_str_clear(room);
	if (!set || !set->nodeNr)
		return f.value;
	if (set->nodeNr > 1)
		xmlXPathNodeSetSort(set);
	for (int i = 0; i < set->nodeNr; i++)
		if (!(join ? found_next : found_first)(&f, set->nodeTab[i]))
			break;
	lk_str_release(&f.piece);
	return f.value;
}

static struct lk_value object_value(xmlXPathObjectPtr object, const char *join, struct lk_str *room)
{
	if (object->type == XPATH_NODESET)
		return set_value(object->nodesetval, join, room);
	if (object->type == XPATH_STRING && object->stringval)
		return (struct lk_value){.data = (const char *)object->stringval,
			.len = strlen((const char *)object->stringval)};
	return take_text(xmlXPathCastToString(object), room);
}

static xmlXPathObjectPtr evaluate(
	struct xml *x, const struct target *t, const struct lk_xml_path *path, xmlNodePtr node)
{
	x->context->namespaces = t->program->namespaces;
	x->context->nsNr = t->program->namespace_count;
	x->context->doc = node->doc;
	x->context->node = node;
	return xmlXPathCompiledEval(path->expression, x->context);
}

static enum lk_status field_value(struct xml *x, struct target *t, int i, xmlNodePtr record)
{
	const struct lk_xml_path *path = &t->program->fields[i];
	const char *join = t->sink->resource->fields[i].join;

	if (t->known[i])
		return LK_OK;
	if (path->steps.count) {
		t->values[i] = steps_value(&path->steps, record, join, &t->texts[i]);
		return lk_str_check(&t->texts[i], x->err);
	}
	xmlXPathFreeObject(t->objects[i]);
	t->objects[i] = evaluate(x, t, path, record);
	if (!t->objects[i])
		return lk_error_set(x->err, LK_MISSING, "'%s!%s': the XPath of field %s cannot be evaluated",
			t->sink->member->delivery, t->sink->member->member,
			t->sink->resource->fields[i].name);
	t->values[i] = object_value(t->objects[i], join, &t->texts[i]);
	t->known[i] = path->constant;
	return lk_str_check(&t->texts[i], x->err);
}

static void make_raw(void *arg, struct lk_str *out)
{
	xmlNodePtr node = arg;
	xmlBufferPtr buffer = xmlBufferCreate();

	if (buffer && xmlNodeDump(buffer, node->doc, node, 0, 0) >= 0)
		lk_str_add(out, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
	xmlBufferFree(buffer);
}

static enum lk_status take_record(struct xml *x, struct target *t, xmlNodePtr record, int64_t line)
{
	struct lk_place place = {.line = line, .make_raw = make_raw, .arg = record};

	for (int i = 0; i < t->program->field_count; i++)
		if (t->program->fields[i].expression)
			LK_TRY(field_value(x, t, i, record));
	return lk_sink_row(t->sink, t->values, NULL, &place, x->err);
}

static void quiet(void *user, xmlErrorPtr error)
{
	(void)user, (void)error;
}

static enum lk_status open_context(struct xml *x, struct lk_error *err)
{
	if (x->context)
		return LK_OK;
	x->context = xmlXPathNewContext(NULL);
	if (!x->context)
		return lk_error_nomem(err);
	x->context->error = quiet;
	xmlXPathContextSetCache(x->context, 1, -1, 0);
	return LK_OK;
}

/* ---- what the parser says ---- */

static void refuse(xmlParserCtxtPtr parser, const char *fmt, const char *name)
{
	struct xml *x = parser->_private;

	if (!*x->refusal) {
		snprintf(x->refusal, sizeof(x->refusal), fmt, name);
		x->refusal_line = xmlSAX2GetLineNumber(parser);
	}
	xmlStopParser(parser);
}

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
	struct xml *x = parser->_private;

	if (error->level != XML_ERR_FATAL || *x->refusal)
		return;
	if (error->code == XML_ERR_DOCUMENT_END && parser->nameNr > 0)
		snprintf(x->refusal, sizeof(x->refusal), "is not well-formed: it ends within the element '%.64s'",
			(const char *)parser->name);
	else
		snprintf(x->refusal, sizeof(x->refusal), "is not well-formed: %.200s",
			error->message ? error->message : "");
	x->refusal[strcspn(x->refusal, "\n")] = '\0';
	x->refusal_line = error->line;
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
	else
		return false;
	return true;
}

static void on_whole_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int ns_count, const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	if (!is_too_much(user, name, attribute_count))
		xmlSAX2StartElementNs(user, name, prefix, uri, ns_count, namespaces, attribute_count, defaulted,
			attributes);
}

/* The same for a tag of which the parser holds the beginning, and which it would look at once it has the end. */
static void check_held(xmlParserCtxtPtr parser)
{
	const xmlChar *p = parser->input->cur, *end = parser->input->end;
	int count = 0;

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

static xmlSAXHandler whole_handler(void)
{
	xmlSAXHandler handler;

	memset(&handler, 0, sizeof(handler));
	xmlSAX2InitDefaultSAXHandler(&handler, 0);
	handler.startElementNs = on_whole_start;
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

static enum lk_status fail(struct xml *x, const char *what, int64_t line)
{
	struct lk_place place = {.line = line};

	x->over = true;
	return lk_sinks_fail(x->sinks, x->count, &place, x->err, "%s", what);
}

/* Whether the parser still takes everything. A text of more than XML_MAX_TEXT_LENGTH is to libxml2 like memory that ran out: it
 * goes silent at once, calls the document well-formed all the same, and reports no error. */
static bool is_sound(const xmlParserCtxt *parser)
{
	return parser->wellFormed && !parser->disableSAX;
}

/* After the parser's end, and when it stopped before: what is wrong fails the document. */
static enum lk_status check_parsed(struct xml *x)
{
	const char *what = "is not well-formed";

	if (x->status)
		return x->status;
	if (*x->refusal)
		return fail(x, x->refusal, x->refusal_line);
	if (is_sound(x->parser) && (x->streaming || x->parser->myDoc))
		return LK_OK;
	if (x->parser->errNo == XML_ERR_NO_MEMORY)
		what = "a text is longer than 10 MB";
	return fail(x, what, x->refusal_line ? x->refusal_line : xmlSAX2GetLineNumber(x->parser));
}

static void free_parser(struct xml *x)
{
	if (!x->parser)
		return;
	xmlFreeDoc(x->parser->myDoc);
	x->parser->myDoc = NULL;
	xmlFreeParserCtxt(x->parser);
	x->parser = NULL;
}

/* The parser of the document before is taken again: it knows most names already. */
static enum lk_status open_parser(struct xml *x)
{
	xmlSAXHandler handler = whole_handler();

	if (x->parser && xmlCtxtResetPush(x->parser, NULL, 0, NULL, NULL))
		free_parser(x);
	if (x->parser)
		return LK_OK;
	x->parser = xmlCreatePushParserCtxt(&handler, NULL, NULL, 0, NULL);
	if (!x->parser)
		return lk_error_nomem(x->err);
	x->parser->_private = x;
	x->parser->userData = x->parser;
	xmlCtxtUseOptions(x->parser, OPTIONS);
	x->parser->sax->cdataBlock = NULL;
	return LK_OK;
}

/* Slice by slice, whole documents too: a tag must not be looked at before it is known to be of a bearable size. */
static enum lk_status push(struct xml *x, const char *data, size_t len, bool last)
{
	do {
		size_t n = len < SLICE_BYTES ? len : SLICE_BYTES;
		int code = xmlParseChunk(x->parser, data, (int)n, last && n == len);

		check_held(x->parser);
		(void)code; /* warnings count, too: refusal and is_sound say what matters */
		if (*x->refusal || !is_sound(x->parser) || x->status)
			return check_parsed(x);
		data += n;
		len -= n;
	} while (len);
	return last ? check_parsed(x) : LK_OK;
}

/* ---- whole documents ---- */

static enum lk_status take_set(struct xml *x, struct target *t, xmlNodeSetPtr set)
{
	if (!set)
		return LK_OK;
	if (set->nodeNr > 1)
		xmlXPathNodeSetSort(set);
	for (int i = 0; i < set->nodeNr; i++) {
		xmlNodePtr node = set->nodeTab[i];
		struct lk_place place = {.line = xmlGetLineNo(node)};

		if (node->type == XML_ELEMENT_NODE)
			LK_TRY(take_record(x, t, node, place.line));
		else
			LK_TRY(lk_sink_reject(t->sink, NULL,
				"lk.record yields something else than an element here", &place, x->err));
	}
	return LK_OK;
}

static enum lk_status take_target(struct xml *x, struct target *t)
{
	xmlXPathObjectPtr result;
	enum lk_status status;

	result = evaluate(x, t, &t->program->record, (xmlNodePtr)x->doc);
	if (!result)
		return lk_sinks_fail(&t->sink, 1, NULL, x->err, "lk.record cannot be evaluated");
	status = take_set(x, t, result->type == XPATH_NODESET ? result->nodesetval : NULL);
	xmlXPathFreeObject(result);
	return status;
}

static enum lk_status read_whole(struct xml *x)
{
	if (!x->buffer.len)
		return fail(x, "is empty", 0);
	LK_TRY(open_parser(x));
	LK_TRY(push(x, x->buffer.data, x->buffer.len, false));
	if (!x->over)
		LK_TRY(push(x, "", 0, true));
	if (x->over)
		return LK_OK;
	x->doc = x->parser->myDoc;
	x->parser->myDoc = NULL;
	xmlXPathOrderDocElems(x->doc);
	for (int i = 0; i < x->count; i++)
		LK_TRY(take_target(x, &x->targets[i]));
	return LK_OK;
}

/* ---- streamed documents ---- */

static void stop(struct xml *x, enum lk_status status)
{
	if (x->status == LK_OK)
		x->status = status;
	xmlStopParser(x->parser);
}

static void prune(xmlNodePtr node)
{
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

static ptrdiff_t shifted(ptrdiff_t index, size_t count)
{
	return index >= (ptrdiff_t)count ? index - (ptrdiff_t)count : -1;
}

/* Takes the first `count` of the records that have begun; those that are still open are too long. */
static enum lk_status take_pending(struct xml *x, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pending *p = &x->pending[i];
		struct lk_place place = {.line = p->line};

		if (p->ended)
			LK_TRY(take_record(x, p->target, p->node, p->line));
		else
			LK_TRY(lk_sink_reject(p->target->sink, NULL, "is longer than 16 MiB", &place, x->err));
	}
	x->pending_count -= count;
	memmove(x->pending, x->pending + count, x->pending_count * sizeof(*x->pending));
	for (size_t i = 0; i < x->pending_count; i++)
		x->pending[i].outer = shifted(x->pending[i].outer, count);
	x->innermost = shifted(x->innermost, count);
	return LK_OK;
}

/* What is held became too much: the outermost records that are still open are rejected, until the next one in
 * them holds little enough; all that is outside it goes, but for the open elements. */
static enum lk_status let_go(struct xml *x)
{
	xmlNodePtr top = x->pending[0].node, below = NULL;
	size_t keep = 1;

	while (keep < x->pending_count &&
		(x->pending[keep].ended || x->record_bytes - x->pending[keep].begin > RECORD_BYTES / 2))
		keep++;
	LK_TRY(take_pending(x, keep));
	if (x->pending_count)
		below = x->pending[0].node;
	for (xmlNodePtr open = below ? below->parent : x->parser->node; open;
		below = open, open = open->parent) {
		for (xmlNodePtr child = open->children, next; child; child = next) {
			next = child->next;
			if (child != below)
				prune(child);
		}
		if (open == top)
			break;
	}
	x->record_bytes -= x->pending_count ? x->pending[0].begin : x->record_bytes;
	for (size_t i = x->pending_count; i > 0; i--)
		x->pending[i - 1].begin -= x->pending[0].begin;
	x->parser->nodemem = -1;
	return LK_OK;
}

static void hold(struct xml *x, size_t bytes)
{
	enum lk_status status;

	x->record_bytes += bytes;
	if (x->record_bytes <= RECORD_BYTES)
		return;
	status = let_go(x);
	if (status)
		stop(x, status);
}

static bool add_pending(struct xml *x, struct target *t, xmlNodePtr node)
{
	if (!lk_grow((void **)&x->pending, &x->pending_cap, x->pending_count + 1, sizeof(*x->pending)))
		return false;
	x->pending[x->pending_count] = (struct pending){
		t, node, xmlSAX2GetLineNumber(x->parser), x->record_bytes, x->innermost, false};
	x->innermost = (ptrdiff_t)x->pending_count++;
	return true;
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count,
	const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	xmlParserCtxtPtr parser = user;
	struct xml *x = parser->_private;
	size_t bytes = sizeof(xmlNode);

	if (is_too_much(parser, name, attribute_count))
		return;
	xmlSAX2StartElementNs(
		user, name, prefix, uri, ns_count, namespaces, attribute_count, defaulted, attributes);
	if (!parser->node)
		return;
	for (int i = 0; i < x->count; i++)
		if (lk_xml_steps_match(&x->targets[i].program->record.steps, parser->node) &&
			!add_pending(x, &x->targets[i], parser->node))
			stop(x, lk_error_nomem(x->err));
	for (int i = 0; i < attribute_count; i++)
		bytes += sizeof(xmlAttr) + (size_t)(attributes[5 * i + 4] - attributes[5 * i + 3]);
	if (x->pending_count)
		hold(x, bytes);
}

static void on_end(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	xmlParserCtxtPtr parser = user;
	struct xml *x = parser->_private;
	xmlNodePtr node = parser->node;
	enum lk_status status;

	xmlSAX2EndElementNs(user, name, prefix, uri);
	if (!node)
		return;
	while (x->innermost >= 0 && x->pending[x->innermost].node == node) {
		x->pending[x->innermost].ended = true;
		x->innermost = x->pending[x->innermost].outer;
	}
	if (x->pending_count && x->pending[0].node == node) {
		status = take_pending(x, x->pending_count);
		x->record_bytes = 0;
		if (status)
			stop(x, status);
	}
	if (!x->pending_count)
		prune(node);
}

static void on_characters(void *user, const xmlChar *text, int len)
{
	xmlParserCtxtPtr parser = user;
	struct xml *x = parser->_private;

	if (!x->pending_count)
		return;
	xmlSAX2Characters(user, text, len);
	hold(x, (size_t)len);
}

static enum lk_status begin_streaming(struct xml *x)
{
	free_parser(x);
	x->streaming = true;
	LK_TRY(open_parser(x));
	x->parser->sax->startElementNs = on_start;
	x->parser->sax->endElementNs = on_end;
	x->parser->sax->characters = x->parser->sax->ignorableWhitespace = on_characters;
	return push(x, x->buffer.data, x->buffer.len, false);
}

/* ---- as a reader ---- */

static enum lk_status open_target(struct target *t, struct lk_sink *sink, struct lk_error *err)
{
	size_t fields = (size_t)sink->resource->field_count;

	t->sink = sink;
	t->program = sink->resource->program;
	t->values = calloc(fields, sizeof(*t->values));
	t->objects = calloc(fields, sizeof(*t->objects));
	t->texts = calloc(fields, sizeof(*t->texts));
	t->known = calloc(fields, sizeof(*t->known));
	return t->values && t->objects && t->texts && t->known ? LK_OK : lk_error_nomem(err);
}

static enum lk_status xml_open(void **self, struct lk_sink *const *sinks, int count, struct lk_error *err)
{
	struct xml *x = *self ? *self : calloc(1, sizeof(*x));

	*self = x;
	if (!x)
		return lk_error_nomem(err);
	LK_TRY(open_context(x, err));
	x->sinks = sinks;
	x->targets = calloc((size_t)count, sizeof(*x->targets));
	if (!x->targets)
		return lk_error_nomem(err);
	x->count = count;
	x->innermost = -1;
	x->streams = true;
	for (int i = 0; i < count; i++) {
		LK_TRY(open_target(&x->targets[i], sinks[i], err));
		x->streams &= x->targets[i].program->streams;
	}
	return LK_OK;
}

/* How much of the document there will be to hold, as far as the delivery tells. */
static size_t expected_bytes(const struct xml *x)
{
	int64_t size = x->sinks[0]->member->member_size;
	int64_t most = x->streams ? WHOLE_BYTES : LIMIT_BYTES;

	return (size_t)(size < most ? size : most);
}

static enum lk_status xml_feed(void *self, const char *data, size_t len, struct lk_error *err)
{
	struct xml *x = self;

	x->err = err;
	if (x->over || x->sinks[0]->failed)
		return LK_OK;
	if (x->streaming)
		return push(x, data, len, false);
	if (!x->streams && x->buffer.len + len > LIMIT_BYTES)
		return fail(x,
			"is longer than 64 MiB, and has a resource whose paths need the whole document", 0);
	if (!x->buffer.len && x->sinks[0]->member->member_size > (int64_t)len)
		lk_str_reserve(&x->buffer, expected_bytes(x));
	lk_str_add(&x->buffer, data, len);
	LK_TRY(lk_str_check(&x->buffer, err));
	if (!x->streams || x->buffer.len <= WHOLE_BYTES)
		return LK_OK;
	LK_TRY(begin_streaming(x));
	lk_str_release(&x->buffer);
	return LK_OK;
}

static enum lk_status xml_finish(void *self, struct lk_error *err)
{
	struct xml *x = self;

	x->err = err;
	if (x->over || x->sinks[0]->failed)
		return LK_OK;
	return x->streaming ? push(x, "", 0, true) : read_whole(x);
}

static void release_target(struct target *t)
{
	for (int i = 0; i < t->sink->resource->field_count; i++) {
		if (t->objects)
			xmlXPathFreeObject(t->objects[i]);
		if (t->texts)
			lk_str_release(&t->texts[i]);
	}
	free(t->values);
	free(t->objects);
	free(t->texts);
	free(t->known);
}

static bool is_worn(xmlParserCtxtPtr parser)
{
	return xmlDictGetUsage(parser->dict) > KEPT_BYTES || xmlDictSize(parser->dict) > KEPT_NAMES;
}

/* The parser keeps the names that it has seen, and its buffers; after a streamed document, or when it was
 * stopped, it goes. */
static void xml_clear(void *self)
{
	struct xml *x = self,
		   kept = {.context = x->context, .pending = x->pending, .pending_cap = x->pending_cap};

	for (int i = 0; x->targets && i < x->count; i++)
		if (x->targets[i].sink)
			release_target(&x->targets[i]);
	free(x->targets);
	xmlFreeDoc(x->doc);
	if (x->streaming || *x->refusal || (x->parser && is_worn(x->parser)))
		free_parser(x);
	kept.parser = x->parser;
	lk_str_clear(&x->buffer);
	if (x->buffer.cap > KEPT_BYTES)
		lk_str_release(&x->buffer);
	kept.buffer = x->buffer;
	*x = kept;
}

static void xml_close(void *self)
{
	struct xml *x = self;

	if (!x)
		return;
	xml_clear(x);
	free_parser(x);
	xmlXPathFreeContext(x->context);
	lk_str_release(&x->buffer);
	free(x->pending);
	free(x);
}

static const char *const words[] = {"xml", NULL};
static const char *const properties[] = {"root", "namespaces", NULL};

const struct lk_file_format lk_format_xml = {
	.words = words,
	.properties = properties,
	.path_noun = "an XPath",
	.trims = true,
	.binary = true,
	.load = lk_xml_load,
	.unload = lk_xml_unload,
	.look = lk_xml_look,
	.fits = lk_xml_fits,
	.forget = lk_xml_forget,
	.shared = true,
	.open = xml_open,
	.feed = xml_feed,
	.finish = xml_finish,
	.clear = xml_clear,
	.close = xml_close,
};
