#include "source/parse_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tool.h"
#include "source/match.h"

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define HEAD_BYTES 16 /* what libFuzzer makes up is short, and is to come in pieces */
#else
#define HEAD_BYTES 1024 /* that a member's first look wants, where it has as many */
#endif

/* ---- opening ---- */

static enum lk_status find_resource(struct lk_parser *p, const char *as, struct lk_error *err)
{
	const char *slash = strchr(as, '/'), *name = slash ? slash + 1 : as;

	for (int i = 0; i < p->sources->count; i++) {
		struct lk_package *package = p->sources->packages[i];

		if (slash && (strlen(package->name) != (size_t)(slash - as) ||
				     strncmp(package->name, as, (size_t)(slash - as))))
			continue;
		for (int j = 0; j < package->resource_count; j++) {
			if (strcmp(package->resources[j].name, name))
				continue;
			if (p->as)
				return lk_error_set(err, LK_USAGE,
					"more than one package has a resource '%s': say PACKAGE/%s", as,
					name);
			p->as = &package->resources[j];
		}
	}
	return p->as ? LK_OK : lk_error_set(err, LK_USAGE, "no package has a resource '%s'", as);
}

static enum lk_status open_impl(
	struct lk_parser *p, const char *as, struct lk_writer *writer, struct lk_error *err)
{
	if (as)
		LK_TRY(find_resource(p, as, err));
	return lk_output_open(&p->output, p->sources, writer, err);
}

enum lk_status lk_parser_open(struct lk_parser **out, struct lk_sources *sources, const char *as,
	struct lk_writer *writer, struct lk_error *err)
{
	enum lk_status status;

	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	(*out)->sources = sources;
	status = open_impl(*out, as, writer, err);
	if (status) {
		lk_parser_close(*out);
		*out = NULL;
	}
	return status;
}

static void put_away(struct lk_parser *p, const struct lk_job *job)
{
	if (!job->self || p->spare_count == LK_PARSER_SPARES) {
		job->reader->close(job->self);
		return;
	}
	job->reader->clear(job->self);
	p->spares[p->spare_count++] = (struct spare){job->reader, job->self};
}

static void *take_spare(struct lk_parser *p, const struct lk_file_format *reader)
{
	for (int i = 0; i < p->spare_count; i++)
		if (p->spares[i].reader == reader) {
			void *self = p->spares[i].self;

			p->spares[i] = p->spares[--p->spare_count];
			return self;
		}
	return NULL;
}

static void release_member(struct lk_parser *p)
{
	for (int i = 0; i < p->job_count; i++) {
		lk_decoder_close(p->jobs[i].decoder);
		put_away(p, &p->jobs[i]);
	}
	lk_str_clear(&p->held);
	for (int i = 0; i < p->sink_count; i++)
		lk_sink_release(&p->sinks[i]);
	free(p->jobs);
	free(p->sinks);
	free(p->order);
	p->jobs = NULL;
	p->sinks = NULL;
	p->order = NULL;
	p->job_count = p->sink_count = 0;
	p->open = p->matched = false;
}

void lk_parser_close(struct lk_parser *p)
{
	if (!p)
		return;
	release_member(p);
	for (int i = 0; i < p->spare_count; i++)
		p->spares[i].reader->close(p->spares[i].self);
	lk_output_release(&p->output);
	lk_arena_release(&p->arena);
	lk_str_release(&p->held);
	free(p);
}

static enum lk_status add_sink(struct lk_parser *p, const struct lk_resource *r, struct lk_error *err)
{
	struct lk_sink *s = &p->sinks[p->sink_count++];

	LK_TRY(lk_sink_open(s, r, &p->member, &p->output, err));
	s->watch = p->watch;
	return LK_OK;
}

static enum lk_status alloc_sinks(struct lk_parser *p, int most, struct lk_error *err)
{
	p->sinks = calloc((size_t)most + 1, sizeof(*p->sinks));
	p->order = calloc((size_t)most + 1, sizeof(*p->order));
	p->jobs = calloc((size_t)most + 1, sizeof(*p->jobs));
	return p->sinks && p->order && p->jobs ? LK_OK : lk_error_nomem(err);
}

/* The sinks of all resources that take the member. */
static enum lk_status add_sinks(struct lk_parser *p, struct lk_candidate *c, struct lk_error *err)
{
	const struct lk_resource **resources;
	enum lk_status status;
	int count;

	if (p->as) {
		LK_TRY(alloc_sinks(p, 1, err));
		LK_TRY(add_sink(p, p->as, err));
		p->sinks[0].alone = true;
		return LK_OK;
	}
	status = lk_candidate_match(c, p->sources, p->output.tap, &resources, &count, err);
	if (status == LK_OK)
		status = alloc_sinks(p, count, err);
	for (int i = 0; i < count && status == LK_OK; i++)
		status = add_sink(p, resources[i], err);
	free(resources);
	return status;
}

