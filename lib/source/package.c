#include "source/package.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "source/document.h"
#include "source/format.h"
#include "source/property.h"
#include "stream/stream.h"

/* What the standard knows, versions 1 and 2: others are ignored, but those that look like one of these are typing errors. */
const char *const lk_known_package[] = {"$schema", "name", "id", "profile", "title", "description", "homepage",
	"version", "created", "keywords", "image", "licenses", "contributors", "sources", "resources", "missingValues", NULL};
const char *const lk_known_resource[] = {"$schema", "name", "path", "data", "type", "profile", "title",
	"description", "homepage", "format", "mediatype", "encoding", "bytes", "hash", "sources", "licenses", "dialect",
	"schema", "compression", NULL};
const char *const lk_known_schema[] = {"$schema", "name", "title", "description", "fields", "fieldsMatch",
	"missingValues", "primaryKey", "uniqueKeys", "foreignKeys", NULL};
const char *const lk_known_package_lk[] = {"delivery", "ignore", "namespaces", "ignoreNamespaces", "fragments", "root", "timezone",
	"encodings", "wrongBytes", NULL};
const char *const lk_known_resource_lk[] = {"table", "record", "order", "op", "load", "scope", "partition", "timezone", "rest",
	"missing", "extends", "encodings", "wrongBytes", "maxVanish", "history", "surrogate", NULL};

/* ---- names ---- */

/* `table` or `namespace.table`, each of small letters, digits and underscores that begins with a letter. */
static bool is_table_name(const char *table)
{
	int dots = 0;

	for (const char *p = table; *p; p++) {
		bool first = p == table || p[-1] == '.';

		if (*p == '.'   ? first || !p[1] || dots++
			: first ? !islower((unsigned char)*p)
				: !lk_is_name_char(*p))
			return false;
	}
	return *table;
}

static enum lk_status load_table(struct lk_loading *l, const json_t *lk, const char *at, struct lk_resource *r)
{
	const char *given = NULL;
	char *table;

	LK_TRY(lk_prop_text(l, lk, lk_prop_at(l, at, "lk"), "table", &given));
	table = lk_arena_strdup(l->arena, given ? given : r->name);
	if (!table)
		return lk_error_nomem(l->err);
	for (char *p = table; !given && *p; p++)
		if (*p == '-')
			*p = '_';
	if (!is_table_name(table))
		return lk_prop_wrong(l, lk_prop_at(l, at, given ? "lk.table" : "name"),
			"'%s' is not the name of a table: small letters, "
			"digits and underscores, with or without a namespace and a dot before it",
			table);
	if (!strncmp(table, "lk.", 3) || !strncmp(table, "quarantine.", 11))
		return lk_prop_wrong(
			l, lk_prop_at(l, at, "lk.table"), "the namespace of '%s' is taken", table);
	r->table = table;
	return LK_OK;
}

/* ---- resources ---- */

static enum lk_status load_match(
	struct lk_loading *l, const struct lk_resource_json *json, const char *at, struct lk_resource *r)
{
	static const char *const words[] = {"exact", "equal", "subset", "superset", "partial", NULL};
	const json_t *value = json_object_get(json->schema, "fieldsMatch");
	const char *place = lk_prop_at(l, json->at, "schema.fieldsMatch");
	int match = -1;

	LK_TRY(lk_prop_bool(l, json->lk, lk_prop_at(l, at, "lk"), "rest", &r->rest));
	if (json_is_array(value) && json_array_size(value) == 1)
		LK_TRY(lk_prop_copy_word(l, lk_prop_item(l, place, 0), json_array_get(value, 0), words, &match));
	else if (value)
		LK_TRY(lk_prop_copy_word(l, place, value, words, &match));
	r->match = match >= 0 ? (enum lk_fields_match)match : r->rest && !r->pads ? LK_FIELDS_SUBSET : LK_FIELDS_EXACT;
	if (r->rest && !r->pads && !r->format->has_names && (r->format != &lk_format_delimited || !r->dialect.header ||
			       (r->match != LK_FIELDS_SUBSET && r->match != LK_FIELDS_PARTIAL)))
		return lk_prop_wrong(l, lk_prop_at(l, at, "lk.rest"),
			"needs JSON, or delimited text with lk.ragged pad, or with a header and fieldsMatch subset or partial");
	return LK_OK;
}

