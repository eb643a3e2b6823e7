package Differential::Servers;

# A Prometheus and a cluster of ours with the same data.

use strict;
use warnings;

use Differential::Data qw(series_of $T0 $SPAN);
use Differential::Write qw(body);
use Exporter qw(import);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use MimirTest;
use Time::HiRes qw(sleep);

our @EXPORT_OK = qw(start ask version);

my $http = HTTP::Tiny->new(timeout => 60, keep_alive => 1);
my $port;
my $pid;
my $version;
my $dir;

END
{
	my $status = $?;

	if ($pid)
	{
		kill 'TERM', $pid;
		waitpid $pid, 0;
	}
	$? = $status;
}

sub url { my ($server, $path) = @_; return 'http://127.0.0.1:' . ($server eq 'ours' ? http_port() : $port) . $path; }

# As a number: 2.42 is 2.042.
sub version { return $version; }

# (status, body) of a POSTed form.
sub ask
{
	my ($server, $path, $params) = @_;
	my $form = join '&', map { my $v = $params->{$_}; $v =~ s/([^\w.-])/sprintf '%%%02X', ord $1/ge; "$_=$v" } sort keys %$params;
	my $reply = $http->request('POST', url($server, "/api/v1/$path"),
		{ content => $form, headers => { 'Content-Type' => 'application/x-www-form-urlencoded' } });

	return ($reply->{status}, $reply->{content});
}

sub start_prometheus
{
	my $program = $ENV{PROMETHEUS} || 'prometheus';
	my @version = `$program --version 2>&1` =~ /version (\d+)\.(\d+)/ or die "$program does not tell its version";
	my @features = ('native-histograms', $version[0] < 3 ? () : ('promql-experimental-functions', 'promql-duration-expr'));

	push @features, 'promql-delayed-name-removal' if $ENV{DIFF_DELAYED};
	$version = $version[0] + $version[1] / 1000;
	$port = http_port() + 7;
	$dir = tempdir('mimir_diff.XXXXXX', TMPDIR => 1, CLEANUP => 1);
	open my $fh, '>', "$dir/prometheus.yml" or die $!;
	print $fh "global: {scrape_interval: 1m, evaluation_interval: 1m}\n";
	close $fh;
	$pid = fork;
	if ($pid == 0)
	{
		open STDOUT, '>', "$dir/log";
		open STDERR, '>&', \*STDOUT;
		exec $program, "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data", '--web.enable-remote-write-receiver',
			"--web.listen-address=127.0.0.1:$port", '--storage.tsdb.retention.time=100y', '--enable-feature=' . join(',', @features);
		die;
	}
	for (1 .. 100)
	{
		return if $http->get(url('theirs', '/-/ready'))->{status} == 200;
		sleep 0.2;
	}
	die 'Prometheus is not ready';
}

sub push_body
{
	my ($server, $body) = @_;
	my $path = $server eq 'ours' ? '/api/v1/push' : '/api/v1/write';
	my $reply = $http->request('POST', url($server, $path),
		{ content => $body, headers => { 'Content-Type' => 'application/x-protobuf', 'Content-Encoding' => 'snappy', 'X-Prometheus-Remote-Write-Version' => '0.1.0' } });

	die "$server: push: $reply->{status} $reply->{content}" if $reply->{status} !~ /^20/;
}

# Both servers, loaded in time order; ours has the first half in blocks and the rest in the head.  A
# request is of one scrape: of a series with both, Prometheus takes the floats of a request before
# its histograms, and drops those that are then late.
sub start
{
	my $slices = $SPAN / 15_000;
	my $series;

	start_cluster(PROMQL_EXPERIMENTAL => 'on', PROMQL_DELAYED_NAME_REMOVAL => $ENV{DIFF_DELAYED} ? 'on' : 'off');
	start_prometheus();
	$series = series_of($version);
	for my $i (0 .. $slices - 1)
	{
		my ($from, $to) = map { $T0 + $SPAN / $slices * $_ } $i, $i + 1;
		my $body = body($series, $i == 0 ? 0 : $from, $i == $slices - 1 ? $to + $SPAN : $to);

		push_body($_, $body) for 'ours', 'theirs';
		sql('SELECT mimir.flush()') if $i == $slices / 2 - 1;
	}
	return scalar @$series;
}

1;
