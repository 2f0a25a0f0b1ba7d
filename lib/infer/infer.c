#include "infer/infer.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "infer/draft.h"
#include "infer/editions.h"
#include "infer/names.h"
#include "infer/report.h"
#include "infer/update.h"
#include "source/package.h"
#include "stream/side.h"

#define TEXT_BYTES (256 * 1024)

struct lk_infer {
	struct lk_infer_options o;
	struct lk_arena arena;
	struct lk_sampler sampler;
	struct lk_archive *archive;
	struct lk_blob input;
	struct lk_table *tables;
	size_t count, cap;
	const char **names; /* of the resources, by table, once they are drafted */
	const char **ignored; /* globs of members that are no data */
	size_t ignored_count, ignored_cap;
	bool wanting;

	/* the member of a stream that is open */
	bool open;
	struct lk_table table;
	const char *delivery, *member;
};

/* ---- opening ---- */

static enum lk_status open_impl(struct lk_infer *i, struct lk_error *err)
{
	LK_TRY(lk_sampler_init(&i->sampler, &i->arena, &i->o.limits, err));
	i->sampler.known = i->o.known;
	return lk_archive_new(&i->archive, &i->o.archive, err);
}

enum lk_status lk_infer_open(struct lk_infer **out, const struct lk_infer_options *options, struct lk_error *err)
{
	enum lk_status status;

	*out = calloc(1, sizeof(**out));
	if (!*out)
		return lk_error_nomem(err);
	(*out)->o = *options;
	(*out)->input = (struct lk_blob)LK_BLOB_INIT;
	status = open_impl(*out, err);
	if (status) {
		lk_infer_close(*out);
		*out = NULL;
	}
	return status;
}

void lk_infer_close(struct lk_infer *i)
{
	if (!i)
		return;
	for (size_t k = 0; k < i->count; k++)
		lk_table_release(&i->tables[k]);
	lk_table_release(&i->table);
	free(i->tables);
	free(i->ignored);
	lk_sampler_release(&i->sampler);
	lk_archive_free(i->archive);
	lk_blob_release(&i->input);
	lk_arena_release(&i->arena);
	free(i);
}

/* ---- one sample ---- */

/* A member of an archive that is no data: its like will not be either. */
static enum lk_status ignore(struct lk_infer *i, const char *member, struct lk_error *err)
{
	const char *dot = strrchr(lk_member_base(member), '.'), *glob;

	if (!dot || strpbrk(dot, "*?[]\\"))
		return LK_OK;
	glob = lk_arena_printf(&i->arena, "*%s", dot);
	if (!glob || !lk_grow((void **)&i->ignored, &i->ignored_cap, i->ignored_count + 1, sizeof(*i->ignored)))
		return lk_error_nomem(err);
	for (size_t k = 0; k < i->ignored_count; k++)
		if (!strcmp(i->ignored[k], glob))
			return LK_OK;
	i->ignored[i->ignored_count++] = glob;
	return LK_OK;
}

static enum lk_status drop(struct lk_infer *i, const struct lk_table *t, bool of_archive, struct lk_error *err)
{
	bool rubbish = of_archive && !t->described;
	lk_infer_speaker *speak = rubbish ? i->o.say : i->o.warn;

	speak("'%s%s%s' %s", i->delivery, of_archive ? "!" : "", of_archive ? i->member : "", t->failed);
	i->wanting |= !rubbish;
	return rubbish ? ignore(i, i->member, err) : LK_OK;
}

/* The table becomes part of one that is there, or one more. */
static enum lk_status keep(struct lk_infer *i, struct lk_error *err)
{
	struct lk_table *t = &i->table;

	for (size_t k = 0; k < i->count; k++)
		if (lk_tables_are_one(&i->tables[k], t))
			return lk_table_merge(&i->arena, &i->tables[k], t, err);
	if (!lk_grow((void **)&i->tables, &i->cap, i->count + 1, sizeof(*i->tables)))
		return lk_error_nomem(err);
	i->tables[i->count++] = *t;
	*t = (struct lk_table){0};
	return LK_OK;
}

static enum lk_status begin(struct lk_infer *i, const char *delivery, const char *member, struct lk_error *err)
{
	struct lk_table_file *file = lk_arena_alloc(&i->arena, sizeof(*file));

