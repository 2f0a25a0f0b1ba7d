/* lk-unpack: deliveries to members (lk-unpack(1)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/extract.h"
#include "archive/members.h"
#include "archive/paths.h"
#include "base/file.h"
#include "base/tool.h"
#include "lake/lake.h"
#include "source/source.h"
#include "stream/format.h"
#include "stream/side.h"

static struct {
	const char *lake, *sources, *passphrase_file, *keyring, *extract, *files_from, *format;
	int64_t passphrase_fd;
	bool list, test, nested, retry;
	struct lk_archive_options limits;
} want = {.passphrase_fd = -1, .limits = LK_ARCHIVE_DEFAULTS};

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &want.lake, "LAKE", "leave out what this lake has already"},
	{LK_OPTION_FLAG, 0, "retry", &want.retry, NULL, "with -l: take deliveries that crashed a worker all the same"},
	{LK_OPTION_TEXT, 's', "sources", &want.sources, "SOURCES", "packages that say who sent what, and what to ignore"},
	{LK_OPTION_TEXT, 0, "passphrase-file", &want.passphrase_file, "FILE", "the first line of FILE is the passphrase"},
	{LK_OPTION_NUMBER, 0, "passphrase-fd", &want.passphrase_fd, "N", "the first line from descriptor N is the passphrase"},
	{LK_OPTION_TEXT, 0, "keyring", &want.keyring, "FILE", "FILE lists passphrase files by glob of deliveries"},
	{LK_OPTION_FLAG, 0, "nested", &want.nested, NULL, "open archives inside archives, one level"},
	{LK_OPTION_FLAG, 0, "list", &want.list, NULL, "list the members, read no content"},
	{LK_OPTION_FLAG, 0, "test", &want.test, NULL, "say which passphrase fits each delivery; folders are gone through"},
	{LK_OPTION_TEXT, 'x', "extract", &want.extract, "DIR", "write the members as files below DIR"},
	{LK_OPTION_TEXT, 'F', "format", &want.format, "FORMAT", "of --list: table (default), csv, tsv, json, markdown"},
	{LK_OPTION_TEXT, 0, "files-from", &want.files_from, "FILE", "read paths of deliveries from FILE, - is stdin"},
	{LK_OPTION_NUMBER, 0, "max-ratio", &want.limits.max_ratio, "N", "content to archive at most N to 1 (1000)"},
	{LK_OPTION_NUMBER, 0, "max-member", &want.limits.max_member, "BYTES", "of one member at most (64G)"},
	{LK_OPTION_NUMBER, 0, "max-total", &want.limits.max_total, "BYTES", "of a delivery's content at most (256G)"},
	{LK_OPTION_NUMBER, 0, "max-members", &want.limits.max_members, "N", "in a delivery at most (1000000)"},
	{LK_OPTION_NUMBER, 0, "max-nested", &want.limits.max_nested, "BYTES", "of an archive inside an archive (256M)"},
	LK_OPTIONS_END,
};

static const struct lk_tool tool = {
	.name = "lk-unpack",
	.usage = "[-l LAKE] [--retry] [-s SOURCES] [--passphrase-file FILE | --passphrase-fd N | --keyring FILE] [--nested] "
		 "[--list [-F FORMAT] | --test | -x DIR] [--max-LIMIT N] DELIVERY ... | - | --files-from FILE",
	.about = "Opens deliveries (archives, encrypted or not, and plain files) and writes their members as the table\n"
		 "lk.members of an lk stream, each checked before it goes out.",
	.options = options,
};

static const struct lk_field list_fields[] = {
	{"delivery", LK_UTF8},
	{"member", LK_UTF8},
	{"size", LK_INT64},
	{"modified", LK_TIMESTAMPTZ},
	{"encrypted", LK_BOOL},
	{"status", LK_UTF8},
	{"error", LK_UTF8},
};
#define LIST_COLUMNS ((int)(sizeof(list_fields) / sizeof(*list_fields)))

struct unpack {
	struct lk_keys keys;
	struct lk_paths paths;
	struct lk_lake *lake;
	struct lk_sources *sources;
	struct lk_archive *archive;
	struct lk_blob input;
	struct lk_builder rows;
	struct lk_writer *writer;	 /* of the stream, else NULL */
	struct lk_formatter *formatter; /* of --list, else NULL */
	struct lk_extract extract;
	struct lk_str text, path; /* path: the delivery's, as text */
	struct lk_arena arena; /* of one delivery */

	const char **failed; /* of a partial delivery: the members that are wanted; NULL when all are */
	int failed_count;
	enum lk_status missing; /* the first status of a delivery that could not be opened */
	bool wanting;		/* some member failed */
	int64_t deliveries, found, members, left_out;
};

