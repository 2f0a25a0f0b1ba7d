#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* dir/name if that is a program, else NULL; malloc'd. */
static char *program_in(const char *dir, size_t dir_len, const char *name)
{
	char *path;

	if (asprintf(&path, "%.*s/%s", (int)dir_len, dir, name) < 0)
		return NULL;
	if (is_program(path))
		return path;
	free(path);
	return NULL;
}

static char *program_on_path(const char *name)
{
	const char *dirs = getenv("PATH");
	char *path = NULL;

	for (size_t len; dirs && *dirs && !path; dirs += len + (dirs[len] == ':')) {
		len = strcspn(dirs, ":");
		path = len ? program_in(dirs, len, name) : NULL;
	}
	return path;
}

enum lk_status lk_program_find(const char *name, char **path, struct lk_error *err)
{
	const char *exec_path = getenv("LK_EXEC_PATH");
	char *own = lk_program_dir();

	*path = exec_path && *exec_path ? program_in(exec_path, strlen(exec_path), name) : NULL;
	if (!*path && own)
		*path = program_in(own, strlen(own), name);
	if (!*path)
		*path = program_on_path(name);
	free(own);
	if (*path)
		return LK_OK;
	return lk_error_set(err, LK_MISSING,
		"the program '%s' is not there: neither beside this one nor on the PATH", name);
}

/* In the child: never returns. What failed before exec is told through `report`. */
static _Noreturn void become(const char *path, const char *const *argv, const int fds[3], pid_t parent, int report)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	int copies[3], failure;
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &plain, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* First out of the way of 0, 1 and 2, as any of them may be among those given. */
	for (int i = 0; i < 3; i++)
		if ((copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3)) < 0)
			goto fail;
	for (int i = 0; i < 3; i++)
		if (dup2(copies[i], i) < 0)
			goto fail;
	execv(path, (char *const *)argv);
fail:
	failure = errno;
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

/* Waits until the child has become its program; the errno of what kept it from that, or 0. */
static int read_report(int fd)
{
	int failure = 0;
	ssize_t n;

	do
		n = read(fd, &failure, sizeof(failure));
	while (n < 0 && errno == EINTR);
	return n == sizeof(failure) ? failure : 0;
}

enum lk_status lk_child_start(struct lk_child *child, const char *path, const char *const *argv,
	const int fds[3], struct lk_error *err)
{
	pid_t parent = getpid();
	int report[2];

	*child = (struct lk_child){.pidfd = -1};
	if (pipe2(report, O_CLOEXEC) < 0)
		return lk_error_sys(err, LK_MISSING, "cannot make a pipe");
	child->pid = fork();
	if (child->pid == 0)
		become(path, argv, fds, parent, report[1]);
	close(report[1]);
	if (child->pid < 0) {
		close(report[0]);
		child->pid = 0;
		return lk_error_sys(err, LK_MISSING, "cannot start '%s'", path);
	}
	errno = read_report(report[0]);
	close(report[0]);
	if (!errno && (child->pidfd = pidfd_open(child->pid, 0)) >= 0)
		return LK_OK;
	lk_error_sys(err, LK_MISSING, "cannot run '%s'", path);
	lk_child_end(child);
	return LK_MISSING;
}

static void reaped(struct lk_child *child)
{
	if (child->pidfd >= 0)
		close(child->pidfd);
	child->pid = 0;
	child->pidfd = -1;
}

bool lk_child_reap(struct lk_child *child)
{
	if (child->pid && waitpid(child->pid, &child->outcome, WNOHANG) == child->pid)
		reaped(child);
	return !child->pid;
}

void lk_child_end(struct lk_child *child)
{
	if (!child->pid)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &child->outcome, 0) < 0 && errno == EINTR)
		;
	reaped(child);
}

int lk_outcome_status(int outcome)
{
	return WIFEXITED(outcome) ? WEXITSTATUS(outcome) : -1;
}

void lk_outcome_text(int outcome, struct lk_str *out)
{
	if (WIFSIGNALED(outcome))
		lk_str_addf(out, "was killed by signal %d (%s)", WTERMSIG(outcome), strsignal(WTERMSIG(outcome)));
	else
		lk_str_addf(out, "exited with status %d", WEXITSTATUS(outcome));
}
