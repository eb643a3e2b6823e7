package Differential::Data;

# The series that are queried: an hour at 15 s of everything that is unpleasant.
#
# Every time's milliseconds within its second are 1 to 399, and never 0: README.md says why.  For
# Prometheus 3 there are more: series on whole seconds, custom buckets, names beyond ASCII.

use strict;
use warnings;

use Differential::Random;
use Exporter qw(import);

our @EXPORT_OK = qw(series_of $T0 $SPAN);

our $T0 = 1_700_006_400_000;    # a whole hour
our $SPAN = 3_600_000;

my $STEP = 15_000;
my $rng;
my @series;

# A series that is scraped every $STEP: value($i) gives the i-th value, undef for a gap.  Options:
# step, from and to (in scrapes), jitter (milliseconds, up to 398), aligned.
sub scraped
{
	my ($labels, $value, %opt) = @_;
	my $step = $opt{step} || $STEP;
	my $phase = $opt{aligned} ? 0 : 1000 * $rng->below($step / 1000) + 1;
	my @points;

	for my $i (($opt{from} || 0) .. ($opt{to} || $SPAN / $step) - 1)
	{
		my $jitter = $opt{jitter} ? $rng->below($opt{jitter}) : 0;
		my $v = $value->($i);

		push @points, [ $T0 + $i * $step + $phase + $jitter, $v ] if defined $v;
	}
	push @series, { labels => $labels, points => \@points };
}

sub at { my ($labels, @points) = @_; push @series, { labels => $labels, points => \@points }; }

# A counter's value: grows by up to $max, with restarts about every $life scrapes.
sub counter
{
	my ($max, $life, $digits) = @_;
	my $v = 0;

	return sub {
		$v = 0 if $life && $rng->one_in($life);
		$v += $digits ? $rng->below($max * 10**$digits) / 10**$digits : $rng->below($max);
		return $v;
	};
}

sub with_gaps { my ($value, $n) = @_; return sub { my $v = $value->(@_); return $rng->one_in($n) ? undef : $v; }; }

# Ends for a while every now and then, with a marker as a scraped target leaves.
sub with_stale
{
	my ($value, $n) = @_;
	my $away = 0;

	return sub {
		my $v = $value->(@_);
		return undef if $away > 0 && $away-- > 0;
		return $v if !$rng->one_in($n);
		$away = $rng->below(12);
		return 'stale';
	};
}

sub sometimes { my ($value, $n, @odd) = @_; return sub { my $v = $value->(@_); return $rng->one_in($n) ? $rng->pick(@odd) : $v; }; }

sub targets
{
	for my $job ('api', 'web', 'db')
	{
		for my $instance ('a:1', 'b:1')
		{
			my %target = (job => $job, instance => $instance);
			my @how = (jitter => $rng->pick(0, 30, 398));

			scraped({ __name__ => 'up', %target }, with_stale(sub { $rng->one_in(9) ? 0 : 1 }, 40), @how);
			for my $code ('200', '404', '500')
			{
				scraped({ __name__ => 'req_total', %target, code => $code, path => $rng->pick('/', '/x', '/y') },
					with_stale(with_gaps(counter($rng->pick(2, 50, 100000), 50), 30), 80), @how);
			}
			for my $mode ('idle', 'user')
			{
				scraped({ __name__ => 'cpu_seconds_total', %target, mode => $mode }, counter(16, 70, 2), @how);
			}
			scraped({ __name__ => 'temp', %target }, with_gaps(sub { ($rng->below(60000) - 20000) / 1000 }, 10), @how);
			scraped({ __name__ => 'temp:avg', %target, unit => 'C' }, sub { $_[0] * 0.1 }, @how, step => 60_000);
			scraped({ __name__ => 'build_info', %target, version => $job eq 'db' ? "v$instance" : 'v1' }, sub { 1 }, @how);
			buckets('lat', \%target, [ '0.1', '0.25', '1', '2.5', '+Inf' ], @how);
		}
	}
	# twice the same target for a while: joins fail there
	scraped({ __name__ => 'build_info', job => 'web', instance => 'a:1', version => 'v2' }, sub { 1 }, from => 120, to => 160);
}

