# SPDX-License-Identifier: Apache-2.0
"""
trees: copies of the tree in BUILD/mutate, each with a build of its own, and workers that run the tests of such a build.
"""
import glob
import os
import queue
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEEDS = "seeds/"
PLAIN = ["OPTIMISE=-O1", "HARDENING=-fPIE", "LDFLAGS=-rdynamic"]
COUNTING = ["OPTIMISE=-O0", "HARDENING=-fPIE", "CFLAGS=--coverage", "LDFLAGS=-rdynamic --coverage", "SEED_CFLAGS=--coverage"]
RELEASE = ["OPTIMISE=-O2", "HARDENING=-fPIE"]  # no -g: the same code is the same object file


def read(path):
    with open(path) as file:
        return file.read()


def spread(workers, items, work):
    """Calls work(worker, item) for all items, as many at once as there are workers."""
    waiting = queue.Queue()
    failures = []
    for item in items:
        waiting.put(item)

    def serve(worker):
        try:
            while not failures:
                work(worker, waiting.get_nowait())
        except queue.Empty:
            return
        except Exception as failure:
            failures.append(failure)
    threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Tree:
    """A copy of the sources with a build of its own."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.build = os.path.join(folder, "build")

    def update(self, files, texts=None):
        """Copies the files, except those that `texts` gives. What has not changed stays as old as it is."""
        texts = dict(texts or {})
        for path in files:
            with open(os.path.join(ROOT, path), "rb") as file:
                texts.setdefault(path, file.read())
        for path, text in texts.items():
            target = os.path.join(self.folder, path)
            text = text if isinstance(text, bytes) else text.encode()
            if not os.path.exists(target) or open(target, "rb").read() != text:
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "wb") as file:
                    file.write(text)
                if os.path.exists(os.path.join(ROOT, path)):
                    shutil.copymode(os.path.join(ROOT, path), target)
        for folder in ("src", "include", "tests"):
            for where, _, names in os.walk(os.path.join(self.folder, folder)):
                for path in (os.path.join(where, name) for name in names):
                    if os.path.relpath(path, self.folder) not in texts:
                        os.remove(path)

    def touch(self, paths):
        """They are compiled again, with the options of this tree."""
        for path in paths:
            os.utime(os.path.join(self.folder, path))

    def make(self, goals, jobs=1):
        log = os.path.join(self.folder, "make.log")
        with open(log, "wb") as out:
            if subprocess.run(["make", "-s", f"-j{jobs}", *self.options, *goals], cwd=self.folder, stdout=out, stderr=out,
                              stdin=subprocess.DEVNULL, env=dict(os.environ, MAKEFLAGS="")).returncode != 0:
                sys.exit(f"mutate: does not build; see {log}")

    def compiler(self, path, options):
        """How make would compile this file: the command, for a file that comes from standard input."""
        goal = os.path.join("build/obj", path[:-2] + ".o")
        shown = subprocess.run(["make", "-n", "V=1", "-W", path, *options, goal], cwd=self.folder, capture_output=True, check=True,
                               text=True, env=dict(os.environ, MAKEFLAGS="")).stdout
        words = shlex.split(next(line for line in shown.splitlines() if f" -o {goal} " in line))
        dropped = {"-MMD", "-MP", "-c", "-o", goal, path}
        return [word for word in words if word not in dropped] + ["-iquote", os.path.dirname(path), "-w", "-x", "c", "-"]

    def errors(self, path, text):
        """The lines where the compiler reports errors."""
        command = self.compiler(path, RELEASE) + ["-fsyntax-only", "-fmax-errors=0", "-ftrack-macro-expansion=0"]
        shown = subprocess.run(command, cwd=self.folder, input=text, capture_output=True, text=True).stderr
        return [int(line) for line in re.findall(r"^<stdin>:(\d+):\d+: error", shown, re.M)]

    def object(self, path, text):
        name = os.path.join(self.folder, f"object-{threading.get_ident()}.o")
        subprocess.run(self.compiler(path, RELEASE) + ["-c", "-o", name], cwd=self.folder, input=text, check=True, text=True)
        with open(name, "rb") as file:
            return file.read()


class Worker:
    """Runs the tests of a tree, one at a time. Each program starts when it is first needed."""

    def __init__(self, tree, runner, name):
        self.tree, self.runner = tree, runner
        self.temporary = os.path.join(tree.folder, name)  # short: sockets are made there
        self.log = os.path.join(tree.folder, name + ".log")
        self.servers, self.stopped = {}, False
        self.clear()

    def clear(self):
        shutil.rmtree(self.temporary, ignore_errors=True)
        os.makedirs(self.temporary)
        os.chmod(self.temporary, 0o1777)  # as /tmp: some tests become another user

    def environment(self, **more):
        return dict(os.environ, DOMSEC_BUILD=self.tree.build, DOMSEC_TESTS=os.path.join(self.tree.folder, "tests"),
                    TMPDIR=self.temporary, MAKEFLAGS="", **more)

    def start(self, program):
        """Returns the server and the names of its tests."""
        server = subprocess.Popen([os.path.join(self.tree.build, "tests", program)], cwd=self.tree.folder,
                                  env=self.environment(LD_PRELOAD=self.runner, TEST_SERVER=self.log), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.servers[program] = server
        return server, list(iter(lambda: server.stdout.readline().rstrip("\n"), "."))

    def ask(self, test, mutant, cpu, seconds, counts="-"):
        """Returns how the test ended, its seconds of computation, and its seconds."""
        answer = self.ask_once(test, mutant, cpu, seconds, counts)
        if self.stopped:
            raise InterruptedError("the run ends")
        return answer

    def ask_once(self, test, mutant, cpu, seconds, counts):
        program, _, name = test.partition(" ")
        if program.startswith(SEEDS):
            return self.replay(program[len(SEEDS):], mutant, seconds, counts)
        server = self.servers.get(program) or self.start(program)[0]
        server.stdin.write(f"{mutant} {cpu:.0f} {seconds:.0f} {counts} {name}\n")
        server.stdin.flush()
        words = ["stalls", cpu, seconds]
        answered = select.poll()
        answered.register(server.stdout, select.POLLIN)
        if answered.poll(1000 * (seconds + 30)):
            words = server.stdout.readline().split() or words
        if len(words) != 3 or words[0] == "stalls":
            self.stop(program)
        if words[0] != "ok":
            self.clear()
        return words[0], float(words[1]), float(words[2])

    def replay(self, target, mutant, seconds, counts):
        """Runs all seeds of a fuzz target."""
        begin = time.monotonic()
        seeds = sorted(glob.glob(os.path.join(self.tree.folder, "tests/fuzz/seeds", target, "**"), recursive=True))
        more = {"DOMSEC_MUTANT": str(mutant), **({} if counts == "-" else {"GCOV_PREFIX": counts})}
        with open(self.log, "wb") as out:
            process = subprocess.Popen([os.path.join(self.tree.build, "fuzz", "replay_" + target), *filter(os.path.isfile, seeds)],
                                       cwd=self.tree.folder, env=self.environment(**more), stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=out)
        try:
            outcome = "ok" if process.wait(seconds) == 0 else "fails"
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            outcome = "stalls"
        return outcome, time.monotonic() - begin, time.monotonic() - begin

    def stop(self, program):
        server = self.servers.pop(program, None)
        if server is not None:
            server.kill()
            server.wait()

    def stop_all(self):
        self.stopped = True
        for program in list(self.servers):
            self.stop(program)
        for link in glob.glob("/proc/[0-9]*/exe"):  # what killed tests left behind
            try:
                if os.readlink(link).startswith(self.tree.build + "/"):
                    os.kill(int(link.split("/")[2]), signal.SIGKILL)
            except OSError:
                pass
        self.clear()
