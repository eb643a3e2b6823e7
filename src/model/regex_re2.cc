/*
 * regex_re2.cc
 *    RE2 behind C functions: the only C++ of the project.  No exception leaves it.
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

	RegexShim(const re2::StringPiece &p, const RE2::Options &o) : re(p, o)
	{
	}
};

namespace
{
const int64_t kMaxMemory = 8 << 20; /* bytes of programs and DFA caches a pattern may use */
const int kMaxGroups = 64;
}

extern "C" RegexShim *
regex_shim_compile(const char *pattern, size_t len, int *code, char **fragment)
{
	*code = 0;
	*fragment = nullptr;
	try
	{
		RE2::Options options;

		options.set_dot_nl(true);
		options.set_log_errors(false);
		options.set_max_mem(kMaxMemory);
		auto *shim = new RegexShim(re2::StringPiece(pattern, len), options);
		if (shim->re.ok())
			return shim;
		*code = shim->re.error_code();
		*fragment = strdup(shim->re.error_arg().c_str());
		delete shim;
	}
	catch (...)
	{
		*code = -1;
	}
	return nullptr;
}

extern "C" void
regex_shim_free(RegexShim *re)
{
	delete re;
}

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
	re2::StringPiece groups[kMaxGroups];

	if (n > kMaxGroups)
		n = kMaxGroups;
	try
	{
		if (!re->re.Match(re2::StringPiece(text, len), 0, len, RE2::ANCHOR_BOTH, groups, n))
			return false;
	}
	catch (...)
	{
		return false;
	}
	for (int i = 0; i < n; i++)
	{
		bool used = groups[i].data() != nullptr;

		offsets[2 * i] = used ? static_cast<int>(groups[i].data() - text) : -1;
		offsets[2 * i + 1] = used ? offsets[2 * i] + static_cast<int>(groups[i].size()) : -1;
	}
	return true;
}
