#!/bin/sh
# Options alone are options of the server, which runs as a master with workers, as in the official image.
set -eu
case "${1:-}" in -*) set -- haproxy "$@" ;; esac
if [ "$1" = haproxy ]; then
  shift
  set -- haproxy -W -db "$@"
fi
exec "$@"
