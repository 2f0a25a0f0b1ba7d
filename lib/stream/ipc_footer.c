#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nanoarrow/ipc/flatcc_generated.h"

#include "stream/ipc.h"

#define ns(x) FLATBUFFERS_WRAP_NAMESPACE(org_apache_arrow_flatbuf, x)

/*
 *	ARROW1 00 00 | messages ... | footer (a flatbuffer) | int32 size of the footer | ARROW1
 *	                                                      \________ TRAILER ________/
 */
#define MAGIC "ARROW1"
#define MAGIC_SIZE 6
#define TRAILER (4 + MAGIC_SIZE)
#define FOOTER_MAX (256 << 20)

/* The footer's size as the trailer, at the end of data, says it; -1 when there is none. */
static int32_t footer_size(const char *data, size_t len)
{
	int32_t size;

	if (len < TRAILER || memcmp(data + len - MAGIC_SIZE, MAGIC, MAGIC_SIZE))
		return -1;
	memcpy(&size, data + len - TRAILER, sizeof(size));
	return size < 0 || size > FOOTER_MAX ? -1 : size;
}

enum lk_status lk_ipc_footer(const struct lk_str *tail, struct lk_str *footer, struct lk_error *err)
{
	int32_t size = tail->len ? footer_size(tail->data, tail->len) : -1;

	if (size < 0)
		return lk_error_set(err, LK_DATA, "the Arrow file has no footer at its end: it was cut");
	if ((size_t)size > tail->len - TRAILER)
		return lk_error_set(err, LK_DATA, "the footer of the Arrow file is damaged");
	/* a copy, which is aligned as a flatbuffer has to be */
	lk_str_add(footer, tail->data + tail->len - TRAILER - size, (size_t)size);
	LK_TRY(lk_str_check(footer, err));
	LK_TRY(lk_ipc_check_footer_cost(footer->data, footer->len, err));
	if (!size || ns(Footer_verify_as_root(footer->data, footer->len)) != flatcc_verify_ok)
		return lk_error_set(err, LK_DATA, "the footer of the Arrow file is damaged");
	return LK_OK;
}

int64_t lk_ipc_footer_batches(const struct lk_str *footer)
{
	return (int64_t)ns(Block_vec_len(ns(Footer_recordBatches(ns(Footer_as_root(footer->data))))));
}

static bool build_schema_message(flatcc_builder_t *b, ns(Footer_table_t) footer)
{
	return !flatcc_builder_init(b) && !ns(Message_start_as_root(b)) &&
		!ns(Message_version_add(b, ns(Footer_version(footer)))) &&
		!ns(Message_header_Schema_clone(b, ns(Footer_schema(footer)))) && ns(Message_end_as_root(b));
}

static bool copy_message(flatcc_builder_t *b, struct lk_message *m)
{
	size_t size = flatcc_builder_get_buffer_size(b);
	int32_t prefix[2] = {-1, (int32_t)size};

	if (ArrowBufferAppend(&m->bytes, prefix, sizeof(prefix)) != NANOARROW_OK ||
		ArrowBufferReserve(&m->bytes, (int64_t)size) != NANOARROW_OK ||
		!flatcc_builder_copy_buffer(b, m->bytes.data + sizeof(prefix), size))
		return false;
	m->bytes.size_bytes += (int64_t)size;
	m->body_at = m->bytes.size_bytes;
	return true;
}

enum lk_status lk_ipc_footer_schema(const struct lk_str *footer, struct lk_message *out, struct lk_error *err)
{
	ns(Footer_table_t) root = ns(Footer_as_root(footer->data));
	flatcc_builder_t b = {0};
	bool fine;

	*out = (struct lk_message){.kind = LK_MESSAGE_SCHEMA};
	ArrowBufferInit(&out->bytes);
	if (!ns(Footer_schema_is_present(root)))
		return lk_error_set(err, LK_DATA, "the footer of the Arrow file has no schema");
	fine = build_schema_message(&b, root) && copy_message(&b, out);
	flatcc_builder_clear(&b);
	return fine ? LK_OK : lk_error_nomem(err);
}

/* len bytes at `at`, appended. */
static enum lk_status read_at(int fd, off_t at, size_t len, struct lk_str *out, struct lk_error *err)
{
	while (len) {
		ssize_t n;

		if (!lk_str_reserve(out, len))
			return lk_error_nomem(err);
		n = pread(fd, out->data + out->len, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return lk_error_sys(err, LK_IO, "cannot read the footer of the Arrow file");
		out->len += (size_t)n;
		at += n;
		len -= (size_t)n;
	}
	return LK_OK;
}

enum lk_status lk_ipc_read_tail(int fd, struct lk_str *tail, struct lk_error *err)
{
	struct lk_str trailer = LK_STR_INIT;
	struct stat st;
	enum lk_status status;
	int32_t size = -1;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return lk_error_set(err, LK_DATA,
			"the Arrow file has its schema at its end alone, so it cannot be read from a pipe: give its name");
	if (st.st_size < TRAILER)
		return LK_OK;
	status = read_at(fd, st.st_size - TRAILER, TRAILER, &trailer, err);
	if (!status)
		size = footer_size(trailer.data, trailer.len);
	lk_str_release(&trailer);
	if (!status && size >= 0 && size <= st.st_size - TRAILER)
		status = read_at(fd, st.st_size - TRAILER - size, TRAILER + (size_t)size, tail, err);
	return status;
}
