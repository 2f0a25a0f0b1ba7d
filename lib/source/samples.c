#include "source/samples.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "source/expect.h"
#include "source/package.h"
#include "stream/stream.h"

#define EXPECT ".expect"

/* The walk over the samples of one package. */
struct walk {
	struct lk_sources *sources;
	const struct lk_package *package;
	size_t root; /* length of the samples' folder and the slash after it */
	bool accept;
	FILE *out;
	struct lk_samples_totals *totals;
};

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

/* ---- one sample ---- */

/* The delivery and member that the path below the samples' folder says. */
static enum lk_status name_sample(
	const struct walk *w, const char *path, struct lk_arena *arena, struct lk_sample *sample, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	const char *archive;
	char *delivery;

	lk_path_text(&text, path + w->root);
	delivery = text.failed ? NULL : lk_arena_strdup(arena, lk_str_text(&text));
	lk_str_release(&text);
	if (!delivery)
		return lk_error_nomem(err);
	archive = strstr(delivery, "!/");
	*sample = (struct lk_sample){path, delivery, archive ? archive + 2 : lk_path_base(delivery)};
	if (archive)
		delivery[archive - delivery] = '\0';
	return LK_OK;
}

/* A sample must be taken by the package that it lies beside. */
static void check_package(const struct walk *w, const struct lk_sample *sample, struct lk_expect *e)
{
	const struct lk_sample_table *files = lk_sample_find(e->result, LK_TABLE_FILES);
	struct lk_str own = LK_STR_INIT;
	bool decimal;

	lk_str_add_json(&own, w->package->name, strlen(w->package->name));
	for (size_t i = 0; files && i < files->count; i++) {
		const char *taken = lk_sample_cell(&files->rows[i], "package", &decimal);

		if (!strcmp(taken, "null") || !strcmp(taken, lk_str_text(&own)))
			continue;
		fprintf(w->out, "%s: the package %s takes it, not %s\n", sample->path, taken, lk_str_text(&own));
		e->differs = true;
	}
	lk_str_release(&own);
}

static enum lk_status judge(struct walk *w, struct lk_expect *e, struct lk_error *err)
{
	check_package(w, e->sample, e);
	LK_TRY(lk_expect_check(e, err));
	w->totals->samples++;
	w->totals->wrong += e->differs;
	w->totals->written += e->written;
	return LK_OK;
}

static enum lk_status check_sample(struct walk *w, const char *path, struct lk_error *err)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_sample sample;
	struct lk_sample_result result = {.arena = LK_ARENA_INIT};
	struct lk_expect e = {.sample = &sample, .result = &result, .accept = w->accept, .out = w->out};
	enum lk_status status = name_sample(w, path, &arena, &sample, err);

	e.folder = lk_arena_printf(&arena, "%s" EXPECT, path);
	if (!status && !e.folder)
		status = lk_error_nomem(err);
	if (!status)
		status = lk_sample_run(w->sources, &sample, &result, err);
	if (!status)
		status = judge(w, &e, err);
	lk_sample_result_release(&result);
	lk_arena_release(&arena);
	return status;
}

/* ---- the walk ---- */

static enum lk_status walk_folder(struct walk *w, const char *folder, struct lk_error *err);

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Expectations whose sample is gone. */
static void check_orphan(struct walk *w, const char *path)
{
	struct lk_str sample = LK_STR_INIT;
	struct stat st;

	lk_str_add(&sample, path, strlen(path) - strlen(EXPECT));
	if (stat(lk_str_text(&sample), &st)) {
		fprintf(w->out, "%s: there is no such sample\n", path);
		w->totals->wrong++;
	}
	lk_str_release(&sample);
}

static enum lk_status visit(struct walk *w, const char *path, struct lk_error *err)
{
	struct stat link, st;

	if (lstat(path, &link) || stat(path, &st))
		return lk_error_sys(err, LK_NOINPUT, "cannot read '%s'", path);
	if (S_ISREG(st.st_mode))
		return check_sample(w, path, err);
	if (!S_ISDIR(link.st_mode))
		return LK_OK;
	if (!ends_with(path, EXPECT))
		return walk_folder(w, path, err);
	check_orphan(w, path);
	return LK_OK;
}

static enum lk_status walk_folder(struct walk *w, const char *folder, struct lk_error *err)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, by_name);
	enum lk_status status = LK_OK;

	if (count < 0)
		return lk_error_sys(err, LK_NOINPUT, "cannot open '%s'", folder);
	for (int i = 0; i < count; i++) {
		struct lk_str path = LK_STR_INIT;

		lk_str_addf(&path, "%s/%s", folder, entries[i]->d_name);
		if (!status)
			status = lk_str_check(&path, err);
		if (!status)
			status = visit(w, lk_str_text(&path), err);
		lk_str_release(&path);
		free(entries[i]);
	}
	free(entries);
	return status;
}

/* Beside datapackage.json lies `samples`, beside NAME.json `NAME.samples`. */
static void name_folder(const struct lk_package *p, struct lk_str *out)
{
	const char *base = lk_path_base(p->file);
	size_t stem = strlen(p->file) - (ends_with(base, ".json") ? strlen(".json") : 0);

	if (!strcmp(base, "datapackage.json"))
		lk_str_addf(out, "%.*ssamples", (int)(base - p->file), p->file);
	else
		lk_str_addf(out, "%.*s.samples", (int)stem, p->file);
}

static enum lk_status check_package_samples(struct walk *w, struct lk_error *err)
{
	struct lk_str folder = LK_STR_INIT;
	enum lk_status status;
	struct stat st;

	name_folder(w->package, &folder);
	w->root = folder.len + 1;
	status = lk_str_check(&folder, err);
	if (!status && !stat(lk_str_text(&folder), &st) && S_ISDIR(st.st_mode))
		status = walk_folder(w, lk_str_text(&folder), err);
	lk_str_release(&folder);
	return status;
}

enum lk_status lk_samples_check(
	struct lk_sources *s, bool accept, FILE *out, struct lk_samples_totals *totals, struct lk_error *err)
{
	*totals = (struct lk_samples_totals){0};
	for (int i = 0; i < s->count; i++) {
		struct walk w = {.sources = s, .package = s->packages[i], .accept = accept, .out = out, .totals = totals};

		LK_TRY(check_package_samples(&w, err));
	}
	return LK_OK;
}
