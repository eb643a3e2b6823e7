# Garbage gets a clear error, and the server goes on.
use strict;
use warnings;

use MimirTest;
use Test::More;

start_cluster(HTTP_MAX_REQUEST_SIZE => '1MB');
my @rw = ('Content-Encoding: snappy', 'Content-Type: application/x-protobuf');
my $good = write_request([ { __name__ => 'm', a => 'b' }, [ 1767225600000, 1 ] ]);

# of many good series, one late: the message is read after all else of the request is gone
sub many { my $name = shift; return map { [ { __name__ => $name, n => $_ }, [ 1767225600000, 1 ], [ 1767225601000, 2 ] ] } 1 .. 2000; }
is((push_series([ many('a') ]))[0], 200, 'many series');
my ($late, $message) = push_series([ many('b'), [ { __name__ => 'a', n => 7 }, [ 1767225590000, 1 ] ] ]);
is($late, 400, 'and many with a late sample');
like($message, qr/err-mimir-sample-out-of-order.*series a\{n="7"\}/, 'which is told');
like((get('/api/v1/query', [ [ query => 'count(b)' ], [ time => 1767225601 ] ]))[1], qr/"2000"\]/, 'the others are there');

sub push_is
{
	my ($body, $want, $name, @headers) = @_;
	my ($status, $text) = post('/api/v1/push', $body, @headers ? @headers : @rw);

	is($status, $want, $name) or diag $text;
}

push_is('', 400, 'no snappy at all');
push_is("\xff" x 100, 400, 'bad snappy');
push_is(snappy("\xff" x 100), 400, 'bad protobuf');
push_is(snappy("\x0a\xff\xff\xff\xff\x0f"), 400, 'a length beyond the end');
push_is(snappy(substr($good, 0, $_)), 400, "truncated at $_") for (3, 9, 17, length($good) - 1);
push_is("\xff\xff\xff\xff\x7f" . 'x', 400, 'a snappy that claims gigabytes');
push_is('x' x (2 * 1024 * 1024), 413, 'a body over the limit');
push_is(snappy($good), 415, 'another encoding', 'Content-Encoding: gzip', 'Content-Type: application/x-protobuf');
push_is(snappy($good), 415, 'another type', 'Content-Encoding: snappy', 'Content-Type: text/plain');
push_is(snappy($good), 415, 'another message', 'Content-Encoding: snappy', 'Content-Type: application/x-protobuf;proto=x.Y');
push_is(snappy(write_request([ { a => 'b' }, [ 1767225600000, 1 ] ])), 400, 'a series without name');
push_is(snappy(write_request([ { __name__ => "\xff" }, [ 1767225600000, 1 ] ])), 400, 'a name that is not UTF-8');
push_is(snappy(write_request([ { __name__ => 'm', a => 'x' x 5000 }, [ 1767225600000, 1 ] ])), 400, 'a long value');
push_is(snappy(write_request([ { __name__ => 'm', map { ("l$_" => 'v') } 1 .. 40 }, [ 1767225600000, 1 ] ])), 400, 'many labels');
push_is(snappy(write_request([ { __name__ => 'm' }, [ 32503680000000, 1 ] ])), 400, 'far in the future');
srand 7;
for my $i (1 .. 60)
{
	my $bytes = $good;
	substr($bytes, int(rand(length $bytes)), 1) = chr(int(rand 256)) for 1 .. 3;
	my ($status) = post('/api/v1/push', snappy($bytes), @rw);
	fail("mutation $i: status $status") if $status ne '200' && $status ne '400';
}
pass('mutated requests are answered 200 or 400');

sub query_is
{
	my ($params, $want, $name) = @_;
	my ($status, $text) = get('/api/v1/query', $params);

	is($status, $want, $name) or diag $text;
}
query_is([ [ query => 'sum(' ] ], 400, 'a syntax error');
query_is([ [ query => '(' x 5000 ] ], 400, 'deep nesting');
query_is([ [ query => 'm{a=~"("}' ] ], 400, 'a bad regular expression');
query_is([ [ query => 'up' ], [ time => 'yesterday' ] ], 400, 'a bad time');
query_is([ [ query => 'up' ], [ timeout => 'x' ] ], 400, 'a bad time-out');
query_is([], 400, 'no query');
my ($status, $body) = get('/api/v1/query_range', [ [ query => 'up' ], [ start => 0 ], [ end => 1e9 ], [ step => 1 ] ]);
is($status, 400, 'too many points');
like($body, qr/exceeded maximum resolution of 11,000 points per timeseries/, 'with the words of Prometheus');
($status) = get('/nowhere');
is($status, 404, 'an unknown path');
($status) = get('/api/v1/push');
is($status, 405, 'a GET of the push endpoint');

($status) = push_series([ [ { __name__ => 'm', a => 'b' }, [ 1767225600000, 1 ] ] ]);
is($status, 200, 'a good push is still taken');
is(sql(q{SELECT value FROM mimir.promql_query('m{a="b"}', to_timestamp(1767225600))}), '1', 'and read');

done_testing();
