#!/bin/sh
# Makes what compose.yaml needs, once: passwords and keys, the hub's first user, a token for each location. Safe to run again.
#
#   deploy/init.sh [OPTION OF docker compose]...      as in: deploy/init.sh --env-file deploy/demo.env
#
# COMPOSE is the command of compose, where it is not `docker compose`. Your Stripe test key goes into stripe_secret_key by hand.
# shellcheck disable=SC2086 # $compose and $options are lists of words
set -eu
cd "$(dirname "$0")/.."
compose="${COMPOSE:-docker compose}"
secrets="${SIXFB_SECRETS_DIR:-deploy/secrets}"
locations="us-east us-west eu-west"

# The folder is its owner's alone. The files are not: the user in a container, whom they are mounted for, has another number.
umask 022
mkdir -p "$secrets"
chmod 700 "$secrets"

random() { od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'; }
options="$*"
ask_the_hub() { $compose $options run --rm --no-deps -T hub "$@"; }
token_of() { echo "$secrets/token_$(echo "$1" | tr - _)"; }

for name in postgres_password admin_password secret_key; do
    [ -s "$secrets/$name" ] || random 32 > "$secrets/$name"
done
printf 'postgresql://sixfb:%s@postgres/sixfb' "$(cat "$secrets/postgres_password")" > "$secrets/database_url"
if [ ! -e "$secrets/stripe_secret_key" ]; then
    # The demo's Stripe takes any test key; the real one takes yours, and without any the page alone proves test mode.
    case "$options" in
        *demo*) printf 'sk_test_%s' "$(random 12)" > "$secrets/stripe_secret_key" ;;
        *) : > "$secrets/stripe_secret_key" ;;
    esac
fi
# Compose mounts every file that it names, so each has to be there before any container starts.
for location in $locations; do
    touch "$(token_of "$location")"
done

$compose $options up -d postgres
tries=0
until $compose $options exec -T postgres pg_isready --quiet --host=127.0.0.1 --username=sixfb --dbname=sixfb; do
    tries=$((tries + 1))
    [ "$tries" -le 60 ] || { echo "the database did not start within a minute" >&2; exit 3; }
    sleep 1
done
ask_the_hub user list --json | grep -q '"name"' ||
    ask_the_hub user add admin --role admin --password-file /run/secrets/admin_password
for location in $locations; do
    file="$(token_of "$location")"
    [ -s "$file" ] && continue
    ask_the_hub token create --location "$location" > "$secrets/new_token"
    mv "$secrets/new_token" "$file"
    echo "made a token for $location"
done
echo "the hub's first user is admin, with the password in $secrets/admin_password; next: $compose $options up -d"
