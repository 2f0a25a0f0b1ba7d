/* A sorted run on disk (inside of lib/lake's spill): records in blocks, each compressed with LZ4 and none longer than it need be. */
#ifndef LK_LAKE_SPILL_RUN_H
#define LK_LAKE_SPILL_RUN_H

#include <string.h>

#include "base/str.h"
#include "lake/spill.h"

struct lk_spill_run {
	int fd; /* -1: none */
	const char *folder; /* for messages; borrowed */
	struct lk_str block, packed; /* as they are; what is read is freed at the end */
	int64_t written, read;	     /* bytes of the file */
	size_t at;		     /* of the block, when reading */
	struct lk_record record;     /* the one at hand */
	bool ended;
	int64_t age; /* of the oldest records in it: those of equal keys come first */
};

enum lk_status lk_spill_run_create(struct lk_spill_run *r, const char *folder, struct lk_error *err) LK_CHECKED;
enum lk_status lk_spill_run_add(struct lk_spill_run *r, const struct lk_record *record, struct lk_error *err) LK_CHECKED;
/* Ends writing; lk_spill_run_next reads from the first record on, into r->record, until r->ended. */
enum lk_status lk_spill_run_finish(struct lk_spill_run *r, struct lk_error *err) LK_CHECKED;
enum lk_status lk_spill_run_next(struct lk_spill_run *r, struct lk_error *err) LK_CHECKED;
void lk_spill_run_release(struct lk_spill_run *r);

/* How a record lies in a block, and in memory: two lengths, key, data. */
#define LK_RECORD_HEAD (2 * sizeof(uint32_t))
void lk_record_put(uint8_t *to, const struct lk_record *record);
static inline struct lk_record lk_record_get(const uint8_t *from)
{
	uint32_t lens[2];

	memcpy(lens, from, sizeof(lens));
	return (struct lk_record){from + LK_RECORD_HEAD, from + LK_RECORD_HEAD + lens[0], lens[0], lens[1]};
}

#endif
