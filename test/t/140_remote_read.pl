# Remote read with a real Prometheus, both ways: its samples are imported and are equal to the bit,
# and it answers a query with ours.  Servers that answer with samples instead of chunks, that break off or
# that are no such servers at all.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

my $top = abs_path(dirname(__FILE__) . '/../..');
my $tool = "$top/build/unit/tsdb_tool";
my $base = $ENV{CHECK_TSDB_PORT} || 29443;
my ($prom_port, $labelled_port, $client_port, $bridge_port) = map { $base + $_ } 0 .. 3;
my $dir = tempdir(CLEANUP => 1);
my $end = 1_700_004_500;
my @pids;

END { my $status = $?; kill 'TERM', @pids if @pids; waitpid $_, 0 for @pids; $? = $status; }
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

system("make -s -C $top build/unit/tsdb_tool >$dir/make.log 2>&1") == 0 or BAIL_OUT('could not build tsdb_tool');

sub slurp { my $path = shift; open my $fh, '<', $path or return "$path: $!"; local $/; return <$fh>; }
sub spew { my ($path, $text) = @_; open my $fh, '>', $path or die $!; print $fh $text; close $fh; }

sub start_prometheus
{
	my ($port, $data, $config) = @_;

	spew("$dir/$port.yml", $config);
	my $pid = fork;
	if ($pid == 0)
	{
		open STDOUT, '>', "$dir/$port.log";
		open STDERR, '>&', \*STDOUT;
		exec 'prometheus', "--config.file=$dir/$port.yml", "--storage.tsdb.path=$data", '--storage.tsdb.retention.time=3650d',
		  "--web.listen-address=127.0.0.1:$port" or die;
	}
	push @pids, $pid;
	for (1 .. 200)
	{
		return 1 if `curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:$port/-/ready` eq '200';
		sleep 0.05;
	}
	diag(slurp("$dir/$port.log"));
	return 0;
}

# All samples of a server as sorted lines of labels, value and time.  One kind a query: Prometheus 2.42
# repeats the last histogram if a range query has integer and float ones.
sub all_samples
{
	my ($port, @headers) = @_;

	return join "\n", sort map { samples($port, $_, @headers) } 'test_gauge_.+', 'test_histogram_.+', 'test_float_.+';
}

sub samples
{
	my ($port, $names, @headers) = @_;
	my $json = JSON::PP->new->utf8->canonical;
	my $extra = join ' ', map { "-H '$_'" } @headers;
	my $text = `curl -s -g --get $extra --data-urlencode 'query={__name__=~"$names"}[3h]' -d time=$end http://127.0.0.1:$port/api/v1/query`;
	my $answer = $json->decode($text);
	my @out;

	diag($text) if $answer->{status} ne 'success';
	for my $series (@{ $answer->{data}{result} })
	{
		my $labels = $json->encode($series->{metric});

		push @out, "$labels " . number($_->[1]) . ' ' . sprintf('%.0f', 1000 * $_->[0]) for @{ $series->{values} || [] };
		push @out, "$labels " . $json->encode($_->[1]) . ' ' . sprintf('%.0f', 1000 * $_->[0])
		  for @{ $series->{histograms} || [] };
	}
	return @out;
}

# Numbers by their bits.
sub number { my $v = shift; return $v =~ /[a-z]/i && $v !~ /e/ ? $v : unpack 'H*', pack 'd>', $v; }

