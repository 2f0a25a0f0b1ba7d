#include "source/replay.h"

#include <stdio.h>
#include <string.h>

#include "source/format.h"
#include "source/output.h"
#include "source/raw.h"
#include "stream/side.h"

struct replays {
	const struct lk_sources *sources;
	struct lk_writer *writer;
	struct lk_output output;
	struct lk_arena arena; /* of one reject */
	const struct ArrowArrayView *columns[LK_REJECTS_COLUMNS]; /* of the batch; NULL: it has none of that name */
	struct lk_str context, raw, tail;
	struct lk_replay_totals *totals;

	/* the reader of the last one, for the next */
	const struct lk_file_format *format;
	void *self;
	struct lk_sink *sink; /* that it feeds: it keeps the list of them */
};

/* A reject as its row has it. */
struct reject {
	struct lk_source_member member;
	const char *table, *resource_name; /* NULL: null */
	int64_t record, line;
	const struct lk_resource *resource;
};

static void drop_reader(struct replays *r)
{
	if (r->format)
		r->format->close(r->self);
	r->format = NULL;
	r->self = NULL;
}

/* ---- rows of rejects ---- */

static bool is_needed(int column)
{
	static const int needed[] = {LK_REJECTS_DELIVERY, LK_REJECTS_SHA256, LK_REJECTS_SENDER, LK_REJECTS_MEMBER, LK_REJECTS_TABLE,
		LK_REJECTS_RECORD, LK_REJECTS_RAW};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (needed[i] == column)
			return true;
	return false;
}

static enum lk_status find_columns(struct replays *r, const struct lk_batch *batch, struct lk_error *err)
{
	for (int i = 0; i < LK_REJECTS_COLUMNS; i++) {
		const struct lk_field *field = &lk_rejects_fields[i];
		int at = lk_schema_find(batch->schema, field->name);

		r->columns[i] = at >= 0 ? batch->view->children[at] : NULL;
		if (at >= 0 && lk_type_of(batch->schema->children[at], NULL, NULL) != field->type)
			return lk_error_set(err, LK_DATA, "table %s: column '%s' is not of the type that lk.rejects has", batch->table,
				field->name);
		if (at < 0 && is_needed(i))
			return lk_error_set(err, LK_DATA,
				"table %s has no column '%s': --replay reads rows of quarantine.rejects", batch->table, field->name);
	}
	return LK_OK;
}

static int64_t number_at(const struct replays *r, enum lk_rejects_column column, int64_t row, int64_t none)
{
	const struct ArrowArrayView *c = r->columns[column];

	return !c || ArrowArrayViewIsNull(c, row) ? none : ArrowArrayViewGetIntUnsafe(c, row);
}

/* *len and not NUL-terminated; NULL when null. */
static const char *bytes_at(const struct replays *r, enum lk_rejects_column column, int64_t row, size_t *len)
{
	const struct ArrowArrayView *c = r->columns[column];
	struct ArrowStringView text;

	*len = 0;
	if (!c || ArrowArrayViewIsNull(c, row))
		return NULL;
	text = ArrowArrayViewGetStringUnsafe(c, row);
	*len = (size_t)text.size_bytes;
	return text.data ? text.data : "";
}

/* NULL when null, or when memory ran out. Lives as long as the reject. */
static const char *text_at(struct replays *r, enum lk_rejects_column column, int64_t row)
{
	size_t len;
	const char *data = bytes_at(r, column, row, &len);

	return data ? lk_arena_strndup(&r->arena, data, len) : NULL;
}

