#include "sql/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lakedir.h"
#include "base/hash.h"
#include "base/tool.h"
#include "parquet/parquet.h"

struct lk_sql_output {
	struct lk_sql_output_options options;
	const char *name; /* for messages */
	char *partial;	  /* the file under its temporary name; NULL when bytes go where they stay */
	FILE *file;	  /* of text; standard output is not ours to close */
	int fd;		  /* of a stream; -1 when file or parquet is used */
	int results;
	char *table; /* of the result being written */
	struct ArrowSchema schema;
	int64_t rows;
	struct lk_formatter *formatter;
	struct lk_writer *writer;
	struct lk_parquet *parquet;
	int *parquet_source;
};

static bool to_stdout(const struct lk_sql_output *o)
{
	return !o->options.path || !strcmp(o->options.path, "-");
}

static bool is_text(const struct lk_sql_output *o)
{
	return o->options.format != LK_FORMAT_ARROW && o->options.format != LK_FORMAT_PARQUET;
}

/* ---- opening ---- */

/* DIR/.NAME.<random>.tmp, so that a rename puts it in its place. */
static enum lk_status name_partial(struct lk_sql_output *o, struct lk_error *err)
{
	const char *base = lk_path_base(o->options.path);
	struct lk_str path = LK_STR_INIT;
	unsigned char random[8];
	char digits[2 * sizeof(random) + 1];
	char *copy;

	LK_TRY(lk_random(random, sizeof(random), err));
	lk_hex(random, sizeof(random), digits);
	lk_str_add(&path, o->options.path, (size_t)(base - o->options.path));
	lk_str_addf(&path, ".%s.%s.tmp", base, digits);
	LK_TRY(lk_str_check(&path, err));
	o->partial = path.data;
	copy = strdup(o->partial);
	if (!copy)
		return lk_error_nomem(err);
	lk_workspace_set_partial(o->options.workspace, copy);
	return LK_OK;
}

static enum lk_status cannot_create(const struct lk_sql_output *o, struct lk_error *err)
{
	return lk_error_sys(err, errno == EACCES || errno == EPERM || errno == EROFS ? LK_NOPERM : LK_CANTCREATE,
		"cannot create '%s'", o->name);
}

/* Pipes, devices and the like are written as they are; anything else by way of a temporary name. */
static enum lk_status open_path(struct lk_sql_output *o, struct lk_error *err)
{
	struct stat st;
	bool special = !stat(o->name, &st) && !S_ISREG(st.st_mode);

	LK_TRY(lk_lake_keep_out(o->name, err));
	if (special && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return cannot_create(o, err);
	}
	if (special && o->options.format == LK_FORMAT_PARQUET)
		return lk_error_set(err, LK_USAGE, "Parquet goes to a plain file, which '%s' is not", o->name);
	if (!special)
		LK_TRY(name_partial(o, err));
	o->fd = special ? open(o->name, O_WRONLY | O_CLOEXEC)
			: open(o->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return o->fd < 0 ? cannot_create(o, err) : LK_OK;
}

static enum lk_status open_impl(struct lk_sql_output *o, struct lk_error *err)
{
	if (to_stdout(o) && o->options.format == LK_FORMAT_PARQUET)
		return lk_error_set(err, LK_USAGE, "Parquet goes to a file: give -o FILE");
	if (!to_stdout(o))
		LK_TRY(open_path(o, err));
	if (o->options.format == LK_FORMAT_PARQUET) {
		/* Proved that it can be made; lk_parquet_create makes it anew. */
		close(o->fd);
		o->fd = -1;
		return lk_remove(o->partial, err);
	}
	if (o->options.format == LK_FORMAT_ARROW) {
		int fd = to_stdout(o) ? STDOUT_FILENO : o->fd;

		LK_TRY(lk_refuse_terminal(fd, "an lk stream", err));
		lk_pipe_enlarge(fd);
		return lk_writer_open(&o->writer, fd, o->name, false, err);
	}
	if (to_stdout(o)) {
		o->file = o->options.sink ? o->options.sink : stdout;
		return LK_OK;
	}
	o->file = fdopen(o->fd, "w");
	if (!o->file)
		return lk_error_sys(err, LK_IO, "cannot write '%s'", o->name);
	o->fd = -1;
	return LK_OK;
}

enum lk_status lk_sql_output_open(struct lk_sql_output **out, const struct lk_sql_output_options *options, struct lk_error *err)
{
	struct lk_sql_output *o = calloc(1, sizeof(*o));
	enum lk_status status;

