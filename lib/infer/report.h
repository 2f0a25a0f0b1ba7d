/* Reports: the evidence for a draft, a row for each column. */
#ifndef LK_INFER_REPORT_H
#define LK_INFER_REPORT_H

#include <stdio.h>

#include "infer/table.h"
#include "stream/format.h"

/* names: of the resources, by table. Values of private columns are not shown. */
enum lk_status lk_report(const struct lk_table *tables, const char *const *names, int count, enum lk_format format, FILE *out,
	struct lk_error *err) LK_CHECKED;

#endif
