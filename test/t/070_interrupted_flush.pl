# A flush that is cancelled, or whose process ends, at any point loses nothing and doubles nothing.
use strict;
use warnings;

use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

start_cluster();
my $t0 = 1767225600000;
my $count = q{SELECT count(*), count(DISTINCT (labels, time)) FROM mimir.samples('%s', '-infinity', 'infinity')};
my $flusher = q{(SELECT pid FROM pg_stat_activity WHERE backend_type = 'mimir flusher')};

# ---- while a push of the generation is still under way --------------------------------------------

my $locker = session();
$locker->ask('BEGIN; LOCK TABLE mimir.series_active IN EXCLUSIVE MODE');
my $push = background(
	sub {
		my ($status, $body) = push_series([ [ { __name__ => 'waits' }, [ $t0, 1 ] ] ]);
		die "push: $status $body" if $status != 200;
	});
ok(wait_until(sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'mimir push' AND wait_event_type = 'Lock'}) == 1 }),
	'a push waits for a lock');
my $asker = session();
$asker->send('SELECT mimir.flush()');
sleep 1;
is(sql("SELECT pg_cancel_backend($flusher)"), 't', 'the flush that waits for it is cancelled');
like($asker->answer, qr/could not flush the head/, 'who asked for it is told');
sleep 1.5;
$locker->ask('COMMIT');
waitpid $push, 0;
is($?, 0, 'the push is acknowledged');
for (1 .. 3)
{
	like($asker->ask('SELECT mimir.flush()'), qr/^$/, 'a flush after that');
	is(sql(sprintf $count, 'waits'), '1|1', 'its sample is there');
}
stop_cluster();
start_cluster();
is(sql(sprintf $count, 'waits'), '1|1', 'and after a restart');

# ---- at any moment --------------------------------------------------------------------------------

my $stop = "$ENV{DATADIR}/../stop";
my $acked = "$ENV{DATADIR}/../acked";
my $writer = background(
	sub {
		open my $log, '>>', $acked or die $!;
		for (my $i = 1; !-e $stop; $i++)
		{
			my ($status) = push_series([ map { [ { __name__ => 'load', n => "$_" }, [ $t0 + $i * 1000, $i ] ] } 1 .. 300 ]);
			syswrite $log, "$i\n" if $status == 200;
			sleep 0.1 if $status != 200; # the head is being recovered
		}
	});
srand 11;
my %how = (pg_cancel_backend => 14, pg_terminate_backend => 5);
for my $function (sort keys %how)
{
	for (1 .. $how{$function})
	{
		my $flush = session();

		$flush->send('SELECT mimir.flush()');
		sleep rand(0.08);
		sql("SELECT $function($flusher)");
		$flush->answer;
		$flush->quit;
		wait_ready();
	}
}
open my $fh, '>', $stop or die $!;
waitpid $writer, 0;
is($?, 0, 'the writer ends');
is(session()->ask('SELECT mimir.flush()'), '', 'the last flush');
my %there = map { /^(\d+)\|(.*)/ ? ($1 => $2) : () } split /\n/,
	sql(qq{SELECT ((extract(epoch FROM time) * 1000 - $t0) / 1000)::int, count(*) || ' ' || count(DISTINCT labels->>'n') || ' ' || min(value) || ' ' || max(value)
		FROM mimir.samples('load', '-infinity', 'infinity') GROUP BY 1});
open my $log, '<', $acked or die $!;
chomp(my @acked = <$log>);
cmp_ok(scalar @acked, '>', 10, 'there was load');
is(join(' ', grep { ($there{$_} || '') ne "300 300 $_ $_" } @acked), '', 'every acknowledged request is there, once');

done_testing();
