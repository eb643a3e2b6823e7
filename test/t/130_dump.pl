# pg_dump and restore of the whole database: log, blocks of flushes, compacted blocks, tenants.  Restored
# beside the old one, which another database then takes the place of.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MimirTest;
use Test::More;

my $dir = tempdir('mimir_dump.XXXXXX', TMPDIR => 1, CLEANUP => 1);
chomp(my $bin = `\${PG_CONFIG:-pg_config} --bindir`);

sub restored
{
	my $out = `$bin/psql -X -q -A -t -h 127.0.0.1 -p $ENV{PGPORT} -U postgres -d restored -c "$_[0]" 2>&1`;
	chomp $out;
	return $out;
}

start_cluster();
my @server = ('-h', '127.0.0.1', '-p', $ENV{PGPORT}, '-U', 'postgres');
sql(q{SELECT mimir.create_tenant('a'); SELECT mimir.create_tenant('b');
  INSERT INTO mimir.tenant_limits (tenant_id, max_label_names_per_series) SELECT tenant_id, 7 FROM mimir.tenant WHERE name = 'a'});
my $write = q{SET mimir.tenant = '%s'; SELECT count(mimir.write(jsonb_build_object('__name__', 'm', 'n', s::text), '%s'::timestamptz + i * interval '15 s', i * s))
  FROM (SELECT i, s FROM generate_series(0, 99) i, generate_series(1, 5) s ORDER BY i, s) x;};
sql(sprintf($write, 'a', '2026-03-01'));
sql(sprintf($write, 'b', '2026-03-01'));
sql('SELECT mimir.flush(); SELECT mimir.compact(true)');
sql(sprintf($write, 'a', '2026-03-02'));
sql('SELECT mimir.flush()');
sql(sprintf($write, 'a', '2026-03-03'));
sql(q{SET mimir.tenant = 'b'; SELECT mimir.delete_series('m{n="3"}', '2026-03-01 00:10', '2026-03-01 00:15')});
my $digest = q{SELECT count(*), md5(string_agg(concat_ws('|', tenant, labels, extract(epoch FROM time), value), ',' ORDER BY tenant, labels::text, time)) FROM mimir.sample};
my $before = sql($digest);
like($before, qr/^1979\|/, 'samples in log, blocks and compacted blocks');
cmp_ok(sql(q{SELECT count(*) FROM pg_class WHERE relname ~ '^chunk_data_[0-9]+$'}), '>', 0, 'a day is not compacted');
cmp_ok(sql(q{SELECT count(*) FROM pg_class WHERE relname ~ '^block_[0-9]+$' AND relkind = 'r'}), '>', 0, 'another is');

is(system("$bin/pg_dump @server -f $dir/dump.sql postgres"), 0, 'pg_dump');
is(system("$bin/createdb @server restored"), 0, 'a new database');
is(`$bin/psql @server -X -q -v ON_ERROR_STOP=1 -o /dev/null -f $dir/dump.sql restored 2>&1`, '', 'is restored without an error');
like(restored($digest), qr/serves database "postgres"/, 'the head is the old one\'s');
stop_cluster();
start_cluster(DATABASE => 'restored');
ok(wait_ready(), 'the server takes the new one');
is(restored($digest), $before, 'which has the same samples');
is(restored(q{SELECT max_label_names_per_series FROM mimir.tenant_limits}), '7', 'and limits');
restored(q{SELECT mimir.compact(true)});
is(restored($digest), $before, 'also after compaction');
my ($status) = push_series([ [ { __name__ => 'new' }, [ 1772600000000, 1 ] ] ]);
is($status, 200, 'it takes samples');
is(restored(q{SELECT count(*) FROM mimir.sample WHERE metric = 'new'}), '1', 'and shows them');

done_testing();
