#!/bin/sh
# Writes .env with a token and passwords of its own for docker-compose, once; prints where everything will answer.
set -eu
umask 077
random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
touch .env
for name in JUPYTER_TOKEN POSTGRES_PASSWORD REDIS_PASSWORD RABBITMQ_PASSWORD; do
  grep -q "^$name=" .env || echo "$name=$(random)" >>.env
done
# the container's user saves notebooks in this checkout
[ "$(id -u)" = 0 ] || grep -q '^USER_ID=' .env || echo "USER_ID=$(id -u)" >>.env
chosen() { sed -n "s/^$1=//p" .env; }
at() { port=$(chosen "$1"); echo "http://127.0.0.1:${port:-$2}"; }
echo "JupyterLab: $(at JUPYTER_PORT 8888)/lab?token=$(chosen JUPYTER_TOKEN)"
echo "the shop:   $(at SHOP_PORT 8000)/docs"
echo "Locust:     $(at LOCUST_PORT 8089)"
echo "the proxy:  $(at PROXY_PORT 8474)/proxies"
