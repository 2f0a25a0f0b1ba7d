/*
 * One record of an XML document: the values of its fields for a sink (private to the XML format).
 *
 * Values point into the document's tree, into results of XPaths, or into texts that were put together; they live until
 * the next record.
 */
#ifndef LK_SOURCE_XML_RECORD_H
#define LK_SOURCE_XML_RECORD_H

#include "source/sink.h"
#include "source/xml_path.h"

/* What one sink needs for one document. */
struct lk_xml_target {
	struct lk_sink *sink;
	const struct lk_xml_program *program;
	struct lk_value *values;    /* by field */
	xmlXPathObjectPtr *objects; /* by field: results that values point into */
	struct lk_str *texts;	    /* by field: values that had to be put together */
	bool *known;		    /* by field: constants that were evaluated */
};

enum lk_status lk_xml_target_open(struct lk_xml_target *t, struct lk_sink *sink, struct lk_error *err) LK_CHECKED;
/* The document ended: values of constants are forgotten. */
void lk_xml_target_clear(struct lk_xml_target *t);
void lk_xml_target_release(struct lk_xml_target *t);

/* What a path of the target yields at a node; NULL when it cannot be evaluated. The caller frees it. */
xmlXPathObjectPtr lk_xml_evaluate(const struct lk_xml_target *t, xmlXPathCompExprPtr expression,
	xmlXPathContextPtr context, xmlNodePtr node);

/* Whether records of the resource can be read without the rest of their document: no path of a field looks at more than the record
 * and attributes of the elements around it. */
bool lk_xml_alone(const struct lk_resource *r);

/* Adds the ends of the elements that begin in the context of a record. */
void lk_xml_close_context(const char *context, size_t len, struct lk_str *out);

/* Hands the record to the sink. line: where it begins. */
enum lk_status lk_xml_take_record(struct lk_xml_target *t, xmlXPathContextPtr context, xmlNodePtr record, int64_t line,
	struct lk_error *err) LK_CHECKED;

#endif
