#!/bin/bash
# The library exports SQL functions and worker entry points of ours only: anything else could
# shadow, or be shadowed by, a function of the server.
set -u
cd "$(dirname "$0")/../.."
[ -e mimir_pg.so ] || make -s mimir_pg.so >/dev/null || exit 1
bad=$(nm -D --defined-only mimir_pg.so | awk '{print $3}' | grep -vE '^(mimir_|pg_finfo_mimir_|Pg_magic_func$|_PG_init$|_ZN|_ZT|_ZS|_ZG)')
[ -z "$bad" ] || { echo "unexpected exports:"; echo "$bad"; exit 1; }
