# Parallel PromQL scans while samples arrive and flushes pass: each process selects for itself, and yet
# every sample acknowledged before the query is in the answer, once.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MimirTest;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use constant { SERIES => 200, ROUNDS => 15, T0 => 1767225600000 };

start_cluster();
my $dir = tempdir(CLEANUP => 1);
my @pids;

# Run code in a process of its own that leaves the test's clean-up to the test.
sub background
{
	my $code = shift;
	my $pid = fork;

	die "fork: $!" if !defined $pid;
	if ($pid == 0)
	{
		POSIX::_exit(eval { $code->(); 1 } ? 0 : 1);
	}
	push @pids, $pid;
	return $pid;
}
END { my $status = $?; kill 'KILL', @pids if @pids; $? = $status; }

sub note_done { my $file = shift; open my $fh, '>>', "$dir/$file" or die $!; syswrite $fh, '.'; }
sub done { return -s "$dir/$_[0]" || 0; }

# New series come with every request too.
my $writer = background(
	sub {
		for (my $i = 0; !-e "$dir/stop"; $i++)
		{
			my $t = T0 + $i * 15000;
			my ($status) = push_series([
				(map { [ { __name__ => 'par', n => "$_" }, [ $t, $i ] ] } 1 .. SERIES),
				[ { __name__ => 'par', new => "$i" }, [ $t, $i ] ] ]);
			die "push: $status" if $status != 200;
			note_done('acked');
		}
	});
my $flusher = background(
	sub {
		while (!-e "$dir/stop")
		{
			my $out = sql('SELECT mimir.flush()');
			die $out if $out =~ /ERROR/;
			note_done('flushed');
			sleep 0.05;
		}
	});

my $settings = q{
	SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
	SET max_parallel_workers_per_gather = 2;
};
my $time = 'to_timestamp(' . (T0 / 1000 + 9 * 86400) . ')';
my $query = "SELECT count(*), count(DISTINCT (labels, time)) FROM mimir.promql_query('par[10d]', $time);";

sleep 0.1 while !done('acked');
like(sql("$settings EXPLAIN $query"), qr/Parallel Custom Scan \(PromQL Query\)/, 'the query is run in parallel');

my @faults;
my $launched = 0;
for my $round (1 .. ROUNDS)
{
	my $level = ('read committed', 'repeatable read', 'serializable')[ $round % 3 ];
	my $acked = done('acked');
	my $out = sql("$settings BEGIN ISOLATION LEVEL $level; $query SELECT pg_sleep(0.1) \\g /dev/null\n $query EXPLAIN (ANALYZE) $query COMMIT;");
	my $least = $acked * (SERIES + 1);

	$launched += $1 if $out =~ /Workers Launched: (\d+)/;
	my @rows = $out =~ /^(\d+\|\d+)$/mg;
	push @faults, "answer: $out" if @rows != 2;
	for (@rows)
	{
		my ($n, $distinct) = split /\|/;

		push @faults, "$n samples, $distinct distinct" if $n != $distinct;
		push @faults, "$n samples, at least $least before" if $n < $least;
		$least = $n;
	}
	my $most = (done('acked') + 1) * (SERIES + 1); # one request may be under way
	push @faults, "$least samples, $most sent" if $least > $most;
}
open my $stop, '>', "$dir/stop" or die $!;
waitpid $flusher, 0;
is($?, 0, 'no flush failed');
waitpid $writer, 0;
is($?, 0, 'no push failed');
@pids = ();

cmp_ok($launched, '>', 0, 'workers took part');
cmp_ok(done('flushed'), '>', ROUNDS, 'through flushes');
is(join("\n", @faults), '', 'each saw every acknowledged sample once');
is(sql("$settings $query"), join('|', (done('acked') * (SERIES + 1)) x 2), 'all there in the end');

done_testing();