static enum lk_status read_reject(struct replays *r, int64_t row, struct reject *x, struct lk_error *err)
{
	lk_arena_clear(&r->arena);
	*x = (struct reject){
		.member = {.delivery = text_at(r, LK_REJECTS_DELIVERY, row), .sha256 = text_at(r, LK_REJECTS_SHA256, row),
			.sender = text_at(r, LK_REJECTS_SENDER, row), .member = text_at(r, LK_REJECTS_MEMBER, row),
			.member_size = -1,
			.modified = number_at(r, LK_REJECTS_MODIFIED, row, INT64_MIN),
			.member_modified = number_at(r, LK_REJECTS_MEMBER_MODIFIED, row, INT64_MIN)},
		.table = text_at(r, LK_REJECTS_TABLE, row),
		.resource_name = text_at(r, LK_REJECTS_RESOURCE, row),
		.record = number_at(r, LK_REJECTS_RECORD, row, 0),
		.line = number_at(r, LK_REJECTS_LINE, row, 0),
	};
	if (!x->member.delivery || !x->member.sha256 || !x->member.sender || !x->member.member || x->record < 1)
		return lk_error_set(err, LK_DATA, "a reject lacks its delivery, sha256, sender, member or record");
	return LK_OK;
}

/* ---- what can be read again ---- */

static bool is_table(const struct lk_resource *resource, const char *table)
{
	return !strcmp(resource->table, table) || (!strncmp(table, "main.", 5) && !strcmp(resource->table, table + 5));
}

static bool is_named(const struct lk_resource *resource, const char *name)
{
	const char *package = resource->package->name;
	size_t len = strlen(package);

	return !strncmp(name, package, len) && name[len] == '/' && !strcmp(name + len + 1, resource->name);
}

/* The resource of that name; for rejects that do not say, the only one of the table that takes such a member. */
static const char *find_resource(const struct replays *r, struct reject *x)
{
	const struct lk_resource *found = NULL;
	int count = 0;

	for (int i = 0; i < r->sources->count; i++)
		for (int j = 0; j < r->sources->packages[i]->resource_count; j++) {
			const struct lk_resource *resource = &r->sources->packages[i]->resources[j];
			bool is_it = x->resource_name ? is_named(resource, x->resource_name)
						      : x->table && is_table(resource, x->table) &&
								lk_globs_take(resource->paths, resource->path_count, x->member.member);

			found = is_it ? resource : found;
			count += is_it;
		}
	x->resource = found;
	return count == 1 ? NULL : count ? "more than one resource could have read it" : "the sources lack its resource";
}

/* Whether a value must not stand in its file twice: what landed of the file is not known here. */
static bool has_unique(const struct lk_resource *resource)
{
	for (int i = 0; i < resource->field_count; i++)
		if (resource->fields[i].constraints && resource->fields[i].constraints->unique)
			return true;
	return false;
}

/* Fills context, raw and tail; a sentence when it cannot be read by itself. */
static const char *take_texts(struct replays *r, const struct reject *x, int64_t row)
{
	const struct lk_file_format *format = x->resource->format;
	size_t raw_len, context_len;
	const char *raw = bytes_at(r, LK_REJECTS_RAW, row, &raw_len), *context;

	context = bytes_at(r, LK_REJECTS_CONTEXT, row, &context_len);
	lk_str_clear(&r->raw);
	lk_str_clear(&r->context);
	lk_str_clear(&r->tail);
	if (!*x->member.sha256)
		return "it came through a pipe, and has no digest to be known by";
	if (!raw)
		return "it has no raw text";
	if (number_at(r, LK_REJECTS_RAW_SIZE, row, 0) > LK_RAW_BYTES)
		return "its raw text is cut: it has more than 1 MiB";
	if (format->alone && !format->alone(x->resource))
		return "its resource looks at more than the record";
	if (has_unique(x->resource))
		return "its resource has values that must be unique within the file";
	lk_raw_bytes(&r->raw, raw, raw_len);
	lk_raw_bytes(&r->context, context ? context : "", context_len);
	if (r->context.len >= LK_RAW_BYTES || !strcmp(lk_str_text(&r->context), LK_CONTEXT_CUT))
		return "what stands before it is too long to be kept with it";
	if (format->close_context)
		format->close_context(lk_str_text(&r->context), r->context.len, &r->tail);
	return NULL;
}

