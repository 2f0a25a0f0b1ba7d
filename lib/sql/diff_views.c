/* The two sides of a difference as views. */
#include <stdlib.h>

#include "sql/diff_inside.h"
#include "sql/gone.h"
#include "sql/view.h"

static enum lk_status read_gone(struct lk_sql *sql, const struct lk_lake_table *t, struct lk_row_bits **out, struct lk_error *err)
{
	struct lk_gone gone;
	enum lk_status status = lk_gone_init(&gone, t, err);

	*out = NULL;
	if (!status)
		status = lk_gone_read(&gone, sql, out, err);
	lk_gone_release(&gone);
	return status;
}

static bool is_empty(const struct lk_row_bits *bits)
{
	for (int i = 0; i < bits->count; i++)
		if (lk_row_bits_count(bits, i))
			return false;
	return true;
}

/* Where there is not memory for it: the files are read on both sides. Both lists have room for what came out of them. */
static void give_back(struct lk_lake_table *from, struct lk_lake_table *to, const struct lk_sql_touched *touched)
{
	for (int i = 0; i < touched->count; i++) {
		from->files[from->file_count++] = touched->files[i];
		to->files[to->file_count++] = touched->files[i];
	}
}

struct touched_views {
	struct lk_sql *sql;
	struct lk_lake_table from, to; /* with the touched files alone */
	struct lk_row_bits *left, *came;
};

/* What deletes of `to` took out that those of `from` had not was there before; and the other way round. */
static enum lk_status make_touched(struct touched_views *v, unsigned *sides, struct lk_error *err)
{
	struct lk_row_bits *left = v->left, *came = v->came;
	enum lk_status status;

	v->left = v->came = NULL;
	lk_row_bits_cancel(left, came);
	*sides |= is_empty(left) ? 0 : LK_SIDE_FROM;
	*sides |= is_empty(came) ? 0 : LK_SIDE_TO;
	status = lk_sql_view_create_of(v->sql, "lk_diff", "from_rows", &v->from, left, err);
	if (status) {
		lk_row_bits_free(came);
		return status;
	}
	return lk_sql_view_create_of(v->sql, "lk_diff", "to_rows", &v->to, came, err);
}

static enum lk_status take_touched(struct lk_sql *sql, struct lk_lake_table *from, struct lk_lake_table *to,
	const struct lk_sql_touched *touched, unsigned *sides, bool *made, struct lk_error *err)
{
	struct touched_views v = {.sql = sql, .from = *from, .to = *to};
	enum lk_status status;

	v.from.files = v.to.files = touched->files;
	v.from.file_count = v.to.file_count = touched->count;
	status = read_gone(sql, &v.from, &v.came, err);
	if (!status)
		status = read_gone(sql, &v.to, &v.left, err);
	*made = v.left && v.came;
	if (!status && *made)
		status = make_touched(&v, sides, err);
	else if (!status)
		give_back(from, to, touched);
	lk_row_bits_free(v.left);
	lk_row_bits_free(v.came);
	return status;
}

static enum lk_status join_views(struct lk_sql *sql, const char *name, bool touched, const char *where, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&s, "CREATE OR REPLACE VIEW lk_diff.\"%s\" AS SELECT * FROM (FROM lk_diff.%s_files", name, name);
	if (touched)
		lk_str_addf(&s, " UNION ALL FROM lk_diff.%s_rows", name);
	lk_str_addc(&s, ')');
	if (where)
		lk_str_addf(&s, " WHERE %s", where);
	status = lk_str_check(&s, err);
	if (!status)
		status = lk_sql_run(sql, s.data, err);
	lk_str_release(&s);
	return status;
}

enum lk_status lk_sql_diff_views(struct lk_sql *sql, struct lk_lake_table *from, struct lk_lake_table *to,
	const struct lk_sql_touched *touched, const char *where, unsigned *sides, struct lk_error *err)
{
	bool made = false;

	*sides = 0;
	if (touched->count)
		LK_TRY(take_touched(sql, from, to, touched, sides, &made, err));
	*sides |= from->file_count ? LK_SIDE_FROM : 0;
	*sides |= to->file_count ? LK_SIDE_TO : 0;
	LK_TRY(lk_sql_view_create(sql, "lk_diff", "from_files", from, err));
	LK_TRY(lk_sql_view_create(sql, "lk_diff", "to_files", to, err));
	LK_TRY(join_views(sql, "from", made, where, err));
	return join_views(sql, "to", made, where, err);
}