	i->delivery = lk_arena_strdup(&i->arena, delivery);
	i->member = lk_arena_strdup(&i->arena, member);
	if (!file || !i->delivery || !i->member)
		return lk_error_nomem(err);
	*file = (struct lk_table_file){i->delivery, i->member};
	lk_table_release(&i->table);
	i->table.files = file;
	i->table.file_count = 1;
	i->open = true;
	lk_sampler_begin(&i->sampler, i->delivery, i->member, &i->table);
	return LK_OK;
}

/* What one should know of the sample. */
static void tell(struct lk_infer *i, bool of_archive)
{
	const struct lk_table *t = &i->table;
	const char *mark = of_archive ? "!" : "", *member = of_archive ? i->member : "";
	long long records = (long long)t->records;

	if (t->partial)
		i->o.say("'%s%s%s' was read in part: %lld records", i->delivery, mark, member, records);
	if (t->padded)
		i->o.say("'%s%s%s': %lld of %lld records have not as many fields as there are columns", i->delivery, mark, member,
			(long long)t->padded, records);
	if (t->mended)
		i->o.say("'%s%s%s': the quotes of %lld of %lld records are wrong", i->delivery, mark, member,
			(long long)t->mended, records);
	if (t->rejected)
		i->o.warn("'%s%s%s': %lld of %lld records will be rejected; the first: %s", i->delivery, mark, member,
			(long long)t->rejected, records, t->reject);
}

static enum lk_status end(struct lk_infer *i, struct lk_error *err)
{
	bool of_archive = strcmp(lk_path_base(i->delivery), i->member) && strcmp(i->delivery, "-");
	struct lk_table *t = &i->table;

	i->open = false;
	LK_TRY(lk_sampler_end(&i->sampler, err));
	if (t->failed)
		return drop(i, t, of_archive, err);
	tell(i, of_archive);
	return keep(i, err);
}

/* ---- deliveries ---- */

static enum lk_status read_pieces(struct lk_infer *i, struct lk_error *err)
{
	enum lk_archive_next next;
	struct lk_piece piece;

	while ((next = lk_archive_piece(i->archive, &piece, err)) == LK_ARCHIVE_MEMBER) {
		LK_TRY(lk_sampler_feed(&i->sampler, piece.data, piece.len, err));
		if (piece.last)
			return LK_OK;
	}
	return next == LK_ARCHIVE_ERROR ? err->status : LK_OK;
}

static enum lk_status read_member(struct lk_infer *i, const char *delivery, struct lk_member *m, struct lk_error *err)
{
	LK_TRY(lk_archive_verify(i->archive, m, err));
	if (m->status == LK_MEMBER_FAILED) {
		i->o.warn("'%s%s%s': %s", delivery, *m->path ? "!" : "", m->path, m->error);
		i->wanting = true;
	}
	if (m->status != LK_MEMBER_OK)
		return LK_OK;
	LK_TRY(begin(i, delivery, m->path, err));
	LK_TRY(read_pieces(i, err));
	return end(i, err);
}

static enum lk_status read_delivery(struct lk_infer *i, const char *delivery, struct lk_error *err)
{
	enum lk_archive_next next;
	struct lk_member m;

	LK_TRY(lk_archive_open(i->archive, &i->input, delivery, err));
	while ((next = lk_archive_next(i->archive, &m, err)) == LK_ARCHIVE_MEMBER)
		LK_TRY(read_member(i, delivery, &m, err));
	return next == LK_ARCHIVE_ERROR ? err->status : LK_OK;
}

enum lk_status lk_infer_delivery(struct lk_infer *i, const char *path, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	LK_TRY(lk_blob_open(&i->input, path, err));
	lk_path_text(&text, path);
	status = lk_str_check(&text, err);
	if (status == LK_OK)
		status = read_delivery(i, lk_str_text(&text), err);
	lk_blob_close(&i->input);
	lk_str_release(&text);
	return status;
}

/* ---- streams ---- */

struct columns {
	const struct ArrowArrayView *delivery, *member, *last, *content, *status, *error;
};

static enum lk_status find_columns(const struct lk_batch *batch, struct columns *c, struct lk_error *err)
{
	static const enum lk_members_column wanted[] = {LK_MEMBERS_DELIVERY, LK_MEMBERS_MEMBER, LK_MEMBERS_LAST,
		LK_MEMBERS_CONTENT, LK_MEMBERS_STATUS, LK_MEMBERS_ERROR};
	const struct ArrowArrayView **out[] = {&c->delivery, &c->member, &c->last, &c->content, &c->status, &c->error};

