#include "stream/side.h"

const struct lk_field lk_members_fields[] = {
	{"delivery", LK_UTF8, .required = true},
	{"sha256", LK_UTF8, .required = true},
	{"size", LK_INT64, .required = true},
	{"modified", LK_TIMESTAMPTZ, .required = true},
	{"sender", LK_UTF8, .required = true},
	{"member", LK_UTF8, .required = true},
	{"index", LK_INT64, .required = true},
	{"member_size", LK_INT64},
	{"member_modified", LK_TIMESTAMPTZ},
	{"offset", LK_INT64, .required = true},
	{"last", LK_BOOL, .required = true},
	{"content", LK_BINARY},
	{"status", LK_UTF8, .required = true},
	{"error", LK_UTF8},
	{"passphrase", LK_UTF8},
	{NULL},
};

const struct lk_field lk_files_fields[] = {
	{"delivery", LK_UTF8, .required = true},
	{"sha256", LK_UTF8, .required = true},
	{"size", LK_INT64, .required = true},
	{"modified", LK_TIMESTAMPTZ, .required = true},
	{"sender", LK_UTF8, .required = true},
	{"member", LK_UTF8, .required = true},
	{"member_size", LK_INT64},
	{"member_modified", LK_TIMESTAMPTZ},
	{"passphrase", LK_UTF8},
	{"table", LK_UTF8},
	{"package", LK_UTF8},
	{"package_sha256", LK_UTF8},
	{"rows_in", LK_INT64, .required = true},
	{"rows", LK_INT64, .required = true},
	{"rejected", LK_INT64, .required = true},
	{"status", LK_UTF8, .required = true},
	{"error", LK_UTF8},
	{"warning", LK_UTF8},
	{"started", LK_TIMESTAMPTZ, .required = true},
	{"finished", LK_TIMESTAMPTZ, .required = true},
	{NULL},
};

const struct lk_field lk_rejects_fields[] = {
	{"delivery", LK_UTF8, .required = true},
	{"sha256", LK_UTF8, .required = true},
	{"sender", LK_UTF8, .required = true},
	{"member", LK_UTF8, .required = true},
	{"table", LK_UTF8},
	{"record", LK_INT64, .required = true},
	{"line", LK_INT64},
	{"field", LK_UTF8},
	{"reason", LK_UTF8, .required = true},
	{"value", LK_UTF8},
	{"raw", LK_UTF8},
	{"raw_size", LK_INT64},
	{"context", LK_UTF8},
	{"resource", LK_UTF8},
	{"member_modified", LK_TIMESTAMPTZ},
	{"modified", LK_TIMESTAMPTZ},
	{NULL},
};

const struct lk_field lk_replayed_fields[] = {
	{"sha256", LK_UTF8, .required = true},
	{"sender", LK_UTF8, .required = true},
	{"member", LK_UTF8, .required = true},
	{"table", LK_UTF8},
	{"resource", LK_UTF8},
	{"record", LK_INT64, .required = true},
	{"landed", LK_BOOL, .required = true},
	{NULL},
};

const struct lk_field lk_versions_fields[] = {
	{"table", LK_UTF8, .required = true},
	{"table_uuid", LK_UTF8},
	{"fact", LK_UTF8, .required = true},
	{"key", LK_BINARY, .required = true},
	{"version", LK_BINARY, .required = true},
	{"lk_sent", LK_TIMESTAMPTZ},
	{"lk_file", LK_UTF8},
	{"lk_row", LK_INT64},
	{NULL},
};

const struct lk_field lk_end_fields[] = {
	{"table", LK_UTF8, .required = true},
	{"streams", LK_INT64, .required = true},
	{"rows", LK_INT64, .required = true},
	{"read", LK_INT64, .required = true},
	{"dropped", LK_INT64, .required = true},
	{"reason", LK_UTF8},
	{NULL},
};

bool lk_column_is_trace(const char *name)
{
	return !strcmp(name, LK_COLUMN_FILE) || !strcmp(name, LK_COLUMN_ROW) || !strcmp(name, LK_COLUMN_SENT);
}
