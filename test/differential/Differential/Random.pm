package Differential::Random;

# Numbers that are the same on every machine and with every perl: xorshift64*.

use strict;
use warnings;
no warnings 'portable'; # perl is of 64 bits wherever PostgreSQL's tests run

sub new
{
	my ($class, $seed) = @_;
	my $mixed = do { use integer; $seed * 2654435761 + 1 }; # wraps; without it, a large seed becomes a float
	my $self = bless { state => 0x9E3779B97F4A7C15 ^ $mixed & 0xFFFFFFFFFFFFFFFF }, $class;

	$self->bits for 1 .. 8;
	return $self;
}

# 48 random bits.
sub bits
{
	my $self = shift;
	my $x = $self->{state};

	$x ^= $x >> 12;
	$x ^= ($x << 25) & 0xFFFFFFFFFFFFFFFF;
	$x ^= $x >> 27;
	$self->{state} = $x;
	use integer;
	return (($x * 0x2545F4914F6CDD1D) >> 16) & 0xFFFFFFFFFFFF;
}

# An integer in 0 .. n - 1.
sub below { my ($self, $n) = @_; return $self->bits % $n; }

# A number in 0 .. 1.
sub unit { my $self = shift; return $self->bits / 2**48; }

# True once in n.
sub one_in { my ($self, $n) = @_; return $self->below($n) == 0; }

sub pick { my $self = shift; return $_[ $self->below(scalar @_) ]; }

# pick of [weight, thing] pairs.
sub weighted
{
	my ($self, @pairs) = @_;
	my $sum = 0;

	$sum += $_->[0] for @pairs;
	my $n = $self->below($sum);
	for (@pairs)
	{
		return $_->[1] if ($n -= $_->[0]) < 0;
	}
}

1;
