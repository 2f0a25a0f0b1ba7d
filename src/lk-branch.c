/* lk-branch: branches and tags of a lake. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "base/value.h"
#include "lake/branch.h"

#define DAY_MS (LK_DAY_US / 1000)
#define DAYS_MAX 1000000

static const char *lake_path, *format_word;
static struct lk_list tables;
static bool tag, delete, publish, keep, dry_run, json;
static int64_t keep_days, keep_snapshots, keep_snapshot_days;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "only this table; may be repeated"},
	{LK_OPTION_FLAG, 0, "tag", &tag, NULL, "make a tag, which stays where it is"},
	{LK_OPTION_NUMBER, 0, "keep-days", &keep_days, "N", "it may expire when its snapshot is older than N days"},
	{LK_OPTION_NUMBER, 0, "keep-snapshots", &keep_snapshots, "N", "the branch keeps its newest N snapshots"},
	{LK_OPTION_NUMBER, 0, "keep-snapshot-days", &keep_snapshot_days, "N", "the branch keeps snapshots of N days"},
	{LK_OPTION_FLAG, 'd', "delete", &delete, NULL, "delete the branch or tag"},
	{LK_OPTION_FLAG, 0, "publish", &publish, NULL, "make main what the branch is, and end the branch"},
	{LK_OPTION_FLAG, 0, "keep", &keep, NULL, "with --publish, go on with the branch"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry_run, NULL, "say what would be done, and do nothing"},
	{LK_OPTION_TEXT, 'F', "format", &format_word, "FORMAT", "of the list: table, csv, tsv, json or markdown"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "say what there is, or what was done, as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-branch",
	.usage = "[-l LAKE] [-t TABLE] [-F FORMAT] [--json]\n"
		 "[-l LAKE] [-t TABLE] [--tag] [--keep-days N] [--keep-snapshots N] [--keep-snapshot-days N] [-n] [--json] NAME "
		 "[TIME|SNAPSHOT|REF]\n"
		 "[-l LAKE] [-t TABLE] [-n] [--json] -d NAME\n"
		 "[-l LAKE] [-n] [--json] --publish [--keep] NAME",
	.about = "Lists, makes, deletes and publishes branches and tags. Rows go to a branch by lk-commit --branch, are looked at "
		 "there, and become main's in one step.",
	.options = options,
};

static void check_options(int argc)
{
	bool retains = keep_days || keep_snapshots || keep_snapshot_days;

	if ((delete || publish) && argc != 1)
		lk_tool_misuse("one name is needed: of what is to be %s", delete ? "deleted" : "published");
	if (argc > 2)
		lk_tool_misuse("a name, and where it begins, are enough");
	if (delete && publish)
		lk_tool_misuse("--delete and --publish exclude each other");
	if (publish && tables.count)
		lk_tool_misuse("a branch is published as a whole, for the ledger goes with it: without -t");
	if (keep && !publish)
		lk_tool_misuse("--keep goes with --publish");
	if ((tag || retains) && (!argc || delete || publish))
		lk_tool_misuse("--tag and --keep-... are for branches and tags that are made");
	if (tag && (keep_snapshots || keep_snapshot_days))
		lk_tool_misuse("a tag is one snapshot: --keep-days is for it");
	if (keep_days > DAYS_MAX || keep_snapshot_days > DAYS_MAX || keep_snapshots > INT32_MAX)
		lk_tool_misuse("that is too long to keep");
	if (dry_run && !argc)
		lk_tool_misuse("a list changes nothing");
	if (format_word && argc)
		lk_tool_misuse("-F is for the list");
}

/* ---- telling ---- */

static void add_id(struct lk_str *out, const char *key, int64_t id)
{
	if (id < 0)
		lk_str_addf(out, ",\"%s\":null", key);
	else
		lk_str_addf(out, ",\"%s\":%lld", key, (long long)id);
}

