#!/bin/sh
# Options alone are options of the server, as in the official image.
set -eu
case "${1:-}" in -*) set -- memcached "$@" ;; esac
exec "$@"
