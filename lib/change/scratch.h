/* Where lib/change has its temporary files: in the folder that is given, or else TMPDIR or /tmp. */
#ifndef LK_CHANGE_SCRATCH_H
#define LK_CHANGE_SCRATCH_H

#include "base/error.h"

#define LK_SCRATCH_NAME "a temporary file"

/* The folder meant. Borrowed. */
const char *lk_scratch_folder(const char *folder);

/* A new file there that has no name, and that nobody else can open. */
enum lk_status lk_scratch_open(const char *folder, int *fd, struct lk_error *err) LK_CHECKED;

#endif
