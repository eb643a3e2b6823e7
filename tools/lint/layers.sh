#!/bin/bash
# Layer rule: a file includes its own folder and lower layers only.  Read from src/README.md, so
# that the table people read is the one that is enforced.  store may include index, its sibling, and
# wire codec.
set -u
cd "$(dirname "$0")/../.."
awk '
	FNR == NR {
		if ($0 ~ /^\| L[0-9]+ \|/) {
			split($0, c, "|"); gsub(/ /, "", c[2]); level = substr(c[2], 2)
			n = split(c[3], f, " "); for (i = 1; i <= n; i++) layer[f[i]] = level
		}
		next
	}
	/^#include "/ {
		file = FILENAME; sub(/^src\//, "", file); split(file, p, "/"); own = p[1]
		if (own == file) next # src/mimir_pg.c is above all
		inc = $2; gsub(/"/, "", inc); split(inc, q, "/"); other = q[1]
		if (!(other in layer) || !(own in layer) || own == other) next
		if (layer[other] + 0 > layer[own] + 0 || (layer[other] == layer[own] && !(own == "store" && other == "index") && !(own == "wire" && other == "codec"))) {
			printf "%s (L%s) includes %s (L%s)\n", FILENAME, layer[own], inc, layer[other]; bad = 1
		}
	}
	END { exit bad }
' src/README.md $(find src -name '*.[ch]')
