#include "tend/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK ".maintain"

/* The lock is a file in the lake, which stays; it is held until the process ends. A dry run changes nothing and needs none. */
static enum lk_status lock_lake(struct lk_maintain *m, const struct lk_lake *lake, struct lk_error *err)
{
	struct lk_str path = LK_STR_INIT;
	enum lk_status status = LK_OK;

	lk_str_addf(&path, "%s/" LOCK, lake->path);
	LK_TRY(lk_str_check(&path, err));
	m->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (m->lock < 0)
		status = lk_error_sys(err, LK_CANTCREATE, "cannot create '%s'", path.data);
	else if (flock(m->lock, LOCK_EX | LOCK_NB) < 0)
		status = errno == EWOULDBLOCK ? lk_error_set(err, LK_CONFLICT, "another lk-maintain is at work on '%s'", lake->path)
					      : lk_error_sys(err, LK_IO, "cannot lock '%s'", path.data);
	lk_str_release(&path);
	return status;
}

static struct lk_compact_options compact_options(const struct lk_maintain_options *o)
{
	return (struct lk_compact_options){.tables = o->tables, .table_count = o->table_count, .threads = o->threads,
		.memory_bytes = o->memory_bytes, .dry_run = o->dry_run, .progress = o->progress};
}

static struct lk_expire_options expire_options(const struct lk_maintain_options *o)
{
	return (struct lk_expire_options){.tables = o->tables, .table_count = o->table_count, .grace_ms = o->grace_ms,
		.dry_run = o->dry_run};
}

static struct lk_gc_options gc_options(const struct lk_maintain_options *o)
{
	return (struct lk_gc_options){.tables = o->tables, .table_count = o->table_count, .grace_ms = o->grace_ms, .staged = o->staged,
		.staged_count = o->staged_count, .dry_run = o->dry_run};
}

enum lk_status lk_maintain_run(struct lk_maintain *m, struct lk_lake *lake, const struct lk_maintain_options *o, struct lk_error *err)
{
	struct lk_compact_options compact = compact_options(o);
	struct lk_expire_options expire = expire_options(o);
	struct lk_gc_options gc = gc_options(o);

	*m = (struct lk_maintain){.lock = -1};
	if (!o->dry_run)
		LK_TRY(lock_lake(m, lake, err));
	LK_TRY(lk_compact_run(&m->compact, lake, &compact, err));
	LK_TRY(lk_expire_run(&m->expire, lake, &expire, err));
	return lk_gc_run(&m->gc, lake, &gc, err);
}

void lk_maintain_release(struct lk_maintain *m)
{
	lk_compact_release(&m->compact);
	lk_expire_release(&m->expire);
	lk_gc_release(&m->gc);
	if (m->lock >= 0)
		close(m->lock);
	m->lock = -1;
}

/* The parts end in a newline of their own. */
static void chomp(struct lk_str *out)
{
	if (!out->failed && out->len)
		out->data[--out->len] = '\0';
}

enum lk_status lk_maintain_json(const struct lk_maintain *m, const struct lk_maintain_options *o, struct lk_str *out,
	struct lk_error *err)
{
	struct lk_compact_options compact = compact_options(o);
	struct lk_expire_options expire = expire_options(o);
	struct lk_gc_options gc = gc_options(o);

	lk_str_addf(out, "{\"dry_run\":%s,\"compact\":", o->dry_run ? "true" : "false");
	LK_TRY(lk_compact_json(&m->compact, &compact, out, err));
	chomp(out);
	lk_str_adds(out, ",\"expire\":");
	LK_TRY(lk_expire_json(&m->expire, &expire, out, err));
	chomp(out);
	lk_str_adds(out, ",\"gc\":");
	LK_TRY(lk_gc_json(&m->gc, &gc, out, err));
	chomp(out);
	lk_str_adds(out, "}\n");
	return lk_str_check(out, err);
}
