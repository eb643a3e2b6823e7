# Hostile clients, all at once, while a polite one pushes: bodies of 100 MB, bombs, slow and idle connections,
# pipelines.  Each gets an error or nothing, memory stays bounded, the polite one is not delayed.
use strict;
use warnings;

use IO::Socket::INET;
use MimirTest;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

start_cluster(HTTP_REQUEST_TIMEOUT => 5);
my $end = 60;
my @rw = "Content-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\n";
my $t = int(time) * 1000;

# of the whole cluster, bytes: PSS counts shared memory once
sub memory
{
	my $sum = 0;
	my $top = MimirTest::postmaster_pid();
	for my $pid ($top, split ' ', `ps -o pid= --ppid $top`)
	{
		open my $fh, '<', "/proc/$pid/smaps_rollup" or next;
		while (<$fh>) { $sum += $1 * 1024 if /^Pss:\s+(\d+)/ }
	}
	return $sum;
}
sub client { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => http_port(), Timeout => 10); }
sub polite
{
	my $seconds = shift;
	my $until = time + $seconds;
	my (@took, $failed);
	while (time < $until)
	{
		my $start = time;
		my ($status) = push_series([ map { [ { __name__ => 'polite', n => "$_" }, [ $t, 1 ] ] } 1 .. 20 ]);
		push @took, time - $start;
		$failed++ if $status ne '200';
		$t += 100;
		sleep 0.02;
	}
	@took = sort { $a <=> $b } @took;
	return ($failed || 0, $took[ $#took / 2 ], $took[ $#took * 0.99 ], scalar @took);
}

my ($failed, $p50, $p99, $n) = polite(5);
my $before = memory();
my $peak = $before;

my $big = "\xff\xff\xff\x2f" . 'x' x 104857600;    # claims 100 MB, too
my $watch = time;
my @hostile = (
	(map { background(sub { my $until = time + $end; while (time < $until) { my ($s) = post('/api/v1/push', $big, 'Content-Encoding: snappy', 'Content-Type: application/x-protobuf', 'Expect:'); die "big: $s" if $s !~ /^(413|400|000)$/ } }) } 1 .. 2),
	background(sub {
		# a snappy bomb: copies that make 90 MB of little
		my $until = time + $end;
		my $bomb = MimirTest::varint(90 * 1048576) . "\x00x" . "\xfe\x01\x00" x (90 * 1048576 / 64);
		while (time < $until) { my ($s) = post('/api/v1/push', $bomb, 'Content-Encoding: snappy', 'Content-Type: application/x-protobuf'); die "bomb: $s" if $s !~ /^4/ }
	}),
	background(sub {
		# a byte a second of a header, and of a body
		my @c = map { client() } 1 .. 200;
		my $until = time + $end;
		syswrite $_, "POST /api/v1/push HTTP/1.1\r\nHost: x\r\n@{rw}Content-Length: 100000\r\n" . ($_ % 2 ? '' : "\r\n") for grep { defined } @c;
		local $SIG{PIPE} = 'IGNORE';
		while (time < $until) { for (grep { defined } @c) { syswrite $_, 'a' } sleep 1 }
	}),
	background(sub {
		my @c = grep { defined } map { client() } 1 .. 2000;
		die 'only ' . @c . ' connections' if @c < 2000;
		sleep $end;
	}),
	background(sub {
		# pipelines of queries and garbage
		local $SIG{PIPE} = 'IGNORE';
		my $until = time + $end;
		while (time < $until)
		{
			my $c = client() or next;
			syswrite $c, "GET /api/v1/query?query=up HTTP/1.1\r\nHost: x\r\n\r\n" x 50 . "\xff\x00" x 500 . "\r\n\r\n";
			my $text = '';
			while (sysread $c, my $part, 65536) { $text .= $part }
			my $answers = () = $text =~ m{HTTP/1.1 200}g;
			die "pipeline: $answers answers" if $answers < 50;
			sleep 0.1;
		}
	}),
	background(sub {
		# hostile protobuf
		srand 1;
		my $until = time + $end;
		my $good = write_request([ { __name__ => 'm', a => 'b' }, [ $t, 1 ] ]);
		while (time < $until)
		{
			my $bytes = $good x (1 + int rand 50);
			substr($bytes, int(rand length $bytes), 1) = chr int rand 256 for 1 .. 1 + int rand 20;
			$bytes = substr $bytes, 0, int rand length $bytes if rand() < 0.3;
			my ($s) = post('/api/v1/push', rand() < 0.2 ? $bytes : snappy($bytes), 'Content-Encoding: snappy', 'Content-Type: application/x-protobuf');
			die "mutation: $s" if $s !~ /^(200|400)$/;
		}
	}),
);
my $sampler = background(sub { my $most = 0; my $until = time + $end; while (time < $until) { my $m = memory(); $most = $m if $m > $most; sleep 0.5 } open my $fh, '>', "$ENV{DATADIR}/peak" or die; print $fh $most; close $fh });
my ($failed2, $p50_2, $p99_2, $n2) = polite($end - 5);
waitpid $sampler, 0;
for (@hostile) { waitpid $_, 0; is($?, 0, 'a hostile client got what it deserves') }
{ open my $fh, '<', "$ENV{DATADIR}/peak" or die; $peak = <$fh>; }
is($failed2, 0, 'no polite push failed');
cmp_ok($peak, '<', $before + 512 * 1048576, 'memory is bounded');
my ($failed3) = polite(2);
is($failed3, 0, 'nor afterwards');
diag sprintf 'alone: %d pushes, median %.1f ms, p99 %.1f ms; among the hostile: %d, %.1f ms, %.1f ms; memory %d MB, at most %d MB',
	$n, $p50 * 1000, $p99 * 1000, $n2, $p50_2 * 1000, $p99_2 * 1000, $before / 1048576, $peak / 1048576;
done_testing();
