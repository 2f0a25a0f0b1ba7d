#include "infer/like.h"

#include <string.h>
#include <strings.h>

#include "infer/names.h"
#include "source/format.h"

/* Its records are lines or elements of one kind. */
static bool is_plain(const struct lk_resource *r, const struct lk_file_format *format)
{
	return r->format == format && !r->control && !r->record;
}

/* Whether a glob takes a name of the same shape. */
static bool has_shape(const char *glob, const char *base)
{
	struct lk_str of_glob = LK_STR_INIT, of_base = LK_STR_INIT;
	bool same;

	lk_name_shape(&of_glob, lk_member_base(glob));
	lk_name_shape(&of_base, base);
	same = !strcmp(lk_str_text(&of_glob), lk_str_text(&of_base));
	lk_str_release(&of_glob);
	lk_str_release(&of_base);
	return same;
}

static bool takes(const struct lk_resource *r, const char *member, bool shape)
{
	if (!shape)
		return lk_globs_take(r->paths, r->path_count, member);
	for (int i = 0; i < r->path_count; i++)
		if (has_shape(r->paths[i], lk_member_base(member)))
			return true;
	return false;
}

static const struct lk_resource *find_like(
	const struct lk_sources *sources, const char *member, const struct lk_file_format *format)
{
	const struct lk_package *p = sources->packages[0];

	for (int shape = 0; shape < 2; shape++)
		for (int i = 0; i < p->resource_count; i++)
			if (is_plain(&p->resources[i], format) && takes(&p->resources[i], member, shape))
				return &p->resources[i];
	return NULL;
}

const struct lk_resource *lk_like_find(const struct lk_sources *sources, const char *member)
{
	return find_like(sources, member, &lk_format_delimited);
}

const struct lk_resource *lk_like_find_other(const struct lk_sources *sources, const char *member, const char *format)
{
	return find_like(sources, member, lk_file_format_named(format));
}

bool lk_field_has_name(const struct lk_source_field *f, const char *name)
{
	if (f->origin != LK_ORIGIN_RECORD)
		return false;
	if (!strcasecmp(f->name, name))
		return true;
	for (int i = 0; i < f->aliases.count; i++)
		if (!strcasecmp(f->aliases.items[i].data, name))
			return true;
	return false;
}

static const struct lk_source_field *find_field(const struct lk_resource *r, const char *name)
{
	for (int i = 0; i < r->field_count; i++)
		if (lk_field_has_name(&r->fields[i], name))
			return &r->fields[i];
	return NULL;
}

static const struct lk_source_field *find_path(const struct lk_resource *r, const char *path)
{
	for (int i = 0; i < r->field_count; i++)
		if (r->fields[i].origin == LK_ORIGIN_RECORD && !strcmp(r->fields[i].path, path))
			return &r->fields[i];
	return NULL;
}

void lk_like_expect(struct lk_table *t)
{
	int at = 0;

	for (int i = 0; i < t->count; i++) {
		if (t->columns[i].path) {
			t->columns[i].expected = find_path(t->like, t->columns[i].path);
			continue;
		}
		if (t->has_header) {
			t->columns[i].expected = find_field(t->like, t->columns[i].name);
			continue;
		}
		while (at < t->like->field_count && t->like->fields[at].origin != LK_ORIGIN_RECORD)
			at++;
		if (at < t->like->field_count)
			t->columns[i].expected = &t->like->fields[at++];
	}
}

/* The text that a value is mapped to; false when it is then missing. */
static bool map(const struct lk_source_field *f, const char **s, size_t *len)
{
	for (int i = 0; i < f->map_count; i++) {
		const struct lk_map_entry *entry = &f->map[i];

		if (entry->from.len != *len || memcmp(entry->from.data, *s, *len))
			continue;
		*s = entry->to.data;
		*len = entry->to.len;
		return !entry->to_missing;
	}
	return true;
}

void lk_like_try(struct lk_table_column *c, const struct lk_resource *r, const struct lk_value *v)
{
	const struct lk_source_field *f = c->expected;
	struct lk_scalar scalar;
	const char *s = v->data, *reason;
	size_t len = v->len;

	if (s && (f->trim || !f->convert.keeps_white))
		lk_text_trim(&s, &len);
	if (!s || (lk_texts_have(&f->missing, s, len) && !(r->missing_unquoted && v->quoted)) || !map(f, &s, &len)) {
		c->missing++;
		return;
	}
	if (!lk_convert_scalar(&f->convert, s, len, &scalar, &reason))
		c->misfits++;
}
