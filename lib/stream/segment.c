#include "stream/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "stream/side.h"

struct lk_segment_tally *lk_segment_tally_get(struct lk_segment_tallies *t, const char *table)
{
	struct lk_segment_tally *tally;

	/* The table at hand is most often one of the last that were used. */
	for (size_t i = t->count; i-- > 0;)
		if (!strcmp(t->items[i].table, table))
			return &t->items[i];
	if (!lk_grow((void **)&t->items, &t->cap, t->count + 1, sizeof(*t->items)))
		return NULL;
	tally = &t->items[t->count];
	*tally = (struct lk_segment_tally){.table = strdup(table)};
	if (!tally->table)
		return NULL;
	t->count++;
	return tally;
}

static void clear_tallies(struct lk_segment_tallies *t)
{
	for (size_t i = 0; i < t->count; i++) {
		free(t->items[i].table);
		free(t->items[i].reason);
	}
	t->count = 0;
}

void lk_segment_tallies_release(struct lk_segment_tallies *t)
{
	clear_tallies(t);
	free(t->items);
	*t = (struct lk_segment_tallies){0};
}

void lk_segments_release(struct lk_segments *s)
{
	lk_segment_tallies_release(&s->tallies);
	free(s->seen);
	*s = (struct lk_segments){0};
}

static bool is_id(const char *id)
{
	return strlen(id) == LK_SEGMENT_SIZE - 1 && strspn(id, "0123456789abcdef") == LK_SEGMENT_SIZE - 1;
}

