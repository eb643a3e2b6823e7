%code top {
/*
 * grammar.y
 *    The grammar of PromQL: tokens to typed tree nodes.
 *
 * The rules follow Prometheus' generated_parser.y, because the shape of the automaton decides
 * which message a syntax error gets: the innermost rule under way that has an `error`
 * alternative speaks, else the one of `start`.  Actions do no work of their own; build.c,
 * modifier.c and duration.c do, and return NULL or false after recording an error.  The first
 * error ends the parse.
 */
}

%code requires {
#include "promql/parser/parser_int.h"
}

%code {
#include "util/mem.h"

/* bison's stack comes from the current scope; right-nested input grows it up to YYMAXDEPTH */
#define YYMALLOC mem_alloc
#define YYFREE mem_free

static int promql_yylex(PROMQL_YYSTYPE *value, PromqlParser *p);
static void promql_yyerror(PromqlParser *p, const char *msg);

/* The checked call of an action: an error ends the parse. */
#define NODE(out, call)                                                                            \
	do                                                                                             \
	{                                                                                              \
		if (((out) = (call)) == NULL)                                                              \
			YYABORT;                                                                               \
	} while (0)
#define DO(call)                                                                                   \
	do                                                                                             \
	{                                                                                              \
		if (!(call))                                                                               \
			YYABORT;                                                                               \
	} while (0)
#define UNEXPECTED(context, expected) DO(promql_parser_unexpected(p, (context), (expected)))
}

%define api.pure full
%define api.prefix {promql_yy}
%define api.token.prefix {TOK_}
%param {PromqlParser *p}
%expect 0

%union
{
	PromqlToken token;
	PromqlExpr *expr;
	PromqlExprs exprs;
	PromqlNames names;
	StrView name;
	PromqlGrouping grouping;
	PromqlModifiers modifiers;
	PromqlFill fill;
	PromqlMatchers matchers;
	Matcher matcher;
}

/* which language to read: delivered before the first token */
%token START_EXPRESSION START_SELECTOR

%token <token>
	END_OF_INPUT IDENTIFIER METRIC_IDENTIFIER STRING NUMBER DURATION
	COMMA COLON EQL EQL_REGEX NEQ_REGEX
	LEFT_PAREN RIGHT_PAREN LEFT_BRACE RIGHT_BRACE LEFT_BRACKET RIGHT_BRACKET
	ADD SUB MUL DIV MOD POW ATAN2 EQLC NEQ LTE LSS GTE GTR TRIM_UPPER TRIM_LOWER
	LAND LOR LUNLESS AT
	AVG BOTTOMK COUNT COUNT_VALUES GROUP LIMITK LIMIT_RATIO MAX MIN QUANTILE STDDEV STDVAR SUM TOPK
	ANCHORED BOOL BY FILL FILL_LEFT FILL_RIGHT GROUP_LEFT GROUP_RIGHT IGNORING OFFSET ON SMOOTHED
	WITHOUT
	START END STEP RANGE MAX_OF MIN_OF

%type <expr> expr literal selector aggregate call offset_expr at_expr range subquery unary binary
%type <expr> number signed_number duration duration_call positive_duration
%type <expr> offset_duration offset_term offset_group
%type <exprs> call_args expr_list
%type <names> labels label_list maybe_labels
%type <name> label
%type <grouping> grouping
%type <modifiers> modifiers bool_modifier matching group_modifiers fill_modifiers
%type <fill> fill_value
%type <matchers> braces matcher_list
%type <matcher> matcher
%type <token> aggregate_op metric_name label_word match_op sign function_name max_or_min string_name

/*
 * Where modifiers end is decided by these: a word that could go on with them does.  They stand
 * below all operators, so that an offset's parenthesised duration takes the operators after it.
 */
%precedence END_OF_MODIFIERS
%precedence LEFT_PAREN FILL FILL_LEFT FILL_RIGHT

