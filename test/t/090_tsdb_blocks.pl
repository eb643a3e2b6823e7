# TSDB blocks, the text format and remote read beside Debian's Prometheus: blocks of promtool are read
# sample by sample, promtool and a real Prometheus read ours, and remote read works both ways.
# No database server is needed: all of it is src/wire, through build/unit/tsdb_tool.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

my $top = abs_path(dirname(__FILE__) . '/../..');
my $tool = "$top/build/unit/tsdb_tool";
my $base = $ENV{CHECK_TSDB_PORT} || 29443;
my ($prom_port, $client_port, $bridge_port) = ($base, $base + 1, $base + 2);
my $dir = tempdir(CLEANUP => 1);
my @pids;

END { my $status = $?; kill 'TERM', @pids if @pids; waitpid $_, 0 for @pids; $? = $status; }
$ENV{ASAN_OPTIONS} = 'detect_leaks=0';

system("make -s -C $top build/unit/tsdb_tool >$dir/make.log 2>&1") == 0
  or BAIL_OUT('could not build tsdb_tool: ' . slurp("$dir/make.log"));

sub slurp { my $path = shift; open my $fh, '<', $path or return "$path: $!"; local $/; return <$fh>; }
sub spew { my ($path, $text) = @_; open my $fh, '>', $path or die $!; print $fh $text; close $fh; }

# Standard output of a command and whether it ended well; its errors are notes.
sub run
{
	my ($command) = @_;
	my $out = `$command 2>$dir/errors`;

	diag("$command: " . slurp("$dir/errors")) if $? != 0;
	return wantarray ? ($out, $? == 0) : $out;
}

sub sorted { return join "\n", sort split /\n/, shift; }

