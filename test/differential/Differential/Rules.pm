package Differential::Rules;

# Where Prometheus is known to answer otherwise.  README.md explains each rule.
#
# A reply of an earlier version is first put into today's words (as_now).  What then still differs must be
# explained by one rule, and a rule looks at every difference: it names the version that answers as we do,
# and says of each point what the difference may be.

use strict;
use warnings;

use Differential::Compare qw(parse differences same_number);
use Exporter qw(import);

our @EXPORT_OK = qw(epsilon excuse as_now @RULES);

# Go's mathematical functions and the C library's differ in the last place.
my $LIBM = qr/\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2|histogram_(quantile|fraction|stddev|stdvar))\b|\^/;
# The result depends on the order in which series are added up, which in a range query is that of a
# hash table after functions and operators.
my $ORDER = qr/\b(stddev|stdvar)\b/;
my $RANGE_ORDER = qr/\b(sum|avg)\b/;
# Sums of histograms have been compensated only since 3.8.
my $HISTOGRAM_SUM = qr/\b(sum|avg|sum_over_time|avg_over_time)\b.*\bnh/;
# Before 3.0 sums are not compensated, and a rate's histogram is scaled bucket by bucket.
my $SUM_2 = qr{\b(sum|avg)\b|\bavg_over_time\b|\b(rate|increase)\b.*\bnh};

# The relative difference that a query's values may have.
sub epsilon
{
	my ($q, $version) = @_;

	return 1e-6 if $q->{text} =~ /(stddev|stdvar).*(time|ts_of)/; # large, and nearly the same
	return 1e-9 if $q->{text} =~ $LIBM;
	return 1e-12 if $q->{path} eq 'query_range' && $q->{text} =~ $RANGE_ORDER;
	return 1e-12 if $q->{text} =~ $ORDER || $q->{text} =~ $HISTOGRAM_SUM;
	return 1e-12 if $version < 3 && $q->{text} =~ $SUM_2;
	return 0;
}

# Errors that were worded otherwise, [version that speaks as we do, from, to].
my @WORDS = (
	[ 3, qr/^(?=(\d+:\d+|unknown position): parse error|invalid expression type)/, 'invalid parameter "query": ' ],
	[ 3, qr/1:1(?=: parse error: no expression found in input)/, 'unknown position' ],
	[ 3, qr/(?<=expected )duration$/, 'number, duration, step(), or range()' ],
	[ 3, qr/\)\$`$/, '`' ],
	[ 3.014, qr/(?<=expected )number or duration$/, 'number, duration, step(), or range()' ],
	[ 3.014, qr/(?<=expected )number or duration or "\]"$/, 'number, duration, step(), range(), or "]"' ],
	[ 3.014, qr/in subquery selector(?=, expected number)/, 'in subquery or range selector' ],
	[ 3.014, qr/"<Item \d+>" /, '' ],
	[ 3.014, qr/^Scalar value NaN overflows int64$/, 'Parameter value is NaN' ],
	[ 3.014, qr/^Ratio value NaN is NaN$/, 'Ratio value is NaN' ],
);

