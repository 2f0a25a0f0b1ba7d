#include "tend/plan.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/str.h"
#include "base/value.h"
#include "lake/metadata.h"

#define TARGET_BYTES (INT64_C(512) << 20)
#define CHEAP_BYTES (INT64_C(64) << 20) /* a smaller file is written again for any reason */
#define FEW_FILES 5			/* that make up for writing a larger one again */
#define DELETED_PERCENT 10
#define EARLIER_BYTES (INT64_C(16) << 30) /* of an earlier spec, that are written again together */

/* ---- partitions ---- */

static struct lk_filekey partition_key(const struct lk_data_file *f)
{
	XXH3_state_t *state = XXH3_createState();
	struct lk_filekey key = {1, (uint64_t)(uint32_t)f->spec_id};
	XXH128_hash_t hash;

	if (!state || !f->partition_count) {
		XXH3_freeState(state);
		return key;
	}
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, &f->spec_id, sizeof(f->spec_id));
	for (int i = 0; i < f->partition_count; i++) {
		const struct lk_partition_value *v = &f->partition[i];
		uint64_t head[3] = {(uint64_t)v->field_id, v->null, v->null ? 0 : v->value.len};

		XXH3_128bits_update(state, head, sizeof(head));
		if (!v->null && v->value.len)
			XXH3_128bits_update(state, v->value.data, v->value.len);
	}
	hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	return (struct lk_filekey){hash.low64 | 1, hash.high64};
}

static bool same_key(struct lk_filekey a, struct lk_filekey b)
{
	return a.a == b.a && a.b == b.b;
}

/* What a comparison needs, as qsort_r hands it on. */
static int by_partition(const void *x, const void *y, void *context)
{
	const struct lk_compact_plan *plan = context;
	int a = *(const int *)x, b = *(const int *)y;
	struct lk_filekey k = plan->partitions[a], l = plan->partitions[b];
	const struct lk_lake_file *f = &plan->table->files[a], *g = &plan->table->files[b];

	if (k.a != l.a)
		return k.a < l.a ? -1 : 1;
	if (k.b != l.b)
		return k.b < l.b ? -1 : 1;
	if (f->sequence != g->sequence)
		return f->sequence < g->sequence ? -1 : 1;
	return strcmp(f->uri, g->uri);
}

static int by_uri(const void *x, const void *y, void *context)
{
	const struct lk_compact_plan *plan = context;

	return strcmp(plan->table->files[*(const int *)x].uri, plan->table->files[*(const int *)y].uri);
}

static enum lk_status sort_files(struct lk_compact_plan *plan, struct lk_error *err)
{
	size_t n = (size_t)plan->table->file_count;

	plan->partitions = malloc((n + 1) * sizeof(*plan->partitions));
	plan->order = malloc((n + 1) * sizeof(*plan->order));
	plan->by_uri = malloc((n + 1) * sizeof(*plan->by_uri));
	plan->deleted = calloc(n + 1, sizeof(*plan->deleted));
	plan->equality = calloc(n + 1, sizeof(*plan->equality));
	if (!plan->partitions || !plan->order || !plan->by_uri || !plan->deleted || !plan->equality)
		return lk_error_nomem(err);
	for (size_t i = 0; i < n; i++) {
		plan->partitions[i] = partition_key(&plan->table->files[i].entry);
		plan->order[i] = plan->by_uri[i] = (int)i;
	}
	qsort_r(plan->order, n, sizeof(*plan->order), by_partition, plan);
	qsort_r(plan->by_uri, n, sizeof(*plan->by_uri), by_uri, plan);
	return LK_OK;
}

