#include "ingest/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "stream/stream.h"

#define MAX_TEXT (64 * 1024 * 1024) /* more than that no child says */
#define MAX_REASON 1000 /* bytes of a child's last line that are kept */

enum lk_status lk_memory_file(const char *name, int *fd, struct lk_error *err)
{
	*fd = memfd_create(name, MFD_CLOEXEC);
	if (*fd < 0)
		return lk_error_sys(err, LK_MISSING, "cannot make a file in memory");
	return LK_OK;
}

enum lk_status lk_memory_text(int fd, struct lk_str *out, struct lk_error *err)
{
	struct stat st;
	ssize_t n = 0;

	if (fstat(fd, &st) < 0)
		return lk_error_sys(err, LK_IO, "cannot read what a worker said");
	if (st.st_size > MAX_TEXT || !lk_str_reserve(out, (size_t)st.st_size))
		return lk_error_nomem(err);
	if (st.st_size)
		n = pread(fd, out->data + out->len, (size_t)st.st_size, 0);
	if (n < 0)
		return lk_error_sys(err, LK_IO, "cannot read what a worker said");
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return LK_OK;
}

static enum lk_status start_impl(struct lk_worker *w, const struct lk_command *commands, int count, int in,
	struct lk_error *err)
{
	LK_TRY(lk_memory_file("lk-out", &w->out, err));
	LK_TRY(lk_memory_file("lk-log", &w->log, err));
	if (lseek(in, 0, SEEK_SET) < 0 && errno != ESPIPE)
		return lk_error_sys(err, LK_IO, "cannot rewind a worker's input");
	for (int i = 0, from = in; i < count; i++) {
		int ends[2] = {-1, w->out};
		enum lk_status status;

		if (i + 1 < count && pipe2(ends, O_CLOEXEC) < 0)
			return lk_error_sys(err, LK_MISSING, "cannot make a pipe");
		if (i + 1 < count)
			lk_pipe_enlarge(ends[1]);
		status = lk_child_start(&w->children[i], commands[i].path, commands[i].argv,
			(int[3]){from, ends[1], w->log}, err);
		if (i + 1 < count)
			close(ends[1]);
		if (from != in)
			close(from);
		from = ends[0];
		if (status && from >= 0)
			close(from);
		LK_TRY(status);
		w->names[w->count++] = commands[i].name;
	}
	return LK_OK;
}

enum lk_status lk_worker_start(struct lk_worker *w, const struct lk_command *commands, int count, int in,
	struct lk_error *err)
{
	enum lk_status status;

	*w = (struct lk_worker)LK_WORKER_INIT;
	status = start_impl(w, commands, count, in, err);
	if (status)
		lk_worker_end(w);
	return status;
}

bool lk_worker_reap(struct lk_worker *w)
{
	bool all = true;

	for (int i = 0; i < w->count; i++)
		if (!lk_child_reap(&w->children[i]))
			all = false;
	return all;
}

static bool ended_well(const struct lk_child *child)
{
	int status = lk_outcome_status(child->outcome);

	return status == LK_OK || status == LK_WANTING;
}

/* SIGPIPE only says that who reads was gone first. */
static bool lost_its_reader(const struct lk_child *child)
{
	return WIFSIGNALED(child->outcome) && WTERMSIG(child->outcome) == SIGPIPE;
}

/* Who failed first: one that a signal ended, else the first in the pipe, as those after it only saw a broken
 * stream. */
static int find_culprit(const struct lk_worker *w)
{
	for (int i = 0; i < w->count; i++)
		if (WIFSIGNALED(w->children[i].outcome) && !lost_its_reader(&w->children[i]))
			return i;
	for (int i = 0; i < w->count; i++)
		if (!ended_well(&w->children[i]) && !lost_its_reader(&w->children[i]))
			return i;
	return w->count - 1;
}

/* The last line of the log that the named tool said (its lines begin with its name), without that name. */
static void add_last_words(const struct lk_worker *w, const char *name, struct lk_str *reason)
{
	struct lk_str log = LK_STR_INIT;
	const char *found = NULL;
	size_t len = strlen(name), line;

	if (lk_memory_text(w->log, &log, NULL) == LK_OK)
		for (const char *p = lk_str_text(&log); *p; p += line + (p[line] == '\n')) {
			line = strcspn(p, "\n");
			if (line > len + 2 && !strncmp(p, name, len) && p[len] == ':')
				found = p + len + 2;
		}
	if (found) {
		size_t n = strcspn(found, "\n");

		lk_str_adds(reason, ": ");
		lk_str_add(reason, found, n < MAX_REASON ? n : MAX_REASON);
	}
	lk_str_release(&log);
}

/* What a status (-1: ended by a signal) says. lk-commit and lk-surrogate write, so their trouble with files is no delivery's
 * fault; and what they take for bad data may be good once the lake's schema is changed. */
static enum lk_worker_fate judge(int status, bool writes)
{
	switch (status) {
	case -1:
	case LK_BUG:
		return LK_WORKER_DIED;
	case LK_DATA:
		return writes ? LK_WORKER_REFUSED : LK_WORKER_DIED;
	case LK_MISSING:
		return writes ? LK_WORKER_HELPLESS : LK_WORKER_DIED;
	case LK_NOINPUT:
	case LK_IO:
		return writes ? LK_WORKER_HELPLESS : LK_WORKER_REFUSED;
	case LK_CONFLICT: /* another process loaded something of it meanwhile: lk-unpack will leave that out */
		return LK_WORKER_REFUSED;
	}
	return LK_WORKER_HELPLESS;
}

enum lk_worker_fate lk_worker_fate(const struct lk_worker *w, struct lk_str *reason, enum lk_status *status)
{
	int culprit, code;

	if (ended_well(&w->children[w->count - 1]))
		return LK_WORKER_DONE;
	culprit = find_culprit(w);
	code = lk_outcome_status(w->children[culprit].outcome);
	*status = code >= LK_USAGE && code <= LK_CONFIG ? (enum lk_status)code : LK_BUG;
	lk_str_addf(reason, "%s ", w->names[culprit]);
	lk_outcome_text(w->children[culprit].outcome, reason);
	add_last_words(w, w->names[culprit], reason);
	return judge(code, culprit > 1 || w->count == 1); /* behind lk-unpack and lk-parse */
}

void lk_worker_end(struct lk_worker *w)
{
	for (int i = 0; i < LK_WORKER_CHILDREN; i++)
		lk_child_end(&w->children[i]);
	if (w->out >= 0)
		close(w->out);
	if (w->log >= 0)
		close(w->log);
	*w = (struct lk_worker)LK_WORKER_INIT;
}
