#include "parquet/encode.h"

#include <stdbool.h>

#include "parquet/bits.h"

/* A run-length run costs a header and a value, and a header for what follows: below this it saves nothing. */
#define LEVEL_RUN_BYTES 16

static uint8_t *put_varint(uint8_t *out, uint64_t value)
{
	while (value >= 0x80) {
		*out++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*out++ = (uint8_t)value;
	return out;
}

static uint8_t *put_level_run(uint8_t *out, int64_t count, int level)
{
	out = put_varint(out, (uint64_t)count << 1);
	*out++ = (uint8_t)level;
	return out;
}

static uint8_t *put_packed_levels(uint8_t *out, const uint8_t *bits, int64_t bytes)
{
	if (!bytes)
		return out;
	out = put_varint(out, (uint64_t)bytes << 1 | 1);
	memcpy(out, bits, (size_t)bytes);
	return out + bytes;
}

size_t lk_encode_levels(const uint8_t *bits, int64_t n, int64_t set_count, uint8_t *out)
{
	uint8_t *start = out;
	int64_t whole = n / 8, packed = 0, i = 0;

	if (set_count == n || !set_count)
		return (size_t)(put_level_run(out, n, set_count != 0) - start);
	while (i < whole) {
		int64_t end = i + 1;

		if (bits[i] == 0 || bits[i] == 0xff) {
			while (end < whole && bits[end] == bits[i])
				end++;
			if (end - i >= LEVEL_RUN_BYTES) {
				out = put_packed_levels(out, bits + packed, i - packed);
				out = put_level_run(out, (end - i) * 8, bits[i] & 1);
				packed = end;
			}
		}
		i = end;
	}
	out = put_packed_levels(out, bits + packed, (n + 7) / 8 - packed);
	return (size_t)(out - start);
}

/* 8 values of up to 16 bits; writes 16 bytes, of which the first `width` count. */
static void pack8(const uint32_t *v, int width, uint8_t *out)
{
	uint64_t low = v[0] | (uint64_t)v[1] << width | (uint64_t)v[2] << 2 * width | (uint64_t)v[3] << 3 * width;
	uint64_t high = v[4] | (uint64_t)v[5] << width | (uint64_t)v[6] << 2 * width | (uint64_t)v[7] << 3 * width;
	unsigned __int128 both = low | (unsigned __int128)high << 4 * width;

	memcpy(out, &both, 16);
}

static uint8_t *put_packed(uint8_t *out, const uint32_t *v, int64_t n, int width)
{
	int64_t i;

	if (!n)
		return out;
	out = put_varint(out, (uint64_t)((n + 7) / 8) << 1 | 1);
	for (i = 0; i + 8 <= n; i += 8, out += width)
		pack8(v + i, width, out);
	if (i < n) {
		uint32_t last[8] = {0};

		memcpy(last, v + i, (size_t)(n - i) * sizeof(*v));
		pack8(last, width, out);
		out += width;
	}
	return out;
}

static int64_t run_length(const uint32_t *v, int64_t n)
{
	int64_t run = 1;

	while (run < n && v[run] == v[0])
		run++;
	return run;
}

size_t lk_encode_indices(const uint32_t *v, int64_t n, int width, uint8_t *out)
{
	uint8_t *start = out;
	int64_t packed = 0, i = 0;
	int64_t worth = width >= 8 ? 8 : 32; /* values that a run must have to be shorter than packed */

	*out++ = (uint8_t)width;
	while (width && i < n) {
		int64_t run = v[i] == v[i + (i + 1 < n)] ? run_length(v + i, n - i) : 1;

		if (run >= worth) {
			out = put_packed(out, v + packed, i - packed, width);
			out = put_varint(out, (uint64_t)run << 1);
			memcpy(out, v + i, 4);
			out += (width + 7) / 8;
			i += run;
			packed = i;
		} else {
			i = i + 8 < n ? i + 8 : n;
		}
	}
	if (width)
		out = put_packed(out, v + packed, n - packed, width);
	return (size_t)(out - start);
}
