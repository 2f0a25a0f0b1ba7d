/* An explanation as text. */
#include <jansson.h>
#include <string.h>

#include "source/explain.h"

#define NAME_COLUMNS 24 /* as wide as names are lined up, at most */
#define REASONS 20

static const char *text(const json_t *o, const char *key)
{
	const char *t = json_string_value(json_object_get(o, key));

	return t ? t : "";
}

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static bool is(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* A member of an object behind a label, where it is there. */
static void add_line(struct lk_str *s, const char *label, const json_t *o, const char *key)
{
	if (!json_object_get(o, key))
		return;
	lk_str_adds(s, label);
	lk_str_add_shown(s, text(o, key));
	lk_str_addc(s, '\n');
}

/* ---- who was asked ---- */

static void add_resource(struct lk_str *s, const json_t *r)
{
	lk_str_addf(s, "    %s: ", text(r, "resource"));
	if (is(r, "takes"))
		lk_str_adds(s, "takes it");
	else if (!is(r, "named"))
		lk_str_addf(s, "no: its path is %s", text(r, "paths"));
	else
		lk_str_addf(s, "no: %s", text(r, "why"));
	lk_str_addc(s, '\n');
}

static void add_package(struct lk_str *s, const json_t *p)
{
	json_t *r;
	size_t i;

	lk_str_addf(s, "  package %s (%s) ", text(p, "package"), text(p, "file"));
	if (!is(p, "applies"))
		lk_str_addf(s, "does not apply: its lk.delivery is %s\n", text(p, "delivery"));
	else
		lk_str_adds(s, json_object_get(p, "delivery") ? "applies by its lk.delivery\n" : "applies to every delivery\n");
	json_array_foreach(json_object_get(p, "resources"), i, r)
		add_resource(s, r);
}

/* ---- columns ---- */

static size_t shown_width(const char *t)
{
	size_t n = 0;

	for (; *t; t++)
		n += ((unsigned char)*t & 0xc0) != 0x80;
	return n;
}

static void add_padded(struct lk_str *s, const char *t, size_t width)
{
	size_t n = shown_width(t);

	lk_str_add_shown(s, t);
	for (; n < width; n++)
		lk_str_addc(s, ' ');
	lk_str_adds(s, "  ");
}

static bool is_missing(const json_t *table, const json_t *c)
{
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(table, "missing"), i, name)
		if (!strcmp(json_string_value(name), text(c, "field")) && !json_object_get(c, "column"))
			return true;
	return false;
}

/* What the file has for it: the name of a column, an XPath, or where else it comes from. */
static const char *source_of(const json_t *table, const json_t *c)
{
	if (is_missing(table, c))
		return "(no column)";
	if (json_object_get(c, "column"))
		return text(c, "column");
	return json_object_get(c, "path") ? text(c, "path") : text(c, "field");
}

/* How wide the names of the file, or (to) of the table, are lined up. */
static size_t widest(const json_t *table, bool to)
{
	json_t *c;
	size_t i, most = 0;

	json_array_foreach(json_object_get(table, "columns"), i, c) {
		size_t n = shown_width(to ? text(c, "to") : source_of(table, c));

		most = n > most ? n : most;
	}
	return most < NAME_COLUMNS ? most : NAME_COLUMNS;
}

static void add_type(struct lk_str *s, const json_t *c)
{
	lk_str_adds(s, text(c, "type"));
	if (json_object_get(c, "format"))
		lk_str_addf(s, " by %s", text(c, "format"));
	lk_str_addf(s, ", %lld value%s", number(c, "values"), number(c, "values") == 1 ? "" : "s");
	if (number(c, "nulls"))
		lk_str_addf(s, ", %lld null", number(c, "nulls"));
}

static void add_samples(struct lk_str *s, const json_t *c)
{
	json_t *sample;
	size_t i;

	if (json_object_get(c, "phi")) {
		lk_str_addf(s, "; private (%s)", text(c, "phi"));
		return;
	}
	json_array_foreach(json_object_get(c, "samples"), i, sample) {
		lk_str_adds(s, i ? ", " : ": ");
		lk_str_add_shown(s, json_string_value(sample));
	}
}

static void add_column(struct lk_str *s, const json_t *table, const json_t *c, size_t from, size_t to)
{
	lk_str_adds(s, "    ");
	add_padded(s, source_of(table, c), from);
	if (!json_object_get(c, "to")) {
		lk_str_adds(s, is(table, "rest") ? "goes to lk_rest\n" : "is left out: no field takes it\n");
		return;
	}
	lk_str_adds(s, "-> ");
	add_padded(s, text(c, "to"), to);
	add_type(s, c);
	add_samples(s, c);
	lk_str_addc(s, '\n');
}

/* ---- rejects ---- */

