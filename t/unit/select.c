/* Statements of our own over tables, behind doors that are still open. */
#include <stdlib.h>
#include <unistd.h>

#include "base/tool.h"
#include "sql/sql.h"
#include "tap.h"

static struct lk_error err;

static int64_t sum_of(struct lk_sql *sql, const char *select, int64_t *rows)
{
	const struct ArrowArrayView *view;
	struct lk_result *result;
	int64_t sum = 0;
	enum lk_next next;

	*rows = 0;
	if (lk_result_select(&result, sql, select, true, &err))
		return -1;
	while ((next = lk_result_next(result, &view, &err)) == LK_NEXT_BATCH) {
		*rows += view->length;
		for (int64_t i = 0; i < view->length; i++)
			sum += ArrowArrayViewGetIntUnsafe(view->children[0], i);
	}
	lk_result_close(result);
	return next == LK_NEXT_END ? sum : -1;
}

int main(void)
{
	char dir[] = "/tmp/lk-unit-select.XXXXXX";
	struct lk_sql_options options = {.threads = 1, .scratch = dir};
	struct lk_result *result;
	struct lk_sql *sql;
	int64_t rows;

	if (!mkdtemp(dir))
		return 70;
	is_int(lk_sql_open(&sql, &options, &err), LK_OK, "DuckDB is there");
	is_int(sum_of(sql, "SELECT range FROM range(10000)", &rows), 49995000, "a SELECT of ours runs");
	is_int(rows, 10000, "and gives all rows");
	is_int(sum_of(sql, "SELECT 7 WHERE false", &rows), 0, "or none");
	is_int(lk_result_select(&result, sql, "SELECT nothing", true, &err), LK_DATA, "one that cannot run is an error");
	ok(!result, "and gives no result");
	lk_sql_close(sql);
	ok(rmdir(dir) == 0, "and leaves nothing behind");
	return done();
}
