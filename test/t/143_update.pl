# ALTER EXTENSION UPDATE with samples in place, workers running and senders trying again: the library serves only the
# catalog of its own version, says so, and goes on as soon as the update has committed.  What results is
# what a new installation has.  The older version is made here: it lacks a table, a column, functions and views.
use strict;
use warnings;

use MimirTest;
use Test::More;
use Time::HiRes qw(sleep time);

start_cluster();
my $postmaster = do { open my $fh, '<', "$ENV{DATADIR}/postmaster.pid" or die; <$fh> };
chomp $postmaster;
my ($bin) = readlink("/proc/$postmaster/exe") =~ m{^(.*)/postgres$};
my $config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $bindir = `$config --bindir`);
chomp(my $sharedir = `$config --sharedir`);
my ($root) = $bin =~ m{^(.*)\Q$bindir\E$} or die "the server runs from $bin";
my $extensions = "$root$sharedir/extension";
my ($version) = slurp("$extensions/mimir_pg.control") =~ /default_version = '([^']+)'/;
my $install = slurp("$extensions/mimir_pg--$version.sql");
my $down = "$extensions/mimir_pg--$version--0.0.sql";
my $up = "$extensions/mimir_pg--0.0--$version.sql";
my $t0 = 1767225600;

END { my $status = $?; unlink $down, $up if defined $down; $? = $status; }

sub slurp { my $path = shift; open my $fh, '<', $path or die "$path: $!"; local $/; return <$fh>; }
sub spew { my ($path, $text) = @_; open my $fh, '>', $path or die "$path: $!"; print $fh $text; close $fh; chmod 0644, $path; }

# A part of the install script, from its beginning to the end of what follows.
sub part
{
	my ($from, $to) = @_;
	my ($text) = $install =~ /(^\Q$from\E.*?^\Q$to\E[^\n]*\n)/ms or die "no $from in the script";
	return $text;
}

spew($down, q{
DROP VIEW mimir.stat_head, mimir.stat_head_tenant;
DROP FUNCTION mimir.head_state(), mimir.head_tenants();
DROP TABLE mimir.imported_range;
ALTER TABLE mimir.tenant_limits DROP COLUMN compactor_block_upload_enabled;
});
spew($up,
	part('CREATE FUNCTION mimir.head_state', 'COMMENT ON VIEW mimir.stat_head_tenant')
	. part('CREATE VIEW mimir.stat_head ', 'COMMENT ON VIEW mimir.stat_head ')
	. part('CREATE TABLE mimir.imported_range', "SELECT pg_extension_config_dump('mimir.imported_range'")
	. q{
ALTER TABLE mimir.tenant_limits ADD COLUMN compactor_block_upload_enabled boolean;
} . part('COMMENT ON COLUMN mimir.tenant_limits.compactor_block_upload_enabled', 'COMMENT') . q{
ALTER TABLE mimir.imported_range ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant_visible ON mimir.imported_range FOR SELECT USING (tenant_id = ANY ((SELECT mimir.visible_tenants())::int[]));
REVOKE ALL ON FUNCTION mimir.head_state(), mimir.head_tenants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION mimir.head_state(), mimir.head_tenants() TO mimir_admin;
GRANT EXECUTE ON FUNCTION mimir.head_tenants() TO mimir_reader;
GRANT SELECT ON mimir.stat_head, mimir.stat_head_tenant, mimir.imported_range TO mimir_admin;
GRANT SELECT ON mimir.stat_head_tenant TO mimir_reader;
});

