/* The SELECT that finds differences. Columns are called v0, v1, ... in it, keys first or not, so that no name of the table's can mean
 * anything else. */
#include "sql/diff_inside.h"

/* v0, v1, ... of keys, of others, or of all. */
enum which { KEYS, OTHERS, ALL };

static void add_columns(struct lk_str *s, const struct lk_sql_diff_columns *c, enum which which)
{
	bool first = true;

	for (int i = 0; i < c->count; i++)
		if (which == ALL || c->items[i].key == (which == KEYS)) {
			lk_str_addf(s, "%sv%d", first ? "" : ", ", i);
			first = false;
		}
}

/* SELECT c4 AS v0, ... FROM lk_sql_diff.from AS t(c0, c1, ...): by place, for a view may call its columns what it likes. */
static void add_side(struct lk_str *s, const struct lk_sql_diff_columns *c, bool to, int column_count)
{
	lk_str_adds(s, "SELECT ");
	for (int i = 0; i < c->count; i++)
		lk_str_addf(s, "c%d AS v%d, ", to ? c->items[i].to : c->items[i].from, i);
	lk_str_addf(s, "%d AS side FROM lk_diff.\"%s\" AS t(", to ? 1 : -1, to ? "to" : "from");
	for (int i = 0; i < column_count; i++)
		lk_str_addf(s, "%sc%d", i ? ", " : "", i);
	lk_str_addc(s, ')');
}

/* Rows that one side has more often than the other, as often as it does: side is whose they are. */
static void add_unlike(struct lk_str *s, const struct lk_sql_diff_columns *c, int from_count, int to_count)
{
	lk_str_adds(s, "SELECT * EXCLUDE (n), CASE WHEN n < 0 THEN -1 ELSE 1 END AS side, unnest(range(CAST(abs(n) AS BIGINT))) AS i"
		       " FROM (SELECT ");
	add_columns(s, c, ALL);
	lk_str_adds(s, ", sum(side) AS n FROM (");
	add_side(s, c, false, from_count);
	lk_str_adds(s, " UNION ALL ");
	add_side(s, c, true, to_count);
	lk_str_adds(s, ") GROUP BY ");
	add_columns(s, c, ALL);
	lk_str_adds(s, " HAVING sum(side) <> 0)");
}

/* Under one key the first of one side is what the first of the other became, and so on: pair numbers them. */
static void add_paired(struct lk_str *s, const struct lk_sql_diff_columns *c, int from_count, int to_count)
{
	bool others = c->count > c->keys;

	lk_str_adds(s, "SELECT *, count(*) OVER (PARTITION BY ");
	add_columns(s, c, KEYS);
	lk_str_adds(s, ", pair) AS sides FROM (SELECT *, row_number() OVER (PARTITION BY ");
	add_columns(s, c, KEYS);
	lk_str_adds(s, ", side ORDER BY ");
	add_columns(s, c, OTHERS);
	lk_str_adds(s, others ? ", i) AS pair FROM (" : "i) AS pair FROM (");
	add_unlike(s, c, from_count, to_count);
	lk_str_adds(s, "))");
}

static void add_differences(struct lk_str *s, const struct lk_sql_diff_columns *c, int from_count, int to_count)
{
	if (c->keys) {
		add_paired(s, c, from_count, to_count);
		return;
	}
	lk_str_adds(s, "SELECT *, 1 AS sides, 1 AS pair FROM (");
	add_unlike(s, c, from_count, to_count);
	lk_str_addc(s, ')');
}

void lk_sql_diff_add_select(struct lk_str *s, const struct lk_sql_diff_columns *c, int from_count, int to_count, bool stat)
{
	if (stat) {
		lk_str_adds(s, "SELECT count(*) FILTER (sides = 1 AND side > 0), count(*) FILTER (sides = 1 AND side < 0),"
			       " count(*) FILTER (sides = 2 AND side > 0) FROM (");
		add_differences(s, c, from_count, to_count);
		lk_str_addc(s, ')');
		return;
	}
	lk_str_adds(s, "SELECT CASE WHEN sides = 2 AND side < 0 THEN 'before' WHEN sides = 2 THEN 'after' WHEN side < 0 THEN 'removed'"
		       " ELSE 'added' END AS lk_op");
	for (int i = 0; i < c->count; i++) {
		lk_str_addf(s, ", v%d AS ", i);
		lk_sql_add_identifier(s, c->items[i].name);
	}
	lk_str_adds(s, " FROM (");
	add_differences(s, c, from_count, to_count);
	lk_str_adds(s, ") ORDER BY ");
	add_columns(s, c, c->keys ? KEYS : ALL);
	lk_str_adds(s, ", pair, side");
}
