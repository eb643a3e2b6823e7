package Differential::Error;

# Makes a query wrong, or at least different: one edit, of tokens or of letters.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT_OK = qw(broken);

my @TOKENS = ('(', ')', '[', ']', '{', '}', ',', ':', '=', '=~', '!=', '+', '-', '*', '/', '^', '%', '==', '>', 'and', 'or', 'unless', 'by', 'without', 'on',
	'ignoring', 'group_left', 'bool', 'offset', '@', 'sum', 'topk', 'rate', 'abs', 'up', 'up[5m]', '5m', '1', '1.5.5', '0x', '08', '"text"', "'", '`raw`', '"\\q"',
	'start()', '[5m]', '[5m:1m]', '{job="a"}', '{}', '{job=~"*"}', 'nan', 'nosuch', '#', '!', "\xc3\xa9", '$', '1e', '5mm', '_', 'a:b', '{"x"}', 'count_values("1", up)');

sub broken
{
	my ($rng, $text) = @_;
	my @parts = $text =~ /(\s+|\w+|"[^"]*"|.)/gs;
	my $i = $rng->below(scalar @parts);
	my $how = $rng->below(6);

	if ($how == 0) { splice @parts, $i, 1; }
	elsif ($how == 1) { splice @parts, $i, 0, $rng->pick(@TOKENS), ' '; }
	elsif ($how == 2) { $parts[$i] = $rng->pick(@TOKENS); }
	elsif ($how == 3) { splice @parts, $i, 1, $parts[$i], $parts[$i]; }
	elsif ($how == 4) { @parts = @parts[ 0 .. $i ]; }
	else
	{
		my $c = $rng->below(length $text);
		substr($text, $c, 1) = $rng->pick('(', ')', '"', '\\', '{', ' ', '', 'x', '9');
		return $text;
	}
	return join '', @parts;
}

1;
