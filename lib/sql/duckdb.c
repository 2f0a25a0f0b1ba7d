#include "sql/duckdb.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static const char hint[] = "run scripts/setup, or let LK_DUCKDB name the library";

/* Places beside the program: the build's, the sanitized build's (whose tests lie a level deeper), the installation's. */
static const char *const places[] = {"../deps/duckdb", "../../deps/duckdb", "../../../deps/duckdb", "../lib/lk"};

/* The library beside the program in *path, or *path empty. */
static void find_beside(struct lk_str *path)
{
	char *dir = lk_program_dir();

	for (size_t i = 0; dir && i < sizeof(places) / sizeof(*places); i++) {
		lk_str_clear(path);
		lk_str_addf(path, "%s/%s/libduckdb.so", dir, places[i]);
		if (!access(lk_str_text(path), R_OK)) {
			free(dir);
			return;
		}
	}
	lk_str_clear(path);
	free(dir);
}

static enum lk_status open_library(void **library, struct lk_error *err)
{
	const char *given = getenv("LK_DUCKDB");
	struct lk_str path = LK_STR_INIT;
	const char *name = "libduckdb.so";

	if (given && *given) {
		name = given;
	} else {
		find_beside(&path);
		if (path.len)
			name = path.data;
	}
	*library = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
	if (!*library)
		lk_error_set(err, LK_MISSING, "cannot load DuckDB: %s; %s", dlerror(), hint);
	lk_str_release(&path);
	return *library ? LK_OK : LK_MISSING;
}

enum lk_status lk_duckdb_load(struct lk_duckdb *duckdb, struct lk_error *err)
{
	void *library, *symbol;

	LK_TRY(open_library(&library, err));
	/* POSIX has dlsym's result converted to a function pointer through its bytes. */
#define LOOK_UP(type, name, parameters)                                                                               \
	symbol = dlsym(library, "duckdb_" #name);                                                                     \
	if (!symbol)                                                                                                  \
		return lk_error_set(err, LK_MISSING, "this DuckDB has no duckdb_%s; %s", #name, hint);                \
	memcpy(&duckdb->name, &symbol, sizeof(symbol));
	LK_DUCKDB_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
	return LK_OK;
}
