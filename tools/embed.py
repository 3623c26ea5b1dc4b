#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py FILE NAME HEADER: the octets of a file as an array in a C header."""
import sys

octets = open(sys.argv[1], "rb").read()
rows = [", ".join(str(b) for b in octets[i:i + 24]) for i in range(0, len(octets), 24)]
with open(sys.argv[3], "w", encoding="ascii") as f:
    f.write("static const unsigned char %s[] __attribute__((aligned(8))) = {\n%s};\n" % (sys.argv[2], ",\n".join(rows)))
