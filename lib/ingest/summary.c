#include "ingest/summary.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMED 10 /* deliveries that the text names for each thing that went wrong */

void lk_bytes_text(int64_t bytes, struct lk_str *out)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double n = (double)bytes / 1000;
	int unit = 0;

	if (bytes < 1000) {
		lk_str_addf(out, "%lld B", (long long)bytes);
		return;
	}
	for (; n >= 999.5 && unit < 3; unit++)
		n /= 1000;
	lk_str_addf(out, n < 9.95 ? "%.1f %s" : "%.0f %s", n, units[unit]);
}

/* "1 delivery", "2 deliveries". */
static void count_text(int64_t n, const char *one, const char *many, struct lk_str *out)
{
	lk_str_addf(out, "%lld %s", (long long)n, n == 1 ? one : many);
}

/* ---- what is wanting ---- */

static int64_t records_of(const struct lk_ingest_result *r)
{
	return r->tally.came + r->tally.rejected;
}

static bool is_allowed(const struct lk_ingest_result *r, const struct lk_allowance *allowed)
{
	if (allowed->percent >= 0)
		return (double)r->tally.rejected * 100 <= allowed->percent * (double)records_of(r);
	return r->tally.rejected <= allowed->records;
}

static void add_part(struct lk_str *s, int64_t n, const char *one, const char *many)
{
	if (!n)
		return;
	if (s->len)
		lk_str_adds(s, "; ");
	count_text(n, one, many, s);
}

static void add_loaded(const struct lk_ingest_result *r, const struct lk_allowance *allowed, struct lk_str *s)
{
	if (!is_allowed(r, allowed))
		add_part(s, r->tally.rejected, "record was rejected", "records were rejected");
	add_part(s, r->tally.held, "row is held that a full list does not have", "rows are held that full lists do not have");
	add_part(s, r->tally.unmatched, "member fits no resource", "members fit no resource");
	add_part(s, r->fates[LK_FATE_STILL], "delivery still has members that fit no resource",
		"deliveries still have members that fit no resource");
	add_part(s, r->fates[LK_FATE_PARTIAL] + r->fates[LK_FATE_SAME], "delivery is loaded in part", "deliveries are loaded in part");
	add_part(s, r->fates[LK_FATE_HELD] + r->fates[LK_FATE_PASSED], "delivery is held", "deliveries are held");
	add_part(s, r->fates[LK_FATE_CRASHED], "delivery crashed a worker", "deliveries crashed a worker");
}

enum lk_status lk_summary_judge(const struct lk_ingest_result *r, const struct lk_allowance *allowed, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	enum lk_status status;

	if (!r->only_staged)
		add_loaded(r, allowed, &s);
	add_part(&s, r->fates[LK_FATE_FAILED], "delivery could not be loaded", "deliveries could not be loaded");
	add_part(&s, r->fates[LK_FATE_CHANGED], "delivery changed while it was read", "deliveries changed while they were read");
	add_part(&s, r->found.unread, "folder could not be read", "folders could not be read");
	status = lk_str_check(&s, err);
	if (!status && s.len)
		status = lk_error_set(err, LK_WANTING, "%s", s.data);
	lk_str_release(&s);
	return status;
}

/* ---- for people ---- */

static void add_fate(struct lk_str *out, int64_t n, const char *what)
{
	if (n)
		lk_str_addf(out, ", %lld %s", (long long)n, what);
}