/* Where id stands, or should stand, among those seen. */
static size_t seen_place(const struct lk_segments *s, const char *id)
{
	size_t low = 0, high = s->seen_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(s->seen[middle], id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static enum lk_status open_segment(struct lk_segments *s, const char *id, const char *table, struct lk_error *err)
{
	size_t place = seen_place(s, id);

	if (place < s->seen_count && !strcmp(s->seen[place], id))
		return lk_error_set(err, LK_DATA, "segment %s came already, and here it is again with table '%s': the same stream was given twice",
			id, table);
	if (!lk_grow((void **)&s->seen, &s->seen_cap, s->seen_count + 1, sizeof(*s->seen)))
		return lk_error_nomem(err);
	memmove(s->seen + place + 1, s->seen + place, (s->seen_count - place) * sizeof(*s->seen));
	memcpy(s->seen[place], id, LK_SEGMENT_SIZE);
	s->seen_count++;
	memcpy(s->id, id, LK_SEGMENT_SIZE);
	return LK_OK;
}

/* The table that came last of the open segment, for messages. */
static const char *last_table(const struct lk_segments *s)
{
	return s->tallies.count ? s->tallies.items[s->tallies.count - 1].table : LK_TABLE_END;
}

enum lk_status lk_segments_stream(struct lk_segments *s, const char *id, const char *table, struct lk_error *err)
{
	struct lk_segment_tally *tally;

	if (*id && !is_id(id))
		return lk_error_set(err, LK_DATA, "table '%s' has an lk.segment that is not 32 hexadecimal digits", table);
	if (s->id[0] && strcmp(s->id, id))
		return lk_error_set(err, LK_DATA, "the writer of table '%s' died: its segment has no end marker before table '%s' of another begins",
			last_table(s), table);
	if (!*id)
		return LK_OK;
	if (!*table)
		return lk_error_set(err, LK_DATA, "a stream of a segment has no lk.table");
	if (!s->id[0])
		LK_TRY(open_segment(s, id, table, err));
	if (!strcmp(table, LK_TABLE_END))
		return LK_OK;
	tally = lk_segment_tally_get(&s->tallies, table);
	if (!tally)
		return lk_error_nomem(err);
	tally->streams++;
	return LK_OK;
}

enum lk_status lk_segments_rows(struct lk_segments *s, const char *table, int64_t rows, struct lk_error *err)
{
	struct lk_segment_tally *tally = lk_segment_tally_get(&s->tallies, table);

	if (!tally)
		return lk_error_nomem(err);
	tally->rows += rows;
	return LK_OK;
}

struct marker {
	const struct ArrowArrayView *table, *streams, *rows, *read, *dropped;
};

static const struct ArrowArrayView *column(const struct ArrowSchema *schema, const struct ArrowArrayView *view,
	const char *name, enum lk_type type)
{
	int i = lk_schema_find(schema, name);

	return i >= 0 && lk_type_of(schema->children[i], NULL, NULL) == type && view->children[i]->null_count == 0 ?
		view->children[i] :
		NULL;
}

static enum lk_status confirm(struct lk_segments *s, const struct marker *m, int64_t row, struct lk_error *err)
{
	struct ArrowStringView text = ArrowArrayViewGetStringUnsafe(m->table, row);
	int64_t streams = ArrowArrayViewGetIntUnsafe(m->streams, row);
	int64_t rows = ArrowArrayViewGetIntUnsafe(m->rows, row);
	int64_t read = ArrowArrayViewGetIntUnsafe(m->read, row), dropped = ArrowArrayViewGetIntUnsafe(m->dropped, row);
	char *table = strndup(text.data, (size_t)text.size_bytes);
	struct lk_segment_tally *tally = table ? lk_segment_tally_get(&s->tallies, table) : NULL;

	free(table);
	if (!tally)
		return lk_error_nomem(err);
	if (tally->confirmed)
		return lk_error_set(err, LK_DATA, "the end marker names table '%s' twice", tally->table);
	if (tally->streams != streams || tally->rows != rows)
		return lk_error_set(err, LK_DATA,
			"rows were lost or added on the way: the end marker says %lld rows in %lld streams of table '%s', but %lld rows in %lld came",
			(long long)rows, (long long)streams, tally->table, (long long)tally->rows,
			(long long)tally->streams);
	if (read < 0 || dropped < 0 || __builtin_add_overflow(s->counts.read, read, &s->counts.read) ||
		__builtin_add_overflow(s->counts.dropped, dropped, &s->counts.dropped))
		return lk_error_set(err, LK_DATA, "the end marker counts %lld rows read and %lld dropped for table '%s'",
			(long long)read, (long long)dropped, tally->table);
	tally->confirmed = true;
	s->counts.streams += streams;
	s->counts.rows += rows;
	return LK_OK;
}

enum lk_status lk_segments_marker(struct lk_segments *s, const struct ArrowSchema *schema,
	const struct ArrowArrayView *view, struct lk_error *err)
{
	struct marker m = {
		column(schema, view, "table", LK_UTF8),
		column(schema, view, "streams", LK_INT64),
		column(schema, view, "rows", LK_INT64),
		column(schema, view, "read", LK_INT64),
		column(schema, view, "dropped", LK_INT64),
	};

	if (!m.table || !m.streams || !m.rows || !m.read || !m.dropped)
		return lk_error_set(err, LK_DATA, "the end marker has not the columns of lk.end");
	for (int64_t row = 0; row < view->length; row++)
		LK_TRY(confirm(s, &m, row, err));
	return LK_OK;
}

enum lk_status lk_segments_end(struct lk_segments *s, struct lk_error *err)
{
	for (size_t i = 0; i < s->tallies.count; i++)
		if (!s->tallies.items[i].confirmed)
			return lk_error_set(err, LK_DATA, "table '%s' came, but the end marker does not name it",
				s->tallies.items[i].table);
	clear_tallies(&s->tallies);
	s->id[0] = '\0';
	return LK_OK;
}

enum lk_status lk_segments_finish(const struct lk_segments *s, struct lk_error *err)
{
	if (!s->id[0])
		return LK_OK;
	return lk_error_set(err, LK_DATA, "the writer of table '%s' died: its segment has no end marker", last_table(s));
}
