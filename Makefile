# pg_oms: PGXS build. The extension script is the room fragments of sql/ in
# number order; sql/install/ (the business tables) travels inside it as text
# that oms.install() executes, so that those tables are nobody's members.

EXTENSION = pg_oms
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

MODULE_big = $(EXTENSION)
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c))) $(patsubst %.cpp,%.o,$(sort $(wildcard src/*.cpp)))
PGFILEDESC = "pg_oms - order management inside the ERP database"
PG_CPPFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare
SHLIB_LINK = -lhpdf -lzint -lstdc++

DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA = $(filter-out $(DATA_built),$(wildcard sql/updates/*.sql))

# Test names must differ from the file names in sql/ (pg_regress looks there
# first), and isolation names start with iso_: both share expected/.
REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=postgis --load-extension=$(EXTENSION)

# The TAP tests make clusters of their own, which takes IPC::Run and a user
# that initdb accepts; elsewhere installcheck goes without them.
ifneq ($(filter installcheck,$(MAKECMDGOALS)),)
PROVE_TESTS = $(sort $(wildcard test/t/*.pl))
ifneq ($(PROVE_TESTS),)
ifeq ($(shell perl -MIPC::Run -e 'print $$> ? "able" : "root"' 2>/dev/null),able)
TAP_TESTS = 1
else
$(info TAP tests are left out: they need Perl's IPC::Run and a user other than root)
endif
endif
endif

EXTRA_CLEAN = results regression.diffs regression.out tmp_check tmp_install log

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

.DELETE_ON_ERROR:

$(OBJS): $(wildcard src/*.h)

# Data that functions read (oms.load_pincodes) lies in SHAREDIR/pg_oms.
SHARE_DATA = data/pincodes.csv data/README.md

install: install-share
.PHONY: install-share uninstall-share
install-share:
	$(MKDIR_P) '$(DESTDIR)$(datadir)/$(EXTENSION)'
	$(INSTALL_DATA) $(addprefix $(srcdir)/,$(SHARE_DATA)) '$(DESTDIR)$(datadir)/$(EXTENSION)/'
uninstall: uninstall-share
uninstall-share:
	rm -f $(addprefix '$(DESTDIR)$(datadir)/$(EXTENSION)'/,$(notdir $(SHARE_DATA)))

FRAGMENTS = $(sort $(wildcard sql/[0-9]*.sql))
INSTALL_FRAGMENTS = $(sort $(wildcard sql/install/[0-9]*.sql))
# data/schema/NAME.schema.json becomes the row NAME of oms.json_schema
SCHEMAS = $(sort $(wildcard data/schema/*.schema.json)) doc/order.schema.json

# sql/install/10-catalog.sql becomes the row ('10-catalog', its text).
$(DATA_built): $(FRAGMENTS) $(INSTALL_FRAGMENTS) $(SCHEMAS) $(EXTENSION).control sql/comments.awk Makefile
	set -e; { for f in $(filter-out sql/90-%,$(FRAGMENTS)); do awk -f sql/comments.awk $$f; done; \
	  for f in $(SCHEMAS); do printf "\nINSERT INTO oms.json_schema (name, builtin, schema) VALUES ('%s', true, \$$oms_schema\$$" "$$(basename $$f .schema.json)"; \
	    cat $$f; printf '$$oms_schema$$);\n'; done; \
	  printf '\nCREATE FUNCTION oms.install_script(OUT room text, OUT script text)\n  RETURNS SETOF record LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$oms_rooms$$\nVALUES\n'; \
	  sep=' '; for f in $(INSTALL_FRAGMENTS); do \
	    printf "%s ('%s', \$$oms_install\$$\n" "$$sep" "$$(basename $$f .sql)"; awk -f sql/comments.awk $$f; \
	    printf '$$oms_install$$)\n'; sep=','; done; \
	  printf '$$oms_rooms$$;\nCOMMENT ON FUNCTION oms.install_script() IS\n'; \
	  printf "  'The DDL that oms.install() executes, one row per room in floor order: the files of sql/install/.';\n"; \
	  cat $(filter sql/90-%,$(FRAGMENTS)); \
	} > $@
