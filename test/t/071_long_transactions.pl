# Transactions that stay open for long, idle or with an old snapshot, neither miss samples nor hold up
# pushes, flushes, memory or a restart.
use strict;
use warnings;

use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

start_cluster(FLUSH_INTERVAL => '10s');
my $now = int(time) * 1000;
my $round = 0;

# Samples of now, so that the series stay in the head; 200 series x 20 samples a round.
sub push_round
{
	my $from = $now - 3600000 + $round++ * 20 * 1000;
	my ($status, $body) = push_series(
		[ map { my $n = $_; [ { __name__ => 'round', n => "$n" }, map { [ $from + $_ * 1000, rand ] } 0 .. 19 ] } 1 .. 200 ]);
	return $status == 200 ? 1 : diag "push: $status $body";
}

sub total { return sql(q{SELECT count(*), count(DISTINCT (labels, time)) FROM mimir.samples('round', '-infinity', 'infinity')}); }
sub expected { return join '|', ($round * 4000) x 2; }
sub used { return sql(q{SELECT value FROM mimir.stat_counters WHERE name = 'mimir_head_used_bytes'}); }
sub flush_ok
{
	my ($name) = @_;
	my $s = session();

	$s->ask("SET statement_timeout = '15s'");
	my $out = $s->ask('SELECT mimir.flush()');
	$s->quit;
	return is($out, '', $name);
}

# The next look at the counter after a flush has been counted.
sub settled
{
	sleep 1.2;
	return used();
}

# ---- memory is given back -------------------------------------------------------------------------

push_round();
flush_ok('a flush');
my $base = settled();

my $old = session();
$old->ask('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class');
push_round() for 1 .. 5;
flush_ok('with an old snapshot open');
cmp_ok(settled(), '<=', $base + 100_000, 'what was flushed leaves memory all the same');
is($old->ask(q{SELECT count(*), count(DISTINCT (labels, time)) FROM mimir.samples('round', '-infinity', 'infinity')}),
	expected(), 'and the old snapshot sees every sample once');
$old->ask('COMMIT');

# Cursors over a query keep its chunks; there is always one open, but never the same for long.
my @cursor = (session(), session());
my $open = q{BEGIN; DECLARE c CURSOR FOR SELECT * FROM mimir.promql_query_range('round', now() - interval '1 hour', now(), '1 min'); FETCH 1 FROM c \g /dev/null};
$cursor[0]->ask($open);
for my $i (1 .. 8)
{
	push_round();
	flush_ok("flush $i with readers that overlap") if $i % 4 == 0;
	sql('SELECT mimir.flush()');
	$cursor[ $i % 2 ]->ask($open);
	$cursor[ 1 - $i % 2 ]->ask('COMMIT');
}
cmp_ok(settled(), '<=', $base + 300_000, 'what no reader needs leaves memory');
$_->ask('COMMIT') for @cursor;
is(total(), expected(), 'all there, once');

# ---- a snapshot from before a series left the head ------------------------------------------------

my $other = session();
$other->ask(q{SELECT mimir.create_tenant('other') \g /dev/null
SET mimir.tenant = 'other'});
my $write_old = q{SELECT mimir.write(jsonb_build_object('__name__', '%s', 'n', n::text), now() - interval '%s', 42) FROM generate_series(1, 20) n \g /dev/null};
is($other->ask(sprintf $write_old, 'idle', '2 hours'), '', 'samples of series that have ended');
is($other->ask(sprintf $write_old, 'alive', '0'), '', 'and of the tenant\'s others');
flush_ok('flushed');
my %snapshot = map { my $s = session(); $s->ask("BEGIN ISOLATION LEVEL $_; SELECT count(*) FROM pg_class"); ($_ => $s) }
	('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');
ok(wait_until(sub { sql('SELECT count(*) FROM mimir.series_cold') >= 20 }, 90), 'the series leave the head');
sleep 1.5;
for my $level (sort keys %snapshot)
{
	is($snapshot{$level}->ask(q{SELECT count(*), sum(value) FROM mimir.samples('idle', '-infinity', 'infinity')}), '20|840', "$level sees their samples");
	is($snapshot{$level}->ask(q{SELECT count(*) FROM mimir.series WHERE metric = 'idle'}), '20', 'and them');
	$snapshot{$level}->ask('COMMIT');
}

# ---- samples of the past --------------------------------------------------------------------------

