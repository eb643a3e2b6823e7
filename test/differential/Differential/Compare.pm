package Differential::Compare;

# Two replies of the query API: equal, or in what they differ.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;

our @EXPORT_OK = qw(parse differences same_number);

my $json = JSON::PP->new->utf8->allow_nonref;

# { status, type, error, series => {...}, order => [...], annotations, body } of a reply.  Options:
# relabel, a function that is given the labels of each series.
sub parse
{
	my ($status, $body, %opt) = @_;
	my $reply = eval { $json->decode($body) };
	my %out = (status => $status, body => $body);

	return { %out, type => 'no JSON', error => $body } if !ref $reply;
	return { %out, type => $reply->{errorType}, error => error_text($reply->{error}) } if $reply->{status} ne 'success';

	my $data = $reply->{data};
	$out{type} = $data->{resultType};
	$out{annotations} = join "\n", map { sort @{ $reply->{$_} || [] } } 'warnings', 'infos';
	if ($out{type} eq 'scalar' || $out{type} eq 'string')
	{
		$out{series}{''} = [ { values => [ $data->{result} ] } ];
		return \%out;
	}
	for my $s (@{ $data->{result} })
	{
		my %points = (
			values => $s->{values} || ($s->{value} ? [ $s->{value} ] : []),
			histograms => $s->{histograms} || ($s->{histogram} ? [ $s->{histogram} ] : []),
		);

		$opt{relabel}->($s->{metric}) if $opt{relabel};
		my $same = $out{series}{ labels_text($s->{metric}) } ||= [];
		if ($opt{relabel} && @$same) # made equal: one series now
		{
			push @{ $same->[0]{$_} }, @{ $points{$_} } for keys %points;
		}
		else
		{
			push @$same, \%points;
		}
		push @{ $out{order} }, $s->{value} ? $s->{value}[1] : 'histogram'; # equal ones may come in any order
	}
	return \%out;
}

# Which of the clashing series are named depends on the order of the storage.
sub error_text
{
	my $text = shift;

	$text =~ s/(on the (left|right) hand-side of the operation: )\[.*\](?=;many-to-many)/$1.../s;
	return $text;
}

sub labels_text
{
	my $labels = shift;

	return '{' . join(', ', map { "$_=" . $json->encode($labels->{$_}) } sort keys %$labels) . '}';
}

# Texts of numbers, equal or within $epsilon of the larger.
sub same_number
{
	my ($a, $b, $epsilon) = @_;

	return 1 if $a eq $b;
	return 0 if !$epsilon || "$a$b" =~ /[nN]/;
	my ($x, $y) = map { abs } $a, $b;
	return abs($a - $b) <= $epsilon * ($x > $y ? $x : $y);
}

# What the first difference of two histograms is, or undef.
sub histogram_difference
{
	my ($a, $b, $epsilon) = @_;
	my ($n, $m) = map { scalar @{ $_->{buckets} || [] } } $a, $b;

	for my $field ('count', 'sum')
	{
		return "$field $a->{$field}, not $b->{$field}" if !same_number($a->{$field}, $b->{$field}, $epsilon);
	}
	return "$n buckets, not $m" if $n != $m;
	for my $i (0 .. $n - 1)
	{
		my ($x, $y) = map { $_->{buckets}[$i] } $a, $b;

		for my $k (0 .. 3)
		{
			return "bucket $i is [@$x], not [@$y]" if !same_number($x->[$k], $y->[$k], $k == 3 ? $epsilon : 0);
		}
	}
	return undef;
}

sub show { my $v = shift; return !defined $v ? 'nothing' : ref $v ? "histogram of $v->{count}" : $v; }

# Differences between two series of one label set, by time: a value or histogram may be on one side only.
sub point_differences
{
	my ($labels, $ours, $theirs, $epsilon) = @_;
	my @found;

	for my $kind ('values', 'histograms')
	{
		my ($a, $b) = map { my %at = map { $_->[0] => $_->[1] } @{ $_->{$kind} || [] }; \%at } $ours, $theirs;

		for my $t (sort { $a <=> $b } keys %{ { %$a, %$b } })
		{
			my ($x, $y) = ($a->{$t}, $b->{$t});
			my $how;

			if (!defined $x || !defined $y) { $how = show($x) . ', not ' . show($y); }
			elsif (ref $y) { $how = histogram_difference($x, $y, $epsilon); }
			elsif (!same_number($x, $y, $epsilon)) { $how = "$x, not $y"; }
			push @found, { kind => 'point', labels => $labels, t => $t, ours => $x, theirs => $y, text => "$labels at $t: $how" } if defined $how;
		}
	}
	return @found;
}

# All differences: { kind, text, ... } of kind reply (status, errors, type), series (how often a label set
# is there), point (labels, t, and the values of either side, undef where there is none), order, annotations.
# Options: epsilon, ordered (the order of series matters), annotations.
sub differences
{
	my ($ours, $theirs, %opt) = @_;
	my @found;

	for my $field ('status', 'type', 'error')
	{
		my ($a, $b) = map { $_->{$field} // '' } $ours, $theirs;
		return { kind => 'reply', text => "$field: $a, not $b" } if $a ne $b;
	}
	return () if defined $ours->{error};
	for my $labels (sort keys %{ { %{ $ours->{series} || {} }, %{ $theirs->{series} || {} } } })
	{
		my ($a, $b) = map { $_->{series}{$labels} || [] } $ours, $theirs;

		my $several = @$a > 1 || @$b > 1;

		if ($several && @$a != @$b)
		{
			push @found, { kind => 'series', text => scalar(@$a) . " series $labels, not " . scalar(@$b) };
			next;
		}
		push @found, point_differences($labels, $a->[$_] || {}, $b->[$_] || {}, $opt{epsilon}) for 0 .. ($several ? $#$a : 0);
	}
	if ($opt{ordered})
	{
		my ($a, $b) = map { $_->{order} || [] } $ours, $theirs;
		my $wrong = !@found && grep { !same_number($a->[$_], $b->[$_], $opt{epsilon}) } 0 .. $#$a;
		push @found, { kind => 'order', text => "order of values @$a, not @$b" } if $wrong;
	}
	if ($opt{annotations} && $ours->{annotations} ne $theirs->{annotations})
	{
		push @found, { kind => 'annotations', text => "annotations:\n$ours->{annotations}\nnot:\n$theirs->{annotations}" };
	}
	return @found;
}

1;
