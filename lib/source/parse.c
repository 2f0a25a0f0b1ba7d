#include "source/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/tool.h"
#include "source/format.h"
#include "source/tap.h"
#include "stream/side.h"

#define PIECE_BYTES (256 * 1024)
#define SPARES 8
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define HEAD_BYTES 16 /* what libFuzzer makes up is short, and is to come in pieces */
#else
#define HEAD_BYTES 1024	     /* that a member's first look wants, where it has as many */
#endif
#define SHOWN_BYTES (64 * 1024) /* of a member's start in another encoding, to be looked at */

/* A reader at work on a member, and the sinks that it feeds. */
struct job {
	const struct lk_file_format *reader;
	void *self;
	struct lk_sink **sinks;
	int count;
	struct lk_decoding decoding;
	struct lk_decoder *decoder; /* NULL: the text is UTF-8, or the reader sees to it */
	size_t mark;		    /* bytes of UTF-8's byte order mark that are still to go */
};

struct lk_parser {
	struct lk_sources *sources;
	const struct lk_resource *as;
	const struct lk_watch *watch;
	struct lk_output output;

	/* the member that is open */
	bool open, matched;
	struct lk_arena arena;
	struct lk_source_member member;
	int64_t index, offset;
	struct lk_str held; /* its start, until there is enough of it */
	int64_t started;
	struct lk_sink *sinks; /* by resource that takes it */
	struct lk_sink **order; /* the same, those of one reader together */
	int sink_count;
	struct job *jobs;
	int job_count;

	/* readers that have done their work and wait for a member of their format */
	struct spare {
		const struct lk_file_format *reader;
		void *self;
	} spares[SPARES];
	int spare_count;
};

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

