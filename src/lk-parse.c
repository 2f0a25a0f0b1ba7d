/* lk-parse: members of deliveries to typed rows, by data packages. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/tool.h"
#include "lake/compare.h"
#include "source/explain.h"
#include "source/parse.h"
#include "source/replay.h"
#include "source/samples.h"
#include "stream/stream.h"

static const char *sources_path, *as;
static const char *lake_path;
static bool check, accept, replay, explain, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 's', "sources", &sources_path, "SOURCES",
		"a data package, or a folder of them ($LK_SOURCES)"},
	{LK_OPTION_TEXT, 0, "as", &as, "RESOURCE", "take every file and member by this resource, whatever its name"},
	{LK_OPTION_FLAG, 0, "check", &check, NULL, "say whether the packages are right, with the samples beside them"},
	{LK_OPTION_FLAG, 0, "accept", &accept, NULL, "--check: write down what samples become as what they must become"},
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "--check: say what the packages would change in this lake"},
	{LK_OPTION_FLAG, 0, "explain", &explain, NULL, "say what is made of each member, and why, instead"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "--explain: as JSON, a line for each member"},
	{LK_OPTION_FLAG, 0, "replay", &replay, NULL, "read rejects again, which come on standard input"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-parse",
	.usage = "[-s SOURCES] [--as RESOURCE] [FILE ...]\n[-s SOURCES] --check [--accept] [-l LAKE]\n[-s SOURCES] [--as RESOURCE] --explain [--json] [FILE ...]\n[-s SOURCES] --replay",
	.about = "Turns members of deliveries, or files, into typed rows. Data packages say how.",
	.options = options,
};

static enum lk_status parse_stream(
	struct lk_parser *parser, struct lk_reader *reader, struct lk_writer *writer, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next;

	while ((next = lk_reader_next(reader, &batch, err)) == LK_NEXT_BATCH) {
		if (!strcmp(batch.table, LK_TABLE_MEMBERS))
			LK_TRY(lk_parser_batch(parser, &batch, err));
		else if (writer)
			LK_TRY(lk_writer_pass(writer, &batch, err));
	}
	return next == LK_NEXT_END ? LK_OK : err->status;
}

/* For one resource it may be a stream or raw text, which its first bytes tell. A file is read again from where it began. */
static enum lk_status parse_either(
	struct lk_parser *parser, struct lk_reader *reader, off_t start, struct lk_writer *writer, struct lk_error *err)
{
	bool stream = true;

	if (as)
		LK_TRY(lk_reader_begins(reader, &stream, err));
	if (stream)
		return parse_stream(parser, reader, writer, err);
	if (start < 0)
		return lk_parser_text(parser, reader, err);
	if (lseek(STDIN_FILENO, start, SEEK_SET) != start)
		return lk_error_sys(err, LK_IO, "cannot read standard input twice");
	return lk_parser_file(parser, "-", err);
}

static enum lk_status parse_input(struct lk_parser *parser, struct lk_writer *writer, struct lk_error *err)
{
	off_t start = lseek(STDIN_FILENO, 0, SEEK_CUR);
	struct lk_reader *reader;
	enum lk_status status;

	if (!as)
		LK_TRY(lk_refuse_terminal(STDIN_FILENO, "an lk stream", err));
	LK_TRY(lk_reader_open(&reader, STDIN_FILENO, "standard input", 0, err));
	status = parse_either(parser, reader, start, writer, err);
	lk_reader_close(reader);
	return status;
}

/* What could be read is written; *totals says whether that was all. */
static enum lk_status parse_all(struct lk_sources *sources, struct lk_writer *writer, const struct lk_tap *tap, char **files,
	struct lk_output_totals *totals, struct lk_error *err)
{
	struct lk_parser *parser;
	enum lk_status status = LK_OK;

	LK_TRY(lk_parser_open(&parser, sources, as, writer, err));
	lk_parser_tap(parser, tap);
	if (!*files)
		status = parse_input(parser, writer, err);
	for (; *files && status == LK_OK; files++)
		status = as && !strcmp(*files, "-") ? parse_input(parser, writer, err) : lk_parser_file(parser, *files, err);
	if (status == LK_OK)
		status = lk_parser_finish(parser, totals, err);
	lk_parser_close(parser);
	return status;
}

static enum lk_status summarize(const struct lk_output_totals *t)
{
	if (!t->rejected && !t->failed && !t->unmatched)
		return LK_OK;
	lk_warn("%lld records rejected, %lld files failed, %lld unmatched; %lld rows from %lld files",
		(long long)t->rejected, (long long)t->failed, (long long)t->unmatched, (long long)t->rows,
		(long long)t->files);
	return LK_WANTING;
}

