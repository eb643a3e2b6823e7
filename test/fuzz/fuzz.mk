# Fuzz targets of the pure layers: fuzz_NAME.c with LLVMFuzzerTestOneInput, corpus_NAME its seeds.
#    make fuzz FUZZ_SECONDS=n     libFuzzer on each target for n seconds; finds go to build/fuzz
#    make fuzz-replay             the corpora through the unit build, without libFuzzer
FUZZ_SECONDS ?= 30
FUZZ_DIR     = $(BUILD)/fuzz
FUZZ_NAMES   = $(patsubst test/fuzz/fuzz_%.c,%,$(wildcard test/fuzz/fuzz_*.c))
FUZZ_SAN     = -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CFLAGS  = -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -ffp-contract=off $(FUZZ_SAN) \
               -fsanitize=fuzzer-no-link -Isrc -I$(BUILD) -Itest/unit -MMD -MP
# targets that define __wrap_crc32c, so that checksums do not keep the fuzzer out
FUZZ_WRAP    = $(if $(filter tsdb_%,$*),-Wl$(comma)--wrap=crc32c)
comma        = ,
FUZZ_HELPERS = test/unit/mem_source.c
FUZZ_OBJS    = $(patsubst %.c,$(FUZZ_DIR)/%.o,$(UNIT_PURE) $(GEN_SRCS) $(FUZZ_HELPERS)) \
               $(patsubst %.cc,$(FUZZ_DIR)/%.o,$(PURE_CXX))
REPLAY_OBJS  = $(patsubst %.c,$(UNIT_DIR)/%.o,$(UNIT_PURE) $(GEN_SRCS) $(FUZZ_HELPERS)) \
               $(patsubst %.cc,$(UNIT_DIR)/%.o,$(PURE_CXX))

$(FUZZ_DIR)/%.o: %.c | $(filter %/lexer.c,$(GEN_SRCS))
	@mkdir -p $(@D)
	clang -std=gnu11 $(FUZZ_CFLAGS) -c -o $@ $<
$(FUZZ_DIR)/%.o: %.cc
	@mkdir -p $(@D)
	clang++ -std=gnu++17 $(FUZZ_CFLAGS) -c -o $@ $<
$(FUZZ_DIR)/fuzz_%: $(FUZZ_DIR)/test/fuzz/fuzz_%.o $(FUZZ_OBJS)
	clang++ $(FUZZ_SAN) -fsanitize=fuzzer $(FUZZ_WRAP) -o $@ $^ $(UNIT_LIBS)
$(UNIT_DIR)/replay_%: $(UNIT_DIR)/test/fuzz/fuzz_%.o $(UNIT_DIR)/test/fuzz/replay_main.o $(REPLAY_OBJS)
	$(CXX) -fsanitize=address,undefined $(FUZZ_WRAP) -o $@ $^ $(UNIT_LIBS)
.PRECIOUS: $(FUZZ_DIR)/%.o $(UNIT_DIR)/%.o
-include $(FUZZ_OBJS:.o=.d) $(FUZZ_NAMES:%=$(FUZZ_DIR)/test/fuzz/fuzz_%.d) \
         $(FUZZ_NAMES:%=$(UNIT_DIR)/test/fuzz/fuzz_%.d)

.PHONY: fuzz fuzz-replay
fuzz: $(FUZZ_NAMES:%=$(FUZZ_DIR)/fuzz_%) ## fuzz each target for FUZZ_SECONDS
	@set -e; for name in $(FUZZ_NAMES); do \
	  mkdir -p $(FUZZ_DIR)/corpus_$$name; \
	  echo "fuzz $$name"; \
	  ASAN_OPTIONS=detect_leaks=0 $(FUZZ_DIR)/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) \
	    -timeout=10 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 -verbosity=0 \
	    -artifact_prefix=$(FUZZ_DIR)/find_$${name}_ \
	    $(FUZZ_DIR)/corpus_$$name test/fuzz/corpus_$$name; \
	done
fuzz-replay: $(FUZZ_NAMES:%=$(UNIT_DIR)/replay_%) ## every fuzz corpus through the unit build
	@set -e; for name in $(FUZZ_NAMES); do \
	  ASAN_OPTIONS=detect_leaks=0 $(UNIT_DIR)/replay_$$name test/fuzz/corpus_$$name; \
	done
