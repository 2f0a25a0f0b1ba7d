/*
 * guess-dialect FILE...: for each file a JSON object with its name, encoding, dialect and what else the guess says,
 * and the milliseconds that it took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "infer/dialect.h"

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static char *read_start(const char *path, size_t *len, bool *whole)
{
	size_t room = 256 * 1024;
	char *data = malloc(room);
	FILE *f = fopen(path, "rb");

	if (!data || !f) {
		fprintf(stderr, "guess-dialect: cannot read '%s'\n", path);
		exit(66);
	}
	*len = fread(data, 1, room, f);
	*whole = *len < room;
	fclose(f);
	return data;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct lk_error err;
		struct lk_guess g;
		size_t len;
		bool whole;
		char *data = read_start(argv[i], &len, &whole);
		double start = now_ms();
		json_t *line;

		if (lk_guess_dialect(data, len, whole, &g, &err) != LK_OK) {
			fprintf(stderr, "guess-dialect: '%s': %s\n", argv[i], err.message);
			return (int)err.status;
		}
		line = json_pack("{s:s, s:s, s:O, s:I, s:f, s:b, s:f}", "file", argv[i], "encoding", g.encoding, "dialect", g.dialect,
			"columns", (json_int_t)g.columns, "confidence", g.confidence, "flawed",
			g.flawed, "ms", now_ms() - start);
		if (!line || json_dumpf(line, stdout, JSON_COMPACT))
			return 70;
		putchar('\n');
		json_decref(line);
		lk_guess_release(&g);
		free(data);
	}
	return 0;
}
