/*
 * Preloaded into a tool and its children, it kills the process that makes the DIE_ATth change of a file, of all that they make
 * together, before the change is made. LK_DIE_COUNT is a file of 8 bytes, in which they count. So a test can end a command at every
 * step, one after the other, and not only where a clock happens to.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic uint64_t *count;
static uint64_t at;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("LK_DIE_COUNT"), *number = getenv("LK_DIE_AT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return;
	at = number ? strtoull(number, NULL, 10) : 0;
	count = map;
}

static void step(void)
{
	if (count && atomic_fetch_add(count, 1) + 1 == at)
		kill(getpid(), SIGKILL);
}

/* What goes into pipes changes nothing that stays. */
static void step_of(int fd)
{
	struct stat st;

	if (count && !fstat(fd, &st) && S_ISREG(st.st_mode))
		step();
}

#define REAL(name) static __typeof__(&(name)) real; if (!real) real = (__typeof__(&(name)))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t len) { REAL(write); step_of(fd); return real(fd, data, len); }
ssize_t writev(int fd, const struct iovec *v, int n) { REAL(writev); step_of(fd); return real(fd, v, n); }
ssize_t pwrite(int fd, const void *data, size_t len, off_t where) { REAL(pwrite); step_of(fd); return real(fd, data, len, where); }
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t where) { REAL(pwrite64); step_of(fd); return real(fd, data, len, where); }
int ftruncate(int fd, off_t len) { REAL(ftruncate); step_of(fd); return real(fd, len); }
int ftruncate64(int fd, off64_t len) { REAL(ftruncate64); step_of(fd); return real(fd, len); }
int fsync(int fd) { REAL(fsync); step(); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); step(); return real(fd); }
int rename(const char *a, const char *b) { REAL(rename); step(); return real(a, b); }
int renameat(int a, const char *from, int b, const char *to) { REAL(renameat); step(); return real(a, from, b, to); }
int link(const char *a, const char *b) { REAL(link); step(); return real(a, b); }
int linkat(int a, const char *from, int b, const char *to, int flags) { REAL(linkat); step(); return real(a, from, b, to, flags); }
int unlink(const char *path) { REAL(unlink); step(); return real(path); }
int unlinkat(int fd, const char *path, int flags) { REAL(unlinkat); step(); return real(fd, path, flags); }
int mkdir(const char *path, mode_t mode) { REAL(mkdir); step(); return real(path, mode); }
int mkdirat(int fd, const char *path, mode_t mode) { REAL(mkdirat); step(); return real(fd, path, mode); }
int rmdir(const char *path) { REAL(rmdir); step(); return real(path); }

#define OPEN(name, ...) \
	{ \
		va_list list; \
		mode_t mode; \
		REAL(name); \
		va_start(list, flags); \
		mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; \
		va_end(list); \
		if (flags & (O_CREAT | O_TRUNC)) \
			step(); \
		return real(__VA_ARGS__, flags, mode); \
	}
int open(const char *path, int flags, ...) OPEN(open, path)
int open64(const char *path, int flags, ...) OPEN(open64, path)
int openat(int fd, const char *path, int flags, ...) OPEN(openat, fd, path)
int openat64(int fd, const char *path, int flags, ...) OPEN(openat64, fd, path)
