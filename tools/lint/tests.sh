#!/bin/bash
# No test lies about unrun: each SQL test has its expected output and the reverse, each unit test file
# has tests, each fuzz target a corpus to replay and the reverse, server tests a number of their own.
set -u
cd "$(dirname "$0")/../.."
bad=0
complain() { echo "$1"; bad=1; }
for f in test/sql/*.sql; do
	name=$(basename "$f" .sql)
	[ -s "expected/$name.out" ] || complain "$f has no expected/$name.out"
done
for f in expected/*.out; do
	name=$(basename "$f" .out)
	[ -e "test/sql/$name.sql" ] || [ -e "test/sql/${name%_[0-9]}.sql" ] || complain "$f has no test/sql/$name.sql"
done
for f in test/unit/test_*.c; do
	grep -q '^UNIT_TEST(' "$f" || complain "$f has no UNIT_TEST"
done
for f in test/fuzz/fuzz_*.c; do
	name=$(basename "$f" .c)
	[ -n "$(ls "test/fuzz/corpus_${name#fuzz_}" 2>/dev/null)" ] || complain "$f has no corpus"
done
for d in test/fuzz/corpus_*; do
	name=$(basename "$d")
	[ -e "test/fuzz/fuzz_${name#corpus_}.c" ] || complain "$d has no fuzz target"
done
for f in test/t/*.pl; do
	[[ $(basename "$f") =~ ^[0-9]{3}_[a-z0-9_]+\.pl$ ]] || complain "$f is not named NNN_subject.pl"
	grep -qE '^(done_testing|plan)' "$f" || complain "$f does not say when it is done"
done
twice=$(basename -a test/t/[0-9]*.pl | cut -c1-3 | sort | uniq -d)
[ -z "$twice" ] || complain "server tests share the number $twice"
stray=$(git ls-files test | grep -vE '^test/(sql/.*\.sql|unit/.*\.(c|h|mk)|fuzz/(corpus_.*|.*\.c|fuzz\.mk)|t/.*\.p[lm]|promql/.*\.test|tools/.*\.[ch]|differential/.*|soak/.*\.pl|isolation/.*|modules/.*)$')
[ -z "$stray" ] || complain "nothing runs $stray"
exit $bad
