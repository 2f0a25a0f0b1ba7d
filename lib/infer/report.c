#include "infer/report.h"

#include <string.h>

#include "stream/build.h"

enum column {
	COLUMN_RESOURCE,
	COLUMN_FIELD,
	COLUMN_TYPE,
	COLUMN_VALUES,
	COLUMN_MISSING,
	COLUMN_DISTINCT,
	COLUMN_EXAMPLE,
	COLUMN_NEAR,
	COLUMN_FIT,
	COLUMN_MISFIT,
	COLUMN_MISFITS,
	COLUMN_NOTE,
	COLUMNS,
};

static const struct lk_field fields[COLUMNS] = {
	[COLUMN_RESOURCE] = {"resource", LK_UTF8},
	[COLUMN_FIELD] = {"field", LK_UTF8},
	[COLUMN_TYPE] = {"type", LK_UTF8},
	[COLUMN_VALUES] = {"values", LK_INT64},
	[COLUMN_MISSING] = {"missing", LK_INT64},
	[COLUMN_DISTINCT] = {"distinct", LK_INT64},
	[COLUMN_EXAMPLE] = {"example", LK_UTF8},
	[COLUMN_NEAR] = {"near", LK_UTF8},
	[COLUMN_FIT] = {"fit", LK_INT64},
	[COLUMN_MISFIT] = {"misfit", LK_INT64},
	[COLUMN_MISFITS] = {"misfits", LK_UTF8},
	[COLUMN_NOTE] = {"note", LK_UTF8},
};

/* "date %m/%d/%Y", "number(18,2)" */
static void add_type(struct lk_column *c, int id, const struct lk_choice *choice, struct lk_str *room)
{
	const struct lk_maybe *m = id >= 0 ? &lk_maybes[id] : NULL;

	lk_str_clear(room);
	lk_str_adds(room, m ? m->type : "string");
	if (m && strcmp(m->format, "default"))
		lk_str_addf(room, " %s", m->format);
	if (m && m->zone)
		lk_str_adds(room, " with offset");
	if (m && m->group)
		lk_str_addf(room, " grouped by %s", m->group);
	if (m && choice->precision)
		lk_str_addf(room, "(%d,%d)", choice->precision, choice->scale);
	lk_column_text(c, lk_str_text(room));
}

static void add_misfits(struct lk_column *c, const struct lk_profile_fit *f, struct lk_str *room)
{
	lk_str_clear(room);
	for (int i = 0; i < LK_EXAMPLES && f->misfits[i]; i++)
		lk_str_addf(room, "%s'%s'", i ? ", " : "", f->misfits[i]);
	lk_column_text(c, room->len ? lk_str_text(room) : NULL);
}

static void add_note(struct lk_column *c, const struct lk_table_column *column, const struct lk_choice *choice, struct lk_str *room)
{
	lk_str_clear(room);
	if (choice->privacy)
		lk_str_addf(room, "private: %s", choice->privacy);
	if (choice->note)
		lk_str_addf(room, "%s%s", room->len ? "; " : "", choice->note);
	for (int i = 0; i < LK_NULL_WORDS; i++)
		if (lk_profile_word(column->profile, i))
			lk_str_addf(room, "%s%lld times '%s'", room->len ? "; " : "",
				(long long)lk_profile_word(column->profile, i), lk_null_words[i].word);
	for (int i = 0; i < column->alias_count; i++)
		lk_str_addf(room, "%salso '%s'", room->len ? "; " : "", column->aliases[i]);
	if (!column->always)
		lk_str_addf(room, "%snot in all files", room->len ? "; " : "");
	if (column->profile->unclean)
		lk_str_addf(room, "%s%lld values are not text", room->len ? "; " : "", (long long)column->profile->unclean);
	lk_column_text(c, room->len ? lk_str_text(room) : NULL);
}

static int64_t missing(const struct lk_profile *p, const struct lk_choice *choice)
{
	int64_t n = p->empty;

	for (int i = 0; i < LK_NULL_WORDS; i++)
		if (lk_choice_needs_word(choice, p, i))
			n += lk_profile_word(p, i);
	return n;
}

static int64_t distinct(const struct lk_profile *p)
{
	int64_t n = (int64_t)(lk_sketch_distinct(&p->sketch) + 0.5);

	return p->is_unique || n > p->values ? p->values : n;
}

static enum lk_status add_row(struct lk_builder *b, const char *resource, const struct lk_table_column *column, struct lk_str *room,
	struct lk_error *err)
{
	const struct lk_profile *p = column->profile;
	struct lk_column *c = b->columns;
	struct lk_choice choice;
	const struct lk_profile_fit *near;

	lk_choice_make(&choice, column->name, p);
	near = choice.near >= 0 ? &p->fits[choice.near] : NULL;
	lk_column_text(&c[COLUMN_RESOURCE], resource);
	lk_column_text(&c[COLUMN_FIELD], column->name);
	add_type(&c[COLUMN_TYPE], choice.id, &choice, room);
	lk_column_int64(&c[COLUMN_VALUES], p->values);
	lk_column_int64(&c[COLUMN_MISSING], missing(p, &choice));
	lk_column_int64(&c[COLUMN_DISTINCT], distinct(p));
	lk_column_text(&c[COLUMN_EXAMPLE], choice.privacy || !*p->example ? NULL : p->example);
	if (near) {
		add_type(&c[COLUMN_NEAR], choice.near, &choice, room);
		lk_column_int64(&c[COLUMN_FIT], near->fit);
		lk_column_int64(&c[COLUMN_MISFIT], near->misfit);
	} else {
		lk_column_null(&c[COLUMN_NEAR]);
		lk_column_null(&c[COLUMN_FIT]);
		lk_column_null(&c[COLUMN_MISFIT]);
	}
	if (near && !choice.privacy)
		add_misfits(&c[COLUMN_MISFITS], near, room);
	else
		lk_column_null(&c[COLUMN_MISFITS]);
	add_note(&c[COLUMN_NOTE], column, &choice, room);
	LK_TRY(lk_str_check(room, err));
	return lk_builder_end_row(b, err);
}

static enum lk_status write_rows(struct lk_builder *b, enum lk_format format, FILE *out, struct lk_error *err)
{
	const struct ArrowArrayView *view;
	struct lk_formatter *formatter;
	enum lk_status status;

	LK_TRY(lk_builder_check(b, err));
	LK_TRY(lk_builder_view(b, &view, err));
	LK_TRY(lk_formatter_open(&formatter, format, out, NULL, &b->schema, err));
	status = lk_formatter_batch(formatter, view, err);
	if (status == LK_OK)
		return lk_formatter_close(formatter, err);
	lk_formatter_abort(formatter);
	return status;
}

enum lk_status lk_report(const struct lk_table *tables, const char *const *names, int count, enum lk_format format, FILE *out,
	struct lk_error *err)
{
	struct lk_str room = LK_STR_INIT;
	struct lk_builder b = {0};
	enum lk_status status = lk_builder_init(&b, fields, COLUMNS, NULL, err);

	for (int i = 0; i < count; i++)
		for (int k = 0; k < tables[i].count && status == LK_OK; k++)
			status = add_row(&b, names[i], &tables[i].columns[k], &room, err);
	if (status == LK_OK)
		status = write_rows(&b, format, out, err);
	lk_builder_release(&b);
	lk_str_release(&room);
	return status;
}
