# One target for each habit; `make help` lists them. Stamp files under .venv make repeats quick.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first Python that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && command -v $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Root installs Debian packages itself; others through sudo, where there is any.
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
CAN_INSTALL := $(shell command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || command -v sudo; } >/dev/null && echo yes)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

$(VENV)/.made: ## (the virtual environment)
	@[ -n "$(PYTHON)" ] || { \
	  echo "imagehaven needs Python 3.11 or later: install it, or give make PYTHON=PATH"; exit 2; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  [ "$(CAN_INSTALL)" = yes ] || { echo "Python has no venv: install the package python3-venv"; exit 2; }; \
	  $(APT) update && $(APT) install -y python3-venv && $(PYTHON) -m venv --clear $(VENV); }
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo]'
	@touch $@

# What builds the compiled core. The demo does without where there is none; tests want it.
$(VENV)/.compiler: | $(VENV)/.made
	@missing=""; \
	command -v gcc >/dev/null || missing="$$missing gcc libc6-dev"; \
	test -e "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" \
	  || missing="$$missing python3-dev"; \
	if [ -n "$$missing" ]; then \
	  [ "$(CAN_INSTALL)" = yes ] || { echo "The compiled core needs the Debian packages:$$missing"; exit 2; }; \
	  $(APT) update && $(APT) install -y --no-install-recommends $$missing; \
	fi
	@touch $@