sub buckets
{
	my ($name, $labels, $bounds, @how) = @_;
	my @total = (0) x @$bounds;
	my $sum = 0;
	my @scrapes;

	for my $i (0 .. $SPAN / $STEP - 1)
	{
		@total = (0) x @$bounds if $rng->one_in(60);
		for (1 .. $rng->below(20))
		{
			my $n = $rng->below(scalar @$bounds);
			$total[$_]++ for $n .. $#total;
			$sum += $n / 8;
		}
		$scrapes[$i] = [@total];
	}
	for my $b (0 .. $#$bounds)
	{
		scraped({ __name__ => "${name}_bucket", %$labels, le => $bounds->[$b] }, sub { $scrapes[ $_[0] ][$b] }, @how);
	}
	scraped({ __name__ => "${name}_count", %$labels }, sub { $scrapes[ $_[0] ][-1] }, @how);
	scraped({ __name__ => "${name}_sum", %$labels }, sub { $scrapes[ $_[0] ][-1] / 8 }, @how);
}

# Classic buckets that nobody should send.
sub odd_buckets
{
	my %odd = (
		no_inf => [ [ '1', 3 ], [ '2', 5 ] ],
		only_inf => [ [ '+Inf', 4 ] ],
		twice => [ [ '1', 2 ], [ '1.0', 3 ], [ '1e0', 1 ], [ '2', 4 ], [ 'Inf', 9 ] ],
		falls => [ [ '1', 5 ], [ '2', 3 ], [ '3', 8 ], [ '4', 7.5 ], [ '+Inf', 9 ] ],
		nearly => [ [ '1', 5 ], [ '2', 5 * (1 - 1e-15) ], [ '3', 5 * (1 + 1e-14) ], [ '+Inf', 10 ] ],
		word => [ [ 'one', 5 ], [ '2', 5 ], [ '+Inf', 6 ] ],
		missing => [ [ '', 5 ], [ '2', 5 ], [ '+Inf', 6 ] ],
		hex => [ [ '0x1p-2', 1 ], [ '1_0', 2 ], [ '+inf', 3 ] ],
		nan => [ [ '1', 'nan' ], [ '2', 5 ], [ '+Inf', 6 ] ],
		infinite => [ [ '1', 4 ], [ '2', 'inf' ], [ '+Inf', 'inf' ] ],
		zero => [ [ '1', 0 ], [ '2', 0 ], [ '+Inf', 0 ] ],
		below => [ [ '-3', 1 ], [ '-1', 4 ], [ '0', 6 ], [ '2', 7 ], [ '+Inf', 7 ] ],
	);

	for my $case (sort keys %odd)
	{
		for (@{ $odd{$case} })
		{
			my ($le, $v) = @$_;
			scraped({ __name__ => 'odd_bucket', case => $case, $le eq '' ? () : (le => $le) },
				sub { $v =~ /\d/ ? $v * (1 + ($_[0] >> 4)) : $v });
		}
	}
}

sub odd_floats
{
	my @all = ('nan', 'inf', '-inf', 'negzero', 0, 1, -1, 'denormal', 'max', 1e-310, 1e16, 9007199254740993, 0.1);
	my %how = (
		nan => sub { 'nan' },
		inf => sub { 'inf' },
		neginf => sub { '-inf' },
		negzero => sub { $_[0] % 3 ? 'negzero' : 0 },
		denormal => sub { $_[0] % 2 ? 'denormal' : 1e-310 },
		const => sub { 0.1 },
		anything => sub { $rng->pick(@all) },
		some_nan => sometimes(sub { $rng->below(100) }, 4, 'nan'),
		some_inf => sometimes(sub { $rng->below(100) }, 6, 'inf', '-inf'),
		stale => sub { $_[0] % 4 == 1 ? 'stale' : $_[0] },
		all_stale => sub { 'stale' },
		twos => sub { 2**($_[0] % 60) * ($_[0] % 2 ? 1 : -1) },
		tenths => sub { ($_[0] % 7) / 10 },
	);

	scraped({ __name__ => 'odd', case => $_ }, $how{$_}, jitter => 50) for sort keys %how;
	scraped({ __name__ => 'huge', case => 'max' }, sub { 'max' });
	scraped({ __name__ => 'huge', case => 'negative' }, sub { -1e308 });
	scraped({ __name__ => 'huge', case => 'one' }, sub { 1 });
	at({ __name__ => 'few', case => 'one' }, [ $T0 + 1_200_007, 42 ]);
	at({ __name__ => 'few', case => 'two' }, [ $T0 + 1_200_007, 42 ], [ $T0 + 1_260_111, 40.5 ]);
	at({ __name__ => 'few', case => 'then_stale' }, [ $T0 + 1_200_007, 42 ], [ $T0 + 1_215_008, 'stale' ]);
	at({ __name__ => 'few', case => 'only_stale' }, [ $T0 + 1_215_008, 'stale' ]);
	at({ __name__ => 'sparse', case => 'long' }, map { [ $T0 + 100_100 + $_ * 301_000, $_ / 7 ] } 0 .. 10);
	at({ __name__ => 'sparse', case => 'short' }, map { [ $T0 + 100_100 + $_ * 299_000, $_ ] } 0 .. 10);
	# the same labels but for the name, and labels that only take turns
	scraped({ __name__ => $_, job => 'api', x => '1' }, counter(9, 20)) for 'same_a', 'same_b';
	scraped({ __name__ => 'turn_a', job => 'api' }, sub { 1 }, to => 60);
	scraped({ __name__ => 'turn_b', job => 'api' }, sub { 2 }, from => 90, to => 150);
}

# Label values that writing them out has to get right.
sub odd_labels
{
	my @values = ("", " ", "\"q\"", "back\\slash", "new\nline", "tab\t", "\xc3\xa4\xe2\x82\xac", "\xf0\x9f\x98\x80", '$1', '<&>',
		"\x7f", "\xe2\x80\xa8", 'NaN', '10', '9', 'v10', 'v9');

	for my $n (0 .. $#values)
	{
		scraped({ __name__ => 'text', n => sprintf('%02d', $n), v => $values[$n] }, sub { $n + $_[0] % 5 }, step => 60_000);
	}
}

# A native histogram that observations are added to: schema, and options zero (threshold), neg, float,
# life (scrapes until a reset), hint, wide (buckets).
sub observed
{
	my (%opt) = @_;
	my ($zero, $sum, %pos, %neg) = (0, 0);

	return sub {
		if ($opt{life} && $rng->one_in($opt{life}) || $opt{gauge})
		{
			($zero, $sum) = (0, 0);
			%pos = %neg = ();
		}
		for (1 .. 1 + $rng->below(6))
		{
			my $side = $opt{neg} && $rng->one_in(2) ? \%neg : \%pos;
			my $i = $rng->below($opt{wide} || 9) - 3;
			my $n = 1 + $rng->below(5) + ($opt{float} ? 0.25 : 0);

			if (2**($i * 2**-$opt{schema}) <= ($opt{zero} || 0)) { $zero += $n; }
			else { $side->{$i} += $n; }
			$sum += ($side == \%neg ? -1 : 1) * $n * 2**($i / 2**($opt{schema} > 0 ? $opt{schema} : 0));
		}
		# both sides always: what a chunk knows of a side that is empty depends on where it was cut
		$_->{2}++ for $opt{neg} ? (\%pos, \%neg) : ();
		$zero += $rng->below(3);
		return {
			schema => $opt{schema}, sum => $sum, zero => [ $opt{zero} || 0, $zero ], pos => {%pos}, neg => {%neg},
			float => $opt{float}, hint => $opt{gauge} ? 3 : 0
		};
	};
}

sub histograms
{
	for my $job ('api', 'web')
	{
		for my $instance ('a:1', 'b:1')
		{
			my %target = (job => $job, instance => $instance, kind => 'nh');

			scraped({ __name__ => 'nh_total', %target }, with_stale(with_gaps(observed(schema => 3, life => 40), 20), 50), jitter => 30);
			scraped({ __name__ => 'nh_gauge', %target }, observed(schema => 0, gauge => 1, neg => 1, zero => 0.5));
			scraped({ __name__ => 'nh_float', %target }, observed(schema => 1, life => 30, float => 1, neg => 1, zero => 1e-3));
		}
		my ($fine, $coarse) = (observed(schema => 2, wide => 20), observed(schema => -1, neg => 1, zero => 0.25));
		my %kind = (job => $job, kind => 'nh');

		scraped({ __name__ => 'nh_odd', %kind, case => 'schemas' }, sub { $_[0] / 30 % 2 ? $fine->() : $coarse->() });
		my @widths = map { observed(schema => 1, zero => $_) } 0.001, 0.5, 2;
		scraped({ __name__ => 'nh_odd', %kind, case => 'widths' }, sub { $widths[ $_[0] / 20 % 3 ]->() });
	}
	my %kind = (kind => 'nh', job => 'db');
	my $any = observed(schema => 0);

	scraped({ __name__ => 'nh_odd', %kind, case => 'empty' }, sub { { schema => 3, sum => 0 } });
	scraped({ __name__ => 'nh_odd', %kind, case => 'negative' }, sub { { schema => 0, sum => -9, neg => { 0 => 1, 2 => 3 + $_[0] } } });
	scraped({ __name__ => 'nh_odd', %kind, case => 'nan_sum' }, sub { { schema => 0, sum => 'nan', float => 1, pos => { 1 => 4, 2 => 2 + $_[0] } } });
	scraped({ __name__ => 'nh_odd', %kind, case => 'nan_seen' }, sub { { schema => 0, sum => 'nan', count => 9 + $_[0], pos => { 1 => 4, 2 => 2 + $_[0] } } });
	scraped({ __name__ => 'nh_odd', %kind, case => 'inf' }, sub { { schema => 0, sum => 'inf', float => 1, pos => { 1 => 4, 1025 => 2 + $_[0] } } });
	scraped({ __name__ => 'nh_odd', %kind, case => 'one' }, sub { $_[0] == 100 ? $any->() : undef });
	scraped({ __name__ => 'nh_odd', %kind, case => 'mixed' }, sub { $_[0] / 25 % 2 ? $_[0] : $any->() });
	scraped({ __name__ => 'nh_odd', %kind, case => 'stale' },
		sub { $_[0] % 7 == 3 ? { schema => 0, sum => 'stale' } : $any->() });
	scraped({ __name__ => 'nh_odd', %kind, case => 'finest' }, observed(schema => 8, wide => 40));
	scraped({ __name__ => 'nh_odd', %kind, case => 'coarsest' }, observed(schema => -4, neg => 1));
}

sub only_prometheus_3
{
	my %kind = (kind => 'nh');

	for my $job ('api', 'web')
	{
		my %pos;
		scraped({ __name__ => 'nhcb', %kind, job => $job, case => 'steady' },
			sub { $pos{ $rng->below(5) } += 1 + $rng->below(3); { schema => -53, sum => $_[0] / 4, custom => [ 0.5, 1, 2.5, 10 ], pos => {%pos} } });
		scraped({ __name__ => 'nhcb', %kind, job => $job, case => 'bounds' },
			sub { { schema => -53, sum => $_[0], custom => $_[0] / 30 % 2 ? [ -1, 1, 5 ] : [ 1, 3, 5, 9 ], pos => { 0 => 3, 1 => $_[0], 2 => 2 * $_[0] } } });
		scraped({ __name__ => 'nhcb', %kind, job => $job, case => 'float' },
			sub { { schema => -53, float => 1, sum => -$_[0], custom => [1], pos => { 0 => $_[0] + 0.5, 1 => 3 } } });
	}
	scraped({ __name__ => 'nhcb', %kind, job => 'db', case => 'kinds' },
		sub { $_[0] / 20 % 2 ? { schema => 0, sum => 3, pos => { 1 => $_[0] } } : { schema => -53, sum => 3, custom => [ 1, 2 ], pos => { 1 => $_[0] } } });
	scraped({ __name__ => 'edge_total', job => $_ }, counter(9, 30), aligned => 1) for 'api', 'web';
	scraped({ __name__ => 'edge_gauge', job => $_ }, sub { $rng->below(50) }, aligned => 1, step => 60_000) for 'api', 'web';
	at({ __name__ => 'edge_gauge', job => 'db' }, map { [ $T0 + $_, $_ ] } 0, 299_999, 600_000, 900_000, 1_200_001);
	scraped({ __name__ => "caf\xc3\xa9.total", 'my.label' => 'x', job => 'api' }, counter(5, 0));
	for my $job ('api', 'web', 'db')
	{
		for my $instance ('a:1', 'b:1')
		{
			scraped({ __name__ => 'target_info', job => $job, instance => $instance, cluster => "c-$job" }, sub { 1 });
			scraped({ __name__ => 'other_info', job => $job, instance => $instance, zone => "z$_" }, sub { 1 },
				from => 100 * $_, to => 100 * $_ + 100) for 0, 1;
		}
	}
}

sub key { my $labels = shift; return join "\0", map { $labels->{$_} eq '' ? () : ($_, $labels->{$_}) } sort keys %$labels; }

# All series for a Prometheus of that version, in label order.  Each begins long before the
# rest with a staleness marker, so that both servers know them in this order: of equal values topk
# keeps the first.
sub series_of
{
	my ($version) = @_;

	$rng = Differential::Random->new(7);
	@series = ();
	targets();
	odd_buckets();
	odd_floats();
	odd_labels();
	histograms();
	only_prometheus_3() if $version >= 3;
	unshift @{ $_->{points} }, [ $T0 - 1_799_999, 'stale' ] for @series;
	return [ map { $_->[1] } sort { $a->[0] cmp $b->[0] } map { [ key($_->{labels}), $_ ] } @series ];
}

1;
