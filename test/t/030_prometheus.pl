# A real Prometheus scrapes itself and the node exporter and remote-writes here: not one sample fails,
# and queries of both servers are equal, sample by sample.
#
# Debian's Prometheus is a 2.x, whose ranges and look-back include their left end; from 3.0 on, and
# here, they do not.  So what is compared is evaluated at a millisecond of the second at which no
# scrape happened: ranges, steps and offsets are whole seconds, no sample lies on an edge, and both
# agree.  What happens on an edge is tested by itself below.
use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use List::Util qw(any min);
use MimirTest;
use Test::More;
use Time::HiRes qw(sleep);

my @pids;

for my $program ('prometheus', 'prometheus-node-exporter')
{
	plan skip_all => "$program is not installed" if `which $program` eq '';
}

start_cluster();
my $prom_port = http_port() + 7;
my $node_port = http_port() + 8;
my $dir = tempdir(CLEANUP => 1);
my $push = 'http://127.0.0.1:' . http_port() . '/api/v1/push';
open my $fh, '>', "$dir/prometheus.yml" or die $!;
print $fh <<"YML";
global: {scrape_interval: 1s}
scrape_configs:
- job_name: prometheus
  static_configs: [{targets: ['127.0.0.1:$prom_port']}]
- job_name: node
  static_configs: [{targets: ['127.0.0.1:$node_port']}]
remote_write:
- url: $push
YML
close $fh;

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
END { my $status = $?; kill 'TERM', @pids if @pids; waitpid $_, 0 for @pids; $? = $status; }

spawn('node.log', 'prometheus-node-exporter', "--web.listen-address=127.0.0.1:$node_port");
spawn('prometheus.log', 'prometheus', "--config.file=$dir/prometheus.yml", "--storage.tsdb.path=$dir/data",
	"--web.listen-address=127.0.0.1:$prom_port");

sub ask
{
	my ($port, $path, @params) = @_;
	my @cmd = ('curl', '-s', '-g', '--get');

	push @cmd, '--data-urlencode', $_ for @params;
	open my $out, '-|', @cmd, "http://127.0.0.1:$port$path" or die $!;
	local $/;
	return <$out>;
}