	for (size_t k = 0; k < sizeof(wanted) / sizeof(*wanted); k++) {
		const struct lk_field *field = &lk_members_fields[wanted[k]];
		int at = lk_schema_find(batch->schema, field->name);

		if (at < 0 || lk_type_of(batch->schema->children[at], NULL, NULL) != field->type)
			return lk_error_set(err, LK_DATA, "lk.members has no column '%s' of its type", field->name);
		*out[k] = batch->view->children[at];
	}
	return LK_OK;
}

static const char *text_at(struct lk_infer *i, const struct ArrowArrayView *column, int64_t row)
{
	struct ArrowStringView text = {NULL, 0};

	if (!ArrowArrayViewIsNull(column, row))
		text = ArrowArrayViewGetStringUnsafe(column, row);
	return lk_arena_strndup(&i->arena, text.data ? text.data : "", (size_t)text.size_bytes);
}

static enum lk_status take_piece(struct lk_infer *i, const struct columns *c, int64_t row, struct lk_error *err)
{
	struct ArrowBufferView content = {{NULL}, 0};

	if (!i->open) {
		const char *delivery = text_at(i, c->delivery, row), *member = text_at(i, c->member, row);

		if (!delivery || !member)
			return lk_error_nomem(err);
		LK_TRY(begin(i, delivery, member, err));
	}
	if (!ArrowArrayViewIsNull(c->content, row))
		content = ArrowArrayViewGetBytesUnsafe(c->content, row);
	LK_TRY(lk_sampler_feed(&i->sampler, content.data.as_char ? content.data.as_char : "", (size_t)content.size_bytes, err));
	return ArrowArrayViewGetIntUnsafe(c->last, row) ? end(i, err) : LK_OK;
}

/* A member without content; where it is the open one, what came of it is not looked at. */
static enum lk_status take_bare(struct lk_infer *i, const struct columns *c, int64_t row, bool failed, struct lk_error *err)
{
	const char *delivery = text_at(i, c->delivery, row), *member = text_at(i, c->member, row), *why = text_at(i, c->error, row);

	if (!delivery || !member || !why)
		return lk_error_nomem(err);
	i->open = false;
	if (!failed)
		return LK_OK;
	i->wanting = true;
	i->o.warn("'%s%s%s': %s", delivery, *member ? "!" : "", member, why);
	return LK_OK;
}

static enum lk_status take_batch(struct lk_infer *i, const struct lk_batch *batch, struct lk_error *err)
{
	struct columns c;

	LK_TRY(find_columns(batch, &c, err));
	for (int64_t row = 0; row < batch->rows; row++) {
		struct ArrowStringView status = ArrowArrayViewGetStringUnsafe(c.status, row);

		if (status.size_bytes == 2 && !memcmp(status.data, "ok", 2))
			LK_TRY(take_piece(i, &c, row, err));
		else
			LK_TRY(take_bare(i, &c, row, status.size_bytes == 6, err)); /* failed, or skipped */
	}
	return LK_OK;
}

static enum lk_status read_stream(struct lk_infer *i, struct lk_reader *reader, struct lk_error *err)
{
	struct lk_batch batch;
	enum lk_next next;

	while ((next = lk_reader_next(reader, &batch, err)) == LK_NEXT_BATCH)
		if (!strcmp(batch.table, LK_TABLE_MEMBERS))
			LK_TRY(take_batch(i, &batch, err));
	return next == LK_NEXT_END ? LK_OK : err->status;
}

static enum lk_status read_text(struct lk_infer *i, struct lk_reader *reader, char *buf, struct lk_error *err)
{
	size_t got;

	LK_TRY(begin(i, "-", "-", err));
	do {
		LK_TRY(lk_reader_text(reader, buf, TEXT_BYTES, &got, err));
		LK_TRY(lk_sampler_feed(&i->sampler, buf, got, err));
	} while (got);
	return end(i, err);
}

enum lk_status lk_infer_stream(struct lk_infer *i, struct lk_reader *reader, struct lk_error *err)
{
	enum lk_status status;
	bool stream;
	char *buf;

