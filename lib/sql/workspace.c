#include "sql/workspace.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

static void fatal_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	remove(path);
	return 0;
}

static void remove_all(struct lk_workspace *s)
{
	pthread_mutex_lock(&s->lock);
	if (s->partial)
		unlink(s->partial);
	if (s->folder)
		nftw(s->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	pthread_mutex_unlock(&s->lock);
}

/* Whether an interrupt was what somebody waits for. */
static bool is_taken(struct lk_workspace *s, int signo)
{
	bool taken;
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&s->lock);
	taken = signo == SIGINT && s->interrupted;
	if (taken)
		s->interrupted(s->interrupted_context);
	pthread_mutex_unlock(&s->lock);
	pthread_setcancelstate(old, NULL);
	return taken;
}

void lk_workspace_on_interrupt(struct lk_workspace *s, void (*interrupted)(void *context), void *context)
{
	pthread_mutex_lock(&s->lock);
	s->interrupted = interrupted;
	s->interrupted_context = context;
	pthread_mutex_unlock(&s->lock);
}

/* Ends the process by the signal, as it would have without us. */
static void *watch(void *arg)
{
	struct lk_workspace *s = arg;
	sigset_t set;
	int signo;

	fatal_signals(&set);
	do
		if (sigwait(&set, &signo))
			return NULL;
	while (is_taken(s, signo));
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	remove_all(s);
	signal(signo, SIG_DFL);
	kill(getpid(), signo);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return NULL;
}

static enum lk_status make_folder(struct lk_workspace *s, struct lk_error *err)
{
	const char *parent = getenv("TMPDIR");
	struct lk_str path = LK_STR_INIT;

	lk_str_addf(&path, "%s/lk-sql-XXXXXX", parent && *parent ? parent : "/tmp");
	LK_TRY(lk_str_check(&path, err));
	if (!mkdtemp(path.data)) {
		lk_error_sys(err, LK_CANTCREATE, "cannot make the private folder '%s'", path.data);
		lk_str_release(&path);
		return LK_CANTCREATE;
	}
	s->folder = path.data;
	return LK_OK;
}

enum lk_status lk_workspace_init(struct lk_workspace *s, struct lk_error *err)
{
	sigset_t set;
	int code;

	*s = (struct lk_workspace){.lock = PTHREAD_MUTEX_INITIALIZER};
	LK_TRY(make_folder(s, err));
	fatal_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	code = pthread_create(&s->watcher, NULL, watch, s);
	s->watching = !code;
	if (!code)
		return LK_OK;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	lk_workspace_release(s);
	errno = code;
	return lk_error_sys(err, LK_MISSING, "cannot start a thread");
}

void lk_workspace_set_partial(struct lk_workspace *s, char *path)
{
	pthread_mutex_lock(&s->lock);
	free(s->partial);
	s->partial = path;
	pthread_mutex_unlock(&s->lock);
}

void lk_workspace_release(struct lk_workspace *s)
{
	if (s->watching) {
		pthread_cancel(s->watcher);
		pthread_join(s->watcher, NULL);
		s->watching = false;
	}
	remove_all(s);
	free(s->folder);
	free(s->partial);
	s->folder = s->partial = NULL;
}
