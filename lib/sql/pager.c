#include "sql/pager.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static void write_all(struct lk_pager *p, const char *data, size_t len)
{
	while (len && !p->gone) {
		ssize_t n = write(p->pipe, data, len);

		p->gone = n < 0;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

/* On failure, what there is goes to standard output. */
static void start(struct lk_pager *p)
{
	const char *argv[] = {"sh", "-c", p->command, NULL};
	int ends[2], fds[3];

	if (pipe2(ends, O_CLOEXEC)) {
		p->command = NULL;
		return;
	}
	fds[0] = ends[0];
	fds[1] = STDOUT_FILENO;
	fds[2] = STDERR_FILENO;
	if (lk_child_start(&p->child, "/bin/sh", argv, fds, NULL)) {
		close(ends[1]);
		p->command = NULL;
	} else {
		p->pipe = ends[1];
		write_all(p, lk_str_text(&p->held), p->held.len);
		lk_str_clear(&p->held);
	}
	close(ends[0]);
}

static ssize_t take(void *cookie, const char *data, size_t len)
{
	struct lk_pager *p = cookie;

	if (p->pipe >= 0) {
		write_all(p, data, len);
		return (ssize_t)len;
	}
	lk_str_add(&p->held, data, len);
	for (size_t i = 0; i < len; i++)
		p->held_lines += data[i] == '\n';
	if (p->held.failed)
		return 0;
	if (p->held_lines > p->lines && p->command && *p->command)
		start(p);
	return (ssize_t)len;
}

enum lk_status lk_pager_begin(struct lk_pager *p, const char *command, int lines, struct lk_error *err)
{
	*p = (struct lk_pager){.command = command, .lines = lines, .pipe = -1};
	p->file = fopencookie(p, "w", (cookie_io_functions_t){.write = take});
	return p->file ? LK_OK : lk_error_nomem(err);
}

void lk_pager_end(struct lk_pager *p)
{
	fclose(p->file);
	if (p->pipe >= 0) {
		struct pollfd ended = {.fd = p->child.pidfd, .events = POLLIN};

		close(p->pipe);
		while (poll(&ended, 1, -1) < 0)
			;
		lk_child_reap(&p->child);
	} else {
		fwrite(lk_str_text(&p->held), 1, p->held.len, stdout);
		fflush(stdout);
	}
	lk_str_release(&p->held);
}
