#include "unpack/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/extract.h"
#include "archive/list.h"
#include "archive/members.h"
#include "base/file.h"
#include "lake/lake.h"
#include "source/source.h"
#include "stream/side.h"


struct unpack {
	const struct lk_unpack_options *o;
	struct lk_lake *lake;
	struct lk_sources *sources;
	struct lk_archive *archive;
	struct lk_blob input;
	struct lk_builder rows;	  /* of lk.members */
	struct lk_writer *writer; /* of the stream, else NULL */
	struct lk_member_list list;
	struct lk_extract extract;
	struct lk_str reason, path; /* path: the delivery's, as text */
	struct lk_arena arena; /* of one delivery */

	const char *branch;  /* whose ledger is asked */
	const char **failed; /* of a partial delivery: the members that are wanted; NULL when all are */
	int failed_count;
	enum lk_status missing; /* the first status of a delivery that could not be opened */
	bool wanting;		/* some member failed */
	bool in_part;		/* by its path the delivery at hand is loaded in part, or at all where that matters */
	size_t deliveries, total;
	int64_t found, members, left_out;
};

/* ---- opening ---- */

static bool ignores(void *context, const char *delivery, const char *member)
{
	return lk_sources_ignores(context, delivery, member);
}

static enum lk_status open_output(struct unpack *u, struct lk_error *err)
{
	const struct lk_unpack_options *o = u->o;

	switch (o->what) {
	case LK_UNPACK_TEST:
		return LK_OK;
	case LK_UNPACK_FILES:
		return lk_extract_open(&u->extract, o->folder, err);
	case LK_UNPACK_LIST:
		return lk_member_list_open(&u->list, o->format, o->out, err);
	case LK_UNPACK_STREAM:
		break;
	}
	LK_TRY(lk_builder_init(&u->rows, lk_members_fields, LK_MEMBERS_COLUMNS, NULL, err));
	return lk_writer_open(&u->writer, o->fd, "standard output", false, err);
}

static enum lk_status open_all(struct unpack *u, struct lk_error *err)
{
	const struct lk_unpack_options *o = u->o;
	struct lk_archive_options archive = o->archive;

	if (o->sources || getenv("LK_SOURCES"))
		LK_TRY(lk_sources_open(&u->sources, o->sources, err));
	if (o->lake)
		LK_TRY(lk_lake_open(&u->lake, o->lake, LK_LAKE_READONLY, err));
	u->branch = o->branch ? o->branch : LK_MAIN;
	if (u->lake)
		LK_TRY(lk_ledger_check_branch(u->lake, u->branch, err));
	if (u->sources) {
		archive.ignores = ignores;
		archive.ignores_context = u->sources;
	}
	LK_TRY(lk_archive_new(&u->archive, &archive, err));
	return open_output(u, err);
}

/* ---- what the lake has already ---- */

static const char *sources_hash(const struct unpack *u)
{
	return u->sources ? lk_sources_sha256(u->sources) : NULL;
}

/* Whether a delivery is to be left out altogether. */
static bool is_done(const struct unpack *u, const struct lk_ledger_entry *entry, const char *path)
{
	bool tried = (entry->state == LK_DELIVERY_PARTIAL || entry->state == LK_DELIVERY_HELD) && !entry->again;

	if (u->o->again)
		return false;
	if (entry->state == LK_DELIVERY_COMPLETE)
		u->o->detail("'%s' is in the lake already", path);
	if (tried)
		u->o->detail("'%s' has nothing that these sources could load any more", path);
	if (entry->state != LK_DELIVERY_CRASHED || u->o->retry)
		return tried || entry->state == LK_DELIVERY_COMPLETE;
	u->o->say("'%s' crashed a worker before, and is left out", path);
	return true;
}

/* By path, size and time, without opening it. */
static enum lk_status known_by_path(struct unpack *u, const char *path, bool *known, struct lk_error *err)
{
	struct lk_ledger_entry entry;
	struct stat st;

	*known = u->in_part = false;
	if (!u->lake || !strcmp(path, "-") || stat(path, &st) || !S_ISREG(st.st_mode))
		return LK_OK;
	LK_TRY(lk_ledger_find_path(u->lake, u->branch, path, st.st_size,
		(int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000, sources_hash(u), &entry, err));
	*known = is_done(u, &entry, path);
	u->in_part = entry.state == LK_DELIVERY_PARTIAL || (u->o->again && entry.state);
	return LK_OK;
}

/* By sender and content. */
static enum lk_status known_by_content(struct unpack *u, const struct lk_member_origin *origin, bool *known, struct lk_error *err)
{
	const char *sha256 = origin->input->sha256;
	struct lk_ledger_entry entry;

