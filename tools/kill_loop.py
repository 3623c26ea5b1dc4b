#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the real core (SIGKILL) again and again at random moments, phones going idle, coming back and pinging all the
while, over real sockets in a network namespace of its own. At the end every phone must be registered still, none anew,
no session's address may have changed, and every phone must get an answer to a ping. Needs root, or user namespaces.
usage: tools/kill_loop.py [--kills N] [--phones N] [--rate R] [--seed S] [--binary PATH] [--keep]"""
import argparse
import ctypes
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEY, OPC = "465B5CE8B199B49FAA5F0A2EE238A6BC", "E8ED289DEBA952E4283B54E88E6183CA"  # test values
FAR = "10.45.0.1"  # the UPF's own address behind N6
PHONE = re.compile(r"phone \d+: (\S+?)(, connected[^;]*)?; session \d+ \S+ ([0-9.]+) \d+ up (\d+) down")
HEAD = re.compile(r"gnbs (\d+) of (\d+) up; phones \d+; registrations (\d+); sessions (\d+);")


class Failed(Exception):
    pass


class Ran:
    """Simulated gNBs and phones, asked over their control socket."""

    def __init__(self, binary, path, phones, gnbs, log):
        self.path, self.phones = path, phones
        self.process = subprocess.Popen([binary, "ran", "--ues", str(phones), "--gnbs", str(gnbs), "--control", path, "--quiet"],
                                        stdout=log, stderr=log)

    def ask(self, words):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.path)
            s.sendall(words.encode() + b"\n")
            answer = b""
            while True:
                more = s.recv(65536)
                if not more:
                    return answer.decode()
                answer += more

    def head(self):
        m = HEAD.search(self.ask("status"))
        return tuple(int(x) for x in m.groups()) if m else (0, 1, 0, 0)

    def phone(self, n):
        """(state, connected, address, packets down), or None while it has no session."""
        m = PHONE.search(self.ask(f"status {n}"))
        return (m[1], bool(m[2]), m[3], int(m[4])) if m else None


class Core:
    def __init__(self, binary, folder, log):
        self.words = [binary, "run", "-c", os.path.join(folder, "c.yaml"), "--set", f"control.socket={folder}/core.sock",
                      "--set", f"udr.path={folder}/store.db"]
        self.log, self.process = log, None

    def start(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE, stderr=self.log, text=True, errors="replace")

    def ready(self, seconds=20):
        """Milliseconds from the start to ready, as the core says it; its log is read on in the background."""
        said, came = [], threading.Event()

        def read(pipe):
            for line in pipe:
                self.log.write(line)
                if "ready start_ms=" in line:
                    said.append(int(re.search(r"start_ms=(\d+)", line)[1]))
                    came.set()
            came.set()
        threading.Thread(target=read, args=(self.process.stdout,), daemon=True).start()
        if not came.wait(seconds) or not said:
            raise Failed("the core does not start")
        return said[0]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Load(threading.Thread):
    """So many things a second, of random phones: idle, back, a ping."""

    def __init__(self, ran, rate, seed):
        super().__init__(daemon=True)
        self.ran, self.rate, self.random, self.ends, self.done = ran, rate, random.Random(seed), False, 0

    def run(self):
        while not self.ends:
            n = self.random.randint(1, self.ran.phones)
            what = self.random.choice(("idle", "idle", "service", "service", "ping"))
            self.ran.ask(f"{what} {n} {FAR}" if what == "ping" else f"{what} {n}")
            self.done += 1
            time.sleep(1 / self.rate)


def wait(what, seconds, condition):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.1)


def answered(ran, n, down):
    """Pings until one more packet came down; a gNB that is not back yet makes it fail for now."""
    p = ran.phone(n)
    if p and p[0] == "registered" and p[3] > down:
        return True
    ran.ask(f"ping {n} {FAR}" if p and p[1] else f"service {n}")
    return False


def check(ran, addresses, registrations):
    """All are as they were, and served."""
    wait("all gNBs are back", 60, lambda: ran.head()[0] == ran.head()[1])
    left = {n: ran.phone(n) for n in addresses}
    left = {n: p[3] if p else 0 for n, p in left.items()}
    until = time.monotonic() + 120
    while left and time.monotonic() < until:
        left = {n: down for n, down in left.items() if not answered(ran, n, down)}
        time.sleep(0.2)
    if left:
        raise Failed(f"{len(left)} phones get no answer, among them phone {next(iter(left))}: {ran.ask(f'status {next(iter(left))}')}")
    changed = [n for n, a in addresses.items() if ran.phone(n)[2] != a]
    if changed:
        raise Failed(f"{len(changed)} sessions have other addresses, among them that of phone {changed[0]}")
    if ran.head()[2:] != registrations:
        raise Failed(f"registrations and sessions made: {ran.head()[2:]}, at first {registrations}")


def loop(a, folder, log):
    core, dice = Core(a.binary, folder, log), random.Random(a.seed)
    with open(os.path.join(folder, "phones.csv"), "w", encoding="utf-8") as f:
        f.write("imsi,k,opc\n" + "".join(f"00101{1 + i:010d},{KEY},{OPC}\n" for i in range(a.phones)))
    open(os.path.join(folder, "c.yaml"), "w", encoding="utf-8").close()
    subprocess.run([a.binary, "subscriber", "import", os.path.join(folder, "phones.csv"), "--store", f"{folder}/store.db"],
                   check=True, stdout=log, stderr=log)
    core.start()
    core.ready()
    ran = Ran(a.binary, os.path.join(folder, "ran.sock"), a.phones, 4, log)
    try:
        wait("the RAN answers", 10, lambda: os.path.exists(ran.path))
        wait("all phones have a session", 60 + a.phones / 50, lambda: ran.head()[3] == a.phones)
        addresses = {n: ran.phone(n)[2] for n in range(1, a.phones + 1)}
        registrations = ran.head()[2:]
        pings = sum(ran.phone(n)[3] for n in addresses)
        load = Load(ran, a.rate, a.seed + 1)
        load.start()
        longest, early, started = 0, 0, time.monotonic()
        for i in range(a.kills):
            time.sleep(dice.uniform(0.01, 3.0))
            core.kill()
            core.start()
            while dice.random() < 0.2:  # and before it was up at all
                time.sleep(dice.uniform(0, 0.1))
                core.kill()
                core.start()
                early += 1
            longest = max(longest, core.ready())
            if (i + 1) % 10 == 0 and sys.stdout.isatty():
                print(f"\r{i + 1} kills ", end="", flush=True)
        load.ends = True
        load.join()
        pings = sum((ran.phone(n) or (0, 0, 0, 0))[3] for n in addresses) - pings
        check(ran, addresses, registrations)
        print(f"{a.kills} kills, and {early} more before the core was up, in {time.monotonic() - started:.0f} s; {a.phones} phones, "
              f"{load.done} procedures begun and {pings} pings answered meanwhile: all registered, none anew; no address changed; all pings answered; "
              f"longest start {longest} ms")
    finally:
        ran.process.terminate()
        ran.process.wait()
        core.process.terminate()
        core.process.wait()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--phones", type=int, default=200)
    p.add_argument("--rate", type=float, default=200, help="procedures begun a second")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--binary", default=os.path.join(TOP, "build/src/cmd/redoubt"))
    p.add_argument("--keep", action="store_true", help="the store and the logs stay")
    a = p.parse_args()
    if "KILL_LOOP_INSIDE" not in os.environ:
        root = [] if os.geteuid() == 0 else ["-r"]
        if subprocess.run(["unshare", *root, "-n", "true"], check=False).returncode:
            print("skipped: this user may not make network namespaces")
            return 77
        os.environ["KILL_LOOP_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", *root, "-n", sys.executable, *sys.argv])
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # ends with the one that began it
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = tempfile.mkdtemp(prefix="redoubt-kill-")
    try:
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as log:
            loop(a, folder, log)
        return 0
    except Failed as e:
        print(f"failed: {e} (seed {a.seed}, log in {folder})")
        a.keep = True
        return 1
    finally:
        if not a.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
