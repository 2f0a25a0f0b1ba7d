/* Names of members: as valid UTF-8, as safe paths below a folder, and those that are never data. */
#ifndef LK_ARCHIVE_NAME_H
#define LK_ARCHIVE_NAME_H

#include <stdbool.h>

#include "base/str.h"

/* Adds a member's name as UTF-8. Bytes that are valid UTF-8 stay as they are, whatever the archive says they are; else all
 * bytes above 127 are read as code page 437 (APPNOTE.TXT, appendix D.1), so that no two names become one. */
void lk_name_utf8(struct lk_str *out, const char *name);

/* Why a member of that name is not data ("macOS metadata", ...); NULL when it may be. */
const char *lk_name_clutter(const char *name);

/* Why a member of that name may not be written below a folder; NULL when it may: it is relative, without "..", without
 * backslash, drive letter or control characters, and not empty. */
const char *lk_name_unsafe(const char *name);

/* The name of what an encrypted file holds, as it stands: a.csv.gz.enc is a.csv.gz. */
void lk_name_decrypted(struct lk_str *out, const char *name);

/* The name of what a compressed file holds: a.csv.gz is a.csv. Adds UTF-8, as lk_name_utf8. */
void lk_name_uncompressed(struct lk_str *out, const char *name);

#endif