	*known = false;
	u->failed = NULL;
	u->failed_count = 0;
	if (!u->lake)
		return LK_OK;
	LK_TRY(lk_ledger_find(u->lake, u->branch, origin->sender, sha256, sources_hash(u), &entry, err));
	*known = is_done(u, &entry, origin->path);
	if (u->in_part && entry.state == LK_DELIVERY_UNKNOWN) { /* as this sender's it would be loaded twice */
		u->o->say("'%s' was loaded%s from another sender, and is left out", origin->path, u->o->again ? "" : " in part");
		*known = true;
	}
	if (entry.state != LK_DELIVERY_PARTIAL || u->o->again)
		return LK_OK;
	return lk_ledger_failed(u->lake, u->branch, origin->sender, sha256, sources_hash(u), &u->arena, &u->failed, &u->failed_count,
		err);
}

static bool is_wanted(const struct unpack *u, const struct lk_member *m)
{
	if (!u->failed_count)
		return true;
	for (int i = 0; i < u->failed_count; i++)
		if (lk_member_was(m, u->failed[i]))
			return true;
	return false;
}

/* ---- one member ---- */

static enum lk_status take_member(struct unpack *u, const struct lk_member_origin *origin, struct lk_member *m, struct lk_error *err)
{
	enum lk_unpack_what what = u->o->what;

	if (what != LK_UNPACK_LIST)
		LK_TRY(lk_archive_verify(u->archive, m, err));
	if (what == LK_UNPACK_FILES && m->status == LK_MEMBER_OK)
		LK_TRY(lk_extract_member(&u->extract, u->archive, origin->input->name, m, &u->reason, err));
	u->wanting |= m->status == LK_MEMBER_FAILED;
	if (m->status == LK_MEMBER_FAILED && (what == LK_UNPACK_STREAM || what == LK_UNPACK_FILES))
		u->o->warn("'%s%s%s': %s", origin->path, *m->path ? "!" : "", m->path, m->error);
	if (what == LK_UNPACK_LIST)
		return lk_member_list_add(&u->list, origin, m, err);
	if (what == LK_UNPACK_STREAM)
		return lk_members_send(&u->rows, u->writer, u->archive, origin, m, err);
	return LK_OK;
}

/* What a test found out about a delivery. */
struct finding {
	int64_t encrypted, failed;
	char error[LK_ERROR_SIZE]; /* of the first that failed */
	struct lk_str labels;
};

static void note(struct finding *f, const struct lk_member *m)
{
	f->encrypted += m->encrypted;
	if (m->status == LK_MEMBER_FAILED && !f->failed++)
		snprintf(f->error, sizeof(f->error), "%s%s%s", m->path, *m->path ? ": " : "", m->error);
	if (!m->passphrase || (f->labels.data && strstr(f->labels.data, m->passphrase)))
		return;
	lk_str_addf(&f->labels, "%s%s", f->labels.len ? ", " : "", m->passphrase);
}

static enum lk_status tell_finding(const struct unpack *u, const struct lk_member_origin *origin, const struct finding *f,
	struct lk_error *err)
{
	struct lk_str line = LK_STR_INIT;
	enum lk_status status;

	lk_str_add_shown(&line, origin->path);
	lk_str_addc(&line, '\t');
	if (f->failed) {
		lk_str_addf(&line, "%lld of its members cannot be read: ", (long long)f->failed);
		lk_str_add_shown(&line, f->error);
	} else if (f->labels.len) {
		lk_str_add_shown(&line, f->labels.data);
	} else {
		lk_str_adds(&line, f->encrypted ? "no content to try a passphrase on" : "not encrypted");
	}
	lk_str_addc(&line, '\n');
	status = lk_str_check(&line, err);
	if (!status && fputs(line.data, u->o->out) < 0)
		status = lk_error_sys(err, LK_IO, "cannot write standard output");
	lk_str_release(&line);
	return status;
}

/* ---- one delivery ---- */

static enum lk_status take_members(struct unpack *u, const struct lk_member_origin *origin, struct finding *finding,
	struct lk_error *err)
{
	enum lk_archive_next next;
	struct lk_member m;

	LK_TRY(lk_archive_open(u->archive, origin->input, origin->path, err));
	lk_extract_begin(&u->extract);
	while ((next = lk_archive_next(u->archive, &m, err)) == LK_ARCHIVE_MEMBER) {
		u->members++;
		if (is_wanted(u, &m))
			LK_TRY(take_member(u, origin, &m, err));
		else
			u->left_out++;
		note(finding, &m);
		u->o->progress("%zu of %zu deliveries, %lld members", u->deliveries, u->total, (long long)u->members);
	}
	LK_TRY(next == LK_ARCHIVE_ERROR ? err->status : LK_OK);
	return lk_blob_check(origin->input, err);
}

/* A delivery that was written to while it was opened is failed as a whole: nobody knows what it will be. */
static enum lk_status take_changed(struct unpack *u, const struct lk_member_origin *origin, struct finding *finding,
	struct lk_error *err)
{
	struct lk_member m = {.path = "", .size = -1, .status = LK_MEMBER_FAILED,
		.error = "it was changed while it was being read; try again when it is whole"};