# Everything about the extension's objects but OIDs and the order of columns.
my $catalog = q{
SELECT pg_describe_object(classid, objid, 0), obj_description(objid, classid::regclass::text),
  CASE classid
    WHEN 'pg_proc'::regclass THEN (SELECT concat_ws('|', CASE WHEN prokind <> 'a' THEN pg_get_functiondef(oid) END, (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(proacl) a)) FROM pg_proc WHERE oid = objid)
    WHEN 'pg_class'::regclass THEN (SELECT concat_ws('|', relkind, relrowsecurity, reloptions::text,
      (SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(relacl) a), CASE WHEN relkind = 'v' THEN pg_get_viewdef(oid) END,
      (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attstorage, pg_get_expr(adbin, adrelid),
        col_description(attrelid, attnum)), ',' ORDER BY attname)
       FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
      (SELECT string_agg(pg_get_indexdef(indexrelid), ',' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = c.oid),
      (SELECT string_agg(pg_get_constraintdef(oid), ',' ORDER BY conname) FROM pg_constraint WHERE conrelid = c.oid),
      (SELECT string_agg(concat_ws(' ', polname, polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), ',' ORDER BY polname) FROM pg_policy WHERE polrelid = c.oid),
      (SELECT string_agg(pg_get_triggerdef(oid), ',' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal),
      (SELECT extconfig @> ARRAY[c.oid] FROM pg_extension WHERE extname = 'mimir_pg')) FROM pg_class c WHERE oid = objid)
  END
FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'mimir_pg') AND deptype = 'e'
ORDER BY 1};
sub catalog_of
{
	my $db = shift;
	local $ENV{PGDATABASE} = $db;
	spew("$ENV{DATADIR}/../catalog.sql", "$catalog;");
	return scalar `psql -X -q -A -t -h 127.0.0.1 -p $ENV{PGPORT} -U postgres -d $db -f $ENV{DATADIR}/../catalog.sql 2>&1`;
}

my $digest = q{SELECT count(*), sum(value), count(DISTINCT (labels, time)) FROM mimir.samples('m', '-infinity', 'infinity')};
my $pushed = 0;
sub push_one
{
	my ($status, $body) = push_series([ map { my $s = $_; [ { __name__ => 'm', s => $s }, [ ($t0 + $pushed) * 1000, $s * 1000 + $pushed ] ] } 1 .. 50 ]);
	$pushed++ if $status =~ /^2/;
	return "$status $body";
}

push_one() for 1 .. 20;
sql('SELECT mimir.flush(); SELECT mimir.compact(true)');
push_one() for 1 .. 20;
sql('SELECT mimir.flush()');
push_one() for 1 .. 20;
my $before = sql($digest);
is($before, '3000|' . join('|', 60 * 1275 * 1000 + 50 * 1770, 3000), 'samples in a compacted block, a flushed one and the log');
is(sql("SET client_min_messages = warning; CREATE DATABASE fresh"), '', 'a new database');
system("psql -X -q -h 127.0.0.1 -p $ENV{PGPORT} -U postgres -d fresh -c 'SET client_min_messages = warning; CREATE EXTENSION mimir_pg' >/dev/null") == 0 or die;

# --- the older version -------------------------------------------------------------------------------------
is(sql("ALTER EXTENSION mimir_pg UPDATE TO '0.0'"), '', 'the older version is there');
ok(wait_until(sub { push_one() =~ /^503 .*extension mimir_pg has version 0.0, its library version \Q$version\E: run ALTER EXTENSION mimir_pg UPDATE/ }, 20),
	'it is noticed at once');
stop_cluster();
is(launch_cluster(), '', 'the server starts with the older catalog');
ok(wait_until(sub { (get('/ready'))[0] == 503 }, 30), 'it is not ready');
like(push_one(), qr/^503 .*run ALTER EXTENSION mimir_pg UPDATE/, 'pushes are refused, to be sent again');
like((get('/api/v1/query', [ [ query => 'm' ] ]))[1], qr/run ALTER EXTENSION mimir_pg UPDATE/, 'queries too');
like(sql($digest), qr/run ALTER EXTENSION mimir_pg UPDATE/, 'and in SQL');

# --- the update, with senders that try again ------------------------------------------------------------------
my $first = $pushed;
my $sender = background(sub {
	for (1 .. 20)
	{
		while (push_one() !~ /^2/) { sleep 0.1; }
	}
});
sleep 1;
is(sql('ALTER EXTENSION mimir_pg UPDATE'), '', 'it is updated');
ok(wait_ready(), 'the server is ready without a restart');
waitpid $sender, 0;
is($?, 0, 'the senders get through');
is(sql("$digest s WHERE time < to_timestamp($t0 + $first)"), $before, 'no sample is lost or doubled');
is(sql("SELECT count(*) FROM mimir.samples('m', '-infinity', 'infinity')"), 4000, 'and the new ones are there');
is(sql("SELECT extversion FROM pg_extension WHERE extname = 'mimir_pg'"), $version, 'the version');
my ($updated, $fresh) = (catalog_of('postgres'), catalog_of('fresh'));
cmp_ok(length $fresh, '>', 20000, 'there is much to compare');
is($updated, $fresh, 'the catalog is that of a new installation');

done_testing();
