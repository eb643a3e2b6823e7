#!/bin/bash
# Every endpoint of the table in src/api/routes.c is described in docs/http-api.md.
set -u
cd "$(dirname "$0")/../.."
bad=0
for path in $(grep -oE '^	(BOTH\(|\{)"[A-Z,]+", "/[^"]*"' src/api/routes.c | sed -E 's/.*"(\/[^"]*)"/\1/' | sort -u); do
	grep -qE "(^|[ \`,])(/prometheus)?${path//\{name\}/\\\{name\\\}}([\`, ]|\$)" docs/http-api.md || { echo "$path is not in docs/http-api.md"; bad=1; }
done
exit $bad
