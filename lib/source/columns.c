#include "source/columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source/output.h"

#define MISMATCH_NAMES 5 /* named in a message about a header */
#define SHOWN_BYTES 64	 /* of each */

/* ---- names, sorted ---- */

struct name {
	const char *text;
	size_t len;
	size_t of; /* the field, or the column, that has it */
};

static int compare_exact(const void *x, const void *y)
{
	const struct name *a = x, *b = y;
	int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order ? order : a->len < b->len ? -1 : a->len > b->len;
}

static int compare_folded(const void *x, const void *y)
{
	const struct name *a = x, *b = y;
	int order = strncasecmp(a->text, b->text, a->len < b->len ? a->len : b->len);

	return order ? order : a->len < b->len ? -1 : a->len > b->len;
}

static int compare_exact_of(const void *x, const void *y)
{
	const struct name *a = x, *b = y;
	int order = compare_exact(a, b);

	return order ? order : a->of < b->of ? -1 : a->of > b->of;
}

static int compare_folded_of(const void *x, const void *y)
{
	const struct name *a = x, *b = y;
	int order = compare_folded(a, b);

	return order ? order : a->of < b->of ? -1 : a->of > b->of;
}

/* Names that can be looked up; of equal ones, those of the first field or column come first. */
struct names {
	struct name *items;
	size_t count;
	bool exact;
};

static void add_name(struct names *n, const char *text, size_t len, size_t of)
{
	lk_text_trim(&text, &len);
	n->items[n->count++] = (struct name){text, len, of};
}

static void sort_names(struct names *n)
{
	qsort(n->items, n->count, sizeof(*n->items), n->exact ? compare_exact_of : compare_folded_of);
}

/* The first of equal ones; NULL when there is none. */
static const struct name *find_name(const struct names *n, const char *text, size_t len)
{
	struct name wanted = {text, len, 0};
	size_t low = 0, high = n->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if ((n->exact ? compare_exact : compare_folded)(&n->items[mid], &wanted) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == n->count || (n->exact ? compare_exact : compare_folded)(&n->items[low], &wanted))
		return NULL;
	return &n->items[low];
}

/* The names and aliases of the fields that come from the record. */
static enum lk_status list_fields(const struct lk_resource *r, struct names *n, struct lk_error *err)
{
	size_t count = 0;

	for (int i = 0; i < r->field_count; i++)
		count += 1 + (size_t)r->fields[i].aliases.count;
	n->items = calloc(count + 1, sizeof(*n->items));
	if (!n->items)
		return lk_error_nomem(err);
	n->exact = r->dialect.case_sensitive;
	for (int i = 0; i < r->field_count; i++) {
		const struct lk_source_field *f = &r->fields[i];

		if (f->origin != LK_ORIGIN_RECORD)
			continue;
		add_name(n, f->name, strlen(f->name), (size_t)i);
		for (int k = 0; k < f->aliases.count; k++)
			add_name(n, f->aliases.items[k].data, f->aliases.items[k].len, (size_t)i);
	}
	sort_names(n);
	return LK_OK;
}

/* ---- columns without a name of their own ---- */

/* Columns without a name are column_N, counted from 1. Returns how many of them are at the end. */
static size_t name_empty(struct lk_columns *c)
{
	size_t unnamed = 0;

	for (size_t i = 0; i < c->width; i++) {
		if (c->names[i].len) {
			unnamed = 0;
			continue;
		}
		lk_str_addf(&c->names[i], "column_%zu", i + 1);
		unnamed++;
	}
	return unnamed;
}

static void number_name(const struct names *all, const struct lk_str *base, size_t *number, struct lk_str *out)
{
	do {
		lk_str_clear(out);
		lk_str_add(out, base->data, base->len);
		lk_str_addf(out, "_%zu", ++*number);
	} while (!out->failed && find_name(all, out->data, out->len));
}

/* A name that stood before becomes NAME_2, NAME_3, ..., whichever no column has. numbered: by column, room for these;
 * base[i]: the column that has the name without a number. */
static void number_repeated(
	const struct lk_columns *c, const struct names *all, struct lk_str *numbered, size_t *base)
{
	int (*compare)(const void *, const void *) = all->exact ? compare_exact : compare_folded;

	for (size_t i = 0; i < all->count;) {
		const struct name *first = &all->items[i];
		size_t number = 1;

		for (i++; i < all->count && !compare(first, &all->items[i]); i++) {
			size_t of = all->items[i].of;

			number_name(all, &c->names[of], &number, &numbered[of]);
			base[of] = first->of;
		}
	}
}