static enum lk_status run(struct lk_sources *sources, char **files, struct lk_error *err)
{
	struct lk_output_totals totals = {0};
	struct lk_writer *writer;
	enum lk_status status;

	LK_TRY(lk_refuse_terminal(STDOUT_FILENO, "an lk stream", err));
	lk_pipe_enlarge(STDIN_FILENO);
	lk_pipe_enlarge(STDOUT_FILENO);
	LK_TRY(lk_writer_open(&writer, STDOUT_FILENO, "standard output", false, err));
	status = parse_all(sources, writer, NULL, files, &totals, err);
	if (status) {
		lk_writer_abort(writer);
		return status;
	}
	LK_TRY(lk_writer_close(writer, err));
	return summarize(&totals);
}

static enum lk_status check_lake(struct lk_sources *sources, struct lk_compare_totals *totals, struct lk_error *err)
{
	const struct ArrowSchema *const *schemas;
	struct lk_lake *lake;
	enum lk_status status;
	int count;

	LK_TRY(lk_sources_schemas(sources, &schemas, &count, err));
	LK_TRY(lk_lake_open(&lake, lake_path, LK_LAKE_READONLY, err));
	status = lk_lake_compare(lake, schemas, count, stdout, totals, err);
	lk_lake_close(lake);
	return status;
}

static enum lk_status check_all(struct lk_sources *sources, struct lk_error *err)
{
	struct lk_samples_totals samples;
	struct lk_compare_totals lake = {0};
	int packages, resources;

	LK_TRY(lk_sources_check(sources, err));
	LK_TRY(lk_samples_check(sources, accept, stdout, &samples, err));
	if (lake_path)
		LK_TRY(check_lake(sources, &lake, err));
	if (samples.wrong)
		lk_warn("%lld of %lld samples did not become what is expected of them", (long long)samples.wrong,
			(long long)samples.samples);
	if (lake.broken)
		lk_warn("%d of %d tables would not take their rows any more", lake.broken, lake.tables);
	if (samples.wrong || lake.broken)
		return LK_WANTING;
	lk_sources_count(sources, &packages, &resources);
	printf("ok: %d package%s, %d resource%s, %lld sample%s\n", packages, packages == 1 ? "" : "s", resources,
		resources == 1 ? "" : "s", (long long)samples.samples, samples.samples == 1 ? "" : "s");
	return LK_OK;
}

static enum lk_status run_explain(struct lk_sources *sources, char **files, struct lk_error *err)
{
	struct lk_output_totals totals = {0};
	struct lk_explanation *explanation;
	enum lk_status status;

	LK_TRY(lk_explanation_open(&explanation, stdout, json, err));
	status = parse_all(sources, NULL, lk_explanation_tap(explanation), files, &totals, err);
	if (!status)
		status = lk_explanation_finish(explanation, err);
	lk_explanation_close(explanation);
	if (!status && (totals.rejected || totals.failed || totals.unmatched))
		status = LK_WANTING;
	return status;
}

static enum lk_status run_replay(struct lk_sources *sources, struct lk_error *err)
{
	struct lk_replay_totals t;

	LK_TRY(lk_refuse_terminal(STDIN_FILENO, "an lk stream", err));
	LK_TRY(lk_refuse_terminal(STDOUT_FILENO, "an lk stream", err));
	LK_TRY(lk_replay_run(sources, STDIN_FILENO, STDOUT_FILENO, &t, err));
	if (t.kept)
		lk_warn("%lld rejects cannot be read again and stay as they are; the first: %s", (long long)t.kept, t.why);
	if (!t.rejected && !t.kept)
		return LK_OK;
	lk_warn("%lld records rejected again; %lld rows", (long long)t.rejected, (long long)t.landed);
	return LK_WANTING;
}

int main(int argc, char **argv)
{
	struct lk_sources *sources = NULL;
	struct lk_error err = {0};
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	if (check && (as || argc))
		lk_tool_misuse("--check takes no RESOURCE and no FILE");
	if (explain && (check || replay))
		lk_tool_misuse("--explain goes with neither --check nor --replay");
	if (json && !explain)
		lk_tool_misuse("--json goes with --explain only");
	if (replay && (check || as || argc))
		lk_tool_misuse("--replay takes nothing but -s; rejects come on standard input");
	if (!check && (accept || lake_path))
		lk_tool_misuse("%s goes with --check only", accept ? "--accept" : "-l");
	status = lk_sources_open(&sources, sources_path, &err);
	if (status == LK_OK && check)
		status = check_all(sources, &err);
	else if (status == LK_OK)
		status = replay	   ? run_replay(sources, &err)
			 : explain ? run_explain(sources, argv, &err)
				   : run(sources, argv, &err);
	lk_sources_close(sources);
	return lk_tool_finish(status, &err);
}
