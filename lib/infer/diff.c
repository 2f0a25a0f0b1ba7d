/* The longest common subsequence, by Myers' algorithm ("An O(ND) Difference Algorithm", 1986): its greedy form, with each step kept. */
#include "infer/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CONTEXT 3
#define DEPTH_MAX 2000 /* changes that are told apart: what is kept grows with their square, to 16 MB */

struct lines {
	const char **start;
	size_t *len;
	int count;
};

/* A step of the way from one text to the other. */
struct step {
	char kind; /* ' ', '-' or '+' */
	int line;  /* of the old text, or of the new where it is added */
};

struct diff {
	struct lines old, new;
	int **trace; /* by depth: how far each diagonal got */
	int depth;
	bool far; /* there are more changes than are told apart */
	struct step *steps;
	int count;
};

static bool split(struct lines *l, const char *text)
{
	size_t cap = 0, len_cap = 0;

	while (*text) {
		size_t n = strcspn(text, "\n");

		if (!lk_grow((void **)&l->start, &cap, (size_t)l->count + 1, sizeof(*l->start)) ||
			!lk_grow((void **)&l->len, &len_cap, (size_t)l->count + 1, sizeof(*l->len)))
			return false;
		l->start[l->count] = text;
		l->len[l->count++] = n;
		text += n + (text[n] == '\n');
	}
	return true;
}

static bool same(const struct diff *d, int x, int y)
{
	return d->old.len[x] == d->new.len[y] && !memcmp(d->old.start[x], d->new.start[y], d->old.len[x]);
}

/* Where a path of this depth enters diagonal k: down from the one above, or right from the one below. reach[depth + k]. */
static bool goes_down(const int *reach, int depth, int k)
{
	return k == -depth || (k != depth && reach[depth + k - 1 - 1] < reach[depth + k + 1 - 1]);
}

/* The furthest x on each diagonal with `depth` changes, from those with one less: trace[depth][depth + k]. False when memory is
 * short; d->far when the end was not reached. */
static bool search(struct diff *d)
{
	int most = d->old.count + d->new.count;
	size_t cap = 0;

	for (int depth = 0; depth <= most && depth < DEPTH_MAX; depth++) {
		int *reach = calloc(2 * (size_t)depth + 1, sizeof(*reach));
		const int *before = depth ? d->trace[depth - 1] : NULL;

		if (!reach || !lk_grow((void **)&d->trace, &cap, (size_t)depth + 1, sizeof(*d->trace))) {
			free(reach);
			return false;
		}
		d->trace[depth] = reach;
		d->depth = depth;
		for (int k = -depth; k <= depth; k += 2) {
			int x = !depth ? 0 : goes_down(before, depth, k) ? before[depth + k] : before[depth + k - 2] + 1;

			while (x < d->old.count && x - k < d->new.count && x - k >= 0 && same(d, x, x - k))
				x++;
			reach[depth + k] = x;
			if (x >= d->old.count && x - k >= d->new.count)
				return true;
		}
	}
	d->far = true;
	return true;
}

static void add_step(struct diff *d, char kind, int line)
{
	d->steps[d->count++] = (struct step){kind, line};
}

/* The way back from the end, so that steps are in reverse. */
static void walk_back(struct diff *d)
{
	int x = d->old.count, y = d->new.count;

	for (int depth = d->depth; depth > 0; depth--) {
		const int *before = d->trace[depth - 1];
		int k = x - y;
		bool down = goes_down(before, depth, k);
		int from = down ? before[depth + k] : before[depth + k - 2];
		int from_y = from - (down ? k + 1 : k - 1);

		while (x > from + !down && y > from_y + down) {
			x--, y--;
			add_step(d, ' ', x);
		}
		if (down)
			add_step(d, '+', --y);
		else
			add_step(d, '-', --x);
	}
	while (x > 0) {
		x--;
		add_step(d, ' ', x);
	}
}

