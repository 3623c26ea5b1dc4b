#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the tree that a compiler does not know: who may include whom, calls that are banned, the
licence line. Prints one line a breach and exits 1 if there is any."""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# folder: the folders it may include, beside itself and spec/
MAY = {
    "base": [], "codec": ["base"], "crypto": ["base"], "rt": ["codec", "base"],
    "os": ["rt", "dp", "codec", "base"], "sim": ["rt", "dp", "codec", "base"],
    "proto": ["rt", "codec", "crypto", "base"], "dp": ["base"],
    "ran": ["proto", "rt", "codec", "crypto", "base"],
    "trust": ["proto", "rt", "codec", "crypto", "base"],
    "cmd": None,
}
NF = ["proto", "rt", "codec", "crypto", "base"]
NF_EXTRA = {"nf/upf": ["dp/rules.h", "dp/dp.h", "dp/sdf.h", "dp/user_plane.h"]}
FILE_EXTRA = {"src/dp/user_plane.c": ["rt/config.h"]}  # no part of the packet path: docs/decisions/0005
# name: why not; where it is allowed all the same
BANNED = {
    "strcpy": "no bound", "strcat": "no bound", "sprintf": "no bound", "gets": "no bound",
    "strtok": "keeps global state", "rand": "not reproducible, not random", "srand": "global state",
    "time": "the clock is env's", "gettimeofday": "the clock is env's", "alloca": "unbounded stack",
    "system": "runs a shell", "popen": "runs a shell",
}
CLOCKS = {"time", "gettimeofday"}


def folder_of(path):
    parts = path.split("/")  # src/x/... or src/nf/x/...
    return "/".join(parts[1:3]) if parts[1] == "nf" else parts[1]


def may_include(folder, target):
    to = "/".join(target.split("/")[:2]) if target.startswith("nf/") else target.split("/")[0]
    if to == folder or target.lstrip("./").startswith("spec/"):
        return True
    if folder.startswith("nf/"):
        return to in NF or target in NF_EXTRA.get(folder, [])
    allowed = MAY.get(folder, [])
    return allowed is None or to in allowed


def check(path, text):
    folder = folder_of(path)
    out = []
    if "SPDX-License-Identifier: Apache-2.0" not in text.split("\n", 1)[0]:
        out.append(f"{path}:1: the first line names the licence: /* SPDX-License-Identifier: Apache-2.0 */")
    code = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    for i, line in enumerate(text.split("\n"), 1):
        m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if m and "/" in m.group(1) and not may_include(folder, m.group(1)) and m.group(1) not in FILE_EXTRA.get(path, []):
            out.append(f"{path}:{i}: {folder} may not include {m.group(1)}; docs/architecture.md says who may")
    for i, line in enumerate(code.split("\n"), 1):
        for name in re.findall(r"(?<![\w.>])(\w+)\s*\(", line):
            if name in BANNED and not (name in CLOCKS and folder in ("os", "cmd")):
                out.append(f"{path}:{i}: {name}() is banned: {BANNED[name]}")
    return out


def main():
    out = []
    for base, _, names in sorted(os.walk(os.path.join(TOP, "src"))):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                full = os.path.join(base, name)
                with open(full, encoding="utf-8") as f:
                    out += check(os.path.relpath(full, TOP), f.read())
    print("\n".join(out) if out else "the tree is tidy")
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main())
