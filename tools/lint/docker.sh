#!/bin/bash
# What docker/ names exists, and its JSON and YAML can be read, as far as this works without an engine.
set -u
cd "$(dirname "$0")/../.."
bad=0
perl -MJSON::PP -e 'local $/; JSON::PP->new->decode(<>)' docker/grafana/dashboards/mimir_pg.json || bad=1
grep -P '\t' docker/*.y*ml docker/grafana/provisioning/*/*.yaml && { echo "tabs in YAML"; bad=1; }
for path in $(grep -oE '^ +- \./[^:]+' docker/compose.yaml | sed 's/.*- //') initdb/10_mimir.sql; do
	[ -e "docker/$path" ] || { echo "docker/$path does not exist"; bad=1; }
done
for expr in $(perl -MJSON::PP -e 'local $/; print join "\n", map { map { $_->{expr} =~ /(cortex_\w+|mimir_\w+)/ ? $1 : () } @{ $_->{targets} } } @{ JSON::PP->new->decode(<>)->{panels} }' docker/grafana/dashboards/mimir_pg.json); do
	grep -q "\"$expr\"" src/pg/stats.def || { echo "the dashboard asks for $expr, which /metrics does not have"; bad=1; }
done
exit $bad
