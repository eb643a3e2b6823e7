/*
 * test_util.c
 *    Memory scopes, buffers, errors, hashes, varints.
 */
#include "unit.h"

#include "util/buf.h"
#include "util/crc32c.h"
#include "util/err.h"
#include "util/hash.h"
#include "util/varint.h"

UNIT_TEST(mem_scopes)
{
	MemScope *outer = mem_scope_create("outer");
	MemScope *old = mem_scope_switch(outer);
	MemScope *inner = mem_scope_create("inner");
	char *a = mem_alloc(10), *b;

	mem_scope_switch(inner);
	b = mem_printf("%d-%s", 7, "x");
	CHECK_STR(b, "7-x");
	CHECK_STR(mem_strndup("abcdef", 3), "abc");
	CHECK(mem_scope_current() == inner);
	a = mem_realloc(a, 30); /* stays in outer */
	memset(a, 'z', 30);
	CHECK_INT(mem_scope_bytes(inner), 8);
	CHECK_INT(mem_scope_bytes(outer), 38);
	mem_scope_reset(inner);
	CHECK_INT(mem_scope_bytes(outer), 30);
	mem_free(a);
	mem_free(NULL);
	CHECK_INT(mem_scope_bytes(outer), 0);
	CHECK(mem_realloc(NULL, 5) != NULL);
	mem_scope_switch(old);
	mem_scope_delete(outer); /* inner goes with it */
	CHECK(mem_scope_current() == old);
}

UNIT_TEST(buf_limits)
{
	Buf b;

	buf_init(&b, 100, 8);
	buf_str(&b, "12345");
	buf_printf(&b, "%d", 678);
	CHECK_STR(b.data, "12345678");
	CHECK(!b.overflow);
	buf_char(&b, 'x');
	CHECK(b.overflow);
	CHECK_STR(b.data, "12345678");
	buf_reset(&b);
	buf_append(&b, "123456789", 9);
	CHECK(b.overflow);
	CHECK_INT(b.len, 0);
	buf_char(&b, 'x'); /* no hole: dropped although it would fit */
	CHECK_STR(b.data, "");
	buf_reset(&b);
	CHECK(!b.overflow && !buf_grow(&b, SIZE_MAX));
	buf_free(&b);

	buf_init(&b, 0, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_uvarint(&b, (uint64_t) i);
	CHECK_INT(b.len, 128 + 2 * (10000 - 128));
	CHECK_INT(b.data[b.len], 0);
	CHECK(!b.overflow);
}

UNIT_TEST(err_first_wins)
{
	Err e = ERR_INIT;

	CHECK(!err_set(&e, ERR_PROMQL_SYNTAX, 5, "unexpected %s", "thing"));
	CHECK(!err_set(&e, ERR_INTERNAL, 0, "later"));
	CHECK(!err_set(NULL, ERR_INTERNAL, 0, "nobody asks"));
	CHECK_STR(e.msg, "unexpected thing");
	CHECK_INT(e.code, ERR_PROMQL_SYNTAX);
	CHECK_INT(e.pos, 5);
	CHECK_STR(err_code_name(ERR_TOO_MANY_SAMPLES), "TOO_MANY_SAMPLES");
	CHECK_STR(err_sqlstate(ERR_PROMQL_SYNTAX), "42601");
	CHECK_INT(err_http_status(ERR_EXECUTION), 422);
	CHECK_STR(err_prom_type(ERR_TIMEOUT), "timeout");
}

UNIT_TEST(hash_check_values)
{
	Hash128 a = hash128("abc", 3, 1), b = hash128("abc", 3, 1), c = hash128("abc", 3, 2);

	CHECK(hash_xxh64("", 0) == UINT64_C(0xef46db3751d8e999));
	CHECK(hash_xxh64("abc", 3) == UINT64_C(0x44bc2cf5ad770999));
	CHECK(hash128_equal(a, b) && !hash128_equal(a, c));
}

UNIT_TEST(varint_round_trip)
{
	static const uint64_t values[] = {0,	 1,			 127,		128,	   16383,
									  16384, UINT32_MAX, INT64_MAX, UINT64_MAX};
	uint8_t buf[VARINT_MAX_BYTES + 1];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
	{
		uint8_t *end = varint_put(buf, values[i]);
		uint64_t v;

		CHECK(varint_get(buf, end, &v) == end && v == values[i]);
		CHECK(varint_get(buf, end - 1, &v) == NULL);
		CHECK(varint_zigzag(varint_unzigzag(values[i])) == values[i]);
	}
	memset(buf, 0x80, sizeof(buf));
	uint64_t v;
	CHECK(varint_get(buf, buf + sizeof(buf), &v) == NULL);
	CHECK_INT(varint_unzigzag(1), -1);
	CHECK_INT(varint_unzigzag(UINT64_MAX), INT64_MIN);
}

/* Known answers of RFC 3720, appendix B.4, and "123456789". */
UNIT_TEST(crc32c_known_answers)
{
	uint8_t zeros[32] = {0}, ones[32], up[32], text[1000];

	memset(ones, 0xff, sizeof(ones));
	for (int i = 0; i < 32; i++)
		up[i] = (uint8_t) i;
	CHECK_INT(crc32c(0, zeros, 32), 0x8a9136aa);
	CHECK_INT(crc32c(0, ones, 32), 0x62a8ab43);
	CHECK_INT(crc32c(0, up, 32), 0x46dd794e);
	CHECK_INT(crc32c(0, "123456789", 9), 0xe3069283);
	CHECK_INT(crc32c(0, "", 0), 0);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t) (i * i + 7 * i);
	for (size_t n = 0; n <= sizeof(text); n += 1 + n / 5)
	{
		uint32_t whole = crc32c(0, text, n);

		CHECK_INT(crc32c_by_tables(0, text, n), whole);
		CHECK_INT(crc32c(crc32c(0, text, n / 3), text + n / 3, n - n / 3), whole);
	}
}
