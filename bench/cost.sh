#!/usr/bin/env bash
# Instructions that one hop of bench_cost takes, among 1,000 and among 1,000,000 idle actors or pending timers, counted
# by callgrind: the same however busy the machine is. From 1,000 to 1,000,000 a logarithm doubles, and that is the goal
# for each case: at most twice the instructions. Usage: bench/cost.sh [FOLDER OF THE BENCHMARKS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

program=${1:-build/release/bench}/bench_cost
steps=20000
few=1000
many=1000000
log=$(mktemp)
trap 'rm -f "$log"' EXIT

[ -x "$program" ] || {
    echo "cost.sh: $program was not built" >&2
    exit 1
}

# Instructions of a hop: hop WORK IDLE TIMERS
hop() {
    local counted
    valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=/dev/null \
        "$program" "$1" "$2" "$3" "$steps" >"$log" 2>&1 || {
        cat "$log" >&2
        exit 1
    }
    counted=$(sed -n 's/^==[0-9]*== Collected : *\([0-9]*\).*/\1/p' "$log" | tail -n 1)
    [ "${counted:-0}" -gt 0 ] || {
        echo "cost.sh: callgrind counted nothing" >&2
        exit 1
    }
    echo $((counted / steps))
}

row() {
    LC_ALL=C printf '%-50s %13s %-16s %s\n' "$@"
}

# compare WHAT BEFORE AFTER
compare() {
    local verdict=MISSED
    [ "$3" -gt $((2 * $2)) ] || verdict=met
    row "$1" "$2 -> $3" instructions "at most twice $verdict"
}

for work in send cancel fire spawn; do
    base=$(hop "$work" "$few" "$few")
    actors=$(hop "$work" "$many" "$few")
    timers=$(hop "$work" "$few" "$many")
    compare "hop, $work: 1,000 -> 1,000,000 idle actors" "$base" "$actors"
    compare "hop, $work: 1,000 -> 1,000,000 pending timers" "$base" "$timers"
done
