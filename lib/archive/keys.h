/*
 * Keys: passphrases with labels, and which deliveries each is for.
 *
 * They come from files or descriptors, never from the command line, and are wiped from memory by lk_keys_release. A label
 * may be shown and stored; a passphrase is never. Files must be closed to group and others.
 */
#ifndef LK_ARCHIVE_KEYS_H
#define LK_ARCHIVE_KEYS_H

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

struct lk_key {
	const char *label;
	const char *glob; /* of the deliveries it is for; NULL for all */
	char *passphrase;
};

struct lk_keys {
	struct lk_key *items; /* in the order in which they are tried */
	size_t count, cap;
	struct lk_arena arena;
};

#define LK_KEYS_INIT {NULL, 0, 0, LK_ARENA_INIT}

/* Adds what a tool's options name: a keyring, or a descriptor (-1: none), or a file; else the file that LK_PASSPHRASE_FILE names, if it is
 * set. */
enum lk_status lk_keys_add_given(struct lk_keys *keys, const char *keyring, int fd, const char *file,
	struct lk_error *err) LK_CHECKED;

/* Adds the first line of a file as a passphrase for all deliveries, labelled by the file's base name. LK_NOPERM when others
 * may read it, LK_CONFIG when the line is empty or longer than 1,000 bytes. */
enum lk_status lk_keys_add_file(struct lk_keys *keys, const char *path, struct lk_error *err) LK_CHECKED;

/* The same from an open descriptor, labelled "fd N". */
enum lk_status lk_keys_add_fd(struct lk_keys *keys, int fd, struct lk_error *err) LK_CHECKED;

/* Adds what a keyring lists: lines of a glob, a label and a file's path (relative to the keyring's folder), with blanks
 * between them; empty lines and those that begin with # are skipped. */
enum lk_status lk_keys_add_ring(struct lk_keys *keys, const char *path, struct lk_error *err) LK_CHECKED;

/* Whether a key is for a delivery: its glob matches the path or, when the glob has no slash, the path's last component. */
bool lk_key_applies(const struct lk_key *key, const char *delivery);

/* Wipes and frees. */
void lk_keys_release(struct lk_keys *keys);

#endif
