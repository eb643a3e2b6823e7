# Unit tests of the pure layers: one binary, address and undefined-behaviour sanitizers on.
UNIT_DIR    = $(BUILD)/unit
UNIT_CFLAGS = -std=gnu11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer -ffp-contract=off \
              -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
              -Wno-missing-field-initializers -fsanitize=address,undefined \
              -fno-sanitize-recover=undefined -Isrc -I$(BUILD) -Itest/unit -MMD -MP
UNIT_LIBS   = -lsnappy -lre2 -lxxhash -lprotobuf-c -lyaml -ljson-c -lz -lstdc++ -lm
UNIT_PURE   = $(PURE_SRCS) src/util/mem_malloc.c src/util/cancel_none.c
UNIT_TESTS  = $(wildcard test/unit/*.c test/unit/promqltest/*.c)
UNIT_OBJS   = $(patsubst %.c,$(UNIT_DIR)/%.o,$(UNIT_PURE) $(GEN_SRCS) $(UNIT_TESTS)) \
              $(patsubst %.cc,$(UNIT_DIR)/%.o,$(PURE_CXX))

$(UNIT_DIR)/%.o: %.c | $(filter %/lexer.c,$(GEN_SRCS))
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -c -o $@ $<
$(UNIT_DIR)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(filter-out -std=gnu11,$(UNIT_CFLAGS)) -std=gnu++17 -c -o $@ $<
$(UNIT_DIR)/unit: $(UNIT_OBJS)
	$(CXX) -fsanitize=address,undefined -o $@ $^ $(UNIT_LIBS)

# A program over the pure layers for tests that put them beside Prometheus' tools.
TOOL_OBJS   = $(patsubst %.c,$(UNIT_DIR)/%.o,$(wildcard test/tools/*.c) test/unit/histogram_gen.c \
                $(UNIT_PURE) $(GEN_SRCS)) $(patsubst %.cc,$(UNIT_DIR)/%.o,$(PURE_CXX))
$(UNIT_DIR)/tsdb_tool: $(TOOL_OBJS)
	$(CXX) -fsanitize=address,undefined -o $@ $^ $(UNIT_LIBS)
-include $(UNIT_OBJS:.o=.d) $(TOOL_OBJS:.o=.d)

.PHONY: test-unit test-promql
test-unit: $(UNIT_DIR)/unit ## unit tests of the pure layers, sanitizers on
	ASAN_OPTIONS=detect_leaks=0 $(UNIT_DIR)/unit
test-promql: $(UNIT_DIR)/unit ## PromQL test files and the corpus in PROMQLTEST_DIR, with details
	ASAN_OPTIONS=detect_leaks=0 $(UNIT_DIR)/unit -v promqltest

include test/fuzz/fuzz.mk
