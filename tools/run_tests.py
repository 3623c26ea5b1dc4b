#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs every test, optimised and under AddressSanitizer and UBSan; then the checks of the tree
itself. Counts test cases, and ends with `N passed, N failed, N skipped`."""
import json
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILDS = [
    ("build", ["-Dbuildtype=debugoptimized"], {}),
    ("build-asan", ["-Dbuildtype=debug", "-Doptimization=1", "-Db_sanitize=address,undefined", "-Db_lundef=false"],
     {"ASAN_OPTIONS": "detect_stack_use_after_return=1", "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}),
]
CASES = re.compile(r"\[  (PASSED|FAILED|SKIPPED)  \] +(?:\w+: )?(\d+) test\(s\)")


def run(words, **kw):
    return subprocess.run(words, cwd=TOP, text=True, **kw)


def build(folder, options):
    if not os.path.exists(os.path.join(TOP, folder, "build.ninja")):
        r = run(["meson", "setup", folder] + options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if r.returncode:
            sys.exit(r.stdout)
    r = run(["ninja", "-C", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode:
        print(r.stdout)
        sys.exit(f"{folder}: the build failed")


def cases(text, ok):
    """Passed, failed, skipped cases that one test program reported; a program that counts nothing is one case."""
    n = {"PASSED": 0, "FAILED": 0, "SKIPPED": 0}
    for what, count in CASES.findall(text):
        n[what] = max(n[what], int(count))
    if not ok and n["FAILED"] == 0:
        n["FAILED"] = 1
    if ok and n["PASSED"] + n["SKIPPED"] == 0:
        n["PASSED"] = 1
    return n["PASSED"], n["FAILED"], n["SKIPPED"]


def test(folder, env):
    run(["meson", "test", "-C", folder, "--no-rebuild", "-t", "5", "--num-processes", "2"],
        env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    total = [0, 0, 0]
    with open(os.path.join(TOP, folder, "meson-logs", "testlog.json"), encoding="utf-8") as f:
        for line in f:
            t = json.loads(line)
            text = (t.get("stdout") or "") + (t.get("stderr") or "")
            skipped = t["result"] == "SKIP"
            ok = t["result"] == "OK"
            p, bad, s = (0, 0, 1) if skipped else cases(text, ok)
            total = [total[0] + p, total[1] + bad, total[2] + s]
            print(f"  {folder:<11} {t['result']:<8} {t['duration']:6.1f} s  {p:4} passed  {t['name']}")
            if not ok and not skipped:
                print(text[-6000:])
    return total


def tidy():
    r = run([sys.executable, "tools/tidy.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"  tree        {'OK' if r.returncode == 0 else 'FAIL'}  include rules, banned calls, licence lines")
    if r.returncode:
        print(r.stdout)
    return [int(r.returncode == 0), int(r.returncode != 0), 0]


def main():
    total = tidy()
    for folder, options, env in BUILDS:
        print(f"{folder}: building", flush=True)
        build(folder, options)
        total = [a + b for a, b in zip(total, test(folder, env))]
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
