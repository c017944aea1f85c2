# Lanes: what runs side by side, from whatever the machine has: Python >= 3.11 with pip or venv, and
# root on Debian or Ubuntu, to make trees of other Debian systems. Tests of brokers and workers
# mostly wait, so that two cores do for several; each lane keeps to its order.
set -euo pipefail
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
failed=0
lanes=()
pids=()
trap 'for pid in "${pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done; rm -rf "$scratch"' EXIT
if ! command -v hatch >/dev/null; then
  # A system's own Python may refuse to install into itself (PEP 668).
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet hatch
  PATH="$scratch/venv/bin:$PATH"
fi

# Make what lanes share, as those that make the same thing at once would be in each other's way:
# these environments of Hatch, and the broker.
prepare() {
  for environment in "$@"; do
    hatch env create "$environment"
  done
  hatch run python -c "from scripts.rabbitmq.private import private_broker; private_broker()"
}

# A lane goes on after a failure, so that one run tells all that is wrong.
also() {
  "$@" || { failed=1; printf '==== failed: %s\n' "$*"; }
}

start() {
  # With a process group of its own, so that an interrupt ends all of it.
  set -m
  (failed=0; time "$1"; exit "$failed") </dev/null >"$scratch/$1" 2>&1 &
  set +m
  lanes+=("$1")
  pids+=($!)
}

# Wait for all lanes, show what each printed, and end with the exit code of all that ran.
finish() {
  local result=$failed summary="" number lane code
  for number in "${!lanes[@]}"; do
    lane=${lanes[$number]}
    code=0
    wait "${pids[$number]}" || code=$?
    printf '\n==== %s ====\n' "$lane"
    cat "$scratch/$lane"
    summary+="$lane: $code; "
    result=$((result || code))
  done
  pids=()
  # Once more at the end, where nobody has to look for it.
  grep -hE '^(==== failed:|FAILED|ERROR) ' "${lanes[@]/#/$scratch/}" || true
  printf '\n==== %s; the others: %s ====\n' "${summary%; }" "$failed"
  exit "$result"
}
