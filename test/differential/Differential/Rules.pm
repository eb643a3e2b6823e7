package Differential::Rules;

# Where Prometheus is known to answer otherwise, and how much.  README.md explains each rule.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(epsilon excuse as_now);

# Go's mathematical functions and the C library's differ in the last place.
my $LIBM = qr/\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2|histogram_(quantile|fraction|stddev|stdvar))\b|\^/;
# The result depends on the order in which series are added up.
my $ORDER = qr/\b(stddev|stdvar)\b/;
# Sums of histograms have been compensated only since 3.8.
my $HISTOGRAM_SUM = qr/\b(sum|avg|sum_over_time|avg_over_time)\b.*\bnh/;

# The relative difference that a query's values may have.
sub epsilon
{
	my ($q, $version) = @_;

	return 1e-9 if $q->{text} =~ $LIBM;
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
	} grep { !/sort is ineffective/ } split /\n/, $reply->{annotations};
}

# The name of the rule by which a difference is right, or undef.
sub excuse
{
	my ($q, $version, $ours, $theirs) = @_;
	my ($error, $their_error) = map { $_->{error} // '' } $ours, $theirs;

	if ($version >= 3)
	{
		return 'not a number as a parameter' if $error =~ /value is NaN/ && ($their_error eq '' || $their_error =~ /NaN overflows/);
		return 'fraction of classic buckets' if $q->{text} =~ /histogram_fraction/ && $theirs->{body} =~ /"NaN"/;
		return 'custom bounds reconciled' if $q->{text} =~ /nhcb/ && $q->{text} =~ /[-+]|sum|avg|rate|increase|delta/;
		return 'info without identifying labels' if $q->{text} =~ /info\(.*__name__=/;
		return 'order of the results of info' if $q->{text} =~ /(topk|bottomk|limitk).*info\(/;
		return 'rate of histograms that began in the range' if $q->{text} =~ /(rate|increase)\(.*nh/;
		return 'which of many annotations' if ($ours->{annotations} // '') =~ /omitted/ && ($theirs->{annotations} // '') =~ /omitted/;
	}
	return undef;
}

1;
