#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares spec/nas5g.def and spec/nas_causes.def with the tables of TS 24.501.

Usage: speccheck_nas.py REFERENCE_DIR    (which holds facts/nas-5gs-{message-ies,message-types,causes}.tsv)
Message types, the order of IEs, their IEI, format, length, presence, names, and causes; every difference is printed,
and the exit status is 1 when there is one. DEVIATIONS are where the tables contradict clause 9 or themselves.
"""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# (message, IE): (presence, IEI, format, least, most) as the table has it, which no encoder could follow
DEVIATIONS = {
    ("Registration accept", "5GS additional request result"): ("O", 0x34, "TLV", 3, 3),
    ("Relay key request", "Relay key request parameters"): ("M", 0, "LV", 22, 65537),
    ("Relay key reject", "EAP message"): ("O", 0x78, "LV_E", 6, 1502),
    ("Relay authentication request", "EAP message"): ("M", 0, "LV_E", 7, 1503),
}
# the tables name them by their clause: two messages share a name
DIRECTION = {"8.2.12.1.1": "UE originating", "8.2.13.1.1": "UE originating",
             "8.2.14.1.1": "UE terminated", "8.2.15.1.1.1": "UE terminated"}
HEADER = {"Extended protocol discriminator", "Security header type", "Message type"}


def table(path):
    with open(path, encoding="utf-8") as f:
        lines = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


def expected_ies(facts):
    messages = {}
    for row in table(os.path.join(facts, "nas-5gs-message-ies.tsv")):
        clause, name = row["clause_table"], row["message"].upper()
        if clause.startswith("D.") or name.startswith("SECURITY PROTECTED"):
            continue
        if clause in DIRECTION:
            name += " (" + DIRECTION[clause].upper() + ")"
        ies = messages.setdefault(name, {"half": False, "rows": []})
        kind, ie, order = row["ie_type"], row["information_element"], int(row["order"])
        if "rotocol discriminator" in ie or kind in HEADER or ie.endswith("message identity"):
            continue
        if clause.startswith("8.3") and order <= 4 or clause.startswith("8.2") and order <= 3:
            continue
        if kind == "Spare half octet":
            ies["half"] = False
            continue
        fmt, least, _, most = (row["format"].replace("-", "_"), *row["length"].partition("-"))
        most = most or least
        if least == "1/2":
            fmt, least, most = ("V_HIGH" if ies["half"] else "V_LOW"), "1", "1"
            ies["half"] = not ies["half"]
        elif fmt == "TV" and most == "1":
            fmt = "TV1"
        iei = int(row["iei_hex"].replace("-", "0"), 16) if row["iei_hex"] else 0
        ies["rows"].append((ie, (row["presence"], iei, fmt, int(least), 0 if most == "n" else int(most))))
    return {name: ies["rows"] for name, ies in messages.items()}


def actual(path):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    messages, types, rows = {}, {}, None
    for line in text.splitlines():
        head = re.match(r'MSG\((\w+), (\w+), (MM|SM), (0x\w+), "(.*)", "(.*)"\)$', line)
        ie = re.match(r'([MOC])\((\w+), (\w+), (?:(0x\w+), )?(\w+), (\d+), (\d+), (\w+), ([\w |]+), "(.*)"\)$', line)
        if head:
            types[("5G" + head[3], int(head[4], 16))] = head[5].upper()
            rows = messages.setdefault(head[5].upper(), [])
            name = head[5]
        elif ie:
            ie_name = ie[10].replace('\\"', '"')
            row = (ie[1], int(ie[4] or "0", 16), ie[5], int(ie[6]), int(ie[7]))
            rows.append((ie_name, DEVIATIONS.pop((name, ie_name), row)))
    return messages, types


def compare(what, want, have):
    bad = 0
    for key in sorted(set(want) | set(have), key=str):
        if want.get(key) == have.get(key):
            continue
        bad += 1
        print(f"{what} {key}:")
        a, b = want.get(key), have.get(key)
        if isinstance(a, list) and isinstance(b, list):
            a, b = [r for r in a if r not in b] or a, [r for r in b if r not in a] or b
        print(f"  specification {a}\n  rows          {b}")
    return bad


def main():
    facts = os.path.join(sys.argv[1], "facts")
    ies, types = actual(os.path.join(TOP, "spec", "nas5g.def"))
    want = {(r["protocol"], int(r["value_dec"])): r["message"].upper()
            for r in table(os.path.join(facts, "nas-5gs-message-types.tsv")) if r["protocol"] != "UPDS"}
    bad = compare("message type", want, types)
    bad += compare("IEs of", expected_ies(facts), ies)
    with open(os.path.join(TOP, "spec", "nas_causes.def"), encoding="utf-8") as f:
        have = {("5" + m[1], int(m[2])): m[3]
                for m in re.finditer(r'^CAUSE\((GMM|GSM), \w+, (\d+), "(.*)"\)$', f.read(), re.M)}
    want = {(r["protocol"], int(r["value_dec"])): r["cause"] for r in table(os.path.join(facts, "nas-5gs-causes.tsv"))}
    bad += compare("cause", want, have)
    for key in DEVIATIONS:
        bad += 1
        print("deviation without a row:", key)
    print(f"{len(ies)} messages, {sum(map(len, ies.values()))} IEs, {len(have)} causes, {bad} differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
