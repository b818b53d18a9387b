#!/bin/sh
# Builds JupyterLab's image in a place without a registry, upon the Debian of `backlab images build`.
# What this machine knows of its network goes into the build and into no commit: its CA bundle, its apt mirror.
set -eu
here=services/images/jupyterlab
trap 'rm -f $here/ca.crt $here/sources.list' EXIT
for bundle in "${SSL_CERT_FILE:-}" "${PIP_CERT:-}" /etc/ssl/certs/ca-certificates.crt; do
  if [ -s "$bundle" ]; then cp "$bundle" $here/ca.crt && break; fi
done
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  sed -nE 's#^(URIs:|deb( \[[^]]*\])?) +([^ ]+/debian)/?( .*)?$#\3#p' | head -n 1)
[ -z "$mirror" ] || echo "deb $mirror trixie main" >$here/sources.list
docker build --quiet --tag backlab-jupyterlab --build-arg BASE="${1:-backlab/base:trixie}" \
  --file $here/Dockerfile .
