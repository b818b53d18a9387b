# Stages with their seconds: `stage NAME COMMAND...` runs a command; the table is printed whatever happens.
# pytest's closing lines are repeated at the very end, where one looks first.

TABLE=()
SUMMARIES=()
CLEAN_UP=()
LOG=$(mktemp)

stage() {
  local name=$1 begun=$SECONDS code verdict=well summary
  shift
  printf '\n=== %s\n' "$name"
  set +e # not an `if`, which would switch errexit off inside functions too
  (
    set -e
    "$@"
  ) 2>&1 | tee "$LOG"
  code=${PIPESTATUS[0]}
  set -e
  [ "$code" = 0 ] || verdict="FAILED ($code)"
  TABLE+=("$(printf '%-22s %4d s  %s' "$name" $((SECONDS - begun)) "$verdict")")
  summary=$(grep -E '(passed|failed|error).* in [0-9.]+s' "$LOG" | tail -n 1 || true)
  [ -z "$summary" ] || SUMMARIES+=("$summary")
  return "$code"
}

at_the_end() {
  local code=$?
  trap - EXIT
  printf '\n=== stages\n'
  printf '%s\n' "${TABLE[@]}"
  printf '%-22s %4d s\n\n' total "$SECONDS"
  for command in "${CLEAN_UP[@]}"; do $command || true; done
  rm -f "$LOG"
  [ ${#SUMMARIES[@]} = 0 ] || printf '%s\n' "${SUMMARIES[@]}"
  exit "$code"
}
trap at_the_end EXIT
