#!/bin/bash
# make check: every test of the project, from nothing to the verdict "N passed, N failed".
#
# Each part prints its own lines and adds to the sums; a part that cannot run at all counts as one
# failure.  Servers are private ones (tools/cluster.sh) on ports of their own, stopped at the end.
set -u

cd "$(dirname "$0")/.."
passed=0
failed=0
out=$(mktemp -d)
work=$(mktemp -d "${TMPDIR:-/tmp}/mimir_check.XXXXXX")
chmod 755 "$work" # root's servers run as another user
export DATADIR=$work/data
export PGPORT=${CHECK_PGPORT:-25433} HTTP_PORT=${CHECK_HTTP_PORT:-29433}

cleanup() {
	tools/cluster.sh stop >/dev/null 2>&1
	rm -rf "$out" "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

note() { printf '\n== %s\n' "$1"; }
add() { passed=$((passed + $1)); failed=$((failed + $2)); }

# Sum lines of the form "NAME: N passed, N failed".
add_counts() {
	local p f

	p=$(sed -nE 's/^[a-z]+: ([0-9]+) passed, [0-9]+ failed$/\1/p' "$1" | tail -n 1)
	f=$(sed -nE 's/^[a-z]+: [0-9]+ passed, ([0-9]+) failed$/\1/p' "$1" | tail -n 1)
	if [ -z "$p" ]; then
		echo "no verdict: counted as a failure"
		add 0 1
	else
		add "$p" "$f"
	fi
}

note "unit tests (address and undefined-behaviour sanitizers)"
make --no-print-directory test-unit >"$out/unit" 2>&1
grep -vE '^ok - ' "$out/unit" | tail -n 60
add_counts "$out/unit"

note "fuzz corpora"
if make --no-print-directory fuzz-replay >"$out/fuzz" 2>&1; then
	grep ' inputs passed$' "$out/fuzz"
	inputs=$(awk '/ inputs passed$/ { n += $(NF - 2) } END { print n + 0 }' "$out/fuzz")
	[ "$inputs" -gt 0 ] && add "$inputs" 0 || add 0 1
else
	tail -n 40 "$out/fuzz"
	add 0 1
fi

note "lint"
for rule in tools/lint/*.sh; do
	if bash "$rule"; then
		add 1 0
	else
		echo "not ok - $rule"
		add 0 1
	fi
done

note "SQL (pg_regress)"
ln -sfn ../expected test/expected
if tools/cluster.sh start >"$out/start" 2>&1; then
	tests=$(cd test/sql && ls -- *.sql | sed 's/\.sql$//')
	regress=$(dirname "$(${PG_CONFIG:-pg_config} --pgxs)")/../../src/test/regress/pg_regress
	user=()
	[ "$(id -u)" != 0 ] || { user=(runuser -u postgres --); chown postgres "$out"; }
	# shellcheck disable=SC2086
	PGTZ=UTC "${user[@]}" "$regress" --use-existing --bindir="$(${PG_CONFIG:-pg_config} --bindir)" \
		--host=127.0.0.1 --port="$PGPORT" --user=postgres --dbname=postgres --inputdir=test \
		--outputdir="$out" $tests >"$out/regress" 2>&1
	cat "$out/regress"
	ok=$(grep -cE '^(test .*\.\.\. ok|ok )' "$out/regress")
	bad=$(grep -cE '^(test .*\.\.\. FAILED|not ok )' "$out/regress")
	[ "$bad" = 0 ] || cat "$out/regression.diffs"
	[ "$((ok + bad))" -gt 0 ] || bad=1
	add "$ok" "$bad"
	tools/cluster.sh stop
else
	cat "$out/start"
	add 0 1
fi

note "server tests (TAP)"
for t in test/t/*.pl; do
	[ -e "$t" ] || continue
	perl -Itest/t "$t" >"$out/tap" 2>&1
	status=$?
	ok=$(grep -cE '^ok ' "$out/tap")
	bad=$(grep -cE '^not ok ' "$out/tap")
	[ "$status" = 0 ] || [ "$bad" -gt 0 ] || bad=1
	[ "$((ok + bad))" -gt 0 ] || bad=1
	echo "$t: $ok ok, $bad not ok"
	[ "$bad" = 0 ] || cat "$out/tap"
	add "$ok" "$bad"
done

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
