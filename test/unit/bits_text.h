/*
 * bits_text.h
 *    Bytes written as text in known-answer tests: 0 and 1 are bits, <c0ff> is hexadecimal, blanks
 *    separate; the last byte is filled up with zeros.
 */
#ifndef MIMIR_TEST_BITS_TEXT_H
#define MIMIR_TEST_BITS_TEXT_H

#include "util/buf.h"

static inline Buf
bits_text(const char *text)
{
	Buf out;
	unsigned byte = 0, n = 0;
	bool hex = false;

	buf_init(&out, 64, 1 << 20);
	for (const char *p = text; *p != '\0'; p++)
	{
		unsigned digit, width = hex ? 4 : 1;

		if (*p == '<' || *p == '>')
			hex = *p == '<';
		if (*p == '<' || *p == '>' || *p == ' ')
			continue;
		digit = (unsigned) (*p <= '9' ? *p - '0' : *p - 'a' + 10);
		for (unsigned i = width; i-- > 0;)
		{
			byte = byte << 1 | (digit >> i & 1);
			if (++n % 8 == 0)
				buf_char(&out, (char) byte);
		}
	}
	if (n % 8 != 0)
		buf_char(&out, (char) (byte << (8 - n % 8)));
	return out;
}

#endif
