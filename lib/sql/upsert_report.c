#include <stdlib.h>
#include <string.h>

#include "sql/upsert.h"

void lk_upsert_report_release(struct lk_upsert_report *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->items[i].table);
	free(r->items);
	*r = (struct lk_upsert_report){.items = NULL};
}

void lk_upserted_text(const struct lk_upserted *t, struct lk_str *out)
{
	const struct lk_merge_counts *c = &t->counts;
	const struct {
		int64_t count;
		const char *word;
	} parts[] = {{c->inserted, "inserted"}, {c->updated, "updated"}, {c->deleted, "deleted"}, {c->unchanged, "unchanged"},
		{c->late, "late"}, {c->repeated, "repeated"}};

	lk_str_addf(out, "%s: %lld row%s came", t->table, (long long)t->rows, lk_plural(t->rows));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		lk_str_addf(out, "%s %lld %s", i ? "," : ":", (long long)parts[i].count, parts[i].word);
	if (c->held)
		lk_str_addf(out, "; held back: %lld row%s that lists do not have any more, which is more than --max-vanish allows, in %lld scope%s",
			(long long)c->held, lk_plural(c->held), (long long)c->held_scopes, lk_plural(c->held_scopes));
	if (t->is_new)
		lk_str_adds(out, "; the lake does not have the table yet");
}

void lk_upserted_json(const struct lk_upserted *t, struct lk_str *out)
{
	const struct lk_merge_counts *c = &t->counts;

	lk_str_adds(out, "{\"table\":");
	lk_str_add_json(out, t->table, strlen(t->table));
	lk_str_addf(out, ",\"new\":%s,\"rows\":%lld,\"inserted\":%lld,\"updated\":%lld,\"deleted\":%lld,\"unchanged\":%lld,\"late\":%lld,"
		"\"repeated\":%lld,\"held\":%lld,\"heldScopes\":%lld}", t->is_new ? "true" : "false", (long long)t->rows,
		(long long)c->inserted, (long long)c->updated, (long long)c->deleted, (long long)c->unchanged, (long long)c->late,
		(long long)c->repeated, (long long)c->held, (long long)c->held_scopes);
}
