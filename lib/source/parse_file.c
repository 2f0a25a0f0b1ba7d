/* Files and standard input as members of their own. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/tool.h"
#include "source/parse_inside.h"

#define PIECE_BYTES (256 * 1024)

/* Replaces a path by its text, which lives as long as the member. */
static enum lk_status keep_path(struct lk_parser *p, const char **path, struct lk_error *err)
{
	struct lk_str text = LK_STR_INIT;
	enum lk_status status;

	lk_path_text(&text, *path);
	status = lk_str_check(&text, err);
	*path = status ? NULL : lk_arena_strdup(&p->arena, lk_str_text(&text));
	lk_str_release(&text);
	return status || *path ? status : lk_error_nomem(err);
}

static enum lk_status describe_file(struct lk_parser *p, const char *path, int fd, const struct stat *st,
	char digest[LK_SHA256_HEX], bool *seekable, struct lk_error *err)
{
	off_t start = lseek(fd, 0, SEEK_CUR);
	char *sender;

	*seekable = start >= 0 && S_ISREG(st->st_mode);
	*digest = '\0';
	if (*seekable) {
		LK_TRY(lk_sha256_fd(fd, path, digest, err));
		if (lseek(fd, start, SEEK_SET) != start)
			return lk_error_sys(err, LK_IO, "cannot read '%s' twice", path);
	}
	lk_arena_clear(&p->arena);
	LK_TRY(keep_path(p, &path, err));
	LK_TRY(lk_sources_sender(p->sources, path, &sender, err));
	p->member = (struct lk_source_member){
		.delivery = path,
		.sha256 = digest,
		.sender = lk_arena_strdup(&p->arena, sender),
		.member = lk_arena_strdup(&p->arena, lk_path_base(path)),
		.size = *seekable ? st->st_size - start : 0,
		.modified = *seekable ? st->st_mtim.tv_sec * INT64_C(1000000) + st->st_mtim.tv_nsec / 1000
				      : lk_now_us(),
		.member_size = *seekable ? st->st_size - start : -1,
		.member_modified = *seekable
					   ? st->st_mtim.tv_sec * INT64_C(1000000) + st->st_mtim.tv_nsec / 1000
					   : INT64_MIN,
	};
	free(sender);
	return p->member.delivery && p->member.sender && p->member.member ? LK_OK : lk_error_nomem(err);
}

/* Where a file's text comes from: the descriptor, or the reader that has read some of it. */
struct text_input {
	const char *path;
	int fd;
	struct lk_reader *reader; /* or NULL */
};

static enum lk_status pump(
	struct lk_parser *p, const struct text_input *in, struct lk_sha256 *sha, char *buf, struct lk_error *err)
{
	for (;;) {
		size_t got;

		if (in->reader)
			LK_TRY(lk_reader_text(in->reader, buf, PIECE_BYTES, &got, err));
		else
			LK_TRY(lk_read_full(in->fd, in->path, buf, PIECE_BYTES, &got, err));
		if (!got)
			return LK_OK;
		if (sha->ctx)
			LK_TRY(lk_sha256_add(sha, buf, got, err));
		LK_TRY(lk_parser_feed(p, buf, got, err));
	}
}

/* What comes through a pipe is known by its digest and size only at its end. */
static enum lk_status text_impl(
	struct lk_parser *p, const struct text_input *in, struct lk_sha256 *sha, char *buf, struct lk_error *err)
{
	char digest[LK_SHA256_HEX];
	bool seekable = false;
	struct stat before;

	if (fstat(in->fd, &before) != 0)
		return lk_error_sys(err, LK_NOINPUT, "cannot read '%s'", in->path);
	LK_TRY(describe_file(p, in->path, in->fd, &before, digest, &seekable, err));
	lk_parser_begun(p);
	if (!seekable)
		LK_TRY(lk_sha256_init(sha, err));
	LK_TRY(pump(p, in, sha, buf, err));
	LK_TRY(lk_parser_settle(p, err)); /* before the digest is there: rows are called the same however long the text is */
	if (sha->ctx) {
		LK_TRY(lk_sha256_hex(sha, digest, err));
		p->member.size = p->member.member_size = p->offset;
	}
	LK_TRY(lk_file_check(in->path, in->fd, &before, err));
	return lk_parser_end(p, NULL, err);
}

static enum lk_status take_text(struct lk_parser *p, const struct text_input *in, struct lk_error *err)
{
	struct lk_sha256 sha = {NULL};
	char *buf = malloc(PIECE_BYTES);
	enum lk_status status = buf ? text_impl(p, in, &sha, buf, err) : lk_error_nomem(err);

	lk_sha256_release(&sha);
	free(buf);
	return status;
}

enum lk_status lk_parser_file(struct lk_parser *p, const char *path, struct lk_error *err)
{
	struct text_input in = {.path = path};
	enum lk_status status;

	LK_TRY(lk_open_input(path, &in.fd, err));
	status = take_text(p, &in, err);
	lk_close_input(in.fd);
	return status;
}

enum lk_status lk_parser_text(struct lk_parser *p, struct lk_reader *reader, struct lk_error *err)
{
	struct text_input in = {"-", STDIN_FILENO, reader};

	return take_text(p, &in, err);
}
