# One image, role by command: `sixfb run ...` today; the runner and the hub grow into it.
# BROWSER=playwright takes Playwright's own build, BROWSER=chromium Debian's.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /opt/sixfb
COPY requirements.txt ./
RUN /opt/sixfb/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt
COPY . .
RUN python3 -m venv /tmp/builder \
 && /tmp/builder/bin/pip install --no-cache-dir --disable-pip-version-check "hatchling>=1.27" \
 && /tmp/builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /tmp/wheel . \
 && /opt/sixfb/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps /tmp/wheel/*.whl

FROM ${BASE}
ARG BROWSER=playwright
ENV PLAYWRIGHT_BROWSERS_PATH=/opt/browsers PYTHONDONTWRITEBYTECODE=1 PATH=/opt/sixfb/bin:$PATH SIXFB_VAR=/var/lib/sixfb
COPY --from=build /opt/sixfb /opt/sixfb
# libatomic1: the driver of Playwright needs it, and slim images have none.
RUN apt-get update \
 && apt-get install -y --no-install-recommends fonts-liberation libatomic1 tini \
 && if [ "$BROWSER" = chromium ]; then apt-get install -y --no-install-recommends chromium; \
    else playwright install --with-deps chromium; fi \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home sixfb \
 && install -d -o sixfb -g sixfb /var/lib/sixfb
USER 10001
WORKDIR /var/lib/sixfb
VOLUME /var/lib/sixfb
ENTRYPOINT ["tini", "--", "sixfb"]
CMD ["--help"]
