/*
 * Profiles: what is known of the values of one column, in memory that does not grow with them.
 *
 * Each value is tried on every type that the column may still have; a type that too many values did not fit is given up.
 * Profiles of columns of the same name in several files are merged. The one part that grows, the set of all values that says
 * whether they are unique, goes with the first value that stands twice.
 */
#ifndef LK_INFER_PROFILE_H
#define LK_INFER_PROFILE_H

#include "infer/maybe.h"
#include "source/sink.h"

#define LK_SKETCH_HASHES 256
#define LK_EXAMPLES 3
#define LK_EXAMPLE_BYTES 48

/*
 * The smallest hashes of all values (a KMV sketch, Bar-Yossef et al. 2002): how many different values there are, and how many two
 * columns share.
 */
struct lk_sketch {
	uint64_t hashes[LK_SKETCH_HASHES]; /* ascending */
	int count;
};

void lk_sketch_add(struct lk_sketch *s, uint64_t hash);
void lk_sketch_merge(struct lk_sketch *into, const struct lk_sketch *from);
/* Different values, exact where there are fewer than LK_SKETCH_HASHES. */
double lk_sketch_distinct(const struct lk_sketch *s);
/* What part of the values of the smaller set is in the other one, 0 to 1. */
double lk_sketch_shared(const struct lk_sketch *a, const struct lk_sketch *b);

/* A set of hashes that ends with the first one that is added twice. */
struct lk_profile_set {
	uint64_t *slots;
	size_t count, cap;
	bool broken; /* something stood twice, or there was too much */
};

struct lk_profile_fit {
	int64_t fit, misfit;
	char *misfits[LK_EXAMPLES]; /* the first of them; in the arena */
};

struct lk_profile {
	int64_t values;	      /* that are none of the words for what is missing */
	int64_t quoted;	      /* of them */
	int64_t empty, empty_quoted;
	int64_t words[LK_NULL_WORDS][2]; /* [1]: quoted */
	uint64_t alive;	      /* types that are still tried, by bit */
	struct lk_profile_fit fits[LK_MAYBE_MAX];
	uint32_t booleans;    /* words seen, by bit */
	size_t shortest, longest;
	int whole_digits;     /* of numbers: the most before the point, */
	int fraction_least, fraction_most; /* and behind it, */
	int digits;	      /* and in all */
	int64_t foreign;      /* of the values: not in the encoding that was guessed; */
	bool foreign_to_windows; /* nor are all of them in windows-1252, which lacks five bytes */
	int64_t unclean;      /* beside the values: no text, as they hold a NUL */
	int64_t emails, phones, ssns;
	struct lk_sketch sketch;
	struct lk_profile_set unique;
	bool is_unique;	      /* within each file */
	char example[LK_EXAMPLE_BYTES]; /* the first value; "" when there is none */
};

void lk_profile_init(struct lk_profile *p);
void lk_profile_release(struct lk_profile *p);

/* A value as a reader hands it to its sink. Examples live in the arena. */
enum lk_status lk_profile_add(struct lk_profile *p, const struct lk_maybe_converts *converts, struct lk_arena *arena,
	const struct lk_value *v, struct lk_error *err) LK_CHECKED;

/* The file ended: what can be told of it as a whole. */
void lk_profile_end(struct lk_profile *p);

/* Adds what is known of the same column in another file; both have ended. */
void lk_profile_merge(struct lk_profile *into, const struct lk_profile *from);

/* How often a word for what is missing stood, quoted or not. */
static inline int64_t lk_profile_word(const struct lk_profile *p, int word)
{
	return p->words[word][0] + p->words[word][1];
}

#endif
