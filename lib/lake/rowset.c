#include "lake/rowset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_uri(const void *a, const void *b)
{
	return strcmp(((const struct lk_rowset_file *)a)->file->uri, ((const struct lk_rowset_file *)b)->file->uri);
}

enum lk_status lk_rowset_init(struct lk_rowset *s, const struct lk_lake_table *table, struct lk_error *err)
{
	*s = (struct lk_rowset){.files = calloc((size_t)table->file_count + 1, sizeof(*s->files))};
	if (!s->files)
		return lk_error_nomem(err);
	for (int i = 0; i < table->file_count; i++)
		s->files[s->count++].file = &table->files[i];
	if (s->count)
		qsort(s->files, (size_t)s->count, sizeof(*s->files), by_uri);
	return LK_OK;
}

void lk_rowset_release(struct lk_rowset *s)
{
	for (int i = 0; i < s->count; i++)
		free(s->files[i].bits);
	free(s->files);
	*s = (struct lk_rowset){.files = NULL};
}

struct lk_rowset_file *lk_rowset_find(struct lk_rowset *s, const char *uri)
{
	const struct lk_lake_file key = {.uri = uri};
	const struct lk_rowset_file wanted = {.file = &key};

	if (s->last && (s->last->file->uri == uri || !strcmp(s->last->file->uri, uri)))
		return s->last;
	s->last = s->count ? bsearch(&wanted, s->files, (size_t)s->count, sizeof(*s->files), by_uri) : NULL;
	return s->last;
}

enum lk_status lk_rowset_add(struct lk_rowset *s, struct lk_rowset_file *f, int64_t position, struct lk_error *err)
{
	uint64_t bit = UINT64_C(1) << (position & 63);

	if (position < 0 || position >= f->file->rows)
		return lk_error_set(err, LK_DATA, "'%s' has no row at position %" PRId64, f->file->uri, position);
	if (!f->bits)
		f->bits = calloc((size_t)f->file->rows / 64 + 1, sizeof(*f->bits));
	if (!f->bits)
		return lk_error_nomem(err);
	if (f->bits[position >> 6] & bit)
		return lk_error_set(err, LK_DATA, "the row of '%s' at position %" PRId64 " is meant twice", f->file->uri, position);
	f->bits[position >> 6] |= bit;
	f->count++;
	s->rows++;
	return LK_OK;
}

bool lk_rowset_has(const struct lk_rowset_file *f, int64_t position)
{
	return f->bits && position >= 0 && position < f->file->rows && (f->bits[position >> 6] >> (position & 63) & 1);
}

bool lk_rowset_whole(const struct lk_rowset_file *f)
{
	return f->count && f->count == f->file->rows;
}

static enum lk_status delete_rows(struct lk_deletes_writer *w, const struct lk_rowset_file *f, struct lk_error *err)
{
	for (int64_t at = 0; at <= f->file->rows / 64; at++)
		for (uint64_t word = f->bits[at]; word; word &= word - 1)
			LK_TRY(lk_deletes_add(w, f->file, at * 64 + __builtin_ctzll(word), err));
	return LK_OK;
}

enum lk_status lk_rowset_delete(const struct lk_rowset *s, struct lk_target *t, const char *prefix, struct lk_error *err)
{
	struct lk_deletes_writer w;
	enum lk_status status = lk_deletes_begin(&w, t, prefix, err);

	for (int i = 0; !status && i < s->count; i++)
		if (s->files[i].count && !lk_rowset_whole(&s->files[i]))
			status = delete_rows(&w, &s->files[i], err);
	if (!status)
		status = lk_deletes_finish(&w, err);
	lk_deletes_release(&w);
	return status;
}