static void add_first_line(const struct lk_ingest_result *r, struct lk_str *out)
{
	const int64_t *n = r->fates;
	int64_t loaded = n[LK_FATE_COMPLETE] + n[LK_FATE_PARTIAL] + n[LK_FATE_STAGED];

	count_text((int64_t)r->found.count, "delivery", "deliveries", out);
	lk_str_addf(out, ": %lld %s", (long long)loaded, r->only_staged ? "staged" : "loaded");
	if (loaded) {
		lk_str_adds(out, " (");
		lk_bytes_text(r->bytes, out);
		lk_str_adds(out, ")");
	}
	add_fate(out, n[LK_FATE_KNOWN], "known already");
	add_fate(out, n[LK_FATE_REPEAT], "the same as another one");
	add_fate(out, n[LK_FATE_SAME], "loaded in part still");
	add_fate(out, n[LK_FATE_UNMATCHED], n[LK_FATE_UNMATCHED] == 1 ? "fits no resource" : "fit no resource");
	add_fate(out, n[LK_FATE_STILL], n[LK_FATE_STILL] == 1 ? "fits no resource still" : "fit no resource still");
	add_fate(out, n[LK_FATE_HELD], "held");
	add_fate(out, n[LK_FATE_PASSED], "left alone, as they crashed a worker before");
	add_fate(out, n[LK_FATE_CRASHED], "crashed a worker");
	add_fate(out, n[LK_FATE_FAILED], "not loaded");
	add_fate(out, n[LK_FATE_CHANGED], "changed while it was read");
	add_fate(out, n[LK_FATE_GONE], "gone meanwhile");
	add_fate(out, n[LK_FATE_WAITING], "left for another run");
	add_fate(out, r->found.settling, "still settling");
	lk_str_addc(out, '\n');
}

/* What became of the rows that came for a table with one row for each key. */
static void add_counts(const struct lk_tally_table *t, int width, struct lk_str *out)
{
	struct lk_merge_counts counts = t->counts;
	const char *comma = "";

	counts.held_scopes = 0;
	lk_str_addf(out, "  %-*s ", width, "");
	for (int i = 0; i < LK_MERGE_COUNTS; i++)
		if (*lk_merge_count(&counts, i)) {
			lk_str_addf(out, "%s %lld %s", comma, (long long)*lk_merge_count(&counts, i), lk_merge_words[i]);
			comma = ",";
		}
	lk_str_addf(out, "%s\n", *comma ? "" : " nothing new");
}

static void add_tables(const struct lk_ingest_result *r, struct lk_str *out)
{
	int width = 0;

	for (size_t i = 0; i < r->tally.table_count; i++)
		if ((int)strlen(r->tally.tables[i].name) > width)
			width = (int)strlen(r->tally.tables[i].name);
	for (size_t i = 0; i < r->tally.table_count; i++) {
		const struct lk_tally_table *t = &r->tally.tables[i];

		lk_str_addf(out, "  %-*s %12lld rows  ", width, t->name, (long long)t->rows);
		lk_bytes_text(t->bytes, out);
		lk_str_adds(out, " in ");
		count_text(t->files, "file\n", "files\n", out);
		if (t->merged)
			add_counts(t, width, out);
	}
}

static int most_first(const void *a, const void *b)
{
	const struct lk_tally_reason *x = a, *y = b;

	return (x->records < y->records) - (x->records > y->records);
}

/* The columns at fault, those with the most records first. */
static void add_reasons(const struct lk_ingest_result *r, struct lk_str *out)
{
	struct lk_tally_reason top[MAX_NAMED + 1];
	size_t count = 0;

	for (size_t i = 0; i < r->tally.reason_count; i++) {
		top[count++] = r->tally.reasons[i];
		qsort(top, count, sizeof(*top), most_first);
		if (count > MAX_NAMED)
			count = MAX_NAMED;
	}
	for (size_t i = 0; i < count; i++)
		lk_str_addf(out, "  %12lld  %s%s%s\n", (long long)top[i].records, *top[i].table ? top[i].table : "no table",
			*top[i].field ? ", column " : "", top[i].field);
}

/* How much of them all that is, never rounded to all or nothing. */
static void add_percentage(int64_t n, int64_t all, struct lk_str *out)
{
	double percent = 100.0 * (double)n / (double)all;

	if (n == all)
		lk_str_adds(out, "100%");
	else if (percent >= 9.95)
		lk_str_addf(out, "%.0f%%", percent < 99 ? percent : 99);
	else if (percent >= 0.01)
		lk_str_addf(out, "%.2g%%", percent);
	else
		lk_str_adds(out, "less than 0.01%");
}