	u->members++;
	note(finding, &m);
	return take_member(u, origin, &m, err);
}

static enum lk_status take_opened(struct unpack *u, const struct lk_member_origin *origin, struct lk_error *err)
{
	struct finding finding = {.labels = LK_STR_INIT};
	bool known = false, changed = lk_blob_check(origin->input, NULL) != LK_OK;
	enum lk_status status;

	if (!changed)
		LK_TRY(known_by_content(u, origin, &known, err));
	if (known)
		return LK_OK;
	status = changed ? take_changed(u, origin, &finding, err) : take_members(u, origin, &finding, err);
	if (!status && u->o->what == LK_UNPACK_TEST)
		status = tell_finding(u, origin, &finding, err);
	lk_str_release(&finding.labels);
	return status;
}

static enum lk_status take_sent(struct unpack *u, const char *text, struct lk_error *err)
{
	struct lk_member_origin origin = {.path = text, .sender = "", .input = &u->input};
	enum lk_status status;
	char *sender = NULL;

	if (u->sources)
		LK_TRY(lk_sources_sender(u->sources, text, &sender, err));
	if (sender)
		origin.sender = sender;
	status = take_opened(u, &origin, err);
	free(sender);
	return status;
}

static enum lk_status take_delivery(struct unpack *u, const char *path, struct lk_error *err)
{
	enum lk_status status;
	bool known;

	lk_str_clear(&u->path);
	lk_path_text(&u->path, path);
	LK_TRY(lk_str_check(&u->path, err));
	LK_TRY(known_by_path(u, path, &known, err));
	u->found++;
	if (known)
		return LK_OK;
	status = lk_blob_open(&u->input, path, err);
	if (status == LK_NOINPUT || status == LK_NOPERM) { /* the others go on, as cat does */
		u->o->warn("%s", err->message);
		u->found--;
		if (!u->missing)
			u->missing = status;
		return LK_OK;
	}
	LK_TRY(status);
	status = take_sent(u, lk_str_text(&u->path), err);
	lk_blob_close(&u->input);
	lk_arena_clear(&u->arena);
	return status;
}

/* ---- the whole ---- */

/* Where all deliveries are missing not even an end marker goes out. */
static enum lk_status finish_stream(struct unpack *u, struct lk_error *err)
{
	struct lk_writer *writer = u->writer;

	if (!u->found && u->missing)
		return LK_OK;
	if (u->rows.rows)
		LK_TRY(lk_writer_flush(writer, LK_TABLE_MEMBERS, &u->rows, err));
	if (u->members)
		LK_TRY(lk_writer_count(writer, LK_TABLE_MEMBERS, u->members, u->left_out,
			u->left_out ? "loaded before" : NULL, err));
	u->writer = NULL;
	return lk_writer_close(writer, err);
}

static enum lk_status run(struct unpack *u, const struct lk_paths *deliveries, struct lk_error *err)
{
	LK_TRY(open_all(u, err));
	for (u->total = deliveries->count; u->deliveries < u->total; u->deliveries++)
		LK_TRY(take_delivery(u, deliveries->items[u->deliveries], err));
	if (u->writer)
		LK_TRY(finish_stream(u, err));
	if (u->o->what == LK_UNPACK_LIST)
		LK_TRY(lk_member_list_close(&u->list, err));
	if (u->missing || u->wanting)
		err->message[0] = '\0';
	return u->missing ? u->missing : u->wanting ? LK_WANTING : LK_OK;
}

enum lk_status lk_unpack(const struct lk_unpack_options *options, const struct lk_paths *deliveries, struct lk_error *err)
{
	struct unpack u = {.o = options, .input = LK_BLOB_INIT, .extract = {NULL, -1, -1}};
	enum lk_status status = run(&u, deliveries, err);

	lk_archive_free(u.archive);
	lk_blob_release(&u.input);
	lk_extract_close(&u.extract);
	lk_member_list_release(&u.list);
	lk_writer_abort(u.writer);
	lk_builder_release(&u.rows);
	lk_sources_close(u.sources);
	lk_lake_close(u.lake);
	lk_arena_release(&u.arena);
	lk_str_release(&u.reason);
	lk_str_release(&u.path);
	return status;
}