static bool can_share(const struct lk_job *job, const struct lk_resource *r, const struct lk_head *head)
{
	struct lk_decoding how = lk_decoding_of(r, head);

	return job->reader->shared && job->reader == r->format && lk_decoding_equal(&job->decoding, &how);
}

static enum lk_status open_job(struct lk_parser *p, struct lk_job *job, struct lk_error *err)
{
	job->self = take_spare(p, job->reader);
	for (int i = 0; i < job->count; i++)
		job->sinks[i]->encoding = job->decoding.encoding;
	if (strcmp(job->decoding.encoding, LK_UTF8_NAME))
		LK_TRY(lk_decoder_open(&job->decoder, &job->decoding, err));
	else
		job->mark = job->decoding.mark;
	return job->reader->open(&job->self, job->sinks, job->count, err);
}

/* One job for each reader: those that are shared take all sinks of their format and encoding. */
static enum lk_status open_jobs(struct lk_parser *p, const struct lk_head *head, struct lk_error *err)
{
	int ordered = 0;

	for (int i = 0; i < p->sink_count; i++) {
		const struct lk_resource *r = p->sinks[i].resource;
		struct lk_job *job;
		bool taken = false;

		for (int j = 0; j < p->job_count; j++)
			taken |= can_share(&p->jobs[j], r, head);
		if (taken)
			continue;
		job = &p->jobs[p->job_count++];
		*job = (struct lk_job){.reader = r->format, .sinks = p->order + ordered, .decoding = lk_decoding_of(r, head)};
		for (int j = i; j < p->sink_count; j++)
			if (j == i || can_share(job, p->sinks[j].resource, head))
				job->sinks[job->count++] = &p->sinks[j];
		ordered += job->count;
		LK_TRY(open_job(p, job, err));
	}
	return LK_OK;
}

/* ---- a member's life ---- */

enum lk_status lk_parser_add_file(struct lk_parser *p, const char *status, const char *error, struct lk_error *err)
{
	struct lk_file_report report = {
		.status = status, .error = error, .started = p->started, .finished = lk_now_us()};

	if (p->watch)
		return LK_OK;
	if (!strcmp(status, "unmatched"))
		report.sources = lk_sources_sha256(p->sources);
	return lk_output_file(&p->output, &p->member, &report, err);
}

/* A resource that was named takes every member, but can make nothing of one that is not for it. */
static enum lk_status check_content(struct lk_parser *p, struct lk_candidate *c, struct lk_error *err)
{
	bool fits;

	LK_TRY(lk_candidate_fits(c, p->as, &fits, err));
	return fits ? LK_OK : lk_sinks_fail(p->jobs[0].sinks, 1, NULL, err, "%s", c->why);
}

static enum lk_status settle_candidate(struct lk_parser *p, struct lk_candidate *c, struct lk_error *err)
{
	char message[300];

	LK_TRY(add_sinks(p, c, err));
	if (!p->sink_count) {
		snprintf(message, sizeof(message), "no resource takes it%s%s", c->why ? ": " : "", c->why ? c->why : "");
		return lk_parser_add_file(p, "unmatched", message, err);
	}
	LK_TRY(open_jobs(p, &c->head, err));
	return p->as ? check_content(p, c, err) : LK_OK;
}

/* The first piece is there: finds who takes the member. */
static enum lk_status settle(struct lk_parser *p, const char *head, size_t len, struct lk_error *err)
{
	struct lk_candidate c;
	enum lk_status status;

	p->matched = true;
	if (!p->as && lk_sources_ignores(p->sources, p->member.delivery, p->member.member))
		return lk_parser_add_file(p, "skipped", "a package says that it is not data", err);
	status = lk_candidate_open(&c, &p->member, head, len, err);
	if (status == LK_OK)
		status = settle_candidate(p, &c, err);
	lk_candidate_release(&c);
	return status;
}

static enum lk_status feed_text(void *arg, const char *text, size_t len, struct lk_error *err)
{
	struct lk_job *job = arg;

	return job->reader->feed(job->self, text, len, err);
}

static enum lk_status feed_job(struct lk_job *job, const char *data, size_t len, struct lk_error *err)
{
	size_t mark = job->mark < len ? job->mark : len;

	if (job->decoder)
		return lk_decoder_feed(job->decoder, data, len, feed_text, job, err);
	job->mark -= mark;
	return job->reader->feed(job->self, data + mark, len - mark, err);
}