%left LOR
%left LAND LUNLESS
%left EQLC GTE GTR LSS LTE NEQ TRIM_UPPER TRIM_LOWER
%left ADD SUB
%left MUL DIV MOD ATAN2
%right POW
%precedence OFFSET AT ANCHORED SMOOTHED
%precedence LEFT_BRACKET

%start start

%%

start:
	START_EXPRESSION END_OF_INPUT
		{
			promql_parser_error(p, ERR_PROMQL_SYNTAX, 0, "no expression found in input");
			YYABORT;
		}
|	START_EXPRESSION expr				{ p->result = $2; }
|	START_SELECTOR selector				{ p->result = $2; }
|	start END_OF_INPUT
|	error								{ UNEXPECTED("", ""); }
;

expr:
	aggregate
|	binary
|	call
|	range
|	literal
|	offset_expr
|	LEFT_PAREN expr RIGHT_PAREN			{ NODE($$, promql_new_paren(p, $1.start, $2, $3.end)); }
|	subquery
|	unary
|	selector
|	at_expr
|	expr ANCHORED						{ DO(promql_set_anchored(p, $1, $2.end)); $$ = $1; }
|	expr SMOOTHED						{ DO(promql_set_smoothed(p, $1, $2.end)); $$ = $1; }
;

literal:
	number
|	STRING								{ NODE($$, promql_new_string(p, &$1)); }
;

/* --- aggregations ------------------------------------------------------------------------- */

aggregate:
	aggregate_op grouping call_args		{ NODE($$, promql_new_aggregate(p, &$1, &$2, &$3)); }
|	aggregate_op call_args grouping		{ NODE($$, promql_new_aggregate(p, &$1, &$3, &$2)); }
|	aggregate_op call_args				{ NODE($$, promql_new_aggregate(p, &$1, NULL, &$2)); }
|	aggregate_op error					{ UNEXPECTED("aggregation", ""); $$ = NULL; }
;

grouping:
	BY labels							{ $$ = (PromqlGrouping){$2, false}; }
|	WITHOUT labels						{ $$ = (PromqlGrouping){$2, true}; }
;

/* --- binary expressions ------------------------------------------------------------------- */

