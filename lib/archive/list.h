/* Members as a list for people and programs: what lk-unpack --list shows. */
#ifndef LK_ARCHIVE_LIST_H
#define LK_ARCHIVE_LIST_H

#include "archive/members.h"
#include "stream/format.h"

struct lk_member_list {
	struct lk_builder rows;
	struct lk_formatter *formatter; /* NULL when closed */
};

/* format is neither arrow nor parquet. */
enum lk_status lk_member_list_open(struct lk_member_list *l, enum lk_format format, FILE *out, struct lk_error *err) LK_CHECKED;
enum lk_status lk_member_list_add(struct lk_member_list *l, const struct lk_member_origin *origin, const struct lk_member *m,
	struct lk_error *err) LK_CHECKED;
/* Writes what is left. */
enum lk_status lk_member_list_close(struct lk_member_list *l, struct lk_error *err) LK_CHECKED;
void lk_member_list_release(struct lk_member_list *l); /* harmless on one that is zeroed */

#endif
