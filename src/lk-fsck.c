/* lk-fsck: whether a lake is whole. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "tend/fsck.h"

static const char *lake;
static bool data, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_FLAG, 'd', "data", &data, NULL, "read all data, too: values, checksums, positions of deletes, the ledger"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "write a JSON object for each finding, and one that counts"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-fsck",
	.usage = "[-l LAKE] [-d] [--json] [TABLE ...]",
	.about = "Checks whether a lake is whole. Every file that its catalog leads to must be there and be what it should be.\n"
		 "Says nothing on standard output when all is well; else a line for each finding, and ends with 1.",
	.options = options,
};

static void add_json(struct lk_str *s, const char *key, const char *text)
{
	lk_str_addf(s, "%s\"%s\": ", s->len > 1 ? ", " : "", key);
	lk_str_add_json(s, text, strlen(text));
}

static enum lk_status show(void *context, const struct lk_fsck_finding *f, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	(void)context;
	if (json) {
		lk_str_addc(&s, '{');
		add_json(&s, "code", f->code);
		add_json(&s, "table", f->table);
		add_json(&s, "object", f->object);
		add_json(&s, "text", f->text);
		lk_str_addc(&s, '}');
	} else {
		lk_str_addf(&s, "%s: %s%s", f->code, f->table, *f->table ? ": " : "");
		lk_str_add_shown(&s, f->object);
		lk_str_addc(&s, ' ');
		lk_str_add_shown(&s, f->text);
	}
	lk_str_addc(&s, '\n');
	status = lk_str_check(&s, err);
	if (!status)
		fwrite(s.data, 1, s.len, stdout);
	lk_str_release(&s);
	return status;
}

static void show_progress(const char *table, int number, int count)
{
	lk_progress("%s (%d of %d)", table, number, count);
}

static void show_totals(const struct lk_fsck_totals *t)
{
	if (json)
		printf("{\"tables\": %" PRId64 ", \"snapshots\": %" PRId64 ", \"manifests\": %" PRId64 ", \"files\": %" PRId64
		       ", \"bytes\": %" PRId64 ", \"findings\": %" PRId64 "}\n",
			t->tables, t->snapshots, t->manifests, t->files, t->bytes, t->findings);
	lk_say("%" PRId64 " tables, %" PRId64 " snapshots, %" PRId64 " manifests, %" PRId64 " files: %" PRId64 " findings", t->tables,
		t->snapshots, t->manifests, t->files, t->findings);
}

static enum lk_status run(int count, char **tables, struct lk_error *err)
{
	struct lk_fsck_options o = {.tables = (const char *const *)tables, .table_count = (size_t)count, .data = data,
		.progress = show_progress};
	struct lk_fsck_totals totals;
	enum lk_status status;
	struct lk_lake *opened;

	LK_TRY(lk_lake_open_found(&opened, lake, LK_LAKE_READONLY, err));
	status = lk_fsck_run(opened, &o, show, NULL, &totals, err);
	lk_lake_close(opened);
	lk_progress_end();
	LK_TRY(status);
	show_totals(&totals);
	return totals.findings ? LK_WANTING : LK_OK;
}

int main(int argc, char **argv)
{
	struct lk_error err = {LK_OK, ""};

	lk_tool_start(&tool, &argc, &argv);
	return lk_tool_finish(run(argc, argv, &err), &err);
}