/* Instead, where there are too many changes: between what both begin and end with, one text goes and the other comes. */
static void replace_middle(struct diff *d)
{
	int x = d->old.count, y = d->new.count, head = 0;

	while (x > 0 && y > 0 && same(d, x - 1, y - 1)) {
		x--, y--;
		add_step(d, ' ', x);
	}
	while (head < x && head < y && same(d, head, head))
		head++;
	while (y > head)
		add_step(d, '+', --y);
	while (x > head)
		add_step(d, '-', --x);
	while (x > 0)
		add_step(d, ' ', --x);
}

static void add_line(const struct diff *d, struct lk_str *out, const struct step *s)
{
	const struct lines *l = s->kind == '+' ? &d->new : &d->old;

	lk_str_addc(out, s->kind);
	lk_str_add(out, l->start[s->line], l->len[s->line]);
	lk_str_addc(out, '\n');
}

/* Steps, in reverse, from `first` down to `last`. */
static void add_hunk(const struct diff *d, struct lk_str *out, int first, int last, int old_line, int new_line)
{
	int old_count = 0, new_count = 0;

	for (int i = first; i >= last; i--) {
		old_count += d->steps[i].kind != '+';
		new_count += d->steps[i].kind != '-';
	}
	lk_str_addf(out, "@@ -%d,%d +%d,%d @@\n", old_line + (old_count > 0), old_count, new_line + (new_count > 0), new_count);
	for (int i = first; i >= last; i--)
		add_line(d, out, &d->steps[i]);
}

/* Changes that are near to each other stand in one hunk. */
static void add_hunks(const struct diff *d, struct lk_str *out)
{
	int old_line = 0, new_line = 0, i = d->count - 1;

	while (i >= 0) {
		int first, last, quiet = 0;

		while (i >= 0 && d->steps[i].kind == ' ') {
			i--, old_line++, new_line++;
		}
		if (i < 0)
			return;
		first = i + CONTEXT < d->count ? i + CONTEXT : d->count - 1;
		old_line -= first - i;
		new_line -= first - i;
		for (last = i; i >= 0 && quiet <= 2 * CONTEXT; i--) {
			quiet = d->steps[i].kind == ' ' ? quiet + 1 : 0;
			last = quiet ? last : i;
		}
		last = last > CONTEXT ? last - CONTEXT : 0;
		add_hunk(d, out, first, last, old_line, new_line);
		for (i = first; i >= last; i--) {
			old_line += d->steps[i].kind != '+';
			new_line += d->steps[i].kind != '-';
		}
	}
}

static enum lk_status diff_impl(struct diff *d, struct lk_str *out, const char *old_name, const char *old_text,
	const char *new_name, const char *new_text, struct lk_error *err)
{
	if (!split(&d->old, old_text) || !split(&d->new, new_text) || !search(d))
		return lk_error_nomem(err);
	d->steps = calloc((size_t)d->old.count + (size_t)d->new.count + 1, sizeof(*d->steps));
	if (!d->steps)
		return lk_error_nomem(err);
	if (d->far)
		replace_middle(d);
	else
		walk_back(d);
	lk_str_addf(out, "--- %s\n+++ %s\n", old_name, new_name);
	add_hunks(d, out);
	return lk_str_check(out, err);
}

enum lk_status lk_diff(struct lk_str *out, const char *old_name, const char *old_text, const char *new_name, const char *new_text,
	struct lk_error *err)
{
	struct diff d = {0};
	enum lk_status status;

	if (!strcmp(old_text, new_text))
		return LK_OK;
	status = diff_impl(&d, out, old_name, old_text, new_name, new_text, err);
	for (int i = 0; d.trace && i <= d.depth; i++)
		free(d.trace[i]);
	free(d.trace);
	free(d.steps);
	free(d.old.start);
	free(d.old.len);
	free(d.new.start);
	free(d.new.len);
	return status;
}