# Replies of earlier versions in the words of 3.14, and of both sides what either of them does not say.
sub as_now
{
	my ($reply, $version) = @_;

	if (defined $reply->{error})
	{
		for (@WORDS)
		{
			my ($since, $from, $to) = @$_;
			$reply->{error} =~ s/$from/$to/ if $version < $since;
		}
	}
	return if !defined $reply->{annotations};

	my %seen;
	$reply->{annotations} = join "\n", sort grep { !$seen{$_}++ } map {
		s/, from buckets .*(?= \(\d)//;
		s/ for metric name "[^"]*"(?= \(\d)// if /bucket label|needed to be fixed/;
		s/has NaN observations.*?(,[^"]*?)?( for metric name "[^"]*")? \(\d+:\d+\)/has NaN observations$1/;
		$_
	} grep { !/sort is ineffective|counter resets during histogram aggregation/ } split /\n/, $reply->{annotations};
}

# --- what rules ask -------------------------------------------------------------------------------

sub all_points
{
	my ($c, $test) = @_;

	return @{ $c->{found} } > 0 && !grep { $_->{kind} ne 'point' || !$test->($_) } @{ $c->{found} };
}

sub only { my ($c, $kind) = @_; return !grep { $_->{kind} ne $kind } @{ $c->{found} }; }
sub is_number { my $v = shift; return defined $v && !ref $v && $v !~ /[nN]/; }

# Do the replies agree when each series' labels have been changed so?
sub same_but_labels
{
	my ($c, $relabel) = @_;
	my ($ours, $theirs) = map { parse($_->{status}, $_->{body}, relabel => $relabel) } $c->{ours}, $c->{theirs};

	return !differences($ours, $theirs, epsilon => 1e-9);
}

# A name may have become part of another label.
sub without_name
{
	my $labels = shift;
	my $name = delete $labels->{__name__};

	$labels->{new} =~ s/\Q$name\E$// if defined $name && defined $labels->{new};
}

# What they say when asked again and again.
sub other_answers
{
	my $c = shift;

	$c->{others} ||= [ map { $c->{again}->() } 1 .. 24 ];
	return @{ $c->{others} };
}

# Values of an instant vector or of each step, whatever their labels; with a format, as it makes them.
sub values_by_time
{
	my ($reply, $format) = @_;
	my %at;

	for my $series (map { @$_ } values %{ $reply->{series} || {} })
	{
		push @{ $at{ $_->[0] } }, $format && is_number($_->[1]) ? sprintf($format, $_->[1]) : $_->[1] for @{ $series->{values} || [] };
	}
	return join ';', map { "$_: " . join ' ', sort @{ $at{$_} } } sort keys %at;
}

# Calls of these functions in a text, arguments and all.
sub calls
{
	my ($text, $functions) = @_;
	my @found;

	while ($text =~ /\b(?=(?:$functions)\s*\()/g)
	{
		push @found, $1 if substr($text, pos $text) =~ /^(\w+\s*(\((?:[^()"]++|"(?:[^"\\]|\\.)*"|(?2))*\)))/;
	}
	return @found;
}

# A rate is theirs/ours times as large, the same for all of a histogram, if extrapolation towards zero went
# past the threshold of which README.md tells: by at most 0.6 of an interval, of which there is at least one.
sub extrapolated_further
{
	my $point = shift;
	my ($x, $y) = @$point{ 'ours', 'theirs' };

	return 0 if !defined $x || !defined $y;
	if (ref $x)
	{
		my $ratio = $x->{count} != 0 ? $y->{count} / $x->{count} : 0;
		my @pairs = ([ $x->{sum}, $y->{sum} ], map { [ $x->{buckets}[$_][3], $y->{buckets}[$_][3] ] } 0 .. $#{ $x->{buckets} || [] });

		return $ratio > 1 && $ratio < 1.6 && @{ $x->{buckets} || [] } == @{ $y->{buckets} || [] } &&
			!grep { "@$_" =~ /[nN]/ ? $_->[0] ne $_->[1] : !same_number($_->[0] * $ratio, $_->[1], 1e-9) } @pairs;
	}
	return is_number($x) && is_number($y) && $x > 0 && $y / $x > 1 && $y / $x < 1.6;
}

# Is the query a call of these functions whose every differing point passes the test, or made of such?  Calls
# below a subquery are asked over all of the data.
sub call_rule
{
	my ($c, $functions, $metrics, $test) = @_;
	my @inner = grep { /$metrics/ && !/.\b(?:$functions)\(/ } calls($c->{q}{text}, $functions); # none in another
	my $found = 0;

	for my $call (@inner)
	{
		my @found = differences($c->{ask}->($call, $c->{q}{tags}{subquery}), epsilon => 1e-9);
		return 0 if grep { $_->{kind} ne 'point' || !$test->($_) } @found;
		$found += @found;
	}
	return $found > 0;
}

# --- the rules: [name, version that answers as we do or undef for none, test] --------------------------

our @RULES = (
	[ 'one of its answers', undef, sub {
		my $c = shift;
		return scalar grep { !differences($c->{ours}, $_, %{ $c->{how} }) } other_answers($c);
	} ],
	[ 'choice among equals', undef, sub {
		my $c = shift;
		my $text = $c->{q}{text};

		return 0 if $text !~ /\b(topk|bottomk|limitk)\b/ || grep { $_->{kind} eq 'reply' } @{ $c->{found} };
		return 1 if $text =~ /^\(?(topk|bottomk)\b/ && values_by_time($c->{ours}) eq values_by_time($c->{theirs});
		return grep { differences($c->{theirs}, $_, epsilon => $c->{how}{epsilon}) } other_answers($c);
	} ],
	[ 'numbers as labels', undef, sub {
		my $c = shift;
		return $c->{q}{text} =~ /count_values/ && epsilon($c->{q}, $c->{version}) > 0 &&
			same_but_labels($c, sub { my $labels = shift; s/^(-?\d+\.\d{6,})$/sprintf '%.9g', $1/e for values %$labels; });
	} ],
	[ 'sign of zero among equals', undef, sub {
		my $c = shift;
		return $c->{q}{text} =~ /quantile/ && all_points($c, sub { join(' ', sort map { $_ // '' } @{ $_[0] }{ 'ours', 'theirs' }) eq '-0 0' });
	} ],
	[ 'which of many annotations', undef, sub {
		my $c = shift;
		return only($c, 'annotations') && $c->{ours}{annotations} =~ /omitted/ && $c->{theirs}{annotations} =~ /omitted/;
	} ],
	[ 'parameter for no series', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\b(topk|bottomk|limitk|limit_ratio)\b/ && ($c->{ours}{error} // '') =~ /^(Parameter|Ratio|Scalar) value/ &&
			$c->{theirs}{status} == 200;
	} ],
	[ 'fraction of one classic bucket', 3.014, sub {
		return call_rule($_[0], 'histogram_fraction', '.', sub { ($_[0]{theirs} // '') eq 'NaN' });
	} ],
	[ 'custom bounds reconciled', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\bnhcb\b/ && ($c->{theirs}{annotations} // '') =~ /incompatible custom buckets/;
	} ],
	[ 'buckets at the root', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /^histogram_(count|sum|avg)\(/ && !differences($c->{ask}->("($c->{q}{text})"), %{ $c->{how} });
	} ],
	[ 'kinds without buckets', 3.014, sub {
		my $c = shift;
		my $fewer = join "\n", grep { !/mix of histograms with exponential and custom/ } split /\n/, $c->{ours}{annotations} // '';
		return $c->{q}{text} =~ /histogram_(count|sum|avg)\(.*nhcb/ && only($c, 'annotations') && $fewer eq $c->{theirs}{annotations};
	} ],
	[ 'info without a match', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\binfo\(.*, \{/ && all_points($c, sub { !defined $_[0]{theirs} });
	} ],
	[ 'time of info labels', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\binfo\(/ && ($c->{q}{path} eq 'query_range' || $c->{q}{text} =~ /@|offset|:/) && only($c, 'point') &&
			values_by_time($c->{ours}, '%.9g') eq values_by_time($c->{theirs}, '%.9g');
	} ],
	[ 'duplicates among info series', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\binfo\(/ && ($c->{theirs}{error} // '') =~ /^found duplicate series for info metric \w+$/ && $c->{ours}{status} == 200;
	} ],
	[ 'NaN among deviations', 3.014, sub {
		return call_rule($_[0], 'mad_over_time', '.', sub { ($_[0]{ours} // '') eq 'NaN' && is_number($_[0]{theirs}) });
	} ],
	[ 'matches before a comparison', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /[=!]=|[<>]/ && ($c->{ours}{error} // '') =~ /^multiple matches for labels: / && $c->{theirs}{status} == 200;
	} ],
	[ 'which of two errors', undef, sub {
		my $c = shift;
		return ($c->{ours}{error} // '') =~ /^(Parameter|Ratio|Scalar) value / && ($c->{theirs}{error} // '') =~ /^(found duplicate series|multiple matches) for /;
	} ],
	[ 'mean of infinite histograms', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\bavg/ && all_points($c, sub {
			my ($x, $y) = @{ $_[0] }{ 'ours', 'theirs' };
			return ref $x && ref $y && $x->{sum} =~ /^[-+]Inf$/ && $y->{sum} eq 'NaN' && same_number($x->{count}, $y->{count}, 1e-12);
		});
	} ],
	[ 'rate of histograms near zero', 3.014, sub { return call_rule($_[0], 'rate|increase', 'nh', \&extrapolated_further); } ],
	[ 'rate near zero', 3, sub { return call_rule($_[0], 'rate|increase', '.', \&extrapolated_further); } ],
	[ 'terms after an offset', 3.014, sub { return $_[0]{q}{text} =~ /offset -?\([^()]*\) *[-+*\/]/; } ],
	[ 'calls of start and end', 3.014, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\b(start|end)\(\)/ && ($c->{theirs}{error} // '') =~ /unexpected "\("/;
	} ],
	[ 'names through subqueries', 3.014, sub {
		my $c = shift;
		return $ENV{DIFF_DELAYED} && $c->{q}{tags}{subquery} && same_but_labels($c, \&without_name);
	} ],
	[ 'name kept by atan2', 3, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\batan2\b/ && same_but_labels($c, \&without_name);
	} ],
	[ 'window that moves', 3, sub {
		my $c = shift;
		my ($call) = grep { /@/ } calls($c->{q}{text}, 'predict_linear');
		return defined $call && $c->{q}{path} eq 'query_range' && all_points($c, sub { $_[0]{t} != $c->{q}{params}{start} });
	} ],
	[ 'new syntax', 3, sub {
		my $c = shift;
		return $c->{theirs}{status} == 400 && ($c->{q}{tags}{broken} || $c->{theirs}{error} =~ /in grouping opts, expected label$/) ||
			($c->{theirs}{error} // '') =~ /^invalid (source |destination )?label name/;
	} ],
	[ 'words in brackets', 3.014, sub {
		my $c = shift;
		return ($c->{theirs}{error} // '') =~ /unexpected "\w+" in subquery or range selector, |unexpected colon '\w'$/ && ($c->{ours}{error} // '') =~ /unexpected character: '\w', expected ':'$/;
	} ],
	[ 'dot and newline', 3, sub {
		my $c = shift;
		return $c->{q}{text} =~ /[=!]~/ && all_points($c, sub { $_[0]{labels} =~ /\\n/ });
	} ],
	[ 'deviation of infinities', 3, sub {
		my $c = shift;
		return $c->{q}{text} =~ /stddev|stdvar/ && all_points($c, sub { join(' ', sort map { $_ // '' } @{ $_[0] }{ 'ours', 'theirs' }) =~ /^(0 NaN|\+Inf NaN)$/ });
	} ],
	[ 'logarithm of a denormal', undef, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\b(ln|log2|log10)\b.*\bodd\b/ && all_points($c, sub { $_[0]{labels} =~ /"(denormal|anything|mixed)"/ });
	} ],
	[ 'sum of negative zeros', 3, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\bsum\b/ && same_but_labels($c, sub { my $labels = shift; s/^-0$/0/ for values %$labels; });
	} ],
	[ 'parameter without bounds', 3, sub {
		my $c = shift;
		return $c->{q}{text} =~ /\b(topk|bottomk)\b/ && ($c->{theirs}{error} // '') =~ /^Scalar value .* (under|over)flows int64$/ && $c->{ours}{status} == 200;
	} ],
);

# The name of the rule by which the differences are right, or undef.  The context:
#   q, version, ours, theirs    the query, their version and both replies
#   found, how                  the differences and the options by which they were found
#   again                       asks them once more
#   ask                         (our, their) reply to another text, with the query's parameters or over all of the data
sub excuse
{
	my $c = shift;

	return undef if $c->{ours}{status} !~ /^(200|400|422)$/;
	for (@RULES)
	{
		my ($name, $since, $test) = @$_;
		return $name if (!defined $since || $c->{version} < $since) && $test->($c);
	}
	return undef;
}

1;
