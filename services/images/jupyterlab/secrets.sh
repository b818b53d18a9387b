#!/bin/sh
# Writes .env with a token and a password of its own for docker-compose, once; prints where JupyterLab will answer.
set -eu
umask 077
random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
touch .env
grep -q '^JUPYTER_TOKEN=' .env || echo "JUPYTER_TOKEN=$(random)" >>.env
grep -q '^POSTGRES_PASSWORD=' .env || echo "POSTGRES_PASSWORD=$(random)" >>.env
# the container's user saves notebooks in this checkout
[ "$(id -u)" = 0 ] || grep -q '^USER_ID=' .env || echo "USER_ID=$(id -u)" >>.env
port=$(sed -n 's/^JUPYTER_PORT=//p' .env)
echo "JupyterLab: http://127.0.0.1:${port:-8888}/lab?token=$(sed -n 's/^JUPYTER_TOKEN=//p' .env)"
