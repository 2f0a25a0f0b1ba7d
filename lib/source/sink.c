#include "source/sink.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tool.h"
#include "base/value.h"
#include "source/sent.h"

#define SHOWN_BYTES 64 /* of a value in a message */
#define DIGEST_SHOWN 12
/* What stands before a record is repeated by each reject. So that a small member does not make a large quarantine, all of that
 * is at most so much for a member, and so much more for each reject and for each byte of its text. */
#define CONTEXT_FREE (4 * 1024 * 1024)
#define CONTEXT_PER_REJECT 1024
#define CONTEXT_PER_BYTE 16

/* ---- opening ---- */

static void make_file(struct lk_sink *s)
{
	const struct lk_source_member *m = s->member;

	lk_add_clean(&s->file, lk_path_base(m->delivery), strlen(lk_path_base(m->delivery)));
	if (*m->sha256)
		lk_str_addf(&s->file, "@%.*s!", DIGEST_SHOWN, m->sha256);
	if (*m->sha256)
		lk_add_clean(&s->file, m->member, strlen(m->member));
}

static struct lk_value value_of(const char *text)
{
	return (struct lk_value){.data = text, .len = strlen(text), .unchecked = true};
}

static struct lk_value delivery_value(struct lk_sink *s, const struct lk_source_field *f)
{
	struct lk_text text;

	if (!lk_delivery_group(s->resource->package, &s->match, f->path, &text))
		return (struct lk_value){NULL};
	return (struct lk_value){.data = text.data, .len = text.len, .unchecked = true};
}

static struct lk_value modified_value(struct lk_sink *s)
{
	if (s->member->member_modified == INT64_MIN)
		return (struct lk_value){NULL};
	if (!s->room.len && lk_str_reserve(&s->room, LK_VALUE_TEXT))
		s->room.len = lk_timestamp_text(s->member->member_modified, true, true, s->room.data);
	return (struct lk_value){.data = s->room.data, .len = s->room.len};
}

static struct lk_value constant_of(struct lk_sink *s, const struct lk_source_field *f)
{
	switch (f->origin) {
	case LK_ORIGIN_DELIVERY:
		return delivery_value(s, f);
	case LK_ORIGIN_MEMBER_NAME:
		return value_of(lk_member_base(s->member->member));
	case LK_ORIGIN_MEMBER_PATH:
		return value_of(s->member->member);
	case LK_ORIGIN_MEMBER_MODIFIED:
		return modified_value(s);
	default:
		return (struct lk_value){NULL};
	}
}

/* When the delivery was sent: what its name says of that, or else when it was last changed. */
static void find_sent(struct lk_sink *s)
{
	const struct lk_resource *r = s->resource;
	struct lk_text text;

	s->sent = s->member->modified;
	if (r->load == LK_LOAD_APPEND || !lk_delivery_group(r->package, &s->match, LK_SENT_GROUP, &text))
		return;
	if (!lk_sent_parse(&r->sent, text.data, text.len, &s->sent))
		lk_sink_warn(s, "the group '" LK_SENT_GROUP "' of lk.delivery is no date or time here: lk_sent is when the delivery was last changed");
}

enum lk_status lk_sink_open(struct lk_sink *s, const struct lk_resource *r, const struct lk_source_member *member,
	struct lk_output *output, struct lk_error *err)
{
	bool matched;

	*s = (struct lk_sink){.encoding = LK_UTF8_NAME, .resource = r, .member = member, .output = output,
		.context_left = CONTEXT_FREE, .started = lk_now_us()};
	LK_TRY(lk_output_table(output, r, &s->table, err));
	LK_TRY(lk_delivery_match(r->package, member->delivery, &s->match, &matched, err));
	if (r->constrained && !(s->states = calloc((size_t)r->field_count, sizeof(*s->states))))
		return lk_error_nomem(err);
	s->constants = calloc((size_t)r->field_count, sizeof(*s->constants));
	if (!s->constants)
		return lk_error_nomem(err);
	make_file(s);
	find_sent(s);
	for (int i = 0; i < r->field_count; i++)
		s->constants[i] = constant_of(s, &r->fields[i]);
	return s->room.failed ? lk_error_nomem(err) : lk_str_check(&s->file, err);
}

