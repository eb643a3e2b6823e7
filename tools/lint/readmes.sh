#!/bin/bash
# Every source folder explains itself.
set -u
cd "$(dirname "$0")/../.."
bad=0
for dir in $(find src -type d); do
	ls "$dir"/*.c >/dev/null 2>&1 || continue
	[ -e "$dir/README.md" ] || { echo "$dir has no README.md"; bad=1; }
done
exit $bad
