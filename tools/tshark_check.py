#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tshark_check.py [--ciphered] FILE [PROTOCOL ...] - has tshark read a capture of ours, as the independent reader of what we send.
Fails when it finds a malformed packet or an expert note of severity warning or above, or none of a PROTOCOL named.
--ciphered: NAS is ciphered in it, so what is inside is not looked at; without it, NEA0 is expected.
Exit 77 (skipped): there is no tshark."""
import collections
import shutil
import subprocess
import sys

# What TCP thinks of a capture that starts or stops in the middle says nothing about us.
PREFERENCES = ["tcp.analyze_sequence_numbers:FALSE"]
WARNING = 0x600000


def main():
    ciphered = "--ciphered" in sys.argv[1:]
    arguments = [a for a in sys.argv[1:] if a != "--ciphered"]
    if not arguments:
        sys.exit(__doc__)
    if not shutil.which("tshark"):
        print("tshark is not installed")
        return 77
    words = ["tshark", "-n", "-r", arguments[0], "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-e", "frame.number",
             "-e", "frame.protocols", "-e", "_ws.malformed", "-e", "_ws.expert.severity", "-e", "_ws.expert.message"]
    for p in PREFERENCES + ([] if ciphered else ["nas-5gs.null_decipher:TRUE"]):
        words += ["-o", p]
    r = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if r.returncode:
        print(r.stderr)
        return 1
    seen, bad = collections.Counter(), []
    for line in r.stdout.splitlines():
        number, protocols, malformed, severities, messages = (line.split("|", 4) + [""] * 5)[:5]
        for p in set(protocols.split(":")):
            seen[p] += 1
        worst = max([int(s) for s in severities.split(",") if s.isdigit()], default=0)
        if malformed or (worst >= WARNING and messages != "Connection reset (RST)"):
            bad.append(f"frame {number} ({protocols}): {messages or malformed}")
    missing = [p for p in arguments[1:] if not seen[p]]
    print("tshark read " + ", ".join(f"{n} {p}" for p, n in sorted(seen.items()) if p in ("ngap", "nas-5gs", "pfcp", "gtp")))
    for b in bad[:40]:
        print(b)
    for m in missing:
        print(f"no packet of {m} in the capture")
    return 1 if bad or missing else 0


if __name__ == "__main__":
    sys.exit(main())
