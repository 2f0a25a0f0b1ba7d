#include "ingest/crash.h"

#include "base/tool.h"
#include "stream/side.h"
#include "stream/stream.h"

static enum lk_status add_row(struct lk_builder *b, const struct lk_landed *d, struct lk_error *err)
{
	struct lk_column *c = b->columns;
	int64_t now = lk_now_us();

	lk_column_text(&c[LK_FILES_DELIVERY], d->text);
	lk_column_text(&c[LK_FILES_SHA256], d->sha256);
	lk_column_int64(&c[LK_FILES_SIZE], d->size);
	lk_column_int64(&c[LK_FILES_MODIFIED], d->modified_us);
	lk_column_text(&c[LK_FILES_SENDER], d->sender);
	lk_column_text(&c[LK_FILES_MEMBER], "");
	for (int i = LK_FILES_MEMBER_SIZE; i <= LK_FILES_PACKAGE_SHA256; i++)
		lk_column_null(&c[i]);
	for (int i = LK_FILES_ROWS_IN; i <= LK_FILES_REJECTED; i++)
		lk_column_int64(&c[i], 0);
	lk_column_text(&c[LK_FILES_STATUS], "crashed");
	lk_column_text(&c[LK_FILES_ERROR], d->reason);
	lk_column_null(&c[LK_FILES_WARNING]);
	lk_column_int64(&c[LK_FILES_STARTED], now);
	lk_column_int64(&c[LK_FILES_FINISHED], now);
	return lk_builder_end_row(b, err);
}

static enum lk_status write_rows(struct lk_writer *w, struct lk_builder *b, const struct lk_found *found,
	const uint32_t *items, size_t count, struct lk_error *err)
{
	for (size_t i = 0; i < count; i++) {
		LK_TRY(add_row(b, &found->items[items[i]], err));
		if (lk_builder_full(b) || i + 1 == count)
			LK_TRY(lk_writer_flush(w, LK_TABLE_FILES, b, err));
	}
	return LK_OK;
}

enum lk_status lk_crash_stream(int fd, const struct lk_found *found, const uint32_t *items, size_t count,
	struct lk_error *err)
{
	struct lk_builder b = {0};
	struct lk_writer *w = NULL;
	enum lk_status status;

	LK_TRY(lk_builder_init(&b, lk_files_fields, LK_FILES_COLUMNS, NULL, err));
	status = lk_writer_open(&w, fd, "a worker's input", false, err);
	if (!status)
		status = write_rows(w, &b, found, items, count, err);
	if (status)
		lk_writer_abort(w);
	else
		status = lk_writer_close(w, err);
	lk_builder_release(&b);
	return status;
}
