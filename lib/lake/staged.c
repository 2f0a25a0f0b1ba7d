/* Committing what was staged. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "lake/metadata.h"
#include "lake/commit_report.h"
#include "lake/counts.h"
#include "lake/ledger_history.h"
#include "lake/stage.h"
#include "lake/staged_file.h"
#include "lake/transaction.h"

#define DESCRIPTION_MAX ((size_t)1 << 30)
#define MAX_TRIES 20

/* A description: what becomes of it is decided against the ledger as it was at one moment. */
struct staged {
	char *path;
	json_t *root;
	const char *id, *branch;
	enum fate {
		ACCEPTED,
		ASIDE, /* its deliveries are loaded, or come in another description: its files go */
		DONE,  /* it is committed already: its files stay */
	} fate;
};

struct round {
	struct lk_lake *lake;
	const char *folder;
	struct lk_commit_report *report;
	const char *branch; /* of all of them: the first's; those of others are left for the next round */
	struct staged *items;
	size_t count, cap;
	struct lk_deliveries deliveries; /* of those accepted; text borrowed from their JSON */
	struct lk_takeout takeout;	 /* of the rows of those that are loaded anew */
	struct lk_merges merges;	 /* of tables with one row for each key */
	struct lk_target **targets;
	size_t target_count, target_cap;
	json_t *segments; /* of those accepted, as keys */
	bool stale;	  /* the ledger moved on before the transaction */
	bool more;	  /* descriptions of other branches are there */
};

/* ---- reading descriptions ---- */

static enum lk_status unsound(const struct staged *s, const char *what, struct lk_error *err)
{
	return lk_error_set(err, LK_DATA, "'%s' is not a sound description of a staged run: %s", s->path, what);
}

static enum lk_status parse(struct staged *s, const struct lk_str *text, struct lk_error *err)
{
	json_error_t why;
	json_t *segments, *tables, *deliveries;
	int format;

	s->root = json_loadb(lk_str_text(text), text->len, 0, &why);
	if (!s->root)
		return unsound(s, why.text, err);
	s->branch = LK_MAIN;
	if (json_unpack_ex(s->root, &why, 0, "{s:i, s:s, s?s, s:o, s:o, s:o}", "lk-staged", &format, "id", &s->id, "branch",
		    &s->branch, "segments", &segments, "tables", &tables, "deliveries", &deliveries))
		return unsound(s, why.text, err);
	if (format != 1)
		return unsound(s, "it is of another version of lk", err);
	if (!json_is_array(segments) || !json_is_array(tables) || !json_is_array(deliveries))
		return unsound(s, "a list is missing", err);
	return LK_OK;
}

static void leave_last(struct round *r)
{
	struct staged *s = &r->items[--r->count];

	free(s->path);
	json_decref(s->root);
	r->more = true;
}

/* A description that is gone was committed by another process. */
static enum lk_status read_one(struct round *r, const char *name, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT, text = LK_STR_INIT;
	enum lk_status status;
	struct staged *s;

	if (!lk_grow((void **)&r->items, &r->cap, r->count + 1, sizeof(*r->items)))
		return lk_error_nomem(err);
	lk_str_addf(&path, "%s/%s", r->folder, name);
	LK_TRY(lk_str_check(&path, err));
	status = lk_file_read(path.data, DESCRIPTION_MAX, &text, err);
	if (status) {
		lk_str_release(&path);
		lk_str_release(&text);
		return status == LK_NOINPUT ? LK_OK : status;
	}
	s = &r->items[r->count++];
	*s = (struct staged){.path = path.data};
	status = parse(s, &text, err);
	lk_str_release(&text);
	if (!status && !r->branch)
		r->branch = s->branch;
	else if (!status && strcmp(r->branch, s->branch))
		leave_last(r);
	return status;
}

static int is_description(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return *entry->d_name != '.' && len > 5 && !strcmp(entry->d_name + len - 5, ".json");
}

static enum lk_status read_folder(struct round *r, struct lk_error *err)
{
	enum lk_status status = LK_OK;
	struct dirent **names;
	int n = scandir(r->folder, &names, is_description, alphasort);

	if (n < 0)
		return lk_error_sys(err, errno == EACCES ? LK_NOPERM : LK_NOINPUT, "cannot read folder '%s'", r->folder);
	for (int i = 0; i < n; i++) {
		if (!status)
			status = read_one(r, names[i]->d_name, err);
		free(names[i]);
	}
	free(names);
	return status;
}

