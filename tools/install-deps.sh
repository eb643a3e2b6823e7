#!/bin/bash
# Install by apt what building and running mimir_pg needs and this machine lacks.
#
#   tools/install-deps.sh [PACKAGE...]     the packages of the build, and those named
#
# Prints nothing and asks for nothing if all is there.  Needs root or a sudo that asks for no
# password, else it names the packages and fails.  On a system without apt the compiler will tell
# what is missing.
set -eu

command -v apt-get >/dev/null || exit 0

pg_config=${PG_CONFIG:-pg_config}
if major=$($pg_config --version 2>/dev/null); then
	major=${major#PostgreSQL }
	postgres="postgresql-${major%%[!0-9]*} postgresql-server-dev-${major%%[!0-9]*}"
	# a server that no package brought needs none; Debian's client package brings PGXS without
	# the headers
	[ -e "$($pg_config --includedir-server)/postgres.h" ] && [ -e "$($pg_config --pgxs)" ] &&
		[ -x "$($pg_config --bindir)/postgres" ] && postgres=
else
	postgres="postgresql postgresql-server-dev-all"
fi
build="gcc g++ make bison flex curl libmicrohttpd-dev libsnappy-dev libre2-dev libxxhash-dev
	libprotobuf-c-dev protobuf-c-compiler libyaml-dev libjson-c-dev
	libcurl4-openssl-dev zlib1g-dev"

missing=
for package in $postgres $build "$@"; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing+=" $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	as_root=
elif sudo -n true 2>/dev/null; then
	as_root="sudo -n"
else
	echo "missing packages:$missing" >&2
	echo "install them as root: apt-get install$missing" >&2
	exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >&2; }

apt update
if [ -n "$postgres" ]; then
	# The server package would create and start a cluster of the system; nobody asked for one.
	apt install --no-install-recommends postgresql-common
	no_cluster=/etc/postgresql-common/createcluster.d/zz-mimir-pg-build.conf
	$as_root mkdir -p "${no_cluster%/*}"
	echo "create_main_cluster = false" | $as_root tee "$no_cluster" >/dev/null
	trap '$as_root rm -f "$no_cluster"' EXIT
fi
# shellcheck disable=SC2086
apt install --no-install-recommends $missing
