/*
 * script.c
 *    From the text of a test file to commands.
 *
 * A block is a command's line and what follows up to an empty line; a comment counts as an empty
 * line and so ends a block too.
 */
#include "promqltest/script.h"

#include "model/histogram_math.h"
#include "util/mem.h"
#include "util/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define MAX_FILE (64 * 1024 * 1024)

/* --- lines ------------------------------------------------------------------------------------ */

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	long size;

	if (f == NULL)
		return NULL;
	if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && size < MAX_FILE)
	{
		rewind(f);
		text = mem_alloc(size + 1);
		text[fread(text, 1, size, f)] = '\0';
	}
	fclose(f);
	return text;
}

static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (isspace((unsigned char) *s))
		s++;
	while (end > s && isspace((unsigned char) end[-1]))
		end--;
	*end = '\0';
	return s;
}

bool
script_read(Script *s, const char *path)
{
	char *text = read_file(path);
	int cap = 0;

	*s = (Script){0};
	if (text == NULL)
		return false;
	while (text != NULL)
	{
		char *line = strsep(&text, "\n");

		if (s->n == cap)
		{
			cap = cap == 0 ? 256 : cap * 2;
			s->lines = mem_realloc(s->lines, sizeof(*s->lines) * cap);
		}
		line = trim(line);
		s->lines[s->n++] = line[0] == '#' ? line + strlen(line) : line;
	}
	return true;
}

/* --- words ------------------------------------------------------------------------------------ */

/* take_word -- the next word of *p, in lower case if fold; "" at the end. */
static char *
take_word(const char **p, bool fold)
{
	size_t len;
	char *word;

	*p += strspn(*p, " \t");
	len = strcspn(*p, " \t");
	word = mem_strndup(*p, len);
	for (char *c = word; fold && *c != '\0'; c++)
		*c = (char) tolower((unsigned char) *c);
	*p += len;
	*p += strspn(*p, " \t");
	return word;
}

static bool
syntax(Err *err, const char *what, const char *line)
{
	return err_set(err, ERR_EXECUTION, -1, "%s: %s", what, line);
}

/* take_duration -- signed. */
static bool
take_duration(const char **p, int64_t *ms, Err *err)
{
	const char *word = take_word(p, false);
	bool negative = word[0] == '-';

	if (!text_parse_duration_ms(word + negative, strlen(word + negative), ms, err))
		return false;
	if (negative)
		*ms = -*ms;
	return true;
}

/* take_keyword -- false if the next word is another. */
static bool
take_keyword(const char **p, const char *keyword)
{
	const char *before = *p;

	if (strcmp(take_word(p, true), keyword) == 0)
		return true;
	*p = before;
	return false;
}

/* take_span -- `from T1 to T2 step D`. */
static bool
take_span(const char **p, int64_t *from, int64_t *to, int64_t *step, Err *err)
{
	if (!take_keyword(p, "from") || !take_duration(p, from, err) || !take_keyword(p, "to") ||
		!take_duration(p, to, err) || !take_keyword(p, "step") || !take_duration(p, step, err))
		return syntax(err, "from, to and step expected", *p);
	return true;
}

/* --- load ------------------------------------------------------------------------------------- */

/* place_of -- where in load a series goes: a second description replaces the first. */
static int
place_of(const ScriptLoad *load, Labels labels)
{
	for (int i = 0; i < load->n; i++)
		if (labels_equal(load->series[i].labels, labels))
			return i;
	return load->n;
}

/* combine -- `{{a}}+{{b}}x3` of a series description. */
static Histogram *
combine(const Histogram *a, const Histogram *b, bool subtract, Err *err)
{
	Histogram *sum = histogram_copy(a);
	HistogramOpInfo info = {0};
	bool ok;

	if (b->schema < a->schema)
	{
		err_set(err, ERR_EXECUTION, -1, "schema of the change is below that of the histogram");
		return NULL;
	}
	ok = subtract ? histogram_sub(sum, b, &info) : histogram_add(sum, b, &info);
	if (!ok)
	{
		err_set(err, ERR_EXECUTION, -1, "histograms cannot be added");
		return NULL;
	}
	return sum;
}

