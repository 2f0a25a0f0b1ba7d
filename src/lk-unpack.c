/* lk-unpack: deliveries to members (lk-unpack(1)). */
#include <stdlib.h>
#include <unistd.h>

#include "unpack/unpack.h"
#include "base/tool.h"

static struct {
	const char *lake, *branch, *sources, *passphrase_file, *keyring, *extract, *files_from, *format;
	int64_t passphrase_fd;
	bool list, test, nested, retry, again;
	struct lk_archive_options limits;
} want = {.passphrase_fd = -1, .limits = LK_ARCHIVE_DEFAULTS};

static const struct lk_option options[] = {
	{LK_OPTION_TEXT, 'l', "lake", &want.lake, "LAKE", "leave out what this lake has already"},
	{LK_OPTION_TEXT, 0, "branch", &want.branch, "BRANCH", "with -l: what its branch has already, not main"},
	{LK_OPTION_FLAG, 0, "retry", &want.retry, NULL, "with -l: take deliveries that crashed a worker all the same"},
	{LK_OPTION_FLAG, 0, "again", &want.again, NULL, "with -l: take deliveries that are in the lake, to be loaded anew"},
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
	.usage = "[-l LAKE] [--branch BRANCH] [--retry | --again] [-s SOURCES] [--passphrase-file FILE | --passphrase-fd N | --keyring FILE] [--nested] "
		 "[--list [-F FORMAT] | --test | -x DIR] [--max-LIMIT N] DELIVERY ... | - | --files-from FILE",
	.about = "Opens deliveries and writes their members as an lk stream. Deliveries are archives, encrypted or not, and\n"
		 "plain files; members are rows of the table lk.members, each checked before it goes out.",
	.options = options,
};

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
	if (want.again && !want.lake)
		lk_tool_misuse("--again goes with -l: without a lake nothing is left out");
	if (!want.limits.max_ratio)
		lk_tool_misuse("option '--max-ratio' takes a number of 1 or more");
	if (want.passphrase_fd > INT32_MAX)
		lk_tool_misuse("option '--passphrase-fd' takes a descriptor");
	if (!argc && !want.files_from)
		lk_tool_misuse("no delivery is named");
}

static enum lk_status find_paths(struct lk_paths *paths, char **argv, struct lk_error *err)
{
	if (want.files_from)
		LK_TRY(lk_paths_add_list(paths, want.files_from, err));
	for (; *argv; argv++)
		LK_TRY(want.test ? lk_paths_add_tree(paths, *argv, err) : lk_paths_add(paths, *argv, err));
	return LK_OK;
}

static enum lk_status run(struct lk_paths *paths, struct lk_keys *keys, char **argv, struct lk_error *err)
{
	struct lk_unpack_options o = {
		.what = want.list ? LK_UNPACK_LIST : want.test ? LK_UNPACK_TEST : want.extract ? LK_UNPACK_FILES : LK_UNPACK_STREAM,
		.format = LK_FORMAT_TABLE,
		.folder = want.extract,
		.out = stdout,
		.fd = STDOUT_FILENO,
		.lake = want.lake,
		.branch = want.branch,
		.retry = want.retry,
		.again = want.again,
		.sources = want.sources,
		.archive = want.limits,
		.warn = lk_warn,
		.say = lk_say,
		.detail = lk_detail,
		.progress = lk_progress,
	};

	if (want.format && !lk_format_parse(want.format, &o.format))
		return LK_BUG;
	LK_TRY(find_paths(paths, argv, err));
	LK_TRY(lk_keys_add_given(keys, want.keyring, (int)want.passphrase_fd, want.passphrase_file, err));
	if (o.what == LK_UNPACK_STREAM)
		LK_TRY(lk_refuse_terminal(o.fd, "an lk stream", err));
	o.archive.keys = keys;
	o.archive.nested = want.nested;
	return lk_unpack(&o, paths, err);
}

int main(int argc, char **argv)
{
	struct lk_paths paths = LK_PATHS_INIT;
	struct lk_keys keys = LK_KEYS_INIT;
	struct lk_error err = {.message = ""};
	enum lk_status status;

	lk_tool_start(&tool, &argc, &argv);
	check_options(argc);
	/* Times in archives that do not name their zone are taken for UTC, wherever this runs. */
	setenv("TZ", "UTC", 1);
	status = run(&paths, &keys, argv, &err);
	lk_keys_release(&keys);
	lk_paths_release(&paths);
	return lk_tool_finish(status, &err);
}
