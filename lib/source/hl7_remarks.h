/* What is odd in a member of HL7 v2, and read all the same: counted, and told once when the member ends. */
#ifndef LK_SOURCE_HL7_REMARKS_H
#define LK_SOURCE_HL7_REMARKS_H

#include "source/hl7.h"

enum lk_hl7_remark {
	LK_HL7_OUTSIDE, /* lines outside of messages */
	LK_HL7_OTHERS,	/* lines within messages that are no segments */
	LK_HL7_NO_TYPE,
	LK_HL7_NO_CONTROL_ID,
	LK_HL7_NO_VERSION,
	LK_HL7_ODD_VERSION,
	LK_HL7_SAME_CONTROL_ID,
	LK_HL7_ODD_CHARSET,
	LK_HL7_BATCH_COUNT,
	LK_HL7_FILE_COUNT,
	LK_HL7_REMARKS,
};

struct lk_hl7_remarks {
	struct {
		int64_t count, line;  /* of the first */
		int64_t said, found; /* BATCH_COUNT, FILE_COUNT: of the first */
	} items[LK_HL7_REMARKS];
	uint64_t *ids; /* hashes of control ids: a table of open addressing, 0 for none */
	size_t id_count, id_cap;
	int64_t batch_messages, batches; /* messages since the batch began, batches since the file did */
};

void lk_hl7_remark(struct lk_hl7_remarks *r, enum lk_hl7_remark what, int64_t line);
/* Looks at the header of a message that is taken. */
enum lk_status lk_hl7_remark_message(struct lk_hl7_remarks *r, const struct lk_hl7_message *m, struct lk_error *err) LK_CHECKED;
/* A line of the envelope. */
void lk_hl7_remark_envelope(struct lk_hl7_remarks *r, const char *line, size_t len, int64_t number);
/* Tells the sink. */
void lk_hl7_remarks_tell(const struct lk_hl7_remarks *r, struct lk_sink *sink);
/* Forgets the member; what memory it keeps is small. */
void lk_hl7_remarks_clear(struct lk_hl7_remarks *r);
void lk_hl7_remarks_release(struct lk_hl7_remarks *r);

#endif
