#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the rows of spec/pfcp.def and the code points of src/codec/gtpu.[ch] with tables taken from TS 29.244 and TS 29.281.

Usage: speccheck_pfcp.py REFERENCE_DIR    (which holds facts/pfcp-*.tsv and facts/gtpu.tsv)
IE types, names and least lengths; message types; members of messages and groups on N4 with their presence; causes; feature
bits; GTP-U message, extension header and IE types. Prints every difference; exit status 1 when there is one.
"""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
R15 = {116}  # IEs of Release 15 that peers still send: not in the tables of Release 17
# Tables whose IE is kept as octets, tables that belong to no IE type of their own, and tables whose type is not in a column.
TABLE_TYPE = {'7.5.2.4-3': 147, '7.5.2.7-1': 127, '7.5.3.5-1': 128, '7.5.4.13-1': 129, '7.4.5.1.7-1': 315,
              '7.4.4.1.3-1': 238, '7.5.2.9-2': 216, '7.5.2.9-3': 242, '7.5.2.9-4': 295}
# The tables name no type, or another than the one of that name: (table, element) -> type.
ELEMENT_TYPE = {('7.5.2.4-3', 'Subsequent Event Threshold'): 151, ('7.5.2.4-3', 'Subsequent Event Quota'): 150,
                ('7.4.5.1.1-1', 'GTP-U Path QoS Report'): 239}
NAME_TYPE = {'Redundant Transmission Detection Parameters': 255, 'User Plane Node Management Information Container': 266}
problems = []


def say(text):
    problems.append(text)


def facts(folder, name):
    with open(os.path.join(folder, 'facts', name), encoding='utf-8') as f:
        rows = [line.rstrip('\n').split('\t') for line in f if not line.startswith('#')]
    return [r + [''] * (len(rows[0]) - len(r)) for r in rows[1:]]


class Rows:
    """spec/pfcp.def: ies {type: (name, kind, what, least, text)}, owners {name: [(IE type, presence, most)]}."""

    def __init__(self):
        with open(os.path.join(TOP, 'spec', 'pfcp.def'), encoding='utf-8') as f:
            text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
        self.ies, by_name = {}, {}
        for name, number, kind, what, least, label in re.findall(
                r'^IE\((\w+), (\d+), (\w+), (\w+), (\d+), \w+, "([^"]*)"\)', text, re.M):
            if int(number) in self.ies or name in by_name:
                say(f'IE {name} {number}: twice')
            self.ies[int(number)] = (name, kind, what, int(least), label)
            by_name[name] = int(number)
        self.messages = {int(t): (n, k) for n, t, k in re.findall(r'^MSG\((\w+), \w+, (\d+), (\w+),', text, re.M)}
        self.causes = {int(v): t for v, t in re.findall(r'^CAUSE\(\w+, (\d+), "([^"]*)"\)', text, re.M)}
        self.flags = {(g, n): int(b) for g, n, b in re.findall(r'\bFLAG\((\w+), (\w+), (\d+)\)', text)}
        self.owners = {n: [] for n in re.findall(r'^(?:GROUP|MSG)\((\w+)', text, re.M)}
        for owner, ie, presence, most in re.findall(
                r'^\s+(?:ONE|MANY)\((\w+), \w+, (\w+), (\w+)(?:, (\d+))?\)', text, re.M):
            self.owners[owner].append((by_name[ie], presence, int(most or 0)))


def check_types(folder, rows):
    known = {int(r[0]): r for r in facts(folder, 'pfcp-ie-types.tsv')
             if r[0].isdigit() and r[1] not in ('Reserved', 'Spare')}
    for number, (name, kind, _, least, label) in sorted(rows.ies.items()):
        if number in R15:
            continue
        if number not in known:
            say(f'IE {name} {number}: not in the specification')
            continue
        _, text, where, octets = known[number][:4]
        if text != label:
            say(f'IE {number}: "{label}", the specification says "{text}"')
        if kind == 'GROUP' and 'able 7' not in where and 'Clause 7' not in where:
            say(f'IE {number} {label}: a group here, not in the specification')
        if octets.isdigit() and kind != 'GROUP' and least != int(octets):
            say(f'IE {number} {label}: least length {least}, the specification says {octets}')
    for number in sorted(set(known) - set(rows.ies)):
        say(f'IE {number} {known[number][1]}: no row')


def check_messages(folder, rows):
    known = {int(r[0]): r[1] for r in facts(folder, 'pfcp-message-types.tsv') if r[0].isdigit() and r[0] != '0'}
    for number, text in known.items():
        name = text.replace('PFCP ', '').lower().replace(' ', '_')
        if rows.messages.get(number, ('', ''))[0] != name:
            say(f'message {number} {text}: row is {rows.messages.get(number)}')
        elif rows.messages[number][1] != ('SESSION' if number >= 50 else 'NODE'):
            say(f'message {number} {text}: wrong kind')
    for number in set(rows.messages) - set(known):
        say(f'message {number}: not in the specification')


def on_n4(applicability):
    columns = applicability.replace(' ', '').split('/')
    return applicability.startswith('X -/') or (len(columns) > 3 and 'X' in columns[3])


def tables(folder, rows):
    """{owner: [(IE type, presence)]} on N4; members of groups that share a struct joined."""
    by_title = {n.replace('_', ' '): n for n, _ in rows.messages.values()}
    out = {}
    for table, title, group, _, element, presence, where, _, number in facts(folder, 'pfcp-message-ies.tsv'):
        if not on_n4(where):
            continue
        kind = int(group) if group else TABLE_TYPE.get(table)
        if table == '7.4.4.1.3-1':
            kind = 238
        if kind:
            ie = rows.ies.get(kind)
            owner = ie[2] if ie and ie[1] == 'GROUP' else None
        else:
            message = re.search(r' in (?:a )?(?:PFCP )?(.*)$', title)
            owner = by_title.get(message[1].replace('PFCP ', '').lower()) if message else None
            if not owner and 'within' not in title and 'Partial' not in title:
                say(f'table {table} "{title}": belongs to nothing')
        if not owner:
            continue
        ie = ELEMENT_TYPE.get((table, element)) or (int(number) if number else NAME_TYPE.get(element))
        if not ie:
            say(f'table {table}: {element} has no type')
            continue
        out.setdefault(owner, []).append((ie, presence, element))
    return out


def check_members(folder, rows):
    known = tables(folder, rows)
    for owner, members in rows.owners.items():
        spec = {}
        for ie, presence, element in known.get(owner, []):
            spec.setdefault(ie, (set(), set()))
            spec[ie][0].add(presence)
            spec[ie][1].add(element)
        for ie, presence, _ in members:
            if ie in R15:
                continue
            if ie not in spec:
                say(f'{owner}: {rows.ies[ie][4]} is not in the specification on N4')
            elif presence not in spec[ie][0]:
                say(f'{owner}: {rows.ies[ie][4]} is {presence}, the specification says {"/".join(spec[ie][0])}')
        for ie in set(spec) - {m[0] for m in members}:
            say(f'{owner}: no row for {"/".join(sorted(spec[ie][1]))} ({ie})')
    for owner in set(known) - set(rows.owners):
        say(f'{owner}: in the specification, no rows')


def check_values(folder, rows):
    known = {int(r[0]): r[1] for r in facts(folder, 'pfcp-causes.tsv') if r[0].isdigit() and r[0] != '0'}
    for number in sorted(set(known) | set(rows.causes)):
        if known.get(number) != rows.causes.get(number):
            say(f'cause {number}: "{rows.causes.get(number)}", the specification says "{known.get(number)}"')
    for ie, place, name, _ in facts(folder, 'pfcp-feature-bits.tsv'):
        octet, bit = map(int, place.split('/'))
        key = ('UP_FEATURE' if ie.startswith('UP') else 'CP_FEATURE', name.replace('-', '_'))
        if rows.flags.get(key) != 8 * (octet - 5) + bit - 1:
            say(f'{ie} {name}: bit {rows.flags.get(key)}, the specification says octet {octet} bit {bit}')


def check_gtpu(folder):
    text = ''
    for name in ('gtpu.h', 'gtpu.c'):
        with open(os.path.join(TOP, 'src', 'codec', name), encoding='utf-8') as f:
            text += f.read()
    have = {n: int(v, 0) for n, v in re.findall(r'\b((?:GTPU|IE)_\w+) = (0x[0-9a-f]+|\d+)', text)}
    names = {('message type', 'Echo request'): 'GTPU_ECHO_REQUEST', ('message type', 'Echo response'): 'GTPU_ECHO_RESPONSE',
             ('message type', 'Error indication'): 'GTPU_ERROR_INDICATION',
             ('message type', 'Supported extension header notification'): 'GTPU_SUPPORTED_EXTENSIONS',
             ('message type', 'End Marker'): 'GTPU_END_MARKER', ('message type', 'T-PDU'): 'GTPU_G_PDU',
             ('next extension header type', 'UDP Port number'): 'GTPU_EXT_UDP_PORT',
             ('next extension header type', 'PDU Session container'): 'GTPU_EXT_PDU_SESSION',
             ('next extension header type', 'PDCP PDU number'): 'GTPU_EXT_PDCP_PDU_NUMBER',
             ('next extension header type', 'Long PDCP PDU number'): 'GTPU_EXT_LONG_PDCP_PDU_NUMBER',
             ('next extension header type', 'Service Class Indicator'): 'GTPU_EXT_SERVICE_CLASS',
             ('next extension header type', 'NR RAN container'): 'GTPU_EXT_NR_RAN',
             ('information element', 'Recovery'): 'IE_RECOVERY', ('information element', 'Flow label data I'): 'IE_TEID_DATA_I',
             ('information element', 'GSN address'): 'IE_PEER_ADDRESS',
             ('information element', 'Extension Header Types List'): 'IE_EXTENSION_TYPES'}
    known = {(r[0], r[3]): int(r[1]) for r in facts(folder, 'gtpu.tsv')}
    for key, name in names.items():
        if have.get(name) is None or have[name] != known.get(key):
            say(f'GTP-U {name}: {have.get(name)}, the specification says {known.get(key)}')


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder, rows = sys.argv[1], Rows()
    check_types(folder, rows)
    check_messages(folder, rows)
    check_members(folder, rows)
    check_values(folder, rows)
    check_gtpu(folder)
    for p in problems:
        print(p)
    members = sum(len(m) for m in rows.owners.values())
    print(f'{len(rows.ies)} IEs, {len(rows.owners)} messages and groups, {members} members, {len(rows.causes)} causes: '
          f'{len(problems)} differences')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
