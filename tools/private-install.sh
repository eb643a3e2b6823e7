#!/bin/bash
# Make a private copy of the PostgreSQL installation with mimir_pg in it; print its bin directory.
#
#   bin=$(tools/private-install.sh DIR)
#
# PostgreSQL finds its share and library directories relative to the place of its executable, so
# copies of the executables in a tree of symbolic links are an installation of their own: no
# root needed, and nothing of the system's installation is touched.
set -eu

root=$1
pg_config=${PG_CONFIG:-pg_config}
bin=$($pg_config --bindir)
stamp="$($pg_config --version) $bin"

if [ "$(cat "$root/stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$root"
	mkdir -p "$root$bin"
	cp -L "$bin"/* "$root$bin/"
	for tree in "$($pg_config --pkglibdir)" "$($pg_config --sharedir)"; do
		mkdir -p "$root$tree"
		cp -rs "$tree/." "$root$tree/"
	done
	echo "$stamp" >"$root/stamp"
fi
make -s -C "$(dirname "$0")/.." install DESTDIR="$root" PG_CONFIG="$pg_config" >&2
echo "$root$bin"
