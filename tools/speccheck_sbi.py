#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the rows of spec/sbi with 3GPP's OpenAPI files.

Usage: speccheck_sbi.py REFERENCE_DIR    (which holds openapi/TS*.yaml)
Operations: method, path, parameters and their presence, body, answer and its status. Types: members, kind, presence,
bounds that are narrower than the specification's. Enumerations: values that it does not have. Prints every difference;
exit status 1 when there is one.
"""
import glob
import os
import re
import sys

import yaml

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The file of a .def in which its types are looked for first; all others come after it.
FILES = {
    'common.def': ['TS29571_CommonData', 'TS29502_Nsmf_PDUSession', 'TS29503_Nudm_SDM'],
    'nausf.def': ['TS29509_Nausf_UEAuthentication', 'TS29503_Nudm_UEAU'],
    'nudm.def': ['TS29503_Nudm_UEAU', 'TS29503_Nudm_UECM', 'TS29503_Nudm_SDM'],
    'nudr.def': ['TS29505_Subscription_Data', 'TS29519_Policy_Data', 'TS29504_Nudr_DR'],
    'npcf.def': ['TS29507_Npcf_AMPolicyControl', 'TS29512_Npcf_SMPolicyControl'],
    'nsmf.def': ['TS29502_Nsmf_PDUSession', 'TS29518_Namf_Communication'],
    'namf.def': ['TS29518_Namf_Communication'],
    'nnrf.def': ['TS29510_Nnrf_NFManagement', 'TS29510_Nnrf_NFDiscovery', 'TS29510_Nnrf_AccessToken'],
    'nnssf.def': ['TS29531_Nnssf_NSSelection'],
}
OWN = {'trust.def'}
# Ours under another name than theirs; None: of a shape that they give no name.
TYPE = {'None': None, 'SmSubsData': None, 'TokenError': None, 'GrantType': None, 'TokenType': None, 'SubscrCond': None,
        'AusfAuthType': 'AuthType'}
# (type, member): why it may differ.
DIFFERS = {
    ('UEAuthenticationCtx', '5gAuthData'): 'one of an object and a string: two rows',
    ('AuthenticationVector', 'avType'): 'one of two types with much in common',
    ('AuthenticationVector', 'rand'): 'the same', ('AuthenticationVector', 'autn'): 'the same',
    ('SscModes', 'allowedSscModes'): 'peers send all three modes',
    ('SubscriptionDataSets', 'smData'): 'the list, of a list and an object', ('ProvisionedDataSets', 'smData'): 'the same',
    ('SubscriptionData', 'subscriptionId'): 'read only: required in the answer alone',
}
problems = []


def say(text):
    problems.append(text)


# ---- the specification ----
class Spec:
    def __init__(self, folder):
        self.docs, self.folder = {}, folder

    def doc(self, name):
        if name not in self.docs:
            loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
            with open(os.path.join(self.folder, 'openapi', name + '.yaml'), encoding='utf-8') as f:
                self.docs[name] = yaml.load(f, loader)
        return self.docs[name]

    def ref(self, name, node):
        """(document, node) behind references."""
        while isinstance(node, dict) and '$ref' in node:
            file, pointer = node['$ref'].split('#')
            name = file[:-5] if file else name
            node = self.doc(name)
            for part in pointer.strip('/').split('/'):
                node = node[part]
        return name, node

    def find(self, files, type_name):
        for name in files + ['TS29571_CommonData']:
            schemas = (self.doc(name).get('components') or {}).get('schemas') or {}
            if type_name in schemas:
                return self.ref(name, schemas[type_name])
        return None, None

    def members(self, name, node):
        """{member: (document, schema)}, required names; those of all alternatives together."""
        name, node = self.ref(name, node)
        out = {k: (name, v) for k, v in (node.get('properties') or {}).items()}
        required = set(node.get('required') or [])
        for word in ('allOf', 'oneOf', 'anyOf'):
            for part in node.get(word) or []:
                more, must = self.members(name, part)
                out.update({k: v for k, v in more.items() if k not in out})
                required |= must if word == 'allOf' else set()
        return out, required

    def shape(self, name, node):
        """(kind, schema, its document): text int number bool array map object bin any."""
        if node.get('$ref', '').endswith('/RefToBinaryData'):
            return 'bin', node, name
        name, node = self.ref(name, node)
        for word in ('anyOf', 'oneOf', 'allOf'):
            if word in node and 'properties' not in node and 'type' not in node:
                shapes = [self.shape(name, p) for p in node[word] if p and 'NullValue' not in str(p)]
                if shapes and (word == 'allOf' or len({s[0] for s in shapes}) == 1):
                    return shapes[0]
                return 'any', node, name
        kind = node.get('type')
        if kind == 'object' or 'properties' in node:
            extra = node.get('additionalProperties')
            return ('map' if isinstance(extra, dict) and 'properties' not in node else 'object'), node, name
        return {'string': 'text', 'integer': 'int', 'number': 'number', 'boolean': 'bool', 'array': 'array'}.get(
            kind, 'any'), node, name

    def enum(self, name, node):
        name, node = self.ref(name, node)
        out = set(node.get('enum') or [])
        for word in ('anyOf', 'oneOf', 'allOf'):
            for part in node.get(word) or []:
                out |= self.enum(name, part)
        return out


# ---- our rows ----
def split(text):
    """The arguments of a row, commas in strings respected."""
    return [a.strip() for a in re.findall(r'(?:"[^"]*"|[^,"])+', text)]


def read_rows():
    msgs, enums, ops = {}, {}, {}
    for path in sorted(glob.glob(os.path.join(TOP, 'spec', 'sbi', '*.def'))):
        file = os.path.basename(path)
        with open(path, encoding='utf-8') as f:
            text = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
        for word, value in re.findall(r'^#define (\w+) (.*)$', text, re.M):
            text = re.sub(r'^#define ' + word + r'\b.*$', '', text, flags=re.M)
            text = re.sub(r'\b' + word + r'\b(?!\()', lambda m, v=value: v, text)
        text = re.sub(r'"\s+"', '', text)
        owner = None
        for word, args in re.findall(r'\b([A-Z0-9_]+)\(((?:"[^"]*"|[^()"])*)\)', text):
            a = split(args)
            if word == 'ENUM':
                enums[a[0]] = (file, [])
            elif word in ('VAL', 'VALT'):
                enums[a[0]][1].append(a[2].strip('"') if word == 'VALT' else a[1])
            elif word == 'MSG':
                owner = msgs[a[0]] = {'file': file, 'rows': []}
            elif word == 'OP':
                owner = ops[a[0]] = {'file': file, 'rows': [], 'nf': a[1], 'method': a[2], 'path': a[3].strip('"'),
                                     'rsp': a[4], 'err': a[5], 'ok': a[6]}
            elif word in ('END', 'END_OP', 'END_ENUM', 'FAIL'):
                continue
            elif owner is not None and len(a) >= 4:
                owner['rows'].append({'kind': word, 'json': a[1].strip('"'), 'req': a[2] == 'REQ',
                                      'flags': a[3].split('|'), 'rest': a[4:]})
    return msgs, enums, ops


KINDS = {'TEXT': ('text', 'any'), 'INT': ('int',), 'BOOL': ('bool',), 'CODE': ('text', 'any'), 'DOUBLE_': ('number',),
         'HEX': ('text',), 'B64': ('text',), 'OBJ': ('object', 'any'), 'ANY': None, 'BIN': ('bin',), 'TEXTS': ('array',),
         'INTS': ('array',), 'CODES': ('array',), 'OBJS': ('array',), 'MAPOF': ('map',), 'TEXTMAP': ('map',)}


def number(text):
    return int(text) if re.fullmatch(r'-?\d+', text) else None


def check_value(spec, where, row, doc, node):
    kind, schema, _ = spec.shape(doc, node)
    wanted = KINDS[row['kind']]
    if wanted and kind not in wanted:
        say(f'{where}: {row["kind"]} here, {kind} in the specification')
        return
    low, high = {'int': ('minimum', 'maximum'), 'array': ('minItems', 'maxItems'), 'text': ('minLength', 'maxLength'),
                 'map': ('minProperties', 'maxProperties')}.get(kind, (None, None))
    bounds = [number(x) for x in row['rest'] if number(x) is not None]
    if len(bounds) != 2 or row['kind'] in ('HEX', 'B64', 'CODE'):
        return
    if low in schema and bounds[0] > schema[low]:
        say(f'{where}: at least {bounds[0]}, the specification says {schema[low]}')
    if high in schema and bounds[1] < schema[high]:
        say(f'{where}: at most {bounds[1]}, the specification says {schema[high]}')


def in_body(row):
    return not set(row['flags']) & {'PATH', 'QUERY', 'HEADER', 'FORM', 'BODY'}


def check_types(spec, msgs):
    for name, msg in msgs.items():
        if msg['file'] in OWN or TYPE.get(name, name) is None:
            continue
        doc, node = spec.find(FILES[msg['file']], TYPE.get(name, name))
        if node is None:
            say(f'{name}: no such type')
            continue
        members, required = spec.members(doc, node)
        rows = [r for r in msg['rows'] if in_body(r)]
        for row in rows:
            where = f'{name}.{row["json"]}'
            if (name, row['json']) in DIFFERS or row['json'].startswith('redoubt'):  # our own members say so
                continue
            if row['json'] not in members:
                say(f'{where}: not in the specification')
                continue
            if row['req'] != (row['json'] in required):
                say(f'{where}: {"required" if row["req"] else "optional"} here, not in the specification')
            check_value(spec, where, row, *members[row['json']])
        for missing in sorted(required - {r['json'] for r in rows}):
            say(f'{name}.{missing}: required in the specification, no row')


def check_enums(spec, enums):
    for name, (file, values) in enums.items():
        if file in OWN or TYPE.get(name, name) is None:
            continue
        doc, node = spec.find(FILES[file], TYPE.get(name, name))
        if node is None:
            say(f'{name}: no such enumeration')
            continue
        for value in sorted(set(values) - spec.enum(doc, node)):
            say(f'{name}: the specification does not have {value}')


def paths_of(spec, files):
    for name in files:
        doc = spec.doc(name)
        servers = doc.get('servers') or [{'url': ''}]
        root = re.sub(r'^\{apiRoot\}', '', servers[0]['url'])
        for path, item in (doc.get('paths') or {}).items():
            if '$ref' in item:
                file, pointer = item['$ref'].split('#')
                other = file[:-5] if file else name
                target = spec.doc(other)
                for part in pointer.strip('/').split('/'):
                    target = target[part.replace('~1', '/').replace('~0', '~').replace('%7B', '{').replace('%7D', '}')]
                yield root + path, other, target
            else:
                yield root + path, name, item


def check_operation(spec, name, op, doc, path, item):
    method = item.get(op['method'].lower())
    if method is None:
        say(f'{name}: {path} has no {op["method"]}')
        return
    parameters = {}
    for p in (item.get('parameters') or []) + (method.get('parameters') or []):
        where, p = spec.ref(doc, p)
        parameters[p['in'], p['name']] = (where, p)
    for flag, place in (('PATH', 'path'), ('QUERY', 'query')):
        rows = {r['json']: r for r in op['rows'] if flag in r['flags']}
        for json, row in rows.items():
            if (place, json) not in parameters:
                if place == 'query':
                    say(f'{name}: no query parameter {json} in the specification')
                continue
            if place == 'query' and row['req'] != bool(parameters[place, json][1].get('required')):
                say(f'{name}: query parameter {json} is {"required" if row["req"] else "optional"} here, not in the specification')
        for (where, json), (_, p) in parameters.items():
            if where == place == 'query' and p.get('required') and json not in rows:
                say(f'{name}: query parameter {json} is required, no row')
    body = [r for r in op['rows'] if 'BODY' in r['flags'] or 'FORM' in r['flags']]
    if bool(body) != ('requestBody' in method):
        say(f'{name}: {"a" if body else "no"} body here, not in the specification')
    if op['ok'] not in {str(s) for s in method['responses']}:
        say(f'{name}: answered with {op["ok"]} here, with {", ".join(map(str, method["responses"]))} in the specification')


def check_operations(spec, ops):
    for name, op in ops.items():
        if op['file'] in OWN or op['nf'] == 'CALLBACK':
            continue
        plain = re.sub(r'\{\w+\}', '{}', op['path'])
        for path, doc, item in paths_of(spec, FILES[op['file']]):
            if re.sub(r'\{\w+\}', '{}', path) == plain:
                if path != op['path']:
                    say(f'{name}: {op["path"]} here, {path} in the specification')
                check_operation(spec, name, op, doc, path, item)
                break
        else:
            say(f'{name}: no path {op["path"]}')


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    spec = Spec(sys.argv[1])
    msgs, enums, ops = read_rows()
    check_types(spec, msgs)
    check_enums(spec, enums)
    check_operations(spec, ops)
    print('\n'.join(problems) if problems else f'{len(ops)} operations, {len(msgs)} types, {len(enums)} enumerations agree')
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main())