/* ---- what to open ---- */

static void check_options(int argc)
{
	enum lk_format format;

	if ((want.passphrase_file != NULL) + (want.passphrase_fd >= 0) + (want.keyring != NULL) > 1)
		lk_tool_misuse("only one of --passphrase-file, --passphrase-fd and --keyring can be given");
	if (want.list + want.test + (want.extract != NULL) > 1)
		lk_tool_misuse("only one of --list, --test and -x can be given");
	if (want.format && !want.list)
		lk_tool_misuse("-F is for --list");
	if (want.format && (!lk_format_parse(want.format, &format) || format == LK_FORMAT_ARROW || format == LK_FORMAT_PARQUET))
		lk_tool_misuse("--list has no format '%s'", want.format);
	if (!want.limits.max_ratio)
		lk_tool_misuse("option '--max-ratio' takes a number of 1 or more");
	if (want.passphrase_fd > INT32_MAX)
		lk_tool_misuse("option '--passphrase-fd' takes a descriptor");
	if (!argc && !want.files_from)
		lk_tool_misuse("no delivery is named");
}

static enum lk_status find_paths(struct unpack *u, int argc, char **argv, struct lk_error *err)
{
	if (want.files_from)
		LK_TRY(lk_paths_add_list(&u->paths, want.files_from, err));
	for (int i = 0; i < argc; i++)
		if (want.test)
			LK_TRY(lk_paths_add_tree(&u->paths, argv[i], err));
		else
			LK_TRY(lk_paths_add(&u->paths, argv[i], err));
	return LK_OK;
}

static enum lk_status find_keys(struct unpack *u, struct lk_error *err)
{
	const char *from_environment = getenv("LK_PASSPHRASE_FILE");

	if (want.keyring)
		return lk_keys_add_ring(&u->keys, want.keyring, err);
	if (want.passphrase_fd >= 0)
		return lk_keys_add_fd(&u->keys, (int)want.passphrase_fd, err);
	if (want.passphrase_file)
		return lk_keys_add_file(&u->keys, want.passphrase_file, err);
	if (from_environment && *from_environment)
		return lk_keys_add_file(&u->keys, from_environment, err);
	return LK_OK;
}

static bool ignores(void *context, const char *delivery, const char *member)
{
	return lk_sources_ignores(context, delivery, member);
}

static enum lk_status open_output(struct unpack *u, struct lk_error *err)
{
	enum lk_format format = LK_FORMAT_TABLE;

	if (want.extract)
		return lk_extract_open(&u->extract, want.extract, err);
	if (want.test)
		return LK_OK;
	if (want.list) {
		if (want.format && !lk_format_parse(want.format, &format))
			return LK_BUG;
		LK_TRY(lk_builder_init(&u->rows, list_fields, LIST_COLUMNS, NULL, err));
		return lk_formatter_open(&u->formatter, format, stdout, NULL, &u->rows.schema, err);
	}
	LK_TRY(lk_refuse_terminal(STDOUT_FILENO, "an lk stream", err));
	LK_TRY(lk_builder_init(&u->rows, lk_members_fields, LK_MEMBERS_COLUMNS, NULL, err));
	lk_pipe_enlarge(STDOUT_FILENO);
	return lk_writer_open(&u->writer, STDOUT_FILENO, "standard output", false, err);
}

