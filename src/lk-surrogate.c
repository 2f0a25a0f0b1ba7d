/* lk-surrogate: gives rows surrogate keys by their natural keys, from maps in the lake. */
#include <stdlib.h>
#include <unistd.h>

#include "base/tool.h"
#include "sql/surrogate.h"

static const char *lake_path, *table;
static int64_t memory_bytes = LK_SURROGATE_MEMORY;
static bool look_only, required, import;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake that has the maps, made where it is missing (LK_LAKE)"},
	{LK_OPTION_TEXT, 't', "table", &table, "TABLE", "only rows of this table"},
	{LK_OPTION_FLAG, 'n', "lookup-only", &look_only, NULL, "make no new keys: what is not known is null"},
	{LK_OPTION_FLAG, 0, "required", &required, NULL, "fail where a row has no natural key, rather than leave it null"},
	{LK_OPTION_NUMBER, 0, "memory", &memory_bytes, "SIZE", "keep so much of the stream in memory, such as 512M or 4G: 256M when not given"},
	{LK_OPTION_FLAG, 0, "import", &import, NULL, "take the stream's surrogates into the map; the rows go nowhere"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-surrogate",
	.usage = "[-l LAKE] [-t TABLE] [-n] [--required] [--memory SIZE] [RULE ...]\n[-l LAKE] [-t TABLE] --import RULE",
	.about = "Gives rows surrogate keys: numbers for natural keys, for ever. A RULE is such as "
		 "'patient_sk = patient(facility, mrn | national_id)'; without any, the stream says them (lk.surrogate).",
	.options = options,
};

static void check_options(int argc)
{
	if (import && argc != 1)
		lk_tool_misuse("--import takes one RULE, whose column says the surrogates");
	if (import && look_only)
		lk_tool_misuse("--import makes keys, and -n makes none");
	if (isatty(STDIN_FILENO))
		lk_tool_misuse("rows come on standard input, which is a terminal");
}

/* One line for each map. */
static void say(const struct lk_surrogate_counts *c)
{
	long long new = c->keys.made, merged = c->keys.merged;

	lk_say("%s: %lld row%s, %lld natural key%s, %lld new (%lld surrogate%s)", c->map, (long long)c->rows, lk_plural(c->rows),
		(long long)c->keys.keys, lk_plural(c->keys.keys), new, (long long)c->keys.issued, lk_plural(c->keys.issued));
	if (merged)
		lk_warn("%s: %lld surrogate%s merged into smaller ones, by rows that have natural keys of several", c->map, merged,
			merged == 1 ? " was" : "s were");
	if (c->without)
		lk_say("%s: %lld row%s without a natural key", c->map, (long long)c->without, lk_plural(c->without));
	if (c->unknown)
		lk_warn("%s: %lld row%s with keys that it does not have (%lld)", c->map, (long long)c->unknown, lk_plural(c->unknown),
			(long long)c->keys.unknown);
}

static enum lk_status tell(struct lk_surrogates *s, struct lk_error *err)
{
	struct lk_surrogate_report report;
	enum lk_status status = LK_OK;

	LK_TRY(lk_surrogates_report(s, &report, err));
	for (size_t i = 0; i < report.count; i++) {
		say(&report.maps[i]);
		if (report.maps[i].unknown)
			status = LK_WANTING;
	}
	if (report.spilled)
		lk_detail("%lld bytes of rows were on disk", (long long)report.spilled);
	return status;
}

static enum lk_status settle(struct lk_surrogates *s, const char *path, struct lk_error *err)
{
	struct lk_lake *lake = NULL;
	enum lk_status status;

	if (!lk_surrogates_any(s))
		return LK_OK;
	status = lk_lake_open(&lake, path, look_only ? LK_LAKE_READONLY : LK_LAKE_CREATE, err);
	if (!status)
		status = lk_surrogates_settle(s, lake, err);
	lk_lake_close(lake);
	return status;
}

static enum lk_status run(struct lk_surrogates *s, const char *path, struct lk_reader *in, struct lk_writer **out, struct lk_error *err)
{
	enum lk_status status;

	LK_TRY(lk_surrogates_read(s, in, err));
	LK_TRY(settle(s, path, err));
	if (!*out)
		return tell(s, err);
	LK_TRY(lk_surrogates_write(s, *out, err));
	status = lk_writer_close(*out, err);
	*out = NULL;
	return status ? status : tell(s, err);
}

static enum lk_status start(const struct lk_surrogate_options *o, const char *path, struct lk_error *err)
{
	struct lk_surrogates *s = NULL;
	struct lk_reader *in = NULL;
	struct lk_writer *out = NULL;
	enum lk_status status = lk_surrogates_open(&s, o, err);

	if (!status)
		status = lk_reader_open(&in, STDIN_FILENO, "standard input", 0, err);
	if (!status && !import)
		status = lk_refuse_terminal(STDOUT_FILENO, "an lk stream", err);
	if (!status && !import)
		status = lk_writer_open(&out, STDOUT_FILENO, "standard output", false, err);
	if (!status)
		status = run(s, path, in, &out, err);
	lk_writer_abort(out);
	lk_reader_close(in);
	lk_surrogates_close(s);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	struct lk_surrogate_options o = {0};
	enum lk_status status;
	char *path = NULL;

	lk_tool_start(&tool, &argc, &argv);
	check_options(argc);
	o = (struct lk_surrogate_options){.rules = (const char *const *)argv, .rule_count = (size_t)argc, .table = table,
		.look_only = look_only, .required = required, .import = import, .memory_bytes = memory_bytes};
	status = lk_lake_find(lake_path, &path, &err);
	if (!status)
		status = start(&o, path, &err);
	free(path);
	return lk_tool_finish(status, &err);
}
