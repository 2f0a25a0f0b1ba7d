#include "source/document.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "source/property.h"

#define DOCUMENT_BYTES (16 * 1024 * 1024) /* of all documents of a package together */

/* ---- reading ---- */

static enum lk_status read_json(struct lk_loading *l, struct lk_document *d, struct lk_str *text, struct lk_error *err)
{
	json_error_t problem;

	LK_TRY(lk_file_read(d->file, DOCUMENT_BYTES - l->document_bytes, text, err));
	l->document_bytes += text->len;
	d->sha256 = lk_arena_alloc(l->arena, LK_SHA256_HEX);
	if (!d->sha256)
		return lk_error_nomem(err);
	LK_TRY(lk_sha256_of(lk_str_text(text), text->len, d->sha256, err));
	d->root = json_loadb(lk_str_text(text), text->len, JSON_REJECT_DUPLICATES, &problem);
	if (!d->root)
		return lk_error_set(err, LK_CONFIG, "'%s' line %d: %s", d->file, problem.line, problem.text);
	if (!json_is_object(d->root))
		return lk_error_set(err, LK_CONFIG, "'%s': must be an object", d->file);
	return LK_OK;
}

enum lk_status lk_document_open(struct lk_loading *l, const char *file, struct lk_document **out, struct lk_error *err)
{
	struct lk_document *d = lk_arena_alloc(l->arena, sizeof(*d)), **end = &l->documents;
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	*out = d;
	if (!d || !(d->file = lk_arena_strdup(l->arena, file)) || !(d->origins = json_object()))
		return lk_error_nomem(err);
	while (*end)
		end = &(*end)->next;
	*end = d;
	status = read_json(l, d, &text, err);
	lk_str_release(&text);
	if (status)
		return status;
	d->states = lk_arena_alloc(l->arena, json_array_size(json_object_get(d->root, "resources")) + 1);
	return d->states ? LK_OK : lk_error_nomem(err);
}

void lk_documents_close(struct lk_loading *l)
{
	for (struct lk_document *d = l->documents; d; d = d->next) {
		json_decref(d->root);
		json_decref(d->origins);
	}
	l->documents = NULL;
}

enum lk_status lk_documents_sha256(struct lk_loading *l, char out[])
{
	struct lk_str all = LK_STR_INIT;
	enum lk_status status;

	memcpy(out, l->documents->sha256, LK_SHA256_HEX);
	if (!l->documents->next)
		return LK_OK;
	for (struct lk_document *d = l->documents; d; d = d->next)
		lk_str_addf(&all, "%s\n", d->sha256);
	status = lk_str_check(&all, l->err);
	if (!status)
		status = lk_sha256_of(lk_str_text(&all), all.len, out, l->err);
	lk_str_release(&all);
	return status;
}

/* ---- references ---- */

/* Appends a relative path to that of a folder, without "." in it; false when it may not be followed. */
static bool add_path(struct lk_str *out, const char *path)
{
	size_t start = out->len;

	if (*path == '/' || strchr(path, '\\'))
		return false;
	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && !strncmp(p, "..", 2))
			return false;
		if (len && (len > 1 || *p != '.')) {
			lk_str_adds(out, out->len > start ? "/" : "");
			lk_str_add(out, p, len);
		}
		p += len + (p[len] == '/');
	}
	return out->len > start;
}

static enum lk_status find_path(
	struct lk_loading *l, const struct lk_document *from, const char *at, const char *reference, char **path)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	lk_str_add(&text, from->file, (size_t)(lk_path_base(from->file) - from->file));
	if (!add_path(&text, reference)) {
		lk_str_release(&text);
		return lk_prop_wrong(
			l, at, "'%s' must be the path of a file beside or below the package, without '..'", reference);
	}
	status = lk_str_check(&text, l->err);
	*path = status ? NULL : lk_arena_strdup(l->arena, lk_str_text(&text));
	lk_str_release(&text);
	return status || *path ? status : lk_error_nomem(l->err);
}

enum lk_status lk_document_refer(struct lk_loading *l, struct lk_document *from, const char *at, const char *reference,
	struct lk_document **out)
{
	struct stat st;
	char *path;

	if (strstr(reference, "://"))
		return lk_prop_wrong(l, at, "'%s' is a URL, and nothing is fetched: keep a copy beside the package", reference);
	LK_TRY(find_path(l, from, at, reference, &path));
	for (*out = l->documents; *out; *out = (*out)->next)
		if (!strcmp((*out)->file, path))
			return LK_OK;
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return lk_prop_wrong(l, at, "there is no file '%s'", path);
	return lk_document_open(l, path, out, l->err);
}

/* ---- origins ---- */

enum lk_status lk_document_put_origin(struct lk_loading *l, struct lk_document *d, const char *at, const char *file,
	const char *place, bool final)
{
	json_t *origin = json_pack("[ssb]", file, place, final);

	return json_object_set_new(d->origins, at, origin) ? lk_error_nomem(l->err) : LK_OK;
}

/* The origin of the place or of what encloses it most closely; *rest is what of `at` is below that. */
static const json_t *find_origin(struct lk_loading *l, const struct lk_document *d, const char *at, const char **rest)
{
	char *prefix = lk_arena_strdup(l->arena, at);

	for (size_t len = strlen(at); prefix && len; len--) {
		const json_t *origin;

		if (at[len] && at[len] != '.' && at[len] != '[')
			continue;
		prefix[len] = '\0';
		*rest = at + len;
		origin = json_object_get(d->origins, prefix);
		if (origin)
			return origin;
	}
	return NULL;
}

void lk_document_origin(
	struct lk_loading *l, const struct lk_document *d, const char *at, const char **file, const char **place)
{
	const char *rest;

	*file = d->file;
	*place = at;
	while (d) {
		const json_t *origin = find_origin(l, d, *place, &rest);
		const char *start = json_string_value(json_array_get(origin, 1));
		char *text;

		if (!origin)
			return;
		*file = json_string_value(json_array_get(origin, 0));
		text = lk_arena_printf(l->arena, "%s%s", start, rest + (!*start && *rest == '.'));
		*place = text ? text : at;
		if (!text || json_is_true(json_array_get(origin, 2)))
			return;
		for (d = l->documents; d && strcmp(d->file, *file);)
			d = d->next;
	}
}
