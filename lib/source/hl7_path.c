/* Paths of HL7 v2, such as PID-3[1].4.1, compiled when a package is loaded. */
#include "source/hl7.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *path;
	enum lk_hl7_what what;
} specials[] = {
	{"message:number", LK_HL7_MESSAGE_NUMBER},
	{"message:segments", LK_HL7_MESSAGE_SEGMENTS},
	{"message:others", LK_HL7_MESSAGE_OTHERS},
	{"segment:number", LK_HL7_SEGMENT_NUMBER},
};

/* A number from 1 to most. */
static bool read_number(const char **p, int most, int *out)
{
	int n = 0;

	while (isdigit((unsigned char)**p) && n <= most)
		n = 10 * n + *(*p)++ - '0';
	*out = n;
	return n >= 1 && n <= most && !isdigit((unsigned char)**p);
}

/* [N] or [*]; *out stays as it is where there is none. */
static bool read_index(const char **p, int *out)
{
	if (**p != '[')
		return true;
	++*p;
	if (**p == '*') {
		++*p;
		*out = LK_HL7_ALL;
	} else if (!read_number(p, LK_HL7_SEGMENTS_MAX, out)) {
		return false;
	}
	return *(*p)++ == ']';
}

static bool read_name(const char **p, uint32_t *id)
{
	const char *s = *p;

	if (strlen(s) < 4 || !(*id = lk_hl7_segment_id(s, 3, 0)))
		return false;
	*p += 3;
	return true;
}

static bool read_path(const char *text, struct lk_hl7_path *path, uint32_t *id)
{
	const char *p = text;

	*path = (struct lk_hl7_path){.repetition = 1};
	if (!read_name(&p, id) || !read_index(&p, &path->occurrence) || *p++ != '-' ||
		!read_number(&p, LK_HL7_FIELDS_MAX, &path->field) || !read_index(&p, &path->repetition))
		return false;
	if (*p == '.' && (++p, !read_number(&p, LK_HL7_FIELDS_MAX, &path->component)))
		return false;
	if (*p == '.' && (++p, !read_number(&p, LK_HL7_FIELDS_MAX, &path->sub)))
		return false;
	return !*p;
}

static int add_slot(struct lk_hl7_program *program, uint32_t id)
{
	for (int i = 0; i < program->slot_count; i++)
		if (program->slots[i].id == id)
			return i;
	program->slots[program->slot_count].id = id;
	return program->slot_count++;
}

static enum lk_status compile_path(
	struct lk_loading *l, const char *at, const struct lk_source_field *f, struct lk_hl7_program *program, struct lk_hl7_path *path)
{
	const char *place = lk_prop_at(l, at, "lk.path");
	uint32_t id = 0;
	bool many;

	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (!strcmp(f->path, specials[i].path)) {
			*path = (struct lk_hl7_path){.what = specials[i].what};
			return LK_OK;
		}
	if (!read_path(f->path, path, &id))
		return lk_prop_wrong(l, place,
			"'%s' is not an HL7 path: SEGMENT-FIELD such as PID-3, PID-3[2].4.1 or OBX[*]-5, message:number, "
			"message:segments, message:others or segment:number",
			f->path);
	if (id == LK_HL7_MSH && path->field <= 2 && (path->component || path->repetition != 1))
		return lk_prop_wrong(l, place, "'%s': MSH-1 and MSH-2 are delimiters and have no parts", f->path);
	many = path->occurrence == LK_HL7_ALL || path->repetition == LK_HL7_ALL;
	if (many && !f->join)
		return lk_prop_wrong(l, place, "'%s' takes several values: lk.join must say what goes between them", f->path);
	if (!many && f->join)
		return lk_prop_wrong(
			l, lk_prop_at(l, at, "lk.join"), "'%s' takes one value; [*] takes all", f->path);
	path->slot = add_slot(program, id);
	if (!path->occurrence && path->field > program->slots[path->slot].fields)
		program->slots[path->slot].fields = path->field;
	return LK_OK;
}

enum lk_status lk_hl7_load(struct lk_loading *l, const struct lk_resource_json *json, struct lk_resource *r)
{
	const char *fields = lk_prop_at(l, json->at, "schema.fields");
	struct lk_hl7_program *program = lk_arena_alloc(l->arena, sizeof(*program));

	if (!program)
		return lk_error_nomem(l->err);
	program->paths = lk_arena_alloc(l->arena, (size_t)r->field_count * sizeof(*program->paths));
	program->slots = lk_arena_alloc(l->arena, (size_t)r->field_count * sizeof(*program->slots));
	if (!program->paths || !program->slots)
		return lk_error_nomem(l->err);
	program->record = LK_HL7_MSH;
	if (r->record)
		program->record = strlen(r->record) == 3 ? lk_hl7_segment_id(r->record, 3, 0) : 0;
	if (!program->record)
		return lk_prop_wrong(l, lk_prop_at(l, json->at, "lk.record"), "'%s' is not the name of a segment", r->record);
	for (int i = 0; i < r->field_count; i++)
		if (r->fields[i].origin == LK_ORIGIN_RECORD)
			LK_TRY(compile_path(
				l, lk_prop_item(l, fields, (size_t)i), &r->fields[i], program, &program->paths[i]));
	r->program = program;
	return LK_OK;
}
