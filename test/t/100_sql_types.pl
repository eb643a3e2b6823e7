# SQL types over real data: native histograms and odd labels as chunks and samples, dump and restore,
# binary COPY, and bytes from outside that are no value of a type.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MimirTest;
use Test::More;

sub zigzag { my $v = shift; return $v >= 0 ? 2 * $v : -2 * $v - 1; }
sub number { my ($n, $v) = @_; return MimirTest::varint($n << 3) . MimirTest::varint($v); }
sub double { my ($n, $v) = @_; return MimirTest::varint($n << 3 | 1) . pack('d<', $v); }
sub stale { my $n = shift; return MimirTest::varint($n << 3 | 1) . "\x02\0\0\0\0\0\xf0\x7f"; }
sub span { my ($n, $offset, $length) = @_; return MimirTest::field($n, number(1, zigzag($offset)) . number(2, $length)); }

# A WriteRequest of one series with histograms in protobuf.
sub histogram_request
{
	my ($labels, @histograms) = @_;
	my $ts = '';

	$ts .= MimirTest::field(1, MimirTest::field(1, $_) . MimirTest::field(2, $labels->{$_})) for sort keys %$labels;
	$ts .= MimirTest::field(4, $_) for @histograms;
	return MimirTest::field(1, $ts);
}

sub push_histograms
{
	return post('/api/v1/push', snappy(histogram_request(@_)), 'Content-Encoding: snappy',
		'Content-Type: application/x-protobuf');
}