	*out = NULL;
	if (!o)
		return lk_error_nomem(err);
	o->options = *options;
	o->fd = -1;
	o->name = to_stdout(o) ? "standard output" : options->path;
	status = open_impl(o, err);
	if (status)
		lk_sql_output_abort(o);
	else
		*out = o;
	return status;
}

struct lk_writer *lk_sql_output_writer(struct lk_sql_output *o)
{
	return o->writer;
}

/* ---- results ---- */

static enum lk_status describe_column(const struct ArrowSchema *column, int id, struct lk_parquet_column *out,
	struct lk_error *err)
{
	struct lk_str type = LK_STR_INIT;

	*out = (struct lk_parquet_column){.name = column->name, .field_id = id};
	out->type = lk_type_of(column, &out->precision, &out->scale);
	if (out->type != LK_OTHER)
		return LK_OK;
	lk_type_name(column, &type);
	lk_error_set(err, LK_DATA, "column %s: %s does not go to Parquet here; cast it to VARCHAR or JSON", column->name,
		lk_str_text(&type));
	lk_str_release(&type);
	return LK_DATA;
}

static enum lk_status begin_parquet(struct lk_sql_output *o, struct lk_error *err)
{
	int n = (int)o->schema.n_children;
	struct lk_parquet_column *columns = calloc((size_t)n + 1, sizeof(*columns));
	enum lk_status status = LK_OK;

	o->parquet_source = calloc((size_t)n + 1, sizeof(int));
	if (!columns || !o->parquet_source)
		status = lk_error_nomem(err);
	for (int i = 0; !status && i < n; i++) {
		status = describe_column(o->schema.children[i], i + 1, &columns[i], err);
		o->parquet_source[i] = i;
	}
	if (!status)
		status = lk_parquet_create(&o->parquet, o->partial, 0666, columns, n, NULL, err);
	free(columns);
	return status;
}

/* Of two members of one name in an object, most readers keep one. */
static enum lk_status check_names(const struct ArrowSchema *schema, struct lk_error *err)
{
	for (int64_t i = 0; i < schema->n_children; i++)
		for (int64_t k = 0; k < i; k++)
			if (!strcmp(schema->children[i]->name, schema->children[k]->name))
				return lk_error_set(err, LK_DATA, "two columns are called '%s', which JSON cannot tell apart: name one with AS",
					schema->children[i]->name);
	return LK_OK;
}

enum lk_status lk_sql_output_begin(struct lk_sql_output *o, const char *table, const struct ArrowSchema *schema, struct lk_error *err)
{
	if (o->options.format == LK_FORMAT_JSON)
		LK_TRY(check_names(schema, err));
	free(o->table);
	o->table = strdup(table);
	if (!o->table)
		return lk_error_nomem(err);
	if (o->schema.release)
		ArrowSchemaRelease(&o->schema);
	LK_TRY(lk_arrow_status(ArrowSchemaDeepCopy(schema, &o->schema), NULL, LK_BUG, "cannot copy a schema", err));
	o->rows = 0;
	if (o->results++ && is_text(o) && o->options.format != LK_FORMAT_JSON)
		fputc('\n', o->file);
	if (o->options.format == LK_FORMAT_PARQUET)
		return begin_parquet(o, err);
	if (is_text(o))
		return lk_formatter_open(&o->formatter, o->options.format, o->file, NULL, &o->schema, err);
	return LK_OK;
}

enum lk_status lk_sql_output_batch(struct lk_sql_output *o, const struct ArrowArrayView *view, struct lk_error *err)
{
	o->rows += view->length;
	if (o->writer)
		return lk_writer_batch(o->writer, o->table, &o->schema, view, err);
	if (o->parquet)
		return lk_parquet_write(o->parquet, view, o->parquet_source, err);
	return lk_formatter_batch(o->formatter, view, err);
}

/* A result without rows is a batch without rows, so that its columns are told. */
static enum lk_status empty_batch(struct lk_sql_output *o, struct lk_error *err)
{
	struct ArrowArrayView view;
	struct ArrowArray array;
	enum lk_status status;
	int code = ArrowArrayInitFromSchema(&array, &o->schema, NULL);

