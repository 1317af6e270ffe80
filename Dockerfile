# syntax=docker/dockerfile:1
# One image, role by command: `hub`, `runner`, `run`, `demo`. docs/deploy.md says how to run it.
#
#   BASE     any Debian 12 with Python 3.11 or newer
#   BROWSER  playwright: Playwright's own build, downloaded here; chromium: Debian's
#   HEADED   yes: with a virtual display for SIXFB_HEADED=1; no: without one
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY requirements.txt requirements-dev.txt ./
# The environment has no pip of its own: nothing is ever installed into a running container.
RUN python3 -m venv /opt/builder \
 && python3 -m venv --without-pip /opt/sixfb \
 && /opt/builder/bin/pip --python /opt/sixfb/bin/python install --no-cache-dir --require-hashes -r requirements.txt
# The build backend is of the developers' lock, so it too comes by its hash.
RUN awk '/^[a-z]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' requirements-dev.txt > /tmp/backend.txt \
 && /opt/builder/bin/pip install --no-cache-dir --require-hashes -r /tmp/backend.txt
COPY . .
RUN /opt/builder/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/builder/bin/pip --python /opt/sixfb/bin/python install --no-cache-dir --no-deps /tmp/wheel/*.whl

FROM ${BASE}
ARG BROWSER=playwright
ARG HEADED=yes
LABEL org.opencontainers.image.title="sixfb" \
      org.opencontainers.image.description="A synthetic buyer: buys tickets in a real browser, on a schedule, and says what broke." \
      org.opencontainers.image.licenses="MIT"
ENV PATH=/opt/sixfb/bin:$PATH \
    PLAYWRIGHT_BROWSERS_PATH=/opt/browsers \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    SIXFB_VAR=/var/lib/sixfb
SHELL ["/bin/bash", "-o", "errexit", "-o", "nounset", "-c"]
# libatomic1: Playwright's driver needs it, and slim images have none. The names of the packages are pinned by the release of
# Debian, not by version: security updates of the browser are wanted with every build, and each run records its browser's version.
# hadolint ignore=DL3008
RUN --mount=type=bind,from=build,source=/opt/sixfb,target=/opt/sixfb \
    packages=(ca-certificates fonts-liberation libatomic1 tini) \
 && if [ "$HEADED" = yes ]; then packages+=(xvfb); fi \
 && if [ "$BROWSER" = chromium ]; then packages+=(chromium chromium-sandbox); fi \
 && apt-get update \
 && apt-get install -y --no-install-recommends "${packages[@]}" \
 && if [ "$BROWSER" = playwright ]; then playwright install --with-deps --no-shell chromium; fi \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* /tmp/* \
 && useradd --uid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin sixfb \
 && install -d -o sixfb -g sixfb /var/lib/sixfb
COPY --from=build /opt/sixfb /opt/sixfb
COPY --chmod=755 deploy/entrypoint.sh deploy/healthcheck.sh /usr/local/bin/
USER 10001:10001
WORKDIR /var/lib/sixfb
VOLUME /var/lib/sixfb
EXPOSE 8600
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["healthcheck.sh"]
ENTRYPOINT ["tini", "--", "entrypoint.sh"]
CMD ["--help"]
