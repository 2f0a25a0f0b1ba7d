/* lk-reset: a lake, or a table, back to what it was. */
#include <stdlib.h>

#include "base/tool.h"
#include "base/value.h"
#include "lake/reset.h"

static const char *lake_path;
static struct lk_list tables;
static bool dry_run, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "only this table; may be repeated"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry_run, NULL, "say what would be done, and do nothing"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "say what was done as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-reset",
	.usage = "[-l LAKE] [-t TABLE] [-n] [--json] TIME|SNAPSHOT|REF",
	.about = "Sets a lake back to what it was. All tables, or those named, move in one transaction, and deliveries that were "
		 "loaded since are not known any more, so that they load again.",
	.options = options,
};

static void tell(const struct lk_reset_report *r)
{
	size_t deliveries = json_array_size(r->deliveries);
	char time[LK_VALUE_TEXT], ledger[64] = "";

	lk_timestamp_text(r->time_ms * 1000, true, true, time);
	if (!r->table_count && !deliveries) {
		lk_say("nothing to do: all is as it was at %s", time);
		return;
	}
	if (r->keeps)
		lk_warn("the ledger stays as it is, for table %s keeps rows of later runs: their deliveries are known still", r->keeps);
	else
		snprintf(ledger, sizeof(ledger), ", and %zu deliver%s in the ledger", deliveries, deliveries == 1 ? "y" : "ies");
	lk_say("%d table%s %s set back to %s%s", r->table_count, r->table_count == 1 ? "" : "s",
		dry_run			? "would be"
		: r->table_count == 1 ? "was"
				      : "were",
		time, ledger);
}

static enum lk_status print(const struct lk_reset_report *r, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	if (json)
		lk_reset_report_json(r, dry_run, &text);
	else if (dry_run)
		lk_reset_report_text(r, &text);
	status = lk_str_check(&text, err);
	if (!status)
		fputs(lk_str_text(&text), stdout);
	lk_str_release(&text);
	if (!status)
		tell(r);
	return status;
}

static enum lk_status run(const char *to, struct lk_error *err)
{
	const struct lk_reset_options how = {to, tables.items, (int)tables.count, dry_run};
	struct lk_reset_report report;
	struct lk_lake *lake = NULL;
	enum lk_status status;

	LK_TRY(lk_lake_open_found(&lake, lake_path, dry_run ? LK_LAKE_READONLY : 0, err));
	status = lk_reset(lake, &how, &report, err);
	if (!status)
		status = print(&report, err);
	lk_reset_report_release(&report);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};

	lk_tool_start(&tool, &argc, &argv);
	if (argc != 1)
		lk_tool_misuse("one time, snapshot or ref is needed: what to go back to");
	return lk_tool_finish(run(argv[0], &err), &err);
}
