package Differential::Selector;

# Selectors of the data's series, with matchers that mean something there, and durations.

use strict;
use warnings;

use Differential::Data qw($T0);

my %METRICS = (
	counter => [qw(req_total cpu_seconds_total lat_count lat_sum same_a req_total lat_bucket)],
	calm => [qw(up req_total cpu_seconds_total temp temp:avg lat_bucket lat_count lat_sum build_info same_a same_b text)],
	wild => [qw(odd odd huge few sparse odd_bucket turn_a turn_b odd)],
	native_counter => [qw(nh_total nh_float)],
	native => [qw(nh_total nh_gauge nh_float nh_odd nh_odd)],
	only_3 => [qw(edge_total edge_gauge target_info)],
	native_3 => [qw(nhcb nhcb nh_total nh_odd)],
);

my %VALUES = (
	job => [qw(api web db)], instance => [ 'a:1', 'b:1' ], code => [qw(200 404 500)], mode => [qw(idle user)], le => [ '0.1', '1', '1.0', '+Inf' ],
	path => [ '/', '/x' ], version => ['v1'], case => [qw(nan inf anything const stale tenths two one mixed)], x => ['1'], n => [qw(00 03 16)],
	v => [ 'NaN', '10', '<&>' ]
);

my @LABELS = qw(job instance code mode case le path);

sub label { my $self = shift; return $self->pick(@LABELS, 'x', 'missing', '__name__'); }

# Distinct label names for a grouping.
sub labels
{
	my $self = shift;
	my %labels = map { $_ => 1 } map { $self->pick('job', 'instance', 'job', @LABELS, 'missing') } 1 .. $self->{rng}->below(4);

	return join ', ', sort keys %labels;
}

sub matcher
{
	my ($self, $label) = @_;
	my @values = @{ $VALUES{$label} || ['x'] };
	my $v = $self->pick(@values);

	return "$label=\"$v\"" if $self->one_in(2);
	return "$label!=\"$v\"" if $self->one_in(3);
	$v =~ s/([+.\$<&])/[$1]/g;
	return $label . $self->pick('=~', '=~', '!~') . '"' .
		$self->pick($v, "$v|zzz", substr($v, 0, 1) . '.*', '.+', '', '.*' . substr($v, -1), "(?i:\U$v\E)", '[a-m].*', '.*[0-9].*') . '"';
}

sub matchers
{
	my ($self, $metric) = @_;
	my @mine = $metric =~ /^odd|few|sparse|huge/ ? ('case') : $metric eq 'req_total' ? qw(job instance code path) :
		$metric eq 'cpu_seconds_total' ? qw(job instance mode) : $metric =~ /bucket/ ? qw(job instance le) : $metric eq 'text' ? qw(n v) :
		$metric eq 'nh_odd' || $metric eq 'nhcb' ? qw(case job) : qw(job instance);
	my @all;

	return '' if $self->one_in(2);
	push @all, $self->matcher($self->pick((@mine) x 6, 'missing')) for 1 .. $self->pick(1, 1, 1, 2);
	return '{' . join(',', @all) . '}';
}

sub metric
{
	my ($self, $class) = @_;
	my $three = $self->{major} >= 3;

	if ($class eq 'native')
	{
		return $self->pick(@{ $METRICS{ $three && $self->one_in(2) ? 'native_3' : 'native' } });
	}
	return $self->pick(@{ $METRICS{$class} }) if $class ne 'float';
	return $self->pick(@{ $METRICS{only_3} }) if $three && $self->one_in(6);
	return $self->pick(@{ $METRICS{calm} }) if $self->{calm} || !$self->one_in(4);
	return $self->pick(@{ $METRICS{wild} });
}

# A selector without modifiers: name and matchers, in one of the ways to write them.
sub bare
{
	my ($self, $class) = @_;
	my $metric = $self->metric($class);
	my $matchers = $self->matchers($metric);

	return $metric . $matchers if !$self->one_in(8);
	my $inner = $matchers =~ /^\{(.+)\}$/ ? ",$1" : '';
	return "{__name__=\"$metric\"$inner}" if $self->one_in(2);
	return $metric . '{' . ($inner =~ s/^,//r) . ($inner ne '' ? ',' : '') . '}' if $metric !~ /\W/ && $self->one_in(2);
	# several metrics at once: names are then lost to duplicates
	return $class =~ /native/ ? "{__name__=~\"nh_total|nh_float\"$inner}" :
		$self->pick('{__name__=~"same_.",job="api"}', '{__name__=~"turn_."}', '{__name__=~"lat_(count|sum)"' . $inner . '}', '{__name__=~"temp.*"' . $inner . '}');
}

sub selector { my ($self, $class) = @_; return $self->bare($class) . $self->modifiers; }
sub float_selector { my $self = shift; return $self->selector('float'); }

sub range_selector
{
	my ($self, $class) = @_;

	return $self->bare($class || 'float') . '[' . $self->range_text . ']' . $self->modifiers;
}

# offset and @, in both orders.
sub modifiers
{
	my $self = shift;
	my $offset = $self->one_in(8) ? ' offset ' . $self->offset_text : '';
	my $at = '';

	if ($self->one_in(12))
	{
		$at = ' @ ' . $self->pick('start()', 'end()', $T0 / 1000 + 2 * $self->{rng}->below(1900),
			$self->{major} >= 3 ? sprintf('%.3f', $T0 / 1000 + $self->{rng}->below(3600) + $self->pick(0, 0.001, 0.25)) : ());
	}
	return $self->one_in(2) ? $at . $offset : $offset . $at;
}

# Below Prometheus 3: whole seconds everywhere; even seconds in offsets and steps of subqueries and
# odd ones in their ranges, so that no left edge falls on a point of a subquery.

sub range_text
{
	my $self = shift;
	my @texts = ('1s', '15s', '30s', '1m', '90s', '2m', '2m', '5m', '5m', '10m', '1h', '4m59s');

	push @texts, '14999ms', '15001ms', '1ms', '300', '1e2', '45s', '1m + 15s', '-(30s - 2m)', '2 ^ 6', '5m / 4' if $self->{major} >= 3;
	return $self->pick(@texts);
}

sub offset_text
{
	my $self = shift;
	my @texts = ('30s', '1m', '2m', '10m', '-1m', '-30s', '16s');

	push @texts, '15s', '7', '-1.5', '(1m + 5s)', '-(2 * 30)', '1ms', '5m' if $self->{major} >= 3;
	return $self->pick(@texts);
}

sub subquery_brackets
{
	my $self = shift;

	if ($self->{major} < 3)
	{
		return '[' . $self->pick('31s', '1m1s', '2m1s', '5m1s', '9m59s') . ':' . $self->pick('10s', '16s', '30s', '1m', '') . ']';
	}
	return '[' . $self->pick('30s', '1m', '2m', '5m', '10m', '61s', '1m + 30s', '1500ms') . ':' . $self->pick('7s', '15s', '30s', '1m', '', '10', '500ms') . ']';
}

1;
