/*
 * HL7 v2 and XML: what a record is cannot be told from the text alone, and the standards that facilities follow have packages
 * already, which contrib/sources names. So nothing is drafted, and it is said which package to take.
 */
#include <string.h>

#include "infer/form.h"
#include "source/convert.h"

static const char *start_of(const struct lk_sample_head *head, size_t *left)
{
	const char *s = head->data, *end = s + head->len;

	if (head->len >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		s += 3;
	while (s < end && (lk_is_white(*s) || *s == '\v'))
		s++;
	*left = (size_t)(end - s);
	return s;
}

static bool is_hl7(const char *s, size_t left)
{
	return left > 8 && (!memcmp(s, "MSH", 3) || !memcmp(s, "FHS", 3) || !memcmp(s, "BHS", 3)) && s[3] > ' ' && s[3] < 0x7f &&
	       (s[3] < '0' || (s[3] > '9' && s[3] < 'A') || (s[3] > 'Z' && s[3] < 'a') || s[3] > 'z') && s[8] == s[3];
}

/* An XML declaration, or a tag with its end. */
static bool is_xml(const char *s, size_t left)
{
	if (left < 4 || *s != '<')
		return false;
	return s[1] == '?' || s[1] == '!' || ((s[1] >= 'A' && s[1] <= 'z') && memchr(s, '>', left));
}

static bool is_described(const struct lk_sample_head *head)
{
	size_t left;
	const char *s = start_of(head, &left);

	return is_hl7(s, left) || is_xml(s, left);
}

static bool holds(const char *s, size_t left, const char *what)
{
	return memmem(s, left, what, strlen(what)) != NULL;
}

static enum lk_status draft(struct lk_arena *arena, const struct lk_sample_head *head, struct lk_table *t, struct lk_error *err)
{
	size_t left;
	const char *s = start_of(head, &left);

	(void)arena;
	(void)err;
	t->described = true;
	if (is_hl7(s, left))
		t->failed = "is HL7 v2: the package contrib/sources/hl7v2 reads it";
	else if (holds(s, left, "<ClinicalDocument"))
		t->failed = "is a C-CDA document: the package contrib/sources/ccda reads it";
	else
		t->failed = "is XML: its records must be named by hand, see lk.record in lk-source(5)";
	return LK_OK;
}

const struct lk_sample_form lk_form_described = {is_described, draft};
