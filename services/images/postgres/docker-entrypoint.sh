#!/bin/bash
# Make the data directory on the first start, then become the server.
#
# Reads what the official image reads: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB (each also as a file named by
# <NAME>_FILE), POSTGRES_INITDB_ARGS, POSTGRES_HOST_AUTH_METHOD, PGDATA, and /docker-entrypoint-initdb.d.
set -euo pipefail

from_file() { # NAME DEFAULT: take NAME from the file that NAME_FILE names
    local file="${1}_FILE"
    if [ -n "${!file:-}" ]; then
        export "$1=$(<"${!file}")"
    fi
    export "$1=${!1:-$2}"
    unset "$file"
}

make_data_directory() {
    if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
        echo "postgres: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust to do without one" >&2
        exit 1
    fi
    local words=()
    eval "words=(${POSTGRES_INITDB_ARGS:-})" # the variable may quote its words
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-local=trust "${words[@]}"
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}" >>"$PGDATA/pg_hba.conf"
}

run_scripts() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case "$file" in
            *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
            *.sql) sql --dbname "$POSTGRES_DB" --file "$file" ;;
            *.sql.gz) gunzip --stdout "$file" | sql --dbname "$POSTGRES_DB" ;;
        esac
    done
}

sql() { psql --no-psqlrc --username "$POSTGRES_USER" --host /var/run/postgresql --set ON_ERROR_STOP=1 --quiet "$@"; }

first_start() { # the server's own arguments
    local arguments=""
    [ $# = 1 ] || arguments=$(printf ' %q' "${@:2}") # without arguments, printf would make an empty one
    make_data_directory
    pg_ctl --wait --options="$arguments -c listen_addresses=''" start
    if [ "$POSTGRES_DB" != postgres ]; then
        echo 'CREATE DATABASE :"name"' | sql --dbname postgres --set name="$POSTGRES_DB"
    fi
    run_scripts
    pg_ctl --wait --mode=fast stop
}

if [ "${1:0:1}" = - ]; then
    set -- postgres "$@"
fi
if [ "$1" = postgres ] && [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    find "$PGDATA" ! -user postgres -exec chown postgres:postgres {} +
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
fi
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    from_file POSTGRES_PASSWORD ''
    from_file POSTGRES_USER postgres
    from_file POSTGRES_DB "$POSTGRES_USER"
    first_start "$@"
    unset POSTGRES_PASSWORD
fi
exec "$@"