static void add_rejects(const struct lk_ingest_result *r, struct lk_str *out)
{
	if (r->tally.unmatched) {
		count_text(r->tally.unmatched, "member fits no resource\n", "members fit no resource\n", out);
	}
	/* where deliveries are loaded, those that failed are named one by one */
	if (r->tally.failed && r->only_staged)
		count_text(r->tally.failed, "member failed, as lk.files will tell once it is committed\n",
			"members failed, as lk.files will tell once they are committed\n", out);
	if (!r->tally.rejected)
		return;
	lk_str_addf(out, "rejected %lld of ", (long long)r->tally.rejected);
	count_text(records_of(r), "record", "records", out);
	lk_str_adds(out, " (");
	add_percentage(r->tally.rejected, records_of(r), out);
	lk_str_adds(out, "), as lk.rejects tells one by one:\n");
	add_reasons(r, out);
}

/* Some of the deliveries with a fate that somebody has to look at. */
static void add_named(const struct lk_ingest_result *r, enum lk_fate fate, const char *title, struct lk_str *out)
{
	int64_t named = 0;

	if (!r->fates[fate])
		return;
	lk_str_addf(out, "%s:\n", title);
	for (size_t i = 0; i < r->found.count && named < MAX_NAMED; i++) {
		const struct lk_landed *d = &r->found.items[i];

		if (d->fate != fate)
			continue;
		lk_str_adds(out, "  ");
		lk_str_add_shown(out, d->text);
		lk_str_adds(out, d->reason ? ": " : "");
		lk_str_add_shown(out, d->reason ? d->reason : "");
		lk_str_addc(out, '\n');
		named++;
	}
	if (r->fates[fate] > named)
		lk_str_addf(out, "  and %lld more\n", (long long)(r->fates[fate] - named));
}

static void add_last_line(const struct lk_ingest_result *r, struct lk_str *out)
{
	double seconds = (double)(r->elapsed_ms ? r->elapsed_ms : 1) / 1000;
	int64_t n = r->fates[LK_FATE_COMPLETE] + r->fates[LK_FATE_PARTIAL] + r->fates[LK_FATE_STAGED];

	count_text(r->commits, "commit", "commits", out);
	lk_str_addf(out, " in %.1f s", seconds);
	if (n) {
		lk_str_addf(out, "; %.0f deliveries/s, ", (double)n / seconds);
		lk_bytes_text((int64_t)((double)r->bytes / seconds), out);
		lk_str_adds(out, "/s");
	}
	lk_str_addc(out, '\n');
}

void lk_summary_text(const struct lk_ingest_result *r, struct lk_str *out)
{
	add_first_line(r, out);
	add_tables(r, out);
	add_rejects(r, out);
	add_named(r, LK_FATE_PARTIAL, "loaded but for members that failed or fit no resource", out);
	add_named(r, LK_FATE_SAME, "loaded in part before, with members that fail still", out);
	add_named(r, LK_FATE_UNMATCHED, "fits no resource; tried again when the sources change", out);
	add_named(r, LK_FATE_HELD, "held: nothing of it could be loaded", out);
	add_named(r, LK_FATE_CRASHED, "crashed a worker; run with --retry to try again", out);
	add_named(r, LK_FATE_PASSED, "crashed a worker in an earlier run; run with --retry to try again", out);
	add_named(r, LK_FATE_FAILED, "not loaded", out);
	add_named(r, LK_FATE_CHANGED, "changed while it was read; left for another run", out);
	if (!r->only_staged)
		add_last_line(r, out);
}

/* ---- for programs ---- */

static const char *const fate_words[LK_FATE_COUNT] = {
	[LK_FATE_WAITING] = "waiting",
	[LK_FATE_KNOWN] = "known",
	[LK_FATE_REPEAT] = "repeated",
	[LK_FATE_PASSED] = "passed",
	[LK_FATE_STILL] = "still_unmatched",
	[LK_FATE_STAGED] = "staged",
	[LK_FATE_CRASHED] = "crashed",
	[LK_FATE_SAME] = "still_partial",
	[LK_FATE_COMPLETE] = "complete",
	[LK_FATE_PARTIAL] = "partial",
	[LK_FATE_HELD] = "held",
	[LK_FATE_UNMATCHED] = "unmatched",
	[LK_FATE_CHANGED] = "changed",
	[LK_FATE_GONE] = "gone",
	[LK_FATE_FAILED] = "failed",
};

