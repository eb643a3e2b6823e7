#!/bin/bash
# Settings are sorted by name in pg/guc.c, and each has its line in docs/settings.md.
set -u
cd "$(dirname "$0")/../.."
names=$(grep -oE '"mimir\.[a-z_0-9]+"' src/pg/guc.c | tr -d '"')
[ "$names" = "$(echo "$names" | LC_ALL=C sort)" ] || { echo "settings in src/pg/guc.c are not sorted"; exit 1; }
bad=0
for name in $names; do
	grep -qF "| \`$name\` |" docs/settings.md || { echo "$name is not in docs/settings.md"; bad=1; }
done
exit $bad
