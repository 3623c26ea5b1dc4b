#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the guard finds, and what it finds where there is nothing: bench/attacks.sh BUILD [SEEDS [QUIET_SEEDS]]
# Each attack of tests/net/guard_test.c in SEEDS runs with other delays; it must be found, alone, and without effect.
# Then QUIET_SEEDS runs of redoubt sim with every fault but the attackers, in which any finding is a false alarm.
# What did not run to its end is no figure: exit status 2. 1: an attack was not found, or there was a false alarm.
set -eu
build=$1 seeds=${2:-1000} quiet=${3:-10000}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
GUARD_SEEDS=$seeds "$build/tests/net/net_guard_test" >"$out" 2>&1 || true
rounds=$(grep -c '^\[==========\] [0-9]* test(s) run' "$out" || true)
attacks=$(awk '/^\[==========\] Running/ { n += $3 } END { print n + 0 }' "$out")
ok=$(grep -c '^\[       OK' "$out" || true)
if [ "$rounds" -ne "$seeds" ]; then
    echo "attacks.sh: $rounds of $seeds rounds of attacks ended; the last line was: $(tail -n 1 "$out")" >&2
    exit 2
fi
"$build/src/cmd/redoubt" sim --seeds "$quiet" --keep-going \
    --faults loss,double,delay,cut,gnb,radio,nas,store,core,upf,clock,memory >"$out" 2>&1 || true
runs=$(awk '/^[0-9]+ runs in / { n += $1 } END { print n + 0 }' "$out")
alarms=$(grep -c 'guard_silent' "$out" || true)
other=$(grep -c '^seed .*:' "$out" || true)
if [ "$runs" -ne "$quiet" ]; then
    echo "attacks.sh: $runs of $quiet quiet runs ended; the last line was: $(tail -n 1 "$out")" >&2
    exit 2
fi
awk -v ok="$ok" -v attacks="$attacks" -v seeds="$seeds" -v quiet="$quiet" -v alarms="$alarms" -v other="$other" 'BEGIN {
    printf "{\"attacks\":%d,\"attack_seeds\":%d,\"attacks_detected_pct\":%.2f,\"quiet_seeds\":%d,\"false_alarms\":%d,\"quiet_seeds_failed\":%d}\n",
        attacks, seeds, 100 * ok / attacks, quiet, alarms, other
    exit ok != attacks || alarms > 0 }'
