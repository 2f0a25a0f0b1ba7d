/* lk-revert: what a run or a delivery brought leaves the lake again. */
#include <stdlib.h>

#include "base/tool.h"
#include "lake/revert.h"
#include "sql/finder.h"

static const char *lake_path, *sender;
static struct lk_list runs, deliveries;
static bool dry, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake (LK_LAKE)"},
	{LK_OPTION_LIST, 0, "run", &runs, "ID", "take out what this run brought; may be repeated"},
	{LK_OPTION_LIST, 0, "delivery", &deliveries, "SHA", "take out the delivery of this SHA-256; may be repeated"},
	{LK_OPTION_TEXT, 0, "sender", &sender, "SENDER", "of the deliveries, those of this sender"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry, NULL, "only say what would go"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "say what was done as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-revert",
	.usage = "[-l LAKE] [-n] [--json] [--run ID ...] [--delivery SHA ... [--sender SENDER]]",
	.about = "Takes out of a lake what a run or a delivery brought, and no more. It goes from all tables and the ledger, in one "
		 "transaction.",
	.options = options,
};

static enum lk_status print(const struct lk_revert_report *report, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	if (json)
		lk_revert_report_json(report, &text);
	else if (dry || !lk_is_quiet())
		lk_revert_report_text(report, &text);
	status = lk_str_check(&text, err);
	if (!status)
		fputs(lk_str_text(&text), stdout);
	lk_str_release(&text);
	return status;
}

static enum lk_status run(const char *path, const struct lk_revert_options *how, struct lk_error *err)
{
	struct lk_revert_report report = {.arena = LK_ARENA_INIT};
	struct lk_lake *lake = NULL;
	enum lk_status status = lk_lake_open(&lake, path, dry ? LK_LAKE_READONLY : 0, err);

	if (!status)
		status = lk_revert(lake, how, &report, err);
	if (!status)
		status = print(&report, err);
	lk_revert_report_release(&report);
	lk_lake_close(lake);
	return status;
}

static enum lk_status start(struct lk_error *err)
{
	struct lk_row_finder rows;
	const struct lk_revert_options how = {runs.items, runs.count, deliveries.items, deliveries.count, sender, dry, &rows};
	struct lk_finder *finder = NULL;
	enum lk_status status;
	char *path;

	LK_TRY(lk_lake_find(lake_path, &path, err));
	status = lk_finder_open(&finder, &rows, err);
	if (!status)
		status = run(path, &how, err);
	lk_finder_close(finder);
	free(path);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	if (argc)
		lk_tool_misuse("unexpected argument '%s'", argv[0]);
	if (!runs.count && !deliveries.count)
		lk_tool_misuse("nothing is named: --run ID or --delivery SHA");
	if (sender && !deliveries.count)
		lk_tool_misuse("--sender goes with --delivery");
	status = start(&err);
	free(runs.items);
	free(deliveries.items);
	return lk_tool_finish(status, &err);
}
