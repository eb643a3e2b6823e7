package Differential::Compare;

# Two replies of the query API: equal, or what the first difference is.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;

our @EXPORT_OK = qw(parse difference);

my $json = JSON::PP->new->utf8;

# { status, type, error, result => {...}, order => [...], annotations } of a reply.
sub parse
{
	my ($status, $body) = @_;
	my $reply = eval { $json->decode($body) };
	my %out = (status => $status, body => $body);

	return { %out, type => 'no JSON', error => $body } if !$reply;
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
		my $labels = labels_text($s->{metric});

		push @{ $out{series}{$labels} }, {
			values => $s->{values} || ($s->{value} ? [ $s->{value} ] : []),
			histograms => $s->{histograms} || ($s->{histogram} ? [ $s->{histogram} ] : []),
		};
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

	return '{' . join(', ', map { "$_=" . $json->allow_nonref->encode($labels->{$_}) } sort keys %$labels) . '}';
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

sub points_difference
{
	my ($kind, $ours, $theirs, $epsilon) = @_;
	my ($n, $m) = (scalar @$ours, scalar @$theirs);

	for my $i (0 .. ($n < $m ? $n : $m) - 1)
	{
		my ($t, $a) = @{ $ours->[$i] };
		my ($u, $b) = @{ $theirs->[$i] };
		my $found;

		return "$kind $i is at $t, not $u" if $t != $u;
		$found = ref $b ? histogram_difference($a, $b, $epsilon) : same_number($a, $b, $epsilon) ? undef : "$a, not $b";
		return "at $t: $found" if defined $found;
	}
	return $n == $m ? undef : "$n $kind, not $m";
}

# What differs first, or undef.  Options: epsilon, ordered (the order of series matters), annotations.
sub difference
{
	my ($ours, $theirs, %opt) = @_;

	for my $field ('status', 'type', 'error')
	{
		my ($a, $b) = map { $_->{$field} // '' } $ours, $theirs;
		return "$field: $a, not $b" if $a ne $b;
	}
	return undef if defined $ours->{error};
	for my $labels (sort keys %{ { %{ $ours->{series} || {} }, %{ $theirs->{series} || {} } } })
	{
		my ($a, $b) = map { $_->{series}{$labels} || [] } $ours, $theirs;

		return scalar(@$a) . " series $labels, not " . scalar(@$b) if @$a != @$b;
		for my $i (0 .. $#$a)
		{
			for my $kind ('values', 'histograms')
			{
				my $found = points_difference($kind, $a->[$i]{$kind} || [], $b->[$i]{$kind} || [], $opt{epsilon});
				return "$labels $found" if defined $found;
			}
		}
	}
	if ($opt{ordered})
	{
		my ($a, $b) = map { join ' ', @{ $_->{order} || [] } } $ours, $theirs;
		return "order of values $a, not $b" if $a ne $b;
	}
	return "annotations:\n$ours->{annotations}\nnot:\n$theirs->{annotations}" if $opt{annotations} && $ours->{annotations} ne $theirs->{annotations};
	return undef;
}

1;
