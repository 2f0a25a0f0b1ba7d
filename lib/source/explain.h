/*
 * Explanations: what lk-parse does with a file, and why (lk-parse --explain).
 *
 * The file is parsed as ever, with a tap in place of the stream (source/tap.h). What is learned of a member gathers in one JSON
 * object, which is printed as it is (a line each) or as text for people:
 *
 *	delivery, member, sender, size	 of the member
 *	packages	 those that were asked: package, file, applies, resources: resource, takes, why
 *	tables		 one for each resource that took it: resource, table, format, encoding, dialect, columns, missing, records, rows,
 *			 rejected, status, error, warning, reasons, rejects
 *	columns		 column (of the file), field, to (of the table), type, format, phi, values, nulls, samples; without `to` it is
 *			 left out, or goes to lk_rest where `rest` is true
 *	status, error	 of a member that no resource took
 *
 * Values of private columns are not in it, nor those of columns that no field takes.
 */
#ifndef LK_SOURCE_EXPLAIN_H
#define LK_SOURCE_EXPLAIN_H

#include <jansson.h>
#include <stdio.h>

#include "source/tap.h"

struct lk_explanation;

/* Members are explained on `out` as they end. */
enum lk_status lk_explanation_open(struct lk_explanation **out, FILE *to, bool json, struct lk_error *err) LK_CHECKED;
/* For lk_parser_tap. */
const struct lk_tap *lk_explanation_tap(const struct lk_explanation *x);
/* The last member has ended. */
enum lk_status lk_explanation_finish(struct lk_explanation *x, struct lk_error *err) LK_CHECKED;
void lk_explanation_close(struct lk_explanation *x); /* NULL is fine */

/* One of them for people (explain_text.c). */
enum lk_status lk_explanation_text(const json_t *m, FILE *to, struct lk_error *err) LK_CHECKED;

#endif
