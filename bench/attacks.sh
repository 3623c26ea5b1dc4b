#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the guard finds, and what it finds where there is nothing: bench/attacks.sh BUILD [SEEDS [QUIET_SEEDS]]
# Each attack of tests/net/guard_test.c in SEEDS runs with other delays; it must be found, alone, and without effect.
# Then QUIET_SEEDS runs of redoubt sim with every fault but the attackers, in which any finding is a false alarm.
set -eu
build=$1 seeds=${2:-1000} quiet=${3:-10000}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
GUARD_SEEDS=$seeds "$build/tests/net/net_guard_test" >"$out" 2>&1 || true
ok=$(grep -c '^\[       OK' "$out" || true)
failed=$(grep -c '^\[  FAILED  \] [a-z_]*$' "$out" || true)
"$build/src/cmd/redoubt" sim --seeds "$quiet" --keep-going \
    --faults loss,double,delay,cut,gnb,radio,nas,store,core,upf,clock,memory >"$out" 2>&1 || true
alarms=$(grep -c 'guard_silent' "$out" || true)
other=$(grep -c '^seed .*:' "$out" || true)
awk -v ok="$ok" -v failed="$failed" -v seeds="$seeds" -v quiet="$quiet" -v alarms="$alarms" -v other="$other" 'BEGIN {
    printf "{\"attacks\":%d,\"attack_seeds\":%d,\"attacks_detected_pct\":%.2f,\"quiet_seeds\":%d,\"false_alarms\":%d,\"quiet_seeds_failed\":%d}\n",
        ok + failed, seeds, 100 * ok / (ok + failed), quiet, alarms, other }'
