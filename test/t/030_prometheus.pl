# A real Prometheus scrapes itself and the node exporter and remote-writes here: not one sample fails,
# and queries of both servers are equal, sample by sample.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MimirTest;
use Test::More;
use Time::HiRes qw(sleep);

my $prom_port = 29441;
my $node_port = 29442;
my @pids;

for my $program ('prometheus', 'prometheus-node-exporter')
{
	plan skip_all => "$program is not installed" if `which $program` eq '';
}

start_cluster();
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
sleep 40;

sub ask
{
	my ($port, $path, @params) = @_;
	my @cmd = ('curl', '-s', '-g', '--get');

	push @cmd, '--data-urlencode', $_ for @params;
	open my $out, '-|', @cmd, "http://127.0.0.1:$port$path" or die $!;
	local $/;
	return <$out>;
}

# Results as sorted lines: the order of an instant vector is not promised by Prometheus 2.
sub canonical
{
	my $text = shift // '';

	return $text if $text !~ s/.*"result":\[(.*)\]\}.*/$1/s;
	return join "\n", sort split /(?<=\}),(?=\{"metric")/, $text;
}

my $end = time - 6;
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
	my $theirs = canonical(ask($prom_port, '/api/v1/query', "query=$q", "time=$end"));
	my $ours = canonical(ask(http_port(), '/prometheus/api/v1/query', "query=$q", "time=$end"));

	is($ours, $theirs, $q);
}
for my $q ('up', 'sum by (mode) (rate(node_cpu_seconds_total[5s]))', 'go_goroutines > 8', 'max_over_time(go_goroutines[5s])')
{
	my @range = ("query=$q", 'start=' . ($end - 20), "end=$end", 'step=1');

	is( canonical(ask(http_port(), '/prometheus/api/v1/query_range', @range)),
		canonical(ask($prom_port, '/api/v1/query_range', @range)), "range: $q");
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
