#include "source/match.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES (64 * 1024) /* of a member's start in another encoding, to be looked at */

enum lk_status lk_candidate_fits(struct lk_candidate *c, const struct lk_resource *r, bool *fits, struct lk_error *err)
{
	const struct lk_file_format *format = r->format;
	const char *why = NULL;
	int i = 0;

	*fits = true;
	if (!format->look)
		return LK_OK;
	while (lk_file_format_at(i) != format)
		i++;
	if (!c->seen[i])
		LK_TRY(format->look(format->binary ? &c->head : &c->text, &c->seen[i], err));
	*fits = format->fits(r, c->seen[i], &why);
	c->latest = *fits ? NULL : why;
	if (!c->why)
		c->why = c->latest;
	return LK_OK;
}

static enum lk_status resource_takes(
	const struct lk_resource *r, struct lk_candidate *c, bool *takes, struct lk_error *err)
{
	c->latest = NULL;
	c->named = *takes = lk_globs_take(r->paths, r->path_count, c->member->member);
	return *takes ? lk_candidate_fits(c, r, takes, err) : LK_OK;
}

static enum lk_status add_decoded(void *arg, const char *text, size_t len, struct lk_error *err)
{
	struct lk_str *out = arg;

	lk_str_add(out, text, len);
	return lk_str_check(out, err);
}

/* What a member begins with as text; room holds it where it must be decoded. */
static enum lk_status decode_start(const struct lk_decoding *how, const struct lk_head *head, struct lk_str *room,
	struct lk_head *text, struct lk_error *err)
{
	size_t len = head->len < SHOWN_BYTES ? head->len : SHOWN_BYTES;
	struct lk_decoder *decoder;
	enum lk_status status;

	*text = (struct lk_head){head->data + how->mark, head->len - how->mark};
	if (!strcmp(how->encoding, LK_UTF8_NAME))
		return LK_OK;
	LK_TRY(lk_decoder_open(&decoder, how, err));
	status = lk_decoder_feed(decoder, head->data, len, add_decoded, room, err);
	lk_decoder_close(decoder);
	*text = (struct lk_head){lk_str_text(room), room->len};
	return status;
}

struct lk_decoding lk_decoding_of(const struct lk_resource *r, const struct lk_head *head)
{
	struct lk_decoding how = {.encoding = LK_UTF8_NAME};

	if (!r->format->binary)
		lk_decoding_choose(r->encodings.names, r->encodings.count, r->encodings.replace, head->data, head->len, &how);
	return how;
}

static enum lk_status head_agrees(
	const struct lk_resource *r, const struct lk_candidate *c, bool *agrees, struct lk_error *err)
{
	struct lk_decoding how = lk_decoding_of(r, &c->head);
	struct lk_str room = LK_STR_INIT;
	struct lk_head text;
	enum lk_status status = decode_start(&how, &c->head, &room, &text, err);

	if (status == LK_OK)
		status = r->format->agrees(r, &text, how.encoding, agrees, err);
	lk_str_release(&room);
	return status;
}

/* Of several resources of one format that take the member by name, those stay on the list with whose header its own agrees; the
 * first, which will say what is wrong, where none does. takes: by resource of the package. */
static enum lk_status choose_by_head(const struct lk_package *package, const struct lk_file_format *format,
	const struct lk_candidate *c, bool *takes, struct lk_error *err)
{
	int count = 0, first = -1;
	bool any = false;

	for (int i = 0; i < package->resource_count; i++) {
		if (!takes[i] || package->resources[i].format != format)
			continue;
		first = count++ ? first : i;
	}
	for (int i = 0; i < package->resource_count && count > 1; i++) {
		if (!takes[i] || package->resources[i].format != format)
			continue;
		LK_TRY(head_agrees(&package->resources[i], c, &takes[i], err));
		any |= takes[i];
	}
	if (count > 1 && !any)
		takes[first] = true;
	return LK_OK;
}

