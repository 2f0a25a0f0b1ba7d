#include "lake/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "lake/transaction.h"
#include "stream/side.h"

#define MAX_TRIES 20

/* One table to be made ready. */
struct request {
	const char *table;
	const struct ArrowSchema *schema;
	lk_column_filter *filter;
};

/* Several schemas may describe one table: the target opened for the first of them. */
static struct lk_target *find_target(struct lk_target *targets, size_t count, const char *const *names, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return &targets[i];
	return NULL;
}

struct round {
	struct lk_target *targets, **pointers;
	const char **names;
	size_t count;
};

static enum lk_status fit_all(struct round *r, struct lk_lake *lake, const struct request *requests, size_t count,
	enum lk_schema_mode mode, struct lk_error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct lk_target *t = find_target(r->targets, r->count, r->names, requests[i].table);

		if (!t) {
			t = &r->targets[r->count];
			r->pointers[r->count] = t;
			r->names[r->count++] = requests[i].table;
			LK_TRY(lk_target_open(t, lake, requests[i].table, err));
		}
		LK_TRY(lk_target_fit(t, requests[i].schema, requests[i].filter, mode, err));
	}
	return LK_OK;
}

static enum lk_status prepare_once(struct lk_lake *lake, const struct request *requests, size_t count,
	enum lk_schema_mode mode, struct lk_error *err)
{
	struct round r = {calloc(count, sizeof(*r.targets)), calloc(count, sizeof(*r.pointers)),
		calloc(count, sizeof(*r.names)), 0};
	enum lk_status status = LK_OK;
	char run[LK_UUID_SIZE];

	if (!r.targets || !r.pointers || !r.names)
		status = lk_error_nomem(err);
	if (!status)
		status = lk_uuid(run, err);
	if (!status)
		status = fit_all(&r, lake, requests, count, mode, err);
	if (!status) {
		struct lk_transaction tx = {.lake = lake, .run = run, .targets = r.pointers, .count = r.count};

		status = lk_transaction_run(&tx, err);
	}
	for (size_t i = 0; i < r.count; i++)
		lk_target_release(&r.targets[i]);
	free(r.targets);
	free(r.pointers);
	free(r.names);
	return status;
}

static enum lk_status prepare_all(struct lk_lake *lake, const struct request *requests, size_t count,
	enum lk_schema_mode mode, struct lk_error *err)
{
	enum lk_status status = LK_CONFLICT;

	for (int try = 0; status == LK_CONFLICT && try < MAX_TRIES; try++)
		status = prepare_once(lake, requests, count, mode, err);
	return status;
}

enum lk_status lk_prepare_table(struct lk_lake *lake, const char *table, const struct ArrowSchema *schema,
	lk_column_filter *filter, enum lk_schema_mode mode, struct lk_error *err)
{
	struct request request = {table, schema, filter};

	return prepare_all(lake, &request, 1, mode, err);
}

static enum lk_status name_table(const struct ArrowSchema *schema, char **name, struct lk_error *err)
{
	struct ArrowStringView value;

	if (!lk_meta_get(schema, LK_META_TABLE, &value) || value.size_bytes <= 0)
		return lk_error_set(err, LK_BUG, "a schema without %s cannot become a table", LK_META_TABLE);
	*name = strndup(value.data, (size_t)value.size_bytes);
	return *name ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_lake_prepare(struct lk_lake *lake, const struct ArrowSchema *const *schemas, int count,
	struct lk_error *err)
{
	size_t n = (size_t)(count > 0 ? count : 0);
	struct request *requests = calloc(n ? n : 1, sizeof(*requests));
	char **names = calloc(n ? n : 1, sizeof(*names));
	enum lk_status status = requests && names ? LK_OK : lk_error_nomem(err);

	for (size_t i = 0; !status && i < n; i++) {
		status = name_table(schemas[i], &names[i], err);
		requests[i] = (struct request){names[i], schemas[i], NULL};
	}
	if (!status && n)
		status = prepare_all(lake, requests, n, LK_SCHEMA_ADD, err);
	for (size_t i = 0; names && i < n; i++)
		free(names[i]);
	free(names);
	free(requests);
	return status;
}
