/*
 * token.c
 *    Keywords, and how messages name tokens.
 */
#include "promql/parser/parser_int.h"

#include "promql/grammar.h"
#include "util/mem.h"
#include "util/text.h"

#include <stdlib.h>
#include <string.h>

/* How a message shows a token. */
typedef enum TokenClass
{
	CLASS_PLAIN,	 /* "text" */
	CLASS_KEYWORD,	 /* <text> */
	CLASS_OPERATOR,	 /* <op:text> */
	CLASS_AGGREGATOR /* <aggr:text> */
} TokenClass;

typedef struct Keyword
{
	const char *word;
	int kind;
	TokenClass class;
} Keyword;

#define KEYWORD_MAX 12 /* length of the longest */

/* Sorted by word: looked up by bsearch. */
static const Keyword keywords[] = {
	{"anchored", TOK_ANCHORED, CLASS_KEYWORD},
	{"and", TOK_LAND, CLASS_OPERATOR},
	{"atan2", TOK_ATAN2, CLASS_OPERATOR},
	{"avg", TOK_AVG, CLASS_AGGREGATOR},
	{"bool", TOK_BOOL, CLASS_KEYWORD},
	{"bottomk", TOK_BOTTOMK, CLASS_AGGREGATOR},
	{"by", TOK_BY, CLASS_KEYWORD},
	{"count", TOK_COUNT, CLASS_AGGREGATOR},
	{"count_values", TOK_COUNT_VALUES, CLASS_AGGREGATOR},
	{"end", TOK_END, CLASS_PLAIN},
	{"fill", TOK_FILL, CLASS_KEYWORD},
	{"fill_left", TOK_FILL_LEFT, CLASS_KEYWORD},
	{"fill_right", TOK_FILL_RIGHT, CLASS_KEYWORD},
	{"group", TOK_GROUP, CLASS_AGGREGATOR},
	{"group_left", TOK_GROUP_LEFT, CLASS_KEYWORD},
	{"group_right", TOK_GROUP_RIGHT, CLASS_KEYWORD},
	{"ignoring", TOK_IGNORING, CLASS_KEYWORD},
	{"inf", TOK_NUMBER, CLASS_PLAIN},
	{"limit_ratio", TOK_LIMIT_RATIO, CLASS_AGGREGATOR},
	{"limitk", TOK_LIMITK, CLASS_AGGREGATOR},
	{"max", TOK_MAX, CLASS_AGGREGATOR},
	{"max_of", TOK_MAX_OF, CLASS_PLAIN},
	{"min", TOK_MIN, CLASS_AGGREGATOR},
	{"min_of", TOK_MIN_OF, CLASS_PLAIN},
	{"nan", TOK_NUMBER, CLASS_PLAIN},
	{"offset", TOK_OFFSET, CLASS_KEYWORD},
	{"on", TOK_ON, CLASS_KEYWORD},
	{"or", TOK_LOR, CLASS_OPERATOR},
	{"quantile", TOK_QUANTILE, CLASS_AGGREGATOR},
	{"range", TOK_RANGE, CLASS_PLAIN},
	{"smoothed", TOK_SMOOTHED, CLASS_KEYWORD},
	{"start", TOK_START, CLASS_PLAIN},
	{"stddev", TOK_STDDEV, CLASS_AGGREGATOR},
	{"stdvar", TOK_STDVAR, CLASS_AGGREGATOR},
	{"step", TOK_STEP, CLASS_PLAIN},
	{"sum", TOK_SUM, CLASS_AGGREGATOR},
	{"topk", TOK_TOPK, CLASS_AGGREGATOR},
	{"unless", TOK_LUNLESS, CLASS_OPERATOR},
	{"without", TOK_WITHOUT, CLASS_KEYWORD},
};

static int
compare_keyword(const void *word, const void *entry)
{
	return strcmp(word, ((const Keyword *) entry)->word);
}

static const Keyword *
find_keyword(const char *word, size_t len)
{
	char key[KEYWORD_MAX + 1];

	if (len > KEYWORD_MAX)
		return NULL;
	for (size_t i = 0; i < len; i++)
		key[i] = word[i] >= 'A' && word[i] <= 'Z' ? word[i] + ('a' - 'A') : word[i];
	key[len] = '\0';
	return bsearch(key, keywords, sizeof(keywords) / sizeof(*keywords), sizeof(*keywords),
				   compare_keyword);
}

int
promql_keyword(const char *word, size_t len)
{
	const Keyword *k = find_keyword(word, len);

	return k != NULL ? k->kind : TOK_IDENTIFIER;
}

static TokenClass
token_class(int kind, const char *text, size_t len)
{
	switch (kind)
	{
		case TOK_ADD:
		case TOK_SUB:
		case TOK_MUL:
		case TOK_DIV:
		case TOK_MOD:
		case TOK_POW:
		case TOK_EQLC:
		case TOK_NEQ:
		case TOK_LTE:
		case TOK_LSS:
		case TOK_GTE:
		case TOK_GTR:
		case TOK_TRIM_UPPER:
		case TOK_TRIM_LOWER:
		case TOK_EQL_REGEX:
		case TOK_NEQ_REGEX:
		case TOK_AT:
			return CLASS_OPERATOR;
		default:
		{
			const Keyword *k = find_keyword(text, len);

			return k != NULL ? k->class : CLASS_PLAIN;
		}
	}
}

/* text in double quotes, only its first ten runes if it has more than ten bytes */
static void
append_quoted(Buf *out, const char *text, size_t len)
{
	const char *p = text;
	const char *end = text + len;

	for (int runes = 0; runes < 10 && p < end; runes++)
	{
		int n;

		text_utf8_decode(p, end, &n);
		p += n;
	}
	if (len <= 10)
		p = end;
	text_quote(out, text, (size_t) (p - text));
	if (len > 10)
		buf_str(out, "...");
}

void
promql_token_describe(Buf *out, const PromqlToken *tok, const char *text)
{
	const char *s = text + tok->start;
	size_t len = (size_t) (tok->end - tok->start);

	switch (tok->kind)
	{
		case TOK_END_OF_INPUT:
			buf_str(out, "end of input");
			return;
		case TOK_IDENTIFIER:
			buf_str(out, "identifier ");
			text_quote(out, s, len);
			return;
		case TOK_METRIC_IDENTIFIER:
			buf_str(out, "metric identifier ");
			text_quote(out, s, len);
			return;
		case TOK_STRING:
			buf_str(out, "string ");
			break;
		case TOK_NUMBER:
			buf_str(out, "number ");
			break;
		case TOK_DURATION:
			buf_str(out, "duration ");
			break;
		default:
			switch (token_class(tok->kind, s, len))
			{
				case CLASS_KEYWORD:
					buf_printf(out, "<%.*s>", (int) len, s);
					return;
				case CLASS_OPERATOR:
					buf_printf(out, "<op:%.*s>", (int) len, s);
					return;
				case CLASS_AGGREGATOR:
					buf_printf(out, "<aggr:%.*s>", (int) len, s);
					return;
				case CLASS_PLAIN:
					break;
			}
	}
	append_quoted(out, s, len);
}
