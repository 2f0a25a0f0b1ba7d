/* A data file in the description of a staged run (lk-lake(7)): inside of lib/lake. */
#ifndef LK_LAKE_STAGED_FILE_H
#define LK_LAKE_STAGED_FILE_H

#include <jansson.h>

#include "lake/data_file.h"

/* NULL when memory runs out, or a name is not UTF-8. */
json_t *lk_staged_file_write(const struct lk_data_file *file);

/* root: the table's metadata, which has the file's partition spec. LK_DATA, without a message, for what is no sound file; *file is
 * to be released all the same. */
enum lk_status lk_staged_file_read(const json_t *root, json_t *item, struct lk_data_file *file, struct lk_error *err) LK_CHECKED;

#endif
