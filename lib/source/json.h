/*
 * What a resource says of JSON, and whether a member is of it (private to lib/source).
 */
#ifndef LK_SOURCE_JSON_H
#define LK_SOURCE_JSON_H

#include "source/format.h"
#include "source/json_context.h"

#define LK_JSON_CONDITIONS 16

/* One of lk.where: the value must be one of the texts. */
struct lk_json_condition {
	struct lk_json_path path;
	struct lk_texts texts;
};

struct lk_json_program {
	struct lk_json_path record, *fields;
	bool counted[LK_JSON_TOKENS]; /* by token of record: which element it stands for is looked at */
	struct lk_json_condition conditions[LK_JSON_CONDITIONS];
	int condition_count;
};

/* Whether the conditions that begin at the text (or, relative ones, at the record) hold. room is scratch. */
bool lk_json_conditions_hold(const struct lk_json_program *p, bool relative, struct lk_json *j, const struct lk_json_node *from,
	struct lk_str *room);

/* Of struct lk_file_format. */
enum lk_status lk_json_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r) LK_CHECKED;
enum lk_status lk_json_look_lines(const struct lk_head *head, void **seen, struct lk_error *err) LK_CHECKED;
enum lk_status lk_json_look_documents(const struct lk_head *head, void **seen, struct lk_error *err) LK_CHECKED;
bool lk_json_fits(const struct lk_resource *r, const void *seen, const char **why);
void lk_json_forget(void *seen);
bool lk_json_alone(const struct lk_resource *r);

#endif