static void add_json(const struct lk_branch_report *r, const char *name, struct lk_str *out)
{
	lk_str_adds(out, "{\"name\":");
	lk_str_add_json(out, name, strlen(name));
	lk_str_addf(out, ",\"dry_run\":%s,\"tables\":[", dry_run ? "true" : "false");
	for (int i = 0; i < r->table_count; i++) {
		lk_str_adds(out, i ? ",{\"table\":" : "{\"table\":");
		lk_str_add_json(out, r->tables[i].table, strlen(r->tables[i].table));
		add_id(out, "from", r->tables[i].from);
		add_id(out, "to", r->tables[i].to);
		lk_str_addc(out, '}');
	}
	lk_str_addf(out, "],\"deliveries\":%lld}\n", (long long)r->deliveries);
}

static void add_id_text(struct lk_str *out, int64_t id)
{
	if (id < 0)
		lk_str_adds(out, "none");
	else
		lk_str_addf(out, "%lld", (long long)id);
}

static void add_text(const struct lk_branch_report *r, struct lk_str *out)
{
	for (int i = 0; i < r->table_count; i++) {
		lk_str_addf(out, "%s: ", r->tables[i].table);
		add_id_text(out, r->tables[i].from);
		lk_str_adds(out, " to ");
		add_id_text(out, r->tables[i].to);
		lk_str_addc(out, '\n');
	}
}

static enum lk_status tell(const struct lk_branch_report *r, const char *name, struct lk_error *err)
{
	const char *did = publish ? "published" : delete ? "deleted" : "made";
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	if (json)
		add_json(r, name, &text);
	else if (dry_run)
		add_text(r, &text);
	status = lk_str_check(&text, err);
	if (!status)
		fputs(lk_str_text(&text), stdout);
	lk_str_release(&text);
	if (status)
		return status;
	if (publish || delete)
		lk_say("'%s' %s %s: %d table%s, %lld deliver%s %s", name, dry_run ? "would be" : "is", did, r->table_count,
			r->table_count == 1 ? "" : "s", (long long)r->deliveries, r->deliveries == 1 ? "y" : "ies",
			publish ? "known now" : "forgotten");
	else
		lk_say("'%s' %s %s in %d table%s", name, dry_run ? "would be" : "is", did, r->table_count, r->table_count == 1 ? "" : "s");
	return LK_OK;
}

/* ---- doing ---- */

static enum lk_status change(struct lk_lake *lake, int argc, char **argv, struct lk_error *err)
{
	const struct lk_branch_options how = {.name = argv[0], .tables = tables.items, .table_count = (int)tables.count, .tag = tag,
		.start = argc > 1 ? argv[1] : NULL,
		.retention = {keep_days * DAY_MS, keep_snapshot_days * DAY_MS, keep_snapshots}, .keep = keep, .dry_run = dry_run};
	struct lk_branch_report report;
	enum lk_status status;

	if (publish)
		status = lk_branch_publish(lake, &how, &report, err);
	else if (delete)
		status = lk_branch_delete(lake, &how, &report, err);
	else
		status = lk_branch_create(lake, &how, &report, err);
	if (!status)
		status = tell(&report, argv[0], err);
	lk_branch_report_release(&report);
	return status;
}

static enum lk_status run(enum lk_format format, int argc, char **argv, struct lk_error *err)
{
	struct lk_lake *lake = NULL;
	enum lk_status status;

	LK_TRY(lk_lake_open_found(&lake, lake_path, argc && !dry_run ? 0 : LK_LAKE_READONLY, err));
	status = argc ? change(lake, argc, argv, err)
		      : lk_branch_list(lake, tables.items, (int)tables.count, format, stdout, err);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_format format;

	lk_tool_start(&tool, &argc, &argv);
	check_options(argc);
	if (!lk_format_choose(format_word, json, stdout, &format))
		lk_tool_misuse("'%s' is no format of lists", format_word);
	return lk_tool_finish(run(format, argc, argv, &err), &err);
}