static const char *near_format(struct lk_loading *l, const char *word)
{
	const char *near = "";

	for (int i = 0; lk_file_format_at(i) && !*near; i++)
		near = lk_prop_near(l, lk_file_format_at(i)->words, word);
	return near;
}

/* What a resource is that names no format: XML where there is a record, and nothing of the kind that text has. */
static const char *assumed_format(const json_t *resource, const struct lk_resource *r)
{
	const json_t *lk = json_object_get(resource, "lk");

	if (!r->record || json_object_get(resource, "dialect") || json_object_get(lk, "header") || json_object_get(lk, "trailer") ||
		json_object_get(lk, "recordType"))
		return "csv";
	return "xml";
}

static enum lk_status load_format(
	struct lk_loading *l, const json_t *resource, const char *at, struct lk_resource *r)
{
	const char *word = assumed_format(resource, r);
	struct lk_str list = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(lk_prop_text(l, resource, at, "format", &word));
	r->format = lk_file_format_named(word);
	if (r->format)
		return LK_OK;
	lk_file_format_list(&list);
	status = lk_prop_wrong(l, lk_prop_at(l, at, "format"), "'%s' is none of %s%s", word, lk_str_text(&list),
		near_format(l, word));
	lk_str_release(&list);
	return status;
}

/* Properties of lk that all formats have, and those of this one. */
static enum lk_status load_lk(struct lk_loading *l, const json_t *resource, const char *at, const struct lk_file_format *format,
	const json_t **lk)
{
	const char *known[48];
	int n = 0;

	for (const char *const *p = lk_known_resource_lk; *p; p++)
		known[n++] = *p;
	for (const char *const *p = format->properties; *p; p++)
		known[n++] = *p;
	known[n] = NULL;
	return lk_prop_lk(l, resource, at, known, lk);
}

static enum lk_status load_paths(struct lk_loading *l, const json_t *resource, const char *at, struct lk_resource *r)
{
	const char *place = lk_prop_at(l, at, "path");
	bool one = json_is_string(json_object_get(resource, "path"));

	if (json_object_get(resource, "data"))
		return lk_prop_wrong(l, lk_prop_at(l, at, "data"), "data in place is not read: a resource has the path of files");
	LK_TRY(lk_prop_strings(l, resource, at, "path", true, &r->paths, &r->path_count));
	if (!r->path_count)
		return lk_prop_wrong(l, place, "a resource needs a glob of its members' names");
	for (int i = 0; i < r->path_count; i++) {
		const char *path = r->paths[i], *here = one ? place : lk_prop_item(l, place, (size_t)i);

		if (strstr(path, "://"))
			return lk_prop_wrong(l, here, "'%s' is a URL, and nothing is fetched: give a glob of members' names", path);
		if (*path == '/' || !strncmp(path, "../", 3) || strstr(path, "/../"))
			return lk_prop_wrong(l, here, "'%s' must be relative, without '..': members are called so", path);
		if (!*path)
			return lk_prop_wrong(l, here, "must not be empty");
	}
	return LK_OK;
}

static enum lk_status load_head(struct lk_loading *l, const json_t *resource, const char *at, struct lk_resource *r)
{
	const json_t *lk;

	r->package = l->package;
	LK_TRY(lk_prop_text(l, resource, at, "name", &r->name));
	if (!r->name || !*r->name)
		return lk_prop_wrong(l, at, "a resource needs a name");
	LK_TRY(lk_prop_object(l, resource, at, "lk", &lk));
	LK_TRY(load_table(l, lk, at, r));
	LK_TRY(load_paths(l, resource, at, r));
	LK_TRY(lk_prop_text(l, lk, lk_prop_at(l, at, "lk"), "record", &r->record));
	return load_format(l, resource, at, r);
}

static enum lk_status load_resource(
	struct lk_loading *l, const json_t *resource, const char *at, struct lk_defaults d, struct lk_resource *r)
{
	static const char *const missing_words[] = {"any", "unquoted", NULL};
	struct lk_resource_json json = {.resource = resource, .at = at};
	const char *place = lk_prop_at(l, at, "lk");
	int missing = 0;