void lk_sink_release(struct lk_sink *s)
{
	free(s->constants);
	for (int i = 0; s->states && i < s->resource->field_count; i++)
		lk_constraint_state_release(&s->states[i]);
	free(s->states);
	for (int i = 0; i < LK_ENCODINGS_MAX; i++)
		lk_decoder_close(s->others[i]);
	lk_str_release(&s->decoded);
	lk_delivery_match_release(&s->match);
	lk_str_release(&s->file);
	lk_str_release(&s->room);
	lk_str_release(&s->error);
	lk_str_release(&s->warning);
	lk_str_release(&s->reason);
	lk_str_release(&s->value);
	s->constants = NULL;
	s->states = NULL;
}

/* ---- values ---- */

static bool is_missing(const struct lk_source_field *f, const struct lk_value *v, bool unquoted_only)
{
	if (!v->data)
		return true;
	if (unquoted_only && v->quoted)
		return false;
	return f->empty_is_missing ? v->len == 0 : lk_texts_have(&f->missing, v->data, v->len);
}

/* Follows `map`: false when the value became a missing one. */
static bool map_value(const struct lk_source_field *f, struct lk_value *v)
{
	for (int i = 0; i < f->map_count; i++) {
		const struct lk_map_entry *entry = &f->map[i];

		if (entry->from.len != v->len || memcmp(entry->from.data, v->data, v->len))
			continue;
		v->data = entry->to.data;
		v->len = entry->to.len;
		return !entry->to_missing;
	}
	return true;
}

/* Puts a value beside the reason why it does not fit: not where it is private. */
static void show_value(struct lk_sink *s, const struct lk_source_field *f, const struct lk_value *v)
{
	size_t shown = v->len > SHOWN_BYTES ? SHOWN_BYTES : v->len;

	lk_str_clear(&s->value);
	s->shows_value = !f->phi;
	if (f->phi)
		return;
	while (shown < v->len && shown > 0 && ((unsigned char)v->data[shown] & 0xc0) == 0x80)
		shown--;
	lk_add_clean(&s->value, v->data, shown);
	if (shown < v->len)
		lk_str_adds(&s->value, "...");
}

/* Says what is wrong with a value, in words that are the same for all such values. */
static void say_misfit(
	struct lk_sink *s, const struct lk_source_field *f, const struct lk_value *v, const char *reason)
{
	lk_str_clear(&s->reason);
	if (reason)
		lk_str_adds(&s->reason, reason);
	else
		lk_str_addf(&s->reason, "is not %s", f->convert.noun);
	show_value(s, f, v);
}

/* Reads a value by the first of the resource's other encodings in which all of it is text. */
static bool read_otherwise(struct lk_sink *s, struct lk_value *v)
{
	const struct lk_encodings *e = &s->resource->encodings;

	for (int i = 0; i < e->count; i++) {
		struct lk_decoding how = {.encoding = e->names[i]};

		if (!strcmp(e->names[i], LK_UTF8_NAME) || lk_encoding_is_wide(e->names[i]) ||
			(!s->others[i] && lk_decoder_open(&s->others[i], &how, NULL) != LK_OK))
			continue;
		lk_str_clear(&s->decoded);
		if (!lk_decoder_text(s->others[i], v->data, v->len, &s->decoded) || memchr(s->decoded.data, '\0', s->decoded.len))
			continue;
		s->others_read[i]++;
		return true;
	}
	return false;
}

/* U+FFFD for each NUL, and for each sequence of bytes that begins no character. */
static bool replace_wrong(struct lk_sink *s, const struct lk_value *v)
{
	const unsigned char *p = (const unsigned char *)v->data, *end = p + v->len;

	lk_str_clear(&s->decoded);
	while (p < end) {
		size_t n = *p ? lk_utf8_len(p, end) : 0;

		if (n)
			lk_str_add(&s->decoded, p, n);
		else
			lk_str_adds(&s->decoded, LK_REPLACEMENT);
		p += n ? n : 1;
	}
	s->replaced++;
	return !s->decoded.failed;
}

bool lk_sink_utf8(struct lk_sink *s, struct lk_value *v, const char **why)
{
	const struct lk_encodings *e = &s->resource->encodings;
	bool utf8 = lk_utf8_valid(v->data, v->len);

	if (utf8 && !memchr(v->data, '\0', v->len))
		return true;
	*why = utf8 ? "holds a NUL byte" : !strcmp(s->encoding, LK_UTF8_NAME) ? "is not UTF-8" : "holds bytes that are no text";
	if ((utf8 || strcmp(s->encoding, LK_UTF8_NAME) || e->count == 1 || !read_otherwise(s, v)) &&
		(!e->replace || !replace_wrong(s, v)))
		return false;
	v->data = lk_str_text(&s->decoded);
	v->len = s->decoded.len;
	return true;
}

