#include "archive/pbkdf2.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#define LANES_MAX 16

/* Words of up to LANES_MAX jobs, those of one place side by side. */
struct lanes {
	uint32_t key[16][LANES_MAX], salt[16][LANES_MAX], out[5][LANES_MAX];
};

static const uint32_t sha1_start[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

#define LANES 4
#define NAME(x) x##4
#define TARGET
#include "archive/pbkdf2_lanes.h"

#ifdef __x86_64__
#define LANES 8
#define NAME(x) x##8
#define TARGET __attribute__((target("avx2")))
#include "archive/pbkdf2_lanes.h"

#define LANES 16
#define NAME(x) x##16
#define TARGET __attribute__((target("avx512f")))
#include "archive/pbkdf2_lanes.h"
#endif

static const struct width {
	int lanes;
	void (*derive)(struct lanes *l, unsigned rounds);
} widths[] = {
#ifdef __x86_64__
	{16, derive16},
	{8, derive8},
#endif
	{4, derive4},
};
#define WIDTHS (sizeof(widths) / sizeof(*widths))

static bool has(int lanes)
{
#ifdef __x86_64__
	if (lanes == 16)
		return __builtin_cpu_supports("avx512f");
	if (lanes == 8)
		return __builtin_cpu_supports("avx2");
#endif
	return lanes == 4;
}

static uint32_t big_endian(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Puts a job into a lane: its key, and the message of the first round, the salt and the block's number. */
static void load(struct lanes *l, int lane, const struct lk_pbkdf2_job *job)
{
	unsigned char message[64] = {0};

	memcpy(message, job->salt, job->salt_len);
	for (int i = 0; i < 4; i++)
		message[job->salt_len + (unsigned)i] = (unsigned char)(job->block >> (24 - 8 * i));
	message[job->salt_len + 4] = 0x80;
	for (int i = 0; i < 16; i++) {
		l->key[i][lane] = big_endian(job->key + 4 * i);
		l->salt[i][lane] = big_endian(message + 4 * i);
	}
	l->salt[15][lane] = (64 + job->salt_len + 4) * 8;
}

static void run(const struct width *width, struct lk_pbkdf2_job *jobs, size_t count, unsigned rounds)
{
	struct lanes l;

	memset(&l, 0, sizeof(l));
	while (count) {
		int used = count < (size_t)width->lanes ? (int)count : width->lanes;

		for (int i = 0; i < used; i++)
			load(&l, i, &jobs[i]);
		width->derive(&l, rounds);
		for (int i = 0; i < used; i++)
			for (int b = 0; b < LK_PBKDF2_BLOCK; b++)
				jobs[i].out[b] = (unsigned char)(l.out[b / 4][i] >> (24 - 8 * (b % 4)));
		jobs += used;
		count -= (size_t)used;
	}
	OPENSSL_cleanse(&l, sizeof(l));
}

void lk_pbkdf2_key(unsigned char key[LK_PBKDF2_KEY], const char *passphrase)
{
	size_t len = strlen(passphrase);

	memset(key, 0, LK_PBKDF2_KEY);
	if (len > LK_PBKDF2_KEY)
		SHA1((const unsigned char *)passphrase, len, key);
	else
		memcpy(key, passphrase, len);
}

void lk_pbkdf2_run(struct lk_pbkdf2_job *jobs, size_t count, unsigned rounds)
{
	size_t i = 0;

	while (!has(widths[i].lanes))
		i++;
	run(&widths[i], jobs, count, rounds);
}

bool lk_pbkdf2_run_wide(struct lk_pbkdf2_job *jobs, size_t count, unsigned rounds, int lanes)
{
	for (size_t i = 0; i < WIDTHS; i++)
		if (widths[i].lanes == lanes && has(lanes)) {
			run(&widths[i], jobs, count, rounds);
			return true;
		}
	return false;
}
