#!/bin/bash
# Every error code of src/util/errcodes.def has its row in docs/http-api.md, with the same values.
set -u
cd "$(dirname "$0")/../.."
rows=$(sed -nE 's/^ERRCODE\((\w+), "(\w+)", ([0-9]+), "(\w+)", "(.*)"\)$/| \1 | \2 | \3 | \4 | \5 |/p' src/util/errcodes.def)
[ "$(wc -l <<<"$rows")" = "$(grep -c '^ERRCODE(' src/util/errcodes.def)" ] || { echo "a row of errcodes.def cannot be read"; exit 1; }
missing=$(grep -vxFf docs/http-api.md <<<"$rows")
[ -z "$missing" ] || { echo "not in docs/http-api.md:"; echo "$missing"; exit 1; }