/* The zeros that a spreadsheet took away come back. */
static void pad_value(struct lk_sink *s, const struct lk_source_field *f, struct lk_value *v)
{
	size_t width = (size_t)f->pad;

	if (!v->len || v->len >= width)
		return;
	for (size_t i = 0; i < v->len; i++)
		if (v->data[i] < '0' || v->data[i] > '9')
			return;
	memset(s->digits, '0', width - v->len);
	memcpy(s->digits + width - v->len, v->data, v->len);
	v->data = s->digits;
	v->len = width;
}

/* What became of a value. */
enum outcome {
	VALUE_PUT,
	VALUE_MISSING,
	VALUE_MISFIT, /* s->reason says why */
};

/* Looks at a value that may be missing, mapped, no text at all, not of its type or against a constraint. *v becomes what is
 * left of it. */
static enum lk_status judge(struct lk_sink *s, int field, struct lk_value *v, struct lk_scalar *scalar,
	enum outcome *outcome, struct lk_error *err)
{
	const struct lk_source_field *f = &s->resource->fields[field];
	const char *reason = NULL;
	struct lk_checked checked;
	bool holds;

	*outcome = VALUE_MISFIT;
	if (v->unchecked && v->data && !lk_sink_utf8(s, v, &reason)) {
		say_misfit(s, f, v, reason);
		return lk_str_check(&s->decoded, err);
	}
	*outcome = VALUE_MISSING;
	if (is_missing(f, v, s->resource->missing_unquoted))
		return LK_OK;
	if (f->trim || !f->convert.keeps_white) {
		lk_text_trim(&v->data, &v->len);
		if (is_missing(f, v, s->resource->missing_unquoted))
			return LK_OK;
	}
	if (f->pad)
		pad_value(s, f, v);
	if (f->map_count && !map_value(f, v))
		return LK_OK;
	*outcome = VALUE_MISFIT;
	if (!lk_convert_scalar(&f->convert, v->data, v->len, scalar, &reason)) {
		say_misfit(s, f, v, reason);
		return LK_OK;
	}
	if (f->op && !lk_op_of(v->data, v->len)) {
		say_misfit(s, f, v, "says neither insert nor update nor delete");
		return LK_OK;
	}
	*outcome = VALUE_PUT;
	if (!f->constraints)
		return LK_OK;
	checked = (struct lk_checked){v->data, v->len, *scalar};
	lk_str_clear(&s->reason);
	LK_TRY(lk_constraints_check(f->constraints, &f->convert, &s->states[field], &checked, &holds, &s->reason, err));
	if (holds)
		return LK_OK;
	*outcome = VALUE_MISFIT;
	show_value(s, f, v);
	return LK_OK;
}

/* The columns beside a value's own. */
static void append_besides(
	const struct lk_source_field *f, const struct lk_value *v, enum outcome outcome, enum lk_precision precision,
	struct lk_column *column)
{
	struct lk_str clean = LK_STR_INIT;

	if (f->precision_column)
		lk_column_text(column++, outcome == VALUE_PUT ? lk_precision_names[precision] : NULL);
	if (!f->text_column)
		return;
	if (outcome != VALUE_MISFIT) {
		lk_column_null(column);
		return;
	}
	lk_add_clean(&clean, v->data, v->len);
	column->failed |= clean.failed;
	lk_column_bytes(column, lk_str_text(&clean), clean.len);
	lk_str_release(&clean);
}

/* Appends a value that needs more than its type's look: *fits is false, with the reason in s->reason, when the record must
 * be rejected. */
static enum lk_status append_value(struct lk_sink *s, int field, const struct lk_value *given, struct lk_column *column,
	bool *fits, struct lk_error *err)
{
	const struct lk_source_field *f = &s->resource->fields[field];
	struct lk_value v = *given;
	struct lk_scalar scalar;
	enum outcome outcome;

	LK_TRY(judge(s, field, &v, &scalar, &outcome, err));
	*fits = true;
	if (outcome == VALUE_PUT) {
		lk_convert_put(&f->convert, v.data, v.len, &scalar, column);
	} else if (!f->key && (outcome == VALUE_MISSING ? !f->required : f->bad_is_null || f->bad_is_text)) {
		lk_column_null(column);
	} else {
		*fits = false;
		if (outcome == VALUE_MISSING) {
			lk_str_clear(&s->reason);
			lk_str_adds(&s->reason, f->key ? "a value of the key is missing" : "a required value is missing");
			s->shows_value = false;
		}
		LK_TRY(lk_str_check(&s->value, err));
		return lk_str_check(&s->reason, err);
	}
	if (f->beside_count)
		append_besides(f, &v, outcome, scalar.precision, column + 1);
	return LK_OK;
}

