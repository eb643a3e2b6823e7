# A hot standby answers what the primary acknowledged a second ago, refuses pushes, follows flushes,
# compaction and deletion, and loses nothing when it is promoted.
use strict;
use warnings;

use lib 'test/t';
use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

start_cluster();
my $primary = $ENV{DATADIR};
my $standby = "$primary-standby";
my ($pg_port, $http_port) = ($ENV{PGPORT} + 1, $ENV{HTTP_PORT} + 1);
my @as = $> == 0 ? ('runuser', '-u', 'postgres', '--') : ();
my $postmaster = do { open my $fh, '<', "$primary/postmaster.pid"; <$fh> };
chomp $postmaster;
my ($bin) = readlink("/proc/$postmaster/exe") =~ m{^(.*)/postgres$};
my $t0 = int(time()) - 3600;

sub as_user { return system(@as, @_); }

# psql and curl on the standby
sub there
{
	my $code = shift;
	local ($ENV{PGPORT}, $ENV{HTTP_PORT}) = ($pg_port, $http_port);

	return $code->();
}
sub sql_there { my $q = shift; return there(sub { sql($q) }); }

sub push_some
{
	my ($from, $n) = @_;
	my ($code) = push_series(
		[
			map {
				my $s = $_;
				[ { __name__ => 'm', s => $s }, map { [ ($t0 + $_) * 1000, $s * 1000 + $_ ] } $from .. $from + $n - 1 ]
			} 1 .. 20
		]);
	return $code;
}

my $count = q{SELECT count(*) || ' ' || coalesce(sum(value), 0) FROM mimir.samples('m', '-infinity', 'infinity')};

# Until the standby says the same as the primary; seconds it took, or -1.
sub catch_up
{
	my $want = sql($count);
	my $begun = time();

	for (1 .. 100)
	{
		return time() - $begun if sql_there($count) eq $want;
		sleep 0.1;
	}
	diag('primary: ' . sql($count) . ', standby: ' . sql_there($count));
	return -1;
}

like(push_some(0, 10), qr/^2/, 'the primary takes samples');
chmod 0777, "$primary/..";
is(as_user("$bin/pg_basebackup", '-D', $standby, '-h', '127.0.0.1', '-p', $ENV{PGPORT}, '-U', 'postgres', '-R', '-c', 'fast'),
	0, 'pg_basebackup');
open my $conf, '>>', "$standby/mimir.conf" or die $!;
print $conf "port = $pg_port\nmimir.http_port = $http_port\nunix_socket_directories = '$standby'\n";
close $conf;
is(as_user("$bin/pg_ctl", '-D', $standby, '-l', "$standby/server.log", '-w', 'start', '-s'), 0, 'the standby starts');
END
{
	my $status = $?;
	as_user("$bin/pg_ctl", '-D', $standby, '-m', 'immediate', '-w', '-s', 'stop') if defined $bin && -e "$standby/postmaster.pid";
	$? = $status;
}

ok(there(\&wait_ready), 'the standby is ready');
cmp_ok(catch_up(), '>=', 0, 'it has what came before');
like(push_some(10, 10), qr/^2/, 'more samples');
my $lag = catch_up();
cmp_ok($lag, '>=', 0, 'it follows');
diag(sprintf('followed after %.1f s', $lag));
my ($code, $body) = there(sub { get('/prometheus/api/v1/query', [ [ query => 'count(m)' ], [ time => $t0 + 19 ] ]) });
is($code, 200, 'the standby answers over HTTP');
like($body, qr/"20"/, 'and rightly');
($code, $body) = there(sub { push_series([ [ { __name__ => 'm', s => 1 }, [ ($t0 + 1000) * 1000, 1 ] ] ]) });
is($code, 503, 'it refuses pushes');
like($body, qr/standby|recovery/, 'and says why');
like(sql_there('SELECT mimir.flush()'), qr/ERROR.*recovery/, 'it cannot flush');

sql('SELECT mimir.flush()');
cmp_ok(catch_up(), '>=', 0, 'after a flush');
like(push_some(20, 10), qr/^2/, 'more samples');
cmp_ok(catch_up(), '>=', 0, 'in the next generation');
sql('SELECT mimir.flush()');
sql('SELECT mimir.compact(true)');
cmp_ok(catch_up(), '>=', 0, 'after compaction');
sql(q{SELECT mimir.delete_series('m{s="3"}')});
cmp_ok(catch_up(), '>=', 0, 'after a deletion');

# a loop of queries on the standby while the primary flushes: each answer is whole
my $want = sql($count);
my $bad = 0;
my $looks = 0;
my $pid = fork();
if ($pid == 0)
{
	for my $i (1 .. 12)
	{
		push_series([ [ { __name__ => 'other', n => $i }, [ ($t0 + 2000 + $i) * 1000, 1 ] ] ]);
		sql('SELECT mimir.flush()');
		sql('SELECT mimir.compact(true)') if $i % 4 == 0;
	}
	POSIX::_exit(0);
}
use POSIX ();
while (waitpid($pid, POSIX::WNOHANG()) == 0)
{
	$bad++ if sql_there($count) ne $want;
	$looks++;
}
is($bad, 0, "$looks looks during flushes and compactions");
cmp_ok($looks, '>', 5, 'there were some');

# promotion
like(push_some(30, 10), qr/^2/, 'last samples on the primary');
cmp_ok(catch_up(), '>=', 0, 'which arrive');
$want = sql($count);
kill_cluster();
is(as_user("$bin/pg_ctl", '-D', $standby, '-w', '-s', 'promote'), 0, 'promoted');
ok(there(\&wait_ready), 'ready after promotion');
my $same;
for (1 .. 50)
{
	$same = sql_there($count) eq $want;
	last if $same;
	sleep 0.2;
}
ok($same, 'nothing is lost');
my $taken;
for (1 .. 50)
{
	($taken) = there(sub { push_series([ [ { __name__ => 'm', s => 1 }, [ ($t0 + 1000) * 1000, 1 ] ] ]) });
	last if $taken =~ /^2/;
	sleep 0.2;
}
like($taken, qr/^2/, 'it takes pushes now');
like(sql_there('SELECT mimir.flush(), mimir.compact(true)'), qr/^\|$/, 'flushes and compacts');

done_testing();
