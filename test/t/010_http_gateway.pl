# The gateway against clients of all kinds: polite, slow, hostile, gone.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;

use IO::Select;
use IO::Socket::INET;
use MimirTest qw(start_cluster stop_cluster);
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More;
use Time::HiRes qw(sleep time);

start_cluster();
my $http_port = $ENV{HTTP_PORT};
my $pg_port   = $ENV{PGPORT};
my $query_path = "/prometheus/api/v1/query";
my $timeout    = 20;

sub client
{
	my $s = IO::Socket::INET->new(
		PeerAddr => '127.0.0.1', PeerPort => $http_port, Proto => 'tcp') or return;
	setsockopt($s, IPPROTO_TCP, TCP_NODELAY, 1);
	return $s;
}

# Read until the condition holds or the other side ends; undef after $timeout seconds.
sub read_until
{
	my ($s, $done, $buf) = @_;
	my $end = time + $timeout;
	$buf //= '';
	my $sel = IO::Select->new($s);
	while (!$done->($buf))
	{
		return undef if time > $end;
		next unless $sel->can_read(0.5);
		my $n = sysread($s, my $piece, 65536);
		return $buf if !$n;
		$buf .= $piece;
	}
	return $buf;
}

sub is_whole
{
	my ($head, $body) = split /\r\n\r\n/, $_[0], 2;
	return 0 unless defined $body;
	return 1 if $head =~ m{^HTTP/1.1 (?:204|304)};
	return length($body) >= $1 if $head =~ /^content-length: (\d+)/im;
	return $body =~ /(?:^|\r\n)0\r\n\r\n\z/;
}

