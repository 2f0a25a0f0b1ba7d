#include "sql/take.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "lake/cursors.h"
#include "lake/list.h"
#include "lake/metadata.h"

/* ---- standard output ---- */

/* What is written there now goes to fd. */
static enum lk_status redirect(int fd, struct lk_error *err)
{
	fflush(stdout);
	if (dup2(fd, STDOUT_FILENO) < 0)
		return lk_error_sys(err, LK_IO, "cannot redirect standard output");
	return LK_OK;
}

/* Whether all of it has come somewhere, as far as that can be told. Who writes to it afterwards writes to nothing. */
static enum lk_status end_output(struct lk_error *err)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	struct stat st;
	int nothing;

	if (fflush(stdout) || ferror(stdout))
		return lk_error_sys(err, LK_IO, "cannot write standard output");
	if (!fstat(STDOUT_FILENO, &st) && S_ISREG(st.st_mode) && fsync(STDOUT_FILENO))
		return lk_error_sys(err, LK_IO, "cannot sync standard output");
	if (poll(&out, 1, 0) == 1 && out.revents & POLLERR) {
		errno = EPIPE;
		return lk_error_sys(err, LK_IO, "cannot write standard output");
	}
	nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nothing < 0)
		return lk_error_sys(err, LK_IO, "cannot open '/dev/null'");
	if (close(STDOUT_FILENO)) {
		lk_error_sys(err, LK_IO, "cannot write standard output");
		dup2(nothing, STDOUT_FILENO);
		close(nothing);
		return LK_IO;
	}
	dup2(nothing, STDOUT_FILENO);
	close(nothing);
	return LK_OK;
}

static bool is_to_stdout(const struct lk_take *t)
{
	const char *path = t->changes.output.path;

	return !path || !strcmp(path, "-");
}

/* ---- a command ---- */

static enum lk_status find_program(const char *name, char **path, struct lk_error *err)
{
	if (!strchr(name, '/'))
		return lk_program_find(name, path, err);
	*path = strdup(name);
	return *path ? LK_OK : lk_error_nomem(err);
}

/* Its standard input is the pipe that standard output becomes; *saved is what that was. */
static enum lk_status start(const struct lk_take *t, struct lk_child *child, int *saved, struct lk_error *err)
{
	enum lk_status status;
	int ends[2], fds[3];
	char *path;

	LK_TRY(find_program(t->command[0], &path, err));
	if (pipe2(ends, O_CLOEXEC) < 0) {
		free(path);
		return lk_error_sys(err, LK_IO, "cannot make a pipe");
	}
	fds[0] = ends[0];
	fds[1] = STDOUT_FILENO;
	fds[2] = STDERR_FILENO;
	status = lk_child_start(child, path, t->command, fds, err);
	free(path);
	*saved = status ? -1 : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (!status && *saved < 0)
		status = lk_error_sys(err, LK_IO, "cannot keep standard output");
	if (!status)
		status = redirect(ends[1], err);
	close(ends[0]);
	close(ends[1]);
	return status;
}

static enum lk_status wait_for(struct lk_child *child, const char *name, struct lk_error *err)
{
	struct pollfd ended = {.fd = child->pidfd, .events = POLLIN};
	struct lk_str how = LK_STR_INIT;
	int status;

	while (!lk_child_reap(child))
		poll(&ended, 1, -1);
	status = lk_outcome_status(child->outcome);
	if (!status)
		return LK_OK;
	lk_outcome_text(child->outcome, &how);
	lk_error_set(err, status > 0 ? (enum lk_status)status : LK_WANTING, "'%s' %s: the changes count as not taken", name, lk_str_text(&how));
	lk_str_release(&how);
	return err->status;
}

