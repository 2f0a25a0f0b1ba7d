/* What a resource says of XML: its records, root element, namespaces and XPaths. */
#include "source/xml.h"

#include "source/format.h"
#include "source/xml_path.h"

static enum lk_status add_namespaces(
	struct lk_loading *l, const json_t *object, const char *at, struct lk_resource *r)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		struct lk_namespace *ns = &r->namespaces[r->namespace_count];
		bool known = false;

		for (int i = 0; i < r->namespace_count; i++)
			known |= !strcmp(r->namespaces[i].prefix, key);
		if (known)
			continue;
		ns->prefix = lk_arena_strdup(l->arena, key);
		if (!ns->prefix)
			return lk_error_nomem(l->err);
		LK_TRY(lk_prop_copy_text(l, lk_prop_at(l, at, key), value, &ns->uri));
		r->namespace_count++;
	}
	return LK_OK;
}

static enum lk_status load_namespaces(
	struct lk_loading *l, const struct lk_resource_json *json, const char *place, struct lk_resource *r)
{
	const json_t *own, *shared;

	LK_TRY(lk_prop_object(l, json->lk, place, "namespaces", &own));
	LK_TRY(lk_prop_object(l, l->package_lk, "lk", "namespaces", &shared));
	r->namespaces = lk_arena_alloc(
		l->arena, (json_object_size(own) + json_object_size(shared) + 1) * sizeof(*r->namespaces));
	if (!r->namespaces)
		return lk_error_nomem(l->err);
	LK_TRY(add_namespaces(l, own, lk_prop_at(l, place, "namespaces"), r));
	return add_namespaces(l, shared, "lk.namespaces", r);
}

static enum lk_status compile_paths(struct lk_loading *l, const char *at, struct lk_resource *r)
{
	struct lk_xml_program *program;
	const char *problem, *place;
	bool made;
	int field;

	made = lk_xml_program_make(l->arena, r, &program, &field, &problem);
	r->program = program;
	if (made)
		return LK_OK;
	if (!problem)
		return lk_error_nomem(l->err);
	if (field < 0)
		return lk_prop_wrong(l, lk_prop_at(l, at, "lk.record"), "'%s' %s", r->record, problem);
	place = lk_prop_item(l, lk_prop_at(l, at, "schema.fields"), (size_t)field);
	return lk_prop_wrong(l, lk_prop_at(l, place, "lk.path"), "'%s' %s", r->fields[field].path, problem);
}

enum lk_status lk_xml_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r)
{
	const char *place = lk_prop_at(l, json->at, "lk");

	LK_TRY(load_namespaces(l, json, place, r));
	LK_TRY(lk_prop_bool(l, l->package_lk, "lk", "fragments", &r->fragments));
	LK_TRY(lk_prop_bool(l, l->package_lk, "lk", "ignoreNamespaces", &r->no_namespaces));
	if (!r->record)
		return lk_prop_wrong(l, place, "XML needs lk.record, the XPath of its records");
	LK_TRY(lk_prop_text(l, l->package_lk, "lk", "root", &r->root));
	LK_TRY(lk_prop_text(l, json->lk, place, "root", &r->root));
	return compile_paths(l, json->at, r);
}

void lk_xml_unload(struct lk_resource *r)
{
	lk_xml_program_release(r->program);
}