static void keep(struct replays *r, const struct reject *x, const char *why)
{
	if (!r->totals->kept++)
		snprintf(r->totals->why, sizeof(r->totals->why), "'%s!%s' record %lld: %s", x->member.delivery, x->member.member,
			(long long)x->record, why);
}

/* ---- reading ---- */

static enum lk_status take_reader(struct replays *r, const struct lk_file_format *format, struct lk_sink *sink, struct lk_error *err)
{
	if (r->format != format)
		drop_reader(r);
	r->format = format;
	r->sink = sink;
	return format->open(&r->self, &r->sink, 1, err);
}

static enum lk_status feed(struct replays *r, const struct lk_str *text, struct lk_error *err)
{
	return text->len ? r->format->feed(r->self, text->data, text->len, err) : LK_OK;
}

static enum lk_status read_member(struct replays *r, const struct reject *x, struct lk_sink *sink, struct lk_error *err)
{
	LK_TRY(lk_str_check(&r->context, err));
	LK_TRY(lk_str_check(&r->raw, err));
	LK_TRY(lk_str_check(&r->tail, err));
	LK_TRY(take_reader(r, x->resource->format, sink, err));
	LK_TRY(feed(r, &r->context, err));
	LK_TRY(feed(r, &r->raw, err));
	LK_TRY(feed(r, &r->tail, err));
	LK_TRY(r->format->finish(r->self, err));
	r->format->clear(r->self); /* it knows the sink no more */
	return LK_OK;
}

static enum lk_status open_sink(struct replays *r, const struct reject *x, struct lk_sink *sink, struct lk_error *err)
{
	LK_TRY(lk_sink_open(sink, x->resource, &x->member, &r->output, err));
	sink->replayed = true;
	sink->line = x->line;
	sink->record = x->record - 1;
	return LK_OK;
}

static enum lk_status count_row(void *arg, const struct lk_sink *s, const struct lk_value *values, const struct lk_text *rest,
	const struct lk_place *place, struct lk_error *err)
{
	(void)s, (void)values, (void)rest, (void)place, (void)err;
	++*(int *)arg;
	return LK_OK;
}

static enum lk_status count_reject(void *arg, const struct lk_sink *s, const char *field, const char *reason,
	const struct lk_place *place, struct lk_error *err)
{
	(void)field, (void)reason;
	return count_row(arg, s, NULL, NULL, place, err);
}

/* The line of the little member means nothing. */
static const char *behind_line(const char *error)
{
	const char *colon = strncmp(error, "line ", 5) ? NULL : strstr(error, ": ");

	return colon ? colon + 2 : error;
}

/* How many records the text has, without making anything of them; wrong: why it cannot be read at all, if so. */
static enum lk_status count_records(struct replays *r, const struct reject *x, int *count, struct lk_str *wrong,
	struct lk_error *err)
{
	const struct lk_watch watch = {.arg = count, .row = count_row, .reject = count_reject};
	struct lk_sink sink;
	enum lk_status status = open_sink(r, x, &sink, err);

	*count = 0;
	sink.watch = &watch;
	sink.record = 0;
	if (!status)
		status = read_member(r, x, &sink, err);
	if (sink.failed && sink.error.len && !*count)
		lk_str_adds(wrong, behind_line(sink.error.data));
	if (status)
		drop_reader(r);
	lk_sink_release(&sink);
	return status;
}

/* What is no longer one record is a reject again, as it stands. */
static enum lk_status reject_again(struct replays *r, const struct reject *x, int count, struct lk_str *wrong, struct lk_error *err)
{
	struct lk_reject reject = {.resource = x->resource, .record = x->record, .line = x->line, .raw = lk_str_text(&r->raw),
		.raw_len = r->raw.len, .context = r->context.len ? r->context.data : NULL, .context_len = r->context.len};

