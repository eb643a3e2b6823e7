# Random queries over unpleasant data, to a Prometheus and to a cluster of ours; see README.md.
#
#   perl -Itest/t -Itest/differential test/differential/differential.pl [QUERIES [SEED [FIRST]]]
use strict;
use warnings;

use Differential::Compare qw(parse difference);
use Differential::Query;
use Differential::Random;
use Differential::Rules qw(epsilon excuse as_now);
use Differential::Servers qw(start ask version);
use Test::More;

my ($queries, $seed, $only) = @ARGV;
my $program = $ENV{PROMETHEUS} || 'prometheus';

$queries //= 200;
$seed //= 1;
plan skip_all => "$program is not installed" if `which $program` eq '';

my %count = (exact => 0, empty => 0, failed => 0);
my $series = start();
my $version = version();

ok($series > 150, "$series series were written to both");
for my $n (1 .. $queries)
{
	my $q = Differential::Query->new(Differential::Random->new($seed * 1_000_003 + $n), $version)->next;
	next if defined $only && $n != $only;
	my ($ours, $theirs) = map { parse(ask($_, $q->{path}, $q->{params})) } 'ours', 'theirs';
	if ($version >= 3)
	{
		as_now($_, $version) for $ours, $theirs;
	}
	my $name = "$n: " . join ' ', $q->{path}, map { "$_=$q->{params}{$_}" } sort keys %{ $q->{params} };
	my %how = (ordered => $q->{tags}{ordered}, annotations => $version >= 3);
	my $found = difference($ours, $theirs, %how);

	$name =~ s/([\n#\\])/$1 eq "\n" ? '\n' : "\\$1"/ge;
	if (!defined $found)
	{
		$count{exact}++;
		$count{empty}++ if !$ours->{error} && !%{ $ours->{series} || {} };
		$count{error}++ if $ours->{error};
		pass($name);
		next;
	}
	my $epsilon = epsilon($q, $version);
	$found = difference($ours, $theirs, %how, epsilon => $epsilon) if $epsilon;
	if (!defined $found)
	{
		$count{'within rounding'}++;
		pass($name);
		next;
	}
	if (my $rule = excuse($q, $version, $ours, $theirs))
	{
		$count{"rule \"$rule\""}++;
		pass("$name ($rule)");
		note($found);
		next;
	}
	$count{failed}++;
	fail($name);
	diag($found);
}
note("$_: $count{$_}") for sort keys %count;

done_testing();
