# Image of the daemon. Build it in the project's folder:
#   docker build --tag litellm-gateways:0.1.0 .
# tests/install/test_dockerfile.py holds the versions to those of the project.

FROM golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d AS go

# The engine and its Kubernetes provider, built as `make setup` does; apart from what follows, for it takes long and
# changes seldom.
FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS engine
COPY --from=go /usr/local/go /usr/local/go
ENV PATH=/usr/local/go/bin:$PATH \
    GATEWAY_TOOLS_CACHE=/engine \
    PULUMI_HOME=/opt/pulumi
WORKDIR /build
COPY gateway_components/errors.py gateway_components/
COPY gateway_components/engine/__init__.py gateway_components/engine/errors.py gateway_components/engine/programs.py \
     gateway_components/engine/
COPY tools tools
RUN mkdir -p .venv/bin \
    && python -m tools setup pulumi pulumi-resource-kubernetes \
    && cp --dereference .venv/bin/pulumi /usr/local/bin/pulumi \
    && chmod -R a+rX "$PULUMI_HOME"

FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d AS packages
WORKDIR /build
RUN python -m venv /opt/gateways
COPY requirements.txt constraints-image.txt ./
RUN /opt/gateways/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
    --requirement constraints-image.txt
COPY pyproject.toml README.md LICENSE ./
COPY gateway_components gateway_components
# Built with the setuptools of the lock file; neither it nor pip is needed any more.
RUN /opt/gateways/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && /opt/gateways/bin/python -m pip uninstall --yes --disable-pip-version-check setuptools pip

FROM python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d
RUN useradd --uid 65532 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin gateways
COPY --from=engine /opt/pulumi/plugins /opt/pulumi/plugins
COPY --from=packages /opt/gateways /opt/gateways
COPY --from=engine /usr/local/bin/pulumi /opt/gateways/bin/pulumi
# Nothing is written but to the scratch folder and /tmp: compiled modules are in the image.
ENV PATH=/opt/gateways/bin:$PATH \
    HOME=/tmp \
    USER=gateways \
    PULUMI_HOME=/opt/pulumi \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["gatewayctl", "daemon"]
