#include "fuzz.h"

#include <fcntl.h>
#include <unistd.h>

#include <xxhash.h>

#include "source/sink.h"
#include "stream/stream.h"

struct lk_sources *fuzz_sources(const char *package)
{
	struct lk_sources *sources;
	struct lk_error err;

	FUZZ_PROMISE(lk_sources_open_text(&sources, "fuzz.json", package, strlen(package), &err) == LK_OK, "%s", err.message);
	return sources;
}

/* ---- what came ---- */

struct came {
	XXH3_state_t *hash;
	int64_t records;
	int sinks, failed;
};

static void add(struct came *c, const void *data, size_t len)
{
	XXH3_64bits_update(c->hash, &len, sizeof(len));
	if (data)
		XXH3_64bits_update(c->hash, data, len);
}

static void add_place(struct came *c, const struct lk_sink *s, const struct lk_place *place)
{
	add(c, s->resource->name, strlen(s->resource->name));
	add(c, &place->line, sizeof(place->line));
	c->records++;
}

static enum lk_status on_row(void *arg, const struct lk_sink *s, const struct lk_value *values, const struct lk_text *rest,
	const struct lk_place *place, struct lk_error *err)
{
	struct came *c = arg;

	(void)err;
	add_place(c, s, place);
	for (int i = 0; i < s->resource->field_count; i++)
		if (s->resource->fields[i].origin == LK_ORIGIN_RECORD)
			add(c, values[i].data, values[i].len);
	add(c, rest ? rest->data : NULL, rest ? rest->len : 0);
	return LK_OK;
}

static enum lk_status on_reject(void *arg, const struct lk_sink *s, const char *field, const char *reason,
	const struct lk_place *place, struct lk_error *err)
{
	(void)err;
	add_place(arg, s, place);
	add(arg, reason, strlen(reason));
	add(arg, field, field ? strlen(field) : 0);
	return LK_OK;
}

static enum lk_status on_end(void *arg, const struct lk_sink *s, struct lk_error *err)
{
	struct came *c = arg;

	(void)err;
	c->sinks++;
	c->failed += s->failed;
	return LK_OK;
}

/* ---- one run ---- */

struct run {
	struct lk_sources *sources;
	const char *as, *data;
	size_t len, piece;
	struct lk_source_member member;
	const struct lk_watch *watch; /* or NULL: rows are made, and go nowhere */
	struct lk_output_totals totals;
};

static enum lk_status feed(struct run *r, struct lk_parser *parser, struct lk_error *err)
{
	LK_TRY(lk_parser_begin(parser, &r->member, err));
	for (size_t at = 0; at < r->len; at += r->piece)
		LK_TRY(lk_parser_feed(parser, r->data + at, r->len - at < r->piece ? r->len - at : r->piece, err));
	LK_TRY(lk_parser_end(parser, NULL, err));
	return r->watch ? LK_OK : lk_parser_finish(parser, &r->totals, err);
}

static enum lk_status run_impl(struct run *r, struct lk_writer *writer, struct lk_error *err)
{
	struct lk_parser *parser;
	enum lk_status status;

	LK_TRY(lk_parser_open(&parser, r->sources, r->as, writer, err));
	if (r->watch)
		lk_parser_watch(parser, r->watch);
	status = feed(r, parser, err);
	lk_parser_close(parser);
	return status;
}

static void run(struct run *r)
{
	static int nowhere = -1;
	struct lk_writer *writer = NULL;
	struct lk_error err = {0};
	enum lk_status status;

	if (nowhere < 0)
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (!r->watch && lk_writer_open(&writer, nowhere, "nowhere", false, &err))
		abort();
	status = run_impl(r, writer, &err);
	if (writer && status == LK_OK)
		status = lk_writer_close(writer, &err);
	else
		lk_writer_abort(writer);
	FUZZ_PROMISE(status == LK_OK, "the run ended with %d: %s", (int)status, err.message);
}

/* The same, watched: what came, as a hash. */
static uint64_t run_watched(struct run *r, struct came *c)
{
	struct lk_watch watch = {.arg = c, .row = on_row, .reject = on_reject, .end = on_end};
	uint64_t hash;

	*c = (struct came){.hash = XXH3_createState()};
	XXH3_64bits_reset(c->hash);
	r->watch = &watch;
	run(r);
	hash = XXH3_64bits_digest(c->hash);
	XXH3_freeState(c->hash);
	return hash;
}

void fuzz_member(struct lk_sources *sources, const char *as, const char *member, const char *data, size_t len, size_t piece)
{
	struct run r = {.sources = sources,
		.as = as,
		.data = data,
		.len = len,
		.piece = len ? len : 1,
		.member = {.delivery = "fuzz.zip", .sha256 = "0123456789abcdef", .sender = "", .member = member,
			.member_size = (int64_t)len, .member_modified = INT64_MIN}};
	struct came whole, cut;
	uint64_t hash;

	run(&r);
	hash = run_watched(&r, &whole);
	FUZZ_PROMISE(whole.records == r.totals.rows + r.totals.rejected, "%lld records became %lld rows and %lld rejects",
		(long long)whole.records, (long long)r.totals.rows, (long long)r.totals.rejected);
	r.piece = piece ? piece : 1;
	/* Formats look at the first bytes (HEAD_BYTES) to tell whether the member is for them: few may tell otherwise. */
	if (hash != run_watched(&r, &cut) && cut.sinks == whole.sinks && cut.failed == whole.failed)
		FUZZ_PROMISE(false, "in pieces of %zu come %lld records, or others, not %lld", r.piece, (long long)cut.records,
			(long long)whole.records);
}
