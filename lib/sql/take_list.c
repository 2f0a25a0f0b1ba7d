/* Which cursors a lake has, and how far behind they are. */
#include <stdlib.h>
#include <string.h>

#include "lake/cursors.h"
#include "lake/metadata.h"
#include "lake/refs.h"
#include "sql/take.h"
#include "stream/build.h"

enum { CURSOR, TABLE, SNAPSHOT, COMMITTED, BEHIND, MOVED };

static const struct lk_field fields[] = {
	{.name = "cursor", .type = LK_UTF8, .required = true},
	{.name = "table", .type = LK_UTF8, .required = true},
	{.name = "snapshot", .type = LK_INT64},
	{.name = "committed", .type = LK_TIMESTAMPTZ},
	{.name = "behind", .type = LK_INT64},
	{.name = "moved", .type = LK_TIMESTAMPTZ},
};

/* Snapshots of main behind the cursor's; -1 where it did not lead to what main is. */
static int64_t count_behind(const struct lk_lake_table *t, int64_t snapshot_id)
{
	struct lk_lineage l;
	int64_t count = 0;

	for (lk_lineage_start(&l, t->metadata, t->snapshot_id); l.snapshot && lk_lineage_id(&l) != snapshot_id; lk_lineage_next(&l))
		count++;
	return l.snapshot || snapshot_id < 0 ? count : -1;
}

/* The table that has the cursor, under whatever name it has now; NULL when it was dropped, or is not to be read. */
static const struct lk_lake_table *find_table(const struct lk_pin *pin, const struct lk_lake_cursor *c)
{
	for (int i = 0; i < pin->table_count; i++)
		if (pin->tables[i].uuid && !strcmp(pin->tables[i].uuid, c->table_uuid))
			return &pin->tables[i];
	return NULL;
}

static void add_number(struct lk_column *c, int64_t n)
{
	if (n < 0)
		lk_column_null(c);
	else
		lk_column_int64(c, n);
}

static enum lk_status add_row(struct lk_builder *b, struct lk_pin *pin, const struct lk_lake_cursor *c, struct lk_error *err)
{
	const struct lk_lake_table *t = find_table(pin, c);
	const json_t *snapshot = t ? lk_metadata_snapshot(t->metadata, c->snapshot_id) : NULL;
	const char *name = t ? lk_arena_printf(&pin->arena, "%s.%s", t->namespace_name, t->name) : c->table;

	if (!name)
		return lk_error_nomem(err);
	lk_column_text(&b->columns[CURSOR], c->name);
	lk_column_text(&b->columns[TABLE], name);
	add_number(&b->columns[SNAPSHOT], c->snapshot_id);
	if (snapshot)
		lk_column_int64(&b->columns[COMMITTED], lk_metadata_number(snapshot, "timestamp-ms", 0) * 1000);
	else
		lk_column_null(&b->columns[COMMITTED]);
	add_number(&b->columns[BEHIND], t ? count_behind(t, c->snapshot_id) : -1);
	if (c->snapshot_id < 0)
		lk_column_null(&b->columns[MOVED]);
	else
		lk_column_int64(&b->columns[MOVED], c->moved_us);
	return lk_builder_end_row(b, err);
}

static enum lk_status open_tables(struct lk_lake *lake, struct lk_pin *pin, struct lk_error *err)
{
	LK_TRY(lk_lake_pin(lake, pin, err));
	for (int i = 0; i < pin->table_count; i++) {
		enum lk_status status = lk_lake_table_open(pin, &pin->tables[i], NULL, err);

		if (status && status != LK_NOPERM)
			return status;
	}
	return LK_OK;
}

static enum lk_status fill(struct lk_builder *b, struct lk_lake *lake, struct lk_pin *pin, struct lk_error *err)
{
	struct lk_lake_cursor *cursors;
	enum lk_status status;
	size_t count;

	LK_TRY(open_tables(lake, pin, err));
	status = lk_lake_cursor_list(lake, &pin->arena, &cursors, &count, err);
	for (size_t i = 0; !status && i < count; i++)
		status = add_row(b, pin, &cursors[i], err);
	free(cursors);
	return status;
}

static enum lk_status write_all(struct lk_builder *b, enum lk_format format, FILE *out, struct lk_error *err)
{
	const struct ArrowArrayView *view;

	LK_TRY(lk_builder_check(b, err));
	LK_TRY(lk_builder_view(b, &view, err));
	return lk_format_all(format, out, &b->schema, view, err);
}

enum lk_status lk_take_list(struct lk_lake *lake, enum lk_format format, FILE *out, struct lk_error *err)
{
	struct lk_pin pin = {.arena = LK_ARENA_INIT};
	struct lk_builder b = {.columns = NULL};
	enum lk_status status = lk_builder_init(&b, fields, sizeof(fields) / sizeof(*fields), NULL, err);

	if (!status)
		status = fill(&b, lake, &pin, err);
	if (!status)
		status = write_all(&b, format, out, err);
	lk_builder_release(&b);
	lk_pin_release(&pin);
	return status;
}
