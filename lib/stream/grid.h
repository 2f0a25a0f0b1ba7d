/*
 * Aligned tables of text, for people. Inside of lib/stream.
 *
 * The first rows are held back to learn how wide the columns are; what comes after them is written at once, in columns
 * of that width.
 */
#ifndef LK_STREAM_GRID_H
#define LK_STREAM_GRID_H

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/str.h"

#define LK_GRID_HELD 1000 /* rows held back */

struct lk_grid {
	FILE *out;
	int columns;
	bool markdown;
	int cut;	/* columns of the terminal that a cell may take; 0 for any */
	locale_t utf8;	/* for the width of characters; 0 when there is none */
	struct lk_grid_column {
		int width;
		bool right;
	} *column;
	struct lk_str text;    /* the cells held back, one after the other */
	struct lk_grid_cell {
		size_t start, len;
		int width;
	} *cells;
	size_t cell_count, cell_cap;
	bool flowing; /* nothing is held back any more */
	struct lk_str line;
};

/* All columns stand to the left; grid->column[i].right changes that. */
enum lk_status lk_grid_open(struct lk_grid *g, FILE *out, int columns, bool markdown, struct lk_error *err) LK_CHECKED;
/* The next cell, from the left to the right, row by row; the first row is the heading. */
enum lk_status lk_grid_cell(struct lk_grid *g, const char *text, size_t len, struct lk_error *err) LK_CHECKED;
/* Writes what is held back. */
enum lk_status lk_grid_finish(struct lk_grid *g, struct lk_error *err) LK_CHECKED;
void lk_grid_release(struct lk_grid *g);

#endif
