# Blocks of promtool come in through Mimir's block-upload API, as mimirtool backfill sends them, and through
# mimir.import_tsdb(); what they hold is there to the bit, and goes out again.  Blocks that are not sound,
# paths that lead elsewhere, senders that go away, a server that ends in between.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use JSON::PP;
use MimirTest;
use Test::More;

my $dir = tempdir(CLEANUP => 1);
my $t0 = 1_700_000_000;
chmod 0777, $dir;

sub slurp { my $path = shift; open my $fh, '<', $path or die "$path: $!"; binmode $fh; local $/; return <$fh>; }
sub spew { my ($path, $text) = @_; open my $fh, '>', $path or die $!; binmode $fh; print $fh $text; close $fh; }

# --- blocks of promtool ------------------------------------------------------------------------------------
my $text = '';
for my $n (0 .. 19)
{
	$text .= "temp{room=\"$n\",house=\"a\"} " . ($n + $_ % 7 + 0.25) . ' ' . ($t0 + 60 * $_) . "\n" for 0 .. 599;
}
spew("$dir/in.om", "# TYPE temp gauge\n$text# EOF\n");
system("promtool tsdb create-blocks-from openmetrics $dir/in.om $dir/blocks >/dev/null 2>&1") == 0 or die;
mkdir "$dir/blocks/wal";
my @blocks = glob "$dir/blocks/01*";
cmp_ok(scalar @blocks, '>', 3, 'promtool made ' . @blocks . ' blocks');
my $dump = join "\n", sort split /\n/, `promtool tsdb dump $dir/blocks 2>/dev/null`;

start_cluster(MULTITENANCY => 'on');
sql("SELECT mimir.create_tenant(t) FROM unnest('{up,tsdb,off}'::text[]) t");
my $tenant = 'up';

