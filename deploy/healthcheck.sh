#!/bin/sh
# Healthy: the hub when it answers at /healthz, a runner when its schedule beat within a minute, everything else while it runs.
# It is run every few seconds beside a browser that is being timed, so it starts nothing that is slow to start.
set -eu

case "$(cat "${TMPDIR:-/tmp}/sixfb-role")" in
    hub)
        exec python3 -I -S -c '
import http.client
door = http.client.HTTPConnection("127.0.0.1", 8600, timeout=3)
door.request("GET", "/healthz")
raise SystemExit(door.getresponse().status != 200)'
        ;;
    runner)
        [ -n "$(find "$SIXFB_VAR/runner" -maxdepth 2 -name heartbeat -mmin -1)" ]
        ;;
esac
