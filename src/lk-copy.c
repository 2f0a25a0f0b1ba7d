/* lk-copy: backups, restores and moves of lakes, and trial lakes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/tool.h"
#include "tend/copy.h"

static struct lk_copy_options copy;
static struct lk_list tables;
static bool json;

static const struct lk_option options[] = {
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "copy only TABLE, without the ledger; may be repeated"},
	{LK_OPTION_TEXT, 0, "at", &copy.at, "TIME|SNAPSHOT|REF", "copy one snapshot of each table, without the ledger"},
	{LK_OPTION_FLAG, 0, "shallow", &copy.shallow, NULL, "make a trial lake, which shares the data files"},
	{LK_OPTION_FLAG, 0, "replace", &copy.replace, NULL, "give up what DST has and was not copied from SRC"},
	{LK_OPTION_FLAG, 'n', "dry-run", &copy.dry_run, NULL, "say what would be copied, and copy nothing"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "write a JSON object that says what was copied"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-copy",
	.usage = "[-t TABLE ...] [--at TIME|SNAPSHOT|REF] [--shallow] [--replace] [-n] [--json] SRC DST",
	.about = "Copies a lake: a backup, a restore or a move. All tables and the ledger are copied as they are at one moment;\n"
		 "what DST has already is not copied again, and DST is as before until all is there.",
	.options = options,
};

static void show_progress(const char *table, int64_t files, int64_t bytes)
{
	lk_progress("%s: %" PRId64 " files, %" PRId64 " bytes", table, files, bytes);
}

static void add_json(struct lk_str *s, const struct lk_copy_report *r)
{
	lk_str_adds(s, "{\"tables\": [");
	for (size_t i = 0; i < r->table_count; i++) {
		const struct lk_copy_table *t = &r->tables[i];

		lk_str_adds(s, i ? ", {\"table\": " : "{\"table\": ");
		lk_str_add_json(s, t->name, strlen(t->name));
		lk_str_addf(s, ", \"unchanged\": %s, \"snapshots\": %" PRId64 ", \"files\": %" PRId64 ", \"bytes\": %" PRId64
			       ", \"there\": %" PRId64 "}", t->unchanged ? "true" : "false", t->snapshots, t->files, t->bytes, t->there);
	}
	lk_str_adds(s, "], \"left_out\": [");
	for (size_t i = 0; i < r->left_out_count; i++) {
		lk_str_adds(s, i ? ", " : "");
		lk_str_add_json(s, r->left_out[i], strlen(r->left_out[i]));
	}
	lk_str_adds(s, "]}\n");
}

static void say(const struct lk_copy_report *r)
{
	const char *would = copy.dry_run ? "would be " : "";

	for (size_t i = 0; i < r->table_count; i++) {
		const struct lk_copy_table *t = &r->tables[i];

		if (t->unchanged)
			lk_say("%s: unchanged", t->name);
		else
			lk_say("%s: %" PRId64 " files of %" PRId64 " bytes %s%s, %" PRId64 " there already", t->name, t->files, t->bytes,
				would, copy.shallow ? "made" : "copied", t->there);
	}
	for (size_t i = 0; i < r->left_out_count; i++)
		lk_warn("%s", r->left_out[i]);
}

static enum lk_status show(const struct lk_copy_report *r, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status = LK_OK;

	say(r);
	if (json) {
		add_json(&s, r);
		status = lk_str_check(&s, err);
		if (!status)
			fwrite(s.data, 1, s.len, stdout);
	}
	lk_str_release(&s);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {LK_OK, ""};
	struct lk_copy_report report;
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	if (argc != 2)
		lk_tool_misuse("name two lakes: what is copied, and where to");
	copy.source = argv[0];
	copy.destination = argv[1];
	copy.tables = tables.items;
	copy.table_count = tables.count;
	copy.progress = show_progress;
	status = lk_copy_run(&copy, &report, &err);
	lk_progress_end();
	if (!status)
		status = show(&report, &err);
	lk_copy_report_release(&report);
	return lk_tool_finish(status, &err);
}
