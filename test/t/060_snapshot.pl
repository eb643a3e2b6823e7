# Queries through many flushes, compactions, imports and deletions under load: every sample acknowledged before a query began is in its
# answer, once, over HTTP and in each isolation level of SQL.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MimirTest;
use Test::More;
use Time::HiRes qw(sleep);

use constant { SERIES => 20, FLUSHES => $ENV{SNAPSHOT_FLUSHES} || 12, T0 => 1767225600000 };

start_cluster();
my $dir = tempdir(CLEANUP => 1);

sub note_done { my $file = shift; open my $fh, '>>', "$dir/$file" or die $!; syswrite $fh, '.'; }
sub done { return -s "$dir/$_[0]" || 0; }

my $writer = background(
	sub {
		for (my $i = 0; !-e "$dir/stop"; $i++)
		{
			my $t = T0 + $i * 15000;
			my ($status) = push_series([ map { [ { __name__ => 'snap', n => "$_" }, [ $t, $i ] ] } 1 .. SERIES ]);
			die "push: $status" if $status != 200;
			note_done('acked');
		}
	});
my $flusher = background(
	sub {
		for (my $i = 1; !-e "$dir/stop"; $i++)
		{
			my $others = sprintf q{SELECT mimir.import_openmetrics(E'other{n="%d"} 1 %d\\n# EOF\\n'); SELECT mimir.delete_series('other{n="%d"}');},
				$i, T0 / 1000 + $i, $i - 3;
			my $out = sql('SELECT mimir.flush();' . ($i % 4 ? '' : "$others SELECT mimir.compact(true)"));
			die $out if $out =~ /ERROR/;
			note_done('flushed');
			sleep 0.05;
		}
	});

# What is wrong with a count and a count of distinct samples, given what was acknowledged before.
sub fault
{
	my ($acked, $n, $distinct) = @_;

	return "$n samples, $distinct distinct" if $n != $distinct;
	return "$n samples, " . $acked * SERIES . ' acknowledged before' if $n < $acked * SERIES;
	return;
}

my @levels = ('read committed', 'repeatable read', 'serializable');
my $counts = q{SELECT count(*), count(DISTINCT (labels, time)) FROM mimir.samples('snap', '-infinity', 'infinity');};
my %faults = map { $_ => [] } 'http', @levels;

for (my $round = 0; $round < 12 || done('flushed') < FLUSHES; $round++)
{
	my $acked = done('acked');
	my ($status, $body) = get('/api/v1/query',
		[ [ query => 'sum(count_over_time(snap[10d]))' ], [ time => T0 / 1000 + 9 * 86400 ] ]);
	my ($n) = $body =~ /,"(\d+)"\]/;
	$n = 0 if $status == 200 && $body =~ /"result":\[\]/;
	my $most = (done('acked') + 1) * SERIES; # one request may be under way
	my $fault = !defined $n ? "$status $body" : $n > $most ? "$n samples, $most sent" : fault($acked, $n, $n);
	push @{ $faults{http} }, $fault if $fault;

	for my $level (@levels)
	{
		$acked = done('acked');
		# flushes pass while the transaction stays open
		my $out = sql("BEGIN ISOLATION LEVEL $level;" . "$counts SELECT pg_sleep(0.1) \\g /dev/null\n" x 3 . "$counts COMMIT;");
		my $last = 0;
		my @rows = split /\n/, $out;

		push @{ $faults{$level} }, "answer: $out" if @rows != 4;
		for (@rows)
		{
			my ($count, $distinct) = /^(\d+)\|(\d+)$/ or next;
			$fault = fault($acked, $count, $distinct);
			$fault = "$count samples after $last in one transaction" if !$fault && $count < $last;
			push @{ $faults{$level} }, $fault if $fault;
			$last = $count;
		}
	}
}
open my $stop, '>', "$dir/stop" or die $!;
waitpid $flusher, 0;
is($?, 0, 'no flush failed');
waitpid $writer, 0;
is($?, 0, 'no push failed');

cmp_ok(done('acked'), '>', FLUSHES, 'there was load');
cmp_ok(done('flushed'), '>=', FLUSHES, 'through flushes');
for my $how (sort keys %faults)
{
	is(join("\n", @{ $faults{$how} }), '', "$how: each saw every acknowledged sample once");
}
is(sql($counts), join('|', (done('acked') * SERIES) x 2), 'all there in the end');

done_testing();