static void put_away(struct lk_parser *p, const struct job *job)
{
	if (!job->self || p->spare_count == SPARES) {
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

/* ---- which resources take a member ---- */

/* What is known of a member when it is matched. */
struct candidate {
	const struct lk_source_member *member;
	struct lk_head head;
	struct lk_head text; /* the same decoded, as far as its bytes tell its encoding */
	void *seen[LK_FILE_FORMATS_MAX]; /* by format, once it has looked */
	const char *why;	    /* the first resource of this name could not take it; borrowed from seen */
	const char *latest;	    /* the same of the resource asked last; NULL where it could */
	bool named;		    /* one of its paths takes the name */
};

static void forget_looks(struct candidate *c)
{
	for (int i = 0; lk_file_format_at(i); i++)
		if (c->seen[i])
			lk_file_format_at(i)->forget(c->seen[i]);
}

/* Whether the content is what the resource is for. */
static enum lk_status content_fits(
	const struct lk_resource *r, struct candidate *c, bool *fits, struct lk_error *err)
{
	const struct lk_file_format *format = r->format;
	const char *why = NULL;
	int i = 0;

	*fits = true;
	if (!format->look)
		return LK_OK;
	while (lk_file_format_at(i) != format)
		i++;
	if (!c->seen[i])
		LK_TRY(format->look(format->binary ? &c->head : &c->text, &c->seen[i], err));
	*fits = format->fits(r, c->seen[i], &why);
	c->latest = *fits ? NULL : why;
	if (!c->why)
		c->why = c->latest;
	return LK_OK;
}

static enum lk_status resource_takes(
	const struct lk_resource *r, struct candidate *c, bool *takes, struct lk_error *err)
{
	c->latest = NULL;
	c->named = *takes = lk_globs_take(r->paths, r->path_count, c->member->member);
	return *takes ? content_fits(r, c, takes, err) : LK_OK;
}

static enum lk_status add_decoded(void *arg, const char *text, size_t len, struct lk_error *err)
{
	struct lk_str *out = arg;

	lk_str_add(out, text, len);
	return lk_str_check(out, err);
}

/* What a member begins with as text; room holds it where it must be decoded. */
static enum lk_status decode_start(const struct lk_decoding *how, const struct lk_head *head, struct lk_str *room,
	struct lk_head *text, struct lk_error *err)
{
	size_t len = head->len < SHOWN_BYTES ? head->len : SHOWN_BYTES;
	struct lk_decoder *decoder;
	enum lk_status status;

	*text = (struct lk_head){head->data + how->mark, head->len - how->mark};
	if (!strcmp(how->encoding, LK_UTF8_NAME))
		return LK_OK;
	LK_TRY(lk_decoder_open(&decoder, how, err));
	status = lk_decoder_feed(decoder, head->data, len, add_decoded, room, err);
	lk_decoder_close(decoder);
	*text = (struct lk_head){lk_str_text(room), room->len};
	return status;
}

/* How a resource's text is decoded that begins so. A binary format's is not. */
static struct lk_decoding decoding_of(const struct lk_resource *r, const struct lk_head *head)
{
	struct lk_decoding how = {.encoding = LK_UTF8_NAME};

	if (!r->format->binary)
		lk_decoding_choose(r->encodings.names, r->encodings.count, r->encodings.replace, head->data, head->len, &how);
	return how;
}

static enum lk_status head_agrees(
	const struct lk_resource *r, const struct candidate *c, bool *agrees, struct lk_error *err)
{
	struct lk_decoding how = decoding_of(r, &c->head);
	struct lk_str room = LK_STR_INIT;
	struct lk_head text;
	enum lk_status status = decode_start(&how, &c->head, &room, &text, err);

	if (status == LK_OK)
		status = r->format->agrees(r, &text, how.encoding, agrees, err);
	lk_str_release(&room);
	return status;
}

/* Of several resources of one format that take the member by name, those stay on the list with whose header its own agrees; the
 * first, which will say what is wrong, where none does. takes: by resource of the package. */
static enum lk_status choose_by_head(const struct lk_package *package, const struct lk_file_format *format,
	const struct candidate *c, bool *takes, struct lk_error *err)
{
	int count = 0, first = -1;
	bool any = false;

	for (int i = 0; i < package->resource_count; i++) {
		if (!takes[i] || package->resources[i].format != format)
			continue;
		first = count++ ? first : i;
	}
	for (int i = 0; i < package->resource_count && count > 1; i++) {
		if (!takes[i] || package->resources[i].format != format)
			continue;
		LK_TRY(head_agrees(&package->resources[i], c, &takes[i], err));
		any |= takes[i];
	}
	if (count > 1 && !any)
		takes[first] = true;
	return LK_OK;
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

/* Opens sinks for the resources of a package that take the member. takes: room, by resource. */
static enum lk_status open_sinks(
	struct lk_parser *p, const struct lk_package *package, struct candidate *c, bool *takes, struct lk_error *err)
{
	const struct lk_tap *tap = p->output.tap;

	for (int i = 0; i < package->resource_count; i++) {
		LK_TRY(resource_takes(&package->resources[i], c, &takes[i], err));
		if (tap)
			LK_TRY(tap->resource(tap->arg, c->member, &package->resources[i], c->named, takes[i], c->latest, err));
	}
	for (int i = 0; lk_file_format_at(i); i++)
		if (lk_file_format_at(i)->agrees)
			LK_TRY(choose_by_head(package, lk_file_format_at(i), c, takes, err));
	for (int i = 0; tap && i < package->resource_count; i++)
		if (!takes[i])
			LK_TRY(tap->passed_over(tap->arg, c->member, &package->resources[i], err));
	for (int i = 0; i < package->resource_count; i++) {
		if (takes[i] && !p->sinks)
			LK_TRY(alloc_sinks(p, package->resource_count, err));
		if (takes[i])
			LK_TRY(add_sink(p, &package->resources[i], err));
	}
	return LK_OK;
}

static enum lk_status try_package(
	struct lk_parser *p, const struct lk_package *package, struct candidate *c, struct lk_error *err)
{
	const struct lk_tap *tap = p->output.tap;
	struct lk_delivery_match match;
	enum lk_status status;
	bool matched, *takes;

	LK_TRY(lk_delivery_match(package, c->member->delivery, &match, &matched, err));
	if (tap)
		LK_TRY(tap->package(tap->arg, c->member, package, matched, err));
	if (!matched)
		return LK_OK;
	lk_delivery_match_release(&match);
	takes = calloc((size_t)package->resource_count + 1, sizeof(*takes));
	status = takes ? open_sinks(p, package, c, takes, err) : lk_error_nomem(err);
	free(takes);
	return status;
}

static enum lk_status match_member(struct lk_parser *p, struct candidate *c, struct lk_error *err)
{
	if (p->as) {
		LK_TRY(alloc_sinks(p, 1, err));
		LK_TRY(add_sink(p, p->as, err));
		p->sinks[0].alone = true;
		return LK_OK;
	}
	for (int with_delivery = 1; with_delivery >= 0; with_delivery--)
		for (int i = 0; i < p->sources->count && !p->sink_count; i++)
			if ((p->sources->packages[i]->delivery != NULL) == with_delivery)
				LK_TRY(try_package(p, p->sources->packages[i], c, err));
	return LK_OK;
}

static bool can_share(const struct job *job, const struct lk_resource *r, const struct lk_head *head)
{
	struct lk_decoding how = decoding_of(r, head);

	return job->reader->shared && job->reader == r->format && lk_decoding_equal(&job->decoding, &how);
}

static enum lk_status open_job(struct lk_parser *p, struct job *job, struct lk_error *err)
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
		struct job *job;
		bool taken = false;

		for (int j = 0; j < p->job_count; j++)
			taken |= can_share(&p->jobs[j], r, head);
		if (taken)
			continue;
		job = &p->jobs[p->job_count++];
		*job = (struct job){.reader = r->format, .sinks = p->order + ordered, .decoding = decoding_of(r, head)};
		for (int j = i; j < p->sink_count; j++)
			if (j == i || can_share(job, p->sinks[j].resource, head))
				job->sinks[job->count++] = &p->sinks[j];
		ordered += job->count;
		LK_TRY(open_job(p, job, err));
	}
	return LK_OK;
}

/* ---- a member's life ---- */

static enum lk_status add_file(struct lk_parser *p, const char *status, const char *error, struct lk_error *err)
{
	struct lk_file_report report = {
		.status = status, .error = error, .started = p->started, .finished = lk_now_us()};

	if (p->watch)
		return LK_OK;
	if (!strcmp(status, "unmatched"))
		report.sources = lk_sources_sha256(p->sources);
	return lk_output_file(&p->output, &p->member, &report, err);
}

static bool begins_with(const char *text, const char *start)
{
	return text && !strncmp(text, start, strlen(start));
}

/* A resource that was named takes every member, but can make nothing of one that is not for it. */
static enum lk_status check_content(struct lk_parser *p, struct candidate *c, struct lk_error *err)
{
	bool fits;

	LK_TRY(content_fits(p->as, c, &fits, err));
	return fits ? LK_OK : lk_sinks_fail(p->jobs[0].sinks, 1, NULL, err, "%s", c->why);
}

static enum lk_status settle_candidate(struct lk_parser *p, struct candidate *c, struct lk_error *err)
{
	char message[300];

	LK_TRY(match_member(p, c, err));
	if (!p->sink_count) {
		snprintf(message, sizeof(message), "no resource takes it%s%s", c->why ? ": " : "", c->why ? c->why : "");
		return add_file(p, "unmatched", message, err);
	}
	LK_TRY(open_jobs(p, &c->head, err));
	return p->as ? check_content(p, c, err) : LK_OK;
}

/* What formats are to see of a member's start: text, where its bytes tell how it is encoded. */
static enum lk_status decode_head(struct candidate *c, struct lk_str *room, struct lk_error *err)
{
	struct lk_decoding how = {.encoding = lk_encoding_of_head(c->head.data, c->head.len, &how.mark), .replace = true};

	c->text = c->head;
	if (!how.encoding)
		return LK_OK;
	return decode_start(&how, &c->head, room, &c->text, err);
}

/* The first piece is there: finds who takes the member. */
static enum lk_status settle(struct lk_parser *p, const char *head, size_t len, struct lk_error *err)
{
	struct candidate c = {.member = &p->member, .head = {head, len}};
	struct lk_str room = LK_STR_INIT;
	enum lk_status status;

	p->matched = true;
	if (!p->as && lk_sources_ignores(p->sources, p->member.delivery, p->member.member))
		return add_file(p, "skipped", "a package says that it is not data", err);
	status = decode_head(&c, &room, err);
	if (status == LK_OK)
		status = settle_candidate(p, &c, err);
	forget_looks(&c);
	lk_str_release(&room);
	return status;
}

static enum lk_status feed_text(void *arg, const char *text, size_t len, struct lk_error *err)
{
	struct job *job = arg;

	return job->reader->feed(job->self, text, len, err);
}

static enum lk_status feed_job(struct job *job, const char *data, size_t len, struct lk_error *err)
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

/* The member has no more: what was held of it is all there is. */
static enum lk_status feed_held(struct lk_parser *p, struct lk_error *err)
{
	return p->matched ? LK_OK : feed_jobs(p, lk_str_text(&p->held), p->held.len, err);
}

static void warn_of_bytes(const struct job *job)
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

static enum lk_status finish_job(struct job *job, struct lk_error *err)
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
	LK_TRY(feed_held(p, err));
	for (int i = 0; i < p->job_count; i++)
		LK_TRY(finish_job(&p->jobs[i], err));
	return finish_sinks(p, err);
}

