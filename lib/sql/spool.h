/*
 * An lk stream's tables as DuckDB's tables.
 *
 * The stream is read to its end before any statement runs: its tables may come interleaved, its last bytes decide whether it is
 * whole, and a statement may read a table twice. Only the tables that the script names are kept, by DuckDB, in memory and beyond
 * its limit in the scratch folder; all others go on unchanged, or are dropped.
 */
#ifndef LK_SQL_SPOOL_H
#define LK_SQL_SPOOL_H

#include "sql/script.h"
#include "sql/sql.h"

/* Whether a name means a table of the stream: `stdin`, or `stdin.TABLE`. */
bool lk_spool_means(const struct lk_sql_name *name);

/* A table of the stream that the script names. */
struct lk_spooled {
	char *table;		   /* lk.table */
	struct ArrowSchema schema; /* of its first Arrow stream, metadata and all */
	int64_t rows;
	struct ArrowSchema *parts; /* each schema that it came with: its rows are in the table lk_stream."<index>_<part>" */
	size_t part_count, part_cap;
};

struct lk_spool {
	struct lk_spooled *tables;
	size_t count, cap;
	bool no_data; /* the script says just `stdin`, and the stream has no data table at all */
};

/*
 * Reads the stream at fd and makes every name of the script that lk_spool_means a view. pass may be NULL. LK_DATA when the
 * stream is broken, has no such table, or has several where the script says just `stdin`.
 */
enum lk_status lk_spool_read(struct lk_spool *spool, struct lk_sql *sql, const struct lk_script *script, int fd,
	struct lk_writer *pass, struct lk_error *err) LK_CHECKED;
void lk_spool_release(struct lk_spool *spool);

#endif
