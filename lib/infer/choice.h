/*
 * Choices: the type that a column gets by its profile and its name.
 *
 * Only a type that every value fits is chosen, so that what is drafted parses its own samples. Where that leaves several, it
 * is the one that loses nothing of the text: what has leading zeros, is a code by its name or has more digits than a number
 * needs stays a string.
 */
#ifndef LK_INFER_CHOICE_H
#define LK_INFER_CHOICE_H

#include "infer/profile.h"

struct lk_choice {
	int id;		 /* of lk_maybes, or LK_MAYBE_STRING */
	int precision, scale; /* of a decimal; 0 for a double */
	int near;	 /* of a string: the type that most values fit, or LK_MAYBE_STRING */
	const char *note; /* what one should know of it; static, or NULL */
	const char *privacy; /* class, or NULL */
};

/* name may be NULL where there is none. */
void lk_choice_make(struct lk_choice *c, const char *name, const struct lk_profile *p);

/* Whether a word for what is missing stood in the column and must be named as such, as its other values have a type. */
bool lk_choice_needs_word(const struct lk_choice *c, const struct lk_profile *p, int word);

#endif