static inline bool is_clean(const struct lk_value *v)
{
	return lk_utf8_valid(v->data, v->len) && !memchr(v->data, '\0', v->len);
}

/* The common case, which needs no copy: clean text, or none, of a field without a map, where only the empty
 * text is missing. */
static inline bool append_plain(const struct lk_source_field *f, const struct lk_value *v, struct lk_column *column)
{
	const char *reason;

	if (!f->plain || (v->unchecked && v->data && !is_clean(v)))
		return false;
	if (v->data && v->len)
		return lk_convert_append(&f->convert, v->data, v->len, column, &reason);
	if (f->required || f->key)
		return false;
	lk_column_null(column);
	return true;
}

static void append_sent(const struct lk_sink *s, struct lk_column *column)
{
	if (s->sent == INT64_MIN)
		lk_column_null(column);
	else
		lk_column_int64(column, s->sent);
}

/* ---- records ---- */

/* The bytes, or what `make` puts into room; NULL where there is neither. */
static const char *text_of(const char *data, size_t *len, void (*make)(void *arg, struct lk_str *out), void *arg, struct lk_str *room)
{
	if (data || !make)
		return data;
	make(arg, room);
	*len = room->len;
	return lk_str_text(room);
}

/* What stood before the record, as far as there is room for it. One that is too long counts as if it were told: it was made. */
static const char *context_of(struct lk_sink *s, const struct lk_place *place, size_t raw_len, size_t *len, struct lk_str *room)
{
	const char *context = LK_CONTEXT_CUT;

	*len = strlen(LK_CONTEXT_CUT);
	s->context_left += CONTEXT_PER_REJECT + CONTEXT_PER_BYTE * (int64_t)raw_len;
	if (!place->context && !place->make_context)
		return NULL;
	if (s->context_left > 0) {
		size_t whole = place->context_len;

		context = text_of(place->context, &whole, place->make_context, place->arg, room);
		s->context_left -= (int64_t)whole;
		if (whole > LK_RAW_BYTES)
			return LK_CONTEXT_CUT;
		*len = whole;
	}
	return context;
}

static enum lk_status reject(struct lk_sink *s, const char *field, const char *reason, const char *value,
	const struct lk_place *place, struct lk_error *err)
{
	struct lk_reject r = {.resource = s->resource, .record = s->record, .line = s->replayed ? s->line : place->line,
		.field = field, .reason = reason, .value = value, .raw_len = place->raw_len};
	struct lk_str raw = LK_STR_INIT, context = LK_STR_INIT;
	enum lk_status status;

	s->rejected++;
	if (s->watch)
		return s->watch->reject(s->watch->arg, s, field, reason, place, err);
	r.raw = text_of(place->raw, &r.raw_len, place->make_raw, place->arg, &raw);
	r.context = context_of(s, place, r.raw_len, &r.context_len, &context);
	status = lk_str_check(&raw, err);
	if (status == LK_OK)
		status = lk_str_check(&context, err);
	if (status == LK_OK)
		status = lk_output_reject(s->output, s->member, &r, err);
	lk_str_release(&raw);
	lk_str_release(&context);
	return status;
}

enum lk_status lk_sink_reject(struct lk_sink *s, const char *field, const char *reason,
	const struct lk_place *place, struct lk_error *err)
{
	s->record++;
	return reject(s, field, reason, NULL, place, err);
}

static inline enum lk_status settle_constraints(struct lk_sink *s, bool row, struct lk_error *err)
{
	for (int i = 0; s->states && i < s->resource->field_count; i++)
		LK_TRY(lk_constraints_settle(&s->states[i], row, err));
	return LK_OK;
}

