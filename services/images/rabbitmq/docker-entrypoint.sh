#!/bin/sh
# Become rabbitmq-server as the user rabbitmq. RABBITMQ_DEFAULT_USER, _PASS and _VHOST are the server's own.
set -eu
case "${1:-}" in rabbitmq*) server=yes ;; *) server="" ;; esac
if [ -n "$server" ] && [ "$(id -u)" = 0 ]; then
  find /var/lib/rabbitmq /etc/rabbitmq ! -user rabbitmq -exec chown rabbitmq:rabbitmq {} +
  exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups -- "$0" "$@"
fi
if [ -n "${RABBITMQ_ERLANG_COOKIE:-}" ] && [ ! -e "$HOME/.erlang.cookie" ]; then
  umask 077
  printf '%s' "$RABBITMQ_ERLANG_COOKIE" >"$HOME/.erlang.cookie"
fi
exec "$@"
