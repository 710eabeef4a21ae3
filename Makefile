# The tasks of this repository. `make` lists them.
include makefiles/env.mk
include makefiles/local.mk
include makefiles/test.mk
include makefiles/lint.mk
include makefiles/functions.mk
include makefiles/pki.mk
include makefiles/live.mk
include makefiles/ci.mk
include makefiles/docs.mk
include makefiles/bench.mk
include makefiles/tools.mk
