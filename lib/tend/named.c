#include "tend/named.h"

#include <string.h>

bool lk_is_named(const char *const *names, size_t count, const char *namespace_name, const char *name)
{
	size_t len = strlen(namespace_name);

	for (size_t i = 0; i < count; i++) {
		if (!strchr(names[i], '.') && !strcmp(namespace_name, LK_MAIN) && !strcmp(names[i], name))
			return true;
		if (!strncmp(names[i], namespace_name, len) && names[i][len] == '.' && !strcmp(names[i] + len + 1, name))
			return true;
	}
	return !count;
}

enum lk_status lk_check_named(const char *const *names, size_t count, const struct lk_pin *pin, struct lk_error *err)
{
	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (int t = 0; t < pin->table_count && !found; t++)
			found = lk_is_named(&names[i], 1, pin->tables[t].namespace_name, pin->tables[t].name);
		if (!found)
			return lk_error_set(err, LK_NOINPUT, "there is no table '%s'", names[i]);
	}
	return LK_OK;
}

void lk_add_table_json(struct lk_str *out, const char *namespace_name, const char *name)
{
	struct lk_str full = LK_STR_INIT;

	lk_str_addf(&full, "%s.%s", namespace_name, name);
	lk_str_add_json(out, lk_str_text(&full), full.len);
	out->failed |= full.failed;
	lk_str_release(&full);
}