int lk_compact_find(const struct lk_compact_plan *plan, const char *uri)
{
	int low = 0, high = plan->table->file_count;

	while (low < high) {
		int middle = low + (high - low) / 2, order = strcmp(plan->table->files[plan->by_uri[middle]].uri, uri);

		if (!order)
			return plan->by_uri[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* ---- deletes ---- */

/* "Delete Formats", "Scan Planning" of Iceberg's specification. */
static bool reaches(const struct lk_compact_plan *plan, const struct lk_lake_deletes *d, struct lk_filekey partition, bool equality,
	int file)
{
	const struct lk_lake_file *f = &plan->table->files[file];

	if (d->referenced && strcmp(d->referenced, f->uri) != 0)
		return false;
	if (equality ? f->sequence >= d->sequence : f->sequence > d->sequence)
		return false;
	if (equality && !d->entry.partition_count)
		return true;
	return d->referenced || same_key(partition, plan->partitions[file]);
}

bool lk_compact_shares_partition(const struct lk_compact_plan *plan, const struct lk_lake_deletes *d, bool equality,
	const struct lk_compact_group *group)
{
	struct lk_filekey key = partition_key(&d->entry);

	if (equality && !d->entry.partition_count)
		return true;
	for (int i = 0; i < group->file_count; i++)
		if (same_key(key, plan->partitions[group->files[i]]))
			return true;
	return false;
}

/* The files of a partition in plan->order: *first, and how many. */
static int files_of(const struct lk_compact_plan *plan, struct lk_filekey key, int *first)
{
	int low = 0, high = plan->table->file_count, count = 0;

	while (low < high) {
		int middle = low + (high - low) / 2;
		struct lk_filekey k = plan->partitions[plan->order[middle]];

		if (k.a < key.a || (k.a == key.a && k.b < key.b))
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	while (low + count < plan->table->file_count && same_key(plan->partitions[plan->order[low + count]], key))
		count++;
	return count;
}

typedef void file_visitor(struct lk_compact_plan *plan, const struct lk_lake_deletes *d, int file, int64_t share);

/* The data files to which deletes apply, out of those that do not go; returns how many. */
static int each_applied(const struct lk_compact_plan *plan, const struct lk_lake_deletes *d, bool equality, const bool *gone,
	file_visitor *visit, int64_t share)
{
	struct lk_filekey key = partition_key(&d->entry);
	int first = 0, count, met = 0;

	if (d->referenced) {
		int file = lk_compact_find(plan, d->referenced);

		met = file >= 0 && (!gone || !gone[file]) && reaches(plan, d, key, equality, file);
		if (met && visit)
			visit((struct lk_compact_plan *)plan, d, file, share);
		return met;
	}
	count = equality && !d->entry.partition_count ? plan->table->file_count : files_of(plan, key, &first);
	for (int i = first; i < first + count; i++) {
		int file = plan->order[i];

		if ((gone && gone[file]) || !reaches(plan, d, key, equality, file))
			continue;
		met++;
		if (visit)
			visit((struct lk_compact_plan *)plan, d, file, share);
	}
	return met;
}

static void note_rows(struct lk_compact_plan *plan, const struct lk_lake_deletes *d, int file, int64_t share)
{
	(void)d;
	plan->deleted[file] += share;
}

static void note_equality(struct lk_compact_plan *plan, const struct lk_lake_deletes *d, int file, int64_t share)
{
	(void)d;
	(void)share;
	plan->equality[file] = true;
}

/* Deletes that do not say which file they are about are shared out among all that they may be about. */
static void count_deletes(struct lk_compact_plan *plan)
{
	const struct lk_lake_table *t = plan->table;

	for (int i = 0; i < t->deletes_count; i++) {
		int met = t->deletes[i].referenced ? 1 : each_applied(plan, &t->deletes[i], false, NULL, NULL, 0);

		if (met)
			each_applied(plan, &t->deletes[i], false, NULL, note_rows, (t->deletes[i].rows + met - 1) / met);
	}
	for (int i = 0; i < t->equality_count; i++)
		each_applied(plan, &t->equality[i], true, NULL, note_equality, 0);
}

enum lk_status lk_compact_dangling(const struct lk_compact_plan *plan, const bool *gone, lk_dangling_visitor *visit, void *context,
	struct lk_error *err)
{
	const struct lk_lake_table *t = plan->table;

	for (int i = 0; i < t->deletes_count; i++)
		if (!each_applied(plan, &t->deletes[i], false, gone, NULL, 0))
			LK_TRY(visit(context, &t->deletes[i], err));
	for (int i = 0; i < t->equality_count; i++)
		if (!each_applied(plan, &t->equality[i], true, gone, NULL, 0))
			LK_TRY(visit(context, &t->equality[i], err));
	return LK_OK;
}

/* ---- groups ---- */

static bool is_small(const struct lk_compact_plan *plan, int file)
{
	return plan->table->files[file].bytes < plan->target_bytes / 4 * 3;
}

static bool is_current(const struct lk_compact_plan *plan, int file)
{
	return plan->table->files[file].spec_id == lk_metadata_number(plan->table->metadata, "default-spec-id", 0);
}

/* Whether a file is to be written again even alone. */
static bool is_due(const struct lk_compact_plan *plan, int file)
{
	const struct lk_lake_file *f = &plan->table->files[file];
	int64_t deleted = plan->deleted[file];

	return !is_current(plan, file) || plan->equality[file] ||
	       (deleted > 0 && (f->bytes < CHEAP_BYTES || deleted >= f->rows / 100 * DELETED_PERCENT));
}

static bool is_worth_it(const struct lk_compact_plan *plan, const int *files, int count)
{
	int64_t largest = 0, sum = 0;

	for (int i = 0; i < count; i++) {
		int64_t bytes = plan->table->files[files[i]].bytes;

		if (is_due(plan, files[i]))
			return true;
		sum += bytes;
		if (bytes > largest)
			largest = bytes;
	}
	return count >= FEW_FILES || (count > 1 && (largest < CHEAP_BYTES || sum - largest >= largest));
}

static enum lk_status add_group(struct lk_compact_plan *plan, const int *files, int count, struct lk_error *err)
{
	struct lk_compact_group *g;

	if (!count || !is_worth_it(plan, files, count))
		return LK_OK;
	if (!lk_grow((void **)&plan->groups, &plan->cap, plan->count + 1, sizeof(*plan->groups)))
		return lk_error_nomem(err);
	g = &plan->groups[plan->count];
	*g = (struct lk_compact_group){.files = malloc((size_t)count * sizeof(*files)), .file_count = count};
	if (!g->files)
		return lk_error_nomem(err);
	plan->count++;
	memcpy(g->files, files, (size_t)count * sizeof(*files));
	for (int i = 0; i < count; i++) {
		g->rows += plan->table->files[files[i]].rows;
		g->bytes += plan->table->files[files[i]].bytes;
		g->deleted += plan->deleted[files[i]];
	}
	return LK_OK;
}

/* What is left of a file's bytes once its deleted rows are gone. */
static int64_t live_bytes(const struct lk_compact_plan *plan, int file)
{
	const struct lk_lake_file *f = &plan->table->files[file];
	int64_t live = f->rows - plan->deleted[file];

	return live <= 0 || !f->rows ? 0 : (int64_t)((double)f->bytes * (double)live / (double)f->rows);
}

/* Files, packed up to a size. chosen: room for them. */
static enum lk_status pack(struct lk_compact_plan *plan, const int *files, int count, int64_t size, int *chosen, struct lk_error *err)
{
	int64_t sum = 0;
	int n = 0;

	for (int i = 0; i < count; i++) {
		int64_t bytes = live_bytes(plan, files[i]);

		if (!is_small(plan, files[i]) && !is_due(plan, files[i]))
			continue;
		if (n && sum + bytes > size) {
			LK_TRY(add_group(plan, chosen, n, err));
			n = 0;
			sum = 0;
		}
		chosen[n++] = files[i];
		sum += bytes;
	}
	return add_group(plan, chosen, n, err);
}

/* Partition by partition; what is of an earlier spec is left in `earlier`. */
static enum lk_status pack_current(struct lk_compact_plan *plan, int *chosen, int *earlier, int *earlier_count, struct lk_error *err)
{
	int n = plan->table->file_count;

	for (int i = 0, count; i < n; i += count) {
		const int *files = &plan->order[i];
		struct lk_filekey key = plan->partitions[*files];

		for (count = 1; i + count < n && same_key(plan->partitions[files[count]], key);)
			count++;
		if (is_current(plan, *files))
			LK_TRY(pack(plan, files, count, plan->target_bytes, chosen, err));
		for (int k = 0; !is_current(plan, *files) && k < count; k++)
			earlier[(*earlier_count)++] = files[k];
	}
	return LK_OK;
}

static enum lk_status pack_all(struct lk_compact_plan *plan, struct lk_error *err)
{
	size_t n = (size_t)plan->table->file_count + 1;
	int *chosen = malloc(n * sizeof(*chosen)), *earlier = malloc(n * sizeof(*earlier)), count = 0;
	int64_t size = plan->target_bytes > EARLIER_BYTES ? plan->target_bytes : EARLIER_BYTES;
	enum lk_status status = chosen && earlier ? pack_current(plan, chosen, earlier, &count, err) : lk_error_nomem(err);

	if (!status)
		status = pack(plan, earlier, count, size, chosen, err);
	free(chosen);
	free(earlier);
	return status;
}

static enum lk_status count_dangling(void *context, const struct lk_lake_deletes *d, struct lk_error *err)
{
	struct lk_compact_plan *plan = context;

	(void)d;
	(void)err;
	plan->dangling++;
	return LK_OK;
}

enum lk_status lk_compact_plan_make(struct lk_compact_plan *plan, const struct lk_lake_table *table, struct lk_error *err)
{
	const char *text = lk_metadata_property(table->metadata, "write.target-file-size-bytes");

	*plan = (struct lk_compact_plan){.table = table, .target_bytes = TARGET_BYTES};
	if (text && (!lk_int64_parse(text, strlen(text), &plan->target_bytes) || plan->target_bytes <= 0))
		return lk_error_set(err, LK_CONFIG, "its property write.target-file-size-bytes is '%s', which is no size", text);
	LK_TRY(sort_files(plan, err));
	count_deletes(plan);
	LK_TRY(pack_all(plan, err));
	return lk_compact_dangling(plan, NULL, count_dangling, plan, err);
}

void lk_compact_plan_release(struct lk_compact_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->groups[i].files);
	free(plan->groups);
	free(plan->partitions);
	free(plan->order);
	free(plan->by_uri);
	free(plan->deleted);
	free(plan->equality);
	*plan = (struct lk_compact_plan){0};
}