static bool
parse_load(Script *s, const char *p, ScriptLoad *load, Err *err)
{
	SeriesStarts pending = {0};
	bool has_pending = false;

	if (!take_duration(&p, &load->step_ms, err))
		return false;
	load->series = mem_alloc0(sizeof(*load->series) * (s->n - s->at + 1));
	load->starts = mem_alloc0(sizeof(*load->starts) * (s->n - s->at + 1));
	for (; s->at < s->n && s->lines[s->at][0] != '\0'; s->at++)
	{
		const char *line = s->lines[s->at];
		SeriesDesc desc;
		int place;

		if (series_starts_is(line, strlen(line)))
		{
			if (has_pending || !series_starts_parse(line, strlen(line), &pending, err))
				return syntax(err, "start timestamps", line);
			has_pending = true;
			continue;
		}
		if (!series_desc_parse(line, strlen(line), combine, &desc, err))
			return false;
		if (has_pending && (!labels_equal(pending.labels, desc.labels) || pending.n != desc.n))
			return syntax(err, "start timestamps belong to another series", line);
		place = place_of(load, desc.labels);
		load->series[place] = desc;
		load->starts[place] = has_pending ? pending : (SeriesStarts){0};
		load->n += place == load->n;
		has_pending = false;
	}
	return !has_pending || syntax(err, "start timestamps without a series", "");
}

/* --- eval ------------------------------------------------------------------------------------- */

static void
add_pattern(ScriptPatterns *list, ScriptPattern p)
{
	list->items = mem_realloc(list->items, sizeof(*list->items) * (list->n + 1));
	list->items[list->n++] = p;
	list->some = true;
}

/* parse_pattern -- nothing, `msg: TEXT` or `regex: RE`. */
static bool
parse_pattern(const char *p, ScriptPattern *out, Err *err)
{
	*out = (ScriptPattern){0};
	if (*p == '\0')
		return true;
	if (strncmp(p, "msg:", 4) == 0)
		out->msg = p + 4 + strspn(p + 4, " \t");
	else if (strncmp(p, "regex:", 6) == 0)
		out->regex = p + 6 + strspn(p + 6, " \t");
	else
		return syntax(err, "msg: or regex: expected", p);
	return true;
}

/* unquote -- the Go string literals of test files: a query's own literal rules apply. */
static bool
unquote(const char *p, const char **out, Err *err)
{
	size_t len = strlen(p);

	if (len < 2 || (p[0] != '"' && p[0] != '`' && p[0] != '\'') || p[len - 1] != p[0] ||
		memchr(p, '\\', len) != NULL)
		return syntax(err, "string expected", p);
	*out = mem_strndup(p + 1, len - 2);
	return true;
}

/* parse_expect -- a line that begins with "expect ". */
static bool
parse_expect(const char *p, ScriptEval *eval, Err *err)
{
	const char *what = take_word(&p, true);
	ScriptPattern pattern;
	int64_t to;

	if (strcmp(what, "range") == 0)
	{
		eval->has_points = true;
		if (!take_keyword(&p, "vector") ||
			!take_span(&p, &eval->points_start_ms, &to, &eval->points_step_ms, err))
			return syntax(err, "range vector expected", p);
		eval->start_ms = eval->end_ms = to;
		return true;
	}
	if (strcmp(what, "string") == 0)
		return unquote(p, &eval->string, err);
	if (!parse_pattern(p, &pattern, err))
		return false;
	if (strcmp(what, "ordered") == 0)
		eval->ordered = true;
	else if (strcmp(what, "fail") == 0)
	{
		eval->fail = true;
		eval->failure = pattern;
	}
	else if (strcmp(what, "warn") == 0)
		add_pattern(&eval->warn, pattern);
	else if (strcmp(what, "info") == 0)
		add_pattern(&eval->info, pattern);
	else if (strcmp(what, "no_warn") == 0)
		eval->warn.none = true;
	else if (strcmp(what, "no_info") == 0)
		eval->info.none = true;
	else
		return syntax(err, "unknown expectation", what);
	return true;
}

