# The extension is dropped, created anew and put into other databases while pushes arrive; the server
# is set to other things than it expects.  What is acknowledged stays, all else is a clear error.
use strict;
use warnings;

use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

start_cluster(FLUSH_INTERVAL => '10s');
my $now = int(time) * 1000;
my $t = $now - 1800000;
my $samples = q{SELECT count(*), count(DISTINCT (labels, time)) FROM mimir.samples('%s', '-infinity', 'infinity')};

# ---- a series whose first push failed -------------------------------------------------------------

my ($status, $body) = push_series([ map { [ { __name__ => 'other', n => "$_" }, [ $t, 1 ] ] } 1 .. 200 ]);
is($status, 200, 'a push');
my $locker = session();
$locker->ask('BEGIN; LOCK TABLE mimir.series_active IN EXCLUSIVE MODE');
($status, $body) = push_series([ [ { __name__ => 'late' }, [ $t, 1 ] ] ]);
is($status, 503, 'a push of a new series fails, for a lock is not to be had');
like($body, qr/lock timeout/, 'with the reason');
$locker->ask('COMMIT');
sleep 12; # the flusher looks for series that have ended
($status) = push_series([ [ { __name__ => 'late' }, [ $t, 1 ] ] ]);
is($status, 200, 'it is sent again');
kill_cluster();
start_cluster();
is(sql(sprintf $samples, 'late'), '1|1', 'it is there after a crash');
is(sql(sprintf $samples, 'other'), '200|200', 'and the others');

# ---- DROP and CREATE EXTENSION under load ---------------------------------------------------------

my $stop = "$ENV{DATADIR}/../stop";
my $acked = "$ENV{DATADIR}/../acked";
my @writers = map {
	my $w = $_;
	background(
		sub {
			for (my $i = 1; !-e $stop; $i++)
			{
				my $begun = time;
				my ($status) = push_series([ map { [ { __name__ => 'load', w => "$w", n => "$_" }, [ $t + $i * 100, $i ] ] } 1 .. 20 ]);
				next if $status != 200;
				open my $log, '>>', $acked or die $!;
				printf $log "%d %d %.3f\n", $w, $i, $begun;
			}
		})
} 1 .. 3;
my $created;
for my $round (1 .. 6)
{
	sleep 1 + rand;
	my $out = sql('SET client_min_messages = error; DROP EXTENSION mimir_pg; CREATE EXTENSION mimir_pg;');
	$created = time;
	is($out, '', "round $round: dropped and created anew");
	ok(wait_ready(), 'it serves again');
}
sleep 1.5;
is(session()->ask('SELECT mimir.flush()'), '', 'flush');
sleep 0.5;
open my $fh, '>', $stop or die $!;
waitpid $_, 0 for @writers;
my %there = map { ($_ => 1) } split /\n/,
	sql(qq{SELECT labels->>'w' || ' ' || value FROM mimir.samples('load', '-infinity', 'infinity')
		WHERE value = round((extract(epoch FROM time) * 1000 - $t) / 100) GROUP BY labels->>'w', value HAVING count(*) = 20});
open my $log, '<', $acked or die $!;
my @sent = map { [split] } <$log>;
my @after = grep { $_->[2] > $created } @sent;
cmp_ok(scalar @after, '>', 5, 'there was load');
is(join(', ', map {"$_->[0] $_->[1]"} grep { !$there{"$_->[0] $_->[1]"} } @after), '',
	'all is there that was sent and acknowledged since the extension was last created');
is(sql(q{SELECT count(*) - count(DISTINCT (labels, time)) FROM mimir.samples('load', '-infinity', 'infinity')}), '0', 'once');
kill_cluster();
start_cluster();
%there = map { ($_ => 1) } split /\n/, sql(q{SELECT labels->>'w' || ' ' || value FROM mimir.samples('load', '-infinity', 'infinity') GROUP BY 1 HAVING count(*) = 20});
is(join(', ', map {"$_->[0] $_->[1]"} grep { !$there{"$_->[0] $_->[1]"} } @after), '', 'and after a crash');

# ---- another database -----------------------------------------------------------------------------