$(VENV)/.dev: $(VENV)/.made $(VENV)/.compiler pyproject.toml constraints.txt $(wildcard src/imagehaven/*/native/*.[ch] src/imagehaven/*/*/native/*.[ch])
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo

# What tests drive beside Python: a real PostgreSQL, and DICOM tools by others as second opinions.
$(VENV)/.packages: | $(VENV)/.made
	@missing=""; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v dcmdump >/dev/null || missing="$$missing dcmtk"; \
	command -v dciodvfy >/dev/null || missing="$$missing dicom3tools"; \
	test -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so || missing="$$missing orthanc orthanc-dicomweb"; \
	command -v setpriv >/dev/null || missing="$$missing util-linux"; \
	command -v clang >/dev/null || missing="$$missing clang"; \
	ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 \
	  || missing="$$missing libclang-rt-dev"; \
	if [ -n "$$missing" ]; then \
	  [ "$(CAN_INSTALL)" = yes ] || { echo "Tests need the Debian packages:$$missing"; exit 2; }; \
	  $(APT) update && $(APT) install -y --no-install-recommends $$missing; \
	fi
	@touch $@

.PHONY: demo
demo: $(VENV)/.demo ## Install, and drive the whole road on a synthetic hospital
	$(BIN)/imagehaven demo

.PHONY: check
check: $(VENV)/.dev ## Format, lint, types, direction of imports, house rules, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python docs/generate/all.py --check
	$(BIN)/pytest -p no:cacheprovider tests/unit/test_house_rules.py tests/unit/test_registry.py

.PHONY: test
test: $(VENV)/.dev $(VENV)/.packages check ## Everything, with real servers on free loopback ports
	$(BIN)/pytest -n 2 --dist loadgroup

.PHONY: format
format: $(VENV)/.dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: generate
generate: $(VENV)/.dev ## Write the generated pages of the documentation anew
	$(BIN)/python docs/generate/all.py

.PHONY: docs
docs: generate ## Build the documentation into site/
	$(BIN)/mkdocs build --strict

.PHONY: bench
bench: $(VENV)/.dev ## Measure ingest, de-identification and release against peers
	$(BIN)/python -m benchmarks.road

.PHONY: bench-scan
bench-scan: $(VENV)/.dev ## Measure the scan of headers against pydicom, fastdicom and a plain read
	$(BIN)/python -m benchmarks.scan $(wildcard ../shared/dicom)

.PHONY: bench-ingest
bench-ingest: $(VENV)/.dev $(VENV)/.packages ## Measure ingest against pydicom with PostgreSQL's COPY
	PYTHONPATH=tests $(BIN)/python -m benchmarks.ingest

.PHONY: bench-receive
bench-receive: $(VENV)/.dev $(VENV)/.packages ## Measure the DICOM receiver against pynetdicom, DCMTK and Orthanc
	$(BIN)/python -m benchmarks.receive

.PHONY: bench-rewrite
bench-rewrite: $(VENV)/.dev $(VENV)/.packages ## Measure de-identification against a copy, pydicom and other tools
	$(BIN)/python -m benchmarks.rewrite

.PHONY: bench-retrieve
bench-retrieve: $(VENV)/.dev $(VENV)/.packages ## Measure the retriever against DCMTK and pynetdicom
	$(BIN)/python -m benchmarks.retrieve

.PHONY: bench-scaling bench-lookup bench-billion bench-decode
bench-scaling: $(VENV)/.dev $(VENV)/.packages ## Measure Ray on one to four nodes against the pool
	PYTHONPATH=tests $(BIN)/python -m benchmarks.scaling --repeats 3
bench-lookup: $(VENV)/.dev $(VENV)/.packages ## Measure looking up one instance, series, study and patient
	PYTHONPATH=tests $(BIN)/python -m benchmarks.lookup
bench-billion: $(VENV)/.dev ## Measure how queries grow with the catalogue (PLACE=a folder on a large disk)
	PYTHONPATH=tests $(BIN)/python -m benchmarks.billion --place $(or $(PLACE),build/billion)
bench-decode: $(VENV)/.dev ## Measure decoding of compressed pixels against GDCM
	PYTHONPATH=tests $(BIN)/python -m benchmarks.decode

.PHONY: bench-soak
bench-soak: $(VENV)/.dev $(VENV)/.packages ## Watch the receiver's memory over thousands of associations
	PYTHONPATH=tests $(BIN)/python -m benchmarks.soak_receive --seconds 3600

.PHONY: bench-verify
bench-verify: $(VENV)/.dev ## Measure what verification costs a release
	$(BIN)/python -m benchmarks.verification

.PHONY: fuzz
fuzz: $(VENV)/.dev $(VENV)/.packages ## Fuzz each part that is compiled for an hour (FUZZ_SECONDS=n for another time)
	$(BIN)/python tests/native/build.py build/fuzz
	cd build/fuzz && for target in fuzz_scan fuzz_rewrite fuzz_walk; do \
	  ./$$target -max_total_time=$(or $(FUZZ_SECONDS),3600) -max_len=60000 -print_final_stats=1 seeds \
	  || exit 1; done

.PHONY: lock
lock: $(VENV)/.made ## Write constraints.txt anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --all-extras --python-version 3.11 \
	  --no-emit-package imagehaven --no-annotate --no-header -o constraints.txt pyproject.toml

.PHONY: clean
clean: ## Remove what make made
	rm -rf $(VENV) site build demo-haven .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: bench-memory
bench-memory: $(VENV)/.dev ## Ingest 10 k, 100 k and 1 M instances and watch the memory (an hour)
	$(BIN)/python -m benchmarks.memory

.PHONY: bench-deid
bench-deid: $(VENV)/.dev ## Measure de-identification: tags, pixels, text, faces, verifier, beside peers
	$(BIN)/python -m benchmarks.deid --peers .bench-peers

.PHONY: bench-text
bench-text: $(VENV)/.dev ## Measure the cleaning of reports against peers
	$(BIN)/python -m benchmarks.deid.text --split test --count 600 --peers .bench-peers

# Training needs torch, which nothing else does; the weights and word lists are committed.
$(VENV)/.train: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train]'
	@touch $@

.PHONY: train-text-detector
train-text-detector: $(VENV)/.train ## Train the text detector on DICOM=FOLDER (hours; see training/text_detector)
	$(BIN)/python -m training.text_detector.backgrounds build/text-backgrounds $(DICOM)
	$(BIN)/python -m training.text_detector.train build/text-backgrounds build/detector.onnx

.PHONY: bench-ocr
bench-ocr: $(VENV)/.dev ## Measure the search for text in pixels against peers
	$(BIN)/python -m benchmarks.deid.ocr --count 240 --repeats 3 --peers .bench-peers

.PHONY: train-text-tagger
train-text-tagger: $(VENV)/.train ## Train the tagger of reports with the word lists in SCOWL=FOLDER (hours; see training/text_tagger)
	$(BIN)/python -m training.text_tagger.examples $(SCOWL) build/tagger.npz --words
	$(BIN)/python -m training.text_tagger.train build/tagger.npz build/tagger.onnx --rounds 4
