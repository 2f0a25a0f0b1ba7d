/* lk-ls: what a lake holds. */
#include <stdlib.h>

#include "base/tool.h"
#include "lake/list.h"
#include "stream/format.h"

static const char *lake_path, *format_word;
static bool json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake; LK_LAKE, or the nearest folder upward, when not given"},
	{LK_OPTION_TEXT, 'F', "format", &format_word, "FORMAT", "table, csv, tsv, json or markdown"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "the same as -F json"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-ls",
	.usage = "[-l LAKE] [-F FORMAT] [--json] [PATTERN ...]",
	.about = "Lists the tables of a lake: rows, files, bytes, last change.",
	.options = options,
};

static enum lk_status list(struct lk_lake *lake, enum lk_format format, int argc, char **argv, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_builder b;
	struct lk_pin pin;
	enum lk_status status;

	LK_TRY(lk_lake_pin(lake, &pin, err));
	status = lk_lake_list(&pin, (const char *const *)argv, argc, &b, err);
	if (!status)
		status = lk_builder_view(&b, &view, err);
	if (!status)
		status = lk_format_all(format, stdout, &b.schema, view, err);
	lk_builder_release(&b);
	lk_pin_release(&pin);
	return status;
}

static enum lk_status run(enum lk_format format, int argc, char **argv, struct lk_error *err)
{
	struct lk_lake *lake = NULL;
	enum lk_status status;

	status = lk_lake_open_found(&lake, lake_path, LK_LAKE_READONLY, err);
	if (!status)
		status = list(lake, format, argc, argv, err);
	lk_lake_close(lake);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_format format;

	lk_tool_start(&tool, &argc, &argv);
	if (!lk_format_choose(format_word, json, stdout, &format))
		lk_tool_misuse("'%s' is no format of lists", format_word);
	return lk_tool_finish(run(format, argc, argv, &err), &err);
}
