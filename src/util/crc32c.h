/*
 * crc32c.h
 *    CRC-32C (Castagnoli), the checksum of Prometheus' files and streams.
 */
#ifndef MIMIR_UTIL_CRC32C_H
#define MIMIR_UTIL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc32c -- go on from the checksum of the bytes before, 0 to begin. */
extern uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* crc32c_by_tables -- the same without special instructions, for tests. */
extern uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t len);

#endif
