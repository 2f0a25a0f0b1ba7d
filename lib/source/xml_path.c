#include "source/xml_path.h"

#include <ctype.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpathInternals.h>

#include "source/xml.h"

/* ---- tokens of XPath 1.0 (section 3.7), as far as the questions below need them ---- */

enum token_kind {
	TOKEN_END,
	TOKEN_NAME,	/* NCName, QName, *, p:* */
	TOKEN_FUNCTION, /* a name before ( */
	TOKEN_AXIS,	/* a name before :: */
	TOKEN_LITERAL,	/* text or number */
	TOKEN_OPERATOR, /* and or div mod * + - = != < <= > >= | */
	TOKEN_SLASH,	/* / */
	TOKEN_SLASHES,	/* // */
	TOKEN_DOT,
	TOKEN_DOTS, /* .. */
	TOKEN_AT,
	TOKEN_OPEN, TOKEN_CLOSE,   /* ( ) */
	TOKEN_OPEN_BRACKET, TOKEN_CLOSE_BRACKET,
	TOKEN_COMMA,
	TOKEN_OTHER, /* $ and whatever is no XPath */
};

struct token {
	enum token_kind kind;
	const char *text;
	size_t len;
};

struct lexer {
	const char *p;
	struct token last;
};

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c > 0x7f || c == '_' || c == '-' || c == '.';
}

/* Where an operand has just ended, * and names are operators (section 3.7). */
static bool after_operand(const struct token *last)
{
	return last->kind == TOKEN_NAME || last->kind == TOKEN_LITERAL || last->kind == TOKEN_DOT ||
	       last->kind == TOKEN_DOTS || last->kind == TOKEN_CLOSE || last->kind == TOKEN_CLOSE_BRACKET;
}

static size_t name_len(const char *p)
{
	size_t n = 0;

	while (is_name_char(p[n]))
		n++;
	if (n && p[n] == ':' && p[n + 1] != ':' && (is_name_char(p[n + 1]) || p[n + 1] == '*')) {
		n++;
		if (p[n] == '*')
			return n + 1;
		while (is_name_char(p[n]))
			n++;
	}
	return n;
}

static enum token_kind name_kind(const struct lexer *l, const char *end)
{
	if (after_operand(&l->last))
		return TOKEN_OPERATOR;
	while (isspace((unsigned char)*end))
		end++;
	return *end == '(' ? TOKEN_FUNCTION : !strncmp(end, "::", 2) ? TOKEN_AXIS : TOKEN_NAME;
}

static struct token make_token(const struct lexer *l)
{
	const char *p = l->p, *end;
	struct token t = {TOKEN_OTHER, p, 1};

	if (!*p)
		return (struct token){TOKEN_END, p, 0};
	if (*p == '"' || *p == '\'') {
		end = strchr(p + 1, *p);
		return end ? (struct token){TOKEN_LITERAL, p, (size_t)(end - p + 1)} : t;
	}
	if (isdigit((unsigned char)*p) || (*p == '.' && isdigit((unsigned char)p[1])))
		return (struct token){TOKEN_LITERAL, p, strspn(p, "0123456789.")};
	if (*p == '*')
		return (struct token){after_operand(&l->last) ? TOKEN_OPERATOR : TOKEN_NAME, p, 1};
	if (isalpha((unsigned char)*p) || *p == '_' || (unsigned char)*p > 0x7f) {
		t.len = name_len(p);
		t.kind = name_kind(l, p + t.len);
		return t;
	}
	switch (*p) {
	case '/':
		return p[1] == '/' ? (struct token){TOKEN_SLASHES, p, 2} : (struct token){TOKEN_SLASH, p, 1};
	case '.':
		return p[1] == '.' ? (struct token){TOKEN_DOTS, p, 2} : (struct token){TOKEN_DOT, p, 1};
	case '!':
	case '<':
	case '>':
		return (struct token){TOKEN_OPERATOR, p, p[1] == '=' ? 2 : 1};
	case ':':
		return (struct token){TOKEN_OTHER, p, p[1] == ':' ? 2 : 1};
	case '@':
		return (struct token){TOKEN_AT, p, 1};
	case '(':
		return (struct token){TOKEN_OPEN, p, 1};
	case ')':
		return (struct token){TOKEN_CLOSE, p, 1};
	case '[':
		return (struct token){TOKEN_OPEN_BRACKET, p, 1};
	case ']':
		return (struct token){TOKEN_CLOSE_BRACKET, p, 1};
	case ',':
		return (struct token){TOKEN_COMMA, p, 1};
	}
	if (strchr("+-=|", *p))
		t.kind = TOKEN_OPERATOR;
	return t;
}