sub api { my ($path, $body) = @_; return post("/api/v1/upload/block/$path", $body // '', "X-Scope-OrgID: $tenant"); }

sub check
{
	my ($status, $body) = get("/api/v1/upload/block/$_[0]/check", [], "X-Scope-OrgID: $tenant");
	return $status == 200 ? decode_json($body) : { result => $status };
}

# meta.json with the list of files, as mimirtool completes it
sub meta
{
	my ($block, $change) = @_;
	my $meta = decode_json(slurp("$block/meta.json"));
	my @files = map { { rel_path => $_, size_bytes => -s "$block/$_" } } 'index', map { s{^\Q$block\E/}{}r } glob "$block/chunks/*";

	$meta->{thanos} = { files => [ @files, { rel_path => 'meta.json' } ], labels => {}, downsample => { resolution => 0 }, version => 1 };
	$change->($meta) if $change;
	return JSON::PP->new->canonical->encode($meta);
}

sub send_block
{
	my ($block, $id) = @_;
	my ($status, $body) = api("$id/start", meta($block));

	return "start: $status $body" if $status != 200;
	for my $path ('index', map { s{^\Q$block\E/}{}r } glob "$block/chunks/*")
	{
		($status, $body) = api("$id/files?path=" . ($path =~ s{/}{%2F}r), slurp("$block/$path"));
		return "$path: $status $body" if $status != 200;
	}
	($status, $body) = api("$id/finish");
	return "finish: $status $body" if $status != 200;
	wait_until(sub { check($id)->{result} ne 'validating' }, 60);
	return check($id)->{result};
}

sub name { return $_[0] =~ s{.*/}{}r }

# What a tenant has, as promtool dumps it.
sub our_dump
{
	my $out = sql("SET mimir.tenant = '$_[0]'; SET extra_float_digits = 1; SELECT '{__name__=\"' || metric || '\", house=\"' || (labels ->> 'house')
		|| '\", room=\"' || (labels ->> 'room') || '\"} ' || value || ' ' || (extract(epoch FROM time) * 1000)::bigint FROM mimir.sample");
	return join "\n", sort split /\n/, $out;
}

# --- off by default ------------------------------------------------------------------------------------------
my $id = name($blocks[0]);
my ($status, $body) = api("$id/start", meta($blocks[0]));
is("$status $body", "400 block upload is disabled\n", 'off by default');
sql("INSERT INTO mimir.tenant_limits (tenant_id, compactor_block_upload_enabled) SELECT tenant_id, true FROM mimir.tenant WHERE name = 'up'");

# --- the usual way -------------------------------------------------------------------------------------------
is(check($id)->{result}, 404, 'a block that nobody began');
is((api("$id/files?path=index", 'x'))[0], 404, 'its files are not taken');
is((api("$id/finish"))[0], 404, 'nor is it finished');
is(send_block($_, name($_)), 'complete', 'block ' . name($_)) for @blocks;
is(our_dump('up'), $dump, 'all samples are there, equal to the bit');
($status, $body) = api("$id/start", meta($blocks[0]));
is("$status $body", "409 block already exists\n", 'a block is taken once');
is(sql('SELECT count(*) FROM mimir.block_upload'), 0, 'nothing is left in the table');
is(join(' ', glob "$ENV{DATADIR}/pgsql_tmp_mimir_upload/*/*"), '', 'nor in the folder');
sql('SELECT mimir.compact(true)');
is(our_dump('up'), $dump, 'and after compaction');

# --- from files of the server, and out again -----------------------------------------------------------------
system("chmod -R a+rX $dir");
is(sql("SET mimir.tenant = 'tsdb'; SELECT mimir.import_tsdb('$dir/blocks')"), 12000, 'mimir.import_tsdb');
is(our_dump('tsdb'), $dump, 'all samples are there');
mkdir "$dir/out";
chmod 0777, "$dir/out";
is(sql("SELECT mimir.export_tsdb('$dir/out', 'tsdb')"), 12000, 'mimir.export_tsdb');
mkdir "$dir/out/wal";
is(join("\n", sort split /\n/, `promtool tsdb dump $dir/out 2>/dev/null`), $dump, 'promtool reads the same samples');

# --- what is refused -----------------------------------------------------------------------------------------
my $new = '01HF7YAT00ZVEBN63PAGS10000';
my $block = $blocks[0];
for my $case ([ 'no meta.json' => 'nonsense', 400, qr/malformed request body/ ],
	[ 'no times' => meta($block, sub { $_[0]{maxTime} = $_[0]{minTime} }), 400, qr/invalid minTime\/maxTime/ ],
	[ 'the future' => meta($block, sub { $_[0]{maxTime} = 9e12 + 0 }), 400, qr/greater than the present/ ],
	[ 'other labels' => meta($block, sub { $_[0]{thanos}{labels} = { cluster => 'a' } }), 400, qr/unsupported external label: cluster/ ],
	[ 'downsampled' => meta($block, sub { $_[0]{thanos}{downsample}{resolution} = 300000 }), 400, qr/downsampled/ ],
	[ 'no files' => meta($block, sub { $_[0]{thanos}{files} = [] }), 400, qr/does not list the files/ ],
	[ 'a path upwards' => meta($block, sub { push @{ $_[0]{thanos}{files} }, { rel_path => '../index', size_bytes => 1 } }), 400, qr/invalid path/ ],
	[ 'a path from the root' => meta($block, sub { push @{ $_[0]{thanos}{files} }, { rel_path => '/etc/passwd', size_bytes => 1 } }), 400, qr/invalid path/ ],
	[ 'a negative size' => meta($block, sub { $_[0]{thanos}{files}[0]{size_bytes} = -1 }), 400, qr/size|malformed/ ],
	[ 'too large' => meta($block, sub { $_[0]{thanos}{files}[0]{size_bytes} = 1 << 40 }), 413, qr/maximum block size/ ])
{
	my ($name, $meta, $want, $like) = @$case;

	sql("UPDATE mimir.tenant_limits SET compactor_block_upload_max_block_size_bytes = CASE WHEN '$name' = 'too large' THEN 1000000000 END");
	($status, $body) = api("$new/start", $meta);
	is($status, $want, "$name: $want");
	like($body, $like, 'with the reason');
}
is((api('not-a-block/start', meta($block)))[0], 400, 'no ULID');
is((api('..%2F..%2Fbase/start', meta($block)))[0], 400, 'nor a path');
is((post("/api/v1/upload/block/$new/start", meta($block)))[0], 401, 'no tenant');
sql("UPDATE mimir.tenant_limits SET compactor_blocks_retention_period = '1 day'");
is((api("$new/start", meta($block)))[0], 422, 'older than the retention');
sql('UPDATE mimir.tenant_limits SET compactor_blocks_retention_period = NULL');

is((api("$new/start", meta($block)))[0], 200, 'a block is begun');
is(check($new)->{result}, 'uploading', 'and told to be');
for my $case ([ '' => qr/missing or invalid file path/ ], [ 'meta.json' => qr/meta.json is not allowed/ ],
	[ '../../global/pg_control' => qr/invalid path/ ], [ 'chunks/../../../PG_VERSION' => qr/invalid path/ ], [ '/etc/passwd' => qr/invalid path/ ],
	[ 'chunks/00000a' => qr/invalid path/ ], [ 'chunks/000001%00' => qr/invalid path|size/ ], [ 'tombstones' => qr/invalid path/ ],
	[ 'chunks/000099' => qr/unexpected file/ ], [ 'index' => qr/size doesn't match/ ])
{
	($status, $body) = api("$new/files?path=$case->[0]", 'x');
	is($status, 400, "file \"$case->[0]\" is refused");
	like($body, $case->[1], 'with the reason');
}
is((api("$new/files?path=index", 'path=meta.json&path=index'))[1], "file size doesn't match meta.json\n", 'a file is no form');
like((api("$new/files?path=index"))[1], qr/cannot be empty/, 'an empty file');
like((api("$new/finish"))[1], qr/file is missing: index/, 'a block is not finished without its files');
$tenant = 'off';
is((api("$new/files?path=index", slurp("$block/index")))[0], 400, 'another tenant has no part in it');
is(check($new)->{result}, 400, 'and is told nothing');
$tenant = 'up';

# --- blocks that are not sound -------------------------------------------------------------------------------
for my $case ([ 'index', 40 ], [ 'index', -60 ], [ 'chunks/000001', 0 ], [ 'chunks/000001', 30 ])
{
	my ($file, $at) = @$case;

	system("rm -rf $dir/bad; cp -r $block $dir/bad") == 0 or die;
	my $bytes = slurp("$dir/bad/$file");
	substr($bytes, $at, 1) = chr(ord(substr $bytes, $at, 1) ^ 0x41);
	spew("$dir/bad/$file", $bytes);
	is(send_block("$dir/bad", $new), 'failed', "a wrong byte in $file at $at");
	like(check($new)->{error}, qr/./, 'is told: ' . (check($new)->{error} // ''));
	is(our_dump('up'), $dump, 'nothing of it is stored');
}
is(send_block($block, $new), 'complete', 'the same block, sound, is taken after all');
is(our_dump('up'), $dump, 'samples that are there already are not doubled');

# --- tenants that are not there yet --------------------------------------------------------------------------
$tenant = 'first';
is((api("$new/start", meta($block)))[1], "block upload is disabled\n", 'a tenant that may not send blocks');
is(sql("SELECT count(*) FROM mimir.tenant WHERE name = 'first'"), 0, 'is not made');
sql("ALTER SYSTEM SET mimir.limits_compactor_block_upload_enabled = on");
sql('SELECT pg_reload_conf()');
ok(wait_until(sub { check($new)->{result} eq '404' }), 'the setting allows it to all');
is(send_block($block, $new), 'complete', 'then its first block makes it');
is(sql("SET mimir.tenant = 'first'; SELECT count(*) > 0 FROM mimir.sample"), 't', 'and is there');
$tenant = 'up';

# --- the server ends in between -------------------------------------------------------------------------------
my $other = '01HF7YAT00ZVEBN63PAGS10001';
my $gone = '01HF7YAT00ZVEBN63PAGS10002';
my $third = '01HF7YAT00ZVEBN63PAGS10003';
api("$other/start", meta($block));
api("$gone/start", meta($block));
my $folder = "$ENV{DATADIR}/pgsql_tmp_mimir_upload/" . sql("SELECT tenant_id FROM mimir.tenant WHERE name = 'up'");
kill_cluster();
system("cp -a $folder/$other $folder/$third; rm -rf $folder/$gone");
start_cluster();
is(check($other)->{result}, 'uploading', 'an upload outlives a crash');
ok(wait_until(sub { check($gone)->{result} eq '404' && !-e "$folder/$third" }, 30), 'folders and rows without each other are removed');
for my $path ('index', map { s{^\Q$block\E/}{}r } glob "$block/chunks/*")
{
	is((api("$other/files?path=$path", slurp("$block/$path")))[0], 200, "$path goes on");
}
is((api("$other/finish"))[0], 200, 'and is finished');
kill_cluster();
start_cluster();
ok(wait_until(sub { check($other)->{result} eq 'complete' }, 60), 'what was finished is imported after a crash');
is(our_dump('up'), $dump, 'no sample is lost or doubled');

done_testing();
