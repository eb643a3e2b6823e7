# Tenants over HTTP: one never sees another's data.
use strict;
use warnings;

use MimirTest;
use Test::More;

start_cluster(MULTITENANCY => 'on');
my $t = 1767225600000;
my $time = $t / 1000;
my ($status, $body) = push_series([ [ { __name__ => 'm' }, [ $t, 1 ] ] ]);
is("$status $body", "401 no org id\n", 'a push without tenant');
($status, $body) = get('/api/v1/query', [ [ query => 'm' ] ]);
is("$status $body", "401 no org id\n", 'a query without tenant');
($status, $body) = push_series([ [ { __name__ => 'm' }, [ $t, 1 ] ] ], 'X-Scope-OrgID: a/b');
is($status, 401, 'a name with a slash');
like($body, qr/tenant ID 'a\/b' contains unsupported character '\/'/, 'with the reason');
($status) = push_series([ [ { __name__ => 'm' }, [ $t, 1 ] ] ], 'X-Scope-OrgID: a|b');
is($status, 400, 'a push to two tenants');

for my $tenant ('a', 'b')
{
	($status) = push_series([ [ { __name__ => 'm', secret => $tenant }, [ $t, ord $tenant ] ] ], "X-Scope-OrgID: $tenant");
	is($status, 200, "push to $tenant");
}
for my $tenant ('a', 'b')
{
	my $other = $tenant eq 'a' ? 'b' : 'a';
	for my $path ([ '/api/v1/query', [ [ query => '{__name__=~".+"}' ], [ time => $time ] ] ],
		[ '/api/v1/label/secret/values' ], [ '/api/v1/series', [ [ 'match[]' => '{secret!=""}' ] ] ])
	{
		($status, $body) = get($path->[0], $path->[1], "X-Scope-OrgID: $tenant");
		like($body, qr/"$tenant"/, "$tenant sees its own in $path->[0]");
		unlike($body, qr/"$other"/, 'and nothing of the other');
	}
}
($status, $body) = get('/api/v1/query', [ [ query => 'm' ], [ time => $time ] ], 'X-Scope-OrgID: c');
is($body, '{"status":"success","data":{"resultType":"vector","result":[]}}', 'a tenant that does not exist is empty');
($status, $body) = get('/api/v1/query', [ [ query => 'sum by (__tenant_id__) (m)' ], [ time => $time ] ], 'X-Scope-OrgID: b|a');
like($body, qr/"__tenant_id__":"a".*"97".*"__tenant_id__":"b".*"98"/, 'federation names the tenant');
($status, $body) = get('/api/v1/query', [ [ query => 'm{__tenant_id__="b"}' ], [ time => $time ] ], 'X-Scope-OrgID: a|b');
unlike($body, qr/"secret":"a"/, 'and selects by it');
is(sql('SELECT string_agg(name, \',\' ORDER BY name) FROM mimir.tenant'), 'a,b', 'tenants are made by their first push only');
sql('INSERT INTO mimir.tenant_limits (tenant_id, max_global_series_per_user) SELECT tenant_id, 1 FROM mimir.tenant WHERE name = \'a\'');
($status, $body) = push_series([ [ { __name__ => 'more' }, [ $t, 1 ] ] ], 'X-Scope-OrgID: a');
is($status, 400, 'the limit of a tenant holds');
like($body, qr/per-user series limit of 1 exceeded \(err-mimir-max-series-per-user\)/, 'with its message');
($status) = push_series([ [ { __name__ => 'more' }, [ $t, 1 ] ] ], 'X-Scope-OrgID: b');
is($status, 200, 'and not for the other');

done_testing();
