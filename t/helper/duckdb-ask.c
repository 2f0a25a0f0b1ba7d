/* duckdb-ask DATABASE SQL: what another program with DuckDB sees in a database file: rows, columns apart by commas. */
#include <stdio.h>
#include <string.h>

#include "sql/duckdb.h"

static int ask(const struct lk_duckdb *d, void *connection, const char *sql)
{
	struct lk_duckdb_result result = {{0}};
	uint64_t columns, rows;

	if (d->query(connection, sql, &result)) {
		fprintf(stderr, "duckdb-ask: %s\n", d->result_error(&result));
		d->destroy_result(&result);
		return 1;
	}
	columns = d->column_count(&result);
	rows = d->row_count(&result);
	for (uint64_t row = 0; row < rows; row++)
		for (uint64_t column = 0; column < columns; column++) {
			char *text = d->value_varchar(&result, column, row);

			printf("%s%s", text ? text : "", column + 1 < columns ? "," : "\n");
			if (text)
				d->free(text);
		}
	d->destroy_result(&result);
	return 0;
}

int main(int argc, char **argv)
{
	struct lk_duckdb d;
	struct lk_error err;
	void *config = NULL, *db = NULL, *connection = NULL;
	char *said = NULL;
	int rc = 1;

	if (argc != 3 || lk_duckdb_load(&d, &err)) {
		fprintf(stderr, "duckdb-ask: %s\n", argc == 3 ? err.message : "two arguments");
		return 2;
	}
	if (d.create_config(&config) || d.set_config(config, "access_mode", "READ_ONLY") || d.open_ext(argv[1], &db, config, &said))
		fprintf(stderr, "duckdb-ask: %s\n", said ? said : "cannot open");
	else if (!d.connect(db, &connection))
		rc = ask(&d, connection, argv[2]);
	if (said)
		d.free(said);
	if (config)
		d.destroy_config(&config);
	if (connection)
		d.disconnect(&connection);
	if (db)
		d.close(&db);
	return rc;
}
