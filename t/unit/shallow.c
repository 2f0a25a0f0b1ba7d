/* Trial lakes as their parent's catalog knows them: registered, being made, there, gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lake/shallow.h"
#include "tap.h"

static char dir[] = "/tmp/lk-unit-shallow.XXXXXX";
static struct lk_error err;

static char *in_dir(const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	return path;
}

static struct lk_lake *open_lake(const char *path)
{
	struct lk_lake *lake;

	if (lk_lake_open(&lake, path, LK_LAKE_CREATE, &err)) {
		ok(false, "%s", err.message);
		exit(1);
	}
	return lake;
}

int main(void)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_shallow *list;
	struct lk_lake *parent, *child;
	char *parent_path, *child_path, *command;
	const char **parents;
	int count;

	if (!mkdtemp(dir))
		return 1;
	parent_path = in_dir("parent");
	child_path = in_dir("child");
	parent = open_lake(parent_path);
	is_int(lk_shallow_list(parent, &arena, &list, &count, &err), LK_OK, "a lake without trial lakes is asked");
	is_int(count, 0, "there are none");
	is_int(lk_shallow_forget(parent, child_path, &err), LK_OK, "one that is not known is forgotten");

	is_int(lk_shallow_register(parent, child_path, &err), LK_OK, "one is registered");
	is_int(lk_shallow_register(parent, child_path, &err), LK_OK, "and once more");
	is_int(lk_shallow_list(parent, &arena, &list, &count, &err), LK_OK, "the list is read");
	is_int(count, 1, "it is there once");
	is_text(list[0].path, child_path, "under its path");
	is_int(list[0].state, LK_SHALLOW_BEING_MADE, "and is being made");

	child = open_lake(child_path);
	is_int(lk_shallow_list(parent, &arena, &list, &count, &err), LK_OK, "the list is read");
	is_int(list[0].state, LK_SHALLOW_THERE, "now it has a catalog");
	is_int(lk_shallow_parents(child, &arena, &parents, &count, &err), LK_OK, "a lake that shares nothing is asked");
	is_int(count, 0, "it has no parents");
	lk_lake_close(child);

	command = in_dir("child/catalog.db");
	is_int(lk_remove(command, &err), LK_OK, "the trial lake goes");
	is_int(lk_catalog_run(parent, NULL, &err, "UPDATE lk_shallow SET made_ms = 1000", ""), LK_OK, "which was made long ago");
	is_int(lk_shallow_list(parent, &arena, &list, &count, &err), LK_OK, "the list is read");
	is_int(list[0].state, LK_SHALLOW_GONE, "it is gone");
	is_int(lk_shallow_forget(parent, child_path, &err), LK_OK, "and forgotten");
	is_int(lk_shallow_list(parent, &arena, &list, &count, &err), LK_OK, "the list is read");
	is_int(count, 0, "none is left");
	lk_lake_close(parent);

	free(command);
	command = in_dir("parent/catalog.db");
	unlink(command);
	rmdir(parent_path);
	rmdir(child_path);
	is_int(rmdir(dir), 0, "nothing else was left behind");
	free(command);
	free(parent_path);
	free(child_path);
	lk_arena_release(&arena);
	return done();
}
