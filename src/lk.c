/* lk: runs lk-NAME as `lk NAME`, and says which commands there are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/commands.h"
#include "base/file.h"
#include "base/process.h"
#include "base/str.h"
#include "base/tool.h"

static const struct lk_tool tool = {
	.name = "lk",
	.usage = "command [argument ...]\nhelp [command]",
	.about =
		"Turns encrypted drops of files into an Iceberg lake. 'lk NAME' runs lk-NAME; 'lk help' lists the commands.",
};

static enum lk_status list_commands(struct lk_error *err)
{
	struct lk_commands commands;
	enum lk_status status = lk_commands_list(&commands, err);
	const char *about;

	printf("usage: lk command [argument ...]\n\nCommands, each with a manual page ('lk help NAME') and --help:\n\n");
	for (size_t i = 0; !status && i < commands.count; i++) {
		status = lk_commands_about(&commands, commands.names[i], &about, err);
		if (!status)
			printf("  %-10s %s\n", commands.names[i], about);
	}
	lk_commands_release(&commands);
	return status;
}

static enum lk_status unknown(const char *name, struct lk_error *err)
{
	struct lk_commands commands;
	enum lk_status status = lk_commands_list(&commands, err);
	const char *near = status ? NULL : lk_commands_nearest(&commands, name);

	if (!status && near)
		status = lk_error_set(err, LK_USAGE, "'%s' is not a command; did you mean '%s'?", name, near);
	else if (!status)
		status = lk_error_set(err, LK_USAGE, "'%s' is not a command; 'lk help' lists them", name);
	lk_commands_release(&commands);
	return status;
}

/* Where lk-NAME is; LK_USAGE with a suggestion when it is nowhere. */
static enum lk_status find_command(const char *name, char **path, struct lk_error *err)
{
	struct lk_str file = LK_STR_INIT;
	enum lk_status status;

	*path = NULL;
	lk_str_addf(&file, "lk-%s", name);
	status = lk_str_check(&file, err);
	if (!status && (!*name || strchr(name, '/') || lk_program_find(file.data, path, NULL)))
		status = unknown(name, err);
	lk_str_release(&file);
	return status;
}

/* Only returns when the program could not be run. */
static enum lk_status run_command(char **argv, struct lk_error *err)
{
	char *path;

	LK_TRY(find_command(argv[0], &path, err));
	argv[0] = path;
	execv(path, argv);
	lk_error_sys(err, LK_MISSING, "cannot run '%s'", path);
	free(path);
	return LK_MISSING;
}

/* The manual page of lk-NAME beside the build or the installation; malloc'd, NULL when it is not there. */
static char *find_page(const char *name)
{
	static const char *const places[] = {"../../man", "../share/man/man1", "../../../man"};
	char *dir = lk_program_dir(), *page = NULL;

	for (size_t i = 0; dir && i < sizeof(places) / sizeof(*places); i++) {
		if (asprintf(&page, "%s/%s/lk%s%s.1", dir, places[i], *name ? "-" : "", name) < 0)
			page = NULL;
		if (page && access(page, R_OK) == 0)
			break;
		free(page);
		page = NULL;
	}
	free(dir);
	return page;
}

/* Shows the manual page, or what --help says where there is no page or nothing to show it with. Only returns
 * on errors. */
static enum lk_status help_command(const char *name, struct lk_error *err)
{
	static const char *const viewers[] = {"man", "mandoc"};
	char *path, *page;

	LK_TRY(find_command(name, &path, err));
	page = find_page(name);
	for (size_t i = 0; page && i < 2; i++)
		execlp(viewers[i], viewers[i], page, (char *)NULL);
	free(page);
	execl(path, path, "--help", (char *)NULL);
	lk_error_sys(err, LK_MISSING, "cannot run '%s'", path);
	free(path);
	return LK_MISSING;
}

/* What follows the command's name is the command's own, so only what stands before it is parsed here. */
static void start(int *argc, char ***argv)
{
	int own = *argc > 1 && (*argv)[1][0] == '-' ? *argc : 1;
	char **begin = *argv;

	lk_tool_start(&tool, &own, argv);
	*argc -= (int)(*argv - begin);
}

int main(int argc, char **argv)
{
	struct lk_error err = {0};
	enum lk_status status;

	start(&argc, &argv);
	if (argc == 0)
		lk_tool_misuse("a command is needed; 'lk help' lists them");
	if (strcmp(argv[0], "help"))
		status = run_command(argv, &err);
	else if (argc > 2)
		lk_tool_misuse("'lk help' takes one command, not '%s' as well", argv[2]);
	else
		status = argc == 2 ? help_command(argv[1], &err) : list_commands(&err);
	return lk_tool_finish(status, &err);
}