static void add_reject(struct lk_str *s, const json_t *r)
{
	lk_str_adds(s, "    ");
	if (json_object_get(r, "line"))
		lk_str_addf(s, "line %lld, ", number(r, "line"));
	lk_str_addf(s, "record %lld", number(r, "record"));
	if (json_object_get(r, "field"))
		lk_str_addf(s, ", column %s", text(r, "field"));
	lk_str_adds(s, ": ");
	if (json_object_get(r, "value")) {
		lk_str_addc(s, '\'');
		lk_str_add_shown(s, text(r, "value"));
		lk_str_adds(s, "' ");
	}
	lk_str_add_shown(s, text(r, "reason"));
	lk_str_addc(s, '\n');
}

/* The most frequent first, each by looking for it: there are few. */
static void add_reasons(struct lk_str *s, const json_t *reasons)
{
	long long below = INT64_MAX;
	int shown = 0;
	json_t *r;
	size_t i;

	while (shown < REASONS) {
		long long most = 0;

		json_array_foreach(reasons, i, r)
			if (number(r, "records") < below && number(r, "records") > most)
				most = number(r, "records");
		if (!most)
			return;
		json_array_foreach(reasons, i, r) {
			if (number(r, "records") != most || shown++ >= REASONS)
				continue;
			lk_str_addf(s, "    %8lld  %s%s", most, text(r, "field"), json_object_get(r, "field") ? " " : "");
			lk_str_add_shown(s, text(r, "reason"));
			lk_str_addc(s, '\n');
		}
		below = most;
	}
}

static void add_rejects(struct lk_str *s, const json_t *table)
{
	const json_t *rejects = json_object_get(table, "rejects");
	size_t i, count = json_array_size(rejects);
	json_t *r;

	if (!count)
		return;
	lk_str_adds(s, (size_t)number(table, "rejected") > count ? "  why, and how many records:\n" : "  why:\n");
	if ((size_t)number(table, "rejected") > count) {
		add_reasons(s, json_object_get(table, "reasons"));
		lk_str_addf(s, "  the first %zu:\n", count);
	}
	json_array_foreach(rejects, i, r)
		add_reject(s, r);
}

/* ---- the whole ---- */

static void add_dialect(struct lk_str *s, const json_t *d)
{
	static const char *const keys[][2] = {{"delimiter", "delimiter"}, {"quoteChar", "quote"}, {"escapeChar", "escape"},
		{"commentChar", "comment"}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_object_get(d, keys[i][0])) {
			lk_str_addf(s, ", %s ", keys[i][1]);
			lk_str_add_json(s, text(d, keys[i][0]), strlen(text(d, keys[i][0])));
		}
	if (d)
		lk_str_adds(s, is(d, "header") ? ", a header" : ", no header");
}

static void add_table(struct lk_str *s, const json_t *t)
{
	const json_t *columns = json_object_get(t, "columns");
	size_t from = widest(t, false), to = widest(t, true), i;
	json_t *c;

	lk_str_addf(s, "  %s/%s -> table %s: %s", text(t, "package"), text(t, "resource"), text(t, "table"), text(t, "format"));
	if (json_object_get(t, "encoding"))
		lk_str_addf(s, ", %s", text(t, "encoding"));
	add_dialect(s, json_object_get(t, "dialect"));
	lk_str_addc(s, '\n');
	json_array_foreach(columns, i, c)
		add_column(s, t, c, from, to);
	lk_str_addf(s, "  %lld record%s: %lld row%s, %lld rejected\n", number(t, "records"), number(t, "records") == 1 ? "" : "s",
		number(t, "rows"), number(t, "rows") == 1 ? "" : "s", number(t, "rejected"));
	if (strcmp(text(t, "status"), "ok"))
		add_line(s, "  ", t, "status");
	add_line(s, "  error: ", t, "error");
	add_line(s, "  warning: ", t, "warning");
	add_rejects(s, t);
}

enum lk_status lk_explanation_text(const json_t *m, FILE *to, struct lk_error *err)
{
	struct lk_str s = LK_STR_INIT;
	json_t *item;
	size_t i;
	enum lk_status status;

	lk_str_add_shown(&s, text(m, "delivery"));
	if (strcmp(text(m, "delivery"), text(m, "member"))) {
		lk_str_addc(&s, '!');
		lk_str_add_shown(&s, text(m, "member"));
	}
	if (json_object_get(m, "size"))
		lk_str_addf(&s, ": %lld bytes", number(m, "size"));
	add_line(&s, ", from ", m, "sender");
	if (!json_object_get(m, "sender"))
		lk_str_addc(&s, '\n');
	json_array_foreach(json_object_get(m, "packages"), i, item)
		add_package(&s, item);
	add_line(&s, "  ", m, "status");
	add_line(&s, "  ", m, "error");
	json_array_foreach(json_object_get(m, "tables"), i, item)
		add_table(&s, item);
	status = lk_str_check(&s, err);
	if (!status && fwrite(lk_str_text(&s), 1, s.len, to) != s.len)
		status = lk_error_sys(err, LK_IO, "cannot write the explanation");
	lk_str_release(&s);
	return status;
}
