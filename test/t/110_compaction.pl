# Compaction under fire: kill -9 of the compactor and of the postmaster in its middle, readers of
# every isolation level all the while, pushes that go on.  No sample is lost, none is found twice.
use strict;
use warnings;

use lib 'test/t';
use MimirTest;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

my $DAY = 1767225600;    # 2026-01-01
my $series = 300;
my $batches = 6;
my $per_batch = 40;

start_cluster(COMPACTION_CPU => 20);

# Samples of one batch: value tells series and time.
sub push_batch
{
	my $b = shift;
	my $status;

	for (my $k = 0; $k < $per_batch; $k += 20)
	{
		my @series = map {
			my $s = $_;
			[ { __name__ => 'load', s => $s },
				map { [ ($DAY + 60 * ($b * $per_batch + $k + $_)) * 1000, $s * 100000 + $b * $per_batch + $k + $_ ] } 0 .. 19 ]
		} 1 .. $series;
		my ($code) = push_series(\@series);
		$status = $code;
		return $code if $code !~ /^2/;
	}
	return $status;
}

my $pushed = 0;
for (1 .. $batches)
{
	like(push_batch($pushed), qr/^2/, "batch $pushed is taken");
	$pushed++;
	sql('SELECT mimir.flush()');
}

my $check = q{SELECT count(*) || ' ' || count(DISTINCT value) || ' ' || count(*) FILTER (WHERE value <> (labels ->> 's')::int * 100000 + (extract(epoch FROM time) - 1767225600) / 60)
  FROM mimir.samples('load', '-infinity', 'infinity')};
my $want = sub { my $n = $pushed * $per_batch * $series; return "$n $n 0" };
is(sql($check), $want->(), 'all is there before compaction');

# --- readers go on while blocks move -------------------------------------------------------------
my %reader;
for my $level ('read committed', 'repeatable read', 'serializable')
{
	my $pid = fork();
	if ($pid == 0)
	{
		my $bad = 0;
		my $until = time() + 8;
		my $n = 0;

		while (time() < $until)
		{
			my $got = sql("BEGIN ISOLATION LEVEL $level; $check; SELECT pg_sleep(0.05); $check; COMMIT;");
			my @lines = grep { /\S/ } split /\n/, $got;
			my $expected = $want->();
			$bad++ if grep { $_ ne $expected } @lines;
			$bad++ if @lines != 2;
			$n++;
			print STDERR "# $level: $got\n" if $bad == 1;
		}
		POSIX::_exit($bad > 0 ? 1 : $n > 3 ? 0 : 2);
	}
	$reader{$pid} = $level;
}
my $rounds = 0;
my $until = time() + 7;
while (time() < $until)
{
	# another metric in the same day: all of the day is written anew
	push_series([ [ { __name__ => 'other', n => $rounds }, [ ($DAY + 60 * ($batches * $per_batch - 1)) * 1000 + $rounds, 1 ] ] ]);
	sql('SELECT mimir.flush()');
	sql('SELECT mimir.compact(true)');
	$rounds++;
}
cmp_ok($rounds, ">", 1, "the day was compacted $rounds times");
for my $pid (keys %reader)
{
	waitpid($pid, 0);
	is($? >> 8, 0, "$reader{$pid}: each answer was whole while blocks were compacted and dropped");
}
is(sql($check), $want->(), 'all is there after compaction');
is(sql('SELECT count(*) FROM mimir.block WHERE level = 1'), '0', 'no flushed block is left');

# --- crashes in its middle --------------------------------------------------------------------------
for my $round (1 .. 4)
{
	like(push_batch($pushed), qr/^2/, "batch $pushed is taken");
	$pushed++;
	sql('SELECT mimir.flush()');
	my $pid = fork();
	if ($pid == 0)
	{
		sql('SELECT mimir.compact(true)');
		POSIX::_exit(0);
	}
	sleep 0.02 * $round;
	if ($round % 2)
	{
		my $compactor = child_of('mimir compactor');
		ok(defined $compactor, 'there is a compactor');
		kill 'KILL', $compactor if $compactor;
		sleep 0.5;
		ok(wait_ready(), "ready after kill -9 of the compactor, round $round");
	}
	else
	{
		kill_cluster();
		start_cluster(COMPACTION_CPU => 20);
		ok(wait_ready(), "ready after kill -9 of the postmaster, round $round");
	}
	waitpid($pid, 0);
	is(sql($check), $want->(), "round $round: every acknowledged sample is there, once");
}
sql('SELECT mimir.compact(true)');
is(sql($check), $want->(), 'and after the compaction that goes through');
is(sql('SELECT count(*) FROM mimir.block WHERE level = 1'), '0', 'which it did');

# --- what nobody knows any more is dropped -----------------------------------------------------------
my $unused;
for (1 .. 40)
{
	$unused = sql(q{SELECT count(*) FROM pg_class WHERE relnamespace = 'mimir'::regnamespace AND relkind = 'r'
		AND (relname ~ '^chunk_data_' OR relname ~ '^block_[0-9]+$' AND relname <> 'block_' || (SELECT max(block_id) FROM mimir.block))});
	last if $unused eq '0';
	sleep 0.5;
}
is($unused, '0', 'tables of old blocks are gone');

# --- a dump that runs keeps nothing from going on, and DROP EXTENSION takes all along ------------------
my $dump = `pg_dump -h 127.0.0.1 -p $ENV{PGPORT} -U postgres -d postgres -Fc 2>&1 | wc -c`;
cmp_ok($dump, '>', 10000, 'pg_dump dumps');
unlike(sql('DROP EXTENSION mimir_pg'), qr/ERROR/, 'DROP EXTENSION needs no CASCADE');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname ~ '^block_[0-9]+$'}), '0', 'and leaves no block');

done_testing();
