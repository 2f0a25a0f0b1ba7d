#include "sql/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is fixed from the start; the rest of the doors close in lk_sql_lock. */
static const char *const settings[][2] = {
	{"autoload_known_extensions", "false"},
	{"autoinstall_known_extensions", "false"},
	{"allow_community_extensions", "false"},
	{"allow_persistent_secrets", "false"},
	{"arrow_large_buffer_size", "false"},
	{"errors_as_json", "true"},
};

static enum lk_status configure(struct lk_sql *sql, void *config, const struct lk_sql_options *o, struct lk_error *err)
{
	char number[32];

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		if (sql->duckdb.set_config(config, settings[i][0], settings[i][1]))
			return lk_error_set(err, LK_MISSING, "this DuckDB has no setting '%s'", settings[i][0]);
	if (o->threads) {
		snprintf(number, sizeof(number), "%lld", (long long)o->threads);
		if (sql->duckdb.set_config(config, "threads", number))
			return lk_error_set(err, LK_USAGE, "DuckDB does not take %s threads", number);
	}
	if (o->memory_bytes) {
		snprintf(number, sizeof(number), "%lldB", (long long)o->memory_bytes);
		if (sql->duckdb.set_config(config, "memory_limit", number))
			return lk_error_set(err, LK_USAGE, "DuckDB does not take %s of memory", number);
	}
	if (sql->duckdb.set_config(config, "temp_directory", o->scratch))
		return lk_error_set(err, LK_BUG, "DuckDB does not take '%s' for its scratch files", o->scratch);
	return LK_OK;
}

static enum lk_status open_database(struct lk_sql *sql, const struct lk_sql_options *options, struct lk_error *err)
{
	struct lk_duckdb *d = &sql->duckdb;
	void *config = NULL;
	char *said = NULL;
	enum lk_status status;

	if (d->create_config(&config))
		return lk_error_nomem(err);
	status = configure(sql, config, options, err);
	if (!status && d->open_ext(NULL, &sql->db, config, &said))
		status = lk_error_set(err, LK_MISSING, "cannot start DuckDB: %s", said ? said : "no reason given");
	if (said)
		d->free(said);
	d->destroy_config(&config);
	if (!status && d->connect(sql->db, &sql->connection))
		status = lk_error_set(err, LK_MISSING, "cannot connect to DuckDB");
	return status;
}

enum lk_status lk_sql_open(struct lk_sql **out, const struct lk_sql_options *options, struct lk_error *err)
{
	struct lk_sql *sql = calloc(1, sizeof(*sql));
	enum lk_status status;

	*out = NULL;
	if (!sql)
		return lk_error_nomem(err);
	lk_nothing_open(&sql->nothing);
	status = lk_duckdb_load(&sql->duckdb, err);
	if (!status)
		status = open_database(sql, options, err);
	if (!status && *sql->nothing.path)
		status = lk_sql_allow(sql, sql->nothing.path, err);
	if (!status)
		status = lk_sql_run(sql, "SET TimeZone = 'UTC'", err);
	if (status)
		lk_sql_close(sql);
	else
		*out = sql;
	return status;
}

void lk_sql_close(struct lk_sql *sql)
{
	if (!sql)
		return;
	if (sql->connection)
		sql->duckdb.disconnect(&sql->connection);
	if (sql->db)
		sql->duckdb.close(&sql->db);
	lk_nothing_close(&sql->nothing);
	lk_str_release(&sql->allowed);
	free(sql);
}

void lk_sql_interrupt(struct lk_sql *sql)
{
	sql->duckdb.interrupt(sql->connection);
}

enum lk_status lk_sql_run(struct lk_sql *sql, const char *statement, struct lk_error *err)
{
	struct lk_duckdb_result result = {{0}};
	enum lk_status status = LK_OK;

	if (sql->duckdb.query(sql->connection, statement, &result))
		status = lk_sql_error(sql->duckdb.result_error(&result), NULL, NULL, err);
	sql->duckdb.destroy_result(&result);
	return status;
}

enum lk_status lk_sql_allow(struct lk_sql *sql, const char *path, struct lk_error *err)
{
	lk_sql_add_literal(&sql->allowed, path);
	lk_str_addc(&sql->allowed, ',');
	return lk_str_check(&sql->allowed, err);
}

enum lk_status lk_sql_lock(struct lk_sql *sql, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	if (sql->locked)
		return LK_OK;
	lk_str_addf(&s, "SET allowed_paths = [%s]", lk_str_text(&sql->allowed));
	status = lk_str_check(&s, err);
	if (!status && sql->allowed.len)
		status = lk_sql_run(sql, s.data, err);
	if (!status)
		status = lk_sql_run(sql, "SET enable_external_access = false", err);
	if (!status)
		status = lk_sql_run(sql, "SET lock_configuration = true", err);
	sql->locked = !status;
	lk_str_release(&s);
	return status;
}

static void add_quoted(struct lk_str *s, const char *text, char quote)
{
	lk_str_addc(s, quote);
	for (; *text; text++) {
		if (*text == quote)
			lk_str_addc(s, quote);
		lk_str_addc(s, *text);
	}
	lk_str_addc(s, quote);
}

void lk_sql_add_identifier(struct lk_str *s, const char *name)
{
	add_quoted(s, name, '"');
}

void lk_sql_add_literal(struct lk_str *s, const char *text)
{
	add_quoted(s, text, '\'');
}
