/* Members from rows of lk.members (stream/side.h). */
#include <string.h>

#include "base/tool.h"
#include "source/parse_inside.h"
#include "stream/side.h"

static bool begins_with(const char *text, const char *start)
{
	return text && !strncmp(text, start, strlen(start));
}

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
		return lk_parser_end(p, error ? error : status, err);
	}
	LK_TRY(lk_parser_give_up(p, err));
	LK_TRY(read_member(p, m, row, err));
	error = text_at(p, m, LK_MEMBERS_ERROR, row);
	p->started = lk_now_us();
	return lk_parser_add_file(p, begins_with(status, "skip") ? "skipped" : "failed", error, err);
}

static enum lk_status take_piece(
	struct lk_parser *p, const struct members *m, int64_t row, struct lk_error *err)
{
	struct ArrowBufferView content = {{NULL}, 0};
	int64_t offset = number_at(m, LK_MEMBERS_OFFSET, row, 0);

	if (!goes_on(p, m, row)) {
		LK_TRY(lk_parser_give_up(p, err));
		LK_TRY(read_member(p, m, row, err));
		lk_parser_begun(p);
	}
	if (offset != p->offset)
		return lk_error_set(err, LK_DATA, "lk.members: '%s!%s' goes on at byte %lld, not %lld",
			p->member.delivery, p->member.member, (long long)offset, (long long)p->offset);
	if (!is_null(m, LK_MEMBERS_CONTENT, row))
		content = ArrowArrayViewGetBytesUnsafe(m->columns[LK_MEMBERS_CONTENT], row);
	LK_TRY(lk_parser_feed(p, content.data.as_char ? content.data.as_char : "", (size_t)content.size_bytes, err));
	return number_at(m, LK_MEMBERS_LAST, row, 1) ? lk_parser_end(p, NULL, err) : LK_OK;
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