/* ---- deciding ---- */

static enum lk_status parse_failed(struct lk_delivery *d, const json_t *list, const struct staged *s, struct lk_error *err)
{
	json_t *item;
	size_t i;

	d->failed = calloc(json_array_size(list) + 1, sizeof(*d->failed));
	if (!d->failed)
		return lk_error_nomem(err);
	json_array_foreach(list, i, item) {
		struct lk_failed *f = &d->failed[i];
		json_int_t rows;

		if (json_unpack(item, "{s:s, s:s, s:I, s:s}", "member", &f->member, "error", &f->error, "rows", &rows,
			    "sources_sha256", &f->sources))
			return unsound(s, "a failed member", err);
		f->rows = rows;
		d->failed_count++;
	}
	return LK_OK;
}

static enum lk_status parse_rejecting(struct lk_delivery *d, const json_t *list, const struct staged *s, struct lk_error *err)
{
	json_t *item;
	size_t i;

	d->rejecting = calloc(json_array_size(list) + 1, sizeof(*d->rejecting));
	if (!d->rejecting)
		return lk_error_nomem(err);
	json_array_foreach(list, i, item) {
		if (!json_is_string(item))
			return unsound(s, "a table of which records were rejected", err);
		d->rejecting[d->rejecting_count++] = json_string_value(item);
	}
	return LK_OK;
}

/* What parse_delivery made. */
static void free_lists(struct lk_delivery *d)
{
	free(d->failed);
	free(d->rejecting);
}

static void mark_again(struct lk_delivery *d, const json_t *members)
{
	json_t *member;
	size_t i;

	json_array_foreach(members, i, member)
		for (size_t k = 0; k < d->was_count; k++)
			d->was[k].again |= json_is_string(member) && !strcmp(json_string_value(member), d->was[k].member);
}

/* The delivery as described; its lists are the caller's to free. */
static enum lk_status parse_delivery(struct lk_delivery *d, const json_t *item, const char **seen_run, json_t **again,
	const struct staged *s, struct lk_error *err)
{
	json_int_t size, modified, members, loaded, rows, rejected;
	json_t *failed, *rejecting = NULL;
	int crashed, anew = 0;

	*d = (struct lk_delivery){.news = true, .seen_run = ""};
	if (json_unpack((json_t *)item, "{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:b, s?b, s:s, s:o, s:o, s?o}", "delivery",
		    &d->path, "path", &d->absolute, "sender", &d->sender, "sha256", &d->sha256, "size", &size, "modified_us", &modified,
		    "package_sha256", &d->package_sha256, "members", &members, "loaded", &loaded, "rows", &rows, "rejected",
		    &rejected, "crashed", &crashed, "anew", &anew, "seen_run", seen_run, "again", again, "failed", &failed, "rejecting", &rejecting))
		return unsound(s, "a delivery", err);
	d->size = size;
	d->modified_us = modified;
	d->members = members;
	d->loaded = loaded;
	d->rows = rows;
	d->rejected = rejected;
	d->crashed = crashed;
	d->anew = anew;
	LK_TRY(parse_rejecting(d, rejecting, s, err));
	return parse_failed(d, failed, s, err);
}

/* Whether the ledger still says of a described delivery what its worker saw, and what it says. */
static enum lk_status hold_against(const struct round *r, const struct lk_delivery *described, const char *seen_run, bool *same,
	enum lk_delivery_state *state, struct lk_error *err)
{
	struct lk_delivery d = {.sender = described->sender, .sha256 = described->sha256, .seen_run = seen_run};
	struct lk_ledger_entry entry;

	LK_TRY(lk_ledger_unchanged(r->lake, r->branch, &d, same, err));
	LK_TRY(lk_ledger_find(r->lake, r->branch, d.sender, d.sha256, NULL, &entry, err));
	*state = entry.state;
	return LK_OK;
}

/* Whether all deliveries of a description are still as its worker saw them, and in no other description. */
static enum lk_status check_deliveries(struct round *r, struct staged *s, struct lk_error *err)
{
	json_t *item, *again;
	size_t i;

	json_array_foreach(json_object_get(s->root, "deliveries"), i, item) {
		enum lk_delivery_state state;
		const char *seen_run;
		struct lk_delivery d;
		enum lk_status status = parse_delivery(&d, item, &seen_run, &again, s, err);
		bool same;

		free_lists(&d);
		LK_TRY(status);
		LK_TRY(hold_against(r, &d, seen_run, &same, &state, err));
		if (!same || (state == LK_DELIVERY_COMPLETE && !d.anew) || lk_deliveries_find(&r->deliveries, d.sender, d.sha256))
			s->fate = ASIDE;
	}
	return LK_OK;
}

