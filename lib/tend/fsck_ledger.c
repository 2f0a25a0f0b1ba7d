#include "tend/fsck_ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lake/catalog.h"
#include "tend/index.h"

/* A delivery as lk.files has it. */
struct delivery {
	int64_t records;
	bool known; /* to the ledger, too */
};

struct check {
	struct lk_arena arena;
	struct lk_index index; /* sender, NUL, sha256 */
	struct delivery *deliveries;
	size_t cap;
	lk_ledger_finding *visit;
	void *context;
};

static enum lk_status key_of(struct check *c, const char *sender, const char *sha256, char **key, size_t *len, struct lk_error *err)
{
	*len = strlen(sender) + 1 + strlen(sha256);
	*key = lk_arena_alloc(&c->arena, *len + 1);
	if (!*key)
		return lk_error_nomem(err);
	memcpy(*key, sender, strlen(sender));
	memcpy(*key + strlen(sender) + 1, sha256, strlen(sha256));
	return LK_OK;
}

static enum lk_status take(void *context, const char *sender, const char *sha256, int64_t records, struct lk_error *err)
{
	struct check *c = context;
	size_t len, number;
	bool added;
	char *key;

	LK_TRY(key_of(c, sender, sha256, &key, &len, err));
	LK_TRY(lk_index_add(&c->index, key, len, &number, &added, err));
	if (!lk_grow((void **)&c->deliveries, &c->cap, number + 1, sizeof(*c->deliveries)))
		return lk_error_nomem(err);
	c->deliveries[number] = (struct delivery){records, false};
	return LK_OK;
}

static enum lk_status found(struct check *c, const char *sha256, const char *text, struct lk_error *err)
{
	struct lk_str object = LK_STR_INIT;
	enum lk_status status;

	lk_str_addf(&object, "delivery %s", sha256);
	status = lk_str_check(&object, err);
	if (!status)
		status = c->visit(c->context, object.data, text, err);
	lk_str_release(&object);
	return status;
}

/* A row of the ledger. */
static enum lk_status compare(struct check *c, sqlite3_stmt *stmt, struct lk_error *err)
{
	const char *sender = lk_catalog_text(stmt, 0), *sha256 = lk_catalog_text(stmt, 1);
	int64_t records = sqlite3_column_int64(stmt, 2);
	char *key, text[120];
	size_t len, number;

	LK_TRY(key_of(c, sender, sha256, &key, &len, err));
	number = lk_index_find(&c->index, key, len);
	if (number == SIZE_MAX)
		return records ? found(c, sha256, "is loaded, says the ledger, and has no row in lk.files", err) : LK_OK;
	c->deliveries[number].known = true;
	if (c->deliveries[number].records == records)
		return LK_OK;
	snprintf(text, sizeof(text), "has %" PRId64 " records in lk.files, the ledger says %" PRId64, c->deliveries[number].records,
		records);
	return found(c, sha256, text, err);
}

static enum lk_status compare_all(struct check *c, struct lk_lake *lake, struct lk_error *err)
{
	enum lk_status status;
	sqlite3_stmt *stmt;
	bool row;

	LK_TRY(lk_catalog_prepare(lake, &stmt, err,
		"SELECT sender, sha256, rows + rejected FROM lk_ledger WHERE branch = 'main' AND sender <> 'lk.once' ORDER BY 1, 2", ""));
	while (!(status = lk_catalog_step(lake, stmt, &row, err)) && row)
		if ((status = compare(c, stmt, err)))
			break;
	lk_catalog_done(lake, stmt);
	for (size_t i = 0; !status && i < c->index.count; i++) {
		const char *sha256 = c->index.keys[i].data + strlen(c->index.keys[i].data) + 1;

		if (!c->deliveries[i].known)
			status = found(c, sha256, "has rows in lk.files, and the ledger does not know it", err);
	}
	return status;
}

static struct lk_lake_table *find_files(struct lk_pin *pin)
{
	for (int i = 0; i < pin->table_count; i++)
		if (!strcmp(pin->tables[i].namespace_name, "lk") && !strcmp(pin->tables[i].name, "files"))
			return &pin->tables[i];
	return NULL;
}

/* Both are read in one read transaction, so that no commit comes between. */
static enum lk_status check(struct check *c, struct lk_lake *lake, struct lk_pin *pin, struct lk_verify *verify, struct lk_error *err)
{
	struct lk_lake_table *files;
	struct lk_error why = {LK_OK, ""};

	LK_TRY(lk_lake_pin(lake, pin, err));
	files = find_files(pin);
	if (files && (lk_lake_table_load(pin, files, &why) || lk_verify_deliveries(verify, files, take, c, &why)))
		return LK_OK;
	return compare_all(c, lake, err);
}

enum lk_status lk_fsck_ledger(struct lk_lake *lake, struct lk_verify *verify, lk_ledger_finding *visit, void *context,
	struct lk_error *err)
{
	struct check c = {.visit = visit, .context = context};
	struct lk_pin pin = {0};
	enum lk_status status;

	if (!lake->has_ledger)
		return LK_OK;
	LK_TRY(lk_catalog_run(lake, NULL, err, "BEGIN", ""));
	status = check(&c, lake, &pin, verify, err);
	lk_catalog_rollback(lake);
	lk_pin_release(&pin);
	lk_index_release(&c.index);
	free(c.deliveries);
	lk_arena_release(&c.arena);
	return status;
}
