package Differential::Query;

# Random PromQL queries, typed: a production knows what type it makes and what it needs.
#
# next() gives { text, tags, path, params }: tags name what the query uses that rules (Rules.pm) or
# the comparison care about.  Below Prometheus 3 durations are chosen so that no window's left edge
# meets a sample or a point of a subquery: README.md says how.

use strict;
use warnings;

use Differential::Data qw($T0);
use Differential::Error qw(broken);
use Differential::Selector;
use List::Util qw(max);

our @ISA = ('Differential::Selector');

my @MATH = qw(abs ceil floor sqrt sgn deg rad);
my @LIBM = qw(exp ln log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh);
my @DATE = qw(day_of_month day_of_week day_of_year days_in_month hour minute month year);
my @OVER = qw(min_over_time max_over_time sum_over_time count_over_time last_over_time present_over_time
	stddev_over_time stdvar_over_time changes resets delta idelta deriv);
my @COUNTER = qw(rate increase irate rate increase irate resets);
my @OVER_3 = qw(mad_over_time ts_of_max_over_time ts_of_min_over_time ts_of_last_over_time);
my @OVER_3_7 = qw(first_over_time ts_of_first_over_time);
my @AGGREGATE = qw(sum avg min max count group stddev stdvar);
my @ARITHMETIC = ('+', '-', '*', '/', '%', '+', '-', '*', '/');
my @COMPARE = ('==', '!=', '<', '<=', '>', '>=');

sub new
{
	my ($class, $rng, $version) = @_;

	return bless { rng => $rng, version => $version, major => int $version, tags => {}, calm => 0 }, $class;
}

sub tag { my ($self, $tag) = @_; $self->{tags}{$tag} = 1; }
sub pick { my $self = shift; return $self->{rng}->pick(@_); }
sub one_in { my ($self, $n) = @_; return $self->{rng}->one_in($n); }

# One of [weight, method, arguments...]; an entry of weight 0 is left out.
sub production
{
	my ($self, @choices) = @_;
	my $chosen = $self->{rng}->weighted(map { [ $_->[0], $_ ] } grep { $_->[0] > 0 } @choices);
	my (undef, $method, @args) = @$chosen;

	return $self->$method(@args);
}

# Runs a production with larger and infinite values kept out, which before Prometheus 3 sum and avg
# treat differently.
sub calmly
{
	my ($self, $make) = @_;

	local $self->{calm} = $self->{major} < 3 || $self->{calm};
	return $make->();
}

# --- scalars ------------------------------------------------------------------------------------

sub number
{
	my $self = shift;
	my @more = $self->{major} >= 3 ? ('1_000', '5m', '1h30m', '1e-300') : ();

	return $self->pick('0', '1', '2', '3', '0.5', '-1', '1e3', '0x1F', '.25', '-0.0', '1e9', '100', @more,
		$self->one_in(4) ? ('Inf', '-Inf', 'NaN', '1.7976931348623157e308', '5e-324') : ());
}

sub scalar
{
	my ($self, $depth) = @_;

	return $self->number if $depth <= 0;
	return $self->production([ 10, 'number' ], [ 2, 'text', 'time()' ], [ 1, 'text', 'pi()' ], [ 3, 'scalar_call', $depth ],
		[ 3, 'scalar_binary', $depth ], [ 1, 'scalar_unary', $depth ], [ 1, 'paren', 'scalar', $depth ]);
}

sub text { my ($self, $text) = @_; return $text; }
sub paren { my ($self, $of, $depth) = @_; return '(' . $self->$of($depth - 1) . ')'; }
sub scalar_call { my ($self, $depth) = @_; return 'scalar(' . $self->vector($depth - 1) . ')'; }
sub scalar_unary { my ($self, $depth) = @_; return '-' . $self->paren('scalar', $depth); }

sub scalar_binary
{
	my ($self, $depth) = @_;
	my ($l, $r) = ($self->scalar($depth - 1), $self->scalar($depth - 1));

	return "$l " . $self->pick(@COMPARE) . " bool $r" if $self->one_in(3);
	if ($self->one_in(6))
	{
		$self->tag('libm');
		return "$l " . $self->pick('^', 'atan2') . " $r";
	}
	return "$l " . $self->pick(@ARITHMETIC) . " $r";
}

# --- ranges ---------------------------------------------------------------------------------------

# A range selector or a subquery over floats.
sub range
{
	my ($self, $depth, $class) = @_;

	return $self->range_selector($class) if $depth <= 0 || !$self->one_in(5);
	return $self->subquery($depth);
}