/* The open member does not come to its end. */
static enum lk_status break_member(struct lk_parser *p, const char *why, struct lk_error *err)
{
	LK_TRY(feed_held(p, err));
	for (int i = 0; i < p->job_count; i++)
		if (!p->jobs[i].sinks[0]->failed)
			LK_TRY(lk_sinks_fail(p->jobs[i].sinks, p->jobs[i].count, NULL, err,
				"the member is cut off: %s", why));
	return finish_sinks(p, err);
}

static void begin_member(struct lk_parser *p)
{
	p->open = true;
	p->matched = false;
	p->offset = 0;
	p->started = lk_now_us();
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
	if (p->open)
		LK_TRY(break_member(p, "its last piece did not come", err));
	p->member = *m;
	begin_member(p);
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

/* ---- rows of lk.members ---- */

struct members {
	const struct ArrowArrayView *columns[LK_MEMBERS_COLUMNS];
};

static enum lk_status find_columns(const struct lk_batch *batch, struct members *m, struct lk_error *err)
{
	for (int i = 0; i < LK_MEMBERS_COLUMNS; i++) {
		const struct lk_field *field = &lk_members_fields[i];
		int at = lk_schema_find(batch->schema, field->name);

		if (at < 0 || lk_type_of(batch->schema->children[at], NULL, NULL) != field->type)
			return lk_error_set(
				err, LK_DATA, "lk.members has no column '%s' of its type", field->name);
		m->columns[i] = batch->view->children[at];
	}
	return LK_OK;
}

static bool is_null(const struct members *m, enum lk_members_column column, int64_t row)
{
	return ArrowArrayViewIsNull(m->columns[column], row);
}

static int64_t number_at(const struct members *m, enum lk_members_column column, int64_t row, int64_t none)
{
	return is_null(m, column, row) ? none : ArrowArrayViewGetIntUnsafe(m->columns[column], row);
}

/* NULL when null. Lives as long as the member. */
static const char *text_at(
	struct lk_parser *p, const struct members *m, enum lk_members_column column, int64_t row)
{
	struct ArrowStringView text;

	if (is_null(m, column, row))
		return NULL;
	text = ArrowArrayViewGetStringUnsafe(m->columns[column], row);
	return lk_arena_strndup(&p->arena, text.data ? text.data : "", (size_t)text.size_bytes);
}

static enum lk_status read_member(
	struct lk_parser *p, const struct members *m, int64_t row, struct lk_error *err)
{
	lk_arena_clear(&p->arena);
	p->member = (struct lk_source_member){
		.delivery = text_at(p, m, LK_MEMBERS_DELIVERY, row),
		.sha256 = text_at(p, m, LK_MEMBERS_SHA256, row),
		.sender = text_at(p, m, LK_MEMBERS_SENDER, row),
		.member = text_at(p, m, LK_MEMBERS_MEMBER, row),
		.passphrase = text_at(p, m, LK_MEMBERS_PASSPHRASE, row),
		.size = number_at(m, LK_MEMBERS_SIZE, row, 0),
		.modified = number_at(m, LK_MEMBERS_MODIFIED, row, 0),
		.member_size = number_at(m, LK_MEMBERS_MEMBER_SIZE, row, -1),
		.member_modified = number_at(m, LK_MEMBERS_MEMBER_MODIFIED, row, INT64_MIN),
	};
	p->index = number_at(m, LK_MEMBERS_INDEX, row, 0);
	if (!p->member.delivery || !p->member.sha256 || !p->member.sender || !p->member.member)
		return lk_error_set(
			err, LK_DATA, "lk.members: a row lacks its delivery, sha256, sender or member");
	return LK_OK;
}

static bool same_text(const struct members *m, enum lk_members_column column, int64_t row, const char *text)
{
	struct ArrowStringView view = ArrowArrayViewGetStringUnsafe(m->columns[column], row);

	return (size_t)view.size_bytes == strlen(text) && !memcmp(view.data, text, (size_t)view.size_bytes);
}

/* Whether the row goes on with the open member. */
static bool goes_on(const struct lk_parser *p, const struct members *m, int64_t row)
{
	return p->open && number_at(m, LK_MEMBERS_INDEX, row, 0) == p->index &&
	       same_text(m, LK_MEMBERS_DELIVERY, row, p->member.delivery) &&
	       same_text(m, LK_MEMBERS_SHA256, row, p->member.sha256);
}

/* A member without content: skipped or failed, and why. */
static enum lk_status take_bare(
	struct lk_parser *p, const struct members *m, int64_t row, const char *status, struct lk_error *err)
{
	const char *error;

	if (goes_on(p, m, row)) {
		error = text_at(p, m, LK_MEMBERS_ERROR, row);
		return break_member(p, error ? error : status, err);
	}
	if (p->open)
		LK_TRY(break_member(p, "its last piece did not come", err));
	LK_TRY(read_member(p, m, row, err));
	error = text_at(p, m, LK_MEMBERS_ERROR, row);
	p->started = lk_now_us();
	return add_file(p, begins_with(status, "skip") ? "skipped" : "failed", error, err);
}

static enum lk_status take_piece(
	struct lk_parser *p, const struct members *m, int64_t row, struct lk_error *err)
{
	struct ArrowBufferView content = {{NULL}, 0};
	int64_t offset = number_at(m, LK_MEMBERS_OFFSET, row, 0);

	if (!goes_on(p, m, row)) {
		if (p->open)
			LK_TRY(break_member(p, "its last piece did not come", err));
		LK_TRY(read_member(p, m, row, err));
		begin_member(p);
	}
	if (offset != p->offset)
		return lk_error_set(err, LK_DATA, "lk.members: '%s!%s' goes on at byte %lld, not %lld",
			p->member.delivery, p->member.member, (long long)offset, (long long)p->offset);
	if (!is_null(m, LK_MEMBERS_CONTENT, row))
		content = ArrowArrayViewGetBytesUnsafe(m->columns[LK_MEMBERS_CONTENT], row);
	LK_TRY(feed(p, content.data.as_char ? content.data.as_char : "", (size_t)content.size_bytes, err));
	return number_at(m, LK_MEMBERS_LAST, row, 1) ? end_member(p, err) : LK_OK;
}

enum lk_status lk_parser_batch(struct lk_parser *p, const struct lk_batch *batch, struct lk_error *err)
{
	struct members m;

	LK_TRY(find_columns(batch, &m, err));
	for (int64_t row = 0; row < batch->rows; row++) {
		struct ArrowStringView word = ArrowArrayViewGetStringUnsafe(m.columns[LK_MEMBERS_STATUS], row);
		char status[16] = "";

		if (word.size_bytes < (int64_t)sizeof(status) && word.size_bytes > 0)
			memcpy(status, word.data, (size_t)word.size_bytes);
		if (!strcmp(status, "ok"))
			LK_TRY(take_piece(p, &m, row, err));
		else if (!strcmp(status, "skipped") || !strcmp(status, "failed"))
			LK_TRY(take_bare(p, &m, row, status, err));
		else
			return lk_error_set(err, LK_DATA, "lk.members: there is no status '%.*s'",
				(int)(word.size_bytes > 64 ? 64 : word.size_bytes),
				word.data ? word.data : "");
	}
	return LK_OK;
}

/* ---- files ---- */

/* Replaces a path by its text, which lives as long as the member. */
static enum lk_status keep_path(struct lk_parser *p, const char **path, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	lk_path_text(&text, *path);
	status = lk_str_check(&text, err);
	*path = status ? NULL : lk_arena_strdup(&p->arena, lk_str_text(&text));
	lk_str_release(&text);
	return status || *path ? status : lk_error_nomem(err);
}

static enum lk_status describe_file(struct lk_parser *p, const char *path, int fd, const struct stat *st,
	char digest[LK_SHA256_HEX], bool *seekable, struct lk_error *err)
{
	off_t start = lseek(fd, 0, SEEK_CUR);
	char *sender;

	*seekable = start >= 0 && S_ISREG(st->st_mode);
	*digest = '\0';
	if (*seekable) {
		LK_TRY(lk_sha256_fd(fd, path, digest, err));
		if (lseek(fd, start, SEEK_SET) != start)
			return lk_error_sys(err, LK_IO, "cannot read '%s' twice", path);
	}
	lk_arena_clear(&p->arena);
	LK_TRY(keep_path(p, &path, err));
	LK_TRY(lk_sources_sender(p->sources, path, &sender, err));
	p->member = (struct lk_source_member){
		.delivery = path,
		.sha256 = digest,
		.sender = lk_arena_strdup(&p->arena, sender),
		.member = lk_arena_strdup(&p->arena, lk_path_base(path)),
		.size = *seekable ? st->st_size - start : 0,
		.modified = *seekable ? st->st_mtim.tv_sec * INT64_C(1000000) + st->st_mtim.tv_nsec / 1000
				      : lk_now_us(),
		.member_size = *seekable ? st->st_size - start : -1,
		.member_modified = *seekable
					   ? st->st_mtim.tv_sec * INT64_C(1000000) + st->st_mtim.tv_nsec / 1000
					   : INT64_MIN,
	};
	free(sender);
	return p->member.delivery && p->member.sender && p->member.member ? LK_OK : lk_error_nomem(err);
}

/* Where a file's text comes from: the descriptor, or the reader that has read some of it. */
struct text_input {
	const char *path;
	int fd;
	struct lk_reader *reader; /* or NULL */
};

static enum lk_status pump(
	struct lk_parser *p, const struct text_input *in, struct lk_sha256 *sha, char *buf, struct lk_error *err)
{
	for (;;) {
		size_t got;

		if (in->reader)
			LK_TRY(lk_reader_text(in->reader, buf, PIECE_BYTES, &got, err));
		else
			LK_TRY(lk_read_full(in->fd, in->path, buf, PIECE_BYTES, &got, err));
		if (!got)
			return LK_OK;
		if (sha->ctx)
			LK_TRY(lk_sha256_add(sha, buf, got, err));
		LK_TRY(feed(p, buf, got, err));
	}
}

/* What comes through a pipe is known by its digest and size only at its end. */
static enum lk_status text_impl(
	struct lk_parser *p, const struct text_input *in, struct lk_sha256 *sha, char *buf, struct lk_error *err)
{
	char digest[LK_SHA256_HEX];
	bool seekable = false;
	struct stat before;

	if (fstat(in->fd, &before) != 0)
		return lk_error_sys(err, LK_NOINPUT, "cannot read '%s'", in->path);
	LK_TRY(describe_file(p, in->path, in->fd, &before, digest, &seekable, err));
	begin_member(p);
	if (!seekable)
		LK_TRY(lk_sha256_init(sha, err));
	LK_TRY(pump(p, in, sha, buf, err));
	LK_TRY(feed_held(p, err)); /* before the digest is there: rows are called the same however long the text is */
	if (sha->ctx) {
		LK_TRY(lk_sha256_hex(sha, digest, err));
		p->member.size = p->member.member_size = p->offset;
	}
	LK_TRY(lk_file_check(in->path, in->fd, &before, err));
	return end_member(p, err);
}

static enum lk_status take_text(struct lk_parser *p, const struct text_input *in, struct lk_error *err)
{
	struct lk_sha256 sha = {NULL};
	char *buf = malloc(PIECE_BYTES);
	enum lk_status status = buf ? text_impl(p, in, &sha, buf, err) : lk_error_nomem(err);

	lk_sha256_release(&sha);
	free(buf);
	return status;
}

enum lk_status lk_parser_file(struct lk_parser *p, const char *path, struct lk_error *err)
{
	struct text_input in = {.path = path};
	enum lk_status status;

	LK_TRY(lk_open_input(path, &in.fd, err));
	status = take_text(p, &in, err);
	lk_close_input(in.fd);
	return status;
}

enum lk_status lk_parser_text(struct lk_parser *p, struct lk_reader *reader, struct lk_error *err)
{
	struct text_input in = {"-", STDIN_FILENO, reader};

	return take_text(p, &in, err);
}

enum lk_status lk_parser_finish(struct lk_parser *p, struct lk_output_totals *totals, struct lk_error *err)
{
	if (p->open)
		LK_TRY(break_member(p, "its last piece did not come", err));
	LK_TRY(lk_output_finish(&p->output, err));
	*totals = p->output.totals;
	return LK_OK;
}
