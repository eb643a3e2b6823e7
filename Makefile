# mimir_pg: build, run, test.  `make help` lists the targets.
EXTENSION  = mimir_pg
MODULE_big = mimir_pg
# not VERSION: that is the server's in PGXS
EXTVERSION = 0.1

PG_CONFIG ?= pg_config

# One part per concern, in dependency order.
SQL_PARTS = $(addprefix sql/,$(shell sed 's/\#.*//' sql/order))
DATA_built = mimir_pg--$(EXTVERSION).sql
# From each released version to the next: sql/updates/README.md.
DATA       = $(wildcard sql/updates/mimir_pg--*--*.sql)

# The pure layers never see a PostgreSQL header; the unit build is the proof.
PURE_DIRS = util model codec codec/column wire template http promql promql/parser promql/plan promql/exec \
            promql/functions
PG_DIRS   = pg tables types tenancy store index ingest query remote ruler alertmanager api worker
BUILD     = build

GEN_SRCS  = $(if $(wildcard src/promql/parser/grammar.y), \
              $(BUILD)/promql/lexer.c $(BUILD)/promql/grammar.c)
PURE_SRCS = $(filter-out src/util/mem_malloc.c src/util/cancel_none.c, \
              $(foreach d,$(PURE_DIRS),$(wildcard src/$(d)/*.c)))
PURE_CXX  = $(foreach d,$(PURE_DIRS),$(wildcard src/$(d)/*.cc))
PG_SRCS   = src/mimir_pg.c $(foreach d,$(PG_DIRS),$(wildcard src/$(d)/*.c))
OBJS      = $(PG_SRCS:.c=.o) $(PURE_SRCS:.c=.o) $(PURE_CXX:.cc=.o) $(GEN_SRCS:.c=.o)

LIBS_PKG  = libmicrohttpd re2 libxxhash yaml-0.1 json-c libcurl zlib
PG_CPPFLAGS = -Isrc -I$(BUILD) -D_GNU_SOURCE -DMIMIR_VERSION='"$(EXTVERSION)"' -MMD -MP
# No contraction of a*b+c: results must equal Prometheus' bit for bit.
OPTFLAGS  = -O2 -ffp-contract=off
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
            -Wno-missing-field-initializers -Wno-declaration-after-statement \
            -fvisibility=hidden $(OPTFLAGS)
PG_CXXFLAGS = -std=gnu++17 -Wall -Wextra -fvisibility=hidden -O2
SHLIB_LINK  = -lmicrohttpd -lsnappy -lre2 -lxxhash -lprotobuf-c -lyaml -ljson-c -lcurl -lz -lstdc++ -lm
EXTRA_CLEAN = $(BUILD) mimir_pg--*.sql
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
-include $(OBJS:.o=.d)

mimir_pg--$(EXTVERSION).sql: sql/order $(SQL_PARTS)
	cat $(SQL_PARTS) > $@

$(BUILD)/promql/grammar.c: src/promql/parser/grammar.y
	@mkdir -p $(@D)
	bison -Wall -Wno-yacc --defines=$(@:.c=.h) -o $@ $<
$(BUILD)/promql/lexer.c: src/promql/parser/lexer.l $(BUILD)/promql/grammar.c
	@mkdir -p $(@D)
	flex --header-file=$(@:.c=.h) -o $@ $<
$(filter src/promql/%,$(OBJS)): | $(filter %/lexer.c,$(GEN_SRCS))

# --- the pure layers outside the server -------------------------------------------------------
include test/unit/unit.mk

# --- a private cluster: tools/cluster.sh says what it honours -----------------------------------
.PHONY: run start stop psql deps
run: deps ## install what is missing, build, run a private server here; Ctrl-C stops it
	+$(MAKE) --no-print-directory -j$(shell nproc) all
	+@PG_CONFIG='$(PG_CONFIG)' tools/cluster.sh run
start: deps ## the same in the background; returns when it is ready
	+$(MAKE) --no-print-directory -j$(shell nproc) all
	+@PG_CONFIG='$(PG_CONFIG)' tools/cluster.sh start
stop: ## stop it
	@PG_CONFIG='$(PG_CONFIG)' tools/cluster.sh stop
psql: ## a session in it
	@PG_CONFIG='$(PG_CONFIG)' tools/cluster.sh psql
deps:
	@PG_CONFIG='$(PG_CONFIG)' tools/install-deps.sh

# --- benchmarks ---------------------------------------------------------------------------------
include bench/bench.mk

# --- tests and style ----------------------------------------------------------------------------
# PGXS brings a check target that only refuses; its recipe is replaced here.
.PHONY: check differential lint fmt fmt-check
DIFF_QUERIES ?= 200
DIFF_SEED    ?= 1
check: deps-check ## every test, from nothing to "N passed, N failed"
	+$(MAKE) --no-print-directory -j$(shell nproc) all
	+@PG_CONFIG='$(PG_CONFIG)' tools/check.sh
deps-check: deps
	@PG_CONFIG='$(PG_CONFIG)' tools/install-deps.sh prometheus prometheus-node-exporter
differential: all ## DIFF_QUERIES random queries of DIFF_SEED to Prometheus and to us
	@PG_CONFIG='$(PG_CONFIG)' tools/install-deps.sh prometheus
	perl -Itest/t -Itest/differential test/differential/differential.pl $(DIFF_QUERIES) $(DIFF_SEED)
.PHONY: soak
soak: all ## the long tests: deaths, a full disk, hostile clients, hundreds of flushes
	@for t in test/soak/*.pl; do PG_CONFIG='$(PG_CONFIG)' perl -Itest/t $$t || exit 1; done
	@PG_CONFIG='$(PG_CONFIG)' SNAPSHOT_FLUSHES=200 perl -Itest/t test/t/060_snapshot.pl
lint: ## rules that no compiler checks: tools/lint
	@for rule in tools/lint/*.sh; do bash $$rule || exit 1; done
FMT_FILES = $(shell git ls-files '*.c' '*.h')
fmt: ## format all C with clang-format
	clang-format -i $(FMT_FILES)
fmt-check: ## is it formatted?
	clang-format --dry-run -Werror $(FMT_FILES)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 14
