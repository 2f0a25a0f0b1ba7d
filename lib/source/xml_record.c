#include "source/xml_record.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/tree.h>
#include <libxml/xpathInternals.h>

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

xmlXPathObjectPtr lk_xml_evaluate(const struct lk_xml_target *t, xmlXPathCompExprPtr expression,
	xmlXPathContextPtr context, xmlNodePtr node)
{
	context->namespaces = t->program->namespaces;
	context->nsNr = t->program->namespace_count;
	context->doc = node->doc;
	context->node = node;
	return xmlXPathCompiledEval(expression, context);
}

static enum lk_status field_value(
	struct lk_xml_target *t, int i, xmlXPathContextPtr context, xmlNodePtr record, struct lk_error *err)
{
	const struct lk_xml_path *path = &t->program->fields[i];
	const char *join = t->sink->resource->fields[i].join;

	if (t->known[i])
		return LK_OK;
	if (path->steps.count) {
		t->values[i] = steps_value(&path->steps, record, join, &t->texts[i]);
		return lk_str_check(&t->texts[i], err);
	}
	xmlXPathFreeObject(t->objects[i]);
	t->objects[i] = lk_xml_evaluate(t, path->expression, context, record);
	if (!t->objects[i])
		return lk_error_set(err, LK_MISSING, "'%s!%s': the XPath of field %s cannot be evaluated",
			t->sink->member->delivery, t->sink->member->member,
			t->sink->resource->fields[i].name);
	t->values[i] = object_value(t->objects[i], join, &t->texts[i]);
	t->known[i] = path->constant;
	return lk_str_check(&t->texts[i], err);
}

static void make_raw(void *arg, struct lk_str *out)
{
	xmlNodePtr node = arg;
	xmlBufferPtr buffer = xmlBufferCreate();

	if (buffer && xmlNodeDump(buffer, node->doc, node, 0, 0) >= 0)
		lk_str_add(out, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
	xmlBufferFree(buffer);
}

/* Writes <name a="b"> with the namespaces that are declared there. */
static bool add_start(xmlBufferPtr buffer, const xmlNode *node)
{
	bool good = !xmlBufferCCat(buffer, "<");

	if (node->ns && node->ns->prefix)
		good = good && !xmlBufferCat(buffer, node->ns->prefix) && !xmlBufferCCat(buffer, ":");
	good = good && !xmlBufferCat(buffer, node->name);
	for (const xmlNs *ns = node->nsDef; ns; ns = ns->next) {
		good = good && !xmlBufferCCat(buffer, ns->prefix ? " xmlns:" : " xmlns");
		if (ns->prefix)
			good = good && !xmlBufferCat(buffer, ns->prefix);
		good = good && !xmlBufferCCat(buffer, "=");
		xmlBufferWriteQuotedString(buffer, ns->href ? ns->href : BAD_CAST "");
	}
	for (xmlAttrPtr a = node->properties; a; a = a->next)
		good = good && xmlNodeDump(buffer, node->doc, (xmlNodePtr)a, 0, 0) >= 0;
	return good && !xmlBufferCCat(buffer, ">");
}

static bool add_starts(xmlBufferPtr buffer, const xmlNode *node)
{
	int depth = 0;

	for (const xmlNode *up = node->parent; up && up->type == XML_ELEMENT_NODE; up = up->parent)
		depth++;
	for (; depth > 0; depth--) {
		const xmlNode *up = node;

		for (int i = 0; i < depth; i++)
			up = up->parent;
		if (!add_start(buffer, up))
			return false;
	}
	return true;
}

/* The elements around the record, from the root on, as they begin. */
static void make_context(void *arg, struct lk_str *out)
{
	xmlBufferPtr buffer = xmlBufferCreate();

	if (buffer && add_starts(buffer, arg))
		lk_str_add(out, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
	else
		out->failed = true;
	xmlBufferFree(buffer);
}

/* ../@id, ../../@id, ... */
static bool is_outer_attribute(const char *path)
{
	const char *p = path;

	while (!strncmp(p, "../", 3))
		p += 3;
	return p > path && *p == '@' && !p[strcspn(p, "/[]()|* ")];
}

bool lk_xml_alone(const struct lk_resource *r)
{
	const struct lk_xml_program *program = r->program;

	for (int i = 0; i < program->field_count; i++)
		if (program->fields[i].expression && !program->fields[i].downward && !is_outer_attribute(r->fields[i].path))
			return false;
	return true;
}

void lk_xml_close_context(const char *context, size_t len, struct lk_str *out)
{
	const char *end = context + len;

	/* An attribute holds no '<' but as an entity, so each one begins an element; they end inside out. */
	for (const char *p = end; p > context;) {
		const char *name, *stop;

		if (*--p != '<')
			continue;
		name = stop = p + 1;
		while (stop < end && !memchr(" \t\r\n>", *stop, 5))
			stop++;
		lk_str_adds(out, "</");
		lk_str_add(out, name, (size_t)(stop - name));
		lk_str_addc(out, '>');
	}
}

enum lk_status lk_xml_take_record(struct lk_xml_target *t, xmlXPathContextPtr context, xmlNodePtr record, int64_t line,
	struct lk_error *err)
{
	struct lk_place place = {.line = line, .make_raw = make_raw, .make_context = make_context, .arg = record};

	for (int i = 0; i < t->program->field_count; i++)
		if (t->program->fields[i].expression)
			LK_TRY(field_value(t, i, context, record, err));
	return lk_sink_row(t->sink, t->values, NULL, &place, err);
}

/* ---- a target's life ---- */

enum lk_status lk_xml_target_open(struct lk_xml_target *t, struct lk_sink *sink, struct lk_error *err)
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

void lk_xml_target_clear(struct lk_xml_target *t)
{
	for (int i = 0; i < t->sink->resource->field_count; i++) {
		xmlXPathFreeObject(t->objects[i]);
		t->objects[i] = NULL;
		t->known[i] = false;
	}
}

void lk_xml_target_release(struct lk_xml_target *t)
{
	for (int i = 0; t->sink && i < t->sink->resource->field_count; i++) {
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
