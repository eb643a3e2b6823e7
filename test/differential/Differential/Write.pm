package Differential::Write;

# Series as bodies of remote write 1.0, native histograms included.
#
# A series is { labels => {...}, points => [ [ms, value], ... ] }; a value is a number, a name of %special,
# or a histogram: { schema, sum, zero => [threshold, count], pos => {index => count}, neg => {...},
# custom => [bounds], hint => 0 .. 3, float => 1 }.

use strict;
use warnings;
no warnings 'portable';

use Exporter qw(import);
use MimirTest;

our @EXPORT_OK = qw(body);

# What no arithmetic makes the same everywhere: the bits.
my %special = (
	stale => 0x7ff0000000000002,
	nan => 0x7ff8000000000001,
	inf => 0x7ff0000000000000,
	-inf => 0xfff0000000000000,
	negzero => 0x8000000000000000,
	denormal => 1,
	max => 0x7fefffffffffffff,
);

sub double { my $v = shift; return exists $special{$v} ? pack('Q<', $special{$v}) : pack('d<', $v); }
sub varint { return MimirTest::varint(@_); }
sub field { return MimirTest::field(@_); }

sub zigzag
{
	my $v = shift;

	return varint($v < 0 ? -2 * $v - 1 : 2 * $v);
}

sub doubles { my ($n, @v) = @_; return @v ? field($n, join '', map { double($_) } @v) : ''; }

# Spans of a side; a gap of one bucket is bridged by an empty one, as clients do.
sub side
{
	my ($h, $buckets, $n_spans, $n_deltas, $n_counts) = @_;
	my @index = sort { $a <=> $b } keys %$buckets;
	my (@spans, @counts, $last);
	my $out = '';

	for my $i (@index)
	{
		if (defined $last && $i - $last <= 2)
		{
			push @counts, 0 if $i - $last == 2;
			$spans[-1][1] += $i - $last;
		}
		else
		{
			push @spans, [ defined $last ? $i - $last - 1 : $i, 1 ];
		}
		push @counts, $buckets->{$i};
		$last = $i;
	}
	$out .= field($n_spans, "\x08" . zigzag($_->[0]) . "\x10" . varint($_->[1])) for @spans;
	return $out . doubles($n_counts, @counts) if $h->{float};

	my $before = 0;
	my $deltas = '';
	for (@counts) { $deltas .= zigzag($_ - $before); $before = $_; }
	return $out . ($deltas eq '' ? '' : field($n_deltas, $deltas));
}

sub histogram
{
	my ($t, $h) = @_;
	my ($threshold, $zero) = @{ $h->{zero} || [ 0, 0 ] };
	my $count = $h->{count};
	my $out;

	if (!defined $count)
	{
		$count = $zero;
		$count += $_ for values %{ $h->{pos} || {} }, values %{ $h->{neg} || {} };
	}
	$out = $h->{float} ? "\x11" . double($count) : "\x08" . varint($count);
	$out .= "\x19" . double($h->{sum}) . "\x20" . zigzag($h->{schema}) . "\x29" . double($threshold);
	$out .= $h->{float} ? "\x39" . double($zero) : "\x30" . varint($zero);
	$out .= side($h, $h->{neg} || {}, 8, 9, 10) . side($h, $h->{pos} || {}, 11, 12, 13);
	$out .= "\x70" . varint($h->{hint} || 0) . "\x78" . varint($t);
	return $out . ($h->{custom} ? varint(16 << 3 | 2) . varint(8 * @{ $h->{custom} }) .
		join('', map { double($_) } @{ $h->{custom} }) : '');
}

# The points of $from <= t < $to of all series, compressed.  A receiver takes the floats of an entry
# before its histograms, so a series with both becomes an entry for each run of one kind.
sub body
{
	my ($series, $from, $to) = @_;
	my $out = '';

	for my $s (@$series)
	{
		my $labels = join '', map { field(1, field(1, $_) . field(2, $s->{labels}{$_})) } sort keys %{ $s->{labels} };
		my ($entry, $kind) = ('', '');

		for my $p (@{ $s->{points} })
		{
			my ($t, $v) = @$p;

			next if $t < $from || $t >= $to;
			if ($kind ne ref $v)
			{
				$out .= field(1, $labels . $entry) if $entry ne '';
				($entry, $kind) = ('', ref $v);
			}
			$entry .= ref $v ? field(4, histogram($t, $v)) : field(2, "\x09" . double($v) . "\x10" . varint($t));
		}
		$out .= field(1, $labels . $entry) if $entry ne '';
	}
	return MimirTest::snappy($out);
}

1;
