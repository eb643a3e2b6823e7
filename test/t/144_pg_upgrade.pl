# pg_upgrade keeps everything: log, blocks of flushes, compacted blocks, values of our types in people's tables.  From
# a server to one of the same major version: the way is the same, and no other one need be installed.
use strict;
use warnings;

use MimirTest;
use Test::More;

start_cluster();
my $old = $ENV{DATADIR};
my $new = "$old-new";
my @as = $> == 0 ? ('runuser', '-u', 'postgres', '--') : ();
my $postmaster = do { open my $fh, '<', "$old/postmaster.pid" or die; <$fh> };
chomp $postmaster;
my ($bin) = readlink("/proc/$postmaster/exe") =~ m{^(.*)/postgres$};

sub as_user { return system(@as, @_); }

sql(q{SELECT mimir.create_tenant('a'); SELECT mimir.create_tenant('b')});
my $write = q{SET mimir.tenant = '%s'; SELECT count(mimir.write(jsonb_build_object('__name__', 'm', 'n', s::text), '%s'::timestamptz + i * interval '15 s', i * s))
  FROM (SELECT i, s FROM generate_series(0, 99) i, generate_series(1, 5) s ORDER BY i, s) x;};
sql(sprintf($write, 'a', '2026-03-01'));
sql(sprintf($write, 'b', '2026-03-01'));
sql('SELECT mimir.flush(); SELECT mimir.compact(true)');
sql(sprintf($write, 'a', '2026-03-02'));
sql('SELECT mimir.flush()');
sql(sprintf($write, 'a', '2026-03-03'));
sql(q{SET mimir.tenant = 'b'; SELECT mimir.delete_series('m{n="3"}', '2026-03-01 00:10', '2026-03-01 00:15')});
sql(q{CREATE TABLE archive AS SELECT labels::mimir.labels AS labels, mimir.chunk_agg(time, value) AS chunk FROM mimir.sample WHERE tenant = 'a' GROUP BY 1;
  CREATE INDEX ON archive USING gin (labels); CREATE INDEX ON archive (labels);
  ALTER TABLE archive ADD h mimir.histogram DEFAULT '{{schema:1 count:6 sum:9.5 buckets:[1 5]}}', ADD list mimir.labels[]; UPDATE archive SET list = ARRAY[labels]});
my $digest = q{SELECT count(*), md5(string_agg(concat_ws('|', tenant, labels, extract(epoch FROM time), value), ',' ORDER BY tenant, labels::text, time)) FROM mimir.sample};
my $types = q{SET enable_seqscan = off; SELECT md5(string_agg(concat_ws('|', labels, chunk, h, list), ',' ORDER BY labels)),
  (SELECT count(*) FROM archive WHERE labels OPERATOR(mimir.=~) 'm{n="2"}') FROM archive};
my ($samples, $values) = (sql($digest), sql($types));
like($samples, qr/^1979\|/, 'samples in log, blocks and compacted blocks');
like($values, qr/\|1$/, 'values of our types');

stop_cluster();
chmod 0777, "$old/..";
is(as_user('sh', '-c', "$bin/initdb -D $new -U postgres -A trust -E UTF8 --no-locale -N >/dev/null") >> 8, 0, 'a new cluster');
as_user('cp', "$old/mimir.conf", "$new/mimir.conf");
as_user('sh', '-c', "echo \"include_if_exists = 'mimir.conf'\" >>$new/postgresql.conf");
my $out = `cd $old/.. && @as $bin/pg_upgrade -b $bin -B $bin -d $old -D $new -U postgres -p $ENV{PGPORT} -P $ENV{PGPORT} 2>&1`;
is($? >> 8, 0, 'pg_upgrade') or diag($out);
rename $old, "$old-old" or die;
rename $new, $old or die;
start_cluster();
ok(wait_ready(), 'the new server is ready');
is(sql($digest), $samples, 'it has the same samples');
is(sql($types), $values, 'and values, by their indexes too');
my ($status) = push_series([ [ { __name__ => 'new' }, [ 1772600000000, 1 ] ] ]);
is($status, 200, 'it takes samples');
sql('SELECT mimir.flush(); SELECT mimir.compact(true)');
is(sql($digest . q{ WHERE metric = 'm'}), $samples, 'all is there after compaction');
is(sql(q{SELECT count(*) FROM mimir.sample WHERE metric = 'new'}), 1, 'the new one too');
is(sql('SET client_min_messages = warning; DROP EXTENSION mimir_pg CASCADE; CREATE EXTENSION mimir_pg'), '', 'the extension can be dropped and made anew');
is(sql(q{SELECT count(*) FROM pg_class WHERE relname ~ '^(block|chunk_data)_[0-9]+$'}), 0, 'nothing of it is left');

done_testing();
