/* Units of key derivation: RFC 6070 and OpenSSL, in every width of vectors that this processor has. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "archive/pbkdf2.h"
#include "tap.h"

static void test_vectors(int lanes)
{
	static const struct {
		const char *passphrase, *salt;
		unsigned rounds;
		const char *key; /* 20 bytes */
	} vectors[] = {
		{"password", "salt", 1,
			"\x0c\x60\xc8\x0f\x96\x1f\x0e\x71\xf3\xa9\xb5\x24\xaf\x60\x12\x06\x2f\xe0\x37\xa6"},
		{"password", "salt", 2,
			"\xea\x6c\x01\x4d\xc7\x2d\x6f\x8c\xcd\x1e\xd9\x2a\xce\x1d\x41\xf0\xd8\xde\x89\x57"},
		{"password", "salt", 4096,
			"\x4b\x00\x79\x01\xb7\x65\x48\x9a\xbe\xad\x49\xd9\x26\xf7\x21\xd0\x65\xa4\x29\xc1"},
		{"passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096,
			"\x3d\x2e\xec\x4f\xe4\x1c\x84\x9b\x80\xc8\xd8\x36\x62\xc0\xe4\x4a\x8b\x29\x1a\x96"},
	};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		unsigned char key[LK_PBKDF2_KEY];
		struct lk_pbkdf2_job job = {key, (const unsigned char *)vectors[i].salt,
			(unsigned)strlen(vectors[i].salt), 1, {0}};

		lk_pbkdf2_key(key, vectors[i].passphrase);
		lk_pbkdf2_run_wide(&job, 1, vectors[i].rounds, lanes);
		ok(!memcmp(job.out, vectors[i].key, sizeof(job.out)), "RFC 6070's vector %zu in %d lanes", i,
			lanes);
	}
}

/* Every lane with a passphrase, salt and block of its own, and more jobs than lanes. */
static void test_lanes(int lanes)
{
	enum { JOBS = 37 };
	unsigned char keys[JOBS][LK_PBKDF2_KEY], want[4 * LK_PBKDF2_BLOCK];
	char salts[JOBS][20], passphrase[200];
	struct lk_pbkdf2_job jobs[JOBS];
	int wrong = 0;

	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < JOBS; i++) {
			size_t len = (size_t)(i * 4 + 1); /* below and above the 64 bytes of a block */

			memset(passphrase, 'a' + i % 26, len);
			passphrase[len] = '\0';
			snprintf(salts[i], sizeof(salts[i]), "%*d", 8 + i % 3 * 4, i);
			if (pass) {
				PKCS5_PBKDF2_HMAC_SHA1(passphrase, (int)len, (unsigned char *)salts[i],
					(int)strlen(salts[i]), 50, sizeof(want), want);
				wrong += memcmp(jobs[i].out, want + (jobs[i].block - 1) * LK_PBKDF2_BLOCK,
						 LK_PBKDF2_BLOCK) != 0;
			} else {
				lk_pbkdf2_key(keys[i], passphrase);
				jobs[i] = (struct lk_pbkdf2_job){keys[i], (unsigned char *)salts[i],
					(unsigned)strlen(salts[i]), (uint32_t)i % 4 + 1, {0}};
				if (i == JOBS - 1)
					lanes ? (void)lk_pbkdf2_run_wide(jobs, JOBS, 50, lanes)
					      : lk_pbkdf2_run(jobs, JOBS, 50);
			}
		}
	is_int(wrong, 0, "%d jobs in %d lanes (0: whichever) are as OpenSSL has them", JOBS, lanes);
}

int main(void)
{
	static const int widths[] = {4, 8, 16};
	struct lk_pbkdf2_job none;

	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		if (!lk_pbkdf2_run_wide(&none, 0, 1, widths[i])) {
			ok(true, "%d lanes # SKIP this processor has none", widths[i]);
			continue;
		}
		test_vectors(widths[i]);
		test_lanes(widths[i]);
	}
	test_lanes(0);
	return done();
}