	LK_TRY(lk_reader_begins(reader, &stream, err));
	if (stream)
		return read_stream(i, reader, err);
	buf = malloc(TEXT_BYTES);
	if (!buf)
		return lk_error_nomem(err);
	status = read_text(i, reader, buf, err);
	free(buf);
	return status;
}

/* ---- globs and names ---- */

/* Whether globs take a file of another table. */
static bool take_others(const struct lk_infer *i, size_t table, const char *const *globs, int count)
{
	for (size_t k = 0; k < i->count; k++)
		for (int f = 0; k != table && f < i->tables[k].file_count; f++)
			if (lk_globs_take(globs, count, i->tables[k].files[f].member))
				return true;
	return false;
}

static bool has_text(const char *const *list, int count, const char *text)
{
	for (int k = 0; k < count; k++)
		if (!strcasecmp(list[k], text))
			return true;
	return false;
}

/* Names of files as they stand, each once. whole: with their folders. */
static int plain_names(const struct lk_table *t, const char **out, bool whole)
{
	int count = 0;

	for (int f = 0; f < t->file_count; f++) {
		const char *name = whole ? t->files[f].member : lk_member_base(t->files[f].member);

		if (!has_text(out, count, name))
			out[count++] = name;
	}
	return count;
}

/* A name as a glob that takes it alone. */
static const char *glob_of_name(struct lk_infer *i, const char *name)
{
	struct lk_str glob = LK_STR_INIT;
	const char *kept;

	for (; *name; name++) {
		if (strchr("*?[]\\", *name))
			lk_str_addc(&glob, '\\');
		lk_str_addc(&glob, *name);
	}
	kept = glob.failed ? NULL : lk_arena_strdup(&i->arena, lk_str_text(&glob));
	lk_str_release(&glob);
	return kept;
}

/*
 * The globs of a table's files, as wide as no other table's files are taken by them: one for all; the names; their paths in an
 * archive.
 */
static enum lk_status find_globs(struct lk_infer *i, size_t table, const char **globs, int *count, struct lk_error *err)
{
	struct lk_table *t = &i->tables[table];
	struct lk_str glob = LK_STR_INIT;
	bool found;

	*count = plain_names(t, globs, false);
	found = lk_names_glob(&glob, globs, *count) && !glob.failed;
	if (found) {
		const char *one = lk_arena_strdup(&i->arena, lk_str_text(&glob));

		found = one && !take_others(i, table, &one, 1);
		if (found) {
			globs[0] = one;
			*count = 1;
		}
	}
	lk_str_release(&glob);
	for (int whole = 0; whole < 2 && !found; whole++) {
		*count = plain_names(t, globs, whole);
		for (int k = 0; k < *count; k++)
			if (!(globs[k] = glob_of_name(i, globs[k])))
				return lk_error_nomem(err);
		found = !take_others(i, table, globs, *count);
	}
	if (!found)
		i->o.warn("'%s': files of this name hold different tables, which a package cannot tell apart by name",
			t->files[0].member);
	return LK_OK;
}

static bool is_known(const struct lk_sources *known, const char *name)
{
	const struct lk_package *p = known ? known->packages[0] : NULL;

	for (int k = 0; p && k < p->resource_count; k++)
		if (!strcmp(p->resources[k].name, name))
			return true;
	return false;
}

static const char *find_name(struct lk_infer *i, size_t table, const char *glob)
{
	struct lk_str name = LK_STR_INIT;
	const char *base, *kept;
	bool taken;

	lk_glob_name(&name, !strcmp(glob, "-") ? "data" : lk_member_base(glob));
	base = name.failed ? NULL : lk_arena_strdup(&i->arena, lk_str_text(&name));
	lk_str_release(&name);
	kept = base;
	for (int n = 2; kept; n++) {
		taken = is_known(i->o.known, kept);
		for (size_t k = 0; k < table; k++)
			taken |= !strcmp(i->names[k], kept);
		if (!taken)
			return kept;
		kept = lk_arena_printf(&i->arena, "%s-%d", base, n);
	}
	return NULL;
}

/* ---- the package ---- */

static enum lk_status draft_table(struct lk_infer *i, size_t table, json_t *resources, struct lk_error *err)
{
	struct lk_table *t = &i->tables[table];
	const char **globs = calloc((size_t)t->file_count, sizeof(*globs));
	enum lk_status status = globs ? LK_OK : lk_error_nomem(err);
	int count = 0;