	if (!json_is_object(resource))
		return lk_prop_wrong(l, at, "must be an object");
	LK_TRY(load_head(l, resource, at, r));
	LK_TRY(load_lk(l, resource, at, r->format, &json.lk));
	LK_TRY(lk_prop_object(l, resource, at, "dialect", &json.dialect));
	LK_TRY(lk_prop_object(l, resource, at, "schema", &json.schema));
	if (!json.schema)
		return lk_prop_wrong(l, lk_prop_at(l, at, "schema"), "a resource needs one");
	LK_TRY(lk_package_encoding(l, &json, r));
	LK_TRY(lk_package_dialect(l, &json, &d.null_sequence, r));
	LK_TRY(lk_prop_text(l, json.lk, place, "timezone", &d.timezone));
	LK_TRY(lk_prop_word(l, json.lk, place, "missing", missing_words, &missing));
	r->missing_unquoted = missing == 1;
	lk_prop_typo(l, resource, at, lk_known_resource);
	lk_prop_typo(l, json.schema, lk_prop_at(l, at, "schema"), lk_known_schema);
	LK_TRY(load_match(l, &json, at, r));
	if (json_object_get(resource, "missingValues"))
		d.missing = json_object_get(resource, "missingValues");
	if (json_object_get(json.schema, "missingValues"))
		d.missing = json_object_get(json.schema, "missingValues");
	LK_TRY(lk_package_fields(l, &json, &d, r));
	if (r->format->load)
		LK_TRY(r->format->load(l, &json, r));
	LK_TRY(lk_package_load_of(l, &json, &d, r));
	LK_TRY(lk_package_schema(l, json.lk, json.schema, at, r));
	return lk_package_surrogates(l, json.lk, at, r);
}

/* What can be told only when all resources are known. */
static enum lk_status relate_resource(struct lk_loading *l, const json_t *resource, const char *at, struct lk_resource *r)
{
	LK_TRY(lk_package_variant(l, resource, at, r));
	return lk_package_keys(l, json_object_get(resource, "schema"), lk_prop_at(l, at, "schema"), r);
}

static enum lk_status load_resources(struct lk_loading *l, const json_t *root, const struct lk_defaults *d)
{
	const json_t *list = json_object_get(root, "resources");
	struct lk_package *p = l->package;
	size_t count = json_array_size(list);

	p->is_bare = !list;
	if (!count)
		return lk_prop_wrong(l, "resources", "must be a list of at least one resource");
	p->resources = lk_arena_alloc(l->arena, count * sizeof(*p->resources));
	if (!p->resources)
		return lk_error_nomem(l->err);
	for (size_t i = 0; i < count; i++) {
		const char *at = lk_prop_item(l, "resources", i);

		LK_TRY(load_resource(l, json_array_get(list, i), at, *d, &p->resources[p->resource_count++]));
		for (size_t j = 0; j < i; j++)
			if (!strcmp(p->resources[i].name, p->resources[j].name))
				return lk_prop_wrong(
					l, at, "there is another resource '%s'", p->resources[i].name);
	}
	for (size_t i = 0; i < count; i++)
		LK_TRY(relate_resource(l, json_array_get(list, i), lk_prop_item(l, "resources", i), &p->resources[i]));
	return LK_OK;
}

/* ---- the package ---- */

static enum lk_status load_delivery(struct lk_loading *l, const json_t *lk)
{
	struct lk_package *p = l->package;
	PCRE2_UCHAR message[256];
	PCRE2_SIZE offset;
	int code;

	LK_TRY(lk_prop_text(l, lk, "lk", "delivery", &p->delivery_text));
	if (!p->delivery_text)
		return LK_OK;
	p->delivery =
		pcre2_compile((PCRE2_SPTR)p->delivery_text, PCRE2_ZERO_TERMINATED, 0, &code, &offset, NULL);
	if (p->delivery)
		return LK_OK;
	pcre2_get_error_message(code, message, sizeof(message));
	return lk_prop_wrong(
		l, "lk.delivery", "%s at character %zu", (const char *)message, (size_t)offset + 1);
}

/* What a package without a name is called: its folder when the file is a datapackage.json in one, else its
 * file. */
