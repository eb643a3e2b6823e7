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

	is($n, $distinct, "$what: nothing twice");
	# a request under way may have been stored without an answer
	cmp_ok($times, '>=', scalar keys %acked, "$what: every acknowledged request is there");
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
