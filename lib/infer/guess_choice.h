/*
 * Which reading of a text is the shortest: delimiter, quote, escape and comments are tried in all likely combinations.
 */
#ifndef LK_INFER_GUESS_CHOICE_H
#define LK_INFER_GUESS_CHOICE_H

#include "infer/guess_form.h"

/* The start of a text, in UTF-8. */
struct lk_excerpt {
	const char *data;
	size_t len;
	bool whole; /* it is all of the text */
};

/* The best form, and how many bits more the best with another delimiter needs (infinite where there is none). Not empty. */
enum lk_status lk_form_choose(
	const struct lk_excerpt *text, struct lk_form *form, double *margin, struct lk_error *err) LK_CHECKED;

bool lk_excerpt_has(const struct lk_excerpt *text, const char *what);
/* How many lines that are not blank begin with mark. */
size_t lk_excerpt_lines(const struct lk_excerpt *text, const char *mark);

#endif