static const char *default_name(struct lk_loading *l)
{
	const char *file = l->package->file, *base = lk_path_base(file), *dot = strrchr(base, '.');
	size_t len = dot ? (size_t)(dot - base) : strlen(base);

	if (!strcmp(base, "datapackage.json") && base > file + 1) {
		const char *end = base - 1, *start = end;

		while (start > file && start[-1] != '/')
			start--;
		return lk_arena_strndup(l->arena, start, (size_t)(end - start));
	}
	return lk_arena_strndup(l->arena, base, len);
}

static enum lk_status load_package(struct lk_loading *l, const json_t *root)
{
	struct lk_defaults d = {.missing = json_object_get(root, "missingValues")};
	struct lk_package *p = l->package;
	const json_t *lk;

	p->name = default_name(l);
	if (!p->name)
		return lk_error_nomem(l->err);
	LK_TRY(lk_prop_text(l, root, "", "name", &p->name));
	lk_prop_typo(l, root, "", lk_known_package);
	LK_TRY(lk_prop_lk(l, root, "", lk_known_package_lk, &lk));
	l->package_lk = lk;
	LK_TRY(load_delivery(l, lk));
	LK_TRY(lk_prop_strings(l, lk, "lk", "ignore", true, &p->ignore, &p->ignore_count));
	LK_TRY(lk_prop_text(l, lk, "lk", "timezone", &d.timezone));
	return load_resources(l, root, &d);
}

enum lk_status lk_package_parse(struct lk_arena *arena, const char *file, const char *text, size_t len, struct lk_package **out,
	struct lk_error *err)
{
	struct lk_package *p = lk_arena_alloc(arena, sizeof(*p));
	struct lk_loading l = {.arena = arena, .package = p, .err = err};
	enum lk_status status;
	json_error_t problem;
	json_t *root;

	*out = p;
	if (!p || !(p->file = lk_arena_strdup(arena, file)))
		return lk_error_nomem(err);
	LK_TRY(lk_sha256_of(text, len, p->sha256, err));
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &problem);
	status = root ? load_package(&l, root)
		      : lk_error_set(err, LK_CONFIG, "'%s' line %d: %s", file, problem.line, problem.text);
	json_decref(root);
	return status;
}

static enum lk_status list_parts(struct lk_loading *l)
{
	struct lk_package *p = l->package;
	int count = 0;

	for (struct lk_document *d = l->documents->next; d; d = d->next)
		count++;
	p->parts = lk_arena_alloc(l->arena, (size_t)(count + 1) * sizeof(*p->parts));
	if (!p->parts)
		return lk_error_nomem(l->err);
	for (struct lk_document *d = l->documents->next; d; d = d->next)
		p->parts[p->part_count++] = d->file;
	return LK_OK;
}

static enum lk_status load_file(struct lk_loading *l)
{
	struct lk_document *d;

	LK_TRY(lk_document_open(l, l->package->file, &d, l->err));
	LK_TRY(lk_documents_resolve(l));
	LK_TRY(load_package(l, d->root));
	LK_TRY(list_parts(l));
	return lk_documents_sha256(l, l->package->sha256);
}

enum lk_status lk_package_load(
	struct lk_arena *arena, const char *file, struct lk_package **out, struct lk_error *err)
{
	struct lk_package *p = lk_arena_alloc(arena, sizeof(*p));
	struct lk_loading l = {.arena = arena, .package = p, .err = err};
	enum lk_status status;

	*out = p;
	if (!p || !(p->file = lk_arena_strdup(arena, file)))
		return lk_error_nomem(err);
	status = load_file(&l);
	lk_documents_close(&l);
	return status;
}

void lk_package_release(struct lk_package *p)
{
	if (!p)
		return;
	pcre2_code_free(p->delivery);
	for (int i = 0; i < p->resource_count; i++) {
		if (p->resources[i].program && p->resources[i].format->unload)
			p->resources[i].format->unload(&p->resources[i]);
		if (p->resources[i].schema.release)
			ArrowSchemaRelease(&p->resources[i].schema);
		if (p->resources[i].stored.release)
			ArrowSchemaRelease(&p->resources[i].stored);
		for (int j = 0; p->resources[i].fields && j < p->resources[i].field_count; j++)
			lk_constraints_release(p->resources[i].fields[j].constraints);
	}
}