# Are two lists of samples equal?  The first difference is shown.
sub same_samples
{
	my ($got, $want, $name) = @_;
	my @got = sort split /\n/, $got;
	my @want = sort split /\n/, $want;

	for my $i (0 .. (@got > @want ? $#got : $#want))
	{
		next if ($got[$i] // '') eq ($want[$i] // '');
		fail($name);
		diag('got:  ' . ($got[$i] // 'nothing') . "\nwant: " . ($want[$i] // 'nothing'));
		return;
	}
	cmp_ok(scalar @want, '>', 100, "$name: " . @want . ' samples');
}

# --- blocks of promtool, and what our parser makes of its input ---------------------------------------------

sub openmetrics_text
{
	my $out = "# HELP food_total Eaten.\n# TYPE food_total counter\n";
	my @odd = ('NaN', '+Inf', '-Inf', '-0', '1e-320', '1.7976931348623157e308', '0.1', '12345678901234567');
	my $t0 = 1_700_000_000;

	$out = "# HELP food Eaten.\n# TYPE food counter\n";
	for my $i (0 .. 1199)
	{
		$out .= sprintf "food_total{kind=\"%s\",place=\"%s\"} %d %d.%03d\n", 'a\\\\b', "l\xc3\xa4nd\\n", $i * 7,
		  $t0 + 15 * $i, $i % 1000;
	}
	$out .= "# TYPE odd gauge\n# UNIT odd \n";
	$out .= "odd{q=\"\\\"\"} $odd[$_ % @odd] " . ($t0 + 60 * $_) . "\n" for (0 .. 299);
	$out .= "# TYPE lat_seconds histogram\n# UNIT lat_seconds seconds\n";
	for my $i (0 .. 99)
	{
		my $t = $t0 + 15 * $i;

		$out .= "lat_seconds_bucket{le=\"$_\"} " . ($i * (1 + int $_)) . " $t # {trace=\"x\"} 0.5 $t.5\n"
		  for ('0.1', '1.0', '2.5');
		$out .= "lat_seconds_bucket{le=\"+Inf\"} " . $i * 9 . " $t\nlat_seconds_sum $i.5 $t\nlat_seconds_count $i $t\n";
	}
	$out .= "many{n=\"$_\"} $_ " . ($t0 + $_) . "\n" for (0 .. 999);
	return "$out# EOF\n";
}

spew("$dir/in.om", openmetrics_text());
mkdir "$dir/theirs";
run("promtool tsdb create-blocks-from openmetrics $dir/in.om $dir/theirs");
mkdir "$dir/theirs/wal";
my @theirs = glob "$dir/theirs/01*";
cmp_ok(scalar @theirs, '>', 2, 'promtool made ' . @theirs . ' blocks');
my $dump = run("promtool tsdb dump $dir/theirs");
my $ours = '';
for my $block (@theirs)
{
	my ($out, $ok) = run("$tool dump $block");

	ok($ok, 'block of promtool is sound');
	$ours .= $out;
}
same_samples($ours, $dump, 'blocks of promtool: equal samples');
same_samples(scalar run("$tool parse $dir/in.om"), $dump, 'text format: equal samples');

# --- our block, read by promtool --------------------------------------------------------------------------

mkdir "$dir/ours";
my ($written, $ok) = run("$tool write $dir/ours 48 300");
ok($ok, 'block written');
my ($block) = glob "$dir/ours/01*";
same_samples(scalar run("$tool dump $block"), $written, 'our block, read by ourselves');
my $floats = join "\n", grep { !/histogram/ } split /\n/, $written;
mkdir "$dir/ours/wal";
my $list = run("promtool tsdb list $dir/ours");
like($list, qr/^01HF7YAT00ZVEBN63PAGS10000 +1700000000000 +1700004485007 .* 14400 +\d+ +48 /m, 'promtool tsdb list');
my ($analysis) = run("promtool tsdb analyze $dir/ours");
like($analysis, qr/^Series: 48\n/m, 'promtool tsdb analyze: series');
like($analysis, qr/^Label names: 3\n/m, 'promtool tsdb analyze: label names');
like($analysis, qr/^Postings entries \(total label pairs\): 134\n/m, 'promtool tsdb analyze: postings');
same_samples(scalar run("promtool tsdb dump $dir/ours"), $floats, 'promtool tsdb dump');

# --- our block, served by Prometheus ---------------------------------------------------------------------------

sub spawn
{
	my ($log, @cmd) = @_;
	my $pid = fork;

	if ($pid == 0)
	{
		open STDOUT, '>', "$dir/$log";
		open STDERR, '>&', \*STDOUT;
		exec @cmd or die;
	}
	push @pids, $pid;
}

sub start_prometheus
{
	my ($port, $data, $config) = @_;

	spew("$dir/$port.yml", $config);
	spawn("$port.log", 'prometheus', "--config.file=$dir/$port.yml", "--storage.tsdb.path=$data",
		'--storage.tsdb.retention.time=3650d', '--web.enable-admin-api', "--web.listen-address=127.0.0.1:$port");
}

sub wait_for
{
	my $port = shift;

	for (1 .. 200)
	{
		return 1 if `curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:$port/-/ready` eq '200';
		sleep 0.05;
	}
	diag(slurp("$dir/$port.log"));
	return 0;
}

# A request to a real Prometheus that answers with the samples of our block, made by our encoder.
sub bridge
{
	my $listen = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$bridge_port", Listen => 5, ReuseAddr => 1)
	  or die "port $bridge_port: $!";
	my $pid = fork;

	if ($pid != 0)
	{
		push @pids, $pid;
		return;
	}
	$SIG{TERM} = sub { require POSIX; POSIX::_exit(0) };
	while (my $client = $listen->accept)
	{
		my ($length, $body) = (0, '');

		while (my $line = <$client>)
		{
			$length = $1 if $line =~ /^content-length: (\d+)/i;
			last if $line =~ /^\r?\n$/;
		}
		read $client, $body, $length;
		spew("$dir/request", $body);
		my $answer = `$tool read-serve $block <$dir/request 2>>$dir/bridge.log`;
		print $client "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n",
		  'Content-Length: ', length $answer, "\r\nConnection: close\r\n\r\n", $answer;
		close $client;
	}
	require POSIX;
	POSIX::_exit(0);
}

my $end = 1_700_004_500;

# Everything a Prometheus has, as lines like those of tsdb_tool; its histograms as JSON.  One kind a query:
# Prometheus 2.42 repeats the last histogram if a range query has integer and float ones.
sub all_samples
{
	my ($port) = @_;

	return join '', map { samples($port, $_) } 'test_gauge_.+', 'test_histogram_.+', 'test_float_.+';
}

sub samples
{
	my ($port, $names) = @_;
	my $json = JSON::PP->new->utf8->canonical;
	my $text = `curl -s -g --get --data-urlencode 'query={__name__=~"$names"}[3h]' -d time=$end http://127.0.0.1:$port/api/v1/query`;
	my $answer = $json->decode($text);
	my $out = '';

	diag($text) if $answer->{status} ne 'success';
	for my $series (@{ $answer->{data}{result} })
	{
		my $metric = $series->{metric};
		my $labels = '{' . join(', ', map { "$_=" . quoted($metric->{$_}) } sort keys %$metric) . '}';

		$out .= "$labels " . number($_->[1]) . ' ' . sprintf('%.0f', 1000 * $_->[0]) . "\n" for @{ $series->{values} || [] };
		$out .= "$labels " . $json->encode($_->[1]) . ' ' . sprintf('%.0f', 1000 * $_->[0]) . "\n"
		  for @{ $series->{histograms} || [] };
	}
	return $out;
}

sub quoted { my $s = shift; utf8::encode($s); $s =~ s/([\\"])/\\$1/g; $s =~ s/\n/\\n/g; return "\"$s\""; }

# Numbers by their bits: the API and promtool write them differently.
sub number { my $v = shift; return $v =~ /[a-z]/i && $v !~ /e/ ? $v : unpack 'H*', pack 'd>', $v; }

sub by_bits
{
	my $json = JSON::PP->new->utf8->canonical;
	my $out = '';

	for my $line (split /\n/, shift)
	{
		my ($labels, $value, $t) = $line =~ /^(\{.*?\}) (\S+) (-?\d+)$/;

		$value = $value =~ /^\{/ ? $json->encode($json->decode($value)) : number($value);
		$out .= "$labels $value $t\n";
	}
	return $out;
}

start_prometheus($prom_port, "$dir/ours", "global: {}\n");
bridge();
mkdir "$dir/client";
start_prometheus($client_port, "$dir/client",
	"remote_read: [{url: 'http://127.0.0.1:$bridge_port/', read_recent: true}]\n");
ok(wait_for($prom_port), 'Prometheus started over our block');
my $want = by_bits($written);
same_samples(all_samples($prom_port), $want, 'Prometheus: equal samples, histograms too');

# What an answer of samples must have: Prometheus 2.42 neither sends histograms in it nor takes them.
sub expected { my ($got, $all) = @_; return $got =~ /histogram/ ? $all : join "\n", grep { !/histogram/ } split /\n/, $all; }

# --- remote read, both ways ------------------------------------------------------------------------------------

for my $type ('samples', 'chunks')
{
	run("$tool read-request 0 9999999999999 $type __name__ '=~' 'test_.+' >$dir/request.$type");
	run("curl -s -H 'Content-Encoding: snappy' -H 'Content-Type: application/x-protobuf' -o $dir/answer.$type "
		  . "--data-binary \@$dir/request.$type http://127.0.0.1:$prom_port/api/v1/read");
	my $answer = run("$tool read-decode $type <$dir/answer.$type");
	my $all = $type eq 'chunks' ? $written : expected($answer, $written);
	$all =~ s/ -0 / 0 /g if $type eq 'samples'; # Go's protobuf leaves out all that equals zero
	same_samples($answer, $all, "remote read from Prometheus: $type");
	run("$tool read-serve $block <$dir/request.$type >$dir/served.$type");
	same_samples(scalar run("$tool read-decode $type <$dir/served.$type"), $written, "remote read from ourselves: $type");
}
ok(wait_for($client_port), 'Prometheus started as a client');
my $read = all_samples($client_port);
same_samples($read, expected($read, $want), 'remote read by Prometheus: equal samples');
run("$tool read-request 1700000000000 1700000300000 samples instance = host-5 >$dir/request.part");
my $part = join "\n", grep { /instance="host-5"/ && / (\d+)$/ && $1 <= 1_700_000_300_000 } split /\n/, $written;
is(sorted(scalar run("$tool read-serve $block <$dir/request.part | $tool read-decode samples")), sorted($part),
	'remote read of one series and a few minutes');

# --- tombstones of Prometheus --------------------------------------------------------------------------------------

run("curl -s -g --data-urlencode 'match[]={instance=\"host-5\"}' --data-urlencode 'match[]={zone=\"a\\\\b\"}' "
	  . "-d start=1700001000 -d end=1700003000 http://127.0.0.1:$prom_port/api/v1/admin/tsdb/delete_series");
my $left = join "\n", grep {
	!((/instance="host-5"/ || /zone="a\\\\b"/) && / (\d+)$/ && $1 >= 1_700_001_000_000 && $1 <= 1_700_003_000_000)
} split /\n/, $written;
isnt(sorted($left), sorted($written), 'some samples are to be deleted');
same_samples(all_samples($prom_port), by_bits($left), 'Prometheus deleted them');
same_samples(scalar run("$tool dump $block"), $left, 'its tombstones read');

done_testing();