# One request; the reply as ($status, $body, $head).
sub ask
{
	my ($s, $method, $path, %opt) = @_;
	my $body = $opt{body} // '';
	my $request = "$method $path HTTP/1.1\r\nHost: test\r\n";
	$request .= "$_\r\n" for @{ $opt{headers} || [] };
	$request .= 'Content-Length: ' . length($body) . "\r\n" if $method eq 'POST';
	syswrite($s, "$request\r\n$body");
	my $reply = read_until($s, \&is_whole) // '';
	my ($head, $rest) = split /\r\n\r\n/, $reply, 2;
	my ($status) = ($head // '') =~ m{^HTTP/1.1 (\d+)};
	return ($status // 0, $rest, $head);
}

sub status { return (ask(client(), @_))[0]; }

sub sql
{
	my $out = `psql -XqAt -h 127.0.0.1 -p $pg_port -U postgres -d postgres -c "$_[0]" 2>&1`;
	chomp $out;
	return $out;
}

sub wait_for
{
	my ($what, $test) = @_;
	my $end = time + $timeout;
	while (time < $end)
	{
		return pass($what) if $test->();
		sleep 0.1;
	}
	return fail($what);
}

# ---- answers of the gateway itself --------------------------------------------------------------

my $s = client();
is_deeply([ (ask($s, GET => '/ready'))[ 0, 1 ] ], [ 200, "ready\n" ], 'ready');
is((ask($s, GET => '/nothing/here'))[0], 404, 'unknown path');
is((ask($s, DELETE => '/api/v1/push'))[0], 405, 'method not allowed');
is((ask($s, POST => '/ready'))[0], 405, 'method not allowed, with a body');
is((ask($s, GET => '/ready'))[0], 200, 'the connection outlived them all');

syswrite($s, "GET /ready HTTP/1.1\r\nHost: t\r\n\r\n" x 20);
my $all = read_until($s, sub { scalar(() = $_[0] =~ /ready\n/g) >= 20 });
is(scalar(() = $all =~ m{^HTTP/1.1 200}mg), 20, 'twenty pipelined requests');

$s = client();
syswrite($s, "GET /ready HTTP/1.1\r\nHost: t\r\n\r\n");
shutdown($s, 1);
like(read_until($s, \&is_whole), qr{^HTTP/1.1 200}, 'a client that shut its sending side down');

# ---- garbage ------------------------------------------------------------------------------------

for my $garbage (
	"\x00" x 200, "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	"POST /api/v1/push HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
	"POST /api/v1/push HTTP/1.1\r\nHost: t\r\nContent-Length: -5\r\n\r\n",
	"GET /ready HTTP/1.1\r\nHost: t\r\nX: " . ('y' x 100_000) . "\r\n\r\n",
	"GET /" . ('z' x 100_000) . " HTTP/1.1\r\n\r\n",
	"GET /ready HTTP/1.1\r\n" . join('', map {"H$_: 1\r\n"} 1 .. 300) . "\r\n")
{
	my $g = client();
	local $SIG{PIPE} = 'IGNORE';
	syswrite($g, $garbage);
	shutdown($g, 1);
	my $reply = IO::Select->new($g)->can_read(1) ? read_until($g, sub { $_[0] =~ /\r\n\r\n/ }) : '';
	like($reply, qr{^HTTP/1.1 (?:4|505)|^\z}, 'garbage: ' . substr($garbage =~ s/[^ -~]/./gr, 0, 40));
}
is(status(POST => '/api/v1/push', body => 'not snappy'), 400, 'a push that is not snappy');
is(status(POST => $query_path, body => "query=%ff%fe%00(",
		headers => ['Content-Type: application/x-www-form-urlencoded']), 400, 'garbage as a query');

# ---- size ---------------------------------------------------------------------------------------

$s = client();
syswrite($s, "POST /api/v1/push HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999999\r\n\r\n");
like(read_until($s, \&is_whole), qr{^HTTP/1.1 413}, 'an announced body that is too large');
is(sql("ALTER SYSTEM SET mimir.http_max_request_size = '64kB'; "), '', 'set a smaller limit');
sql('SELECT pg_reload_conf()');
wait_for('reload: the smaller limit holds',
	sub { status(POST => '/api/v1/push', body => 'x' x 70_000) == 413 });
$s = client();
{
	local $SIG{PIPE} = 'IGNORE';
	syswrite($s, "POST /api/v1/push HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
	syswrite($s, "4000\r\n" . ('x' x 0x4000) . "\r\n") for 1 .. 6;
	syswrite($s, "0\r\n\r\n");
}
like(read_until($s, \&is_whole), qr{^HTTP/1.1 413}, 'a chunked body that is too large');
sql('ALTER SYSTEM RESET mimir.http_max_request_size');
sql("ALTER SYSTEM SET mimir.http_request_timeout = '2s'");
sql('SELECT pg_reload_conf()');
sleep 1.5;

# ---- slow clients -------------------------------------------------------------------------------

$s = client();
my $began = time;
syswrite($s, "POST /api/v1/push HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n");
my $ended = 0;
while (!$ended && time < $began + 10)
{
	local $SIG{PIPE} = 'IGNORE';
	last unless defined syswrite($s, 'x');
	$ended = IO::Select->new($s)->can_read(0.3);
}
ok($ended, 'a client that trickles its request is cut off');
like(read_until($s, sub { 0 }) // '', qr{^HTTP/1.1 408|^\z}, 'with 408');
sql('ALTER SYSTEM RESET mimir.http_request_timeout');
sql('SELECT pg_reload_conf()');

$s = client();
for my $c (split //, "GET /ready HTTP/1.1\r\nHost: t\r\n\r\n") { syswrite($s, $c); sleep 0.005; }
like(read_until($s, \&is_whole), qr{^HTTP/1.1 200}, 'a request byte by byte');

# ---- many connections ---------------------------------------------------------------------------

my @idle = grep {defined} map { client() } 1 .. 2000;
is(scalar @idle, 2000, '2000 idle connections');
is(status(GET => '/ready'), 200, 'another is served');
is((ask($idle[1999], GET => '/ready'))[0], 200, 'and one of them');
@idle = ();

# ---- slow queries -------------------------------------------------------------------------------

# What every query reads is locked, so that they all wait.
open my $locker, '|-', "psql -Xq -h 127.0.0.1 -p $pg_port -U postgres -d postgres" or die;
$locker->autoflush(1);
sub lock_out
{
	print $locker "BEGIN; LOCK TABLE mimir.block;\n";
	wait_for('locked', sub { sql(q{SELECT count(*) FROM pg_locks WHERE relation = 'mimir.block'::regclass AND mode = 'AccessExclusiveLock' AND granted}) == 1 });
}
my $running = q{SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'GET /prometheus%'};
lock_out();
my @slow = map { client() } 1 .. 8;
syswrite($_, "GET $query_path?query=up HTTP/1.1\r\nHost: t\r\n\r\n") for @slow;
wait_for('every query worker is busy', sub {
	sql($running) >= 4 });
is(status(GET => '/ready'), 200, 'cheap requests are answered meanwhile');
is(status(POST => '/api/v1/push', body => 'x'), 400, 'and pushes');
close $_ for @slow;
wait_for('clients that leave cancel their queries', sub {
	sql($running) == 0 });
print $locker "COMMIT;\n";
is(status(GET => "$query_path?query=1"), 200, 'the next query is not hit');

lock_out();
$s = client();
syswrite($s, "GET $query_path?query=up HTTP/1.1\r\nHost: t\r\n\r\n");
wait_for('pg_cancel_backend cancels', sub {
	sql(q{SELECT bool_or(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'GET /prometheus%'}) eq 't' });
like(read_until($s, \&is_whole), qr{^HTTP/1.1 499.*canceled}s, 'as a clean error');
sql("ALTER SYSTEM SET mimir.query_timeout = '1s'");
sql('SELECT pg_reload_conf()');
sleep 1.5;
like(join(' ', ask(client(), GET => "$query_path?query=up")), qr/^503 .*"timeout"/, 'time limit of queries');
close $locker;
sql('ALTER SYSTEM RESET mimir.query_timeout');
sql('SELECT pg_reload_conf()');

# ---- the extension, workers and the server come and go ------------------------------------------

is(sql('SET client_min_messages = error; DROP EXTENSION mimir_pg CASCADE'), '', 'drop the extension');
wait_for('not ready', sub { status(GET => '/ready') == 503 });
my ($code, $body) = ask(client(), GET => "$query_path?query=1");
is($code, 503, 'a query without the extension');
like($body, qr/not installed/, 'says why');
is(sql('CREATE EXTENSION mimir_pg'), '', 'create it again');
wait_for('ready again', sub { status(GET => '/ready') == 200 });

$s = client();
is((ask($s, GET => '/ready'))[0], 200, 'a connection before workers end');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('mimir http', 'mimir push')});
wait_for('workers come back, the connection has stayed',
	sub { my $r = (ask($s, GET => '/ready'))[0]; $r == 200 });
wait_for('a query too', sub { status(GET => "$query_path?query=1") == 200 });

my $gateway = (grep { (readlink("/proc/$_/cwd") // '') eq sql('SHOW data_directory') }
	split ' ', `pgrep -f 'postgres: mimir gateway'`)[0];
SKIP:
{
	skip 'the gateway is not to be found', 2 unless $gateway;
	is(kill('TERM', $gateway), 1, 'the gateway ends');
	wait_for('it comes back, and works with the old workers',
		sub { my $c = client(); $c && (ask($c, GET => "$query_path?query=1"))[0] == 200 });
}

stop_cluster();
ok(!client(), 'stopped');
start_cluster();
is(status(GET => '/ready'), 200, 'started again: ready');

done_testing();
