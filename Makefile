# make setup | up | test | lint: all a newcomer needs. Requires Python >= 3.11, git and make.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.slipway-ready
LOCKS := requirements.txt package-lock.json images/code-server/package-lock.json
PACKAGES := pyproject.toml $(wildcard packages/*/pyproject.toml)
# uv does not read pip's configuration: hand it the index that pip would use, and the system's CAs.
UV := UV_SYSTEM_CERTS=1 UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null || true)}}" $(BIN)/uv

.PHONY: help setup up test test-all test-upstream test-images test-cluster rehearse chromium registry-tools image-tools wrk \
  lint lock schemas clean
help:
	@echo "make up      set up, then run JupyterHub with VS Code here (Ctrl-C stops it)"
	@echo "make test    set up, then run the tests"
	@echo "make test-all    every test, images and the whole rehearsal too"
	@echo "make test-images, make test-upstream    parts of test-all: images; what other projects' code is like"
	@echo "make rehearse    the whole life of the AWS environments, on an emulator"
	@echo "make lint    ruff and mypy"
	@echo "make bench-NAME    measure, into benchmarks/results/: the modules of benchmarks/ are the names"
	@echo "make lock    compile the lock files after changing pyproject.toml or package.json"

setup: $(READY)

$(READY): $(LOCKS) $(PACKAGES) Makefile
	@test -n "$(PYTHON)" || { echo "Slipway needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up (once; 1 to 5 minutes):"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "Python cannot make virtual environments here. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "  - Python packages"
	@awk '/^uv==/ {p=1} p {print} p && !/\\$$/ {exit}' requirements.txt > .venv/uv.txt
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(UV) pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt || \
	  $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation \
	  -e . -e packages/hub -e packages/notebook -e packages/datapath
	@$(BIN)/python -m slipway.toolchain
	@touch $@

up: setup
	@$(BIN)/slipway up $(if $(PORT),--port $(PORT))

# Two at a time: more would make each other wait for what runs behind them. `tests/support/tiers.py`
# says which tests share a worker and in which order the groups start.
PYTEST := $(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder

test: setup chromium registry-tools
	@$(PYTEST) -m "not slow and not upstream and not cluster"

test-all: setup chromium image-tools
	@$(PYTEST) -m "not cluster"

test-upstream: setup
	@$(BIN)/pytest -m upstream

# On the cluster that KUBECONFIG names: docs/kubernetes.md.
test-cluster: setup
	@$(BIN)/pytest -m cluster tests/cluster

test-images: setup image-tools
	@$(BIN)/pytest tests/images

rehearse: setup
	@$(BIN)/slipway rehearse

# Install what is missing of these programs: $(1) programs, $(2) their Debian packages, $(3) for what.
define programs
missing=; for tool in $(1); do command -v $$tool >/dev/null || missing=1; done; \
  test -z "$$missing" || { \
    test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { \
      echo "$(3) need $(1): install your system's packages"; exit 1; }; \
    echo "Installing $(1): $(3) need them"; \
    apt-get -qq update && apt-get -qq install -y --no-install-recommends $(2) >/dev/null; }
endef

chromium:
	@command -v google-chrome >/dev/null || { $(call programs,chromium,chromium fonts-dejavu-core,The browser tests); }

# A registry, and what copies images.
REGISTRY_TOOLS = docker-registry skopeo
registry-tools:
	@$(call programs,$(REGISTRY_TOOLS),$(REGISTRY_TOOLS),The tests of releases)

# Builders too, and a way to make a Debian.
IMAGE_TOOLS = $(REGISTRY_TOOLS) buildah podman runc mmdebstrap
image-tools:
	@$(call programs,$(IMAGE_TOOLS),$(IMAGE_TOOLS),The images' tests)

bench-datapath: wrk
wrk:
	@$(call programs,wrk,wrk,Benchmarks of the data path)

bench-images bench-promote: image-tools
bench-%: setup
	@$(BIN)/python -m benchmarks.$*

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# Dependency group : the lock it becomes.
IMAGE_LOCKS = hub:hub/requirements.txt notebook:jupyter/requirements.txt rstudio:jupyter/rstudio.txt \
  streamlit:streamlit/requirements.txt python-tools:hub/tools.txt python-tools:jupyter/tools.txt \
  node-tools:proxy/tools.txt node-tools:code-server/tools.txt
COMPILE = $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-header
lock:
	$(COMPILE) pyproject.toml --group hub --group notebook --group streamlit --group python-tools --group dev -o requirements.txt
	for lock in $(IMAGE_LOCKS); do \
	  $(COMPILE) --no-annotate -c requirements.txt --group $${lock%%:*} -o images/$${lock#*:}; done
	$(COMPILE) --no-annotate --group rehearse -o slipway/rehearse/requirements.txt
	for folder in . images/code-server images/proxy; do $(BIN)/python -c 'import sys, pathlib; \
	  from slipway.toolchain.node import npm; \
	  npm("install", "--package-lock-only", "--ignore-scripts", cwd=pathlib.Path(sys.argv[1]))' $$folder; done

schemas: setup
	@for file in catalog environment platform release; do $(BIN)/slipway schema $$file > schemas/$$file.json; done

clean:
	rm -rf .venv .slipway node_modules cdk.out
