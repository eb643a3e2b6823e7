# Sourced by the benchmarks: figures, one a line: "server figure number unit".
#
# They are put into the file $figures/$server.

put() { echo "$server $1 $2 $3" >>"$figures/$server"; } # figure, number, unit

# Take over named figures of a file "figure number unit", each under a prefix.
take() { # file, prefix, figure...
	local file=$1 prefix=$2 f

	shift 2
	for f in "$@"; do
		awk -v s="$server" -v p="$prefix" -v f="$f" '$1 == f { $1 = s " " p $1; print }' "$file" >>"$figures/$server"
	done
}

number() { awk -v f="$2" '$1 == f { print $2 }' "$1"; } # file, figure
calc() { awk "BEGIN { printf \"%.6g\", ($1) }"; }
