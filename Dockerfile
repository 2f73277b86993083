# The fleet's image: every process of it, one-shots included, is this image with other arguments.
#
#   make image                                   # by buildah, from the base below
#   make image BASE=docker.io/library/debian@sha256:…   # from one that you have pinned yourself
#
# The first stage makes a virtual environment, the second takes it over and has no compiler, no pip
# and no shell script of ours. It runs as user 10001 on a read-only root; what must be written is
# mounted: /var/lib/keepers for a store in a file, /tmp for what libraries put there.
ARG BASE=docker.io/library/debian:bookworm-20250520-slim

FROM ${BASE} AS build
# runtime, or cloud: with what keys in AWS KMS and Google Cloud KMS need as well.
ARG REQUIREMENTS=runtime
# For networks that put a certificate of their own between: the file of it, inside the build.
ARG PIP_CERT=
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends ca-certificates python3 python3-pip python3-venv
WORKDIR /src
RUN python3 -m venv --without-pip /opt/keepers
COPY requirements/ requirements/
# every wheel by its hash; nothing is compiled, or the build fails here
RUN pip3 --python /opt/keepers/bin/python install --no-cache-dir --only-binary :all: \
      --require-hashes -r requirements/${REQUIREMENTS}.txt
COPY . .
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation -w /tmp/wheel . \
 && pip3 --python /opt/keepers/bin/python install --no-cache-dir --no-deps --no-index /tmp/wheel/*.whl

FROM ${BASE}
RUN apt-get update -q \
 && apt-get upgrade -y -q \
 && apt-get install -y -q --no-install-recommends ca-certificates python3 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/*
COPY --from=build /opt/keepers /opt/keepers
RUN mkdir -p /var/lib/keepers && chown 10001:10001 /var/lib/keepers
ENV PATH=/opt/keepers/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/keepers
USER 10001:10001
# A process without a parent ignores signals until it has asked for them: tini is that process.
ENTRYPOINT ["/usr/bin/tini", "--", "keepers"]
CMD ["--help"]