static void add_text(struct lk_str *out, const char *key, const char *text)
{
	lk_str_addf(out, "\"%s\": ", key);
	lk_str_add_json(out, text, strlen(text));
}

static bool is_problem(const struct lk_landed *d)
{
	return d->fate == LK_FATE_PARTIAL || d->fate == LK_FATE_SAME || d->fate == LK_FATE_HELD || d->fate == LK_FATE_CRASHED ||
	       d->fate == LK_FATE_PASSED || d->fate == LK_FATE_FAILED || d->fate == LK_FATE_UNMATCHED ||
	       d->fate == LK_FATE_STILL || d->fate == LK_FATE_CHANGED;
}

static void add_problems(const struct lk_ingest_result *r, struct lk_str *out)
{
	const char *comma = "";

	for (size_t i = 0; i < r->found.count; i++) {
		const struct lk_landed *d = &r->found.items[i];

		if (!is_problem(d))
			continue;
		lk_str_addf(out, "%s{", comma);
		add_text(out, "delivery", d->text);
		lk_str_adds(out, ", ");
		add_text(out, "state", fate_words[d->fate]);
		if (d->reason) {
			lk_str_adds(out, ", ");
			add_text(out, "reason", d->reason);
		}
		lk_str_addc(out, '}');
		comma = ", ";
	}
}

static void add_reject_list(const struct lk_ingest_result *r, struct lk_str *out)
{
	for (size_t i = 0; i < r->tally.reason_count; i++) {
		const struct lk_tally_reason *reason = &r->tally.reasons[i];

		lk_str_adds(out, i ? ", {" : "{");
		add_text(out, "table", reason->table);
		lk_str_adds(out, ", ");
		add_text(out, "column", reason->field);
		lk_str_addf(out, ", \"records\": %lld}", (long long)reason->records);
	}
}

static void add_counts_json(const struct lk_tally_table *t, struct lk_str *out)
{
	struct lk_merge_counts counts = t->counts;

	for (int i = 0; i < LK_MERGE_COUNTS; i++)
		lk_str_addf(out, ", \"%s\": %lld", lk_merge_words[i], (long long)*lk_merge_count(&counts, i));
}

void lk_summary_json(const struct lk_ingest_result *r, struct lk_str *out)
{
	lk_str_addf(out, "{\"deliveries\": {\"found\": %lld", (long long)r->found.count);
	for (int i = 0; i < LK_FATE_COUNT; i++)
		lk_str_addf(out, ", \"%s\": %lld", fate_words[i], (long long)r->fates[i]);
	lk_str_addf(out, ", \"settling\": %lld, \"ignored\": %lld}, \"bytes\": %lld",
		(long long)r->found.settling, (long long)r->found.ignored, (long long)r->bytes);
	lk_str_addf(out, ", \"members\": %lld, \"unmatched\": %lld, \"failed\": %lld, \"rows\": %lld, \"rejected\": %lld",
		(long long)r->tally.members, (long long)r->tally.unmatched, (long long)r->tally.failed, (long long)r->tally.rows,
		(long long)r->tally.rejected);
	lk_str_addf(out, ", \"commits\": %lld, \"elapsed_ms\": %lld", (long long)r->commits, (long long)r->elapsed_ms);
	lk_str_adds(out, ", \"tables\": [");
	for (size_t i = 0; i < r->tally.table_count; i++) {
		const struct lk_tally_table *t = &r->tally.tables[i];

		lk_str_adds(out, i ? ", {" : "{");
		add_text(out, "table", t->name);
		lk_str_addf(out, ", \"rows\": %lld, \"files\": %lld, \"bytes\": %lld", (long long)t->rows,
			(long long)t->files, (long long)t->bytes);
		if (t->merged)
			add_counts_json(t, out);
		lk_str_addc(out, '}');
	}
	lk_str_adds(out, "], \"rejects\": [");
	add_reject_list(r, out);
	lk_str_adds(out, "], \"problems\": [");
	add_problems(r, out);
	lk_str_adds(out, "]}\n");
}
