# What a machine must have: Debian packages, and a Docker engine that answers.

ENGINE_PID=$(mktemp)

install_packages() {
  local missing=()
  for package in "$@"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
  done
  [ ${#missing[@]} != 0 ] || { echo "all there: $*"; return 0; }
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o Acquire::Retries=3 -qq update
  without_services apt-get -o Acquire::Retries=3 -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}

# Debian starts what it installs, on the usual ports; its way of saying no is a policy-rc.d that answers 101.
without_services() {
  local policy=/usr/sbin/policy-rc.d ours="" code=0
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && ours=$policy
  fi
  "$@" || code=$?
  [ -z "$ours" ] || rm -f "$ours"
  return "$code"
}

start_engine() {
  if timeout 10 docker info >/dev/null 2>&1; then
    echo "an engine answers: $(docker version --format '{{.Server.Version}}')"
    return 0
  fi
  rm -f /var/run/docker.pid
  local log
  log=$(mktemp)
  setsid dockerd >"$log" 2>&1 </dev/null &
  echo $! >"$ENGINE_PID"
  for _ in $(seq 150); do
    if timeout 5 docker info >/dev/null 2>&1; then
      echo "started an engine: $(docker version --format '{{.Server.Version}}')"
      return 0
    fi
    kill -0 "$(cat "$ENGINE_PID")" 2>/dev/null || break
    sleep 0.2
  done
  echo "the Docker engine did not start; its last lines:" >&2
  tail -n 15 "$log" >&2
  return 1
}

stop_engine() {
  [ ! -s "$ENGINE_PID" ] || kill "$(cat "$ENGINE_PID")" 2>/dev/null
  rm -f "$ENGINE_PID"
}
CLEAN_UP+=(stop_engine)
