# The table of `make bench`: figures of each server, ratios to prometheus, targets missed.
# Input: lines "server figure number unit".

function ratio(a, b) {
	return b > 0 ? sprintf("%.2f", a / b) : "-"
}

# Why mimir_pg misses what it is to reach, or nothing.
function missed(f, us, prom, vm) {
	if (f ~ /^(ingest|history)_cpu$/)
		return us > 0.25 * prom ? "more than 0.25 of prometheus" : us > vm ? "more than victoria-metrics" : ""
	if (f ~ /^(ingest|history)_peak_pss$/)
		return us > prom ? "more than prometheus" : ""
	if (f ~ /^eval_(settled_)?(cpu|query_median)$/)
		return us > 0.3 * prom ? "more than 0.3 of prometheus" : ""
	if (f ~ /^eval_(settled_)?peak_(pss|growth)$/)
		return us > 0.2 * prom ? "more than 0.2 of prometheus" : ""
	if (f ~ /^(cold|warm)_/)
		return us > 0.5 * prom ? "more than 0.5 of prometheus" : us >= vm ? "more than victoria-metrics" : ""
	if (f == "settled_bytes")
		return us > 0.5 * prom ? "more than 0.5 of prometheus" : us >= vm ? "more than victoria-metrics" : ""
	if (f == "wal_bytes")
		return us >= 8 ? "8 or more" : ""
	if (f == "lost")
		return us > 0 ? "samples lost" : ""
	if (f ~ /^(query|settled)_.*_median$/ && prom >= 5)
		return us > 0.5 * prom ? "more than 0.5 of prometheus" : ""
	if (f ~ /^(query|settled)_.*_median$/)
		return us > prom ? "more than prometheus" : ""
	if (f ~ /_(series|points)$/)
		return us != prom ? "another number than prometheus" : ""
	return ""
}

{
	if (!($2 in unit)) {
		order[++n] = $2
		unit[$2] = $4
		for (i = 5; i <= NF; i++)
			unit[$2] = unit[$2] " " $i
	}
	value[$1, $2] = $3
	has[$1, $2] = 1
}

END {
	printf "%-32s %12s %12s %12s %10s %10s  %s\n", "", "prometheus", "victoria-m.", "mimir_pg", "mimir_pg/p", "victoria/p", "missed"
	for (i = 1; i <= n; i++) {
		f = order[i]
		peer = f
		sub(/^eval_settled/, "eval", peer) # there is nothing to settle for the same query of the others
		p = value["prometheus", peer]
		v = value["victoria-metrics", peer]
		m = value["mimir_pg", f]
		why = has["mimir_pg", f] && has["prometheus", peer] ? missed(f, m, p, v) : has["mimir_pg", f] ? missed(f, m, 1e9, 1e9) : ""
		if (f ~ /_(series|points)$/ && why == "")
			continue # answers agree
		printf "%-32s %12s %12s %12s %10s %10s  %s\n", f, p, v, m, ratio(m, p), ratio(v, p), why
		if (why != "")
			misses++
	}
	printf "%d targets missed\n", misses
}