static enum lk_status check_segments(struct round *r, struct staged *s, struct lk_error *err)
{
	json_t *segment;
	size_t i;

	json_array_foreach(json_object_get(s->root, "segments"), i, segment) {
		const char *id = json_string_value(segment);
		bool known;

		if (!id)
			return unsound(s, "a segment", err);
		LK_TRY(lk_ledger_staged(r->lake, id, &known, err));
		if (known || json_object_get(r->segments, id))
			s->fate = ASIDE;
	}
	return LK_OK;
}

static enum lk_status decide(struct round *r, size_t at, struct lk_error *err)
{
	struct staged *s = &r->items[at];
	bool known;

	s->fate = ACCEPTED;
	LK_TRY(check_segments(r, s, err));
	LK_TRY(check_deliveries(r, s, err));
	LK_TRY(lk_ledger_staged(r->lake, s->id, &known, err));
	for (size_t i = 0; i < at; i++)
		known |= r->items[i].fate != ASIDE && !strcmp(r->items[i].id, s->id);
	if (known)
		s->fate = DONE;
	return LK_OK;
}

static enum lk_status accept(struct round *r, const struct staged *s, struct lk_error *err)
{
	json_t *item, *again;
	const char *seen_run;
	size_t i;

	json_array_foreach(json_object_get(s->root, "segments"), i, item)
		if (json_object_set_new(r->segments, json_string_value(item), json_true()))
			return lk_error_nomem(err);
	json_array_foreach(json_object_get(s->root, "deliveries"), i, item) {
		struct lk_delivery described, *d = NULL;
		enum lk_status status = parse_delivery(&described, item, &seen_run, &again, s, err);

		if (!status && lk_deliveries_find(&r->deliveries, described.sender, described.sha256))
			status = unsound(s, "a delivery is there twice", err);
		if (!status)
			status = lk_deliveries_add(&r->deliveries, &d, described.sender, described.sha256, err);
		if (status) {
			free_lists(&described);
			return status;
		}
		*d = described;
		LK_TRY(lk_ledger_look(r->lake, r->branch, d, &r->deliveries.arena, err));
		if (described.anew)
			lk_ledger_forget(d);
		mark_again(d, again);
	}
	return LK_OK;
}

/* All against one state of the ledger: a read transaction, as another process may commit the same ones meanwhile. */
static enum lk_status decide_all(struct round *r, struct lk_error *err)
{
	enum lk_status status;

	r->deliveries.branch = r->branch;
	LK_TRY(lk_catalog_run(r->lake, NULL, err, "BEGIN", ""));
	status = r->count ? lk_ledger_check_branch(r->lake, r->branch, err) : LK_OK;
	for (size_t i = 0; !status && i < r->count; i++) {
		status = decide(r, i, err);
		if (!status && r->items[i].fate == ACCEPTED)
			status = accept(r, &r->items[i], err);
	}
	lk_catalog_rollback(r->lake);
	return status;
}

/* ---- files ---- */

/* A description names files of its tables only: what it says is not trusted with other paths. */
static bool is_inside(const struct lk_target *t, const char *uri)
{
	size_t len = strlen(t->data_uri);

	return !strncmp(uri, t->data_uri, len) && uri[len] == '/' && !strstr(uri, "/../") && lk_uri_path(uri);
}

static enum lk_status add_file(struct lk_target *t, const struct staged *s, json_t *item, struct lk_error *err)
{
	struct lk_data_file file = {0};
	enum lk_status status = lk_staged_file_read(t->base, item, &file, err);
	struct stat st;

	if (status == LK_DATA || (!status && !is_inside(t, file.uri)))
		status = unsound(s, "a file", err);
	if (!status && (stat(lk_uri_path(file.uri), &st) || st.st_size != file.metrics.file_bytes))
		status = lk_error_set(err, LK_DATA, "'%s' names '%s', which is missing or of another size", s->path, file.uri);
	if (!status)
		status = lk_target_add_file(t, &file, err);
	lk_data_file_release(&file);
	return status;
}

static enum lk_status find_target(struct round *r, const char *name, struct lk_target **out, struct lk_error *err)
{
	enum lk_status status;
	struct lk_target *t;

