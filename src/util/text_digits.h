/*
 * text_digits.h
 *    Doubles to and from plain decimal digits: the two conversions that need C++17's <charconv>.
 *    For util/ only.
 */
#ifndef MIMIR_UTIL_TEXT_DIGITS_H
#define MIMIR_UTIL_TEXT_DIGITS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C"
{
#endif

#define TEXT_DIGITS_MAX 17

	extern int text_digits_shortest(double v, char *digits, int *point);
	extern bool text_digits_parse(const char *s, size_t len, bool hex, double *v);

#ifdef __cplusplus
}
#endif

#endif
