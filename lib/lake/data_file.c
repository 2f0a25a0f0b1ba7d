#include "lake/data_file.h"

#include <stdlib.h>
#include <string.h>

void lk_data_file_release(struct lk_data_file *file)
{
	for (int i = 0; i < file->partition_count; i++)
		lk_str_release(&file->partition[i].value);
	free(file->partition);
	free(file->path);
	free(file->uri);
	free(file->referenced);
	free(file->equality_ids);
	lk_str_release(&file->key_metadata);
	lk_file_metrics_release(&file->metrics);
	*file = (struct lk_data_file){0};
}

const struct lk_partition_value *lk_data_file_partition(const struct lk_data_file *file, int32_t field_id)
{
	for (int i = 0; i < file->partition_count; i++)
		if (file->partition[i].field_id == field_id)
			return &file->partition[i];
	return NULL;
}

static bool same_value(const struct lk_partition_value *a, const struct lk_partition_value *b)
{
	if (!a || !b || a->null || b->null)
		return (!a || a->null) && (!b || b->null);
	return a->value.len == b->value.len && !memcmp(lk_str_text(&a->value), lk_str_text(&b->value), a->value.len);
}

bool lk_data_file_same_partition(const struct lk_data_file *a, const struct lk_data_file *b)
{
	if (a->spec_id != b->spec_id || a->partition_count != b->partition_count)
		return false;
	for (int i = 0; i < a->partition_count; i++)
		if (!same_value(&a->partition[i], lk_data_file_partition(b, a->partition[i].field_id)))
			return false;
	return true;
}

enum lk_status lk_data_file_copy_partition(struct lk_data_file *to, const struct lk_data_file *from, struct lk_error *err)
{
	to->spec_id = from->spec_id;
	to->partition = calloc((size_t)from->partition_count + 1, sizeof(*to->partition));
	if (!to->partition)
		return lk_error_nomem(err);
	for (; to->partition_count < from->partition_count; to->partition_count++) {
		const struct lk_partition_value *v = &from->partition[to->partition_count];
		struct lk_partition_value *copy = &to->partition[to->partition_count];

		copy->field_id = v->field_id;
		copy->null = v->null;
		if (!v->null)
			lk_str_add(&copy->value, lk_str_text(&v->value), v->value.len);
		LK_TRY(lk_str_check(&copy->value, err));
	}
	return LK_OK;
}
