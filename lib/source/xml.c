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
#include <libxml/tree.h>
#include <libxml/xpathInternals.h>

#include "source/format.h"
#include "source/xml.h"
#include "source/xml_guard.h"
#include "source/xml_record.h"

#define WHOLE_BYTES (4 * 1024 * 1024)
#define LIMIT_BYTES (64 * 1024 * 1024)
#define RECORD_BYTES (16 * 1024 * 1024)
#define KEPT_BYTES (1024 * 1024) /* of a buffer, for the next document */

/* A record of a streamed document that has begun. */
struct pending {
	struct lk_xml_target *target;
	xmlNodePtr node;
	int64_t line;
	size_t begin; /* record_bytes when it began */
	ptrdiff_t outer; /* the open record around it: index, or -1 */
	bool ended;
};

struct xml {
	struct lk_sink *const *sinks;
	int count;
	struct lk_xml_target *targets;
	bool streams;	      /* all resources can */
	struct lk_str buffer; /* the document so far, before it is decided how it is read */
	struct lk_xml_guard guard;
	xmlDocPtr doc; /* a whole document */
	xmlXPathContextPtr context;
	bool streaming;
	bool fragments; /* several documents may follow each other */
	bool between;	/* the last one has ended */
	bool over; /* failed, or too long: what comes is not looked at */
	struct pending *pending; /* in the order in which they began; the first is outermost */
	size_t pending_count, pending_cap;
	ptrdiff_t innermost; /* of them that is open; -1 */
	size_t record_bytes; /* about what is held for them */
	enum lk_status status; /* of a callback that ends the run */
	struct lk_error *err;
};

/* ---- the parser ---- */

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

static enum lk_status fail(struct xml *x, const char *what, int64_t line)
{
	struct lk_place place = {.line = line};

	x->over = true;
	return lk_sinks_fail(x->sinks, x->count, &place, x->err, "%s", what);
}

/* ---- whole documents ---- */

static enum lk_status take_set(struct xml *x, struct lk_xml_target *t, xmlNodeSetPtr set)
{
	if (!set)
		return LK_OK;
	if (set->nodeNr > 1)
		xmlXPathNodeSetSort(set);
	for (int i = 0; i < set->nodeNr; i++) {
		xmlNodePtr node = set->nodeTab[i];
		struct lk_place place = {.line = xmlGetLineNo(node)};

		if (node->type == XML_ELEMENT_NODE)
			LK_TRY(lk_xml_take_record(t, x->context, node, place.line, x->err));
		else
			LK_TRY(lk_sink_reject(t->sink, NULL,
				"lk.record yields something else than an element here", &place, x->err));
	}
	return LK_OK;
}

static enum lk_status take_target(struct xml *x, struct lk_xml_target *t)
{
	xmlXPathObjectPtr result;
	enum lk_status status;

	result = lk_xml_evaluate(t, t->program->record.expression, x->context, (xmlNodePtr)x->doc);
	if (!result)
		return lk_sinks_fail(&t->sink, 1, NULL, x->err, "lk.record cannot be evaluated");
	status = take_set(x, t, result->type == XPATH_NODESET ? result->nodesetval : NULL);
	xmlXPathFreeObject(result);
	return status;
}

/* The document is a tree: takes what is in it. */
static enum lk_status take_tree(struct xml *x)
{
	x->doc = x->guard.parser->myDoc;
	x->guard.parser->myDoc = NULL;
	xmlXPathOrderDocElems(x->doc);
	for (int i = 0; i < x->count; i++) {
		LK_TRY(take_target(x, &x->targets[i]));
		lk_xml_target_clear(&x->targets[i]);
	}
	xmlFreeDoc(x->doc);
	x->doc = NULL;
	return LK_OK;
}

static enum lk_status read_whole(struct xml *x)
{
	const char *data = x->buffer.data;
	size_t len = x->buffer.len;

	if (!len)
		return fail(x, "is empty", 0);
	do {
		LK_TRY(lk_xml_guard_open(&x->guard, x->err));
		if (!lk_xml_guard_push(&x->guard, data, len, false) || !lk_xml_guard_push(&x->guard, "", 0, true))
			return fail(x, x->guard.refusal, x->guard.refusal_line);
		LK_TRY(take_tree(x));
		data += len - x->guard.left;
		len = x->guard.left;
		lk_text_trim(&data, &len);
	} while (len);
	return LK_OK;
}

/* ---- streamed documents ---- */

