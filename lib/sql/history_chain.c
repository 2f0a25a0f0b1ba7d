/* What the chains of the keys are: the tables lk_lists, lk_held, lk_events, lk_chain and lk_kept of the session. */
#include <inttypes.h>
#include <string.h>

#include "sql/history_inside.h"

/* ---- lists ---- */

/* Lists that leave out more than the limit allows are not complete: of the newest of each scope. */
static enum lk_status hold_lists(struct lk_history *h, struct lk_error *err)
{
	const struct lk_limit *limit = &h->rq->spec->limit;

	lk_str_addf(&h->s, "CREATE OR REPLACE TEMP TABLE lk_held AS SELECT s, l, gone FROM (SELECT n.s, n.l, count(*) AS rows, count(*) FILTER"
		" (NOT EXISTS (FROM lk_added a WHERE a.k = b.k AND %s(a.v) >= n.l)) AS gone FROM lk_lists n JOIN lk_base b ON b.s = n.s AND"
		" coalesce(b.now, true) AND NOT b.undone WHERE NOT n.known AND n.l = (SELECT max(l) FROM lk_lists o WHERE o.s = n.s)"
		" GROUP BY n.s, n.l) WHERE ", h->f.list);
	if (limit->rows >= 0)
		lk_str_addf(&h->s, "gone > %" PRId64, limit->rows);
	else
		lk_str_addf(&h->s, "gone > greatest(%d, rows * %.17g / 100)", LK_LIMIT_FREE, limit->percent);
	LK_TRY(lk_history_run(h, err));
	return lk_history_run_text(h, "DELETE FROM lk_lists WHERE (s, l) IN (SELECT (s, l) FROM lk_held)", err);
}

/*
 * Where something comes into the time of a row that was open when a later list came, that list had the row: it is the row once more, from
 * then on.
 */
static const char *const sql_reopened =
	"CREATE OR REPLACE TEMP TABLE lk_reopened AS WITH"
	" x AS (SELECT k, %1$s(v) AS l FROM lk_added UNION SELECT b.k, n.l FROM lk_lists n JOIN lk_base b ON b.s = n.s WHERE NOT n.known),"
	" b AS (SELECT *, %1$s(v) AS l, lead(%1$s(v)) OVER (PARTITION BY k ORDER BY v) AS next FROM lk_base WHERE NOT undone)"
	" SELECT DISTINCT ON (b.k, n.l) b.path, b.pos, b.k, n.l AS v, b.s, n.t, b.h, CASE WHEN b.closed > n.t THEN b.closed END AS closed, n.sent, n.file FROM b JOIN x ON x.k = b.k AND x.l > b.l AND"
	" (b.next IS NULL OR x.l < b.next) JOIN lk_lists n ON n.s = b.s AND n.known AND n.l > x.l AND (b.next IS NULL OR n.l < b.next) AND"
	" (b.u IS NULL OR n.t < b.u) WHERE n.l = (SELECT min(l) FROM lk_lists o WHERE o.s = b.s AND o.known AND o.l > x.l)"
	" ORDER BY b.k, n.l, b.v DESC";

/* The first list behind a row that does not have its key. Rows of the table were in all lists that were known and in which they were open. */
static const char *const sql_absent =
	"INSERT INTO lk_events SELECT 0 AS kind, 4 AS rank, NULL, NULL, k, l, s, t, NULL, NULL, NULL, NULL, NULL FROM (SELECT DISTINCT ON (e.k, e.v) e.k,"
	" n.l, e.s, n.t FROM (SELECT *, %1$s(v) AS l, lead(%1$s(v)) OVER (PARTITION BY k ORDER BY v) AS next FROM lk_events) e JOIN lk_lists n ON"
	" n.s = e.s AND n.l > e.l AND (e.next IS NULL OR n.l < e.next) AND (NOT n.known OR e.rank = 1) WHERE e.kind > 0 ORDER BY e.k, e.v, n.l)";

/* ---- the chain ---- */

/*
 * Everything that is known of the keys. kind: 0 a delete, 1 a row, 2 a row once more. Of equal versions the first rank is meant. A version that
 * was confirmed says what the row of the table before it said.
 */
