/* What a stream's schema says of its columns, carried over to a result made of them. */
#ifndef LK_SQL_CARRY_H
#define LK_SQL_CARRY_H

#include "stream/schema.h"

/*
 * Gives columns of `to` the field metadata (lk.phi, lk.doc) of the column of the same name in `from`, and the schema those of
 * its metadata (lk.key, lk.order, lk.scope, lk.partition, lk.op, lk.load, lk.maxVanish, lk.history, lk.package, lk.change) whose
 * columns are all still there.
 */
enum lk_status lk_carry_metadata(const struct ArrowSchema *from, struct ArrowSchema *to, struct lk_error *err) LK_CHECKED;

#endif
