#!/bin/bash
# Only pg/compat.h, and the wait events it names, test the version of PostgreSQL.
set -u
cd "$(dirname "$0")/../.."
if grep -ln PG_VERSION_NUM $(find src -name '*.[ch]') | grep -vE 'src/pg/(compat\.h|wait_event\.c|export\.h)$'; then
	exit 1
fi