	if (!wrong->len)
		lk_str_adds(wrong, count ? "is more than one record when it is read again" : "is no record when it is read again");
	LK_TRY(lk_str_check(wrong, err));
	reject.reason = lk_str_text(wrong);
	r->totals->rejected++;
	LK_TRY(lk_output_reject(&r->output, &x->member, &reject, err));
	return lk_output_replayed(&r->output, &x->member, x->resource, x->table, x->resource_name, x->record, false, err);
}

static enum lk_status read_record(struct replays *r, const struct reject *x, struct lk_error *err)
{
	struct lk_sink sink;
	enum lk_status status = open_sink(r, x, &sink, err);
	bool landed;

	if (!status)
		status = read_member(r, x, &sink, err);
	landed = sink.rows == 1;
	if (!status && sink.rows + sink.rejected != 1)
		status = lk_error_set(err, LK_BUG, "a record that was read again became %lld rows and %lld rejects",
			(long long)sink.rows, (long long)sink.rejected);
	if (!status)
		status = lk_output_replayed(&r->output, &x->member, x->resource, x->table, x->resource_name, x->record, landed, err);
	r->totals->landed += landed;
	r->totals->rejected += !landed;
	if (status)
		drop_reader(r);
	lk_sink_release(&sink);
	return status;
}

static enum lk_status replay(struct replays *r, int64_t row, struct lk_error *err)
{
	struct lk_str wrong = LK_STR_INIT;
	const char *why;
	struct reject x;
	enum lk_status status;
	int count;

	LK_TRY(read_reject(r, row, &x, err));
	why = find_resource(r, &x);
	if (!why)
		why = take_texts(r, &x, row);
	if (why) {
		keep(r, &x, why);
		return LK_OK;
	}
	status = count_records(r, &x, &count, &wrong, err);
	if (!status)
		status = count == 1 ? read_record(r, &x, err) : reject_again(r, &x, count, &wrong, err);
	lk_str_release(&wrong);
	return status;
}

/* ---- the stream ---- */

static enum lk_status take_batch(struct replays *r, const struct lk_batch *batch, struct lk_error *err)
{
	LK_TRY(find_columns(r, batch, err));
	for (int64_t row = 0; row < batch->rows; row++)
		LK_TRY(replay(r, row, err));
	return LK_OK;
}

static enum lk_status read_stream(struct replays *r, int in, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	struct lk_reader *reader;
	struct lk_batch batch;
	enum lk_next next;

	LK_TRY(lk_reader_open(&reader, in, "standard input", 0, err));
	while (!status && (next = lk_reader_next(reader, &batch, err)) != LK_NEXT_END)
		status = next == LK_NEXT_BATCH ? take_batch(r, &batch, err) : err->status;
	lk_reader_close(reader);
	return status;
}

static enum lk_status run(struct replays *r, int in, struct lk_error *err)
{
	LK_TRY(lk_output_open(&r->output, r->sources, r->writer, err));
	LK_TRY(lk_output_begin_replay(&r->output, err));
	LK_TRY(read_stream(r, in, err));
	return lk_output_finish(&r->output, err);
}

enum lk_status lk_replay_run(struct lk_sources *sources, int in, int out, struct lk_replay_totals *totals, struct lk_error *err)
{
	struct replays r = {.sources = sources, .totals = totals};
	enum lk_status status;

	*totals = (struct lk_replay_totals){0};
	LK_TRY(lk_writer_open(&r.writer, out, "standard output", false, err));
	status = run(&r, in, err);
	if (status)
		lk_writer_abort(r.writer);
	else
		status = lk_writer_close(r.writer, err);
	drop_reader(&r);
	lk_output_release(&r.output);
	lk_arena_release(&r.arena);
	lk_str_release(&r.context);
	lk_str_release(&r.raw);
	lk_str_release(&r.tail);
	return status;
}
