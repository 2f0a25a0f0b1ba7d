/* The central directory of a zip, counted: what it names must have come out, or be said to be missing. */
#ifndef LK_ARCHIVE_DIRECTORY_H
#define LK_ARCHIVE_DIRECTORY_H

#include "archive/blob.h"

/* How many entries stand in the central directory at the end of input (APPNOTE.TXT 4.3.12); 0 when there is none that can be read to
 * its end. */
int64_t lk_directory_count(const struct lk_blob *input);

#endif