	for (size_t i = 0; i < r->target_count; i++) {
		const char *dot = strrchr(name, '.');

		t = r->targets[i];
		if (dot && !strncmp(t->namespace_name, name, (size_t)(dot - name)) &&
			!t->namespace_name[dot - name] && !strcmp(t->name, dot + 1)) {
			*out = t;
			return LK_OK;
		}
	}
	if (!lk_grow((void **)&r->targets, &r->target_cap, r->target_count + 1, sizeof(*r->targets)))
		return lk_error_nomem(err);
	*out = t = calloc(1, sizeof(*t));
	if (!t)
		return lk_error_nomem(err);
	r->targets[r->target_count++] = t;
	status = lk_target_open(t, r->lake, name, err);
	return status ? status : lk_target_branch(t, r->lake, r->branch, err);
}

/* A lake knows its tables by their UUIDs: those of another lake of the same names are others. */
static enum lk_status check_table(const struct lk_target *t, const struct staged *s, const char *name, const char *uuid,
	struct lk_error *err)
{
	if (t->base && !strcmp(lk_metadata_text(t->base, "table-uuid"), uuid))
		return LK_OK;
	return lk_error_set(err, LK_DATA, "'%s' was staged for a table %s that is not there any more, or for another lake; "
		"nothing was changed", s->path, name);
}

static enum lk_status add_merge(struct round *r, const struct staged *s, struct lk_target *t, const json_t *json, struct lk_error *err)
{
	struct lk_merge *merge;
	struct lk_spec spec;

	if (lk_spec_parse(&spec, json, &r->merges.arena, err) || spec.load == LK_LOAD_APPEND)
		return unsound(s, "how rows of a table are merged", err);
	return lk_merges_add(&r->merges, t, &spec, &merge, err);
}

static enum lk_status add_table(struct round *r, const struct staged *s, json_t *table, struct lk_error *err)
{
	struct lk_target *t = NULL;
	const char *name, *uuid;
	json_int_t schema_id;
	json_t *files, *item, *spec = NULL;
	size_t i;

	if (json_unpack(table, "{s:s, s:s, s:I, s:o, s?o}", "table", &name, "uuid", &uuid, "schema-id", &schema_id, "files", &files, "spec",
		    &spec))
		return unsound(s, "a table", err);
	LK_TRY(find_target(r, name, &t, err));
	LK_TRY(check_table(t, s, name, uuid, err));
	if (!lk_metadata_schema_of(t->base, schema_id))
		return unsound(s, "its schema is not the table's", err);
	if (spec)
		LK_TRY(add_merge(r, s, t, spec, err));
	json_array_foreach(files, i, item)
		LK_TRY(add_file(t, s, item, err));
	return LK_OK;
}

/* Of a description that is set aside: it is not to be removed when it is another lake's, of which it holds news. */
static enum lk_status check_aside(struct round *r, const struct staged *s, json_t *table, struct lk_error *err)
{
	const char *name, *uuid;
	enum lk_status status;
	struct lk_target t;

	if (json_unpack(table, "{s:s, s:s}", "table", &name, "uuid", &uuid))
		return unsound(s, "a table", err);
	status = lk_target_open(&t, r->lake, name, err);
	if (!status)
		status = check_table(&t, s, name, uuid, err);
	lk_target_release(&t);
	return status;
}

static enum lk_status gather(struct round *r, struct lk_error *err)
{
	json_t *table;
	size_t k;

	for (size_t i = 0; i < r->count; i++)
		json_array_foreach(json_object_get(r->items[i].root, "tables"), k, table)
			if (r->items[i].fate == ACCEPTED)
				LK_TRY(add_table(r, &r->items[i], table, err));
			else if (r->items[i].fate == ASIDE)
				LK_TRY(check_aside(r, &r->items[i], table, err));
	return LK_OK;
}

/* ---- committing ---- */

static enum lk_status check_unknown(struct round *r, struct lk_lake *lake, struct lk_error *err)
{
	const char *segment;
	json_t *value;
	bool known;

	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].fate == ACCEPTED) {
			LK_TRY(lk_ledger_staged(lake, r->items[i].id, &known, err));
			r->stale |= known;
		}
	json_object_foreach(r->segments, segment, value) {
		LK_TRY(lk_ledger_staged(lake, segment, &known, err));
		r->stale |= known;
	}
	return LK_OK;
}

static enum lk_status write_ledger(void *context, struct lk_lake *lake, bool *go, struct lk_error *err)
{
	struct round *r = context;
	enum lk_status status;
	const char *segment;
	json_t *value;
	bool loaded;

