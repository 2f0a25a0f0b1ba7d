/*
 * The live files of a table, as its manifests tell of them: `data-files METADATA`, a line each, sorted by nothing:
 *
 *	spec=0 order=1 rows=3 partition=1000:d64f0000,1001:null counted=1,2 bounded=1
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "lake/manifest.h"
#include "lake/metadata.h"

static void print_partition(const struct lk_data_file *f)
{
	char hex[2048];

	printf(" partition=");
	for (int i = 0; i < f->partition_count; i++) {
		const struct lk_partition_value *v = &f->partition[i];

		lk_hex(lk_str_text(&v->value), v->value.len < 1000 ? v->value.len : 1000, hex);
		printf("%s%d:%s", i ? "," : "", (int)v->field_id, v->null ? "null" : hex);
	}
}

static enum lk_status print_file(void *context, const struct lk_manifest_entry *entry, struct lk_error *err)
{
	const struct lk_data_file *f = &entry->file;
	const char *comma = "";

	(void)context;
	(void)err;
	if (entry->status == LK_ENTRY_DELETED)
		return LK_OK;
	printf("spec=%d order=%d rows=%lld", (int)f->spec_id, (int)f->sort_order, (long long)f->metrics.rows);
	print_partition(f);
	printf(" counted=");
	for (int i = 0; i < f->metrics.column_count; i++)
		if (f->metrics.columns[i].value_count >= 0) {
			printf("%s%d", comma, (int)f->metrics.columns[i].field_id);
			comma = ",";
		}
	printf(" bounded=");
	comma = "";
	for (int i = 0; i < f->metrics.column_count; i++)
		if (f->metrics.columns[i].has_lower || f->metrics.columns[i].has_upper) {
			printf("%s%d", comma, (int)f->metrics.columns[i].field_id);
			comma = ",";
		}
	putchar('\n');
	return LK_OK;
}

static enum lk_status print_files(const json_t *root, struct lk_arena *arena, struct lk_manifest_list *list, struct lk_error *err)
{
	const json_t *head = lk_metadata_snapshot(root, lk_metadata_snapshot_id(root));
	const char *path = lk_uri_path(lk_metadata_text(head, "manifest-list"));

	if (!path)
		return LK_OK;
	LK_TRY(lk_manifest_list_read(path, arena, list, err));
	for (size_t i = 0; i < list->count; i++)
		LK_TRY(lk_manifest_read(&list->items[i], LK_MANIFEST_METRICS, arena, print_file, NULL, err));
	return LK_OK;
}

int main(int argc, char **argv)
{
	struct lk_arena arena = LK_ARENA_INIT;
	struct lk_manifest_list list = {0};
	struct lk_error err = {0};
	enum lk_status status;
	json_t *root = NULL;

	if (argc != 2)
		return LK_USAGE;
	status = lk_metadata_read(argv[1], &root, &err);
	if (!status)
		status = print_files(root, &arena, &list, &err);
	if (status)
		fprintf(stderr, "data-files: %s\n", err.message);
	lk_manifest_list_release(&list);
	lk_arena_release(&arena);
	json_decref(root);
	return (int)status;
}
