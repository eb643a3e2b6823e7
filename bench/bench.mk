# Programs of the benchmarks, and the targets that run them.
BENCH_DIR      = $(BUILD)/bench
BENCH_PROGRAMS = $(addprefix $(BENCH_DIR)/,gen pack query replay watch)

$(BENCH_DIR)/%.o: bench/%.c $(wildcard bench/*.h)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -pthread -c -o $@ $<
$(BENCH_DIR)/gen: $(addprefix $(BENCH_DIR)/,gen.o fleet.o recording.o)
$(BENCH_DIR)/pack: $(addprefix $(BENCH_DIR)/,pack.o recording.o)
$(BENCH_DIR)/query: $(addprefix $(BENCH_DIR)/,query.o client.o)
$(BENCH_DIR)/replay: $(addprefix $(BENCH_DIR)/,replay.o client.o)
$(BENCH_DIR)/watch: $(BENCH_DIR)/watch.o
$(BENCH_PROGRAMS):
	$(CC) -pthread -o $@ $^ -lsnappy -lm

.PHONY: bench-ready bench bench-load bench-eval bench-recover
bench-ready: deps $(BENCH_PROGRAMS)
	+$(MAKE) --no-print-directory -j$(shell nproc) all
bench: bench-ready ## against Prometheus and VictoriaMetrics, same data, one run
	@PG_CONFIG='$(PG_CONFIG)' bench/run.sh
bench-load: bench-ready ## 500,000 active series at 50,000 samples/s inside one CPU and 1 GB
	@PG_CONFIG='$(PG_CONFIG)' bench/load.sh
bench-eval: bench-ready ## a query over 57.6 million samples, and how cost grows
	@PG_CONFIG='$(PG_CONFIG)' bench/eval.sh
bench-recover: bench-ready ## from kill -9 to the newest sample
	@PG_CONFIG='$(PG_CONFIG)' bench/recover.sh
