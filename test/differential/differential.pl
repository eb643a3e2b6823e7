# Random queries over unpleasant data, to a Prometheus and to a cluster of ours; see README.md.
#
#   perl -Itest/t -Itest/differential test/differential/differential.pl [QUERIES [SEED [ONLY]]]
#
# ONLY is the number of the one query to run.  The environment: PROMETHEUS, CHECK_PGPORT, CHECK_HTTP_PORT.
use strict;
use warnings;

use Cwd qw(abs_path);
use Differential::Compare qw(parse differences);
use Differential::Data qw($T0 $SPAN);
use Differential::Query;
use Differential::Random;
use Differential::Rules qw(epsilon excuse as_now @RULES);
use Differential::Servers qw(start ask version);
use File::Basename qw(dirname);
use Test::More;

my ($queries, $seed, $only) = @ARGV;
my $program = $ENV{PROMETHEUS} || 'prometheus';

$queries //= 200;
$seed //= 1;
plan skip_all => "$program is not installed" if `which $program` eq '';

my $readme = do { local (@ARGV, $/) = dirname(abs_path($0)) . '/README.md'; <> };
my %count = (exact => 0, empty => 0, failed => 0, error => 0);
my $series = start();
my $version = version();

ok($series > 150, "$series series were written to both");
ok(!(grep { index($readme, "| $_->[0] |") < 0 } @RULES), 'README.md explains every rule');

# What they are asked: 2.42 knows one function by its old name.  Blanks keep positions as they are.
sub in_their_words
{
	my $text = shift;

	$text =~ s/\bdouble_exponential_smoothing\b/holt_winters                /g if $version < 3;
	return $text;
}

sub in_our_words
{
	my $reply = shift;

	$reply->{error} =~ s/"holt_winters"/"double_exponential_smoothing"/ if defined $reply->{error};
	return $reply;
}

sub reply
{
	my ($server, $path, $params) = @_;
	my %params = %$params;

	$params{query} = in_their_words($params{query}) if $server eq 'theirs';
	my $reply = in_our_words(parse(ask($server, $path, \%params)));
	as_now($reply, $version);
	return $reply;
}

# Parameters of a range query over all of the data, at times that are fit for the version.
sub all_times
{
	my $offset = $version < 3 ? 700 : 0;

	return { start => ($T0 - 600_000 + $offset) / 1000, end => ($T0 + $SPAN + 900_000 + $offset) / 1000, step => 5 };
}

for my $n (1 .. $queries)
{
	my $q = Differential::Query->new(Differential::Random->new($seed * 1_000_003 + $n), $version)->next;
	next if defined $only && $n != $only;
	my ($ours, $theirs) = map { reply($_, $q->{path}, $q->{params}) } 'ours', 'theirs';
	my %how = (ordered => $q->{tags}{ordered}, annotations => $version >= 3);
	my $name = "$n: " . join ' ', $q->{path}, map { "$_=$q->{params}{$_}" } sort keys %{ $q->{params} };
	my @found = differences($ours, $theirs, %how);

	$name =~ s/([\n#\\])/$1 eq "\n" ? '\n' : "\\$1"/ge;
	$count{empty}++ if !$ours->{error} && !%{ $ours->{series} || {} };
	$count{error}++ if $ours->{error};
	if (!@found)
	{
		$count{exact}++;
		pass($name);
		next;
	}
	$how{epsilon} = epsilon($q, $version);
	@found = differences($ours, $theirs, %how);
	if (!@found)
	{
		$count{'within rounding'}++;
		pass($name);
		next;
	}
	my $rule = excuse({
		q => $q, version => $version, ours => $ours, theirs => $theirs, found => \@found, how => \%how,
		again => sub { return reply('theirs', $q->{path}, $q->{params}); },
		ask => sub {
			my ($text, $everywhere) = @_;
			my ($path, $params) = $everywhere ? ('query_range', all_times()) : @$q{ 'path', 'params' };

			return map { reply($_, $path, { %$params, query => $text }) } 'ours', 'theirs';
		},
	});
	if (defined $rule)
	{
		$count{"rule \"$rule\""}++;
		pass("$name ($rule)");
	}
	else
	{
		$count{failed}++;
		fail($name);
	}
	note($found[0]{text});
}
note("$_: $count{$_}") for sort keys %count;

done_testing();
