/*
 * Fuzzers: what every one of them does with its input.
 *
 * Each gives any bytes to the parser that lk-parse uses, by a package of its own, and holds it to its promises: it does
 * not crash, hang or grow; what is wrong with the bytes is never an error of the run; every record is a row or a
 * reject; and it does not matter in what pieces the bytes come. A promise that is broken ends the process.
 */
#ifndef LK_T_FUZZ_H
#define LK_T_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Ends the process unless a promise holds. */
#define FUZZ_PROMISE(holds, ...)                                                                                       \
	do {                                                                                                           \
		if (!(holds)) {                                                                                        \
			fprintf(stderr, "fuzz: " __VA_ARGS__);                                                         \
			fputc('\n', stderr);                                                                           \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* The sources of a package that must be right. */
struct lk_sources *fuzz_sources(const char *package);

/* Parses the bytes as a member, by the resource `as` of the sources (NULL: those that take it). piece: how long the pieces
 * are in which they come the second time. */
void fuzz_member(struct lk_sources *sources, const char *as, const char *member, const char *data, size_t len, size_t piece);

/* A number from the front of the input, which moves on: below `below`, and 0 when nothing is left. */
static inline unsigned fuzz_choice(const uint8_t **data, size_t *len, unsigned below)
{
	if (!*len)
		return 0;
	--*len;
	return *(*data)++ % below;
}

#endif
