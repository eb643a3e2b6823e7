# kill -9 of any process: every acknowledged sample is there, once.
use strict;
use warnings;

use MimirTest;
use Test::More;

start_cluster();
my $t = 1767225600000;
my %acked;

# Push until the victim's death shows, then wait until the server is back.
sub round
{
	my ($kill, $flush) = @_;
	my $killed = 0;

	for my $i (1 .. 12)
	{
		$t += 15000;
		my ($status) = push_series([ map { [ { __name__ => 'crash', n => "$_" }, [ $t, $t / 1000 + $_ ] ] } 1 .. 50 ]);
		$acked{$t} = 1 if $status == 200;
		sql('SELECT mimir.flush()') if $flush && $i == 4;
		if ($i == 8)
		{
			$kill->();
			$killed = 1;
			last if !wait_ready();
		}
	}
	return $killed;
}

sub check
{
	my $what = shift;
	my $found = sql(q{SELECT count(*), count(DISTINCT (labels, time)), count(DISTINCT time) FROM mimir.samples('crash', '-infinity', 'infinity')});
	my ($n, $distinct, $times) = split /\|/, $found;
	# requests that are there whole and with the values sent; one under way may be there unanswered
	my %stored = map { $_ => 1 } split /\n/,
		sql(q{SELECT (extract(epoch FROM time) * 1000)::bigint FROM mimir.samples('crash', '-infinity', 'infinity')
			WHERE value = extract(epoch FROM time) + (labels->>'n')::int GROUP BY time HAVING count(*) = 50});

	is($n, $distinct, "$what: nothing twice");
	is(join(' ', grep { !$stored{$_} } sort keys %acked), '', "$what: every acknowledged request is there");
	is($n, $times * 50, "$what: whole");
}

for my $title ('mimir push', 'mimir gateway', 'mimir flusher', 'mimir http', 'checkpointer')
{
	for my $flush (0, 1)
	{
		ok(round(sub { kill 'KILL', child_of($title) or die "no $title"; sleep 1; wait_ready() }, $flush), "kill $title");
		check($title . ($flush ? ' with a flush' : ''));
	}
}
for my $flush (0, 1)
{
	ok(round(sub { kill_cluster(); start_cluster() }, $flush), 'kill the postmaster');
	check('postmaster' . ($flush ? ' with a flush' : ''));
}

done_testing();
