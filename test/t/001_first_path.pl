# A push over HTTP is there at once for HTTP and SQL, and after a restart.
use strict;
use warnings;

use MimirTest;
use Test::More;

start_cluster();
my $t0 = 1767225600000;
my ($status, $body) = push_series(
	[   [ { __name__ => 'http_requests_total', job => 'api', code => '200' },
			map { [ $t0 + $_ * 15000, $_ * 30 ] } 0 .. 40 ],
		[ { __name__ => 'temperature', room => "b\xc3\xbcro" }, [ $t0, -1.5 ], [ $t0 + 15000, 0.1 ] ] ]);
is($status, 200, 'push is accepted') or diag $body;

my $time = 1767226200;
my @rate = ([ query => 'sum by (job) (rate(http_requests_total[5m]))' ], [ time => $time ]);
my $want = qq({"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"api"},"value":[$time,"1.9999999999999998"]}]}});
($status, $body) = get('/prometheus/api/v1/query', \@rate);
is($body, $want, 'PromQL over HTTP, with the prefix');
($status, $body) = get('/api/v1/query', \@rate);
is($body, $want, 'and without');
($status, $body) = get('/api/v1/query_range',
	[ [ query => 'temperature' ], [ start => '2026-01-01T00:00:00Z' ], [ end => 1767225630 ], [ step => '15s' ] ]);
is( $body,
	qq({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"temperature","room":"b\xc3\xbcro"},"values":[[1767225600,"-1.5"],[1767225615,"0.1"],[1767225630,"0.1"]]}]}}),
	'a range query');
($status, $body) = get('/api/v1/labels');
is($body, '{"status":"success","data":["__name__","code","job","room"]}', 'label names');
($status, $body) = get('/api/v1/label/job/values');
is($body, '{"status":"success","data":["api"]}', 'label values');
($status, $body) = get('/api/v1/series', [ [ 'match[]' => '{job="api"}' ] ]);
is($body, '{"status":"success","data":[{"__name__":"http_requests_total","code":"200","job":"api"}]}', 'series');
is(sql("SELECT value FROM mimir.promql_query('temperature', to_timestamp(1767225615))"), '0.1', 'PromQL in SQL');
is(sql('SELECT count(*) FROM mimir.sample'), '43', 'samples in SQL');

($status, $body) = push_series([ [ { __name__ => 'temperature', room => "b\xc3\xbcro" }, [ $t0 + 15000, 0.1 ] ] ]);
is($status, 200, 'the same sample again is harmless');
($status, $body) = push_series(
	[   [ { __name__ => 'temperature', room => "b\xc3\xbcro" }, [ $t0 + 1000, 7 ] ],
		[ { __name__ => 'good' }, [ $t0 + 15000, 1 ] ] ]);
is($status, 400, 'an out-of-order sample is refused');
like($body, qr/err-mimir-sample-out-of-order.*2026-01-01T00:00:01Z.*temperature/, 'with the reason');
is(sql("SELECT count(*) FROM mimir.samples('good', '-infinity', 'infinity')"), '1', 'the good part of the request is kept');

stop_cluster();
start_cluster();
is(sql('SELECT count(*) FROM mimir.sample'), '44', 'all there after a restart');
sql('SELECT mimir.flush()');
($status, $body) = get('/api/v1/query', \@rate);
is($body, $want, 'the same answer after a flush');
stop_cluster();
start_cluster();
($status, $body) = get('/api/v1/query', \@rate);
is($body, $want, 'and a restart after the flush');

sql('DROP EXTENSION mimir_pg');
sleep 2;
($status, $body) = get('/api/v1/query', [ [ query => 'vector(1)' ] ]);
is($status, 503, 'without the extension requests get 503');
sql('CREATE EXTENSION mimir_pg');
ok(wait_ready(), 'and are served again once it is there');
is(sql('SELECT count(*) FROM mimir.sample'), '0', 'with an empty store');

done_testing();