static struct token next_token(struct lexer *l)
{
	while (isspace((unsigned char)*l->p))
		l->p++;
	l->last = make_token(l);
	l->p += l->last.len;
	return l->last;
}

static bool token_is(const struct token *t, const char *text)
{
	return strlen(text) == t->len && !memcmp(t->text, text, t->len);
}

/* ---- what a path looks at ---- */

static bool is_one_of(const struct token *t, const char *const *words)
{
	for (; *words; words++)
		if (token_is(t, *words))
			return true;
	return false;
}

/* Whether the package declares the token's prefix, if it has one. */
static bool prefix_known(const struct lk_resource *r, const struct token *t)
{
	const char *colon = memchr(t->text, ':', t->len);

	return !colon || lk_xml_namespace(r, t->text, (size_t)(colon - t->text)) ||
	       !strncmp(t->text, "xml:", 4);
}

/* Functions that take the context node when they have no argument. */
static const char *const context_functions[] = {"position", "last", "local-name", "namespace-uri", "name",
	"string", "string-length", "normalize-space", "number", NULL};
static const char *const down_axes[] = {"child", "attribute", "descendant", "self", "descendant-or-self", NULL};
static const char *const core_functions[] = {"last", "position", "count", "id", "local-name", "namespace-uri",
	"name", "string", "concat", "starts-with", "contains", "substring-before", "substring-after",
	"substring", "string-length", "normalize-space", "translate", "boolean", "not", "true", "false",
	"lang", "number", "sum", "floor", "ceiling", "round", "text", "node", "comment",
	"processing-instruction", NULL};
static const char *const wide_functions[] = {"id", "lang", NULL};

/* Fills downward and constant. False when a prefix is not declared or a function not known: then *problem
 * says so. */
static bool survey(
	const struct lk_resource *r, const char *text, struct lk_xml_path *path, const char **problem)
{
	struct lexer l = {.p = text, .last = {TOKEN_OPERATOR, text, 0}};
	int brackets = 0;

	path->downward = path->constant = true;
	for (;;) {
		struct token before = l.last, t = next_token(&l);
		bool starts = !after_operand(&before) && before.kind != TOKEN_SLASH &&
			      before.kind != TOKEN_SLASHES && before.kind != TOKEN_AT &&
			      before.kind != TOKEN_AXIS && !(before.kind == TOKEN_OTHER && before.len == 2);

		if (t.kind == TOKEN_END)
			return true;
		if ((t.kind == TOKEN_NAME || t.kind == TOKEN_FUNCTION) && !prefix_known(r, &t)) {
			*problem = "has a prefix that lk.namespaces does not declare";
			return false;
		}
		if (t.kind == TOKEN_FUNCTION && !is_one_of(&t, core_functions)) {
			*problem = "calls a function that XPath 1.0 does not have";
			return false;
		}
		brackets += t.kind == TOKEN_OPEN_BRACKET;
		brackets -= t.kind == TOKEN_CLOSE_BRACKET;
		if (((t.kind == TOKEN_SLASH || t.kind == TOKEN_SLASHES) && !after_operand(&before)) ||
			t.kind == TOKEN_DOTS || (t.kind == TOKEN_AXIS && !is_one_of(&t, down_axes)) ||
			(t.kind == TOKEN_OTHER && t.len == 1) ||
			(t.kind == TOKEN_FUNCTION && is_one_of(&t, wide_functions)))
			path->downward = false;
		if (!brackets && starts &&
			(t.kind == TOKEN_NAME || t.kind == TOKEN_AT || t.kind == TOKEN_DOT ||
				t.kind == TOKEN_DOTS || t.kind == TOKEN_AXIS))
			path->constant = false;
		if (!brackets && t.kind == TOKEN_FUNCTION && is_one_of(&t, context_functions) &&
			l.p[strspn(l.p, "( \t\r\n")] == ')')
			path->constant = false;
		if (!brackets && starts && t.kind == TOKEN_FUNCTION &&
			is_one_of(&t, (const char *const[]){"text", "node", "comment",
					      "processing-instruction", "id", "lang", NULL}))
			path->constant = false;
	}
}