sub same
{
	my ($got, $want, $name) = @_;
	my @got = split /\n/, $got;
	my @want = split /\n/, $want;

	for my $i (0 .. (@got > @want ? $#got : $#want))
	{
		next if ($got[$i] // '') eq ($want[$i] // '');
		fail($name);
		diag('got:  ' . ($got[$i] // 'nothing') . "\nwant: " . ($want[$i] // 'nothing'));
		return;
	}
	cmp_ok(scalar @want, '>', 100, "$name: " . @want . ' samples');
}

# What a connection is answered with, by the path: samples of a block, or something wrong.
sub serve
{
	my ($block) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$bridge_port", Listen => 5, ReuseAddr => 1) or die "$bridge_port: $!";

	push @pids, background(sub {
		while (my $client = $listen->accept)
		{
			my ($length, $body, $path, $head) = (0, '', '', '');

			while (my $line = <$client>)
			{
				$path = $1 if $line =~ /^POST (\S+)/;
				$length = $1 if $line =~ /^content-length: (\d+)/i;
				$head .= $line;
				last if $line =~ /^\r?\n$/;
			}
			read $client, $body, $length;
			spew("$dir/request", $body);
			spew("$dir/head", $head);
			my $type = 'application/x-protobuf';
			my $answer = $path eq '/samples' ? `$tool read-serve $block <$dir/request.samples 2>>$dir/bridge.log` : "hello \x01\x02";
			my $status = '200 OK';
			if ($path eq '/limited')
			{
				# the day is too long; its halves are answered with all there is
				$answer = -e "$dir/refused" ? `$tool read-serve $block <$dir/request.samples` : "exceeded sample limit (1000)\n";
				$status = '400 Bad Request' if !-e "$dir/refused";
				spew("$dir/refused", '');
			}
			my $more = 0;
			$type = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse' if $path =~ /chunks/;
			$answer = "\x05\x00\x00\x00\x00" if $path eq '/short_chunks';
			$more = 1000 if $path eq '/broken_off';
			$type = 'text/html' if $path eq '/html';
			if ($path eq '/moved') { $status = "302 Found\r\nLocation: http://127.0.0.1:$prom_port/api/v1/read"; }
			sleep 60 if $path eq '/slow';
			print $client "HTTP/1.1 $status\r\nContent-Type: $type\r\nContent-Encoding: snappy\r\nContent-Length: ",
			  length($answer) + $more, "\r\nConnection: close\r\n\r\n", $answer;
			close $client;
		}
	});
}

# --- a Prometheus over a block of ours -----------------------------------------------------------------------
mkdir "$dir/$_" for 'one', 'two', 'client';
`$tool write $dir/one 48 300`;
my ($block) = glob "$dir/one/01*";
system("cp -r $block $dir/two/") == 0 or die;
ok(start_prometheus($prom_port, "$dir/one", "global: {}\n"), 'Prometheus started');
ok(start_prometheus($labelled_port, "$dir/two", "global: {external_labels: {instances: \"y\", job: \"x\"}}\n"),
	'and one with external labels');
system("$tool read-request 0 9999999999999 samples __name__ '=~' 'test_.+' >$dir/request.samples") == 0 or die;
serve($block);
start_cluster(MULTITENANCY => 'on');
sql("SELECT mimir.create_tenant(t) FROM unnest('{chunks,samples,limited,labelled,part,none,anonymous}'::text[]) t");
my $url = "http://127.0.0.1:$prom_port/api/v1/read";

# psql's output of an import into a tenant
sub import_from
{
	my ($tenant, $from, $selector, $range, $more) = @_;

	$range //= "'2023-11-14', '2023-11-16'";
	return sql("SET client_min_messages = warning; SET mimir.tenant = '$tenant';"
		  . " SELECT mimir.import_remote_read('$from', '$selector', $range" . ($more ? ", $more" : '') . ');');
}

my $theirs = all_samples($prom_port);
my $n = split /\n/, $theirs;
is(import_from('chunks', $url, '{__name__=~"test_.+"}'), $n, "$n samples are imported, as chunks");
same(all_samples(http_port(), 'X-Scope-OrgID: chunks'), $theirs, 'all are equal');
is(import_from('chunks', $url, '{__name__=~"test_.+"}'), 0, 'a second import finds nothing to do');
sql('SELECT mimir.flush(); SELECT mimir.compact(true)');
same(all_samples(http_port(), 'X-Scope-OrgID: chunks'), $theirs, 'all are equal after compaction');

is(import_from('samples', "http://127.0.0.1:$bridge_port/samples", '{__name__=~"test_.+"}', undef,
		q('{"Authorization": "Bearer secret", "X-Scope-OrgID": "theirs"}')), $n, 'they are imported as samples');
same(all_samples(http_port(), 'X-Scope-OrgID: samples'), $theirs, 'all are equal');
like(slurp("$dir/head"), qr/^Authorization: Bearer secret\r\n.*^X-Scope-OrgID: theirs\r\n/ms, 'headers are sent');

is(import_from('limited', "http://127.0.0.1:$bridge_port/limited", '{__name__=~"test_.+"}'), $n, 'a server with a limit is asked for less');
same(all_samples(http_port(), 'X-Scope-OrgID: limited'), $theirs, 'what came twice is there once');
is(import_from('labelled', "http://127.0.0.1:$labelled_port/api/v1/read", '{__name__=~"test_.+"}'), $n,
	'series that a server adds labels to are imported');
is(sql("SET mimir.tenant = 'labelled'; SELECT count(*) || ' ' || count(DISTINCT labels) FILTER (WHERE labels ->> 'instances' = 'y') FROM mimir.sample"),
	"$n 48", 'with their labels');

# only a part, to the millisecond
my ($from, $to) = ('2023-11-14 22:20:00', '2023-11-14 22:31:40.007');
cmp_ok(import_from('part', $url, '{instance="host-5"}', "'$from', '$to'"), '>', 20, 'a part is imported');
my $part = "time >= '$from' AND time < '$to' AND labels ->> 'instance' = 'host-5'";
is(sql("SET mimir.tenant = 'part'; SELECT array_agg((time, value, histogram)::text ORDER BY 1) FROM (SELECT time, value, histogram FROM mimir.sample ORDER BY 1) s"),
	sql("SET mimir.tenant = 'chunks'; SELECT array_agg((time, value, histogram)::text ORDER BY 1) FROM (SELECT time, value, histogram FROM mimir.sample WHERE $part ORDER BY 1) s"),
	'no less and no more');

# --- what goes wrong -------------------------------------------------------------------------------------------
my $bridge = "http://127.0.0.1:$bridge_port";
like(import_from('none', "$bridge/html", 'up'), qr/ERROR:  "\S+" answered with status 200 and type "text\/html"\nDETAIL:  hello/, 'no samples at all');
like(import_from('none', "$bridge/garbage", 'up'), qr/ERROR: .*snappy/, 'an answer that is not compressed');
like(import_from('none', "$bridge/chunks", 'up'), qr/ERROR: /, 'frames that are none');
like(import_from('none', "$bridge/short_chunks", 'up'), qr/ERROR:  the answer of "\S+" ends in the middle of a frame/, 'half a frame');
like(import_from('none', "$bridge/broken_off", 'up'), qr/ERROR:  could not read from /, 'an answer that breaks off');
like(import_from('none', "$bridge/moved", 'up'), qr/ERROR:  "\S+" answered with status 302/, 'no redirection is followed');
like(import_from('none', 'http://127.0.0.1:1/', 'up'), qr/ERROR:  could not read from "http:\S+": .*connect/, 'nobody listens');
like(import_from('none', 'file:///etc/passwd', 'up'), qr/ERROR:  URL must be of http or https/, 'files are not read');
like(import_from('none', 'gopher://127.0.0.1/', 'up'), qr/ERROR:  URL must be of http or https/, 'nor other protocols');
like(import_from('none', 'http://a:b@127.0.0.1/', 'up'), qr/ERROR:  URL must not have a user or password/, 'no password in a URL');
like(import_from('none', 'nonsense', 'up'), qr/ERROR:  URL /, 'no URL');
like(import_from('none', $url, 'up', undef, q('{"X": "a\r\nHost: b"}')), qr/ERROR:  "X" is not the name of a header/, 'no header is smuggled in');
like(import_from('none', $url, 'up{'), qr/ERROR: /, 'a selector that is none');
like(import_from('none', $url, 'up', "'-infinity', now()"), qr/ERROR:  the time to import from must be finite/, 'since ever');
is(sql("SET mimir.tenant = 'none'; SELECT count(*) FROM mimir.sample"), 0, 'nothing of all that is stored');
sql("CREATE ROLE reader LOGIN IN ROLE mimir_reader, mimir_writer; SELECT mimir.add_member('none', 'reader')");
like(sql("SET ROLE reader; SELECT mimir.import_remote_read('$url', 'up', '2023-11-14', '2023-11-15')"),
	qr/ERROR:  permission denied for function import_remote_read/, 'only admins make the server ask others');

my $session = session();
$session->ask("SET mimir.tenant = 'none'");
$session->send("SELECT mimir.import_remote_read('$bridge/slow', 'up', '2023-11-14', '2023-11-15')");
sleep 1;
sql('SELECT pg_cancel_backend(' . $session->backend . ')');
like($session->answer, qr/ERROR:  canceling statement due to user request/, 'a cancel ends the waiting');

$session->quit;

# --- our samples, read by others -----------------------------------------------------------------------------
my $read = "http://127.0.0.1:" . http_port() . '/prometheus/api/v1/read';
my $written = `$tool dump $block`;

# (status, body file) of a request by our tool
sub ask
{
	my ($tenant, $type, @request) = @_;

	system("$tool read-request @request >$dir/ask.request") == 0 or die;
	return scalar `curl -s -o $dir/ask.answer -w '%{http_code} %{content_type}' -H 'X-Scope-OrgID: $tenant' --data-binary \@$dir/ask.request $read`;
}
my $all = "__name__ '=~' 'test_.+'";
is(ask('chunks', 'samples', "0 9999999999999 samples $all"), '200 application/x-protobuf', 'samples are asked for');
my $got = `$tool read-decode samples <$dir/ask.answer`;
same(join("\n", sort split /\n/, $got), join("\n", sort split /\n/, $written), 'samples are read');
is(ask('chunks', 'chunks', "0 9999999999999 chunks $all"),
	'200 application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse', 'chunks are asked for');
$got = `$tool read-decode chunks <$dir/ask.answer`;
same(join("\n", sort split /\n/, $got), join("\n", sort split /\n/, $written), 'chunks are read');
ask('chunks', 'chunks', "1700000000000 1700000300000 chunks instance = host-5");
is(join("\n", sort split /\n/, `$tool read-decode chunks <$dir/ask.answer`),
	join("\n", sort grep { /instance="host-5"/ && / (\d+)$/ && $1 <= 1_700_000_300_000 } split /\n/, $written), 'a part, cut to the millisecond');
is(ask('chunks', 'chunks', "1700000300000 1700000000000 chunks $all"), '200 application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse', 'an empty range');
is(-s "$dir/ask.answer" // 0, 0, 'has no series');
ask('none', 'samples', "0 9999999999999 samples $all");
is(scalar `$tool read-decode samples <$dir/ask.answer`, '', 'another tenant sees nothing of it');
sql("INSERT INTO mimir.tenant_limits (tenant_id, max_query_samples) SELECT tenant_id, 1000 FROM mimir.tenant WHERE name = 'samples'");
like(ask('samples', 'samples', "0 9999999999999 samples $all"), qr/^422 /, 'the limit of samples');
like(slurp("$dir/ask.answer"), qr/exceeded sample limit \(1000\)/, 'is told');

# several tenants: their series side by side
ask('chunks|part', 'chunks', "0 9999999999999 chunks instance = host-5");
$got = `$tool read-decode chunks <$dir/ask.answer`;
my %count;
$count{$1}++ while $got =~ /__tenant_id__="(\w+)"/g;
is(join(' ', map { "$_ $count{$_}" } sort keys %count),
	'chunks ' . sql("SET mimir.tenant = 'chunks'; SELECT count(*) FROM mimir.samples('{instance=\"host-5\"}', '-infinity', 'infinity')")
	. ' part ' . sql("SET mimir.tenant = 'part'; SELECT count(*) FROM mimir.sample"), 'several tenants');
ask('chunks|part', 'chunks', "0 9999999999999 chunks __tenant_id__ = part");
$got = `$tool read-decode chunks <$dir/ask.answer`;
unlike($got, qr/__tenant_id__="chunks"/, 'a matcher chooses the tenant');
like($got, qr/__tenant_id__="part"/, 'and finds it');

# --- hostile requests -----------------------------------------------------------------------------------------
for my $bad ([ 'no snappy' => 'nonsense' ], [ 'no protobuf' => snappy("\xff\xff\xff") ], [ 'nothing' => '' ],
	[ 'a large size' => "\xff\xff\xff\xff\x0f" ], [ 'a query cut short' => snappy("\x0a\x7f\x08\x01") ],
	[ 'a pattern that is none' => snappy("\x0a\x0c\x1a\x0a\x08\x02\x12\x03foo\x1a\x01(") ],
	[ 'a response type that is none' => snappy("\x10\x07") ])
{
	my ($status, $body) = post('/api/v1/read', $bad->[1], 'X-Scope-OrgID: chunks');

	is($status, 400, "400 for $bad->[0]");
}
is((post('/api/v1/read', snappy("\x0a\x00")))[0], 401, '401 without a tenant');
is((get('/api/v1/read', [], 'X-Scope-OrgID: chunks'))[0], 405, '405 for a GET');

# --- the server ends before the commit of an import --------------------------------------------------------------
my $half = session();
$half->ask("SET mimir.tenant = 'none'; BEGIN");
like($half->ask("SELECT mimir.import_remote_read('$url', '{__name__=~\"test_.+\"}', '2023-11-14', '2023-11-16')"), qr/^$n$/m, 'an import that is not committed');
kill_cluster();
$half->quit;
start_cluster();
is(sql("SET mimir.tenant = 'none'; SELECT count(*) FROM mimir.sample"), 0, 'has left nothing after a crash');
is(import_from('none', $url, '{__name__=~"test_.+"}'), $n, 'and is repeated as a whole');
same(all_samples(http_port(), 'X-Scope-OrgID: none'), $theirs, 'all are equal');
same(all_samples(http_port(), 'X-Scope-OrgID: chunks'), $theirs, 'and those that were imported before');

# --- a Prometheus that asks us; 2.42 sends no headers of ours with it ---------------------------------------------
stop_cluster();
start_cluster(MULTITENANCY => 'off');
is(sql("SET client_min_messages = warning; SET mimir.tenant = 'anonymous'; SELECT mimir.import_remote_read('$url', '{__name__=~\"test_.+\"}', '2023-11-14', '2023-11-16')"), $n,
	'samples are imported');
ok(start_prometheus($client_port, "$dir/client", "remote_read: [{url: '$read', read_recent: true}]\n"), 'Prometheus started as a client');
my $floats = sub { join "\n", grep { !/histogram/ } split /\n/, shift };
same($floats->(all_samples($client_port)), $floats->($theirs), 'it answers with our samples');

done_testing();
