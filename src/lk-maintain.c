/* lk-maintain: compacts, expires and collects garbage; the one line for cron. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/tool.h"
#include "tend/maintain.h"

#define DEFAULT_GRACE_MS (INT64_C(24) * 3600 * 1000)

static const char *lake_path;
static struct lk_list tables, staged;
static int64_t grace_ms = -1, jobs, memory;
static bool dry_run, json;

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &lake_path, "LAKE", "the lake"},
	{LK_OPTION_LIST, 't', "table", &tables, "TABLE", "this table; may be repeated; all of them unless given"},
	{LK_OPTION_TIME, 0, "grace", &grace_ms, "TIME", "leave files that were changed or read in the last TIME; 24h unless given"},
	{LK_OPTION_LIST, 0, "staged", &staged, "DIR", "spare the files of the staged runs in DIR; may be repeated"},
	{LK_OPTION_NUMBER, 'j', "jobs", &jobs, "N", "compact with N threads; one for each processor when not given"},
	{LK_OPTION_NUMBER, 0, "memory", &memory, "SIZE", "compact with so much memory, such as 512M or 4G"},
	{LK_OPTION_FLAG, 'n', "dry-run", &dry_run, NULL, "change nothing, and list what would be done and removed"},
	{LK_OPTION_FLAG, 0, "json", &json, NULL, "write the outcome to standard output as JSON"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-maintain",
	.usage = "[-l LAKE] [-t TABLE] [--grace TIME] [--staged DIR] [-j N] [--memory SIZE] [-n] [--json]",
	.about = "Compacts, expires and collects garbage: the one line for cron.",
	.options = options,
};

static void show_progress(void *context, const char *table, int64_t bytes, int64_t all_bytes)
{
	(void)context;
	lk_progress("%s: %lld of %lld MB", table, (long long)(bytes >> 20), (long long)(all_bytes >> 20));
}

/* ---- what was done ---- */

struct sums {
	int64_t compacted, became, snapshots, files, bytes;
	bool wanting;
};

static void warn(struct sums *sums, const char *namespace_name, const char *name, const char *problem)
{
	if (!problem)
		return;
	lk_warn("table %s.%s: %s", namespace_name, name, problem);
	sums->wanting = true;
}

static struct sums add_up(const struct lk_maintain *m)
{
	struct sums s = {.files = (int64_t)m->gc.count, .bytes = m->gc.bytes};

	for (size_t i = 0; i < m->compact.count; i++) {
		const struct lk_compact_table *t = &m->compact.tables[i];

		warn(&s, t->namespace_name, t->name, t->problem);
		if (t->facts)
			lk_say("%s.%s: %lld facts that say nothing any more %s", t->namespace_name, t->name, (long long)t->facts,
				dry_run ? "would go" : "went");
		s.compacted += t->files;
		s.became += t->added_files;
	}
	for (size_t i = 0; i < m->expire.count; i++) {
		const struct lk_expire_table *t = &m->expire.tables[i];

		warn(&s, t->namespace_name, t->name, t->problem);
		s.snapshots += (int64_t)json_array_size(t->removed);
		s.files += (int64_t)t->file_count;
		s.bytes += t->bytes;
	}
	for (size_t i = 0; i < m->gc.problem_count; i++) {
		const struct lk_gc_problem *p = &m->gc.problems[i];

		if (*p->table)
			lk_warn("no garbage of table %s is collected: %s", p->table, p->text);
		else
			lk_warn("no garbage is collected: %s", p->text);
		s.wanting = true;
	}
	return s;
}

static enum lk_status say(const struct lk_maintain *m)
{
	struct sums s = add_up(m);

	if (dry_run)
		lk_say("would compact %lld files, expire %lld snapshots and remove %lld files of %lld bytes", (long long)s.compacted,
			(long long)s.snapshots, (long long)s.files, (long long)s.bytes);
	else
		lk_say("compacted %lld files to %lld, expired %lld snapshots, removed %lld files of %lld bytes", (long long)s.compacted,
			(long long)s.became, (long long)s.snapshots, (long long)s.files, (long long)s.bytes);
	return s.wanting ? LK_WANTING : LK_OK;
}

static enum lk_status add_plan(const struct lk_maintain *m, struct lk_str *out, struct lk_error *err)
{
	for (size_t i = 0; i < m->compact.count; i++)
		if (m->compact.tables[i].files)
			lk_str_addf(out, "compact  %s.%s  %lld files of %lld bytes\n", m->compact.tables[i].namespace_name,
				m->compact.tables[i].name, (long long)m->compact.tables[i].files, (long long)m->compact.tables[i].bytes);
	LK_TRY(lk_expire_text(&m->expire, out, err));
	for (size_t i = 0; i < m->gc.count; i++) {
		lk_str_addf(out, "garbage  %s  %lld  ", m->gc.orphans[i].table, (long long)m->gc.orphans[i].bytes);
		lk_path_text(out, m->gc.orphans[i].path);
		lk_str_addc(out, '\n');
	}
	return lk_str_check(out, err);
}

static enum lk_status show(const struct lk_maintain *m, const struct lk_maintain_options *o, struct lk_error *err)
{
	struct lk_str out = LK_STR_INIT;
	enum lk_status status = LK_OK;

	if (json)
		status = lk_maintain_json(m, o, &out, err);
	else if (dry_run)
		status = add_plan(m, &out, err);
	if (!status)
		fputs(lk_str_text(&out), stdout);
	lk_str_release(&out);
	return status;
}

static enum lk_status maintain(struct lk_lake *lake, struct lk_error *err)
{
	const struct lk_maintain_options o = {.tables = tables.items, .table_count = tables.count, .staged = staged.items,
		.staged_count = staged.count, .grace_ms = grace_ms < 0 ? DEFAULT_GRACE_MS : grace_ms, .threads = jobs,
		.memory_bytes = memory, .dry_run = dry_run, .progress = lk_progress_wanted() ? show_progress : NULL};
	struct lk_maintain m;
	enum lk_status status = lk_maintain_run(&m, lake, &o, err);

	lk_progress_end();
	if (!status)
		status = show(&m, &o, err);
	if (!status)
		status = say(&m);
	lk_maintain_release(&m);
	return status;
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};

	lk_tool_start(&tool, &argc, &argv);
	if (argc > 0)
		lk_tool_misuse("unexpected argument '%s'", argv[0]);
	return lk_tool_finish(lk_lake_with(lake_path, dry_run ? LK_LAKE_READONLY : 0, maintain, &err), &err);
}
