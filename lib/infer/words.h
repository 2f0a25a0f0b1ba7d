/*
 * What the name of a column tells of it: whether it is private, a key, a date, or a code whose digits are no number.
 *
 * Names are compared by their letters and digits alone, in small letters: BIRTH_DATE, birthDate and "Birth date" are one.
 */
#ifndef LK_INFER_WORDS_H
#define LK_INFER_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define LK_SQUEEZED 80

/* The letters and digits of a name, in small letters; what is longer is cut. Bytes above ASCII stay. */
void lk_name_squeeze(char out[LK_SQUEEZED], const char *name);

/* The class of privacy that a name speaks of (name, address, date, phone, email, id), NULL for none. */
const char *lk_name_privacy(const char *name);
/* It may be the key of a table. */
bool lk_name_is_id(const char *name);
bool lk_name_is_date(const char *name);
/* Its digits are no number: a code, an identifier that comes from elsewhere, a telephone number. */
bool lk_name_is_code(const char *name);

/* Words that two names share, as a part of the words of the shorter one, 0 to 1. */
double lk_names_alike(const char *a, const char *b);

#endif
