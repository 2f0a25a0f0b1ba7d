#include "change/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "change/scratch.h"

#define BUFFER 65536

/* [ head | key | version ] ... */
struct head {
	uint64_t hash, row;
	uint32_t set, cells, key_len, version_len;
};

struct lk_run {
	int fd;
	struct lk_str buffer; /* bytes not yet written; or read, from `at` on not yet handed out */
	size_t at;
};

enum lk_status lk_run_create(struct lk_run **out, const char *folder, struct lk_error *err)
{
	struct lk_run *r = calloc(1, sizeof(*r));
	enum lk_status status;

	*out = NULL;
	if (!r)
		return lk_error_nomem(err);
	status = lk_scratch_open(folder, &r->fd, err);
	if (status)
		free(r);
	else
		*out = r;
	return status;
}

void lk_run_free(struct lk_run *r)
{
	if (!r)
		return;
	close(r->fd);
	lk_str_release(&r->buffer);
	free(r);
}

static enum lk_status flush(struct lk_run *r, struct lk_error *err)
{
	LK_TRY(lk_str_check(&r->buffer, err));
	if (r->buffer.len)
		LK_TRY(lk_write(r->fd, LK_SCRATCH_NAME, r->buffer.data, r->buffer.len, err));
	lk_str_clear(&r->buffer);
	return LK_OK;
}

enum lk_status lk_run_add(struct lk_run *r, const struct lk_run_record *record, struct lk_error *err)
{
	const struct head head = {record->hash, record->row, record->set, record->cells, (uint32_t)record->key_len, (uint32_t)record->version_len};

	if (record->key_len > UINT32_MAX || record->version_len > UINT32_MAX)
		return lk_error_set(err, LK_DATA, "a key is longer than 4 GiB");
	lk_str_add(&r->buffer, &head, sizeof(head));
	lk_str_add(&r->buffer, record->key, record->key_len);
	lk_str_add(&r->buffer, record->version, record->version_len);
	return r->buffer.len < BUFFER && !r->buffer.failed ? LK_OK : flush(r, err);
}

enum lk_status lk_run_rewind(struct lk_run *r, struct lk_error *err)
{
	LK_TRY(flush(r, err));
	r->at = 0;
	return lseek(r->fd, 0, SEEK_SET) < 0 ? lk_error_sys(err, LK_IO, "cannot read %s", LK_SCRATCH_NAME) : LK_OK;
}

/* Makes that many bytes stand at r->at; *got false where the file ends before. */
static enum lk_status want(struct lk_run *r, size_t len, bool *got, struct lk_error *err)
{
	size_t left = r->buffer.len - r->at, more = len > BUFFER ? len : BUFFER, read = 0;

	*got = left >= len;
	if (*got)
		return LK_OK;
	memmove(r->buffer.data, r->buffer.data + r->at, left);
	r->buffer.len = left;
	r->at = 0;
	if (!lk_str_reserve(&r->buffer, more))
		return lk_error_nomem(err);
	LK_TRY(lk_read_full(r->fd, LK_SCRATCH_NAME, r->buffer.data + left, more, &read, err));
	r->buffer.len += read;
	*got = r->buffer.len >= len;
	return LK_OK;
}

enum lk_status lk_run_next(struct lk_run *r, struct lk_run_record *record, bool *got, struct lk_error *err)
{
	struct head head;

	LK_TRY(lk_str_reserve(&r->buffer, 1) ? LK_OK : lk_error_nomem(err));
	LK_TRY(want(r, sizeof(head), got, err));
	if (!*got)
		return r->buffer.len == r->at ? LK_OK : lk_error_set(err, LK_IO, "%s ended too early", LK_SCRATCH_NAME);
	memcpy(&head, r->buffer.data + r->at, sizeof(head));
	r->at += sizeof(head);
	LK_TRY(want(r, (size_t)head.key_len + head.version_len, got, err));
	if (!*got)
		return lk_error_set(err, LK_IO, "%s ended too early", LK_SCRATCH_NAME);
	*record = (struct lk_run_record){head.hash, head.row, head.set, head.cells, r->buffer.data + r->at, head.key_len,
		r->buffer.data + r->at + head.key_len, head.version_len};
	r->at += (size_t)head.key_len + head.version_len;
	return LK_OK;
}
