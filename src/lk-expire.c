/* lk-expire: thins the history of tables, and removes the files that only it led to. */
#include <stdio.h>
#include <stdlib.h>

#include "base/tool.h"
#include "tend/expire.h"

static const char *lake_path;
static struct lk_list tables;
static int64_t last = -1, hourly = -1, daily = -1, monthly = -1, within_ms = -1, grace_ms;
static bool store, dry_run, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "this table; may be repeated; all of them unless given"},
	{LK_OPTION_NUMBER, 0, "keep-last", &last, "N", "keep the last N snapshots"},
	{LK_OPTION_NUMBER, 0, "keep-hourly", &hourly, "N", "keep the newest snapshot of each of the last N hours that have any"},
	{LK_OPTION_NUMBER, 0, "keep-daily", &daily, "N", "the same for days"},
	{LK_OPTION_NUMBER, 0, "keep-monthly", &monthly, "N", "the same for months"},
	{LK_OPTION_TIME, 0, "keep-within", &within_ms, "TIME", "keep whatever is younger than TIME"},
	{LK_OPTION_FLAG, 0, "set", &store, NULL, "make this the tables' own policy, which each commit applies"},
	{LK_OPTION_TIME, 0, "grace", &grace_ms, "TIME", "leave the files of what was current in the last TIME to lk-gc"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry_run, NULL, "change nothing, and list what would go"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "write the outcome to standard output as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-expire",
	.usage = "[-l LAKE] [-t TABLE] [--keep-last N] [--keep-hourly N] [--keep-daily N] [--keep-monthly N] "
		 "[--keep-within TIME] [--set] [--grace TIME] [-n] [--json]",
	.about = "Thins the history of tables, as backups are thinned. Files that only it led to are removed.",
	.options = options,
};

static int64_t given(int64_t n)
{
	return n > 0 ? n : 0;
}

static struct lk_expire_options read_options(void)
{
	struct lk_expire_options o = {.tables = tables.items, .table_count = tables.count, .store = store, .grace_ms = grace_ms,
		.dry_run = dry_run};

	o.policy = (struct lk_retention){given(last), given(hourly), given(daily), given(monthly), given(within_ms)};
	if (!lk_retention_is_set(&o.policy) && (last == 0 || hourly == 0 || daily == 0 || monthly == 0 || within_ms == 0))
		lk_tool_misuse("a policy that keeps nothing is none; the last snapshot is kept by --keep-last 1");
	if (store && !lk_retention_is_set(&o.policy))
		lk_tool_misuse("--set stores a policy: say which with --keep-last, --keep-hourly, --keep-daily or --keep-monthly");
	if (store && o.policy.age_ms)
		lk_tool_misuse("--keep-within is for one time; what --set stores are numbers");
	return o;
}

static enum lk_status show(const struct lk_expire *e, const struct lk_expire_options *o, struct lk_error *err)
{
	struct lk_str out = LK_STR_INIT;
	enum lk_status status = LK_OK;

	if (json)
		status = lk_expire_json(e, o, &out, err);
	else if (dry_run)
		status = lk_expire_text(e, &out, err);
	if (!status)
		fputs(lk_str_text(&out), stdout);
	lk_str_release(&out);
	return status;
}

static enum lk_status say(const struct lk_expire *e)
{
	size_t snapshots = 0, files = 0;
	enum lk_status status = LK_OK;
	int64_t bytes = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct lk_expire_table *t = &e->tables[i];

		if (t->problem) {
			lk_warn("table %s.%s: %s", t->namespace_name, t->name, t->problem);
			status = LK_WANTING;
		}
		snapshots += json_array_size(t->removed);
		files += t->file_count;
		bytes += t->bytes;
		if (json_array_size(t->removed))
			lk_detail("%s.%s: %zu snapshots go, %lld stay, %zu files go", t->namespace_name, t->name,
				json_array_size(t->removed), (long long)t->kept, t->file_count);
	}
	lk_say("%s %zu snapshot%s and %s %zu file%s of %lld bytes", dry_run ? "would expire" : "expired", snapshots,
		snapshots == 1 ? "" : "s", dry_run ? "remove" : "removed", files, files == 1 ? "" : "s", (long long)bytes);
	return status;
}

static enum lk_status expire(struct lk_lake *lake, struct lk_error *err)
{
	const struct lk_expire_options o = read_options();
	struct lk_expire e;
	enum lk_status status = lk_expire_run(&e, lake, &o, err);

	if (!status)
		status = show(&e, &o, err);
	if (!status)
		status = say(&e);
	lk_expire_release(&e);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};

	lk_tool_start(&tool, &argc, &argv);
	if (argc > 0)
		lk_tool_misuse("unexpected argument '%s'", argv[0]);
	(void)read_options();
	return lk_tool_finish(lk_lake_with(lake_path, dry_run ? LK_LAKE_READONLY : 0, expire, &err), &err);
}
