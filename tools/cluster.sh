#!/bin/bash
# The private cluster of `make run`, `start`, `stop` and `psql`.
#
#   tools/cluster.sh run | start | launch | stop | psql [ARGUMENT...]
#
# launch starts the server alone, without extension and without waiting for it: for tests of what
# does not come up.
#
# Environment:
#   DATADIR     data directory, made by initdb if it is not there    (.run/data)
#   PGPORT      port of PostgreSQL on 127.0.0.1                      (25432)
#   HTTP_PORT   port of the HTTP API on 127.0.0.1                    (9009)
#   PG_CONFIG   pg_config of the PostgreSQL to use                   (pg_config)
#   MIMIR_NAME  becomes the setting mimir.name
#
# Root runs the server as user postgres, for PostgreSQL refuses to run as root.  Connections are
# trusted, but only the loopback address and a socket inside DATADIR are listened on.
set -eu

READY_SECONDS=600 # a long log takes its time to replay

cd "$(dirname "$0")/.."
run=$PWD/.run
PGPORT=${PGPORT:-25432}
HTTP_PORT=${HTTP_PORT:-9009}
as_user=()
if [ "$(id -u)" = 0 ]; then
	getent passwd postgres >/dev/null || useradd --system --shell /bin/bash postgres
	as_user=(runuser -u postgres --)
	# a checkout below /root is closed to that user
	if ! "${as_user[@]}" test -x "$PWD"; then
		run=/var/tmp/mimir_pg-$(echo "$PWD" | cksum | cut -d' ' -f1)
	fi
fi
datadir=$(realpath -m "${DATADIR:-$run/data}")
log=$datadir/server.log
url=http://127.0.0.1:$HTTP_PORT

is_running() { [ -x "$bin/pg_ctl" ] && "${as_user[@]}" "$bin/pg_ctl" -D "$datadir" status &>/dev/null; }

find_bin() { bin=$run/pg$(${PG_CONFIG:-pg_config} --bindir); }

run_psql() {
	"$bin/psql" -X -q -h 127.0.0.1 -p "$PGPORT" -U postgres -d postgres "$@"
}

make_datadir() {
	[ -s "$datadir/PG_VERSION" ] && return
	mkdir -p "$datadir"
	[ "$(id -u)" != 0 ] || chown postgres: "$datadir"
	"${as_user[@]}" "$bin/initdb" -D "$datadir" -U postgres -A trust -E UTF8 --no-locale >/dev/null
	echo "include_if_exists = 'mimir.conf'" >>"$datadir/postgresql.conf"
}

# mimir.conf holds what this script decides; written anew at every start.
write_settings() {
	local socket=$datadir name value

	[ ${#socket} -lt 90 ] || socket= # the path of a socket is limited
	{
		echo "# written by tools/cluster.sh at every start"
		echo "listen_addresses = '127.0.0.1'"
		echo "port = $PGPORT"
		echo "unix_socket_directories = '${socket//\'/\'\'}'"
		echo "shared_preload_libraries = 'mimir_pg'"
		echo "mimir.http_listen = '127.0.0.1'"
		echo "mimir.http_port = $HTTP_PORT"
		while IFS= read -r name; do
			value=${!name}
			name=${name#MIMIR_}
			echo "mimir.${name,,} = '${value//\'/\'\'}'"
		done < <(compgen -v MIMIR_)
	} >"$datadir/mimir.conf"
}

fail() {
	echo "$1; the end of $log:" >&2
	tail -n 20 "$log" >&2
	stop
	exit 1
}

wait_ready() {
	local i

	for ((i = 0; i < READY_SECONDS * 10; i++)); do
		[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/ready")" != 200 ] || return 0
		is_running || fail "the server ended"
		sleep 0.1
	done
	fail "the server is not ready after $READY_SECONDS s"
}

launch() {
	bin=$(tools/private-install.sh "$run/pg")
	if is_running; then
		echo "a server already runs in $datadir; stop it first" >&2
		exit 1
	fi
	make_datadir
	write_settings
	"${as_user[@]}" "$bin/pg_ctl" -D "$datadir" -l "$log" -t 600 -w start >/dev/null ||
		fail "PostgreSQL did not start"
}

start() {
	launch
	run_psql -c "SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS mimir_pg" ||
		fail "the extension could not be created"
	wait_ready
}

stop() {
	find_bin
	if is_running; then
		"${as_user[@]}" "$bin/pg_ctl" -D "$datadir" -m fast -t 600 -w stop >/dev/null
	fi
}

endpoints() {
	cat <<END

mimir_pg is ready.

  remote write    $url/api/v1/push
  Grafana         $url/prometheus          (datasource of type Prometheus)
  PostgreSQL      psql -h 127.0.0.1 -p $PGPORT -U postgres postgres
  data directory  $datadir
  server log      $log

Something to try:

  curl '$url/prometheus/api/v1/query?query=vector(1)'
  make psql PGPORT=$PGPORT     and there:  SELECT * FROM mimir.promql_query('vector(1)', now());

END
}

case ${1:-} in
	start)
		start
		endpoints
		;;
	run)
		trap 'stop; exit 0' INT TERM
		start
		endpoints
		echo "Ctrl-C stops the server.  Its log follows."
		tail -n 0 -F --pid="$(head -n 1 "$datadir/postmaster.pid")" "$log" 2>/dev/null &
		wait $! || true
		fail "the server ended"
		;;
	launch)
		launch
		;;
	stop)
		stop
		;;
	psql)
		find_bin
		shift
		"$bin/psql" -h 127.0.0.1 -p "$PGPORT" -U postgres -d postgres "$@"
		;;
	*)
		sed -n '2,/^set/{/^#/p}' "$0" >&2
		exit 2
		;;
esac
