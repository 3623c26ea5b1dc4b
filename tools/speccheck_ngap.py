#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the rows of spec/ngap.def with 3GPP's ASN.1 of NGAP.

Usage: speccheck_ngap.py REFERENCE_DIR    (which holds asn1/ngap-r17.4.0/*.asn)
Both sides are brought to the same rows (name, id, type, presence, criticality, bounds, extensibility, and the
order of members); every difference is printed, and the exit status is 1 when there is one.
"""
import os
import re
import sys

NOMAX = 'NOMAX'
MODULES = ['CommonDataTypes', 'Constants', 'IEs', 'PDU-Contents', 'PDU-Descriptions']


def c_name(name):
    return name.replace('-', '_')


class Asn:
    """The modules as tables: types {name: tree}, sets {name: [(id name, criticality, tree, presence)]},
    values {name: int}, procedures [(object, initiating, successful, unsuccessful, code name, criticality)]."""

    def __init__(self, folder):
        self.types, self.sets, self.values, self.procedures = {}, {}, {}, []
        for module in MODULES:
            with open(os.path.join(folder, f'NGAP-{module}.asn'), encoding='utf-8') as f:
                text = re.sub(r'--[^\n]*', '', f.read())
            text = text[text.index('BEGIN') + 5:text.rindex('END')]
            text = re.sub(r'\bIMPORTS\b.*?;', '', text, count=1, flags=re.S)
            if module == 'PDU-Descriptions':
                self.read_procedures(text)
            else:
                self.read_module(text)

    def read_procedures(self, text):
        for m in re.finditer(r'(\w+)\s+NGAP-ELEMENTARY-PROCEDURE\s*::=\s*\{(.*?)\}', text, re.S):
            parts = dict(re.findall(r'(INITIATING MESSAGE|SUCCESSFUL OUTCOME|UNSUCCESSFUL OUTCOME|PROCEDURE CODE|'
                                    r'CRITICALITY)\s+([\w-]+)', m[2]))
            if parts:
                self.procedures.append((m[1], parts.get('INITIATING MESSAGE'), parts.get('SUCCESSFUL OUTCOME'),
                                        parts.get('UNSUCCESSFUL OUTCOME'), parts['PROCEDURE CODE'],
                                        parts.get('CRITICALITY', 'ignore')))

    def read_module(self, text):
        self.t = re.findall(r'::=|\.\.\.|\.\.|[A-Za-z](?:-?\w)*|-?\d+|[{}(),|:&@.]', text)
        self.i = 0
        while self.i < len(self.t):
            name = self.next()
            if self.take('::='):
                self.types[name] = self.type(name)
                continue
            kind = self.next()
            self.expect('::=')
            if kind in ('NGAP-PROTOCOL-IES', 'NGAP-PROTOCOL-EXTENSION', 'NGAP-PRIVATE-IES'):
                self.sets[name] = self.object_set(name)
            else:
                self.values[name] = int(self.next())

    def peek(self):
        return self.t[self.i] if self.i < len(self.t) else None

    def next(self):
        self.i += 1
        return self.t[self.i - 1]

    def take(self, token):
        if self.peek() == token:
            self.i += 1
            return True
        return False

    def expect(self, token):
        if self.next() != token:
            raise SyntaxError(f'expected {token}: {" ".join(self.t[self.i - 12:self.i + 6])}')

    def number(self):
        token = self.next()
        return NOMAX if token == 'MAX' else int(token) if re.fullmatch(r'-?\d+', token) else self.values[token]

    def bounds(self):
        """(a..b|c, ...) after the opening parenthesis: the range that PER sees, and whether it may grow."""
        low, high, ext = None, None, False
        while not self.take(')'):
            if self.take('...'):
                ext = True
            elif ext:
                self.next()
            elif not (self.take('|') or self.take(',')):
                a = self.number()
                b = self.number() if self.take('..') else a
                low = a if low is None else min(low, a)
                high = b if high is None else b if b == NOMAX else max(high, b)
        return low, high, ext

    def size(self):
        if self.peek() == '(' and self.t[self.i + 1] == 'SIZE':
            self.i += 2
            self.expect('(')
            bounds = self.bounds()
            self.take(')')
            return bounds
        if self.take('SIZE'):
            self.expect('(')
            return self.bounds()
        return 0, NOMAX, False

    def type(self, where):
        word = self.next()
        if word == 'INTEGER':
            return ('INT',) + (self.bounds() if self.take('(') else ('NOMIN', NOMAX, False))
        if word == 'ENUMERATED':
            return self.enumerated()
        if word in ('BIT', 'OCTET'):
            self.expect('STRING')
            if word == 'OCTET' and self.peek() == '(' and self.t[self.i + 1] == 'CONTAINING':
                self.i += 2
                inner = self.next()
                self.expect(')')
                return ('CONTAINING', inner)
            return ('BITS' if word == 'BIT' else 'OCTETS',) + self.size()
        if word in ('PrintableString', 'VisibleString'):
            return ('CHARS',) + self.size()
        if word == 'UTF8String':
            return ('UTF8',) + self.size()
        if word == 'NULL':
            return ('NULL',)
        if word == 'OBJECT':
            self.expect('IDENTIFIER')
            return ('OCTETS', 0, NOMAX, False)
        if word == 'SEQUENCE':
            if self.peek() != '{':
                low, high, ext = self.size()
                self.expect('OF')
                return ('LIST', self.type(where + '-item'), low, high, ext)
            return self.members('SEQ', where)
        if word == 'CHOICE':
            return self.members('CHOICE', where)
        if word in ('ProtocolIE-Container', 'ProtocolIE-SingleContainer', 'ProtocolExtensionContainer',
                    'PrivateIE-Container'):
            for token in '{{':
                self.expect(token)
            inner = self.next()
            for token in '}}':
                self.expect(token)
            return (word, inner)
        return ('REF', word)

    def enumerated(self):
        self.expect('{')
        roots, more, ext = [], [], False
        while not self.take('}'):
            if self.take('...'):
                ext = True
            elif not self.take(','):
                (more if ext else roots).append(self.next())
        return ('ENUM', roots, more, ext)

    def members(self, kind, where):
        self.expect('{')
        rows, ext = [], False
        while not self.take('}'):
            if self.take(','):
                continue
            if self.take('...'):
                ext = True
                continue
            if ext:
                raise SyntaxError(f'{where}: a member after the extension marker')
            name = self.next()
            tree = self.type(f'{where}-{name}')
            rows.append((name, tree, self.take('OPTIONAL')))
        return (kind, rows, ext)

    def object_set(self, where):
        self.expect('{')
        rows = []
        while not self.take('}'):
            if self.take('...') or self.take('|') or self.take(','):
                continue
            self.expect('{')
            self.expect('ID')
            name = self.next()
            self.expect('CRITICALITY')
            crit = self.next()
            if not (self.take('TYPE') or self.take('EXTENSION')):
                raise SyntaxError(where)
            tree = self.type(where)
            self.expect('PRESENCE')
            rows.append((name, crit, tree, self.next()))
            self.expect('}')
        return rows


class Rows:
    """What spec/ngap.def should say: {type: (head, [member rows])}, all of it strings as written there."""

    def __init__(self, asn):
        self.asn, self.rows, self.order = asn, {}, []
        self.rows_private()
        for name in sorted(asn.types):
            self.named(name)
        self.heads = []
        for _, first, second, third, code, crit in asn.procedures:
            proc = c_name(code[3:])
            self.heads.append(('PROC', proc, str(asn.values[code]), crit.upper()))
            for message, kind in ((first, 'INITIATING'), (second, 'SUCCESSFUL'), (third, 'UNSUCCESSFUL')):
                if message:
                    self.heads.append(('MSG', c_name(message), proc, kind))

    def rows_private(self):
        """PrivateIE-Container of NGAP-Containers: no private IE is defined, so the value stays octets."""
        self.asn.types['PrivateIE-Field'] = ('SEQ', [('id', ('REF', 'PrivateIE-ID'), False),
                                                     ('criticality', ('REF', 'Criticality'), False),
                                                     ('value', ('REF', 'OpenType'), False)], False)
        self.asn.types['PrivateIE-Container'] = ('LIST', ('REF', 'PrivateIE-Field'), 1,
                                                 self.asn.values['maxPrivateIEs'], False)
        self.asn.types['OpenType'] = ('OPEN',)
        self.asn.types['Criticality'] = ('ENUM', ['reject', 'ignore', 'notify'], [], False)

    def put(self, name, head, members):
        if name not in self.rows:
            self.rows[name] = (head, members)
            self.order.append(name)

    def named(self, name):
        if c_name(name) not in self.rows:
            self.tree(name, self.asn.types[name])
        return c_name(name)

    def use(self, where, tree):
        """The name of a member's type; inline types are named after the member."""
        if tree[0] == 'REF':
            return self.named(tree[1])
        if tree[0] == 'PrivateIE-Container':
            return self.named('PrivateIE-Container')
        if tree[0] == 'NULL':
            self.put('Null', ('NULLS', 'Null'), [])
            return 'Null'
        if tree == ('OCTETS', 0, NOMAX, False):
            self.put('OctetString', ('OCTETS', 'OctetString', '0', NOMAX, 'FIX'), [])
            return 'OctetString'
        if tree[0] == 'CONTAINING':
            name = 'Octets_' + c_name(tree[1])
            self.named(tree[1])
            self.put(name, ('CONTAINING', name, c_name(tree[1])), [])
            return name
        self.tree(where, tree)
        return c_name(where)

    def tree(self, name, tree):
        c, kind = c_name(name), tree[0]
        if kind in ('INT', 'BITS', 'OCTETS', 'CHARS', 'UTF8'):
            self.put(c, (kind, c, str(tree[1]), str(tree[2]), 'EXT' if tree[3] else 'FIX'), [])
        elif kind == 'ENUM':
            self.put(c, ('ENUM', c, str(len(tree[1])), 'EXT' if tree[3] else 'FIX'),
                     [('V', c, c_name(v)) for v in tree[1] + tree[2]])
        elif kind == 'OPEN':
            self.put(c, ('OPEN', c), [])
        elif kind == 'LIST':
            item = self.use(name + '-item', tree[1])
            self.put(c, ('LIST', c, item, str(tree[2]), str(tree[3]), 'EXT' if tree[4] else 'FIX'), [])
        elif kind == 'CHOICE':
            self.choice(name, c, tree)
        elif kind == 'SEQ' and tree[1] and tree[1][0][1][0] == 'ProtocolIE-Container':
            if len(tree[1]) != 1 or not tree[2]:
                raise SyntaxError(name)
            rows = self.objects('IE', c, tree[1][0][1][1])
            self.put(c, ('IES', c), rows)
        elif kind == 'SEQ':
            self.sequence(name, c, tree)
        elif kind == 'REF':
            raise SyntaxError(f'{name}: an alias')
        else:
            raise SyntaxError(f'{name}: {kind}')

    def objects(self, row, c, set_name):
        out = []
        for ident, crit, tree, presence in self.asn.sets[set_name]:
            out.append((row, c, c_name(ident[3:]), str(self.asn.values[ident]), crit.upper(),
                        self.use(f'{set_name}-{ident[3:]}', tree), presence.upper()))
        return out

    def sequence(self, name, c, tree):
        rows = []
        for member, inner, optional in tree[1]:
            if inner[0] == 'ProtocolExtensionContainer':
                if not optional or (member, inner, optional) != tree[1][-1]:
                    raise SyntaxError(f'{name}: extensions are not last and optional')
                if self.asn.sets[inner[1]]:
                    ext = c_name(inner[1])
                    if ext not in self.rows:
                        members = self.objects('X', ext, inner[1])
                        self.put(ext, ('EXTSET', ext), members)
                    rows.append(('EXTS', c, ext))
                else:
                    rows.append(('NOEXTS', c))
                continue
            rows.append(('M', c, c_name(member), self.use(f'{name}-{member}', inner),
                         'OPTIONAL' if optional else 'MANDATORY'))
        self.put(c, ('SEQ', c, 'EXT' if tree[2] else 'FIX'), rows)

    def choice(self, name, c, tree):
        rows = []
        for member, inner, _ in tree[1]:
            if inner[0] == 'ProtocolIE-SingleContainer':
                if member != tree[1][-1][0]:
                    raise SyntaxError(f'{name}: extensions are not last')
                rows += [r[:-1] for r in self.objects('AX', c, inner[1])]
            else:
                rows.append(('A', c, c_name(member), self.use(f'{name}-{member}', inner)))
        self.put(c, ('CHOICE', c, str(len(tree[1])), 'EXT' if tree[2] else 'FIX'), rows)


HEADS = ('INT', 'ENUM', 'BITS', 'OCTETS', 'CHARS', 'UTF8', 'NULLS', 'OPEN', 'CONTAINING', 'LIST', 'SEQ', 'CHOICE', 'EXTSET',
         'IES')


def read_def(path):
    with open(path, encoding='utf-8') as f:
        text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    text = re.sub(r'^#.*$', '', text, flags=re.M)
    rows, heads, order = {}, [], []
    for word, args in re.findall(r'([A-Z][A-Z0-9_]*)\(([^()]*)\)', text):
        row = (word,) + tuple(a.strip() for a in args.split(','))
        row = tuple(re.sub(r'\s*\|\s*(SECRET|IDENTITY)|(?<=\d)u$', '', a) for a in row)
        if word in ('PROC', 'MSG'):
            heads.append(row)
        elif word in HEADS:
            rows[row[1]] = (row, [])
            order.append(row[1])
        elif not word.endswith('_END'):
            rows[row[1]][1].append(row)
    return rows, heads


def compare(want, have, say):
    same = 0
    for name in sorted(set(want) | set(have)):
        if name not in have or name not in want:
            say(f'{name}: only in {"the ASN.1" if name in want else "ngap.def"}')
            continue
        a, b = [want[name][0]] + want[name][1], [have[name][0]] + have[name][1]
        for i in range(max(len(a), len(b))):
            x, y = a[i] if i < len(a) else None, b[i] if i < len(b) else None
            if x == y:
                same += 1
            else:
                say(f'{name}: ASN.1 {x} | ngap.def {y}')
    return same


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    asn = Asn(os.path.join(sys.argv[1], 'asn1', 'ngap-r17.4.0'))
    want = Rows(asn)
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    have, heads = read_def(os.path.join(here, 'spec', 'ngap.def'))
    differences = []
    same = compare(want.rows, have, differences.append)
    for row in sorted(set(want.heads) ^ set(heads)):
        differences.append(f'{row}: only in {"the ASN.1" if row in want.heads else "ngap.def"}')
    same += len(set(want.heads) & set(heads))
    for line in differences:
        print(line)
    print(f'{same} rows agree with TS 38.413 V17.4.0, {len(differences)} differ')
    sys.exit(1 if differences else 0)


if __name__ == '__main__':
    main()