/* Which of a package's resources take the member. takes: by resource. */
static enum lk_status ask_resources(
	struct lk_candidate *c, const struct lk_package *package, const struct lk_tap *tap, bool *takes, struct lk_error *err)
{
	for (int i = 0; i < package->resource_count; i++) {
		LK_TRY(resource_takes(&package->resources[i], c, &takes[i], err));
		if (tap)
			LK_TRY(tap->resource(tap->arg, c->member, &package->resources[i], c->named, takes[i], c->latest, err));
	}
	for (int i = 0; lk_file_format_at(i); i++)
		if (lk_file_format_at(i)->agrees)
			LK_TRY(choose_by_head(package, lk_file_format_at(i), c, takes, err));
	for (int i = 0; tap && i < package->resource_count; i++)
		if (!takes[i])
			LK_TRY(tap->passed_over(tap->arg, c->member, &package->resources[i], err));
	return LK_OK;
}

static enum lk_status list_takers(
	const struct lk_package *package, const bool *takes, const struct lk_resource ***out, int *count, struct lk_error *err)
{
	for (int i = 0; i < package->resource_count; i++) {
		if (takes[i] && !*out)
			*out = calloc((size_t)package->resource_count, sizeof(**out));
		if (takes[i] && !*out)
			return lk_error_nomem(err);
		if (takes[i])
			(*out)[(*count)++] = &package->resources[i];
	}
	return LK_OK;
}

static enum lk_status try_package(struct lk_candidate *c, const struct lk_package *package, const struct lk_tap *tap,
	const struct lk_resource ***out, int *count, struct lk_error *err)
{
	struct lk_delivery_match match;
	enum lk_status status;
	bool matched, *takes;

	LK_TRY(lk_delivery_match(package, c->member->delivery, &match, &matched, err));
	if (matched)
		lk_delivery_match_release(&match);
	if (tap)
		LK_TRY(tap->package(tap->arg, c->member, package, matched, err));
	if (!matched)
		return LK_OK;
	takes = calloc((size_t)package->resource_count + 1, sizeof(*takes));
	status = takes ? ask_resources(c, package, tap, takes, err) : lk_error_nomem(err);
	if (status == LK_OK)
		status = list_takers(package, takes, out, count, err);
	free(takes);
	return status;
}

enum lk_status lk_candidate_match(struct lk_candidate *c, const struct lk_sources *sources, const struct lk_tap *tap,
	const struct lk_resource ***out, int *count, struct lk_error *err)
{
	*out = NULL;
	*count = 0;
	for (int with_delivery = 1; with_delivery >= 0; with_delivery--)
		for (int i = 0; i < sources->count && !*count; i++)
			if ((sources->packages[i]->delivery != NULL) == with_delivery)
				LK_TRY(try_package(c, sources->packages[i], tap, out, count, err));
	return LK_OK;
}

/* ---- a candidate's life ---- */

/* What formats are to see of a member's start: text, where its bytes tell how it is encoded. */
static enum lk_status decode_head(struct lk_candidate *c, struct lk_error *err)
{
	struct lk_decoding how = {.encoding = lk_encoding_of_head(c->head.data, c->head.len, &how.mark), .replace = true};

	c->text = c->head;
	if (!how.encoding)
		return LK_OK;
	return decode_start(&how, &c->head, &c->room, &c->text, err);
}

enum lk_status lk_candidate_open(struct lk_candidate *c, const struct lk_source_member *member, const char *head,
	size_t len, struct lk_error *err)
{
	*c = (struct lk_candidate){.member = member, .head = {head, len}};
	return decode_head(c, err);
}

void lk_candidate_release(struct lk_candidate *c)
{
	for (int i = 0; lk_file_format_at(i); i++)
		if (c->seen[i])
			lk_file_format_at(i)->forget(c->seen[i]);
	lk_str_release(&c->room);
}