start_cluster();
my $t = 1775001600000; # 2026-04-01
my $dir = tempdir('mimir_types.XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $dir;

# --- native histograms ----------------------------------------------------------------------------
# integer: buckets as deltas; two spans with a gap; then a counter that went on, then a stale marker
sub integer
{
	my ($count, $sum, $deltas, $ms) = @_;

	return number(1, $count) . double(3, $sum) . number(4, zigzag(1)) . double(5, 0.001) . number(6, 1)
	  . span(11, -2, 1) . span(11, 3, 1)
	  . MimirTest::field(12, join '', map { MimirTest::varint(zigzag($_)) } @$deltas)
	  . number(15, $ms);
}
my ($status, $body) = push_histograms({ __name__ => 'h_int', job => 'a' },
	integer(6, 9.5, [ 1, 3 ], $t), integer(9, 20, [ 2, 4 ], $t + 15000),
	number(1, 0) . stale(3) . number(15, $t + 30000));
is($status, 200, 'integer histograms are taken') or diag $body;
# float, with custom bounds
($status, $body) = push_histograms({ __name__ => 'h_float', job => 'a' },
	double(2, 6) . double(3, 20) . number(4, zigzag(-53)) . double(7, 0) . span(11, 0, 3)
	  . MimirTest::field(13, pack('d<*', 1, 2, 3)) . number(15, $t) . MimirTest::field(16, pack('d<*', 1, 2.5, 5)));
is($status, 200, 'float histograms are taken') or diag $body;
($status, $body) = push_series([ [ { __name__ => 'odd', 'x' => "a\0b", 'y' => "\xef\xbf\xbd" }, [ $t, 1 ] ] ]);
is($status, 200, 'a label with a null character is taken') or diag $body;

my $chunks = q{SELECT metric, encoding, count, mimir.chunk_count(chunk) FROM mimir.chunk_list ORDER BY metric, min_time};
my $samples = q{SET timezone = 'UTC'; SELECT metric, extract(epoch FROM s.time)::bigint - 1775001600, s.value, s.histogram
  FROM mimir.chunk_list, mimir.samples(chunk) s ORDER BY 1, 2};
my $want_chunks = "h_float|float_histogram|1|1\nh_int|histogram|3|3\nodd|xor|1|1";
my $want_samples = join "\n",
  'h_float|0||{{schema:-53 count:6 sum:20 custom_values:[1 2.5 5] buckets:[1 2 3]}}',
  'h_int|0||{{kind:integer schema:1 count:6 sum:9.5 z_bucket:1 z_bucket_w:0.001 offset:-2 buckets:[1 _x3 4]}}',
  'h_int|15||{{kind:integer schema:1 count:9 sum:20 z_bucket:1 z_bucket_w:0.001 counter_reset_hint:not_reset offset:-2 buckets:[2 _x3 6]}}',
  'h_int|30||{{kind:integer sum:stale}}', 'odd|0|1|';
is(sql($chunks), $want_chunks, 'open chunks of the head are shown as chunks');
is(sql($samples), $want_samples, 'with their samples');
sql('SELECT mimir.flush()');
is(sql($chunks), $want_chunks, 'flushed chunks too');
is(sql($samples), $want_samples, 'with the same samples');
is(sql(q{SELECT round(mimir.histogram_quantile(0.5, histogram)::numeric, 6) = round((SELECT value FROM mimir.promql_query('histogram_quantile(0.5, h_int)', '2026-04-01 00:00:20+00'))::numeric, 6)
  FROM mimir.chunk_list, mimir.samples(chunk) WHERE metric = 'h_int' AND time = '2026-04-01 00:00:15+00'}), 't', 'a quantile is the one of PromQL');
is(sql(q{SELECT count(histogram), count(value), min(histogram ->> 'count'), max(histogram ->> 'count') FROM mimir.sample WHERE metric = 'h_int'}), '3|0|0|9', 'samples have the histograms as JSON');

# --- labels that text and JSON cannot show ------------------------------------------------------------
is(sql(q{SELECT labels FROM mimir.chunk_list WHERE metric = 'odd'}), "odd{x=\"a\\x00b\", y=\"\xef\xbf\xbd\"}", 'a null character in the text form');
is(sql(q{SELECT labels ->> 'x' = E'a\ufffdb', labels ->> 'y' = E'\ufffd' FROM mimir.sample WHERE metric = 'odd'}), 't|t', 'JSON shows U+FFFD for it');
is(sql(q{SELECT count(*) FROM mimir.sample WHERE labels ->> 'x' = E'a\ufffdb'}), '1', 'and a condition on what is shown finds it');
is(sql(q{SELECT count(*) FROM mimir.sample WHERE labels @> '{"x": "a\ufffdb"}' AND labels ->> 'y' <> 'z'}), '1', 'a JSON condition too');
is(sql(q{SELECT count(*) FROM mimir.chunk_list WHERE mimir.labels_contains(labels, '{x="a\x00b"}')}), '1', 'and the label itself');

# --- dump and restore -----------------------------------------------------------------------------------
sql(q{CREATE TABLE kept (id int PRIMARY KEY, l mimir.labels, s mimir.selector, c mimir.chunk, h mimir.histogram);
  CREATE INDEX kept_l ON kept USING gin (l);
  CREATE UNIQUE INDEX kept_c ON kept (c, l);
  INSERT INTO kept SELECT row_number() OVER (ORDER BY metric), labels, mimir.make_selector(metric, '{}'), chunk, (SELECT histogram FROM mimir.samples(chunk) LIMIT 1) FROM mimir.chunk_list;
  INSERT INTO kept SELECT 100 + i, format('m{i="%s", "odd name"="\x00\n\\\\"}', i)::mimir.labels, 'm{i=~"[0-9]+"}',
    (SELECT mimir.chunk_agg('2026-01-01'::timestamptz + k * interval '15 s', CASE WHEN k % 7 = 0 THEN 'NaN' ELSE k * i / 7.0 END) FROM generate_series(0, 119) k), '{{count:1 sum:0.1 buckets:[1]}}'
    FROM generate_series(1, 50) i;
  INSERT INTO kept VALUES (999)});
my $digest = q{SELECT count(*), md5(string_agg(concat_ws('|', id, mimir.labels_send(l), mimir.selector_send(s), mimir.chunk_send(c), mimir.histogram_send(h)), ',' ORDER BY id)) FROM kept};
my $before = sql($digest);
like($before, qr/^54\|[0-9a-f]{32}$/, 'a table with all types');
chomp(my $bin = `\${PG_CONFIG:-pg_config} --bindir`);
my @server = ('-h', '127.0.0.1', '-p', $ENV{PGPORT}, '-U', 'postgres');
for my $mode ('--table=kept', '--table=kept --inserts')
{
	is(system("$bin/pg_dump @server $mode -f $dir/dump.sql postgres"), 0, "pg_dump $mode");
	sql('DROP TABLE kept');
	is(system("$bin/psql @server -X -q -v ON_ERROR_STOP=1 -o $dir/out -f $dir/dump.sql postgres"), 0, 'is restored');
	is(sql($digest), $before, 'to the same bytes');
}
is(sql(q{SET enable_seqscan = off; SELECT count(*) FROM kept WHERE l OPERATOR(mimir.@>) 'm{i="7"}'}), '1', 'its index works');
sql("\\copy kept TO '$dir/kept.bin' WITH (FORMAT binary)");
sql('CREATE TABLE copied (LIKE kept)');
sql("\\copy copied FROM '$dir/kept.bin' WITH (FORMAT binary)");
is(sql($digest =~ s/kept/copied/r), $before, 'a binary copy too');

# --- hostile bytes -----------------------------------------------------------------------------------------
# A binary COPY of one field.
sub copy_field
{
	my ($type, $bytes) = @_;
	open my $fh, '>', "$dir/field.bin" or die $!;

	binmode $fh;
	print $fh "PGCOPY\n\377\r\n\0", pack('N N', 0, 0), pack('n N', 1, length $bytes), $bytes, pack('n', 0xffff);
	close $fh;
	return sql("\\set VERBOSITY verbose\nCREATE TEMP TABLE f (v mimir.$type);\n\\copy f FROM '$dir/field.bin' WITH (FORMAT binary)\nSELECT 'taken ' || count(*) FROM f;");
}
is(copy_field('labels', "\3job\1a"), 'taken 1', 'well-formed bytes are taken');
for my $case ([ 'labels', "\3job", '22P03' ], [ 'labels', "\1b\1x\1a\1x", '22P03' ], [ 'labels', "\1a\0", '22P03' ], [ 'labels', "\1a\1\xff", '22P03' ], [ 'labels', "\xff\1\0\0x\1y", '22P03' ],
	[ 'selector', 'up{', '22P03' ], [ 'selector', "up\xff", '22021' ], [ 'histogram', '', '22P03' ], [ 'histogram', "\x80" . "\0" x 20, '22P03' ], [ 'histogram', "\0" x 9 . "\xff" x 9 . "\x01", '22P03' ],
	[ 'chunk', '', 'XX001' ], [ 'chunk', "\1\0", 'XX001' ], [ 'chunk', "\1\0\5abc", 'XX001' ], [ 'chunk', "\2\0\1\0" . "\xff" x 30, 'XX001' ], [ 'chunk', "\3\xff\xff\0" . "\xff" x 30, 'XX001' ], [ 'chunk', "\7\0\0\0", 'XX001' ])
{
	my ($type, $bytes, $state) = @$case;
	my $shown = join ' ', map { sprintf '%02x', ord } split //, substr($bytes, 0, 12);

	like(copy_field($type, $bytes), qr/ERROR:  $state: /, "$type $shown");
}
# bytes turned at random: refused or taken, and what is taken can be used
srand 7;
my $good = pack 'H*', '01000580f0cbf283650000000000000000e0d403c26c0250011b03ad237a';
my ($taken, $refused, $other) = (0, 0, 0);
for (1 .. 40)
{
	my $bytes = $good;
	substr($bytes, 3 + rand(length($bytes) - 3), 1) = chr rand 256 for 1 .. 3;
	my $out = copy_field('chunk', $bytes);
	if ($out eq 'taken 1') { $taken++ }
	elsif ($out =~ /^\S*:?.*ERROR:  XX001: chunk is corrupt/) { $refused++ }
	else { $other++; diag $out }
}
is($other, 0, "spoiled chunks: $taken taken, $refused refused");
is(sql('SELECT count(*) FROM kept'), '54', 'the server lives');

done_testing();