sql('CREATE DATABASE other');
my $other = session(database => 'other');
like($other->ask('CREATE EXTENSION mimir_pg'), qr/WARNING:.*mimir_pg serves database "postgres"|^$/s, 'the extension in another database');
for my $call (q{mimir.write('{"__name__": "x"}', now(), 1)}, 'mimir.flush()', q{(mimir.samples('load', '-infinity', 'infinity')).value},
	q{(mimir.promql_query('load')).value}, '(mimir.list_series()).metric')
{
	like($other->ask("SELECT $call"), qr/^ERROR:  mimir_pg serves database "postgres", not this one$/m, "$call is a clear error there");
}
is($other->ask('SELECT count(*) FROM mimir.series'), 'ERROR:  mimir_pg serves database "postgres", not this one', 'so is a view');
$other->quit;
is(sql('DROP DATABASE other'), '', 'it can be dropped');

# ---- settings that would change what workers do ---------------------------------------------------

sql(q{ALTER SYSTEM SET statement_timeout = '1ms'; ALTER SYSTEM SET lock_timeout = '1ms'; ALTER SYSTEM SET default_transaction_isolation = 'serializable';
ALTER DATABASE postgres SET search_path = 'evil';});
sql(q{SET statement_timeout = 0; CREATE SCHEMA evil; CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$SELECT 1/0; SELECT pg_catalog.now()$$; SELECT pg_reload_conf();
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type ~ '^mimir'});
sleep 1.5;
ok(wait_ready(), 'ready with strange settings');
($status, $body) = push_series([ [ { __name__ => 'strange' }, [ $t + 9000, 1 ] ] ]);
is($status, 200, 'a push') or diag $body;
like(sql('SET statement_timeout = 0; SET search_path = pg_catalog; SELECT mimir.flush()'), qr/^$/, 'a flush');
is(sql(sprintf "SET statement_timeout = 0; SET search_path = pg_catalog; $samples", 'strange'), '1|1', 'a query');
($status, $body) = get('/api/v1/query', [ [ query => 'count(strange offset 10s)' ], [ time => ($t + 9000) / 1000 + 10 ] ]);
is($status, 200, 'and one over HTTP') or diag $body;
sql(q{SET statement_timeout = 0; SET search_path = pg_catalog; ALTER SYSTEM RESET ALL; ALTER DATABASE postgres RESET search_path; DROP SCHEMA evil CASCADE; SELECT pg_reload_conf()});

sql(q{ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()});
ok(wait_until(sub { ($status, $body) = push_series([ [ { __name__ => 'strange' }, [ $t + 10000, 1 ] ] ]); $status == 503 }), 'a read-only server takes no pushes');
like($body, qr/read-only/, 'and says so');
($status) = get('/api/v1/query', [ [ query => 'strange' ], [ time => ($t + 9000) / 1000 ] ]);
is($status, 200, 'but answers queries');
like(sql('SELECT mimir.flush()'), qr/^$/, 'and flushes');
sql(q{SET default_transaction_read_only = off; ALTER SYSTEM RESET ALL; SELECT pg_reload_conf()});
ok(wait_until(sub { ($status) = push_series([ [ { __name__ => 'strange' }, [ $t + 10000, 1 ] ] ]); $status == 200 }), 'until it no longer is');

# ---- a wrong or lost database ---------------------------------------------------------------------

stop_cluster();
{
	local $ENV{MIMIR_DATABASE} = 'nowhere';
	my $out = launch_cluster();
	is($out, '', 'a server whose database is missing starts');
	sleep 2;
	is(sql('SELECT 1'), '1', 'and serves others');
	($status, $body) = get('/ready');
	is($status, 503, 'it is not ready');
	like(sql('SELECT * FROM mimir.series'), qr/mimir_pg serves database "nowhere"/, 'SQL says why');
	my $fatal = () = server_log() =~ /database "nowhere" does not exist/g;
	cmp_ok($fatal, '<', 60, 'the log is not flooded');
	stop_cluster();
}
start_cluster();
is(sql(sprintf $samples, 'strange'), '2|2', 'with the right one all is there');

done_testing();
