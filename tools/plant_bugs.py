#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants known mistakes in a copy of the tree, one at a time, and sees that `redoubt sim` finds each, by a property
that is there for it. The copy is build-plant/; the sources themselves are never touched.
usage: tools/plant_bugs.py [NAME...]      a line a mistake; exit status 1 if one was not found"""
import filecmp
import os
import re
import shutil
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPY = os.path.join(TOP, "build-plant")
SEEDS = 400
# name, what it is, properties that may find it, file, what stands there, what it becomes
BUGS = [
    ("timer", "a timer that is never started: T1 of N4 requests", "ends goal agree_sm", "src/proto/pfcp.c",
     "        timer_set(&n->rt->timers, &t->timer, n->rt->now_us + n->config.t1_us, txn_timeout)) {", "        false) {"),
    ("handle", "a handle that outlives its object: connections stay in the table by RAN UE NGAP ID", "returned unique goal",
     "src/nf/amf/ue.c", "    map_del_u64(&amf->ues->by_ran, ran_key(amf, c->gnb, c->ran_ue_id));", ""),
    ("release", "a release that is not sent: N4 sessions of dropped PDU sessions", "agree_sm returned", "src/nf/smf/n4_deletion.c",
     "    bool there = s->upf && s->upf->assoc && (s->up_seid || s->n4_unknown);",
     "    bool there = s->upf && s->upf->assoc && (s->up_seid || s->n4_unknown) && s->id != 1;"),
    ("orphan", "an N4 session whose establishment was never answered is left at the UPF", "agree_sm returned",
     "src/nf/smf/n4_deletion.c", "(s->up_seid || s->n4_unknown);", "s->up_seid;"),
    ("t3560", "a timer that is never started: T3560 of an authentication request", "late", "src/nf/amf/authentication.c",
     "    uint64_t t3560_us = p->rt->config->amf.t3560_ms * 1000ull;", "    uint64_t t3560_us = 3600 * 1000000ull;"),
    ("foreign", "a gNB that may speak for a phone of another", "goal agree_mm agree_sm agree_keys late plain", "src/nf/amf/ue_n2.c",
     "    if (c && c->gnb != gnb) {", "    if (c && c->gnb != gnb && !c->amf) {"),
    ("key", "the key of the wrong context: a new authentication does not replace the old context", "goal agree_keys agree_mm",
     "src/nf/amf/registration.c", "    nas_security_wipe(&ue->security);\n    ue->security = f->candidate;",
     "    if (!ue->security.is_valid) ue->security = f->candidate;"),
    ("buffer", "a buffer that is lost: the packet that pages a phone is not kept", "goal", "src/dp/path.c",
     "buffer_hold(dp, s, pdr, in, p, owner);", "(buffer_notify(dp, s, pdr, in->tos), DP_far_drop);"),
    ("teid", "TEIDs that do not come back: sessions of the UPF stay when their last counters have come", "agree_sm returned",
     "src/nf/upf/report.c", "    else if (s->going && list_empty(&s->pending))\n        upf_session_end(u, s, false);",
     "    else if (s->going && list_empty(&s->pending) && e->session % 4 != 1)\n        upf_session_end(u, s, false);"),
    ("count", "a COUNT that is used again after each sixteenth message", "count_once", "src/proto/nas_security.c",
     "    s->count[dir] = count + 1;\n    return (int)(plain.n", "    s->count[dir] = count + (count % 16 != 15);\n    return (int)(plain.n"),
    ("replay", "a COUNT that is accepted again", "count_once agree_keys goal", "src/proto/nas_security.c",
     "    s->last = count;\n    s->count[dir] = count + 1;", "    s->last = count;\n    s->count[dir] = count + (count % 8 != 7);"),
    ("plain", "unprotected NAS messages taken though the exchange is secure", "plain", "src/nf/amf/nas_rx.c",
     "    o->plain = o->header.plain;\n    if (!o->conn->is_secure)", "    o->plain = o->header.plain;\n    if (o->header.plain.n)"),
    ("address", "an address given to two", "unique goal", "src/nf/smf/pool.c",
     "        uint32_t number = p->fresh++;\n        if (p->item[number].until_s == 0) {",
     "        uint32_t number = p->fresh;\n        p->fresh += number % 3 != 0;\n        if (p->item[number].until_s == 0 || number % 3 == 0) {"),
    ("log", "a line of the log with a SUPI", "log_secret", "src/nf/smf/pdu_session_establishment.c",
     "        log_identity(rt->log, smf_supi(s)).text, s->id, STR_ARG(s->dnn->c->name), STR_ARG(s->upf->c->name));",
     "        s->ue->supi, s->id, STR_ARG(s->dnn->c->name), STR_ARG(s->upf->c->name));"),
    ("tunnel", "downlink packets into a neighbour's tunnel", "tunnel", "src/nf/upf/far.c", "    f->teid = h->teid;",
     "    f->teid = h->teid ^ 3;"),
    ("early", "requests of N4 repeated after half of T1", "early", "src/proto/pfcp.c",
     "n->rt->now_us + n->config.t1_us, txn_timeout))", "n->rt->now_us + n->config.t1_us / 2, txn_timeout))"),
    ("retry", "an authentication request sent again at once, without T3560", "early", "src/nf/amf/authentication.c",
     "    amf_nas_send(f->conn, &m, f->conn->is_secure ? NAS_CIPHERED : NAS_PLAIN);\n}\n/* 5.4.1.3.5",
     "    amf_nas_send(f->conn, &m, f->conn->is_secure ? NAS_CIPHERED : NAS_PLAIN);\n"
     "    amf_nas_send(f->conn, &m, f->conn->is_secure ? NAS_CIPHERED : NAS_PLAIN);\n}\n/* 5.4.1.3.5"),
]
FAILED = re.compile(r"^seed (\d+): (\w+): ", re.M)


def copy(source, to):
    """What is the same already keeps its time, so that it is not built again; what differs gets a new one."""
    if not os.path.exists(to) or not filecmp.cmp(source, to, shallow=False):
        shutil.copyfile(source, to)


def prepare():
    os.makedirs(COPY, exist_ok=True)
    for name in ("src", "spec", "tools", "tests", "fuzz", "bench"):
        shutil.copytree(os.path.join(TOP, name), os.path.join(COPY, name), dirs_exist_ok=True, copy_function=copy)
    for name in ("meson.build", "meson_options.txt"):
        copy(os.path.join(TOP, name), os.path.join(COPY, name))
    if not os.path.exists(os.path.join(COPY, "b", "build.ninja")):
        subprocess.run(["meson", "setup", "b", "-Dbuildtype=debugoptimized", "-Dwerror=false"], cwd=COPY, check=True,
                       stdout=subprocess.DEVNULL)


def build():
    r = subprocess.run(["ninja", "-C", "b", "src/cmd/redoubt"], cwd=COPY, text=True, stdout=subprocess.PIPE)
    if r.returncode:
        sys.exit(r.stdout)


def seek():
    """(seed, property) of the first complaint; a crash is one of its own, and so is a run that does not end."""
    try:
        r = subprocess.run(["b/src/cmd/redoubt", "sim", "--seeds", str(SEEDS)], cwd=COPY, text=True, timeout=300,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return None, "hang"
    m = FAILED.search(r.stdout)
    if m:
        return m.group(1), m.group(2)
    return None, f"crash ({r.returncode})" if r.returncode not in (0, 1) else "nothing"


def plant(bug):
    name, what, properties, path, old, new = bug
    full = os.path.join(COPY, path)
    with open(full, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        print(f"{name}: {path} has changed: what it replaces stands there {text.count(old)} times", flush=True)
        return False
    with open(full, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))
    try:
        build()
        start = time.monotonic()
        seed, found = seek()
    finally:
        with open(full, "w", encoding="utf-8") as f:
            f.write(text)
    good = found in properties.split()
    print(f"{'found' if good else 'NOT FOUND'}: {name}: {what}: by {found}"
          + (f", seed {seed}" if seed else "") + f", {time.monotonic() - start:.1f} s", flush=True)
    return good


def main():
    prepare()
    wanted = sys.argv[1:] or [b[0] for b in BUGS]
    results = [plant(b) for b in BUGS if b[0] in wanted]
    print(f"{sum(results)} of {len(results)} found")
    return 0 if all(results) and len(results) == len(wanted) else 1


if __name__ == "__main__":
    sys.exit(main())