/* ---- predicates ---- */

/* Whether the predicates that begin at *t, and on which the lexer goes on, are all true or false by their form, so that
 * none can be a position: each holds a comparison, `and` or `or` that is in no function's argument and in no inner
 * predicate. *t is then what follows them. */
static bool are_logical(struct lexer *l, struct token *t)
{
	static const char *const logical[] = {"=", "!=", "<", "<=", ">", ">=", "and", "or", NULL};

	while (t->kind == TOKEN_OPEN_BRACKET) {
		int depth = 1;
		bool is_logical = false;

		while (depth > 0) {
			*t = next_token(l);
			if (t->kind == TOKEN_END ||
				(t->kind == TOKEN_FUNCTION &&
					(token_is(t, "position") || token_is(t, "last"))))
				return false;
			depth += t->kind == TOKEN_OPEN_BRACKET || t->kind == TOKEN_OPEN;
			depth -= t->kind == TOKEN_CLOSE_BRACKET || t->kind == TOKEN_CLOSE;
			is_logical |= depth == 1 && t->kind == TOKEN_OPERATOR && is_one_of(t, logical);
		}
		if (!is_logical)
			return false;
		*t = next_token(l);
	}
	return true;
}

static bool first_step_is_unordered(const char *text)
{
	struct lexer l = {.p = text, .last = {TOKEN_OPERATOR, text, 0}};
	struct token t;

	if (next_token(&l).kind != TOKEN_SLASHES || next_token(&l).kind != TOKEN_NAME)
		return false;
	t = next_token(&l);
	return are_logical(&l, &t);
}

/* ---- plain steps ---- */

static bool take_position(struct lexer *l, int *position)
{
	struct lexer before = *l;
	struct token number;

	if (next_token(l).kind != TOKEN_OPEN_BRACKET) {
		*l = before;
		return true;
	}
	number = next_token(l);
	*position = 0;
	for (size_t i = 0; i < number.len && number.len < 7; i++) {
		if (!isdigit((unsigned char)number.text[i]))
			return false;
		*position = *position * 10 + (number.text[i] - '0');
	}
	return *position > 0 && next_token(l).kind == TOKEN_CLOSE_BRACKET;
}

static bool set_name(
	struct lk_arena *arena, const struct lk_resource *r, const struct token *t, struct lk_xml_step *step)
{
	const char *colon = memchr(t->text, ':', t->len), *name = colon ? colon + 1 : t->text;
	size_t len = t->len - (size_t)(name - t->text);

	step->uri = colon ? lk_xml_namespace(r, t->text, (size_t)(colon - t->text)) : "";
	if (len == 1 && *name == '*') {
		step->uri = colon ? step->uri : NULL;
		return !colon || step->uri;
	}
	step->name = lk_arena_strndup(arena, name, len);
	return step->name && step->uri;
}

/* One step, and a field's [N]. */
static bool take_step(struct lk_arena *arena, const struct lk_resource *r, struct lexer *l, bool of_record,
	struct lk_xml_step *step)
{
	struct token t = next_token(l);

	if (t.kind == TOKEN_AT) {
		step->attribute = true;
		t = next_token(l);
	}
	return t.kind == TOKEN_NAME && set_name(arena, r, &t, step) &&
	       (of_record || take_position(l, &step->position));
}

/* count stays 0 when the path is more than plain steps. A field's path begins at the record, and only there
 * positions and an attribute at the end are plain. A record's may end in predicates that are no positions: *predicates
 * is where they begin, NULL when there are none. */
static void find_steps(struct lk_arena *arena, const struct lk_resource *r, const char *text, bool of_record,
	struct lk_xml_steps *out, const char **predicates)
{
	struct lexer l = {.p = text, .last = {TOKEN_OPERATOR, text, 0}}, first = l;
	struct lk_xml_step *steps = lk_arena_alloc(arena, (strlen(text) + 1) * sizeof(*steps));
	struct token t = next_token(&first);
	bool descendant = false;
	int n = 0;

