#!/bin/sh
# Starts the role that the command names. SIXFB_HEADED=1 gives its browsers a virtual display to be headed on.
set -eu

# For healthcheck.sh, which cannot know what was started.
echo "${1:-}" > "${TMPDIR:-/tmp}/sixfb-role"

if [ "${SIXFB_HEADED:-0}" = 1 ] && [ -z "${DISPLAY:-}" ]; then
    export DISPLAY=:99
    [ -d /tmp/.X11-unix ] || mkdir -m 1777 /tmp/.X11-unix
    Xvfb "$DISPLAY" -screen 0 1920x1080x24 -nolisten tcp &
    tries=0
    until [ -S /tmp/.X11-unix/X99 ]; do
        tries=$((tries + 1))
        [ "$tries" -le 100 ] || { echo "the virtual display did not start within 10 s" >&2; exit 3; }
        sleep 0.1
    done
fi
exec sixfb "$@"
