#include "stream/ipc.h"

#include <stdlib.h>
#include <string.h>

static enum lk_status decode_schema(struct lk_ipc *ipc, const struct lk_message *m, struct ArrowError *arrow,
	struct lk_error *err)
{
	static const char what[] = "it has a schema that lk cannot read";

	LK_TRY(lk_arrow_status(ArrowIpcDecoderDecodeHeader(&ipc->decoder, lk_message_header(m), arrow), arrow, LK_DATA,
		what, err));
	if (ipc->decoder.endianness != NANOARROW_IPC_ENDIANNESS_LITTLE)
		return lk_error_set(err, LK_DATA, "it is big-endian, which lk does not read");
	return lk_arrow_status(ArrowIpcDecoderDecodeSchemaWithDictionaries(&ipc->decoder, &ipc->wire, &ipc->encodings,
				       arrow),
		arrow, LK_DATA, what, err);
}

static enum lk_status open_impl(struct lk_ipc *ipc, const struct lk_message *m, struct lk_error *err)
{
	struct ArrowError arrow = {""};

	LK_TRY(lk_ipc_check_types(m, err));
	LK_TRY(decode_schema(ipc, m, &arrow, err));
	LK_TRY(lk_ipc_check_schema(&ipc->wire, err));
	LK_TRY(lk_dictionary_schemas(ipc, err));
	LK_TRY(lk_arrow_status(ArrowIpcDecoderSetSchema(&ipc->decoder, &ipc->storage, &arrow), &arrow, LK_DATA,
		"it has a schema that lk cannot read", err));
	return lk_arrow_status(ArrowArrayViewInitFromSchema(&ipc->view, &ipc->schema, &arrow), &arrow, LK_DATA,
		"it has a schema that lk cannot read", err);
}

enum lk_status lk_ipc_open(struct lk_ipc *ipc, const struct lk_message *m, struct lk_error *err)
{
	enum lk_status status;

	*ipc = (struct lk_ipc){0};
	ArrowIpcDictionaryEncodingsInit(&ipc->encodings);
	ArrowArrayViewInitFromType(&ipc->view, NANOARROW_TYPE_UNINITIALIZED);
	if (ArrowIpcDecoderInit(&ipc->decoder) != NANOARROW_OK)
		return lk_error_nomem(err);
	status = open_impl(ipc, m, err);
	if (status)
		lk_ipc_close(ipc);
	return status;
}

static void release_schema(struct ArrowSchema *schema)
{
	if (schema->release)
		ArrowSchemaRelease(schema);
}

void lk_ipc_close(struct lk_ipc *ipc)
{
	if (ipc->decoder.private_data) {
		ArrowIpcDecoderReset(&ipc->decoder);
		ArrowIpcDictionaryEncodingsReset(&ipc->encodings);
		ArrowArrayViewReset(&ipc->view);
	}
	lk_dictionaries_free(ipc->dictionaries);
	release_schema(&ipc->wire);
	release_schema(&ipc->storage);
	release_schema(&ipc->schema);
	*ipc = (struct lk_ipc){0};
}

enum lk_status lk_ipc_decode(struct ArrowIpcDecoder *decoder, const struct lk_message *m, struct ArrowBufferView header,
	struct ArrowArray *out, struct lk_error *err)
{
	struct ArrowError arrow = {""};
	struct ArrowBuffer body;
	int code;

	out->release = NULL;
	code = ArrowIpcDecoderDecodeHeader(decoder, header, &arrow);
	if (code == NANOARROW_OK)
		code = ArrowSharedBufferClone((struct ArrowBuffer *)&m->bytes, &body);
	if (code == NANOARROW_OK) {
		body.data += m->body_at;
		body.size_bytes -= m->body_at;
		code = ArrowIpcDecoderDecodeArrayFromShared(decoder, &body, -1, out, NANOARROW_VALIDATION_LEVEL_FULL,
			&arrow);
		ArrowBufferReset(&body);
	}
	/* nanoarrow 0.9 answers OK with a released array when memory ran out while it was finished. */
	if (code == NANOARROW_OK && !out->release)
		return lk_error_nomem(err);
	return lk_arrow_status(code, &arrow, LK_DATA, "a batch is damaged", err);
}

/* Sets the view over *out and checks all that is left to check. */
static enum lk_status finish(struct lk_ipc *ipc, struct ArrowArray *out, struct lk_error *err)
{
	struct ArrowError arrow = {""};

	LK_TRY(lk_arrow_status(ArrowArrayViewSetArray(&ipc->view, out, &arrow), &arrow, LK_DATA, "a batch is damaged",
		err));
	return lk_ipc_check_values(&ipc->schema, &ipc->view, out, err);
}

static enum lk_status batch_impl(struct lk_ipc *ipc, const struct lk_message *m, struct ArrowArray *out,
	struct lk_error *err)
{
	struct ArrowArray storage;
	int64_t bytes;

	LK_TRY(lk_ipc_check_layout(m, &bytes, err));
	if (!ipc->encoded) {
		LK_TRY(lk_ipc_decode(&ipc->decoder, m, lk_message_header(m), out, err));
	} else {
		LK_TRY(lk_ipc_decode(&ipc->decoder, m, lk_message_header(m), &storage, err));
		LK_TRY(lk_dictionary_decode(ipc, &storage, out, err));
	}
	return finish(ipc, out, err);
}

static enum lk_status empty_impl(struct lk_ipc *ipc, struct ArrowArray *out, struct lk_error *err)
{
	int code = ArrowArrayInitFromSchema(out, &ipc->schema, NULL);

	if (code == NANOARROW_OK)
		code = ArrowArrayStartAppending(out);
	if (code == NANOARROW_OK)
		code = ArrowArrayFinishBuildingDefault(out, NULL);
	LK_TRY(lk_arrow_status(code, NULL, LK_BUG, "cannot make an empty batch", err));
	return finish(ipc, out, err);
}

static enum lk_status release_on_error(enum lk_status status, struct ArrowArray *array)
{
	if (status && array->release)
		ArrowArrayRelease(array);
	return status;
}

enum lk_status lk_ipc_batch(struct lk_ipc *ipc, const struct lk_message *m, struct ArrowArray *out,
	struct lk_error *err)
{
	out->release = NULL;
	return release_on_error(batch_impl(ipc, m, out, err), out);
}

enum lk_status lk_ipc_empty(struct lk_ipc *ipc, struct ArrowArray *out, struct lk_error *err)
{
	out->release = NULL;
	return release_on_error(empty_impl(ipc, out, err), out);
}