# A copy of another server's history arrives in order: its series are at work however old its samples.
$other->ask(q{SELECT mimir.create_tenant('past') \g /dev/null
SET mimir.tenant = 'past'});
is($other->ask(sprintf $write_old, 'history', '9 days'), '', 'samples of 9 days ago');
flush_ok('flushed');
sleep 11;    # the flusher looks at each interval
is($other->ask(sprintf $write_old, 'history', '8 days'), '', 'samples of 8 days ago');
is(sql(q{SELECT (SELECT count(*) FROM mimir.series_cold JOIN mimir.tenant USING (tenant_id) WHERE name = 'past'),
  count(*), count(DISTINCT series_id) FROM mimir.series_active JOIN mimir.tenant USING (tenant_id) WHERE name = 'past'}), '0|20|20', 'the series stay');

# Series that stand twice in what is written together have one row.
is((push_series([ map { [ { __name__ => 'twice' }, [ $now + $_, $_ ] ] } 1 .. 3 ]))[0], 200, 'a series three times in a request');
is(sql(q{SELECT count(*) FROM mimir.series_active WHERE series_id = (SELECT series_id FROM mimir.series WHERE metric = 'twice')}), '1', 'is registered once');

# ---- locks that a dump takes ----------------------------------------------------------------------

my $dump = session();
$dump->ask('BEGIN ISOLATION LEVEL REPEATABLE READ;' . join '', map { "SELECT count(*) FROM mimir.$_ \\g /dev/null\n" } 'chunk_data',
	'series_active', 'generation', map {"log_$_"} 0 .. 7);
for my $i (1 .. 20)
{
	push_round();
	my $s = session();
	$s->ask("SET statement_timeout = '15s'");
	my $out = $s->ask('SELECT mimir.flush()');
	$s->quit;
	is($out, '', "flush $i with all tables locked by a reader") or last if $out ne '' || $i == 20;
}
$other->ask(q{SELECT mimir.create_tenant('third') \g /dev/null
SET mimir.tenant = 'third'});
is($other->ask(sprintf $write_old, 'yesterday', '3 days'), '', 'a sample of a day without partition');
flush_ok('is flushed while the partitioned table is locked by a reader');
is(total(), expected(), 'all there, once');
push_round();
kill_cluster();
$dump->quit;
start_cluster();
is(total(), expected(), 'and after a crash');
flush_ok('a flush after the crash');
is(total(), expected(), 'and after a flush');
ok(wait_until(sub { sql(q{SELECT sum(pg_relation_size('mimir.log_' || i)) FROM generate_series(0, 7) i}) == 0 }),
	'the logs of flushed generations are given back');

# the flusher starts anew while logs are locked
$dump = session();
$dump->ask('BEGIN;' . join '', map { "SELECT count(*) FROM mimir.log_$_ \\g /dev/null\n" } 0 .. 7);
push_round();
flush_ok('a flush with locked logs');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'mimir flusher'});
sleep 1;
ok(wait_ready(), 'a new flusher does not wait for them');
is(total(), expected(), 'all there, once');
$dump->quit;

# ---- mimir.write in a transaction that stays open -------------------------------------------------

my $writer = session();
$writer->ask(q{SET mimir.tenant = 'anonymous'});
like($writer->ask(q{BEGIN; SELECT mimir.write('{"__name__": "sql"}', now(), 1)}), qr/^$/, 'a transaction writes a sample');
push_round();
flush_ok('a flush meanwhile');
like($writer->ask(q{SET statement_timeout = '15s'; SELECT mimir.flush()}), qr/^$/, 'and one by that transaction itself');
is($writer->ask('COMMIT'), '', 'it commits');
is(sql(q{SELECT value FROM mimir.samples('sql', '-infinity', 'infinity')}), '1', 'its sample is there');
$writer->ask(q{BEGIN; SELECT mimir.write('{"__name__": "sql"}', now(), 2)});
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'mimir flusher'});
sleep 1;
ok(wait_ready(), 'a new flusher does not wait for the writer');
is($writer->ask('COMMIT'), '', 'the writer commits');
is(sql(q{SELECT string_agg(value::text, ',' ORDER BY time) FROM mimir.samples('sql', '-infinity', 'infinity')}), '1,2', 'both samples are there');
flush_ok('flush');
stop_cluster();
start_cluster();
is(sql(q{SELECT string_agg(value::text, ',' ORDER BY time) FROM mimir.samples('sql', '-infinity', 'infinity')}), '1,2', 'and after a restart');
is(total(), expected(), 'and everything else');

done_testing();