	LK_TRY(lk_ledger_check_branch(lake, r->branch, err));
	LK_TRY(check_unknown(r, lake, err));
	status = lk_deliveries_recheck(&r->deliveries, lake, &loaded, err);
	if (status && status != LK_CONFLICT)
		return status;
	r->stale |= status == LK_CONFLICT || loaded;
	*go = !r->stale;
	if (r->stale)
		return LK_OK;
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].fate == ACCEPTED)
			LK_TRY(lk_ledger_add_staged(lake, r->items[i].id, r->report->run, err));
	json_object_foreach(r->segments, segment, value)
		LK_TRY(lk_ledger_add_staged(lake, segment, r->report->run, err));
	return lk_deliveries_record(&r->deliveries, lake, r->report->run, err);
}

static enum lk_status get_target(void *context, const char *name, struct lk_target **out, struct lk_error *err)
{
	return find_target(context, name, out, err);
}

static enum lk_status find_again(void *context, struct lk_target *target, bool *go, struct lk_error *err)
{
	struct lk_takeout_counts counts;
	struct round *r = context;

	(void)go;
	if (lk_merges_find(&r->merges, target))
		return LK_OK; /* decided once all bases are known */
	return lk_takeout_find_again(&r->takeout, target, &counts, err);
}

static enum lk_status make_ready(void *context, struct lk_error *err)
{
	return lk_merges_ready(&((struct round *)context)->merges, err);
}

/* Rows that are found by their key are the merge's to take out. */
static enum lk_status merge_instead(void *context, const struct lk_lake_table *table, bool *instead, struct lk_error *err)
{
	struct round *r = context;

	return lk_merges_instead(&r->merges, table, get_target, r, instead, err);
}

/* What rows mean to tables that have one row for each key: all that was staged of a table at once. */
static enum lk_status merge(struct round *r, struct lk_error *err)
{
	struct lk_target *versions;

	if (!r->merges.count)
		return LK_OK;
	LK_TRY(find_target(r, LK_TABLE_VERSIONS, &versions, err));
	LK_TRY(lk_merges_gather(&r->merges, versions, err));
	return lk_merges_ready(&r->merges, err);
}

/* What this round wrote itself, when nothing names it: the staged files stay. */
static void take_back(struct round *r)
{
	lk_merges_discard(&r->merges);
	for (size_t i = 0; i < r->target_count; i++)
		lk_target_clear_deletes(r->targets[i]);
}

static enum lk_status commit(struct round *r, struct lk_error *err)
{
	struct lk_transaction tx = {.lake = r->lake, .run = r->report->run, .hook = write_ledger, .rebased = find_again,
		.ready = make_ready, .context = r, .force = true};
	enum lk_status status;

	r->takeout.branch = r->merges.branch = r->branch;
	status = lk_deliveries_take_out(&r->deliveries, r->lake, &r->takeout, get_target, r, err);
	if (!status)
		status = merge(r, err);
	tx.targets = r->targets;
	tx.count = r->target_count;
	if (!status)
		status = lk_transaction_run(&tx, err);
	if (tx.outcome == LK_OUTCOME_UNCHANGED)
		take_back(r);
	LK_TRY(status);
	if (r->stale)
		return LK_OK;
	lk_merges_finish(&r->merges);
	for (size_t i = 0; i < r->target_count; i++)
		if (r->targets[i] != r->merges.versions || r->targets[i]->new_location) /* no news of facts are none to tell */
			LK_TRY(lk_commit_report_add_table(r->report, r->targets[i], lk_merges_find(&r->merges, r->targets[i]), true, err));
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].fate == ACCEPTED)
			LK_TRY(lk_commit_counts_add(r->report->counts, json_object_get(r->items[i].root, "counts"), err));
	return lk_commit_report_add_deliveries(r->report, &r->deliveries, err);
}

/* ---- after it ---- */

/* The files of a description that will never be committed. Tables that are gone took theirs with them. */
static enum lk_status remove_files(struct round *r, const struct staged *s, struct lk_error *err)
{
	json_t *table, *file;
	size_t i, k;

	json_array_foreach(json_object_get(s->root, "tables"), i, table) {
		struct lk_target t;
		enum lk_status status = lk_target_open(&t, r->lake, lk_metadata_text(table, "table"), err);

		json_array_foreach(json_object_get(table, "files"), k, file) {
			const char *uri = lk_metadata_text(file, "path");

			if (!status && is_inside(&t, uri))
				status = lk_remove(lk_uri_path(uri), err);
		}
		lk_target_release(&t);
		LK_TRY(status);
	}
	return LK_OK;
}