static void stop(struct xml *x, enum lk_status status)
{
	if (x->status == LK_OK)
		x->status = status;
	xmlStopParser(x->guard.parser);
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

/* An element that the steps found, complete: it is a record if the predicates say so. */
static enum lk_status take_ended(struct xml *x, const struct pending *p)
{
	xmlXPathCompExprPtr test = p->target->program->record.test;
	xmlXPathObjectPtr result;
	bool holds;

	if (test) {
		result = lk_xml_evaluate(p->target, test, x->context, p->node);
		if (!result)
			return lk_sinks_fail(&p->target->sink, 1, NULL, x->err, "lk.record cannot be evaluated");
		holds = xmlXPathCastToBoolean(result);
		xmlXPathFreeObject(result);
		if (!holds)
			return LK_OK;
	}
	return lk_xml_take_record(p->target, x->context, p->node, p->line, x->err);
}

/* Takes the first `count` of the records that have begun; those that are still open are too long. */
static enum lk_status take_pending(struct xml *x, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pending *p = &x->pending[i];
		struct lk_place place = {.line = p->line};

		if (p->ended)
			LK_TRY(take_ended(x, p));
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
	for (xmlNodePtr open = below ? below->parent : x->guard.parser->node; open;
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
	x->guard.parser->nodemem = -1;
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

static bool add_pending(struct xml *x, struct lk_xml_target *t, xmlNodePtr node)
{
	if (!lk_grow((void **)&x->pending, &x->pending_cap, x->pending_count + 1, sizeof(*x->pending)))
		return false;
	x->pending[x->pending_count] = (struct pending){
		t, node, xmlSAX2GetLineNumber(x->guard.parser), x->record_bytes, x->innermost, false};
	x->innermost = (ptrdiff_t)x->pending_count++;
	return true;
}

static struct xml *owner_of(xmlParserCtxtPtr parser)
{
	struct lk_xml_guard *guard = parser->_private;

	return guard->owner;
}

static void on_start(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count,
	const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	xmlParserCtxtPtr parser = user;
	struct xml *x = owner_of(parser);
	size_t bytes = sizeof(xmlNode);

	if (!lk_xml_guard_start(
		    parser, name, prefix, uri, ns_count, namespaces, attribute_count, defaulted, attributes))
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
	struct xml *x = owner_of(parser);
	xmlNodePtr node = parser->node;
	enum lk_status status;

	lk_xml_guard_end(parser, name, prefix, uri);
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

static void on_text(void *user, const xmlChar *text, int len)
{
	struct xml *x = owner_of(user);

	if (x->pending_count && lk_xml_guard_text(user, text, len))
		hold(x, (size_t)len);
}

static enum lk_status begin_document(struct xml *x)
{
	x->between = false;
	LK_TRY(lk_xml_guard_open(&x->guard, x->err));
	x->guard.parser->sax->startElementNs = on_start;
	x->guard.parser->sax->endElementNs = on_end;
	x->guard.parser->sax->characters = x->guard.parser->sax->ignorableWhitespace = on_text;
	return LK_OK;
}

/* Parses more of what may be several documents. */
static enum lk_status push(struct xml *x, const char *data, size_t len, bool last)
{
	for (;;) {
		while (x->between && len && lk_is_white(*data)) {
			data++;
			len--;
		}
		if (x->between && !len)
			return LK_OK;
		if (x->between)
			LK_TRY(begin_document(x));
		if (!lk_xml_guard_push(&x->guard, data, len, last) && x->status == LK_OK)
			return fail(x, x->guard.refusal, x->guard.refusal_line);
		if (x->status || !x->guard.ended)
			return x->status;
		x->between = true;
		data += len - x->guard.left;
		len = x->guard.left;
	}
}

static enum lk_status begin_streaming(struct xml *x)
{
	lk_xml_guard_release(&x->guard);
	x->streaming = true;
	LK_TRY(begin_document(x));
	return push(x, x->buffer.data, x->buffer.len, false);
}

/* ---- as a reader ---- */

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
	x->guard.owner = x;
	x->fragments = sinks[0]->resource->fragments;
	x->guard.one_by_one = x->fragments;
	x->guard.no_namespaces = sinks[0]->resource->no_namespaces;
	x->innermost = -1;
	x->streams = true;
	for (int i = 0; i < count; i++) {
		LK_TRY(lk_xml_target_open(&x->targets[i], sinks[i], err));
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
	if (!x->over && !x->sinks[0]->failed)
		LK_TRY(x->streaming ? push(x, "", 0, true) : read_whole(x));
	for (int i = 0; i < x->count && x->guard.attachments; i++)
		lk_sink_warn(x->sinks[i], "%lld attachment%s in base64 left out", (long long)x->guard.attachments,
			x->guard.attachments == 1 ? "" : "s");
	return LK_OK;
}

/* The parser keeps the names that it has seen, and its buffers; after a streamed document, or when it was stopped, it
 * goes. */
static void xml_clear(void *self)
{
	struct xml *x = self,
		   kept = {.context = x->context, .pending = x->pending, .pending_cap = x->pending_cap};

	for (int i = 0; x->targets && i < x->count; i++)
		lk_xml_target_release(&x->targets[i]);
	free(x->targets);
	xmlFreeDoc(x->doc);
	if (x->streaming)
		lk_xml_guard_release(&x->guard);
	lk_xml_guard_clear(&x->guard);
	kept.guard.parser = x->guard.parser;
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
	lk_xml_guard_release(&x->guard);
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
	.alone = lk_xml_alone,
	.close_context = lk_xml_close_context,
	.shared = true,
	.open = xml_open,
	.feed = xml_feed,
	.finish = xml_finish,
	.clear = xml_clear,
	.close = xml_close,
};