enum lk_status lk_sink_row(struct lk_sink *s, const struct lk_value *values, const struct lk_text *rest,
	const struct lk_place *place, struct lk_error *err)
{
	const struct lk_resource *r = s->resource;
	struct lk_builder *b = &s->table->builder;
	struct lk_column *column = b->columns;
	size_t bytes = s->file.len;
	bool fits = true;

	s->record++;
	if (s->watch) {
		s->rows++;
		return s->watch->row(s->watch->arg, s, values, rest, place, err);
	}
	for (int i = 0; i < r->field_count; i++) {
		const struct lk_source_field *f = &r->fields[i];
		const struct lk_value *v = f->origin == LK_ORIGIN_RECORD ? &values[i] : &s->constants[i];

		bytes += v->len + 8;
		if (!append_plain(f, v, column))
			LK_TRY(append_value(s, i, v, column, &fits, err));
		if (!fits) {
			lk_builder_undo_row(b);
			LK_TRY(settle_constraints(s, false, err));
			return reject(s, f->column, lk_str_text(&s->reason), s->shows_value ? lk_str_text(&s->value) : NULL,
				place, err);
		}
		column += 1 + f->beside_count;
	}
	if (r->load != LK_LOAD_APPEND)
		append_sent(s, column++);
	lk_column_bytes(column++, lk_str_text(&s->file), s->file.len);
	lk_column_int64(column++, s->record);
	if (r->rest && rest)
		lk_column_bytes(column, rest->data, rest->len);
	else if (r->rest)
		lk_column_null(column);
	LK_TRY(lk_builder_end_row(b, err));
	LK_TRY(settle_constraints(s, true, err));
	s->rows++;
	return lk_output_row_added(s->output, s->table, bytes + (rest ? rest->len : 0), err);
}

/* ---- the end ---- */

enum lk_status lk_sinks_fail(struct lk_sink *const *sinks, int count, const struct lk_place *place,
	struct lk_error *err, const char *fmt, ...)
{
	struct lk_str text = LK_STR_INIT, clean = LK_STR_INIT;
	enum lk_status status;
	char message[LK_ERROR_SIZE];
	bool any = false;
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (place && place->line)
		lk_str_addf(&text, "line %lld: ", (long long)place->line);
	lk_str_adds(&text, message);
	lk_add_clean(&clean, lk_str_text(&text), text.len);
	status = text.failed || clean.failed ? lk_error_nomem(err) : LK_OK;
	for (int i = 0; i < count; i++)
		any |= sinks[i]->record > 0;
	for (int i = 0; i < count && status == LK_OK; i++) {
		sinks[i]->failed = true;
		lk_str_clear(&sinks[i]->error);
		lk_str_add(&sinks[i]->error, lk_str_text(&clean), clean.len);
		if (any)
			status = lk_sink_reject(sinks[i], NULL, message,
				place ? place : &(struct lk_place){0}, err);
	}
	lk_str_release(&text);
	lk_str_release(&clean);
	return status;
}

void lk_sink_warn(struct lk_sink *s, const char *fmt, ...)
{
	char message[LK_ERROR_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	if (s->warning.len)
		lk_str_adds(&s->warning, "; ");
	lk_add_clean(&s->warning, message, strlen(message));
}

static const char *plural(int64_t count)
{
	return count == 1 ? " holds" : "s hold";
}

static void warn_of_bytes(struct lk_sink *s)
{
	for (int i = 0; i < s->resource->encodings.count; i++)
		if (s->others_read[i])
			lk_sink_warn(s, "%lld value%s bytes that are not %s, read as %s", (long long)s->others_read[i],
				plural(s->others_read[i]), s->encoding, s->resource->encodings.names[i]);
	if (s->replaced)
		lk_sink_warn(s, "%lld value%s bytes that are not %s, or NUL, replaced by U+FFFD", (long long)s->replaced,
			plural(s->replaced), s->encoding);
}

enum lk_status lk_sink_finish(struct lk_sink *s, struct lk_error *err)
{
	struct lk_file_report report = {
		.resource = s->resource,
		.rows = s->rows,
		.rejected = s->rejected,
		.status = s->failed && !s->record ? "failed" : "ok",
		.error = s->error.len ? lk_str_text(&s->error) : NULL,
		.encoding = s->encoding,
		.started = s->started,
		.finished = lk_now_us(),
	};

	warn_of_bytes(s);
	report.warning = s->warning.len ? lk_str_text(&s->warning) : NULL;
	LK_TRY(lk_str_check(&s->error, err));
	LK_TRY(lk_str_check(&s->warning, err));
	if (s->record != s->rows + s->rejected)
		return lk_error_set(err, LK_BUG,
			"'%s!%s', table %s: %lld records became %lld rows and %lld rejects",
			s->member->delivery, s->member->member, s->resource->table, (long long)s->record,
			(long long)s->rows, (long long)s->rejected);
	if (s->watch)
		return s->watch->end(s->watch->arg, s, err);
	return lk_output_file(s->output, s->member, &report, err);
}
