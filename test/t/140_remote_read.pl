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
sql("SELECT mimir.create_tenant(t) FROM unnest('{chunks,samples,labelled,part,none}'::text[]) t");
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

done_testing();
