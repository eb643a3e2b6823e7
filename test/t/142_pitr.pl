# A base backup taken under load and the WAL after it, replayed to named points: each shows exactly what
# was acknowledged before it, whatever was flushed, compacted, deleted or imported in between.
use strict;
use warnings;

use MimirTest;
use Test::More;

start_cluster();
my $primary = $ENV{DATADIR};
my $archive = "$primary-archive";
my @as = $> == 0 ? ('runuser', '-u', 'postgres', '--') : ();
my $postmaster = do { open my $fh, '<', "$primary/postmaster.pid" or die; <$fh> };
chomp $postmaster;
my ($bin) = readlink("/proc/$postmaster/exe") =~ m{^(.*)/postgres$};
my ($pg_port, $http_port) = ($ENV{PGPORT} + 1, $ENV{HTTP_PORT} + 1);
my $t0 = 1767225600;
my $restored;

END
{
	my $status = $?;
	stop_restored() if defined $restored;
	$? = $status;
}

sub as_user { return system(@as, @_); }
sub stop_restored { as_user("$bin/pg_ctl", '-D', $restored, '-m', 'immediate', '-w', '-s', 'stop') if -e "$restored/postmaster.pid"; }

my $minute = 0;

# One more minute of samples of 20 series, a day after the last on demand.
sub push_minute
{
	my ($day) = @_;

	$minute = 1440 * (1 + int($minute / 1440)) if $day;
	my ($status) = push_series([ map { my $s = $_;
		[ { __name__ => 'm', s => $s }, map { [ ($t0 + 60 * $minute + 15 * $_) * 1000, $s * 100000 + 4 * $minute + $_ ] } 0 .. 3 ] } 1 .. 20 ]);
	die "push: $status" if $status !~ /^2/;
	$minute++;
}

my $digest = q{SELECT count(*), coalesce(sum(value), 0), count(DISTINCT (labels, time)),
  md5(string_agg(concat_ws('|', labels, extract(epoch FROM time), value), ',' ORDER BY labels::text, time)) FROM mimir.sample};

chmod 0777, "$primary/..";
as_user('mkdir', $archive);
sql("ALTER SYSTEM SET archive_mode = on");
sql("ALTER SYSTEM SET archive_command = 'cp %p $archive/%f'");
stop_cluster();
start_cluster();

push_minute() for 1 .. 10;
sql('SELECT mimir.flush()');
push_minute(1);
my $writer = background(sub { push_minute() for 1 .. 30; });
is(as_user("$bin/pg_basebackup", '-D', "$primary-base", '-h', '127.0.0.1', '-p', $ENV{PGPORT}, '-U', 'postgres', '-c', 'fast'), 0,
	'a base backup while samples come in');
waitpid $writer, 0;
is($?, 0, 'all of which were taken');
$minute += 30;

my %want;

sub mark
{
	my $name = shift;

	sql("SELECT pg_create_restore_point('$name')");
	$want{$name} = sql($digest);
	push_minute();    # is not to be seen
}

mark('in_log');
sql('SELECT mimir.flush()');
mark('flushed');
sql('SELECT mimir.compact(true)');
mark('compacted');
sql(q{SELECT mimir.delete_series('m{s="7"}', '2026-01-01 00:02', '2026-01-01 00:04')});
mark('deleted');
sql(qq{SELECT mimir.import_openmetrics(E'# TYPE old gauge\\nold{s="1"} 5 1600000000\\nold{s="1"} 6 1600000060\\n# EOF\\n')});
mark('imported');
push_minute(1);
sql('SELECT mimir.flush(); SELECT mimir.compact(true)');
mark('next_day');
my %distinct = map { $_ => 1 } values %want;
is(scalar keys %distinct, 6, 'every point has its own content');
sql('SELECT pg_switch_wal()');
sql('CHECKPOINT');
ok(wait_until(sub { sql('SELECT last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) OR pg_switch_wal() IS NULL FROM pg_stat_archiver') eq 't' }, 60),
	'the WAL is in the archive');

for my $name ('in_log', 'flushed', 'compacted', 'deleted', 'imported', 'next_day')
{
	$restored = "$primary-$name";
	as_user('cp', '-a', "$primary-base", $restored);
	open my $conf, '>>', "$restored/mimir.conf" or die $!;
	print $conf "port = $pg_port\nmimir.http_port = $http_port\nunix_socket_directories = '$restored'\narchive_mode = off\n",
	  "restore_command = 'cp $archive/%f %p'\nrecovery_target_name = '$name'\nrecovery_target_action = promote\n";
	close $conf;
	open my $auto, '>>', "$restored/postgresql.auto.conf" or die $!;
	print $auto "archive_mode = off\n";
	close $auto;
	as_user('touch', "$restored/recovery.signal");
	is(as_user("$bin/pg_ctl", '-D', $restored, '-l', "$restored/server.log", '-w', '-s', 'start'), 0, "$name: the server starts");
	my $got = do {
		local ($ENV{PGPORT}, $ENV{HTTP_PORT}) = ($pg_port, $http_port);

		wait_until(sub { sql('SELECT pg_is_in_recovery()') eq 'f' }, 60);
		wait_ready();
		my $samples = sql($digest);
		my ($status) = push_series([ [ { __name__ => 'after' }, [ ($t0 + 86400 * 9) * 1000, 1 ] ] ]);
		is($status, 200, "$name: it takes samples");
		is(sql(q{SELECT count(*) FROM mimir.samples('after', '-infinity', 'infinity')}), 1, "$name: and shows them");
		$samples;
	};
	is($got, $want{$name}, "$name: exactly what had been acknowledged");
	stop_restored();
	system('rm', '-rf', $restored);
}

done_testing();
