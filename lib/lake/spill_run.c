#include "lake/spill_run.h"

#include <errno.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define BLOCK_BYTES ((size_t)256 << 10)

struct head {
	uint32_t packed, plain; /* bytes; equal: not compressed */
};

void lk_record_put(uint8_t *to, const struct lk_record *record)
{
	uint32_t lens[2] = {(uint32_t)record->key_len, (uint32_t)record->data_len};

	memcpy(to, lens, sizeof(lens));
	memcpy(to + LK_RECORD_HEAD, record->key, record->key_len);
	memcpy(to + LK_RECORD_HEAD + record->key_len, record->data, record->data_len);
}

enum lk_status lk_spill_run_create(struct lk_spill_run *r, const char *folder, struct lk_error *err)
{
	*r = (struct lk_spill_run){.fd = -1, .folder = folder};
	return lk_temp_open(folder, &r->fd, err);
}

void lk_spill_run_release(struct lk_spill_run *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	lk_str_release(&r->block);
	lk_str_release(&r->packed);
}

/* ---- writing ---- */

static enum lk_status write_block(struct lk_spill_run *r, struct lk_error *err)
{
	struct head head = {.plain = (uint32_t)r->block.len};
	int bound = LZ4_compressBound((int)r->block.len), packed;

	if (!r->block.len)
		return LK_OK;
	lk_str_clear(&r->packed);
	if (!lk_str_reserve(&r->packed, sizeof(head) + (size_t)bound))
		return lk_error_nomem(err);
	packed = LZ4_compress_default(r->block.data, r->packed.data + sizeof(head), (int)r->block.len, bound);
	if (packed <= 0 || (size_t)packed >= r->block.len) {
		packed = (int)r->block.len;
		memcpy(r->packed.data + sizeof(head), r->block.data, r->block.len);
	}
	head.packed = (uint32_t)packed;
	memcpy(r->packed.data, &head, sizeof(head));
	LK_TRY(lk_write(r->fd, "temporary file", r->packed.data, sizeof(head) + (size_t)packed, err));
	r->written += (int64_t)sizeof(head) + packed;
	r->block.len = 0;
	return LK_OK;
}

enum lk_status lk_spill_run_add(struct lk_spill_run *r, const struct lk_record *record, struct lk_error *err)
{
	size_t len = LK_RECORD_HEAD + record->key_len + record->data_len;

	if (r->block.len && r->block.len + len > BLOCK_BYTES)
		LK_TRY(write_block(r, err));
	if (!lk_str_reserve(&r->block, len))
		return lk_error_nomem(err);
	lk_record_put((uint8_t *)r->block.data + r->block.len, record);
	r->block.len += len;
	return LK_OK;
}

enum lk_status lk_spill_run_finish(struct lk_spill_run *r, struct lk_error *err)
{
	LK_TRY(write_block(r, err));
	lk_str_release(&r->block);
	lk_str_release(&r->packed);
	return LK_OK;
}

/* ---- reading ---- */

static enum lk_status read_at(struct lk_spill_run *r, void *to, size_t len, struct lk_error *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(r->fd, (char *)to + done, len - done, r->read);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? lk_error_sys(err, LK_IO, "cannot read a temporary file in '%s'", r->folder) :
				       lk_error_set(err, LK_IO, "a temporary file in '%s' was cut", r->folder);
		done += (size_t)n;
		r->read += n;
	}
	return LK_OK;
}

static enum lk_status read_block(struct lk_spill_run *r, struct lk_error *err)
{
	struct head head;

	r->at = r->block.len = 0;
	LK_TRY(read_at(r, &head, sizeof(head), err));
	if (!lk_str_reserve(&r->packed, head.packed) || !lk_str_reserve(&r->block, head.plain))
		return lk_error_nomem(err);
	LK_TRY(read_at(r, head.packed == head.plain ? r->block.data : r->packed.data, head.packed, err));
	if (head.packed != head.plain &&
		LZ4_decompress_safe(r->packed.data, r->block.data, (int)head.packed, (int)head.plain) != (int)head.plain)
		return lk_error_set(err, LK_IO, "a temporary file in '%s' was damaged", r->folder);
	r->block.len = head.plain;
	return LK_OK;
}

enum lk_status lk_spill_run_next(struct lk_spill_run *r, struct lk_error *err)
{
	if (r->at == r->block.len) {
		r->ended = r->read == r->written;
		if (r->ended)
			return LK_OK;
		LK_TRY(read_block(r, err));
	}
	r->record = lk_record_get((const uint8_t *)r->block.data + r->at);
	r->at += LK_RECORD_HEAD + r->record.key_len + r->record.data_len;
	return LK_OK;
}
