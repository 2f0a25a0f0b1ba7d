/* The summary of a run: for people, for programs, and the one sentence that says why it was found wanting. */
#ifndef LK_INGEST_SUMMARY_H
#define LK_INGEST_SUMMARY_H

#include "ingest/ingest.h"

/* How many rejected records are no reason to complain. */
struct lk_allowance {
	int64_t records; /* this many */
	double percent;	 /* or this part of all records; negative when `records` counts */
};

/* LK_OK, or LK_WANTING with what was rejected, failed or held in err. Of what is only staged, the commit tells that. */
enum lk_status lk_summary_judge(const struct lk_ingest_result *result, const struct lk_allowance *allowed,
	struct lk_error *err) LK_CHECKED;

/* Lines of text. */
void lk_summary_text(const struct lk_ingest_result *result, struct lk_str *out);

/* One JSON object and a line feed. */
void lk_summary_json(const struct lk_ingest_result *result, struct lk_str *out);

/* Bytes as people read them: "512 B", "1.5 MB". */
void lk_bytes_text(int64_t bytes, struct lk_str *out);

#endif
