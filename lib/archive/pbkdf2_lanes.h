/*
 * The lanes of pbkdf2.c, included once for each width: LANES is the number of lanes, NAME(x) makes a name of this width's own,
 * TARGET is the attribute of its functions. SHA-1 is that of FIPS 180-4, section 6.1, in the compiler's vectors.
 */
typedef uint32_t NAME(vector) __attribute__((vector_size(4 * LANES)));
#define V NAME(vector)
#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))

/* Twenty rounds; those from the 16th on first make their word of the schedule. */
#define ROUNDS(from, function, constant)                                                                              \
	_Pragma("GCC unroll 20") for (int t = (from); t < (from) + 20; t++)                                           \
	{                                                                                                             \
		V next;                                                                                               \
		if (t >= 16) {                                                                                        \
			next = w[(t + 13) & 15] ^ w[(t + 8) & 15] ^ w[(t + 2) & 15] ^ w[t & 15];                      \
			w[t & 15] = ROTATE(next, 1);                                                                  \
		}                                                                                                     \
		next = ROTATE(a, 5) + (function) + e + (constant) + w[t & 15];                                        \
		e = d;                                                                                                \
		d = c;                                                                                                \
		c = ROTATE(b, 30);                                                                                    \
		b = a;                                                                                                \
		a = next;                                                                                             \
	}

/* out = SHA-1's compression of the block w, which is used up, from the state `from`. */
TARGET static inline __attribute__((always_inline)) void NAME(compress)(V *out, const V *from, V *w)
{
	V a = from[0], b = from[1], c = from[2], d = from[3], e = from[4];

	ROUNDS(0, d ^ (b & (c ^ d)), 0x5a827999u)
	ROUNDS(20, b ^ c ^ d, 0x6ed9eba1u)
	ROUNDS(40, (b & c) | (d & (b | c)), 0x8f1bbcdcu)
	ROUNDS(60, b ^ c ^ d, 0xca62c1d6u)
	out[0] = from[0] + a;
	out[1] = from[1] + b;
	out[2] = from[2] + c;
	out[3] = from[3] + d;
	out[4] = from[4] + e;
}

/* A digest as the one block that follows a key's block. */
TARGET static inline __attribute__((always_inline)) void NAME(pad)(V *w, const V *digest)
{
	for (int i = 0; i < 16; i++)
		w[i] = i < 5 ? digest[i] : (V){0} + (i == 5 ? 0x80000000u : i == 15 ? (64 + 20) * 8 : 0);
}

/* The state after a key's block, whose bytes are flipped by `with`. */
TARGET static void NAME(begin)(V *state, const struct lanes *l, uint32_t with)
{
	V start[5], w[16];

	for (int i = 0; i < 5; i++)
		start[i] = (V){0} + sha1_start[i];
	for (int i = 0; i < 16; i++) {
		memcpy(&w[i], l->key[i], sizeof(V));
		w[i] ^= with;
	}
	NAME(compress)(state, start, w);
}

TARGET static void NAME(derive)(struct lanes *l, unsigned rounds)
{
	V inner[5], outer[5], w[16], digest[5], sum[5];

	NAME(begin)(inner, l, 0x36363636);
	NAME(begin)(outer, l, 0x5c5c5c5c);
	for (int i = 0; i < 16; i++)
		memcpy(&w[i], l->salt[i], sizeof(V));
	for (unsigned round = 0; round < rounds; round++) {
		if (round)
			NAME(pad)(w, digest);
		NAME(compress)(digest, inner, w);
		NAME(pad)(w, digest);
		NAME(compress)(digest, outer, w);
		for (int i = 0; i < 5; i++)
			sum[i] = round ? sum[i] ^ digest[i] : digest[i];
	}
	for (int i = 0; i < 5; i++)
		memcpy(l->out[i], &sum[i], sizeof(V));
}

#undef V
#undef ROTATE
#undef ROUNDS
#undef LANES
#undef NAME
#undef TARGET
