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

# The decoders as the server has them, without it.
DECODE_OBJS = $(patsubst src/%.c,$(BENCH_DIR)/src/%.o,$(wildcard src/codec/column/*.c) src/codec/chunk_xor.c \
                src/codec/varbit.c $(addprefix src/util/,buf.c err.c hash.c mem.c mem_malloc.c))
$(BENCH_DIR)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(PG_CFLAGS) -D_GNU_SOURCE -Isrc -MMD -MP -c -o $@ $<
$(BENCH_DIR)/decode: bench/decode.c $(DECODE_OBJS)
	$(CC) $(PG_CFLAGS) -D_GNU_SOURCE -Isrc -o $@ $^ -lxxhash -lm
-include $(DECODE_OBJS:.o=.d)

.PHONY: bench-ready bench bench-load bench-eval bench-recover bench-years bench-decode bench-compact
bench-ready: deps $(BENCH_PROGRAMS)
	+$(MAKE) --no-print-directory -j$(shell nproc) all
bench: bench-ready ## against Prometheus and VictoriaMetrics, same data, one run
	@PG_CONFIG='$(PG_CONFIG)' bench/run.sh
bench-load: bench-ready ## 500,000 active series at 50,000 samples/s inside one CPU and 1 GB
	@PG_CONFIG='$(PG_CONFIG)' bench/load.sh
bench-eval: bench-ready ## a query over 57.6 million samples, and how cost grows
	@PG_CONFIG='$(PG_CONFIG)' bench/eval.sh
bench-years: bench-ready ## 30 days of 100,000 series, queries of 1,000 of them, cold and warm
	@PG_CONFIG='$(PG_CONFIG)' bench/years.sh
bench-compact: bench-ready ## what the compaction of a day of 100,000 series costs
	@PG_CONFIG='$(PG_CONFIG)' bench/compact.sh
bench-decode: $(BENCH_DIR)/decode ## samples a second of each encoding's decoder, on one core
	@$(BENCH_DIR)/decode
bench-recover: bench-ready ## from kill -9 to the newest sample
	@PG_CONFIG='$(PG_CONFIG)' bench/recover.sh
