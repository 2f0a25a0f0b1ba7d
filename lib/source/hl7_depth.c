/*
 * Which segment belongs to which, without the grammar of each message type.
 *
 * Segments that others hang on begin a group, which goes on to the next segment that begins one and is as deep or less
 * deep. So the parents of a segment are the last ones less deep, of groups that still go on. Segments with odd depths
 * hang on one of the depth before, and begin no group.
 *
 *	MSH 0 > PID 2 > PV1 4 > SPM 6 > ORC 8 > OBR, RXA, TXA ... 10 > SPM 12 > OBX 14 > all others 17
 *
 * An ORC stands above its OBR in most messages and below it in some (OUL), an SPM below it in most and above it in
 * those: which of them comes first in a message tells.
 */
#include "source/hl7.h"

#define ID LK_HL7_ID

enum { MESSAGE = 0, PATIENT = 2, VISIT = 4, SPECIMEN = 6, ORDER = 8, DETAIL = 10, ORDER_PART = 12, RESULT = 14, LEAF = 17 };

static const struct kind {
	uint32_t id;
	uint8_t depth;
} kinds[] = {
	{LK_HL7_MSH, MESSAGE},
	{ID('S', 'F', 'T'), MESSAGE + 1},
	{ID('U', 'A', 'C'), MESSAGE + 1},
	{ID('E', 'V', 'N'), MESSAGE + 1},
	{ID('M', 'S', 'A'), MESSAGE + 1},
	{ID('Q', 'P', 'D'), MESSAGE + 1},
	{ID('Q', 'R', 'D'), MESSAGE + 1},
	{ID('Q', 'A', 'K'), MESSAGE + 1},
	{ID('P', 'I', 'D'), PATIENT},
	{ID('P', 'D', '1'), PATIENT + 1},
	{ID('M', 'R', 'G'), PATIENT + 1},
	{ID('P', 'V', '1'), VISIT},
	{ID('P', 'V', '2'), VISIT + 1},
	{ID('O', 'R', 'C'), ORDER},
	{ID('O', 'B', 'R'), DETAIL},
	{ID('R', 'X', 'A'), DETAIL},
	{ID('R', 'X', 'O'), DETAIL},
	{ID('R', 'X', 'E'), DETAIL},
	{ID('R', 'X', 'D'), DETAIL},
	{ID('R', 'X', 'G'), DETAIL},
	{ID('T', 'X', 'A'), DETAIL},
	{ID('R', 'Q', 'D'), DETAIL},
	{ID('O', 'D', 'S'), DETAIL},
	{ID('R', 'X', 'R'), DETAIL + 1},
	{ID('T', 'Q', '1'), DETAIL + 1},
	{ID('S', 'P', 'M'), ORDER_PART},
	{ID('O', 'B', 'X'), RESULT},
};

static uint8_t usual_depth(uint32_t id)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].id == id)
			return kinds[i].depth;
	return LEAF;
}

/* Whether the message has a segment `a`, and none of `b` before it. */
static bool comes_first(const struct lk_hl7_message *m, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < m->count && m->segments[i].id != b; i++)
		if (m->segments[i].id == a)
			return true;
	return false;
}

void lk_hl7_set_depths(struct lk_hl7_message *m)
{
	uint32_t obr = ID('O', 'B', 'R'), orc = ID('O', 'R', 'C'), spm = ID('S', 'P', 'M'), id = 0;
	bool orc_above = comes_first(m, orc, obr), spm_above = comes_first(m, spm, obr);
	uint8_t depth = LEAF;

	for (size_t i = 0; i < m->count; i++) {
		struct lk_hl7_segment *s = &m->segments[i];

		if (s->id != id) {
			id = s->id;
			depth = usual_depth(id);
			if (id == spm && spm_above)
				depth = SPECIMEN;
			if (id == orc && !orc_above)
				depth = ORDER_PART;
		}
		s->depth = depth;
	}
}

bool lk_hl7_is_remark(uint32_t id)
{
	return id == ID('N', 'T', 'E') || id == ID('P', 'R', 'T') || id == ID('R', 'O', 'L');
}