# Result array of an instant query; empty if there is no answer.
sub result
{
	my ($port, $query, $time) = @_;
	my $text = ask($port, '/api/v1/query', "query=$query", defined $time ? "time=$time" : ());
	my $reply = eval { decode_json($text // '') };

	return $reply && $reply->{data} ? @{ $reply->{data}{result} } : ();
}

# Polls until $done says so; false after $seconds.
sub poll
{
	my ($seconds, $done) = @_;

	for (1 .. $seconds * 2)
	{
		return 1 if $done->();
		sleep 0.5;
	}
	return 0;
}

# Results as sorted lines: the order of an instant vector is not promised by Prometheus 2.
sub canonical
{
	my $text = shift // '';

	return $text if $text !~ s/.*"result":\[(.*)\]\}.*/$1/s;
	return join "\n", sort split /(?<=\}),(?=\{"metric")/, $text;
}

# Equal to the bit; but 3.x adds up in sum and avg with compensation, 2.x without, which shows in the
# last digits: there 1e-13 of the value is allowed.
sub same
{
	my ($ours, $theirs, $name) = @_;
	my ($o, $t) = ($ours, $theirs);
	my $number = qr/(?<=,")[-+.\de]+(?="\])/;

	if ($name =~ /\b(sum|avg|avg_over_time)\b/)
	{
		my @o = $o =~ /$number/g;
		my @t = $t =~ /$number/g;

		s/$number/N/g for $o, $t;
		if ($o eq $t && !any { abs($o[$_] - $t[$_]) > 1e-13 * abs $t[$_] } 0 .. $#o)
		{
			return pass($name);
		}
	}
	return is($ours, $theirs, $name);
}

# Enough of both targets for the longest window at the earliest time below, away from their start.
ok( poll(180, sub {
		my @n = map { $_->{value}[1] } result($prom_port, 'count_over_time(up[10m])');
		return @n == 2 && min(@n) >= 52;
	}), 'both targets were scraped for a while');

my @scrapes = map { @{ $_->{values} } } result($prom_port, 'up[10m]');
my %taken = map { sprintf('%.0f', $_->[0] * 1000) % 1000 => 1 } @scrapes;
my ($ms) = grep { !$taken{$_} } 500 .. 999;
my $end = sprintf '%d.%03d', time - 6, $ms;

# All that was scraped in the last seconds before it, as it was sent, from both.
my @newest = ("query={__name__=~'.+'}[3s]", "time=$end");
ok( poll(60, sub {
		return canonical(ask(http_port(), '/api/v1/query', @newest)) eq
			canonical(ask($prom_port, '/api/v1/query', @newest));
	}), 'every sample until then has arrived');

my @queries = (
	'up', 'count(up)', 'node_cpu_seconds_total', 'sum by (mode) (rate(node_cpu_seconds_total[20s]))',
	'avg(node_load1)', 'rate(process_cpu_seconds_total[20s])', 'increase(node_cpu_seconds_total[20s])',
	'histogram_quantile(0.9, sum by (le) (rate(prometheus_http_request_duration_seconds_bucket[20s])))',
	'topk(3, node_cpu_seconds_total)', 'bottomk(2, node_cpu_seconds_total)', 'max_over_time(node_load1[20s])',
	'min_over_time(go_goroutines[20s])', 'avg_over_time(go_goroutines[20s])', 'sum_over_time(go_goroutines[20s])',
	'count_over_time(up[20s:3s])', 'quantile_over_time(0.5, go_goroutines[20s])', 'stddev_over_time(go_goroutines[20s])',
	'stdvar_over_time(go_goroutines[20s])', 'delta(go_goroutines[20s])', 'irate(node_cpu_seconds_total[20s])',
	'idelta(go_goroutines[20s])', 'node_filesystem_size_bytes / 1024',
	'node_memory_MemFree_bytes / on (instance) node_memory_MemTotal_bytes', 'up == 1', 'up == bool 1',
	'up unless on (job) go_goroutines{job="node"}', 'go_goroutines and on (job) up', 'node_load1 or node_load5',
	'count by (job) ({__name__=~"go_.+"})', 'sum without (cpu) (node_cpu_seconds_total)', 'stddev(go_goroutines)',
	'quantile(0.5, node_cpu_seconds_total)', 'count_values("v", up)', 'go_info', 'up offset 10s', "up \@ $end",
	'max_over_time(rate(node_cpu_seconds_total{mode="idle"}[10s])[15s:3s])', 'abs(-node_load1)', 'changes(go_goroutines[20s])',
	'resets(process_cpu_seconds_total[20s])', 'last_over_time(up[20s])', 'group by (job) (up)', 'absent(nonexistent)',
	'label_replace(up, "x", "$1", "instance", "(.*):.*")', 'label_join(up, "x", "-", "job", "instance")',
	'node_cpu_seconds_total{mode!~"idle|user",cpu="0"}', '{__name__=~"node_memory_[A-M].*",job="node"}',
	'node_load1 * on (instance) group_left (job) up', 'scalar(node_load1)', 'vector(1)', '1 + 2 * 3', 'time()',
	'predict_linear(node_memory_MemFree_bytes[20s], 60)', 'deriv(node_memory_MemFree_bytes[20s])', 'clamp_max(go_goroutines, 10)',
	'round(node_load1, 0.1)', 'hour()', 'sort_desc(go_goroutines)', '-go_goroutines', 'go_goroutines % 7 ^ 2',
	'present_over_time(up[20s])');

for my $q (@queries)
{
	# three times, so that each remainder of a 3 s subquery step occurs
	for my $back (0 .. 2)
	{
		my @at = ("query=$q", 'time=' . sprintf('%.3f', $end - $back));

		same(canonical(ask(http_port(), '/prometheus/api/v1/query', @at)),
			canonical(ask($prom_port, '/api/v1/query', @at)), $back ? "$q, $back s before" : $q);
	}
}
for my $q ('up', 'sum by (mode) (rate(node_cpu_seconds_total[5s]))', 'go_goroutines > 8', 'max_over_time(go_goroutines[5s])',
	'count_over_time(up[10s:3s])')
{
	my @range = ("query=$q", 'start=' . sprintf('%.3f', $end - 20), "end=$end", 'step=1');

	same(canonical(ask(http_port(), '/prometheus/api/v1/query_range', @range)),
		canonical(ask($prom_port, '/api/v1/query_range', @range)), "range: $q");
}

# On the edge: a range that begins at one sample and ends at another holds only the latter.  That a
# Prometheus 2 holds both shows that the edge was hit.
my $closed = ask($prom_port, '/api/v1/status/buildinfo') =~ /"version":"2\./ ? 1 : 0;
my @node = sort { $a <=> $b } map { sprintf '%.0f', $_->[0] * 1000 }
	map { @{ $_->{values} } } grep { $_->{metric}{job} eq 'node' } result($prom_port, "up[30s] \@ $end");
my ($from, $to) = @node[ -12, -2 ];
my $range = sprintf '%.0f', $to - $from;
my $seconds = $range / 1000;

{
	my $q = "count_over_time(up{job='node'}[${range}ms])";
	my @at = sprintf '%.3f', $to / 1000;

	is((result(http_port(), $q, @at))[0]{value}[1], 10, "range of $seconds s is open on the left");
	is((result($prom_port, $q, @at))[0]{value}[1], 10 + $closed, 'and the edge was hit');

	$q = 'count_over_time(up{job="node"}[15s:3s])';
	@at = int($end / 3) * 3;
	is((result(http_port(), $q, @at))[0]{value}[1], 5, 'so is the range of a subquery');
	is((result($prom_port, $q, @at))[0]{value}[1], 5 + $closed, 'and the edge was hit');
}

my $metrics = ask($prom_port, '/metrics');
for my $what ('failed', 'retried', 'dropped')
{
	my ($n) = $metrics =~ /^prometheus_remote_storage_samples_${what}_total\{.*\} (\S+)$/m;
	is($n, 0, "no sample $what");
}
my ($sent) = $metrics =~ /^prometheus_remote_storage_samples_total\{.*\} (\S+)$/m;
cmp_ok($sent, '>', 10000, 'samples were sent');

done_testing();