static enum lk_status open_all(struct unpack *u, int argc, char **argv, struct lk_error *err)
{
	LK_TRY(find_paths(u, argc, argv, err));
	LK_TRY(find_keys(u, err));
	if (want.sources || getenv("LK_SOURCES"))
		LK_TRY(lk_sources_open(&u->sources, want.sources, err));
	if (want.lake)
		LK_TRY(lk_lake_open(&u->lake, want.lake, LK_LAKE_READONLY, err));
	want.limits.keys = &u->keys;
	want.limits.nested = want.nested;
	if (u->sources) {
		want.limits.ignores = ignores;
		want.limits.ignores_context = u->sources;
	}
	LK_TRY(lk_archive_new(&u->archive, &want.limits, err));
	return open_output(u, err);
}

/* ---- what the lake has already ---- */

static const char *sources_hash(const struct unpack *u)
{
	return u->sources ? lk_sources_sha256(u->sources) : NULL;
}

/* Whether a delivery is to be left out altogether. */
static bool is_done(const struct lk_ledger_entry *entry, const char *path)
{
	bool tried = (entry->state == LK_DELIVERY_PARTIAL || entry->state == LK_DELIVERY_HELD) && !entry->again;

	if (entry->state == LK_DELIVERY_COMPLETE)
		lk_detail("'%s' is in the lake already", path);
	if (tried)
		lk_detail("'%s' has nothing that these sources could load any more", path);
	if (entry->state != LK_DELIVERY_CRASHED || want.retry)
		return tried || entry->state == LK_DELIVERY_COMPLETE;
	lk_say("'%s' crashed a worker before, and is left out", path);
	return true;
}

/* By path, size and time, without opening it. */
static enum lk_status known_by_path(struct unpack *u, const char *path, bool *known, struct lk_error *err)
{
	struct lk_ledger_entry entry;
	struct stat st;

	*known = false;
	if (!u->lake || !strcmp(path, "-") || stat(path, &st) || !S_ISREG(st.st_mode))
		return LK_OK;
	LK_TRY(lk_ledger_find_path(u->lake, "main", path, st.st_size,
		(int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000, sources_hash(u), &entry, err));
	*known = is_done(&entry, path);
	return LK_OK;
}

/* By sender and content. */
static enum lk_status known_by_content(struct unpack *u, const struct lk_delivery *d, bool *known, struct lk_error *err)
{
	struct lk_ledger_entry entry;

	*known = false;
	u->failed = NULL;
	u->failed_count = 0;
	if (!u->lake)
		return LK_OK;
	LK_TRY(lk_ledger_find(u->lake, "main", d->sender, d->input->sha256, sources_hash(u), &entry, err));
	*known = is_done(&entry, d->path);
	if (entry.state == LK_DELIVERY_PARTIAL)
		return lk_ledger_failed(u->lake, "main", d->sender, d->input->sha256, sources_hash(u), &u->arena, &u->failed,
			&u->failed_count, err);
	return LK_OK;
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

static enum lk_status list_member(struct unpack *u, const struct lk_delivery *d, const struct lk_member *m,
	struct lk_error *err)
{
	struct lk_column *c = u->rows.columns;
	const struct ArrowArrayView *view;

