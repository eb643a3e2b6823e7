package MimirTest;

# A private cluster, HTTP by curl, remote-write bodies and sessions of psql, for the server tests.
#
# Each test starts its own cluster through tools/cluster.sh, in a temporary directory and on the ports
# that CHECK_PGPORT and CHECK_HTTP_PORT give, and stops it by that script.  TEST_DISK is another place
# for its data.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Temp qw(tempdir tempfile);
use IPC::Open2 qw(open2);
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT = qw(start_cluster launch_cluster stop_cluster kill_cluster sql get post push_series write_request
  snappy wait_ready wait_until child_of http_port session background server_log);

# so that END stops the server
$SIG{$_} = sub { exit 1 } for qw(INT TERM);

my $top = abs_path(dirname(__FILE__) . '/../..');
my $dir;

sub http_port { return $ENV{HTTP_PORT} }

sub start_cluster
{
	my %settings = @_;

	if (!defined $dir)
	{
		$dir = tempdir('mimir_tap.XXXXXX', TMPDIR => 1, CLEANUP => 1);
		chmod 0755, $dir;
		$ENV{DATADIR} = ($ENV{TEST_DISK} || $dir) . '/data';
		$ENV{PGPORT} = $ENV{CHECK_PGPORT} || 25434;
		$ENV{HTTP_PORT} = $ENV{CHECK_HTTP_PORT} || 29434;
	}
	$ENV{"MIMIR_$_"} = $settings{$_} for keys %settings;
	my $out = `$top/tools/cluster.sh start 2>&1`;
	die "could not start the cluster: $out" if $? != 0;
}

# The server alone; returns what went wrong.
sub launch_cluster
{
	my $out = `$top/tools/cluster.sh launch 2>&1`;
	return $? == 0 ? '' : $out || "status $?";
}

# A postmaster that is told to stop while it starts again after a crash waits for ever; it is made to.
sub stop_cluster
{
	system("timeout 120 $top/tools/cluster.sh stop >/dev/null 2>&1");
	kill 'QUIT', postmaster_pid() if $? >> 8 == 124;
}

END { my $status = $?; stop_cluster() if defined $dir; $? = $status; }

sub postmaster_pid
{
	open my $fh, '<', "$ENV{DATADIR}/postmaster.pid" or die "no postmaster: $!";
	my $pid = <$fh>;
	chomp $pid;
	return $pid;
}

# Process id of a child of the postmaster by its title.
sub child_of
{
	my $title = shift;
	my $postmaster = postmaster_pid();

	for (split /\n/, `ps -o pid=,args= --ppid $postmaster`)
	{
		return $1 if /^\s*(\d+)\s+postgres: \Q$title\E/;
	}
	return undef;
}

# kill -9 of the postmaster; its children notice and end.
sub kill_cluster
{
	my $pid = postmaster_pid();

	kill 'KILL', $pid;
	for (1 .. 100)
	{
		last if `ps -o pid= --ppid $pid` eq '' && !kill(0, $pid);
		sleep 0.1;
	}
	sleep 1;
}

sub wait_ready
{
	for (1 .. 300)
	{
		return 1 if `curl -s -m 2 -o /dev/null -w '%{http_code}' http://127.0.0.1:$ENV{HTTP_PORT}/ready` eq '200';
		sleep 0.1;
	}
	return 0;
}

# Is the condition true within $seconds (10)?
sub wait_until
{
	my ($test, $seconds) = @_;
	my $end = time + ($seconds || 10);

	while (!$test->())
	{
		return 0 if time > $end;
		sleep 0.05;
	}
	return 1;
}

sub server_log
{
	open my $fh, '<', "$ENV{DATADIR}/server.log" or die "no server log: $!";
	local $/;
	return scalar <$fh>;
}

my @children;
END { my $status = $?; kill 'KILL', @children if @children; $? = $status; }

# Run code in a process of its own that leaves the test's clean-up to the test; it exits with 0
# unless the code dies.
sub background
{
	my $code = shift;
	my $pid = fork;

	die "fork: $!" if !defined $pid;
	if ($pid == 0)
	{
		$SIG{$_} = 'DEFAULT' for qw(INT TERM);
		srand;    # names of temporary files
		my $ok = eval { $code->(); 1 };
		print STDERR $@ if !$ok;
		POSIX::_exit($ok ? 0 : 1);
	}
	push @children, $pid;
	return $pid;
}

# A session of psql that stays open:
#   ask(sql)    run it, return its output with any error
#   send(sql)   begin to run it; answer() waits for its output
#   backend     process id of its server process
#   quit        end it
sub session { return MimirSession->new(@_); }

