/*
 * regex_re2.cc
 *    RE2 behind C functions.  No exception leaves them.
 *
 * Go's regexp/syntax and RE2 are one language but for two points, both handled by rewriting:
 * Go knows the short form (?<name>re) of a named group, RE2 before 2023 does not; RE2 knows \C
 * (any byte), which Go refuses.
 */
#include "model/regex_shim.h"

#include <re2/re2.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

struct RegexShim
{
	RE2 re;

	RegexShim(const std::string &pattern, const RE2::Options &options) : re(pattern, options)
	{
	}
};

namespace
{
const int64_t kMaxMemory = 8 << 20; /* bytes of programs and DFA caches a pattern may use */

/* code_text -- RE2's error codes in the words of Go's regexp/syntax. */
const char *
code_text(RE2::ErrorCode code)
{
	switch (code)
	{
		case RE2::ErrorBadEscape:
			return "invalid escape sequence";
		case RE2::ErrorBadCharClass:
			return "invalid character class";
		case RE2::ErrorBadCharRange:
			return "invalid character class range";
		case RE2::ErrorMissingBracket:
			return "missing closing ]";
		case RE2::ErrorMissingParen:
			return "missing closing )";
		case RE2::ErrorUnexpectedParen:
			return "unexpected )";
		case RE2::ErrorTrailingBackslash:
			return "trailing backslash at end of expression";
		case RE2::ErrorRepeatArgument:
			return "missing argument to repetition operator";
		case RE2::ErrorRepeatSize:
			return "invalid repeat count";
		case RE2::ErrorRepeatOp:
			return "invalid nested repetition operator";
		case RE2::ErrorBadPerlOp:
			return "invalid or unsupported Perl syntax";
		case RE2::ErrorBadUTF8:
			return "invalid UTF-8";
		case RE2::ErrorBadNamedCapture:
			return "invalid named capture";
		case RE2::ErrorPatternTooLarge:
			return "expression too large";
		default:
			return "regexp/syntax: internal error";
	}
}

/*
 * rewrite -- pattern in RE2's dialect.  Returns false at a \C.  *renamed: a (?< became (?P<.
 */
bool
rewrite(const std::string &pattern, std::string *out, bool *renamed)
{
	bool in_class = false, quoted = false;

	*renamed = false;
	for (size_t i = 0; i < pattern.size(); i++)
	{
		char c = pattern[i], next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';

		if (c == '\\')
		{
			if (!in_class && (next == 'Q' || next == 'E'))
				quoted = next == 'Q';
			else if (!in_class && !quoted && next == 'C')
				return false;
			out->push_back(c);
			if (i + 1 < pattern.size() && !(quoted && next == '\\'))
				out->push_back(pattern[++i]);
			continue;
		}
		out->push_back(c);
		if (quoted)
			continue;
		if (in_class)
			in_class = c != ']';
		else if (c == '[')
		{
			in_class = true;
			if (next == '^')
			{
				out->push_back(pattern[++i]);
				next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
			}
			if (next == ']')
				out->push_back(pattern[++i]);
		}
		else if (c == '(' && pattern.compare(i, 3, "(?<") == 0)
		{
			out->append("?P<");
			i += 2;
			*renamed = true;
		}
	}
	return true;
}

/* unrename -- the short form of named groups back into a fragment RE2 complains of. */
std::string
unrename(std::string fragment)
{
	size_t at = 0;

	while ((at = fragment.find("(?P<", at)) != std::string::npos)
		fragment.erase(at + 2, 1);
	return fragment;
}
} // namespace

extern "C" RegexShim *
regex_shim_compile(const char *pattern, size_t len, RegexRefusal *why)
{
	*why = RegexRefusal{nullptr, nullptr};
	try
	{
		const std::string text(pattern, len);
		std::string dialect;
		bool renamed;

		if (!rewrite(text, &dialect, &renamed))
		{
			why->fragment = strdup("\\C");
			why->code = code_text(RE2::ErrorBadEscape);
			return nullptr;
		}
		RE2::Options options;
		options.set_dot_nl(true);
		options.set_log_errors(false);
		options.set_max_mem(kMaxMemory);
		RegexShim *shim = new RegexShim(dialect, options);
		if (shim->re.ok())
			return shim;
		std::string fragment = shim->re.error_arg();
		if (shim->re.error_code() == RE2::ErrorPatternTooLarge ||
			shim->re.error_code() == RE2::ErrorBadUTF8)
			fragment = text;
		else if (renamed)
			fragment = unrename(fragment);
		why->fragment = strdup(fragment.c_str());
		why->code = code_text(shim->re.error_code());
		delete shim;
	}
	catch (...)
	{
		why->code = nullptr;
	}
	return nullptr;
}

extern "C" void
regex_shim_free(RegexShim *re)
{
	delete re;
}

/*
 * regex_shim_match -- RE2 falls back to slower machines rather than fail for memory; should an
 * allocation of a few hundred bytes fail all the same, the text counts as not matching.
 */
extern "C" bool
regex_shim_match(const RegexShim *re, const char *text, size_t len)
{
	try
	{
		return re->re.Match(re2::StringPiece(text, len), 0, len, RE2::ANCHOR_BOTH, nullptr, 0);
	}
	catch (...)
	{
		return false;
	}
}

extern "C" int
regex_shim_groups(const RegexShim *re)
{
	return re->re.NumberOfCapturingGroups();
}

extern "C" int
regex_shim_group_index(const RegexShim *re, const char *name, size_t len)
{
	try
	{
		const auto &groups = re->re.NamedCapturingGroups();
		auto it = groups.find(std::string(name, len));

		return it == groups.end() ? -1 : it->second;
	}
	catch (...)
	{
		return -1;
	}
}

extern "C" bool
regex_shim_captures(const RegexShim *re, const char *text, size_t len, int *offsets, int n)
{
	try
	{
		std::vector<re2::StringPiece> groups(static_cast<size_t>(n));

		if (!re->re.Match(re2::StringPiece(text, len), 0, len, RE2::ANCHOR_BOTH, groups.data(), n))
			return false;
		for (int i = 0; i < n; i++)
		{
			const re2::StringPiece &g = groups[static_cast<size_t>(i)];
			bool used = g.data() != nullptr;

			offsets[2 * i] = used ? static_cast<int>(g.data() - text) : -1;
			offsets[2 * i + 1] = used ? offsets[2 * i] + static_cast<int>(g.size()) : -1;
		}
		return true;
	}
	catch (...)
	{
		return false;
	}
}
