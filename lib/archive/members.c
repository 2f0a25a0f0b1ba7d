#include "archive/members.h"

#include "stream/side.h"

/* Columns up to `modified` of lk.members, whose order is that of lk_members_fields. */
static void add_origin(struct lk_column *c, const struct lk_member_origin *origin)
{
	lk_column_text(&c[LK_MEMBERS_DELIVERY], origin->path);
	lk_column_text(&c[LK_MEMBERS_SHA256], origin->input->sha256);
	lk_column_int64(&c[LK_MEMBERS_SIZE], origin->input->size);
	lk_column_int64(&c[LK_MEMBERS_MODIFIED], origin->input->modified_us);
	lk_column_text(&c[LK_MEMBERS_SENDER], origin->sender);
}

static void add_member(struct lk_column *c, const struct lk_member *m)
{
	lk_column_text(&c[LK_MEMBERS_MEMBER], m->path);
	lk_column_int64(&c[LK_MEMBERS_INDEX], m->index);
	if (m->size >= 0)
		lk_column_int64(&c[LK_MEMBERS_MEMBER_SIZE], m->size);
	else
		lk_column_null(&c[LK_MEMBERS_MEMBER_SIZE]);
	if (m->has_modified)
		lk_column_int64(&c[LK_MEMBERS_MEMBER_MODIFIED], m->modified_us);
	else
		lk_column_null(&c[LK_MEMBERS_MEMBER_MODIFIED]);
	lk_column_text(&c[LK_MEMBERS_STATUS], lk_member_status_name(m->status));
	lk_column_text(&c[LK_MEMBERS_ERROR], m->error);
	lk_column_text(&c[LK_MEMBERS_PASSPHRASE], m->passphrase);
}

static enum lk_status send_row(struct lk_builder *b, struct lk_writer *w, const struct lk_member_origin *origin,
	const struct lk_member *m, const struct lk_piece *piece, struct lk_error *err)
{
	struct lk_column *c = b->columns;

	if (b->rows && lk_builder_bytes(b) + piece->len > LK_BATCH_BYTES)
		LK_TRY(lk_writer_flush(w, LK_TABLE_MEMBERS, b, err));
	add_origin(c, origin);
	add_member(c, m);
	lk_column_int64(&c[LK_MEMBERS_OFFSET], piece->offset);
	lk_column_bool(&c[LK_MEMBERS_LAST], piece->last);
	if (m->status == LK_MEMBER_OK)
		lk_column_bytes(&c[LK_MEMBERS_CONTENT], piece->data, piece->len);
	else
		lk_column_null(&c[LK_MEMBERS_CONTENT]);
	LK_TRY(lk_builder_end_row(b, err));
	LK_TRY(lk_builder_check(b, err));
	if (lk_builder_full(b))
		return lk_writer_flush(w, LK_TABLE_MEMBERS, b, err);
	return LK_OK;
}

enum lk_status lk_members_send(struct lk_builder *b, struct lk_writer *w, struct lk_archive *a, const struct lk_member_origin *origin,
	const struct lk_member *m, struct lk_error *err)
{
	struct lk_piece piece = {.last = true};
	enum lk_archive_next next;

	if (m->status != LK_MEMBER_OK)
		return send_row(b, w, origin, m, &piece, err);
	while ((next = lk_archive_piece(a, &piece, err)) == LK_ARCHIVE_MEMBER)
		LK_TRY(send_row(b, w, origin, m, &piece, err));
	return next == LK_ARCHIVE_ERROR ? err->status : LK_OK;
}
