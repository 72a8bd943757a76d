#!/usr/bin/env bash
# Instructions, counted by callgrind: the same however busy the machine is.
#
# Of one step of bench_actor and of one restart of bench_sup, on threads with one worker; a message has a goal.
# Of one hop of bench_cost, in simulation, among 1,000 and among 1,000,000 idle actors or pending timers. From 1,000 to
# 1,000,000 a logarithm doubles, and that is the goal for each case: at most twice the instructions.
#
# Usage: bench/cost.sh [-a|-s] [FOLDER OF THE BENCHMARKS]     -a: the actors alone; -s: the simulation alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

actors=yes
simulation=yes
case ${1:-} in
    -a) simulation='' ;;
    -s) actors='' ;;
esac
[[ ${1:-} != -[as] ]] || shift
folder=${1:-build/release/bench}
steps=20000
few=1000
many=1000000
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Instructions of a step: per_step PROGRAM ARGUMENTS
per_step() {
    local counted program=$folder/$1
    shift
    [ -x "$program" ] || {
        echo "cost.sh: $program was not built" >&2
        exit 1
    }
    valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=/dev/null \
        "$program" "$@" >"$log" 2>&1 || {
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

# Instructions of a hop: hop WORK IDLE TIMERS
hop() {
    per_step bench_cost "$1" "$2" "$3" "$steps"
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

# step_of PROGRAM CASE WHAT [AT MOST]
step_of() {
    local counted verdict='' program=$1
    shift
    counted=$(per_step "$program" "$1" "$steps")
    if [ $# -gt 2 ]; then
        verdict="at most $3 MISSED"
        [ "$counted" -gt "$3" ] || verdict="at most $3 met"
    fi
    row "threads: $2" "$counted" instructions "$verdict"
}

if [ -n "$actors" ]; then
    step_of bench_actor tell "a message, to and fro" 250
    step_of bench_actor stream "a message, of 100 in a turn" 250
    step_of bench_actor function-tell "a message, to and fro, function actors"
    step_of bench_actor ask "question and answer"
    step_of bench_actor function-ask "question and answer, function actors"
    step_of bench_actor spawn "a birth and an end"
    step_of bench_actor function-spawn "a birth and an end, function actors"
    step_of bench_actor switch "fiber switch, there and back"
    step_of bench_sup restart "a restart"
    step_of bench_sup restart-ack "a restart with ack"
    step_of bench_sup mixed "a child of one_for_one, from start to stop"
    step_of bench_sup uniform "a child of uniform, from start to stop"
fi
[ -n "$simulation" ] || exit 0
for work in send cancel fire spawn; do
    base=$(hop "$work" "$few" "$few")
    idle=$(hop "$work" "$many" "$few")
    timers=$(hop "$work" "$few" "$many")
    compare "hop, $work: 1,000 -> 1,000,000 idle actors" "$base" "$idle"
    compare "hop, $work: 1,000 -> 1,000,000 pending timers" "$base" "$timers"
done