/* Deliveries of a description that was set aside: loaded by others, or to be done again. */
static enum lk_status report_aside(struct round *r, const struct staged *s, struct lk_error *err)
{
	json_t *item, *again;
	const char *seen_run;
	size_t i;

	r->report->set_aside++;
	json_array_foreach(json_object_get(s->root, "deliveries"), i, item) {
		enum lk_delivery_state state;
		struct lk_delivery d;
		enum lk_status status = parse_delivery(&d, item, &seen_run, &again, s, err);
		bool same = false;

		free_lists(&d);
		LK_TRY(status);
		LK_TRY(hold_against(r, &d, seen_run, &same, &state, err));
		same = d.anew || (same && state != LK_DELIVERY_COMPLETE);
		LK_TRY(lk_commit_list_add(same ? &r->report->again : &r->report->skipped, &r->report->arena, &d, err));
	}
	return LK_OK;
}

static enum lk_status clean_up(struct round *r, struct lk_error *err)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->items[i].fate == ASIDE) {
			LK_TRY(report_aside(r, &r->items[i], err));
			LK_TRY(remove_files(r, &r->items[i], err));
		}
		LK_TRY(lk_remove(r->items[i].path, err));
	}
	return r->count ? lk_dir_sync(r->folder, err) : LK_OK;
}

static enum lk_status run_round(struct round *r, struct lk_error *err)
{
	bool any = false;

	LK_TRY(read_folder(r, err));
	LK_TRY(decide_all(r, err));
	LK_TRY(gather(r, err));
	for (size_t i = 0; i < r->count; i++)
		any |= r->items[i].fate == ACCEPTED;
	r->report->nothing = r->report->nothing && !any;
	if (any)
		LK_TRY(commit(r, err));
	return r->stale ? LK_OK : clean_up(r, err);
}

static void release(struct round *r)
{
	lk_merges_release(&r->merges);
	for (size_t i = 0; i < r->target_count; i++) {
		lk_target_release(r->targets[i]);
		free(r->targets[i]);
	}
	free(r->targets);
	lk_deliveries_release(&r->deliveries);
	for (size_t i = 0; i < r->count; i++) {
		free(r->items[i].path);
		json_decref(r->items[i].root);
	}
	free(r->items);
	json_decref(r->segments);
}

enum lk_status lk_commit_staged(struct lk_lake *lake, const char *folder, const struct lk_row_finder *rows,
	const struct lk_merger *merger, struct lk_commit_report *report, struct lk_error *err)
{
	LK_TRY(lk_commit_report_init(report, err));
	report->nothing = true;
	for (int try = 0; try < MAX_TRIES; try++) {
		struct round r = {.lake = lake, .folder = folder, .report = report, .segments = json_object(),
			.takeout = {.finder = rows, .run = report->run, .instead = merge_instead}, .merges = {.lake = lake, .merger = merger}};
		enum lk_status status;
		bool stale, more;

		r.takeout.context = &r;
		r.merges.run = report->run;
		r.merges.deliveries = &r.deliveries;
		status = r.segments ? run_round(&r, err) : lk_error_nomem(err);
		stale = r.stale;
		more = r.more;
		release(&r);
		if (status || (!stale && !more))
			return status;
		if (!stale) { /* those of the next branch: as a run of its own, for files are named by it */
			LK_TRY(lk_uuid(report->run, err));
			try = -1;
		}
	}
	return lk_error_set(err, LK_CONFLICT, "other writers were first %d times; nothing was changed, try again", MAX_TRIES);
}

static enum lk_status discard(struct round *r, const char *name, struct lk_error *err)
{
	LK_TRY(read_one(r, name, err));
	if (!r->count)
		return LK_OK;
	LK_TRY(remove_files(r, &r->items[0], err));
	return lk_remove(r->items[0].path, err);
}

enum lk_status lk_commit_discard(struct lk_lake *lake, const char *description, struct lk_error *err)
{
	const char *name = lk_path_base(description);
	char *folder = strndup(description, (size_t)(name - description));
	struct round r = {.lake = lake, .folder = folder && *folder ? folder : "."};
	enum lk_status status = folder ? discard(&r, name, err) : lk_error_nomem(err);

	release(&r);
	free(folder);
	return status;
}
