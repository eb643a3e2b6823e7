/*
 * natural.h
 *    Natural order of strings: numbers in them count as numbers.
 */
#ifndef MIMIR_PROMQL_FUNCTIONS_NATURAL_H
#define MIMIR_PROMQL_FUNCTIONS_NATURAL_H

#include "model/labels.h"

extern bool promql_natural_less(StrView a, StrView b);

#endif