static const char *const sql_events =
	"CREATE OR REPLACE TEMP TABLE lk_events AS SELECT * FROM ("
	"SELECT 0 AS kind, 0 AS rank, NULL::VARCHAR AS path, NULL::BIGINT AS pos, k, v, NULL::BLOB AS s, t, NULL AS h, NULL::BIGINT AS u,"
	" NULL::TIMESTAMPTZ AS sent, NULL::VARCHAR AS file, NULL::BIGINT AS line FROM lk_facts WHERE fact = 'deleted' AND k IN (FROM lk_keys)"
	" UNION ALL SELECT 1, 1, path, pos, k, v, s, t, h, NULL, sent, file, line FROM lk_added"
	" UNION ALL SELECT 1, 2, path, pos, k, v, s, t, h, closed, sent, file, line FROM lk_base WHERE NOT undone"
	" UNION ALL SELECT 2, 3, b.path, b.pos, c.k, c.v, b.s, c.t, b.h, CASE WHEN b.closed > c.t THEN b.closed END, c.lk_sent, c.lk_file, c.lk_row FROM"
	" (FROM lk_facts WHERE fact = 'confirmed' AND k IN (FROM lk_keys)) c ASOF JOIN lk_base b ON b.k = c.k AND b.v <= c.v"
	" UNION ALL SELECT 2, 3, path, pos, k, v, s, t, h, closed, sent, file, NULL FROM lk_reopened)"
	" QUALIFY row_number() OVER (PARTITION BY k, v ORDER BY rank, h, path, pos) = 1";

/*
 * edge: something begins or ends here. A row begins where what is before it is another, or was closed. It holds to the first edge behind it
 * whose time is the least, or to what it was closed at before.
 */
static const char *const sql_chain =
	"CREATE OR REPLACE TEMP TABLE lk_chain AS WITH"
	" a AS (SELECT *, lag(h) OVER w AS before, lag(u) OVER w AS closed FROM lk_events WINDOW w AS (PARTITION BY k ORDER BY v)),"
	" b AS (SELECT *, kind > 0 AND (before IS NULL OR h <> before OR coalesce(closed <= t, false)) AS starts FROM a),"
	" c AS (SELECT *, min(t) FILTER (starts OR kind = 0) OVER ahead AS next, count(*) FILTER (starts OR kind = 0) OVER ahead AS later,"
	" min(u) OVER (PARTITION BY k ORDER BY v ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS known"
	" FROM b WINDOW ahead AS (PARTITION BY k ORDER BY v ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING))"
	" SELECT kind, rank, path, pos, k, v, s, t, starts, sent, file, line, CASE WHEN t IS NOT NULL THEN least(t, next, known) END AS f, least(next, known) AS u,"
	" later = 0 AND known IS NULL AS now FROM c WHERE kind > 0";

/* Rows of the table that stay as they are. */
static const char *const sql_kept =
	"CREATE OR REPLACE TEMP TABLE lk_kept AS SELECT c.path, c.pos FROM lk_chain c JOIN lk_base b ON b.path = c.path AND b.pos = c.pos WHERE c.starts"
	" AND c.rank = 2 AND c.f IS NOT DISTINCT FROM b.f AND c.u IS NOT DISTINCT FROM b.u AND c.now IS NOT DISTINCT FROM b.now";

void lk_history_add_list(struct lk_history *h, const char *format)
{
	lk_str_clear(&h->s);
	for (const char *at = format; *at; at++)
		if (!strncmp(at, "%1$s", 4)) {
			lk_str_adds(&h->s, h->f.list);
			at += 3;
		} else {
			lk_str_addc(&h->s, *at);
		}
}

static enum lk_status run_list(struct lk_history *h, const char *format, struct lk_error *err)
{
	lk_history_add_list(h, format);
	return lk_history_run(h, err);
}

enum lk_status lk_history_make_chain(struct lk_history *h, struct lk_error *err)
{
	LK_TRY(hold_lists(h, err));
	LK_TRY(run_list(h, sql_reopened, err));
	LK_TRY(lk_history_run_text(h, sql_events, err));
	if (h->rq->spec->load == LK_LOAD_FULL)
		LK_TRY(run_list(h, sql_absent, err));
	LK_TRY(lk_history_run_text(h, sql_chain, err));
	return lk_history_run_text(h, sql_kept, err);
}