binary:
	expr ADD modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr ATAN2 modifiers expr			{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr DIV modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr EQLC modifiers expr			{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr GTE modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr GTR modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr LAND modifiers expr			{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr LOR modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr LSS modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr LTE modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr LUNLESS modifiers expr			{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr MOD modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr MUL modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr NEQ modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr POW modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr SUB modifiers expr				{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr TRIM_LOWER modifiers expr		{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
|	expr TRIM_UPPER modifiers expr		{ NODE($$, promql_new_binary(p, &$2, $1, &$3, $4)); }
;

modifiers:
	group_modifiers						%prec END_OF_MODIFIERS
|	fill_modifiers
;

bool_modifier:
	%empty								{ $$ = (PromqlModifiers){0}; }
|	BOOL								{ $$ = (PromqlModifiers){.return_bool = true}; }
;

matching:
	bool_modifier IGNORING labels
		{ $$ = $1; $$.matching.labels = promql_names_list(&$3); }
|	bool_modifier ON labels
		{ $$ = $1; $$.matching.labels = promql_names_list(&$3); $$.matching.on = true; }
;

group_modifiers:
	bool_modifier
|	matching
|	matching GROUP_LEFT maybe_labels
		{
			$$ = $1;
			$$.matching.card = PROMQL_MANY_TO_ONE;
			$$.matching.include = promql_names_list(&$3);
		}
|	matching GROUP_RIGHT maybe_labels
		{
			$$ = $1;
			$$.matching.card = PROMQL_ONE_TO_MANY;
			$$.matching.include = promql_names_list(&$3);
		}
;

fill_modifiers:
	group_modifiers FILL fill_value
		{ $$ = $1; $$.matching.fill_left = $$.matching.fill_right = $3; }
|	group_modifiers FILL_LEFT fill_value	%prec END_OF_MODIFIERS
		{ $$ = $1; $$.matching.fill_left = $3; }
|	group_modifiers FILL_RIGHT fill_value	%prec END_OF_MODIFIERS
		{ $$ = $1; $$.matching.fill_right = $3; }
|	group_modifiers FILL_LEFT fill_value FILL_RIGHT fill_value
		{ $$ = $1; $$.matching.fill_left = $3; $$.matching.fill_right = $5; }
|	group_modifiers FILL_RIGHT fill_value FILL_LEFT fill_value
		{ $$ = $1; $$.matching.fill_right = $3; $$.matching.fill_left = $5; }
;

fill_value:
	LEFT_PAREN signed_number RIGHT_PAREN	{ $$ = (PromqlFill){true, $2->number.v}; }
;

maybe_labels:
	%empty								%prec END_OF_MODIFIERS	{ $$ = (PromqlNames){0}; }
|	labels
;

labels:
	LEFT_PAREN label_list RIGHT_PAREN	{ $$ = $2; $$.end = $3.end; }
|	LEFT_PAREN label_list COMMA RIGHT_PAREN	{ $$ = $2; $$.end = $4.end; }
|	LEFT_PAREN RIGHT_PAREN				{ $$ = (PromqlNames){.end = $2.end}; }
|	error								{ UNEXPECTED("grouping opts", "\"(\""); }
;

label_list:
	label_list COMMA label				{ $$ = $1; promql_names_add(&$$, $3); }
|	label								{ $$ = (PromqlNames){0}; promql_names_add(&$$, $1); }
|	label_list error					{ UNEXPECTED("grouping opts", "\",\" or \")\""); }
;

label:
	label_word							{ DO(promql_new_label(p, &$1, &$$)); }
|	STRING								{ DO(promql_new_label(p, &$1, &$$)); }
|	error								{ UNEXPECTED("grouping opts", "label"); }
;

/* --- calls and arguments ------------------------------------------------------------------ */

call:
	function_name call_args				{ NODE($$, promql_new_call(p, &$1, &$2)); }
;

function_name:
	IDENTIFIER | START | END | STEP | RANGE | MAX_OF | MIN_OF
;

call_args:
	LEFT_PAREN expr_list RIGHT_PAREN	{ $$ = $2; $$.end = $3.end; }
|	LEFT_PAREN RIGHT_PAREN				{ $$ = (PromqlExprs){.end = $2.end}; }
;

expr_list:
	expr_list COMMA expr				{ $$ = $1; promql_exprs_add(&$$, $3); }
|	expr								{ $$ = (PromqlExprs){0}; promql_exprs_add(&$$, $1); }
|	expr_list COMMA
		{
			promql_parser_error(p, ERR_PROMQL_SYNTAX, $2.start,
								"trailing commas not allowed in function call args");
			YYABORT;
		}
;

/* --- what follows a selector -------------------------------------------------------------- */

offset_expr:
	expr OFFSET offset_duration			{ DO(promql_set_offset(p, $1, $3)); $$ = $1; }
|	expr OFFSET error
		{ UNEXPECTED("offset", "number, duration, step(), or range()"); $$ = NULL; }
;

at_expr:
	expr AT signed_number				{ DO(promql_set_at_time(p, $1, $3)); $$ = $1; }
|	expr AT START LEFT_PAREN RIGHT_PAREN
		{ DO(promql_set_at_bound(p, $1, PROMQL_AT_START, $5.end)); $$ = $1; }
|	expr AT END LEFT_PAREN RIGHT_PAREN
		{ DO(promql_set_at_bound(p, $1, PROMQL_AT_END, $5.end)); $$ = $1; }
|	expr AT error						{ UNEXPECTED("@", "timestamp"); $$ = NULL; }
;

range:
	expr LEFT_BRACKET positive_duration RIGHT_BRACKET
		{ NODE($$, promql_new_range(p, $1, &$2, $3, $4.end)); }
;

subquery:
	expr LEFT_BRACKET positive_duration COLON positive_duration RIGHT_BRACKET
		{ NODE($$, promql_new_subquery(p, $1, $3, $5, $6.end)); }
|	expr LEFT_BRACKET positive_duration COLON RIGHT_BRACKET
		{ NODE($$, promql_new_subquery(p, $1, $3, NULL, $5.end)); }
|	expr LEFT_BRACKET positive_duration COLON positive_duration error
		{ UNEXPECTED("subquery selector", "\"]\""); $$ = NULL; }
|	expr LEFT_BRACKET positive_duration COLON error
		{
			UNEXPECTED("subquery selector", "number, duration, step(), range(), or \"]\"");
			$$ = NULL;
		}
|	expr LEFT_BRACKET positive_duration error
		{ UNEXPECTED("subquery or range", "\":\" or \"]\""); $$ = NULL; }
|	expr LEFT_BRACKET error
		{
			UNEXPECTED("subquery or range selector", "number, duration, step(), or range()");
			$$ = NULL;
		}
;

unary:
	sign expr							%prec MUL	{ NODE($$, promql_new_unary(p, &$1, $2)); }
;

/* --- selectors ---------------------------------------------------------------------------- */

selector:
	metric_name braces					{ NODE($$, promql_new_selector(p, &$1, &$2)); }
|	metric_name							{ NODE($$, promql_new_selector(p, &$1, NULL)); }
|	braces								{ NODE($$, promql_new_selector(p, NULL, &$1)); }
;

braces:
	LEFT_BRACE matcher_list RIGHT_BRACE	{ $$ = $2; $$.start = $1.start; $$.end = $3.end; }
|	LEFT_BRACE matcher_list COMMA RIGHT_BRACE
		{ $$ = $2; $$.start = $1.start; $$.end = $4.end; }
|	LEFT_BRACE RIGHT_BRACE
		{ $$ = (PromqlMatchers){.start = $1.start, .end = $2.end}; }
;

matcher_list:
	matcher_list COMMA matcher			{ $$ = $1; promql_matchers_add(&$$, $3); }
|	matcher								{ $$ = (PromqlMatchers){0}; promql_matchers_add(&$$, $1); }
|	matcher_list error					{ UNEXPECTED("label matching", "\",\" or \"}\""); }
;

matcher:
	IDENTIFIER match_op STRING			{ DO(promql_new_matcher(p, &$1, &$2, &$3, &$$)); }
|	string_name match_op STRING			{ DO(promql_new_matcher(p, &$1, &$2, &$3, &$$)); }
|	string_name							{ DO(promql_name_matcher(p, &$1, &$$)); }
|	string_name match_op error			{ UNEXPECTED("label matching", "string"); }
|	IDENTIFIER match_op error			{ UNEXPECTED("label matching", "string"); }
|	IDENTIFIER error					{ UNEXPECTED("label matching", "label matching operator"); }
|	error								{ UNEXPECTED("label matching", "identifier or \"}\""); }
;

string_name:
	STRING
;

/* --- words -------------------------------------------------------------------------------- */

metric_name:
	ANCHORED | AVG | BOTTOMK | BY | COUNT | COUNT_VALUES | END | FILL | FILL_LEFT | FILL_RIGHT
|	GROUP | IDENTIFIER | LAND | LIMITK | LIMIT_RATIO | LOR | LUNLESS | MAX | MAX_OF
|	METRIC_IDENTIFIER | MIN | MIN_OF | OFFSET | QUANTILE | RANGE | SMOOTHED | START | STDDEV
|	STDVAR | STEP | SUM | TOPK | WITHOUT
;

label_word:
	ANCHORED | ATAN2 | AVG | BOOL | BOTTOMK | BY | COUNT | COUNT_VALUES | END | FILL | FILL_LEFT
|	FILL_RIGHT | GROUP | GROUP_LEFT | GROUP_RIGHT | IDENTIFIER | IGNORING | LAND | LIMITK
|	LIMIT_RATIO | LOR | LUNLESS | MAX | MAX_OF | METRIC_IDENTIFIER | MIN | MIN_OF | OFFSET | ON
|	QUANTILE | RANGE | SMOOTHED | START | STDDEV | STDVAR | STEP | SUM | TOPK
;

aggregate_op:
	AVG | BOTTOMK | COUNT | COUNT_VALUES | GROUP | LIMITK | LIMIT_RATIO | MAX | MIN | QUANTILE
|	STDDEV | STDVAR | SUM | TOPK
;

sign:
	ADD | SUB
;

match_op:
	EQL | NEQ | EQL_REGEX | NEQ_REGEX
;

max_or_min:
	MAX_OF | MIN_OF
;

/* --- numbers ------------------------------------------------------------------------------ */

number:
	NUMBER								{ NODE($$, promql_new_number(p, &$1)); }
|	DURATION							{ NODE($$, promql_new_number(p, &$1)); }
;

signed_number:
	number
|	sign number							{ NODE($$, promql_new_unary(p, &$1, $2)); }
;

/* --- durations ---------------------------------------------------------------------------- */

positive_duration:
	duration							{ NODE($$, promql_duration_positive(p, $1)); }
;

duration:
	number					{ NODE($$, promql_duration_literal(p, $1)); }
|	sign duration						%prec MUL	{ NODE($$, promql_new_duration_sign(p, &$1, $2)); }
|	duration ADD duration				{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	duration SUB duration				{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	duration MUL duration				{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	duration DIV duration				{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	duration MOD duration				{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	duration POW duration				{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	duration_call
|	LEFT_PAREN duration RIGHT_PAREN		{ $$ = promql_duration_wrap($2); }
;

duration_call:
	STEP LEFT_PAREN RIGHT_PAREN
		{ NODE($$, promql_new_duration_call(p, &$1, NULL, NULL, $3.end)); }
|	RANGE LEFT_PAREN RIGHT_PAREN
		{ NODE($$, promql_new_duration_call(p, &$1, NULL, NULL, $3.end)); }
|	max_or_min LEFT_PAREN duration COMMA duration RIGHT_PAREN
		{ NODE($$, promql_new_duration_call(p, &$1, $3, $5, $6.end)); }
;

/*
 * After `offset` an operator belongs to the selector: `foo offset -2^2` is (foo offset -2)^2.
 * But a duration that begins with a parenthesis (or two signs) takes the operators that follow.
 */
offset_duration:
	offset_term
|	sign offset_term					{ NODE($$, promql_new_duration_sign(p, &$1, $2)); }
|	sign LEFT_PAREN duration RIGHT_PAREN
		{ NODE($$, promql_new_signed_group(p, &$1, $3)); }
|	offset_group						%prec END_OF_MODIFIERS
;

offset_term:
	number					{ NODE($$, promql_duration_literal(p, $1)); }
|	duration_call
;

offset_group:
	LEFT_PAREN duration RIGHT_PAREN		{ $$ = promql_duration_wrap($2); }
|	sign sign duration					%prec MUL
		{
			PromqlExpr *inner;

			NODE(inner, promql_new_duration_sign(p, &$2, $3));
			NODE($$, promql_new_duration_sign(p, &$1, inner));
		}
|	offset_group ADD duration			{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	offset_group SUB duration			{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	offset_group MUL duration			{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	offset_group DIV duration			{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	offset_group MOD duration			{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
|	offset_group POW duration			{ NODE($$, promql_new_duration(p, &$2, $1, $3)); }
;

%%

/* promql_yylex -- the next token; 0 after the end of input or an error. */
static int
promql_yylex(PROMQL_YYSTYPE *value, PromqlParser *p)
{
	int kind = p->inject;

	if (kind != 0)
	{
		p->inject = 0;
		return kind;
	}
	if (p->last.kind == TOK_END_OF_INPUT)
		return 0;
	kind = promql_lexer_next(&value->token, p->scanner);
	if (kind != 0)
		p->last = value->token;
	return kind;
}

/* Called for a syntax error before the `error` rules, which say more. */
static void
promql_yyerror(PromqlParser *p, const char *msg)
{
}