	if (status == LK_OK)
		status = find_globs(i, table, globs, &count, err);
	if (status == LK_OK) {
		i->names[table] = find_name(i, table, globs[0]);
		if (!strcmp(t->files[0].delivery, "-") && !strcmp(t->files[0].member, "-"))
			globs[0] = "*";
		if (!i->names[table] ||
			json_array_append_new(resources, lk_draft_resource(t, i->names[table], globs, count)))
			status = lk_error_nomem(err);
	}
	free(globs);
	return status;
}

static json_t *ignored_json(const struct lk_infer *i)
{
	json_t *list = json_array();

	for (size_t k = 0; k < i->ignored_count; k++) {
		bool used = false;

		for (size_t t = 0; t < i->count; t++)
			for (int f = 0; f < i->tables[t].file_count; f++)
				used |= lk_globs_take(&i->ignored[k], 1, i->tables[t].files[f].member);
		if (!used && json_array_append_new(list, json_string(i->ignored[k]))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static enum lk_status draft_package(struct lk_infer *i, json_t *package, struct lk_error *err)
{
	json_t *resources = json_array(), *ignored = ignored_json(i);
	int failures = !resources || !ignored;

	failures |= json_object_set_new(package, "name", json_string("draft"));
	if (ignored && json_array_size(ignored))
		failures |= json_object_set_new(package, "lk", json_pack("{sO}", "ignore", ignored));
	json_decref(ignored);
	failures |= json_object_set_new(package, "resources", resources);
	if (failures)
		return lk_error_nomem(err);
	for (size_t k = 0; k < i->count; k++)
		LK_TRY(draft_table(i, k, resources, err));
	if (i->o.name || i->count == 1)
		failures = json_object_set_new(package, "name", json_string(i->o.name ? i->o.name : i->names[0]));
	return failures ? lk_error_nomem(err) : LK_OK;
}

/* All samples are read. */
static enum lk_status settle(struct lk_infer *i, bool *wanting, struct lk_error *err)
{
	int count = (int)i->count;

	*wanting = i->wanting;
	LK_TRY(lk_tables_unite(&i->arena, i->tables, &count, err));
	i->count = (size_t)count;
	if (!i->count)
		return i->wanting ? LK_DATA : lk_error_set(err, LK_DATA, "there is no sample that anything can be made of");
	i->names = lk_arena_alloc(&i->arena, i->count * sizeof(*i->names));
	return i->names ? LK_OK : lk_error_nomem(err);
}

enum lk_status lk_infer_finish(struct lk_infer *i, json_t **package, bool *wanting, struct lk_error *err)
{
	enum lk_status status;

	*package = NULL;
	LK_TRY(settle(i, wanting, err));
	*package = json_object();
	if (!*package)
		return lk_error_nomem(err);
	status = draft_package(i, *package, err);
	if (status) {
		json_decref(*package);
		*package = NULL;
	}
	return status;
}

/* The globs of a table's files, for the resource that it is like. */
static enum lk_status update_table(struct lk_infer *i, size_t table, json_t *package, struct lk_error *err)
{
	struct lk_table *t = &i->tables[table];
	const char **globs = calloc((size_t)t->file_count, sizeof(*globs));
	enum lk_status status = globs ? LK_OK : lk_error_nomem(err);
	int count;

	i->names[table] = t->like->name;
	if (status == LK_OK)
		status = find_globs(i, table, globs, &count, err);
	if (status == LK_OK)
		status = lk_update(package, t, globs, count, err);
	free(globs);
	return status;
}

enum lk_status lk_infer_update(struct lk_infer *i, json_t *package, bool *wanting, struct lk_error *err)
{
	json_t *resources = json_object_get(package, "resources");

	LK_TRY(settle(i, wanting, err));
	for (size_t k = 0; k < i->count; k++)
		LK_TRY(i->tables[k].like ? update_table(i, k, package, err) : draft_table(i, k, resources, err));
	return LK_OK;
}

enum lk_status lk_infer_report(struct lk_infer *i, enum lk_format format, FILE *out, struct lk_error *err)
{
	return lk_report(i->tables, i->names, (int)i->count, format, out, err);
}