	if (code == NANOARROW_OK) {
		ArrowArrayStartAppending(&array);
		code = ArrowArrayFinishBuildingDefault(&array, NULL);
	}
	if (code != NANOARROW_OK)
		return lk_arrow_status(code, NULL, LK_BUG, "cannot make an empty batch", err);
	code = ArrowArrayViewInitFromSchema(&view, &o->schema, NULL);
	if (code == NANOARROW_OK)
		code = ArrowArrayViewSetArray(&view, &array, NULL);
	status = code == NANOARROW_OK ? lk_sql_output_batch(o, &view, err)
				      : lk_arrow_status(code, NULL, LK_BUG, "cannot make an empty batch", err);
	ArrowArrayViewReset(&view);
	ArrowArrayRelease(&array);
	return status;
}

enum lk_status lk_sql_output_end(struct lk_sql_output *o, struct lk_error *err)
{
	struct lk_formatter *formatter = o->formatter;

	if (o->writer && !o->rows)
		return empty_batch(o, err);
	if (!formatter)
		return LK_OK;
	o->formatter = NULL;
	return lk_formatter_close(formatter, err);
}

enum lk_status lk_sql_output_text(struct lk_sql_output *o, const char *text, size_t len, struct lk_error *err)
{
	if (fwrite(text, 1, len, o->file) == len)
		return LK_OK;
	return lk_error_sys(err, LK_IO, "cannot write '%s'", o->name);
}

/* ---- the end ---- */

static enum lk_status close_stream(struct lk_sql_output *o, struct lk_error *err)
{
	struct lk_writer *writer = o->writer;

	o->writer = NULL;
	LK_TRY(lk_writer_close(writer, err));
	if (o->partial && fsync(o->fd))
		return lk_error_sys(err, LK_IO, "cannot sync '%s'", o->name);
	return LK_OK;
}

static enum lk_status close_parquet(struct lk_sql_output *o, struct lk_error *err)
{
	struct lk_parquet *parquet = o->parquet;
	struct lk_file_metrics metrics = {0};
	enum lk_status status;

	o->parquet = NULL;
	status = lk_parquet_close(parquet, &metrics, err);
	lk_file_metrics_release(&metrics);
	return status;
}

static enum lk_status close_text(struct lk_sql_output *o, struct lk_error *err)
{
	FILE *file = o->file;

	if (fflush(file) || (o->partial && fsync(fileno(file))))
		return lk_error_sys(err, LK_IO, "cannot write '%s'", o->name);
	if (to_stdout(o))
		return LK_OK;
	o->file = NULL;
	return fclose(file) ? lk_error_sys(err, LK_IO, "cannot write '%s'", o->name) : LK_OK;
}

static enum lk_status finish_impl(struct lk_sql_output *o, struct lk_error *err)
{
	if (o->writer)
		LK_TRY(close_stream(o, err));
	if (o->parquet)
		LK_TRY(close_parquet(o, err));
	if (o->file)
		LK_TRY(close_text(o, err));
	if (!o->partial)
		return LK_OK;
	LK_TRY(lk_rename(o->partial, o->options.path, err));
	free(o->partial);
	o->partial = NULL;
	lk_workspace_set_partial(o->options.workspace, NULL);
	return LK_OK;
}

enum lk_status lk_sql_output_finish(struct lk_sql_output *o, struct lk_error *err)
{
	enum lk_status status = finish_impl(o, err);

	lk_sql_output_abort(o);
	return status;
}

void lk_sql_output_abort(struct lk_sql_output *o)
{
	if (!o)
		return;
	if (o->formatter)
		lk_formatter_abort(o->formatter);
	lk_writer_abort(o->writer);
	lk_parquet_abandon(o->parquet);
	if (o->file && !to_stdout(o))
		fclose(o->file);
	if (o->fd >= 0)
		close(o->fd);
	if (o->partial) {
		unlink(o->partial);
		lk_workspace_set_partial(o->options.workspace, NULL);
	}
	if (o->schema.release)
		ArrowSchemaRelease(&o->schema);
	free(o->partial);
	free(o->parquet_source);
	free(o->table);
	free(o);
}