	lk_column_text(c++, d->path);
	lk_column_text(c++, m->path);
	if (m->size >= 0)
		lk_column_int64(c++, m->size);
	else
		lk_column_null(c++);
	if (m->has_modified)
		lk_column_int64(c++, m->modified_us);
	else
		lk_column_null(c++);
	lk_column_bool(c++, m->encrypted);
	lk_column_text(c++, lk_member_status_name(m->status));
	lk_column_text(c++, m->error);
	LK_TRY(lk_builder_end_row(&u->rows, err));
	if (!lk_builder_full(&u->rows))
		return LK_OK;
	LK_TRY(lk_builder_view(&u->rows, &view, err));
	LK_TRY(lk_formatter_batch(u->formatter, view, err));
	lk_builder_clear(&u->rows);
	return LK_OK;
}

static enum lk_status take_member(struct unpack *u, const struct lk_delivery *d, struct lk_member *m, struct lk_error *err)
{
	if (!want.list)
		LK_TRY(lk_archive_verify(u->archive, m, err));
	if (want.extract && m->status == LK_MEMBER_OK)
		LK_TRY(lk_extract_member(&u->extract, u->archive, d->input->name, m, &u->text, err));
	u->wanting |= m->status == LK_MEMBER_FAILED;
	if (m->status == LK_MEMBER_FAILED && !want.list && !want.test)
		lk_warn("'%s%s%s': %s", d->path, *m->path ? "!" : "", m->path, m->error);
	if (want.list)
		return list_member(u, d, m, err);
	if (!u->writer)
		return LK_OK;
	return lk_members_send(&u->rows, u->writer, u->archive, d, m, err);
}

/* What --test found out about a delivery. */
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

static void say_finding(const struct lk_delivery *d, const struct finding *f)
{
	struct lk_str line = LK_STR_INIT;

	lk_str_add_shown(&line, d->path);
	lk_str_addc(&line, '\t');
	if (f->failed) {
		lk_str_addf(&line, "%lld of its members cannot be read: ", (long long)f->failed);
		lk_str_add_shown(&line, f->error);
	} else if (f->labels.len) {
		lk_str_add_shown(&line, f->labels.data);
	} else {
		lk_str_adds(&line, f->encrypted ? "no content to try a passphrase on" : "not encrypted");
	}
	puts(lk_str_text(&line));
	lk_str_release(&line);
}

/* ---- one delivery ---- */

/* A delivery that was written to while it was opened is failed as a whole: nobody knows what it will be. */
static enum lk_status take_changed(struct unpack *u, const struct lk_delivery *d, struct lk_error *err)
{
	struct lk_member m = {.path = "", .size = -1, .status = LK_MEMBER_FAILED,
		.error = "it was changed while it was being read; try again when it is whole"};
	struct finding finding = {.labels = LK_STR_INIT};
	enum lk_status status;

	u->members++;
	note(&finding, &m);
	status = take_member(u, d, &m, err);
	if (!status && want.test)
		say_finding(d, &finding);
	return status;
}

static enum lk_status take_members(struct unpack *u, const struct lk_delivery *d, struct lk_error *err)
{
	struct finding finding = {.labels = LK_STR_INIT};
	enum lk_status status = LK_OK;
	enum lk_archive_next next;
	struct lk_member m;

	LK_TRY(lk_archive_open(u->archive, d->input, d->path, err));
	lk_extract_begin(&u->extract);
	while (!status && (next = lk_archive_next(u->archive, &m, err)) != LK_ARCHIVE_END) {
		if (next == LK_ARCHIVE_ERROR) {
			status = err->status;
			break;
		}
		u->members++;
		if (is_wanted(u, &m))
			status = take_member(u, d, &m, err);
		else
			u->left_out++;
		note(&finding, &m);
		lk_progress("%lld of %zu deliveries, %lld members", (long long)u->deliveries, u->paths.count,
			(long long)u->members);
	}
	lk_archive_close(u->archive);
	if (!status)
		status = lk_blob_check(d->input, err);
	if (!status && want.test)
		say_finding(d, &finding);
	lk_str_release(&finding.labels);
	return status;
}

static enum lk_status take_opened(struct unpack *u, struct lk_delivery *d, struct lk_error *err)
{
	bool known;