sub subquery
{
	my ($self, $depth) = @_;
	my $vector = $self->vector($depth - 1);

	$vector = "($vector)" if $vector =~ /[^\w:({})".\[\]]/ || $self->one_in(3);
	$self->tag('subquery');
	return $vector . $self->subquery_brackets . $self->modifiers;
}

# --- instant vectors of floats ----------------------------------------------------------------------

sub vector
{
	my ($self, $depth) = @_;

	return $self->float_selector if $depth <= 0;
	return $self->production(
		[ 3, 'float_selector' ], [ 8, 'over_time', $depth ], [ 7, 'aggregate', $depth ], [ 3, 'ranked', $depth ],
		[ 3, 'math', $depth ], [ 5, 'vector_scalar', $depth ], [ 6, 'vector_vector', $depth ], [ 3, 'set', $depth ],
		[ 2, 'relabel', $depth ], [ 2, 'classic', $depth ], [ 1, 'date', $depth ], [ 1, 'absent', $depth ],
		[ 1, 'unary', $depth ], [ 1, 'paren', 'vector', $depth ], [ 1, 'of_scalar', $depth ], [ 1, 'timestamp', $depth ],
		[ 1, 'sorted', $depth ], [ 2, 'from_histogram', $depth ], [ $self->{major} >= 3 ? 2 : 0, 'vector_3', $depth ]);
}

sub math
{
	my ($self, $depth) = @_;
	my $v = $self->vector($depth - 1);

	if ($self->one_in(3))
	{
		$self->tag('libm');
		return $self->pick(@LIBM) . "($v)";
	}
	return 'clamp(' . join(', ', $v, $self->scalar($depth - 2), $self->scalar($depth - 2)) . ')' if $self->one_in(5);
	return $self->pick('clamp_min', 'clamp_max', 'round') . "($v, " . $self->scalar($depth - 2) . ')' if $self->one_in(3);
	return 'round(' . $v . ')' if $self->one_in(6);
	return $self->pick(@MATH) . "($v)";
}

sub date
{
	my ($self, $depth) = @_;

	return $self->pick(@DATE) . '(' . $self->pick('', 'vector(' . $self->scalar($depth - 1) . ')', $self->vector($depth - 1)) . ')';
}

sub over_time
{
	my ($self, $depth) = @_;

	return $self->pick(@COUNTER) . '(' . $self->range($depth - 1, 'counter') . ')' if $self->one_in(3);
	if ($self->one_in(8))
	{
		$self->tag('mean');
		return $self->calmly(sub { 'avg_over_time(' . $self->range($depth - 1) . ')' });
	}
	return 'quantile_over_time(' . $self->quantile($depth) . ', ' . $self->range($depth - 1) . ')' if $self->one_in(8);
	return 'predict_linear(' . $self->range($depth - 1) . ', ' . $self->scalar($depth - 2) . ')' if $self->one_in(8);
	if ($self->one_in(10))
	{
		my $factor = sub { $self->pick('0.1', '0.5', '0.9', '0.3', '0', '1', '2', 'NaN') };
		return 'double_exponential_smoothing(' . join(', ', $self->range($depth - 1), $factor->(), $factor->()) . ')';
	}
	return $self->pick(@OVER_3, $self->{version} >= 3.007 ? @OVER_3_7 : ()) . '(' . $self->range($depth - 1) . ')' if $self->{major} >= 3 && $self->one_in(6);
	return $self->pick(@OVER) . '(' . $self->range($depth - 1) . ')';
}

sub quantile { my ($self, $depth) = @_; return $self->one_in(3) ? $self->scalar($depth - 2) : $self->pick('0', '0.1', '0.5', '0.9', '0.99', '1'); }

sub grouping
{
	my $self = shift;

	return '' if $self->one_in(3);
	return $self->pick('by', 'without') . ' (' . $self->labels . ') ';
}

sub aggregate
{
	my ($self, $depth) = @_;
	my $op = $self->pick(@AGGREGATE);
	my $grouping = $self->grouping;
	my $v;

	if ($self->one_in(8))
	{
		return "quantile $grouping(" . $self->quantile($depth) . ', ' . $self->vector($depth - 1) . ')';
	}
	$self->tag($op) if $op =~ /^(sum|avg|stddev|stdvar)$/;
	$v = $op =~ /^(sum|avg|stddev|stdvar)$/ ? $self->calmly(sub { $self->vector($depth - 1) }) : $self->vector($depth - 1);
	return $grouping ne '' && $self->one_in(3) ? "$op($v) $grouping" : "$op $grouping($v)";
}

sub ranked
{
	my ($self, $depth) = @_;
	my $k = $self->one_in(3) ? $self->scalar($depth - 2) : $self->pick(1 .. 5);

	if ($self->one_in(4))
	{
		return 'count_values ' . $self->grouping . '("' . $self->pick('v', 'job', 'le') . '", ' . $self->vector($depth - 1) . ')';
	}
	return $self->pick('topk', 'bottomk') . ' ' . $self->grouping . "($k, " . $self->vector($depth - 1) . ')';
}

sub vector_scalar
{
	my ($self, $depth) = @_;
	my ($l, $r) = ($self->vector($depth - 1), $self->scalar($depth - 2));
	my $op = $self->pick(@ARITHMETIC);

	($l, $r) = ($r, $l) if $self->one_in(3);
	$op = $self->pick(@COMPARE) . $self->pick('', ' bool') if $self->one_in(2);
	if ($self->one_in(8))
	{
		$op = $self->pick('^', 'atan2');
		$self->tag('libm');
	}
	return $self->operand($l) . " $op " . $self->operand($r);
}

# Parentheses around what is a binary expression; sometimes left out, for the precedence.
sub operand
{
	my ($self, $text) = @_;

	return $text =~ / / && !$self->one_in(5) ? "($text)" : $text;
}

# Pairs that have something in common, and how they match.
my @PAIRS = (
	[ 'req_total', 'up', 'on (job, instance) group_left' ], [ 'up', 'req_total', 'on (job, instance) group_right' ],
	[ 'req_total', 'build_info', 'on (job, instance) group_left (version)' ], [ 'lat_sum', 'lat_count', '' ],
	[ 'same_a', 'same_b', '' ], [ 'temp', 'up', 'ignoring (x)' ], [ 'cpu_seconds_total', 'temp', 'ignoring (mode) group_left' ],
	[ 'temp', 'build_info', 'ignoring (version)' ], [ 'temp', 'cpu_seconds_total{mode="idle"}', 'on (job, instance)' ],
	[ 'build_info', 'build_info', 'on (job)' ], [ 'temp', 'temp', 'on (instance)' ],
	[ 'up', 'build_info', 'on (job, instance) group_left (version, job)' ], [ 'turn_a', 'turn_b', 'on ()' ],
	[ 'req_total{code="200"}', 'req_total{code="500"}', 'ignoring (code, path)' ], [ 'odd', 'odd', '' ],
	[ 'req_total{code="200"}', 'req_total', 'ignoring (code, path) group_right' ]);

sub vector_vector
{
	my ($self, $depth) = @_;
	my $op = $self->pick(@ARITHMETIC);
	my ($l, $r, $how) = @{ $self->pick(@PAIRS) };

	$op = $self->pick(@COMPARE) . $self->pick('', ' bool') if $self->one_in(3);
	if ($self->one_in(10))
	{
		$op = $self->pick('^', 'atan2');
		$self->tag('libm');
	}
	if ($self->{calm} && "$l$r" =~ /odd/ || $self->one_in(3))
	{
		($l, $r) = ($self->operand($self->vector($depth - 1)), $self->operand($self->vector($depth - 1)));
		$how = $self->pick('', $self->pick('on', 'ignoring') . ' (' . $self->labels . ')' . $self->pick('', ' group_left', ' group_right', ' group_left (job)'));
	}
	elsif ($self->one_in(3))
	{
		my $by = $self->labels;
		my $aggregate = $self->pick('sum', 'max', 'count');
		$self->tag('sum') if $aggregate eq 'sum';
		($l, $r, $how) = ("$aggregate by ($by) ($l)", "max by ($by) ($r)", '');
	}
	return join ' ', grep { $_ ne '' } $l, $op, $how, $r;
}

sub set
{
	my ($self, $depth) = @_;
	my ($l, $r) = map { $self->operand($self->vector($depth - 1)) } 1 .. 2;
	my $how = $self->pick('', 'on (' . $self->labels . ')', 'ignoring (' . $self->labels . ')');

	return join ' ', grep { $_ ne '' } $l, $self->pick('and', 'or', 'unless'), $how, $r;
}

sub relabel
{
	my ($self, $depth) = @_;
	my $v = $self->vector($depth - 1);

	return "label_join($v, " . join(', ', map { "\"$_\"" } $self->pick('x', 'job', '__name__', 'new'), $self->pick('', '-', '$1'), $self->label,
		$self->label) . ')' if $self->one_in(3);
	return "label_replace($v, " . join(', ', map { "\"$_\"" } $self->pick('x', 'job', '__name__', 'new', 'instance'),
		$self->pick('$1', '', '${1}_$2', 'a$$b', '$0', '$x', 'fix'), $self->label, $self->pick('(.*)', '(.)(.*)', '.*:(.*)', 'no', '', '(?P<x>a.*)', '(a|b)')) . ')';
}

sub classic
{
	my ($self, $depth) = @_;
	my $buckets = $self->pick('lat_bucket', 'odd_bucket', 'lat_bucket{job="api"}', 'rate(lat_bucket[5m])', 'increase(lat_bucket[2m])',
		'sum by (le, job) (rate(lat_bucket[3m]))', 'sum by (le) (lat_bucket)', '{__name__=~"lat_.*"}', $self->vector($depth - 1));

	$self->tag('sum') if $buckets =~ /\bsum\b/;
	$self->tag('buckets');
	return 'histogram_fraction(' . join(', ', $self->scalar($depth - 2), $self->scalar($depth - 2), $buckets) . ')' if $self->{major} >= 3 && $self->one_in(4);
	return 'histogram_quantile(' . $self->quantile($depth) . ", $buckets)";
}

sub absent
{
	my ($self, $depth) = @_;

	return 'absent(' . $self->vector($depth - 1) . ')' if $self->one_in(3);
	return 'absent(nothing' . $self->matchers('up') . ')' if $self->one_in(2);
	return 'absent_over_time(' . $self->range($depth - 1) . ')';
}

sub unary { my ($self, $depth) = @_; return $self->pick('-', '-', '+') . $self->operand($self->vector($depth - 1)); }
sub of_scalar { my ($self, $depth) = @_; return 'vector(' . $self->scalar($depth - 1) . ')'; }
sub timestamp { my ($self, $depth) = @_; return 'timestamp(' . $self->vector($depth - 1) . ')'; }
sub sorted { my ($self, $depth) = @_; return $self->pick('sort', 'sort_desc') . '(' . $self->vector($depth - 1) . ')'; }

# What only Prometheus 3 has.
sub vector_3
{
	my ($self, $depth) = @_;
	my $v = $self->vector($depth - 1);

	return 'limitk ' . $self->grouping . '(' . $self->pick(0 .. 4) . ", $v)" if $self->one_in(6);
	return 'limit_ratio ' . $self->grouping . '(' . $self->pick('0.5', '-0.5', '0.3', '1', '-1', '2', '0', 'NaN') . ", $v)" if $self->one_in(5);
	return 'info(' . $v . $self->pick('', ', {cluster=~".+"}', ', {__name__="other_info"}', ', {__name__=~".+_info"}', ', {zone="z1"}') . ')' if $self->one_in(3);
	return $self->pick('sort_by_label', 'sort_by_label_desc') . "($v, " . join(', ', map { "\"$_\"" } $self->label, $self->label) . ')' if $self->one_in(3);
	return "$v + on (job) group_left " . 'label_replace(up, "my.label", "$1", "job", "(.*)")' if $self->one_in(4);
	return '{"caf' . "\xc3\xa9" . '.total"' . $self->pick('', ', "my.label"="x"', ', job="api"') . '}';
}

# --- native histograms --------------------------------------------------------------------------

# Floats out of native histograms.
sub from_histogram
{
	my ($self, $depth) = @_;
	my $h = $self->histogram($depth - 1);

	$self->tag('native');
	return $self->pick('histogram_count', 'histogram_sum') . "($h)" if $self->{major} < 3 || $self->one_in(3);
	return $self->pick('histogram_avg', 'histogram_stddev', 'histogram_stdvar') . "($h)" if $self->one_in(3);
	return 'histogram_quantile(' . $self->quantile($depth) . ", $h)" if $self->one_in(2);
	return 'histogram_fraction(' . join(', ', $self->scalar($depth - 2), $self->scalar($depth - 2), $h) . ')' if $self->one_in(2);
	return $self->pick('changes', 'resets', 'count_over_time', 'present_over_time', 'absent_over_time', @OVER, @OVER_3) . '(' .
		$self->range_selector('native') . ')' if $self->one_in(2);
	return $self->pick('count (', 'group (', 'min (', 'max by (job) (', 'stddev (', 'quantile by (job) (1, ', 'topk (1, ', 'count_values ("v", ') .
		"$h)";
}

# Instant vectors of native histograms.
sub histogram
{
	my ($self, $depth) = @_;
	my $three = $self->{major} >= 3;

	$self->tag('native');
	return $self->selector('native') if $depth <= 0;
	return $self->production([ 6, 'selector', 'native' ], [ 4, 'histogram_rate' ], [ $three ? 3 : 0, 'histogram_sum', $depth ],
		[ $three ? 2 : 0, 'histogram_scaled', $depth ], [ $three ? 3 : 0, 'histogram_binary', $depth ], [ $three ? 2 : 0, 'histogram_any', $depth ]);
}

sub histogram_rate
{
	my $self = shift;

	return $self->pick('rate', 'increase') . '(' . $self->range_selector('native_counter') . ')' if $self->{major} < 3;
	return $self->pick('rate', 'increase', 'delta', 'irate', 'idelta', 'sum_over_time', 'avg_over_time', 'last_over_time') . '(' .
		$self->range_selector('native') . ')';
}

sub histogram_sum
{
	my ($self, $depth) = @_;

	return $self->pick('sum', 'avg') . ' ' . $self->grouping . '(' . $self->histogram($depth - 1) . ')';
}

sub histogram_scaled
{
	my ($self, $depth) = @_;
	my $h = $self->operand($self->histogram($depth - 1));

	return $self->pick("-$h", "$h * " . $self->scalar(0), $self->scalar(0) . " * $h", "$h / " . $self->scalar(0), "$h > 0", "$h + 1");
}

sub histogram_binary
{
	my ($self, $depth) = @_;
	my @h = map { $self->operand($self->histogram($depth - 1)) } 1 .. 2;
	my $how = $self->pick('', 'on (job, instance)', 'ignoring (case)', 'on (job, case)', 'on (job) group_left');

	return join ' ', grep { $_ ne '' } $h[0], $self->pick('+', '-', '+', '-', '==', '!=', '*', '/', '<', 'and', 'or', 'unless'), $how, $h[1];
}

sub histogram_any
{
	my ($self, $depth) = @_;
	my $h = $self->histogram($depth - 1);

	return $self->pick("sort($h)", "timestamp($h)", "abs($h)", "label_replace($h, \"x\", \"\$1\", \"job\", \"(.*)\")", "($h)", "limitk(2, $h)",
		"absent($h)", "scalar($h)", "vector(scalar($h))");
}

# --- whole queries --------------------------------------------------------------------------------

sub moment
{
	my ($self, $from, $to) = @_;
	my $s = $from + $self->{rng}->below($to - $from);

	return $T0 + 1000 * $s + 700 if $self->{major} < 3;
	return $T0 + 15_000 * int($s / 15) if $self->one_in(2);
	return $T0 + 1000 * $s + $self->pick(0, 1, 7, 399, 700);
}

sub seconds { my $ms = shift; return sprintf '%d.%03d', int($ms / 1000), $ms % 1000; }

sub expression
{
	my $self = shift;
	my $depth = 1 + $self->{rng}->below(4);

	return $self->production([ 20, 'vector', $depth ], [ 2, 'scalar', $depth ], [ 2, 'histogram', $depth > 2 ? 2 : $depth ],
		[ 1, 'range', $depth ], [ 1, 'text', '"a string\n"' ]);
}

sub next
{
	my $self = shift;
	my ($text, %params);
	my $path = $self->one_in(2) ? 'query' : 'query_range';

	$self->{tags} = {};
	$text = $self->expression;
	if ($self->one_in(12))
	{
		$text = broken($self->{rng}, $text);
		$self->tag('broken');
	}
	%params = (query => $text);
	if ($path eq 'query')
	{
		$params{time} = seconds($self->moment($self->one_in(10) ? -600 : 60, 3900));
		$self->tag('ordered') if $text =~ /^sort(_desc)?\(/;
	}
	else
	{
		my $step = $self->pick(15, 15, 30, 60, 61, 7, 300, $self->{major} >= 3 ? (0.5, 1.001) : ());
		my $start = $self->moment(-300, 3600);

		$params{start} = seconds($start);
		$params{end} = seconds($start + int(1000 * $step * $self->{rng}->below(40)) + $self->pick(0, 0, 500));
		$params{step} = $step;
		$params{limit} = $self->pick(1, 3, 100) if $self->{major} >= 3 && $self->one_in(20);
	}
	$params{lookback_delta} = $self->pick('30s', '1m', '10m', '15') if $self->{major} >= 3 && $self->one_in(20);
	return { text => $text, tags => { %{ $self->{tags} } }, path => $path, params => \%params };
}

1;
