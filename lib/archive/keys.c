#include "archive/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define PASSPHRASE_MAX 1000
#define RING_MAX (1024 * 1024)

static enum lk_status require_private(int fd, const char *name, struct lk_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return lk_error_sys(err, LK_IO, "cannot read '%s'", name);
	if (S_ISREG(st.st_mode) && (st.st_mode & 077))
		return lk_error_set(err, LK_NOPERM, "'%s' is open to others (mode %04o): make it 0600", name,
			(unsigned)(st.st_mode & 07777));
	return LK_OK;
}

static enum lk_status add_key(struct lk_keys *keys, const char *label, const char *glob, const char *passphrase, size_t len,
	struct lk_error *err)
{
	struct lk_key *key;

	if (!lk_grow((void **)&keys->items, &keys->cap, keys->count + 1, sizeof(*keys->items)))
		return lk_error_nomem(err);
	key = &keys->items[keys->count];
	key->label = lk_arena_strdup(&keys->arena, label);
	key->glob = glob ? lk_arena_strdup(&keys->arena, glob) : NULL;
	key->passphrase = strndup(passphrase, len);
	if (!key->label || (glob && !key->glob) || !key->passphrase)
		return lk_error_nomem(err);
	keys->count++;
	return LK_OK;
}

/* The first line of <text, text_len>, which has a NUL behind it. */
static enum lk_status add_first_line(struct lk_keys *keys, const char *text, size_t text_len, const char *name,
	const char *label, const char *glob, struct lk_error *err)
{
	size_t len = strcspn(text, "\n");
	bool has_nul = !text[len] && len < text_len;

	if (len && text[len - 1] == '\r')
		len--;
	if (!len || has_nul)
		return lk_error_set(err, LK_CONFIG, "'%s' holds no passphrase in its first line", name);
	if (len > PASSPHRASE_MAX)
		return lk_error_set(err, LK_CONFIG, "the first line of '%s' is longer than %d bytes", name, PASSPHRASE_MAX);
	return add_key(keys, label, glob, text, len, err);
}

/* The first line of fd, without its end, as a passphrase. */
static enum lk_status add_from(struct lk_keys *keys, int fd, const char *name, const char *label, const char *glob,
	struct lk_error *err)
{
	char line[PASSPHRASE_MAX + 3];
	enum lk_status status;
	size_t got;

	status = lk_read_full(fd, name, line, sizeof(line) - 1, &got, err);
	line[got] = '\0';
	if (!status)
		status = add_first_line(keys, line, got, name, label, glob, err);
	explicit_bzero(line, sizeof(line));
	return status;
}

static enum lk_status add_path(struct lk_keys *keys, const char *path, const char *label, const char *glob,
	struct lk_error *err)
{
	enum lk_status status;
	int fd;

	LK_TRY(lk_open_input(path, &fd, err));
	status = require_private(fd, path, err);
	if (!status)
		status = add_from(keys, fd, path, label, glob, err);
	lk_close_input(fd);
	return status;
}

enum lk_status lk_keys_add_file(struct lk_keys *keys, const char *path, struct lk_error *err)
{
	return add_path(keys, path, lk_path_base(path), NULL, err);
}

enum lk_status lk_keys_add_fd(struct lk_keys *keys, int fd, struct lk_error *err)
{
	char name[32];

	snprintf(name, sizeof(name), "fd %d", fd);
	return add_from(keys, fd, name, name, NULL, err);
}

/* Cuts the next word off *line; NULL when there is none. */
static char *next_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t len = strcspn(word, " \t");

	*line = word + len + (word[len] != '\0');
	word[len] = '\0';
	return len ? word : NULL;
}

/* One line of a keyring: GLOB LABEL FILE. FILE is the rest of the line, blanks and all. */
static enum lk_status add_line(struct lk_keys *keys, const char *ring, int number, char *line, struct lk_error *err)
{
	char *glob, *label, *file, *end;
	struct lk_str path = LK_STR_INIT;
	enum lk_status status;

	line[strcspn(line, "\r")] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return LK_OK;
	glob = next_word(&line);
	label = next_word(&line);
	file = line + strspn(line, " \t");
	for (end = file + strlen(file); end > file && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = '\0';
	if (!glob || !label || !*file)
		return lk_error_set(err, LK_CONFIG, "'%s' line %d is not 'GLOB LABEL FILE'", ring, number);
	if (*file != '/')
		lk_str_add(&path, ring, (size_t)(lk_path_base(ring) - ring));
	lk_str_adds(&path, file);
	status = lk_str_check(&path, err);
	if (!status)
		status = add_path(keys, path.data, label, glob, err);
	if (status)
		lk_error_prefix(err, "'%s' line %d", ring, number);
	lk_str_release(&path);
	return status;
}

static enum lk_status read_ring(int fd, const char *path, struct lk_str *text, struct lk_error *err)
{
	size_t got;

	LK_TRY(require_private(fd, path, err));
	if (!lk_str_reserve(text, RING_MAX))
		return lk_error_nomem(err);
	LK_TRY(lk_read_full(fd, path, text->data, RING_MAX, &got, err));
	if (got == RING_MAX)
		return lk_error_set(err, LK_CONFIG, "'%s' is longer than a keyring may be (%d bytes)", path, RING_MAX);
	text->data[got] = '\0';
	return LK_OK;
}

enum lk_status lk_keys_add_ring(struct lk_keys *keys, const char *path, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;
	int fd, number = 0;

	LK_TRY(lk_open_input(path, &fd, err));
	status = read_ring(fd, path, &text, err);
	lk_close_input(fd);
	for (char *line = text.data, *next; !status && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		status = add_line(keys, path, ++number, line, err);
	}
	lk_str_release(&text);
	return status;
}

bool lk_key_applies(const struct lk_key *key, const char *delivery)
{
	if (!key->glob || lk_glob_match(key->glob, delivery))
		return true;
	return !strchr(key->glob, '/') && lk_glob_match(key->glob, lk_path_base(delivery));
}

void lk_keys_release(struct lk_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		explicit_bzero(keys->items[i].passphrase, strlen(keys->items[i].passphrase));
		free(keys->items[i].passphrase);
	}
	free(keys->items);
	lk_arena_release(&keys->arena);
	*keys = (struct lk_keys)LK_KEYS_INIT;
}

enum lk_status lk_keys_add_given(struct lk_keys *keys, const char *keyring, int fd, const char *file, struct lk_error *err)
{
	const char *from_environment = getenv("LK_PASSPHRASE_FILE");

	if (keyring)
		return lk_keys_add_ring(keys, keyring, err);
	if (fd >= 0)
		return lk_keys_add_fd(keys, fd, err);
	if (!file && from_environment && *from_environment)
		file = from_environment;
	return file ? lk_keys_add_file(keys, file, err) : LK_OK;
}