/* parse_number -- a line that is nothing but a number. */
static bool
parse_number(const char *line, double *v)
{
	char *end;

	if (text_parse_double(line, strlen(line), v))
		return true;
	*v = (double) strtoll(line, &end, 0);
	return end != line && *end == '\0';
}

static bool
parse_expectation(const char *line, ScriptEval *eval, Err *err)
{
	const char *p = line;

	if (strncmp(line, "expect", 6) == 0 && isspace((unsigned char) line[6]))
	{
		take_word(&p, true);
		return parse_expect(p, eval, err);
	}
	if (take_keyword(&p, "expected_fail_message"))
	{
		eval->failure = (ScriptPattern){.msg = p};
		return true;
	}
	if (take_keyword(&p, "expected_fail_regexp"))
	{
		eval->failure = (ScriptPattern){.regex = p};
		return true;
	}
	if (parse_number(line, &eval->scalar))
	{
		eval->has_scalar = true;
		return true;
	}
	return series_desc_parse(line, strlen(line), combine, &eval->series[eval->n++], err);
}

/* parse_eval -- form: the word after "eval", "" or "_fail", "_warn", ... */
static bool
parse_eval(Script *s, const char *form, const char *p, ScriptEval *eval, Err *err)
{
	bool ok;

	eval->fail = strcmp(form, "_fail") == 0;
	eval->ordered = strcmp(form, "_ordered") == 0;
	eval->warn.some = strcmp(form, "_warn") == 0;
	eval->info.some = strcmp(form, "_info") == 0;
	if (take_keyword(&p, "range"))
	{
		eval->is_range = true;
		ok = take_span(&p, &eval->start_ms, &eval->end_ms, &eval->step_ms, err);
	}
	else
	{
		ok = take_keyword(&p, "instant") &&
			 (!take_keyword(&p, "at") || take_duration(&p, &eval->start_ms, err));
		eval->end_ms = eval->start_ms;
	}
	eval->query = p;
	eval->series = mem_alloc0(sizeof(*eval->series) * (s->n - s->at + 1));
	for (; s->at < s->n && s->lines[s->at][0] != '\0'; s->at++)
		ok = ok && parse_expectation(s->lines[s->at], eval, err);
	return ok || syntax(err, "eval", p);
}

/* --- commands --------------------------------------------------------------------------------- */

static bool
parse_command(Script *s, ScriptCommand *out, Err *err)
{
	const char *p;
	const char *word;

	out->line = s->at + 1;
	p = s->lines[s->at++];
	word = take_word(&p, true);
	if (strcmp(word, "clear") == 0)
	{
		out->kind = SCRIPT_CLEAR;
		return true;
	}
	if (strncmp(word, "load", 4) == 0)
	{
		out->kind = SCRIPT_LOAD;
		out->load.with_nhcb = strcmp(word, "load_with_nhcb") == 0;
		return parse_load(s, p, &out->load, err);
	}
	if (strncmp(word, "eval", 4) == 0)
	{
		out->kind = SCRIPT_EVAL;
		return parse_eval(s, word + 4, p, &out->eval, err);
	}
	return syntax(err, "unknown command", s->lines[s->at - 1]);
}

bool
script_next(Script *s, ScriptCommand *out, Err *err)
{
	bool ok;

	*out = (ScriptCommand){.kind = SCRIPT_END};
	while (s->at < s->n && s->lines[s->at][0] == '\0')
		s->at++;
	if (s->at == s->n)
		return true;
	ok = parse_command(s, out, err);
	while (!ok && s->at < s->n && s->lines[s->at][0] != '\0')
		s->at++;
	return ok;
}
