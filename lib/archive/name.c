#include "archive/name.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Code page 437, 0x80 to 0xff. */
static const uint16_t cp437[128] = {
	0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4,
	0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5,
	0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, 0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc,
	0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557,
	0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569,
	0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518,
	0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6,
	0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248,
	0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0,
};

static void add_utf8(struct lk_str *out, const char *name, size_t len)
{
	if (lk_utf8_valid(name, len)) {
		lk_str_add(out, name, len);
		return;
	}
	for (const unsigned char *p = (const unsigned char *)name; len--; p++)
		lk_str_add_point(out, *p < 0x80 ? *p : cp437[*p - 0x80]);
}

void lk_name_utf8(struct lk_str *out, const char *name)
{
	add_utf8(out, name, strlen(name));
}

const char *lk_name_clutter(const char *name)
{
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	if (!strncmp(name, "__MACOSX/", 9) || strstr(name, "/__MACOSX/") || !strcmp(base, ".DS_Store"))
		return "metadata of macOS, not data";
	if (!strcasecmp(base, "Thumbs.db"))
		return "thumbnails of Windows, not data";
	return NULL;
}

const char *lk_name_unsafe(const char *name)
{
	if (!*name || name[strlen(name) - 1] == '/')
		return "an empty name";
	if (*name == '/')
		return "an absolute path";
	if (isalpha((unsigned char)name[0]) && name[1] == ':')
		return "a drive letter";
	for (const char *p = name; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 2 && !memcmp(p, "..", 2))
			return "a path with '..'";
		if (memchr(p, '\\', len))
			return "a backslash";
		for (size_t i = 0; i < len; i++)
			if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
				return "a control character";
		p += len + (p[len] == '/');
	}
	return NULL;
}

/* The length of a name without one of these suffixes (ended by NULL) that it has. */
static size_t len_without(const char *name, const char *const *suffixes)
{
	size_t len = strlen(name);

	for (; *suffixes; suffixes++) {
		size_t n = strlen(*suffixes);

		if (len > n && !strcasecmp(name + len - n, *suffixes))
			return len - n;
	}
	return len;
}

void lk_name_decrypted(struct lk_str *out, const char *name)
{
	static const char *const suffixes[] = {".enc", ".aes", ".aes256", ".ssl", ".openssl", ".crypt", NULL};

	lk_str_add(out, name, len_without(name, suffixes));
}

void lk_name_uncompressed(struct lk_str *out, const char *name)
{
	static const char *const suffixes[] = {".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z", NULL};

	add_utf8(out, name, len_without(name, suffixes));
}