sub sql
{
	my ($sql, @args) = @_;
	my ($fh, $file) = tempfile(DIR => $dir, UNLINK => 1);

	print $fh $sql;
	close $fh;
	my $out = `psql -X -q -A -t -h 127.0.0.1 -p $ENV{PGPORT} -U postgres -d postgres -f $file 2>&1`;
	unlink $file;
	chomp $out;
	return $out;
}

# (status, body) of a GET; parameters are name => value.
sub get
{
	my ($path, $params, @headers) = @_;
	my @cmd = ('curl', '-s', '-m', '20', '-g', '--get', '-w', "\n%{http_code}");

	push @cmd, '--data-urlencode', "$_->[0]=$_->[1]" for @{ $params || [] };
	push @cmd, '-H', $_ for @headers;
	return run_curl(@cmd, "http://127.0.0.1:$ENV{HTTP_PORT}$path");
}

sub post
{
	my ($path, $body, @headers) = @_;
	my ($fh, $file) = tempfile(DIR => $dir, UNLINK => 1);

	binmode $fh;
	print $fh $body;
	close $fh;
	my @cmd = ('curl', '-s', '-m', '30', '-w', "\n%{http_code}", '--data-binary', "\@$file");
	push @cmd, '-H', $_ for @headers;
	my @answer = run_curl(@cmd, "http://127.0.0.1:$ENV{HTTP_PORT}$path");
	unlink $file;
	return @answer;
}

sub run_curl
{
	open my $fh, '-|', @_ or die "curl: $!";
	my $out = do { local $/; <$fh> };
	close $fh;
	$out =~ s/\n(\d+)\z//;
	return ($1, $out);
}

sub varint
{
	my $v = shift;
	my $out = '';

	while ($v >= 128)
	{
		$out .= chr(($v & 127) | 128);
		$v >>= 7;
	}
	return $out . chr($v);
}

sub field { my ($n, $bytes) = @_; return varint($n << 3 | 2) . varint(length $bytes) . $bytes; }

# A WriteRequest of [ {labels}, [t_ms, value]... ] entries.
sub write_request
{
	my $out = '';

	for my $series (@_)
	{
		my ($labels, @samples) = @$series;
		my $ts = '';

		for my $name (sort keys %$labels)
		{
			$ts .= field(1, field(1, $name) . field(2, $labels->{$name}));
		}
		for my $s (@samples)
		{
			$ts .= field(2, "\x09" . pack('d<', $s->[1]) . "\x10" . varint($s->[0]));
		}
		$out .= field(1, $ts);
	}
	return $out;
}

# Snappy's block format with literals only.
sub snappy
{
	my $in = shift;
	my $out = varint(length $in);

	while (length $in)
	{
		my $part = substr($in, 0, 60, '');
		$out .= chr((length($part) - 1) << 2) . $part;
	}
	return $out;
}

sub push_series
{
	my ($series, @headers) = @_;

	return post('/api/v1/push', snappy(write_request(@$series)),
		'Content-Encoding: snappy', 'Content-Type: application/x-protobuf', @headers);
}

package MimirSession;

sub new
{
	my ($class, %options) = @_;
	my $user = $options{user} || 'postgres';
	my $database = $options{database} || 'postgres';
	my $self = bless { asked => 0 }, $class;

	$self->{pid} = IPC::Open2::open2($self->{out}, $self->{in},
		"exec psql -XqAt -h 127.0.0.1 -p $ENV{PGPORT} -U $user -d $database 2>&1");
	$self->{backend} = $self->ask('SELECT pg_backend_pid();');
	return $self;
}

sub send
{
	my ($self, $sql) = @_;

	$self->{asked}++;
	print { $self->{in} } "$sql\n;\n\\echo __answered_$self->{asked}__\n";
	$self->{in}->flush;
	return;
}

sub answer
{
	my $self = shift;
	my $out = '';

	while (defined(my $line = readline $self->{out}))
	{
		if ($line =~ /^__answered_(\d+)__$/)
		{
			last if $1 == $self->{asked};
			next;
		}
		$out .= $line;
	}
	chomp $out;
	return $out;
}

sub ask { my ($self, $sql) = @_; $self->send($sql); return $self->answer; }

sub backend { return $_[0]->{backend}; }

sub quit
{
	my $self = shift;

	close $self->{in};
	close $self->{out};
	waitpid $self->{pid}, 0;
	return;
}

1;
