/* The SELECT that finds differences. Columns are called v0, v1, ... in it, keys first or not, so that no name of the table's can mean
 * anything else. */
#include <inttypes.h>

#include "base/value.h"
#include "sql/diff_inside.h"

/* v0, v1, ... of a role, or of several. */
enum which { KEYS = 1 << LK_DIFF_KEY, VALUES = 1 << LK_DIFF_VALUE, CARRIED = 1 << LK_DIFF_CARRIED, OTHERS = VALUES | CARRIED,
	COMPARED = KEYS | VALUES, ALL = KEYS | OTHERS };

/* Each with `behind`, such as a comma. */
static void add_each(struct lk_str *s, const struct lk_sql_diff_columns *c, enum which which, const char *behind)
{
	for (int i = 0; i < c->count; i++)
		if (which & 1 << c->items[i].role)
			lk_str_addf(s, "v%d%s", i, behind);
}

/* By commas. */
static void add_columns(struct lk_str *s, const struct lk_sql_diff_columns *c, enum which which)
{
	bool first = true;

	for (int i = 0; i < c->count; i++)
		if (which & 1 << c->items[i].role) {
			lk_str_addf(s, "%sv%d", first ? "" : ", ", i);
			first = false;
		}
}

/* SELECT c4 AS v0, ... FROM lk_diff.from AS t(c0, c1, ...): by place, for a view may call its columns what it likes. */
static void add_side(struct lk_str *s, const struct lk_sql_diff_select *d, bool to)
{
	const struct lk_sql_diff_columns *c = d->columns;
	int column_count = to ? d->to_count : d->from_count;

	lk_str_adds(s, "SELECT ");
	for (int i = 0; i < c->count; i++)
		lk_str_addf(s, "c%d AS v%d, ", to ? c->items[i].to : c->items[i].from, i);
	lk_str_addf(s, "%d AS side FROM lk_diff.\"%s\" AS t(", to ? 1 : -1, to ? "to" : "from");
	for (int i = 0; i < column_count; i++)
		lk_str_addf(s, "%sc%d", i ? ", " : "", i);
	lk_str_addc(s, ')');
}

static void add_sides(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	add_side(s, d, false);
	lk_str_adds(s, " UNION ALL ");
	add_side(s, d, true);
}

/* Rows that one side has more often than the other, as often as it does: side is whose they are. */
static void add_counted(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	lk_str_adds(s, "SELECT * EXCLUDE (n), CASE WHEN n < 0 THEN -1 ELSE 1 END AS side, unnest(range(CAST(abs(n) AS BIGINT))) AS i"
		       " FROM (SELECT ");
	add_columns(s, d->columns, ALL);
	lk_str_adds(s, ", sum(side) AS n FROM (");
	add_sides(s, d);
	lk_str_adds(s, ") GROUP BY ");
	add_columns(s, d->columns, ALL);
	lk_str_adds(s, " HAVING sum(side) <> 0)");
}

/* The same where columns travel with the rows: the first of one side cancels the first of the other, and so on. */
static void add_numbered(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	lk_str_adds(s, "SELECT * EXCLUDE (n) FROM (SELECT *, count(*) OVER (PARTITION BY ");
	add_each(s, d->columns, COMPARED, ", ");
	lk_str_adds(s, "i) AS n FROM (SELECT *, row_number() OVER (PARTITION BY ");
	add_each(s, d->columns, COMPARED, ", ");
	lk_str_adds(s, "side ORDER BY ");
	add_columns(s, d->columns, CARRIED);
	lk_str_adds(s, ") AS i FROM (");
	add_sides(s, d);
	lk_str_adds(s, "))) WHERE n = 1");
}

static void add_unlike(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	if (d->columns->carried)
		add_numbered(s, d);
	else
		add_counted(s, d);
}

/* Under one key the first of one side is what the first of the other became, and so on: pair numbers them. */
static void add_paired(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	lk_str_adds(s, "SELECT *, count(*) OVER (PARTITION BY ");
	add_each(s, d->columns, KEYS, ", ");
	lk_str_adds(s, "pair) AS sides FROM (SELECT *, row_number() OVER (PARTITION BY ");
	add_each(s, d->columns, KEYS, ", ");
	lk_str_adds(s, "side ORDER BY ");
	add_each(s, d->columns, OTHERS, ", ");
	lk_str_adds(s, "i) AS pair FROM (");
	add_unlike(s, d);
	lk_str_adds(s, "))");
}

/* What one side alone has differs, all of it. */
static bool is_of_one_side(const struct lk_sql_diff_select *d)
{
	return d->sides != (LK_SIDE_FROM | LK_SIDE_TO);
}

static void add_differences(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	if (!is_of_one_side(d) && d->columns->keys) {
		add_paired(s, d);
		return;
	}
	lk_str_adds(s, "SELECT *, 1 AS sides, 1 AS pair FROM (");
	if (is_of_one_side(d))
		add_side(s, d, d->sides == LK_SIDE_TO);
	else
		add_unlike(s, d);
	lk_str_addc(s, ')');
}

static void add_order(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	bool paired = d->columns->keys && !is_of_one_side(d);

	lk_str_adds(s, " ORDER BY ");
	add_each(s, d->columns, KEYS, ", ");
	if (!paired)
		add_each(s, d->columns, OTHERS, ", ");
	lk_str_adds(s, "pair, side");
}

static void add_operation(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	static const char *const words[][4] = {
		[LK_DIFF_ROWS] = {"before", "after", "removed", "added"}, [LK_DIFF_CHANGES] = {"B", "U", "D", "I"}};
	const char *const *w = words[d->form];

	lk_str_addf(s, "SELECT CASE WHEN sides = 2 AND side < 0 THEN '%s' WHEN sides = 2 THEN '%s' WHEN side < 0 THEN '%s'"
		       " ELSE '%s' END AS lk_op", w[0], w[1], w[2], w[3]);
	if (d->form == LK_DIFF_CHANGES) {
		char time[LK_VALUE_TEXT];

		lk_timestamp_text(d->time_ms * 1000, true, true, time);
		lk_str_addf(s, ", CAST(%" PRId64 " AS BIGINT) AS lk_snapshot, CAST('%s' AS TIMESTAMPTZ) AS lk_committed", d->snapshot_id,
			time);
	}
}

void lk_sql_diff_add_select(struct lk_str *s, const struct lk_sql_diff_select *d)
{
	if (d->form == LK_DIFF_STAT) {
		lk_str_adds(s, "SELECT count(*) FILTER (sides = 1 AND side > 0), count(*) FILTER (sides = 1 AND side < 0),"
			       " count(*) FILTER (sides = 2 AND side > 0) FROM (");
		add_differences(s, d);
		lk_str_addc(s, ')');
		return;
	}
	add_operation(s, d);
	for (int i = 0; i < d->columns->count; i++) {
		lk_str_addf(s, ", v%d AS ", i);
		lk_sql_add_identifier(s, d->columns->items[i].name);
	}
	lk_str_adds(s, " FROM (");
	add_differences(s, d);
	lk_str_addc(s, ')');
	add_order(s, d);
}