static enum lk_status feed_jobs(struct lk_parser *p, const char *data, size_t len, struct lk_error *err)
{
	if (!p->matched)
		LK_TRY(settle(p, data, len, err));
	for (int i = 0; i < p->job_count; i++)
		LK_TRY(feed_job(&p->jobs[i], data, len, err));
	return LK_OK;
}

/* A member that begins with a small piece is not looked at before there is more of it, or it ends. */
static enum lk_status feed(struct lk_parser *p, const char *data, size_t len, struct lk_error *err)
{
	p->offset += (int64_t)len;
	if (p->matched || (!p->held.len && len >= HEAD_BYTES))
		return feed_jobs(p, data, len, err);
	lk_str_add(&p->held, data, len);
	LK_TRY(lk_str_check(&p->held, err));
	return p->held.len >= HEAD_BYTES ? feed_jobs(p, p->held.data, p->held.len, err) : LK_OK;
}

enum lk_status lk_parser_settle(struct lk_parser *p, struct lk_error *err)
{
	return p->matched ? LK_OK : feed_jobs(p, lk_str_text(&p->held), p->held.len, err);
}

static void warn_of_bytes(const struct lk_job *job)
{
	int64_t seconded = lk_decoder_seconded(job->decoder), wrong = lk_decoder_wrong(job->decoder);

	for (int i = 0; i < job->count; i++) {
		if (seconded)
			lk_sink_warn(job->sinks[i], "%lld bytes are not %s, read as %s", (long long)seconded,
				job->decoding.encoding, job->decoding.second);
		if (wrong)
			lk_sink_warn(job->sinks[i], "%lld sequence%s of bytes %s not %s%s", (long long)wrong,
				wrong == 1 ? "" : "s", wrong == 1 ? "is" : "are", job->decoding.encoding,
				job->decoding.replace ? ", replaced by U+FFFD" : "");
	}
}

static enum lk_status finish_job(struct lk_job *job, struct lk_error *err)
{
	if (job->decoder) {
		LK_TRY(lk_decoder_finish(job->decoder, feed_text, job, err));
		warn_of_bytes(job);
	}
	return job->reader->finish(job->self, err);
}

static enum lk_status finish_sinks(struct lk_parser *p, struct lk_error *err)
{
	for (int i = 0; i < p->sink_count; i++)
		LK_TRY(lk_sink_finish(&p->sinks[i], err));
	release_member(p);
	return LK_OK;
}

static enum lk_status end_member(struct lk_parser *p, struct lk_error *err)
{
	LK_TRY(lk_parser_settle(p, err));
	for (int i = 0; i < p->job_count; i++)
		LK_TRY(finish_job(&p->jobs[i], err));
	return finish_sinks(p, err);
}

/* The open member does not come to its end. */
static enum lk_status break_member(struct lk_parser *p, const char *why, struct lk_error *err)
{
	LK_TRY(lk_parser_settle(p, err));
	for (int i = 0; i < p->job_count; i++)
		if (!p->jobs[i].sinks[0]->failed)
			LK_TRY(lk_sinks_fail(p->jobs[i].sinks, p->jobs[i].count, NULL, err,
				"the member is cut off: %s", why));
	return finish_sinks(p, err);
}

void lk_parser_begun(struct lk_parser *p)
{
	p->open = true;
	p->matched = false;
	p->offset = 0;
	p->started = lk_now_us();
}

enum lk_status lk_parser_give_up(struct lk_parser *p, struct lk_error *err)
{
	return p->open ? break_member(p, "its last piece did not come", err) : LK_OK;
}

void lk_parser_tap(struct lk_parser *p, const struct lk_tap *tap)
{
	p->output.tap = tap;
}

void lk_parser_watch(struct lk_parser *p, const struct lk_watch *watch)
{
	p->watch = watch;
}

enum lk_status lk_parser_begin(struct lk_parser *p, const struct lk_source_member *m, struct lk_error *err)
{
	LK_TRY(lk_parser_give_up(p, err));
	p->member = *m;
	lk_parser_begun(p);
	return LK_OK;
}

enum lk_status lk_parser_feed(struct lk_parser *p, const char *data, size_t len, struct lk_error *err)
{
	return feed(p, data, len, err);
}

enum lk_status lk_parser_end(struct lk_parser *p, const char *broken, struct lk_error *err)
{
	return broken ? break_member(p, broken, err) : end_member(p, err);
}

enum lk_status lk_parser_finish(struct lk_parser *p, struct lk_output_totals *totals, struct lk_error *err)
{
	if (p->open)
		LK_TRY(break_member(p, "its last piece did not come", err));
	LK_TRY(lk_output_finish(&p->output, err));
	*totals = p->output.totals;
	return LK_OK;
}
