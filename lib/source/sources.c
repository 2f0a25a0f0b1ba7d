#include "source/source.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/str.h"
#include "source/package.h"
#include "stream/side.h"

/* ---- matching ---- */

const char *lk_member_base(const char *member)
{
	const char *base = member;

	for (const char *p = member; *p; p++)
		if ((*p == '/' || *p == '!') && p[1])
			base = p + 1;
	return base;
}

bool lk_globs_take(const char *const *globs, int count, const char *member)
{
	const char *base = lk_member_base(member);

	for (int i = 0; i < count; i++)
		if (fnmatch(globs[i], strchr(globs[i], '/') ? member : base, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

enum lk_status lk_delivery_match(const struct lk_package *p, const char *delivery,
	struct lk_delivery_match *m, bool *matched, struct lk_error *err)
{
	int code;

	*m = (struct lk_delivery_match){NULL, delivery};
	*matched = true;
	if (!p->delivery)
		return LK_OK;
	m->data = pcre2_match_data_create_from_pattern(p->delivery, NULL);
	if (!m->data)
		return lk_error_nomem(err);
	code = pcre2_match(p->delivery, (PCRE2_SPTR)delivery, strlen(delivery), 0, 0, m->data, NULL);
	*matched = code > 0;
	if (!*matched)
		lk_delivery_match_release(m);
	if (code < 0 && code != PCRE2_ERROR_NOMATCH)
		return lk_error_set(err, LK_CONFIG,
			"'%s': lk.delivery needs too much to be matched against '%s'", p->file, delivery);
	return LK_OK;
}

bool lk_delivery_group(const struct lk_package *p, const struct lk_delivery_match *m, const char *group,
	struct lk_text *value)
{
	int number = m->data ? pcre2_substring_number_from_name(p->delivery, (PCRE2_SPTR)group) : -1;
	const PCRE2_SIZE *offsets;

	if (number < 0)
		return false;
	offsets = pcre2_get_ovector_pointer(m->data) + 2 * number;
	if (offsets[0] == PCRE2_UNSET || offsets[1] < offsets[0])
		return false;
	value->data = m->delivery + offsets[0];
	value->len = offsets[1] - offsets[0];
	return true;
}

void lk_delivery_match_release(struct lk_delivery_match *m)
{
	pcre2_match_data_free(m->data);
	m->data = NULL;
}

enum lk_status lk_sources_sender(
	struct lk_sources *s, const char *delivery, char **sender, struct lk_error *err)
{
	*sender = NULL;
	for (int i = 0; i < s->count && !*sender; i++) {
		struct lk_delivery_match m;
		struct lk_text value;
		bool matched;

		if (!s->packages[i]->delivery)
			continue;
		LK_TRY(lk_delivery_match(s->packages[i], delivery, &m, &matched, err));
		if (!matched)
			continue;
		*sender = lk_delivery_group(s->packages[i], &m, "sender", &value)
				  ? strndup(value.data, value.len)
				  : strdup("");
		lk_delivery_match_release(&m);
		if (!*sender)
			return lk_error_nomem(err);
	}
	if (!*sender && !(*sender = strdup("")))
		return lk_error_nomem(err);
	return LK_OK;
}

bool lk_sources_ignores(struct lk_sources *s, const char *delivery, const char *member)
{
	for (int i = 0; i < s->count; i++) {
		struct lk_package *p = s->packages[i];
		struct lk_delivery_match m;
		bool matched;

		if (!lk_globs_take(p->ignore, p->ignore_count, member))
			continue;
		if (lk_delivery_match(p, delivery, &m, &matched, NULL) != LK_OK || !matched)
			continue;
		lk_delivery_match_release(&m);
		return true;
	}
	return false;
}

/* ---- opening ---- */

struct paths {
	char **items;
	size_t count, cap;
};

static void paths_release(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
}

static enum lk_status paths_add(
	struct paths *paths, const char *folder, const char *name, const char *more, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;

	lk_str_addf(&path, "%s%s%s%s", folder, *folder && folder[strlen(folder) - 1] == '/' ? "" : "/", name,
		more);
	if (path.failed ||
		!lk_grow((void **)&paths->items, &paths->cap, paths->count + 1, sizeof(*paths->items))) {
		lk_str_release(&path);
		return lk_error_nomem(err);
	}
	paths->items[paths->count++] = path.data;
	return LK_OK;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A candidate stays only when it is a file. */
static enum lk_status add_if_file(
	struct paths *paths, const char *folder, const char *name, const char *more, struct lk_error *err)
{
	LK_TRY(paths_add(paths, folder, name, more, err));
	if (!is_file(paths->items[paths->count - 1]))
		free(paths->items[--paths->count]);
	return LK_OK;
}

static enum lk_status list_entries(DIR *dir, const char *folder, struct paths *paths, struct lk_error *err)
{
	struct dirent *entry;

	while ((entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		if (len > 5 && !strcmp(entry->d_name + len - 5, ".json"))
			LK_TRY(add_if_file(paths, folder, entry->d_name, "", err));
		LK_TRY(add_if_file(paths, folder, entry->d_name, "/datapackage.json", err));
	}
	return LK_OK;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum lk_status list_packages(const char *folder, struct paths *paths, struct lk_error *err)
{
	DIR *dir = opendir(folder);
	enum lk_status status;

	if (!dir)
		return lk_error_sys(err, errno == EACCES ? LK_NOPERM : LK_NOINPUT, "cannot open '%s'", folder);
	status = list_entries(dir, folder, paths, err);
	closedir(dir);
	if (status)
		return status;
	if (!paths->count)
		return lk_error_set(
			err, LK_CONFIG, "'%s' holds no package: no *.json, no */datapackage.json", folder);
	qsort(paths->items, paths->count, sizeof(*paths->items), compare_paths);
	return LK_OK;
}

static bool is_part(const struct lk_sources *s, const char *file)
{
	for (int i = 0; i < s->count; i++)
		for (int j = 0; j < s->packages[i]->part_count; j++)
			if (!strcmp(s->packages[i]->parts[j], file))
				return true;
	return false;
}

/* A file without resources is no package, but fine where it is a part of one: that is known once all are loaded. */
static enum lk_status load_one(struct lk_sources *s, const char *file, bool *bare, struct lk_error *err)
{
	enum lk_status status = lk_package_load(&s->arena, file, &s->packages[s->count], err);

	*bare = s->packages[s->count] && s->packages[s->count]->is_bare;
	if (!*bare) {
		s->count++;
		return status;
	}
	lk_package_release(s->packages[s->count]);
	*err = (struct lk_error){0};
	return LK_OK;
}

static enum lk_status load_all(struct lk_sources *s, const struct paths *paths, struct lk_error *err)
{
	bool *bare = lk_arena_alloc(&s->arena, paths->count * sizeof(*bare));

	s->packages = lk_arena_alloc(&s->arena, paths->count * sizeof(*s->packages));
	if (!s->packages || !bare)
		return lk_error_nomem(err);
	for (size_t i = 0; i < paths->count; i++)
		LK_TRY(load_one(s, paths->items[i], &bare[i], err));
	for (size_t i = 0; i < paths->count; i++)
		if (bare[i] && !is_part(s, paths->items[i]))
			return lk_package_load(&s->arena, paths->items[i], &s->packages[s->count++], err);
	return LK_OK;
}

/* Resources that feed one table must agree on the types of the columns that they share. */
static enum lk_status check_pair(const struct lk_resource *a, const struct lk_resource *b, struct lk_error *err)
{
	for (int64_t i = 0; i < a->schema.n_children; i++) {
		const struct ArrowSchema *left = a->schema.children[i], *right;
		int found = lk_schema_find(&b->schema, left->name), precision[2] = {0, 0}, scale[2] = {0, 0};

		right = found < 0 ? NULL : b->schema.children[found];
		if (!right || (lk_type_of(left, &precision[0], &scale[0]) == lk_type_of(right, &precision[1], &scale[1]) &&
				      precision[0] == precision[1] && scale[0] == scale[1]))
			continue;
		return lk_error_set(err, LK_CONFIG,
			"'%s' and '%s': table %s gets column %s from the resources %s and %s, with different types",
			a->package->file, b->package->file, a->table, left->name, a->name, b->name);
	}
	return LK_OK;
}

/* And they must mean the same by their rows. */
static enum lk_status check_loads(const struct lk_resource *a, const struct lk_resource *b, struct lk_error *err)
{
	static const char *const keys[] = {LK_META_LOAD, LK_META_KEY, LK_META_ORDER, LK_META_SCOPE, LK_META_HISTORY, NULL};
	static const char *const names[] = {"lk.load", "schema.primaryKey", "lk.order", "lk.scope", "lk.history"};

	for (int i = 0; (a->load != LK_LOAD_APPEND || i == 0) && keys[i]; i++) {
		struct ArrowStringView left = {NULL, 0}, right = {NULL, 0};
		bool in_a = lk_meta_get(&a->schema, keys[i], &left), in_b = lk_meta_get(&b->schema, keys[i], &right);

		if (in_a == in_b && left.size_bytes == right.size_bytes &&
			(!in_a || !memcmp(left.data, right.data, (size_t)left.size_bytes)))
			continue;
		return lk_error_set(err, LK_CONFIG, "'%s' and '%s': table %s is fed by the resources %s and %s, with different %s",
			a->package->file, b->package->file, a->table, a->name, b->name, names[i]);
	}
	return LK_OK;
}

static enum lk_status list_schemas(struct lk_sources *s, struct lk_error *err)
{
	struct lk_resource **all;
	int count = 0;

	for (int i = 0; i < s->count; i++)
		count += s->packages[i]->resource_count;
	all = lk_arena_alloc(&s->arena, (size_t)count * sizeof(*all));
	s->schemas = lk_arena_alloc(&s->arena, (size_t)count * sizeof(*s->schemas));
	if (!all || !s->schemas)
		return lk_error_nomem(err);
	for (int i = 0; i < s->count; i++)
		for (int j = 0; j < s->packages[i]->resource_count; j++) {
			struct lk_resource *r = &s->packages[i]->resources[j];

			for (int k = 0; k < s->schema_count; k++)
				if (!strcmp(all[k]->table, r->table)) {
					LK_TRY(check_pair(all[k], r, err));
					LK_TRY(check_loads(all[k], r, err));
				}
			r->id = s->schema_count;
			all[s->schema_count] = r;
			s->schemas[s->schema_count++] = r->stored.release ? &r->stored : &r->schema;
		}
	return LK_OK;
}

static enum lk_status hash_all(struct lk_sources *s, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	for (int i = 0; i < s->count; i++)
		lk_str_addf(&text, "%s %s\n", s->packages[i]->sha256, s->packages[i]->name);
	status = lk_str_check(&text, err);
	if (status == LK_OK)
		status = lk_sha256_of(lk_str_text(&text), text.len, s->sha256, err);
	lk_str_release(&text);
	return status;
}

static enum lk_status open_impl(
	struct lk_sources *s, const char *path, struct paths *paths, struct lk_error *err)
{
	if (is_folder(path))
		LK_TRY(list_packages(path, paths, err));
	else if (!lk_grow((void **)&paths->items, &paths->cap, 1, sizeof(*paths->items)) ||
		 !(paths->items[0] = strdup(path)))
		return lk_error_nomem(err);
	else
		paths->count = 1;
	return load_all(s, paths, err);
}

static enum lk_status open_text(struct lk_sources *s, const char *name, const char *text, size_t len, struct lk_error *err)
{
	s->packages = lk_arena_alloc(&s->arena, sizeof(*s->packages));
	if (!s->packages)
		return lk_error_nomem(err);
	s->count = 1;
	return lk_package_parse(&s->arena, name, text, len, &s->packages[0], err);
}

/* What all packages together make, once they are loaded. */
static enum lk_status settle(struct lk_sources **s, enum lk_status status, struct lk_error *err)
{
	if (status == LK_OK)
		status = list_schemas(*s, err);
	if (status == LK_OK)
		status = hash_all(*s, err);
	if (status == LK_OK)
		return LK_OK;
	lk_sources_close(*s);
	*s = NULL;
	return status;
}

enum lk_status lk_sources_open(struct lk_sources **out, const char *path, struct lk_error *err)
{
	struct paths paths = {NULL, 0, 0};
	enum lk_status status;

	*out = NULL;
	if (!path)
		path = getenv("LK_SOURCES");
	if (!path || !*path)
		return lk_error_set(err, LK_USAGE, "no sources: give -s SOURCES or set LK_SOURCES");
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	status = open_impl(*out, path, &paths, err);
	paths_release(&paths);
	return settle(out, status, err);
}

enum lk_status lk_sources_open_text(
	struct lk_sources **out, const char *name, const char *text, size_t len, struct lk_error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	return settle(out, open_text(*out, name, text, len, err), err);
}

void lk_sources_close(struct lk_sources *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->count; i++)
		lk_package_release(s->packages[i]);
	lk_arena_release(&s->arena);
	free(s);
}

enum lk_status lk_sources_schemas(
	struct lk_sources *s, const struct ArrowSchema *const **schemas, int *count, struct lk_error *err)
{
	(void)err;
	*schemas = s->schemas;
	*count = s->schema_count;
	return LK_OK;
}

bool lk_sources_surrogates(const struct lk_sources *s)
{
	for (int i = 0; i < s->count; i++)
		for (int j = 0; j < s->packages[i]->resource_count; j++)
			if (s->packages[i]->resources[j].stored.release)
				return true;
	return false;
}

void lk_sources_count(const struct lk_sources *s, int *packages, int *resources)
{
	*packages = s->count;
	*resources = s->schema_count;
}

const char *lk_sources_sha256(const struct lk_sources *s)
{
	return s->sha256;
}

enum lk_status lk_sources_check(const struct lk_sources *s, struct lk_error *err)
{
	for (int i = 0; i < s->count; i++)
		if (s->packages[i]->typo)
			return lk_error_set(err, LK_CONFIG, "%s", s->packages[i]->typo);
	return LK_OK;
}
