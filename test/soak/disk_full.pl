# A full disk during ingest and during flush, SOAK_FULL (6) times: pushes answer 5xx, nothing acknowledged is
# lost, and service resumes when space returns.  In half of the rounds WAL has a disk of its own, as
# administrators of busy servers have it.  Needs root, to mount small file systems.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

use constant { SERIES => 200, PUSHERS => 2, STEP_MS => 15000 };
plan skip_all => 'needs root' if $> != 0;

my $rounds = $ENV{SOAK_FULL} || 6;
my $mount = tempdir('mimir_full.XXXXXX', TMPDIR => 1);
my $marks = tempdir(CLEANUP => 1);
my @mounts;

sub mount_disk { my ($at, $size) = @_; mkdir $at; system("mount -t tmpfs -o size=$size,mode=1777 mimir_full $at") == 0 or die 'mount'; push @mounts, $at; return; }
END { my $status = $?; stop_cluster() if @mounts; system("umount -l $_") for reverse @mounts; rmdir $mount if $mount; $? = $status; }

mount_disk($mount, '420m');
$ENV{TEST_DISK} = $mount;
start_cluster();

sub note_line { my ($file, $line) = @_; open my $fh, '>>', "$marks/$file" or die $!; syswrite $fh, "$line\n"; return; }
sub lines { open my $fh, '<', "$marks/$_[0]" or return (); chomp(my @l = <$fh>); return @l; }
my $t0 = (int(time / 86400) - 5) * 86400 * 1000;

my @running = map {
	my $p = $_;
	background(
		sub {
			for (my $i = 0; !-e "$marks/stop"; $i++)
			{
				my $t = $t0 + $i * STEP_MS;
				my ($status) = push_series([ map { [ { __name__ => 'full', p => $p, n => "$_" }, [ $t, $t / 1000 + $_ ] ] } 1 .. SERIES ]);
				note_line("acked$p", $t) if $status eq '200';
				note_line('statuses', $status);
				sleep($status eq '200' ? 0.02 : 0.3);
			}
		});
} 0 .. PUSHERS - 1;

sub is_running { my $pid = eval { MimirTest::postmaster_pid() }; return $pid && kill 0, $pid; }
sub check
{
	my $what = shift;
	for my $p (0 .. PUSHERS - 1)
	{
		my @acked = lines("acked$p");
		my $out = sql(qq{SELECT (extract(epoch FROM time) * 1000)::bigint FROM mimir.samples('full{p="$p"}', '-infinity', 'infinity')
				WHERE value = extract(epoch FROM time) + (labels->>'n')::int GROUP BY time
				HAVING count(*) = } . SERIES . q{ AND count(DISTINCT labels) = } . SERIES);
		my %whole = map { $_ => 1 } split /\n/, $out;
		my @lost = grep { !$whole{$_} } @acked;
		is("@lost", '', "$what: the " . @acked . " requests of pusher $p are there, once") or diag substr $out, 0, 300;
	}
	return;
}

sub check_others
{
	my $what = shift;
	my %deleted = map { $_ => 1 } lines('deleted');
	my @kept = grep { !$deleted{$_} && (split /\./)[1] % 3 } lines('imported');
	my %there = map { $_ => 1 } split /\n/, sql(q{SELECT labels->>'n' FROM mimir.samples('imported', '-infinity', 'infinity')});

	is(join(' ', grep { !$there{$_} } @kept), '', "$what: the " . @kept . ' imports are there');
	is(join(' ', grep { $there{$_} } keys %deleted), '', "$what: the " . keys(%deleted) . ' deletions, too');
	return;
}

# Flushes, compaction, imports and deletions while the disk is full.  What is told to be done is noted.
sub others
{
	my $round = shift;

	for (1 .. 30)
	{
		my $n = "$round.$_";
		my $t = $t0 / 1000 + $_;

		note_line('imported', $n) if sql("SELECT mimir.import_openmetrics(E'imported{n=\"$n\"} 1 $t\\n# EOF\\n')") eq '1';
		note_line('deleted', $n) if $_ % 3 == 0 && sql("SELECT mimir.delete_series('imported{n=\"$n\"}') \\g /dev/null") eq '';
		sql('SELECT mimir.flush()');
		sql('SELECT mimir.compact(true)');
		sleep 0.2;
	}
	return;
}

for my $round (1 .. $rounds)
{
	my $with_flush = $round % 2;
	my $filler = "$mount/filler";

	if ($round == int($rounds / 2) + 1)
	{
		# WAL to another disk
		stop_cluster();
		mount_disk("$mount.wal", '600m');
		system("cp -a $ENV{DATADIR}/pg_wal $mount.wal/ && rm -r $ENV{DATADIR}/pg_wal && ln -s $mount.wal/pg_wal $ENV{DATADIR}/pg_wal") == 0 or die;
		start_cluster();
	}
	sleep 2;
	my $before = () = lines('statuses');
	my $flusher = $with_flush ? background(sub { others($round) }) : 0;
	system("dd if=/dev/zero of=$filler bs=1M 2>/dev/null; dd if=/dev/zero of=$filler.2 bs=4k 2>/dev/null");
	my $full = time;
	my $refused = wait_until(sub { my @s = lines('statuses'); grep { $_ ne '200' } @s[ $before .. $#s ] }, 60);
	ok($refused, "round $round" . ($with_flush ? ' with flushes' : '') . ': pushes are refused');
	sleep 5;
	my @s = lines('statuses');
	my %seen;
	$seen{$_}++ for @s[ $before .. $#s ];
	is(join(' ', grep { !/^(200|5\d\d|000)$/ } sort keys %seen), '', 'with 5xx, or by nobody');
	diag "round $round: " . join(' ', map { "$_: $seen{$_}" } sort keys %seen) . (is_running() ? '' : ', server is down');
	unlink $filler, "$filler.2";
	if (!is_running())
	{
		# PostgreSQL gave up, for WAL could not be written; its supervisor starts it again
		system("rm -f $ENV{DATADIR}/postmaster.pid");
		start_cluster();
	}
	$before = () = lines('statuses');
	ok(wait_ready(), 'ready again');
	ok(wait_until(sub { my @now = lines('statuses'); grep { $_ eq '200' } @now[ $before .. $#now ] }, 60), 'pushes are taken');
	waitpid $flusher, 0 if $flusher;
	check("round $round");
	is(sql('SELECT mimir.flush() \g /dev/null'), '', 'a flush');
	check("round $round, flushed");
	check_others("round $round") if $with_flush;
}
note_line('stop', '');
waitpid $_, 0 for @running;
check('in the end');
done_testing();
