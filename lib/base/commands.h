/*
 * The commands that `lk NAME` knows: every program `lk-NAME` in $LK_EXEC_PATH and beside the running program.
 */
#ifndef LK_BASE_COMMANDS_H
#define LK_BASE_COMMANDS_H

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

struct lk_commands {
	struct lk_arena arena;
	const char **names; /* without "lk-", sorted, each once */
	size_t count, cap;
};

enum lk_status lk_commands_list(struct lk_commands *commands, struct lk_error *err) LK_CHECKED;
void lk_commands_release(struct lk_commands *commands);

/* The one of `count` names that is nearest to what was typed, or NULL when none is near. */
const char *lk_nearest(const char *const *names, size_t count, const char *typed);

/* The command whose name is nearest to what was typed, or NULL when none is near. Borrowed. */
const char *lk_commands_nearest(const struct lk_commands *commands, const char *typed);

/* The first sentence of what `lk-NAME --help` says the command is about, without its full stop; "" when it does not
 * say. Lives in the arena of commands. */
enum lk_status lk_commands_about(struct lk_commands *commands, const char *name, const char **about,
	struct lk_error *err) LK_CHECKED;

#endif