	if (!steps)
		return;
	if (of_record && (t.kind == TOKEN_SLASH || t.kind == TOKEN_SLASHES)) {
		l = first;
		descendant = t.kind == TOKEN_SLASHES;
	}
	for (;;) {
		struct lk_xml_step *step = &steps[n++];

		step->descendant = descendant;
		if (!take_step(arena, r, &l, of_record, step) || (of_record && step->attribute))
			return;
		t = next_token(&l);
		if (of_record && t.kind == TOKEN_OPEN_BRACKET) {
			*predicates = t.text;
			if (!are_logical(&l, &t) || t.kind != TOKEN_END)
				return;
		}
		if (t.kind == TOKEN_END)
			break;
		if ((t.kind != TOKEN_SLASH && t.kind != TOKEN_SLASHES) || step->attribute)
			return;
		descendant = t.kind == TOKEN_SLASHES;
		if (descendant && !of_record)
			return;
	}
	*out = (struct lk_xml_steps){steps, n};
}

static bool node_is(const struct lk_xml_step *step, const xmlChar *name, const xmlNs *ns)
{
	if (step->name && strcmp(step->name, (const char *)name))
		return false;
	return !step->uri || !strcmp(step->uri, ns ? (const char *)ns->href : "");
}

enum match {
	MATCH_NO,
	MATCH_YES,
	MATCH_NEVER, /* nor when this is tried nearer to the root: // steps must not try all ways there are */
};

static enum match match_from(const struct lk_xml_step *steps, int last, const xmlNode *element)
{
	if (element->type != XML_ELEMENT_NODE || !node_is(&steps[last], element->name, element->ns))
		return MATCH_NO;
	if (last == 0)
		return steps[0].descendant || element->parent->type != XML_ELEMENT_NODE ? MATCH_YES : MATCH_NO;
	if (!steps[last].descendant)
		return match_from(steps, last - 1, element->parent);
	for (const xmlNode *n = element->parent; n && n->type == XML_ELEMENT_NODE; n = n->parent) {
		enum match found = match_from(steps, last - 1, n);

		if (found != MATCH_NO)
			return found;
	}
	return MATCH_NEVER;
}

bool lk_xml_steps_match(const struct lk_xml_steps *steps, const xmlNode *element)
{
	return match_from(steps->items, steps->count - 1, element) == MATCH_YES;
}

static bool walk(const struct lk_xml_step *step, int left, const xmlNode *node,
	bool (*found)(void *arg, const xmlNode *node), void *arg)
{
	int position = 0;

	if (left == 0)
		return found(arg, node);
	if (step->attribute) {
		for (const xmlAttr *a = node->properties; a; a = a->next)
			if (node_is(step, a->name, a->ns) && !found(arg, (const xmlNode *)a))
				return false;
		return true;
	}
	for (const xmlNode *child = node->children; child; child = child->next) {
		if (child->type != XML_ELEMENT_NODE || !node_is(step, child->name, child->ns))
			continue;
		if (step->position && ++position != step->position)
			continue;
		if (!walk(step + 1, left - 1, child, found, arg))
			return false;
		if (step->position)
			break;
	}
	return true;
}

bool lk_xml_steps_walk(const struct lk_xml_steps *steps, const xmlNode *node,
	bool (*found)(void *arg, const xmlNode *node), void *arg)
{
	return walk(steps->items, steps->count, node, found, arg);
}

/* ---- compiling ---- */

static void quiet(void *user, xmlErrorPtr error)
{
	(void)user, (void)error;
}

/* Runs it over an element of nothing, so that wrong arguments and types show. */
static bool try_out(const struct lk_xml_program *p, const struct lk_xml_path *path, xmlXPathObjectType *type)
{
	xmlDocPtr doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlNodePtr root = doc ? xmlNewDocNode(doc, NULL, (const xmlChar *)"x", NULL) : NULL;
	xmlXPathContextPtr context = root ? xmlXPathNewContext(doc) : NULL;
	xmlXPathObjectPtr result = NULL;

	if (context) {
		xmlDocSetRootElement(doc, root);
		context->error = quiet;
		context->namespaces = p->namespaces;
		context->nsNr = p->namespace_count;
		context->node = root;
		result = xmlXPathCompiledEval(path->expression, context);
	} else {
		xmlFreeNode(root);
	}
	*type = result ? result->type : XPATH_UNDEFINED;
	xmlXPathFreeObject(result);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	return *type != XPATH_UNDEFINED;
}

/* `//x[...]` looks at every node for children that are x; where no predicate is a position,
 * `/descendant::x[...]` finds the same and libxml2 is far quicker at it. */
