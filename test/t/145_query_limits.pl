# What a query may cost, and what its client is told when that is not enough.
use strict;
use warnings;

use MimirTest;
use Test::More;

start_cluster(PROMQL_EXPERIMENTAL => 'on', HTTP_QUERY_WORKERS => 1);
my $t = 1767225600; # 2026-01-01
my @series = map { my $n = $_; [ { __name__ => 'm', n => $n, half => $n % 2 }, map { [ ($t + 15 * $_) * 1000, $n + $_ ] } 0 .. 20 ] } 1 .. 300;
is((push_series(\@series))[0], 200, 'series to query');

sub instant { my ($query, @more) = @_; return get('/api/v1/query', [ [ query => $query ], [ time => $t + 300 ], @more ]); }
sub range { my ($query, $step, @more) = @_; return get('/api/v1/query_range', [ [ query => $query ], [ start => $t ], [ end => $t + 300 ], [ step => $step ], @more ]); }

sub answers
{
	my ($name, $want, $pattern, $status, $body) = @_;

	is($status, $want, $name) or diag $body;
	like($body, $pattern, 'and it is told');
}

sub with
{
	my ($setting, $value, $code) = @_;

	sql("ALTER SYSTEM SET mimir.$setting = '$value'");
	sql('SELECT pg_reload_conf()');
	wait_until(sub { sql("SHOW mimir.$setting") eq $value });
	$code->();
	sql("ALTER SYSTEM RESET mimir.$setting");
	sql('SELECT pg_reload_conf()');
}

# --- samples ------------------------------------------------------------------------------------

my $too_many = qr/^\{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory in query execution"\}$/;
with(query_max_samples => 5000, sub {
	answers('a query within the limit', 200, qr/"result":\[\{/, range('sum(m)', 15));
	answers($_, 422, $too_many, range($_, 1)) for 'm * on (n) m', 'sum by (n) (m)', 'count_values("v", m)', 'quantile(0.5, m)', 'm or m';
	answers('points of a subquery', 422, $too_many, instant('count_over_time(vector(time())[1m:10ms])'));
	answers('one series after the other', 200, qr/"value"/, instant('count(count_over_time(m[1m:50ms]))'));
	like(sql("SET mimir.query_max_samples = 5000; SELECT count(*) FROM mimir.promql_query_range('m or m', to_timestamp($t), to_timestamp($t + 300), '1 s')"),
		qr/ERROR:  query processing would load too many samples/, 'the same in SQL');
});

# --- memory ---------------------------------------------------------------------------------------

my $too_much = qr/"errorType":"execution","error":"query needs more than 2097152 bytes of memory"/;
with(query_max_memory => '2MB', sub {
	answers('a small query', 200, qr/"result":\[\{/, range('sum(m)', 15));
	answers($_, 422, $too_much, range($_, 0.05)) for 'm * on (n) m', 'count_values("v", m)', 'quantile(0.5, m)', 'sum by (n) (m)';
	answers('the times of a grid alone', 422, $too_much, instant('count_over_time(vector(time())[1h:10ms])'));
});

# --- time -----------------------------------------------------------------------------------------

# each would run far longer, or is one loop over millions of steps
my $late = qr/^\{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"\}$/;
answers("stops: $_", 503, $late, instant($_, [ timeout => '50ms' ])) for
	'sum(quantile_over_time(0.5, m[5m:10ms]))', 'count_over_time(vector(time())[2d:10ms])', 'quantile_over_time(0.5, vector(time())[1d:10ms])',
	'sum(sum_over_time(max_over_time(m[5m])[5m:1ms]))', 'count(label_replace(m, "x", "$1$1", "n", "(.*)") == m offset 1m)[6h:10ms]';

# the time-out of a request goes with it
is((instant('1', [ timeout => '200ms' ]))[0], 200, 'a query with a time-out, in time');
is((instant('sum(sum_over_time(max_over_time(m[5m])[5m:10ms]))'))[0], 200, 'the next one may take longer');

# --- parameters -------------------------------------------------------------------------------------

answers('too many steps', 400, qr/"bad_data","error":"exceeded maximum resolution of 11,000 points per timeseries\. Try decreasing the query resolution \(\?step=XX\)"/,
	range('m', 0.02));
answers('a limit that is no number', 400, qr/invalid parameter \\"limit\\": strconv\.Atoi: parsing \\"x\\": invalid syntax/, instant('m', [ limit => 'x' ]));
answers('a limit beyond all numbers', 400, qr/invalid parameter \\"limit\\": strconv\.Atoi: parsing \\"99999999999999999999\\": value out of range/,
	instant('m', [ limit => '99999999999999999999' ]));
answers('a limit', 200, qr/"warnings":\["results truncated due to limit"\]/, instant('m', [ limit => 2 ]));
answers('a lookback delta', 200, qr/"result":\[\]/, instant('m offset -10s', [ lookback_delta => '5s' ]));
answers("stats=$_", 200, qr/"stats":\{"timings":\{"evalTotalTime":[^}]*\},"samples":\{"totalQueryableSamples":300,"samplesRead":300,"peakSamples":\d+\}\}\}\}$/,
	instant('m', [ stats => $_ ])) for 'true', 'all';
answers('other stats', 200, qr/"warnings":\["value \\"x\\" for parameter \\"stats\\" is deprecated and will be rejected in the next major release, use \\"true\\" or \\"all\\""\]/,
	instant('m', [ stats => 'x' ]));

done_testing();
