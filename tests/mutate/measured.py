# SPDX-License-Identifier: Apache-2.0
"""
measured: the tests, how long each takes, and which lines of the source each runs.
"""
import collections
import gzip
import json
import os
import shutil
import subprocess
import sys
import threading

from trees import SEEDS, read, spread


class Tests:
    """The tests ("gateway/test_inbound suite name", "seeds/layers"), how long each takes, and which lines each runs."""

    def __init__(self):
        self.cost = {}  # test → seconds of computation, seconds
        self.lines = collections.defaultdict(set)  # (path, line) → tests; no entry where there is no code
        self.killers = collections.defaultdict(list)  # (path, function) → the tests that noticed changes there, the last one first
        self.kills = collections.defaultdict(collections.Counter)  # path → how many changes each test noticed there
        self.lock = threading.Lock()

    def find(self, worker, programs, targets):
        tests = [f"{program} {name}" for program in programs for name in worker.start(program)[1]]
        return tests + [SEEDS + target for target in targets]

    def measure(self, workers, tests):
        """Returns false if a test fails without a change."""
        failed = []

        def one(worker, test):
            for _ in range(2):
                outcome, *cost = worker.ask(test, 0, 600, 600)
                self.cost[test] = cost
                if outcome == "ok":
                    return
            failed.append(test)
            print(f"mutate: this {outcome} without any change: {test}", read(worker.log)[-2000:], sep="\n", file=sys.stderr)
        spread(workers, tests, one)
        return not failed

    def count(self, workers, tests, sources):
        """Runs each test once more, built with gcov's counters."""
        def one(worker, test):
            counts = worker.temporary + "-counts"
            shutil.rmtree(counts, ignore_errors=True)
            worker.ask(test, 0, 600, 600, counts)
            written = []
            for path in sources:
                notes = os.path.join(worker.tree.build, "obj", path[:-2] + ".gcno")
                data = counts + notes[:-5] + ".gcda"
                if os.path.exists(data):
                    shutil.copy(notes, data[:-5] + ".gcno")
                    written.append(data)
            if written:
                self.read_counts(subprocess.run(["gcov", "--json-format", "--stdout", *written], cwd=worker.tree.folder,
                                                capture_output=True, check=True).stdout, test)
        spread(workers, tests, one)

    def read_counts(self, text, test):
        for document in text.splitlines():
            for file in json.loads(document)["files"]:
                with self.lock:
                    for line in file["lines"]:
                        who = self.lines[file["file"], line["line_number"]]
                        if line["count"] > 0:
                            who.add(test)

    def candidates(self, mutant, source):
        """The tests that run a changed line, in the order in which they are tried. Some lines have no counter (tables, macros,
        continuation lines): then the tests that run any line of the function, or of the file."""
        last = mutant.line + source.count("\n", mutant.start, mutant.end)
        lines = [line for line in range(mutant.line, last + 1) if (mutant.path, line) in self.lines] or mutant.lines
        runs = set().union(*(self.lines.get((mutant.path, line), ()) for line in lines))
        killers = self.killers[mutant.path, mutant.function][:5]
        kills = self.kills[mutant.path]
        return sorted(runs, key=lambda test: (killers.index(test) if test in killers else len(killers),
                                              self.price(test) / (kills[test] + 0.05)))

    def price(self, test):
        """Seconds of computation; a test that sleeps has its price, too."""
        return self.cost[test][0] + self.cost[test][1] / 10

    def note_killer(self, mutant, test):
        with self.lock:
            self.kills[mutant.path][test] += 1
            killers = self.killers[mutant.path, mutant.function]
            self.killers[mutant.path, mutant.function] = [test] + [other for other in killers if other != test]

    def load(self, path, key):
        try:
            with gzip.open(path, "rt") as file:
                kept = json.load(file)
        except (OSError, ValueError):
            return False
        if kept["key"] != key:
            return False
        self.cost = kept["cost"]
        names = list(self.cost)
        self.lines = {(path, int(line)): {names[i] for i in who} for path, lines in kept["lines"].items() for line, who in lines.items()}
        return True

    def save(self, path, key):
        lines = collections.defaultdict(dict)
        index = {test: i for i, test in enumerate(self.cost)}
        for (name, line), who in self.lines.items():
            lines[name][line] = sorted(index[test] for test in who)
        with gzip.open(path, "wt") as file:
            json.dump({"key": key, "cost": self.cost, "lines": lines}, file)