static enum lk_status rename_repeated(
	struct lk_columns *c, bool exact, struct lk_str *numbered, size_t *base, struct lk_error *err)
{
	struct names all = {calloc(c->width + 1, sizeof(*all.items)), 0, exact};

	if (!all.items)
		return lk_error_nomem(err);
	for (size_t i = 0; i < c->width; i++) {
		add_name(&all, lk_str_text(&c->names[i]), c->names[i].len, i);
		base[i] = i;
	}
	sort_names(&all);
	number_repeated(c, &all, numbered, base);
	free(all.items);
	for (size_t i = 0; i < c->width; i++) {
		struct lk_str old = c->names[i];

		if (base[i] == i)
			continue;
		c->names[i] = numbered[i];
		numbered[i] = old;
		LK_TRY(lk_str_check(&c->names[i], err));
	}
	return LK_OK;
}

/* ---- the header ---- */

/* What is wrong with a header, as one sentence for lk.files. */
struct complaint {
	struct lk_str missing, extra, order;
	int missing_count, extra_count, known_count;
};

static void say_name(struct lk_str *list, int *count, const char *name, size_t len)
{
	if (++*count > MISMATCH_NAMES)
		return;
	lk_str_adds(list, *count > 1 ? ", '" : "'");
	lk_add_clean(list, name, len > SHOWN_BYTES ? SHOWN_BYTES : len);
	lk_str_adds(list, "'");
}

static void say_list(struct lk_str *text, const char *what, const struct lk_str *list, int count)
{
	if (!count)
		return;
	lk_str_addf(text, "%s%s %s", text->len ? "; " : "", what, lk_str_text(list));
	if (count > MISMATCH_NAMES)
		lk_str_addf(text, " and %d more", count - MISMATCH_NAMES);
}

static void say_twice(struct complaint *w, const struct lk_str *name)
{
	if (w->order.len)
		return;
	lk_str_adds(&w->order, "column '");
	lk_add_clean(&w->order, lk_str_text(name), name->len);
	lk_str_adds(&w->order, "' stands twice");
}

/* Room that matching needs. */
struct match {
	struct names fields;
	bool *seen;		 /* by field */
	struct lk_str *numbered; /* by column */
	size_t *base;
	size_t count;
	struct complaint wrong;
};

/* Fills field_of by name. Notes columns without a field, and fields whose column stands twice or elsewhere
 * than it should. */
static void map_columns(struct lk_columns *c, const struct lk_resource *r, struct match *m)
{
	struct complaint *w = &m->wrong;
	int expected = 0;

	for (size_t i = 0; i < c->width; i++) {
		const struct lk_str *name = &c->names[i];
		const struct name *found = find_name(&m->fields, lk_str_text(name), name->len);
		int field = found ? (int)found->of : LK_NOT_TAKEN;

		c->field_of[i] = field;
		if (field == LK_NOT_TAKEN) {
			if (m->base[i] != i && c->field_of[m->base[i]] != LK_NOT_TAKEN && !r->rest)
				say_twice(w, &c->names[m->base[i]]);
			else
				say_name(&w->extra, &w->extra_count, lk_str_text(name), name->len);
			continue;
		}
		if (m->seen[field])
			say_twice(w, name);
		if (field < expected && !w->order.len && r->match == LK_FIELDS_EXACT)
			lk_str_addf(&w->order, "columns stand in another order, from '%s' on", r->fields[field].name);
		w->known_count++;
		expected = field;
		m->seen[field] = true;
	}
}

/* Unknown names are told where most names are known. Else the header may have been forgotten, and they may be the values of the
 * first record, which are nobody's to read. */
static void say_extra(struct lk_str *text, const struct complaint *w)
{
	const char *what = text->len ? "and has" : "the header has";

	if (w->known_count > w->extra_count)
		say_list(text, what, &w->extra, w->extra_count);
	else if (w->extra_count)
		lk_str_addf(text, "%s%s %d column%s of other names", text->len ? "; " : "", what, w->extra_count,
			w->extra_count == 1 ? "" : "s");
}