static const char *quicker(struct lk_arena *arena, const char *text)
{
	const char *rest = text + strspn(text, " \t\r\n"), *other;

	if (!first_step_is_unordered(text))
		return text;
	other = lk_arena_printf(arena, "/descendant::%s", rest + 2);
	return other ? other : text;
}

static xmlXPathCompExprPtr compile_text(const char *text)
{
	xmlXPathContextPtr context = xmlXPathNewContext(NULL);
	xmlXPathCompExprPtr expression = NULL;

	if (!context)
		return NULL;
	context->error = quiet;
	expression = xmlXPathCtxtCompile(context, (const xmlChar *)text);
	xmlXPathFreeContext(context);
	return expression;
}

/* How a record can be found while the document streams by: steps stay 0 where it cannot. */
static bool find_record(struct lk_arena *arena, const struct lk_resource *r, const char *text, struct lk_xml_path *path,
	const char **problem)
{
	const char *predicates = NULL, *test;
	struct lk_xml_path inner = {NULL};

	find_steps(arena, r, text, true, &path->steps, &predicates);
	if (!path->steps.count || !predicates)
		return true;
	*problem = NULL;
	test = lk_arena_printf(arena, "self::node()%s", predicates);
	if (!test || !survey(r, test, &inner, problem))
		return false;
	if (!inner.downward)
		path->steps.count = 0;
	else
		path->test = compile_text(test);
	return !inner.downward || path->test;
}

static bool compile(struct lk_arena *arena, const struct lk_resource *r, const struct lk_xml_program *p,
	const char *text, bool of_record, struct lk_xml_path *path, const char **problem)
{
	xmlXPathObjectType type;
	const char *none;

	path->expression = compile_text(of_record ? quicker(arena, text) : text);
	*problem = "is not an XPath";
	if (!path->expression || !survey(r, text, path, problem) || !try_out(p, path, &type))
		return false;
	*problem = "must yield elements";
	if (of_record && type != XPATH_NODESET)
		return false;
	if (!of_record)
		find_steps(arena, r, text, false, &path->steps, &none);
	return !of_record || find_record(arena, r, text, path, problem);
}

static bool make_namespaces(struct lk_arena *arena, const struct lk_resource *r, struct lk_xml_program *p)
{
	xmlNs *all = lk_arena_alloc(arena, (size_t)(r->namespace_count + 1) * sizeof(*all));

	p->namespaces = lk_arena_alloc(arena, (size_t)(r->namespace_count + 1) * sizeof(*p->namespaces));
	if (!all || !p->namespaces)
		return false;
	for (int i = 0; i < r->namespace_count; i++) {
		all[i].type = XML_NAMESPACE_DECL;
		all[i].prefix = (const xmlChar *)r->namespaces[i].prefix;
		all[i].href = (const xmlChar *)r->namespaces[i].uri;
		p->namespaces[i] = &all[i];
	}
	p->namespace_count = r->namespace_count;
	return true;
}

bool lk_xml_program_make(struct lk_arena *arena, const struct lk_resource *r, struct lk_xml_program **out,
	int *field, const char **problem)
{
	struct lk_xml_program *p = *out = lk_arena_alloc(arena, sizeof(*p));

	*problem = NULL;
	*field = -1;
	if (!p || !make_namespaces(arena, r, p))
		return false;
	p->fields = lk_arena_alloc(arena, (size_t)r->field_count * sizeof(*p->fields));
	if (!p->fields)
		return false;
	p->field_count = r->field_count;
	if (!compile(arena, r, p, r->record, true, &p->record, problem))
		return false;
	p->streams = p->record.steps.count > 0;
	for (int i = 0; i < r->field_count; i++) {
		if (r->fields[i].origin != LK_ORIGIN_RECORD)
			continue;
		*field = i;
		if (!compile(arena, r, p, r->fields[i].path, false, &p->fields[i], problem))
			return false;
		p->streams &= p->fields[i].downward;
	}
	return true;
}

void lk_xml_program_release(struct lk_xml_program *p)
{
	if (!p)
		return;
	xmlXPathFreeCompExpr(p->record.expression);
	xmlXPathFreeCompExpr(p->record.test);
	for (int i = 0; i < p->field_count; i++)
		xmlXPathFreeCompExpr(p->fields[i].expression);
}
