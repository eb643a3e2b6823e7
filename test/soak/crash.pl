# kill -9 of any process, SOAK_ROUNDS (50) times, under pushes, queries, flushes, compaction, deletion and
# import, while retention takes the oldest days: what was acknowledged is there, once; what was deleted
# stays away.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { SERIES => 40, PUSHERS => 3, STEP_MS => 600000, DAY_MS => 86400000 };
my $rounds = $ENV{SOAK_ROUNDS} || 50;
my $t0 = (int(time / 86400) - 25) * 86400 * 1000;
# the first day and a half are beyond retention; the cut moves with the clock
my $kept_from = $t0 + 2 * DAY_MS;
my $retention_minutes = int((time * 1000 - $t0 - 1.5 * DAY_MS) / 60000);
my @victims = ('mimir push', 'mimir gateway', 'mimir flusher', 'mimir compactor', 'mimir http', 'checkpointer', 'postmaster');

start_cluster(COMPACTION_CPU => 50, LIMITS_COMPACTOR_BLOCKS_RETENTION_PERIOD => $retention_minutes);
my $dir = tempdir(CLEANUP => 1);

sub note_line { my ($file, $line) = @_; open my $fh, '>>', "$dir/$file" or die $!; syswrite $fh, "$line\n"; return; }
sub acked { return grep { $_ >= $kept_from } lines("acked$_[0]"); }
my $kept = 'to_timestamp(' . $kept_from / 1000 . q{), 'infinity'};
sub count { return scalar(my @all = map { lines($_) } @_); }
sub lines { open my $fh, '<', "$dir/$_[0]" or return (); chomp(my @l = <$fh>); return @l; }

# Pusher 0 forgets a request that failed; the others send it again until it is taken, as Prometheus does.
my @running = map {
	my $p = $_;
	background(
		sub {
			for (my $i = 0; !-e "$dir/stop"; $i++)
			{
				my $t = $t0 + $i * STEP_MS;
				my $request = [ map { [ { __name__ => 'crash', p => $p, n => "$_" }, [ $t, $t / 1000 + $_ ] ] } 1 .. SERIES ];
				my ($status) = push_series($request);
				while ($p > 0 && $status ne '200' && !-e "$dir/stop")
				{
					sleep 0.1;
					($status) = push_series($request);
				}
				note_line("acked$p", $t) if $status eq '200';
				sleep 0.1 if $status ne '200';
			}
		});
} 0 .. PUSHERS - 1;

# Everything else that writes.  A statement without an error has committed.
push @running, background(
	sub {
		for (my $i = 1; !-e "$dir/stop"; $i++)
		{
			my $t = $kept_from / 1000 + $i;

			sql('SELECT mimir.flush()');
			note_line('imported', $i)
			  if sql("SELECT mimir.import_openmetrics(E'imported{n=\"$i\"} $i $t\\n# EOF\\n')") eq '1';
			my @now = (lines('acked0'))[-1] or next;
			next if sql("SELECT mimir.write('{\"__name__\": \"gone\", \"n\": \"$i\"}', to_timestamp($now[0] / 1000), 1) \\g /dev/null") ne '';
			sql('SELECT mimir.flush()') if $i % 2;
			note_line('deleted', $i) if sql("SELECT mimir.delete_series('gone{n=\"$i\"}') \\g /dev/null") eq '';
			sql('SELECT mimir.compact()') if $i % 3 == 0;
		}
	});

# A reader of each pusher's samples: never fewer than were acknowledged before, never one twice.
push @running, map {
	my $p = $_;
	background(
		sub {
			while (!-e "$dir/stop")
			{
				my $acked = () = acked($p);
				my $out = sql(qq{SELECT count(*), count(DISTINCT (labels, time)) FROM mimir.samples('crash{p="$p"}', $kept)});

				next if $out !~ /^(\d+)\|(\d+)$/;    # the server is down
				note_line('faults', "reader $p: $1 samples, $2 distinct, " . $acked * SERIES . ' acknowledged') if $1 != $2 || $1 < $acked * SERIES;
				note_line('answers', $p);
				sleep 0.2;
			}
		});
} 0 .. PUSHERS - 1;

my ($longest, $kills) = (0, 0);
for my $round (1 .. $rounds)
{
	my $victim = $victims[ $round % @victims ];
	sleep 1 + rand 3;
	my $pid = $victim eq 'postmaster' ? undef : child_of($victim);
	my $start;

	if ($victim eq 'postmaster')
	{
		kill_cluster();
		$start = time;
		start_cluster();
	}
	elsif ($pid)
	{
		kill 'KILL', $pid;
		$start = time;
		sleep 0.5;
	}
	ok(wait_ready(), "round $round: kill $victim") or last;
	next if !$start;
	$kills++;
	$longest = time - $start if time - $start > $longest;

	for my $p (0 .. PUSHERS - 1)
	{
		my @acked = acked($p);
		my %whole = map { $_ => 1 } split /\n/,
			sql(qq{SELECT (extract(epoch FROM time) * 1000)::bigint FROM mimir.samples('crash{p="$p"}', $kept)
				WHERE value = extract(epoch FROM time) + (labels->>'n')::int GROUP BY time
				HAVING count(*) = } . SERIES . q{ AND count(DISTINCT labels) = } . SERIES);
		my @lost = grep { !$whole{$_} } @acked;
		is("@lost", '', "round $round: the " . @acked . " requests of pusher $p are there, once");
	}
	my @imported = lines('imported');
	my %there = map { $_ => 1 } split /\n/, sql(q{SELECT labels->>'n' FROM mimir.samples('imported', '-infinity', 'infinity')});
	is(join(' ', grep { !$there{$_} } @imported), '', "round $round: imports are there");
	my @deleted = lines('deleted');
	%there = map { $_ => 1 } split /\n/, sql(q{SELECT labels->>'n' FROM mimir.samples('gone', '-infinity', 'infinity')});
	is(join(' ', grep { $there{$_} } @deleted), '', "round $round: what was deleted is gone");
}
note_line('stop', '');
waitpid $_, 0 for @running;
is(sql("SELECT count(*) FROM mimir.samples('crash', '-infinity', to_timestamp($t0 / 1000 + 86400))"), '0', 'the first day is gone');
sql('SELECT mimir.compact(true)');
is(sql("SELECT count(*) FROM mimir.stat_blocks WHERE max_time < to_timestamp($t0 / 1000 + 86400)"), '0', 'with its blocks');
is(join("\n", lines('faults')), '', 'no reader missed or doubled a sample');
cmp_ok($kills, '>=', $rounds * 0.9, 'as many deaths as rounds');
cmp_ok(count('deleted'), '>=', $rounds, 'and deletions');
diag sprintf '%d kills, at most %.1f s to ready; %d requests acknowledged, %d answers checked, %d imports, %d deletions, %s',
	$kills, $longest, count(map { "acked$_" } 0 .. PUSHERS - 1), count('answers'), count('imported'),
	count('deleted'), sql(q{SELECT count(*) FILTER (WHERE level > 1) || ' compacted blocks' FROM mimir.stat_blocks});
done_testing();
