package Differential::Rules;

# Where Prometheus is known to answer otherwise, and how much.  README.md explains each rule.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(epsilon excuse as_now);

# Go's mathematical functions and the C library's differ in the last place.
my $LIBM = qr/\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2|histogram_(quantile|fraction|stddev|stdvar))\b|\^/;
# The result depends on the order in which series are added up, which in a range query is that of a
# hash table after functions and operators.
my $ORDER = qr/\b(stddev|stdvar)\b/;
my $RANGE_ORDER = qr/\b(sum|avg)\b/;
# Sums of histograms have been compensated only since 3.8.
my $HISTOGRAM_SUM = qr/\b(sum|avg|sum_over_time|avg_over_time)\b.*\bnh/;

# The relative difference that a query's values may have.
sub epsilon
{
	my ($q, $version) = @_;

	return 1e-9 if $q->{text} =~ $LIBM;
	return 1e-12 if $q->{path} eq 'query_range' && $q->{text} =~ $RANGE_ORDER;
	return 1e-12 if $q->{text} =~ $ORDER || $q->{text} =~ $HISTOGRAM_SUM;
	return 0;
}

# Replies of earlier versions of Prometheus 3 in the words of 3.14.
sub as_now
{
	my ($reply, $version) = @_;

	if (defined $reply->{error})
	{
		$reply->{error} =~ s/(?<=expected )number or duration$/number, duration, step(), or range()/;
		$reply->{error} =~ s/in subquery selector(?=, expected number)/in subquery or range selector/;
		$reply->{error} =~ s/"<Item \d+>" //;
	}
	return if !defined $reply->{annotations};

	my %seen;
	$reply->{annotations} = join "\n", grep { my $text = $_; $text =~ s/ \(\d+:\d+\)$//; !$seen{$text}++ } map {
		s/ for metric name "[^"]*"(?= \(\d)// if /bucket label|needed to be fixed/;
		s/, from buckets .*(?= \(\d)//;
		s/has NaN observations.*?(,[^"]*?)?( for metric name "[^"]*")? \(\d+:\d+\)/has NaN observations$1/;
		$_
	} grep { !/sort is ineffective|counter resets during histogram aggregation/ } split /\n/, $reply->{annotations};
}

# Values of an instant vector or of each step, whatever their labels.
sub values_by_time
{
	my $reply = shift;
	my %at;

	for my $series (map { @$_ } values %{ $reply->{series} || {} })
	{
		push @{ $at{ $_->[0] } }, $_->[1] for @{ $series->{values} || [] };
	}
	return join ';', map { "$_: " . join ' ', sort @{ $at{$_} } } sort keys %at;
}

# The name of the rule by which a difference is right, or undef.
sub excuse
{
	my ($q, $version, $ours, $theirs) = @_;
	my ($error, $their_error) = map { $_->{error} // '' } $ours, $theirs;
	my $text = $q->{text};

	return undef if $ours->{status} !~ /^(200|400|422)$/;
	return 'order of series before a choice' if $text =~ /^\(?(topk|bottomk)\b/ && values_by_time($ours) eq values_by_time($theirs);
	return 'order of series before a choice' if $text =~ /(topk|bottomk|limitk)/ && ($q->{path} eq 'query_range' || $text =~ /info\(|histogram_(quantile|fraction)|count_values/);
	return 'numbers as labels' if $text =~ /count_values/ && $text =~ $LIBM;
	return 'sign of zero among equals' if $text =~ /quantile/ && $ours->{body} =~ s/"-0"/"0"/gr eq $theirs->{body} =~ s/"-0"/"0"/gr;
	if ($version >= 3)
	{
		return 'not a number as a parameter' if $error =~ /value is NaN/ && ($their_error eq '' || $their_error =~ /NaN (overflows|is NaN)/);
		return 'fraction of classic buckets' if $text =~ /histogram_fraction/ && $theirs->{body} =~ /"NaN"/;
		return 'custom bounds reconciled' if $text =~ /nhcb/ && $text =~ /[-+]|sum|avg|rate|increase|delta/;
		return 'info without identifying labels' if $text =~ /info\(.*__name__=/;
		return 'rate of histograms that began in the range' if $text =~ /(rate|increase)\(.*nh/;
		return 'which of many annotations' if ($ours->{annotations} // '') =~ /omitted/ && ($theirs->{annotations} // '') =~ /omitted/;
		return 'mean of infinite histograms' if $text =~ /avg.*nh_odd/ && $ours->{body} =~ /"sum":"[-+]Inf"/;
		return 'terms after an offset' if $text =~ /offset -?\(/;
		return 'calls of start and end' if $text =~ /\b(start|end)\(\)/ && $their_error =~ /unexpected "\("/;
	}
	return undef;
}

1;
