/* What a delivery or member is, by its first bytes alone. */
#ifndef LK_ARCHIVE_KIND_H
#define LK_ARCHIVE_KIND_H

#include "archive/blob.h"

/* Whether it is an office document or an e-book: these are zips, but files to whoever sends them. */
bool lk_kind_is_document(const struct lk_blob *input);

/* Whether <data, len>, its beginning, means to be an archive, or to be compressed or encrypted. */
bool lk_kind_is_archive(const char *data, size_t len);

/* Whether it means to be an archive or to be compressed, and says that it has a check of all its content. */
bool lk_kind_has_check(const char *data, size_t len);

#endif
