/* Which files two sides of a difference share. */
#include <stdlib.h>
#include <string.h>

#include "sql/diff_inside.h"

/* Deletes of one side, or of both, by what they are about: of those about one file its uri, then their own. */
struct deletes {
	const struct lk_lake_deletes **items;
	size_t count;
};

static int compare_deletes(const void *a, const void *b)
{
	const struct lk_lake_deletes *x = *(const struct lk_lake_deletes *const *)a, *y = *(const struct lk_lake_deletes *const *)b;

	return strcmp(x->uri, y->uri);
}

static int compare_referenced(const void *a, const void *b)
{
	const struct lk_lake_deletes *x = *(const struct lk_lake_deletes *const *)a, *y = *(const struct lk_lake_deletes *const *)b;

	return strcmp(x->referenced, y->referenced);
}

static int compare_files(const void *a, const void *b)
{
	return strcmp(((const struct lk_lake_file *)a)->uri, ((const struct lk_lake_file *)b)->uri);
}

static enum lk_status gather(const struct lk_lake_table *t, struct deletes *out, struct lk_error *err)
{
	out->items = calloc((size_t)t->deletes_count + (size_t)t->equality_count + 1, sizeof(struct lk_lake_deletes *));
	if (!out->items)
		return lk_error_nomem(err);
	for (int i = 0; i < t->deletes_count; i++)
		out->items[out->count++] = &t->deletes[i];
	for (int i = 0; i < t->equality_count; i++)
		out->items[out->count++] = &t->equality[i];
	qsort(out->items, out->count, sizeof(*out->items), compare_deletes);
	return LK_OK;
}

/* Deletes that only one side has: those about one file, sorted by it, and of the others the youngest. */
struct unlike {
	struct deletes referenced;
	int64_t of_any; /* sequence; INT64_MIN: none */
};

static void add_unlike(struct unlike *u, const struct lk_lake_deletes *d)
{
	if (d->referenced)
		u->referenced.items[u->referenced.count++] = d;
	else if (d->sequence > u->of_any)
		u->of_any = d->sequence;
}

static enum lk_status compare(const struct deletes *a, const struct deletes *b, struct unlike *u, struct lk_error *err)
{
	size_t i = 0, k = 0;

	*u = (struct unlike){.of_any = INT64_MIN};
	u->referenced.items = calloc(a->count + b->count + 1, sizeof(*u->referenced.items));
	if (!u->referenced.items)
		return lk_error_nomem(err);
	while (i < a->count || k < b->count) {
		int order = i == a->count ? 1 : k == b->count ? -1 : strcmp(a->items[i]->uri, b->items[k]->uri);

		if (order < 0)
			add_unlike(u, a->items[i]);
		if (order > 0)
			add_unlike(u, b->items[k]);
		i += order <= 0;
		k += order >= 0;
	}
	qsort(u->referenced.items, u->referenced.count, sizeof(*u->referenced.items), compare_referenced);
	return LK_OK;
}

static enum lk_status find_unlike(const struct lk_lake_table *from, const struct lk_lake_table *to, struct unlike *u,
	struct lk_error *err)
{
	struct deletes a = {0}, b = {0};
	enum lk_status status = gather(from, &a, err);

	if (!status)
		status = gather(to, &b, err);
	if (!status)
		status = compare(&a, &b, u, err);
	free(a.items);
	free(b.items);
	return status;
}

/* Deletes apply to files that are not younger than themselves; in doubt, they do. */
static bool is_untouched(const struct unlike *u, const struct lk_lake_file *f)
{
	const struct lk_lake_deletes wanted = {.referenced = f->uri}, *key = &wanted;

	if (f->sequence <= u->of_any)
		return false;
	return !u->referenced.count ||
	       !bsearch(&key, u->referenced.items, u->referenced.count, sizeof(*u->referenced.items), compare_referenced);
}

/* Of what both sides have: whether they are the same rows, other rows by position alone, or perhaps any. */
enum likeness { SAME, TOUCHED, UNLIKE };

static enum likeness compare_file(const struct lk_lake_file *from, const struct lk_lake_file *to, const struct unlike *u, bool by_position)
{
	if (from->sequence != to->sequence) /* the same file added at two times is another one to deletes */
		return UNLIKE;
	return is_untouched(u, from) ? SAME : by_position ? TOUCHED : UNLIKE;
}

/* Both lists are sorted; what is touched is kept in the order of the lists, too. */
static void cancel(struct lk_lake_table *from, struct lk_lake_table *to, const struct unlike *u, struct lk_sql_touched *touched)
{
	bool by_position = !from->equality_count && !to->equality_count;
	int i = 0, k = 0, from_left = 0, to_left = 0;

	while (i < from->file_count || k < to->file_count) {
		int order = i == from->file_count ? 1
			    : k == to->file_count ? -1
						  : strcmp(from->files[i].uri, to->files[k].uri);
		enum likeness like = order ? UNLIKE : compare_file(&from->files[i], &to->files[k], u, by_position);

		if (like == TOUCHED)
			touched->files[touched->count++] = to->files[k];
		if (order <= 0 && like == UNLIKE)
			from->files[from_left++] = from->files[i];
		if (order >= 0 && like == UNLIKE)
			to->files[to_left++] = to->files[k];
		i += order <= 0;
		k += order >= 0;
	}
	from->file_count = from_left;
	to->file_count = to_left;
}

static enum lk_status cancel_files(struct lk_lake_table *from, struct lk_lake_table *to, const struct unlike *u,
	struct lk_sql_touched *touched, struct lk_error *err)
{
	*touched = (struct lk_sql_touched){calloc((size_t)to->file_count + 1, sizeof(*touched->files)), 0};
	if (!touched->files)
		return lk_error_nomem(err);
	if (from->file_count)
		qsort(from->files, (size_t)from->file_count, sizeof(*from->files), compare_files);
	if (to->file_count)
		qsort(to->files, (size_t)to->file_count, sizeof(*to->files), compare_files);
	cancel(from, to, u, touched);
	return LK_OK;
}

enum lk_status lk_sql_diff_cancel(struct lk_lake_table *from, struct lk_lake_table *to, struct lk_sql_touched *touched,
	struct lk_error *err)
{
	struct unlike unlike = {0};
	enum lk_status status = find_unlike(from, to, &unlike, err);

	*touched = (struct lk_sql_touched){NULL, 0};
	if (!status)
		status = cancel_files(from, to, &unlike, touched, err);
	free(unlike.referenced.items);
	return status;
}