	if (lk_blob_check(d->input, NULL))
		return take_changed(u, d, err);
	LK_TRY(known_by_content(u, d, &known, err));
	return known ? LK_OK : take_members(u, d, err);
}

static enum lk_status take_delivery(struct unpack *u, const char *path, struct lk_error *err)
{
	struct lk_delivery d = {.sender = "", .input = &u->input};
	enum lk_status status;
	char *sender = NULL;
	bool known;

	lk_str_clear(&u->path);
	lk_path_text(&u->path, path);
	LK_TRY(lk_str_check(&u->path, err));
	d.path = lk_str_text(&u->path);
	LK_TRY(known_by_path(u, path, &known, err));
	u->found++;
	if (known)
		return LK_OK;
	status = lk_blob_open(&u->input, path, err);
	if (status == LK_NOINPUT || status == LK_NOPERM) { /* the others go on, as cat does */
		lk_warn("%s", err->message);
		u->found--;
		if (!u->missing)
			u->missing = status;
		return LK_OK;
	}
	if (!status && u->sources)
		status = lk_sources_sender(u->sources, d.path, &sender, err);
	if (sender)
		d.sender = sender;
	if (!status)
		status = take_opened(u, &d, err);
	lk_blob_close(&u->input);
	lk_arena_clear(&u->arena);
	free(sender);
	return status;
}

static enum lk_status finish(struct unpack *u, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_formatter *formatter = u->formatter;
	struct lk_writer *writer = u->writer;

	if (formatter) {
		LK_TRY(lk_builder_view(&u->rows, &view, err));
		LK_TRY(lk_formatter_batch(formatter, view, err));
		u->formatter = NULL;
		LK_TRY(lk_formatter_close(formatter, err));
	}
	if (writer && (u->found || !u->missing)) { /* where all are missing not even an end marker goes out */
		if (u->rows.rows)
			LK_TRY(lk_writer_flush(writer, LK_TABLE_MEMBERS, &u->rows, err));
		if (u->members)
			LK_TRY(lk_writer_count(writer, LK_TABLE_MEMBERS, u->members, u->left_out,
				u->left_out ? "loaded before" : NULL, err));
		u->writer = NULL;
		LK_TRY(lk_writer_close(writer, err));
	}
	return LK_OK;
}

static enum lk_status run(struct unpack *u, int argc, char **argv, struct lk_error *err)
{
	LK_TRY(open_all(u, argc, argv, err));
	for (size_t i = 0; i < u->paths.count; i++, u->deliveries++)
		LK_TRY(take_delivery(u, u->paths.items[i], err));
	LK_TRY(finish(u, err));
	return u->missing ? u->missing : u->wanting ? LK_WANTING : LK_OK;
}

static void release(struct unpack *u)
{
	lk_archive_free(u->archive);
	lk_blob_release(&u->input);
	lk_extract_close(&u->extract);
	lk_formatter_abort(u->formatter);
	lk_writer_abort(u->writer);
	lk_builder_release(&u->rows);
	lk_sources_close(u->sources);
	lk_lake_close(u->lake);
	lk_keys_release(&u->keys);
	lk_paths_release(&u->paths);
	lk_arena_release(&u->arena);
	lk_str_release(&u->text);
	lk_str_release(&u->path);
}

int main(int argc, char **argv)
{
	struct unpack u = {.keys = LK_KEYS_INIT, .paths = LK_PATHS_INIT, .input = LK_BLOB_INIT, .extract = {NULL, -1, -1}};
	struct lk_error err = {.message = ""};
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	check_options(argc);
	/* Times in archives that do not name their zone are taken for UTC, wherever this runs. */
	setenv("TZ", "UTC", 1);
	status = run(&u, argc, argv, &err);
	if (status == u.missing || status == LK_WANTING)
		err.message[0] = '\0';
	release(&u);
	return lk_tool_finish(status, &err);
}