/* Whether the command reads no more, which may be why writing failed. */
static bool has_closed_input(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/* Where writing fails the command must not take what it has for all, whatever the format: it is ended, unless it ends by itself. */
static enum lk_status end_command(const struct lk_take *t, struct lk_child *child, enum lk_status wrote, bool closed, struct lk_error *err)
{
	if (wrote && !closed) {
		lk_child_end(child);
		return wrote;
	}
	LK_TRY(wait_for(child, t->command[0], err));
	if (!wrote)
		return LK_OK;
	return lk_error_set(err, LK_IO, "'%s' ended before it had read all changes: they count as not taken", t->command[0]);
}

static enum lk_status write_to_command(struct lk_take *t, struct lk_changes *c, struct lk_error *err)
{
	struct lk_child child = {0};
	struct lk_error why;
	enum lk_status status, restored;
	int saved = -1;
	bool closed;

	status = start(t, &child, &saved, err);
	if (status) {
		lk_child_end(&child);
		return status;
	}
	status = lk_changes_write(c, &t->report, err);
	closed = status == LK_IO && has_closed_input();
	if (status && !closed)
		lk_child_end(&child);
	restored = redirect(saved, &why); /* closes the pipe */
	close(saved);
	status = end_command(t, &child, status, closed, err);
	return status || !restored ? status : lk_error_set(err, restored, "%s", why.message);
}

static enum lk_status write_changes(struct lk_take *t, struct lk_changes *c, struct lk_error *err)
{
	if (t->command)
		return write_to_command(t, c, err);
	LK_TRY(lk_changes_write(c, &t->report, err));
	return t->cursor && is_to_stdout(t) ? end_output(err) : LK_OK;
}

/* ---- the cursor ---- */

static enum lk_status open_changes(struct lk_take *t, struct lk_lake *lake, struct lk_changes **c, struct lk_error *err)
{
	const struct lk_lake_table *table;

	LK_TRY(lk_changes_open(c, lake, &t->changes, err));
	table = lk_changes_table(*c);
	snprintf(t->table, sizeof(t->table), "%s.%s", table->namespace_name, table->name);
	t->head = lk_changes_head(*c);
	return LK_OK;
}

static enum lk_status take_from(struct lk_take *t, struct lk_lake *lake, struct lk_changes *c, int64_t taken, struct lk_error *err)
{
	const char *uuid = lk_changes_table(c)->uuid;

	if (taken >= 0 || !t->changes.from)
		LK_TRY(lk_changes_begin_at(c, taken, err));
	if (t->head >= 0)
		LK_TRY(lk_lake_cursor_begin(lake, uuid, t->cursor, t->table, t->head, err));
	LK_TRY(write_changes(t, c, err));
	if (t->head < 0)
		return LK_OK;
	LK_TRY(lk_lake_cursor_move(lake, uuid, t->cursor, t->head, err));
	t->moved = true;
	return LK_OK;
}

/* Whether the changes are one difference, which would be another one if it went further. */
static bool is_one_difference(const struct lk_take *t, int64_t taken)
{
	return t->changes.net || (taken < 0 && !t->changes.from);
}

/* The table is opened anew, as somebody may have moved the cursor beyond what was there before the lock was held. */
static enum lk_status take_locked(struct lk_take *t, struct lk_lake *lake, struct lk_changes **c, struct lk_error *err)
{
	int64_t taken, next;

	LK_TRY(lk_lake_cursor_find(lake, lk_changes_table(*c)->uuid, t->cursor, &taken, &next, err));
	lk_changes_close(*c);
	*c = NULL;
	LK_TRY(open_changes(t, lake, c, err));
	if (next >= 0 && !t->changes.to && is_one_difference(t, taken) && lk_metadata_snapshot(lk_changes_table(*c)->metadata, next)) {
		lk_changes_close(*c);
		*c = NULL;
		snprintf(t->again, sizeof(t->again), "%" PRId64, next);
		t->changes.to = t->again;
		LK_TRY(open_changes(t, lake, c, err));
	}
	return take_from(t, lake, *c, taken, err);
}

static enum lk_status take_by_cursor(struct lk_take *t, struct lk_lake *lake, struct lk_changes **c, struct lk_error *err)
{
	enum lk_status status;
	int lock;

	LK_TRY(lk_lake_cursor_lock(lake, lk_changes_table(*c)->uuid, t->cursor, &lock, err));
	status = take_locked(t, lake, c, err);
	close(lock);
	return status;
}

enum lk_status lk_take_run(struct lk_take *t, struct lk_lake *lake, struct lk_error *err)
{
	struct lk_changes *c = NULL;
	enum lk_status status = t->cursor ? lk_lake_cursor_check_name(t->cursor, err) : LK_OK;

	if (!status)
		status = open_changes(t, lake, &c, err);
	if (!status)
		status = t->cursor ? take_by_cursor(t, lake, &c, err) : write_changes(t, c, err);
	lk_changes_close(c);
	return status;
}

/* ---- care of cursors ---- */

static enum lk_status open_table(struct lk_lake *lake, struct lk_pin *pin, const char *name, struct lk_lake_table **t, struct lk_error *err)
{
	LK_TRY(lk_lake_pin(lake, pin, err));
	LK_TRY(lk_pin_find(pin, name, t, err));
	return lk_lake_table_open(pin, *t, NULL, err);
}

static enum lk_status reset_to(struct lk_lake *lake, const struct lk_lake_table *t, const char *cursor, const char *moment, struct lk_error *err)
{
	struct lk_str name = LK_STR_INIT;
	enum lk_status status;
	int64_t id;

	LK_TRY(lk_changes_moment(t, moment, &id, err));
	if (id < 0)
		return lk_error_set(err, LK_DATA, "table %s.%s has no snapshot as of %s: --forget has the cursor begin with all rows",
			t->namespace_name, t->name, moment);
	lk_str_addf(&name, "%s.%s", t->namespace_name, t->name);
	status = lk_str_check(&name, err);
	if (!status)
		status = lk_lake_cursor_begin(lake, t->uuid, cursor, name.data, id, err);
	lk_str_release(&name);
	return status ? status : lk_lake_cursor_move(lake, t->uuid, cursor, id, err);
}

static enum lk_status forget(struct lk_lake *lake, const struct lk_lake_table *t, const char *cursor, struct lk_error *err)
{
	bool found;

	LK_TRY(lk_lake_cursor_forget(lake, t->uuid, cursor, &found, err));
	return found ? LK_OK : lk_error_set(err, LK_NOINPUT, "table %s.%s has no cursor '%s'", t->namespace_name, t->name, cursor);
}

/* moment NULL: it is forgotten. */
static enum lk_status change(struct lk_lake *lake, const char *table, const char *cursor, const char *moment, struct lk_error *err)
{
	struct lk_pin pin = {.arena = LK_ARENA_INIT};
	struct lk_lake_table *t = NULL;
	enum lk_status status = lk_lake_cursor_check_name(cursor, err);
	int lock = -1;

	if (!status)
		status = open_table(lake, &pin, table, &t, err);
	if (!status)
		status = lk_lake_cursor_lock(lake, t->uuid, cursor, &lock, err);
	if (!status)
		status = moment ? reset_to(lake, t, cursor, moment, err) : forget(lake, t, cursor, err);
	if (lock >= 0)
		close(lock);
	lk_pin_release(&pin);
	return status;
}

enum lk_status lk_take_reset(struct lk_lake *lake, const char *table, const char *cursor, const char *moment, struct lk_error *err)
{
	return change(lake, table, cursor, moment, err);
}

enum lk_status lk_take_forget(struct lk_lake *lake, const char *table, const char *cursor, struct lk_error *err)
{
	return change(lake, table, cursor, NULL, err);
}