static void judge(const struct lk_resource *r, struct match *m, struct lk_str *text)
{
	bool extra_allowed = r->match == LK_FIELDS_SUBSET || r->match == LK_FIELDS_PARTIAL;
	bool missing_allowed = r->match == LK_FIELDS_SUPERSET || r->match == LK_FIELDS_PARTIAL;
	struct complaint *w = &m->wrong;
	bool any = false;

	for (int i = 0; i < r->field_count; i++) {
		const struct lk_source_field *f = &r->fields[i];

		any |= m->seen[i];
		if (f->origin == LK_ORIGIN_RECORD && !m->seen[i] && (!missing_allowed || f->required))
			say_name(&w->missing, &w->missing_count, f->name, strlen(f->name));
	}
	say_list(text, "the header lacks", &w->missing, w->missing_count);
	if (!extra_allowed)
		say_extra(text, w);
	if (!text->len)
		lk_str_add(text, lk_str_text(&w->order), w->order.len);
	if (!text->len && !any)
		lk_str_adds(text, "the header has none of the fields");
}

/* Columns at the end without a name are none, but for those that a field takes by their number. */
static void drop_unnamed(struct lk_columns *c, const struct names *fields, size_t unnamed)
{
	while (unnamed && c->width > 1 &&
		!find_name(fields, lk_str_text(&c->names[c->width - 1]), c->names[c->width - 1].len)) {
		c->width--;
		unnamed--;
	}
}

static enum lk_status match_impl(
	struct lk_columns *c, const struct lk_resource *r, struct match *m, struct lk_str *wrong, struct lk_error *err)
{
	size_t unnamed = name_empty(c);

	LK_TRY(list_fields(r, &m->fields, err));
	drop_unnamed(c, &m->fields, unnamed);
	m->seen = calloc((size_t)r->field_count, sizeof(*m->seen));
	m->numbered = calloc(c->width, sizeof(*m->numbered));
	m->base = calloc(c->width, sizeof(*m->base));
	m->count = c->width;
	if (!m->seen || !m->numbered || !m->base)
		return lk_error_nomem(err);
	LK_TRY(rename_repeated(c, m->fields.exact, m->numbered, m->base, err));
	map_columns(c, r, m);
	judge(r, m, wrong);
	LK_TRY(lk_str_check(&m->wrong.missing, err));
	LK_TRY(lk_str_check(&m->wrong.extra, err));
	LK_TRY(lk_str_check(&m->wrong.order, err));
	return lk_str_check(wrong, err);
}

enum lk_status lk_columns_match(
	struct lk_columns *c, const struct lk_resource *r, struct lk_str *wrong, struct lk_error *err)
{
	struct match m = {0};
	enum lk_status status = match_impl(c, r, &m, wrong, err);

	for (size_t i = 0; m.numbered && i < m.count; i++)
		lk_str_release(&m.numbered[i]);
	lk_str_release(&m.wrong.missing);
	lk_str_release(&m.wrong.extra);
	lk_str_release(&m.wrong.order);
	free(m.fields.items);
	free(m.seen);
	free(m.numbered);
	free(m.base);
	return status;
}

/* ---- a mapping's life ---- */

enum lk_status lk_columns_widen(struct lk_columns *c, size_t count, struct lk_error *err)
{
	struct lk_str *names;
	int *field_of;

	if (count <= c->width)
		return LK_OK;
	names = realloc(c->names, count * sizeof(*names));
	if (!names)
		return lk_error_nomem(err);
	c->names = names;
	for (; c->name_count < count; c->name_count++)
		names[c->name_count] = (struct lk_str)LK_STR_INIT;
	field_of = realloc(c->field_of, count * sizeof(*field_of));
	if (!field_of)
		return lk_error_nomem(err);
	c->field_of = field_of;
	c->width = count;
	return LK_OK;
}

enum lk_status lk_columns_assume(struct lk_columns *c, const struct lk_resource *r, struct lk_error *err)
{
	c->field_of = calloc((size_t)r->field_count, sizeof(*c->field_of));
	if (!c->field_of)
		return lk_error_nomem(err);
	for (int i = 0; i < r->field_count; i++)
		if (r->fields[i].origin == LK_ORIGIN_RECORD)
			c->field_of[c->width++] = i;
	return LK_OK;
}

void lk_columns_release(struct lk_columns *c)
{
	for (size_t i = 0; c->names && i < c->name_count; i++)
		lk_str_release(&c->names[i]);
	free(c->names);
	free(c->field_of);
	*c = (struct lk_columns){0};
}
