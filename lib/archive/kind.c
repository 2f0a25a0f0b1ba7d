#include "archive/kind.h"

#include <string.h>

bool lk_kind_is_document(const struct lk_blob *input)
{
	static const char *const firsts[] = {"[Content_Types].xml", "mimetype", "_rels/.rels"};
	char head[64];
	size_t got;

	if (lk_blob_read(input, 0, head, sizeof(head), &got, NULL) || got < sizeof(head) || memcmp(head, "PK\3\4", 4))
		return false;
	for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
		size_t len = strlen(firsts[i]);

		if ((unsigned char)head[26] == len && !head[27] && !memcmp(head + 30, firsts[i], len))
			return true;
	}
	return false;
}

bool lk_kind_is_archive(const char *data, size_t len)
{
	static const struct {
		size_t offset, len;
		const char *magic;
	} kinds[] = {{0, 4, "PK\3\4"}, {0, 4, "PK\5\6"}, {0, 6, "7z\xbc\xaf\x27\x1c"}, {0, 3, "\x1f\x8b\x08"}, {4, 6, "1AY&SY"},
		{0, 6, "\xfd\x37zXZ\0"}, {0, 4, "\x28\xb5\x2f\xfd"}, {0, 4, "\x04\x22\x4d\x18"}, {0, 2, "\x1f\x9d"},
		{257, 5, "ustar"}, {0, 8, "Salted__"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (len >= kinds[i].offset + kinds[i].len && !memcmp(data + kinds[i].offset, kinds[i].magic, kinds[i].len))
			return true;
	return false;
}

bool lk_kind_has_check(const char *data, size_t len)
{
	if (len < 14)
		return false;
	if (!memcmp(data, "PK\3\4", 4) || !memcmp(data, "7z\xbc\xaf\x27\x1c", 6) || !memcmp(data, "\x1f\x8b\x08", 3))
		return true;
	if (!memcmp(data, "BZh", 3) && !memcmp(data + 4, "1AY&SY", 6))
		return true;
	if (!memcmp(data, "\xfd\x37zXZ\0", 6)) /* the .xz format, 2.1.1.2: the kind of check */
		return data[7] & 0x0f;
	if (!memcmp(data, "\x28\xb5\x2f\xfd", 4)) /* RFC 8878, 3.1.1.1.1: Content_Checksum_flag */
		return data[4] & 0x04;
	return !memcmp(data, "\x04\x22\x4d\x18", 4) && (data[4] & 0x04); /* LZ4 frames: C.Checksum */
}
