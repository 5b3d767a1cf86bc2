# SPDX-License-Identifier: Apache-2.0
"""Messages that are split, on a real Postfix: one line a case, as in tests/e2e/. The groups are in the files cases_*.py; each has a
configuration of Postfix and the gateway, in which its cases run one after the other."""

import inspect
import os
import re
import sys
import time
import traceback

import cases_dkim
import cases_envelope
import cases_fail_closed
import cases_forms
import cases_settings
from world import Failed, World

GROUPS = [group for module in (cases_forms, cases_envelope, cases_settings, cases_fail_closed, cases_dkim) for group in module.GROUPS]


class Report:
    passed = failed = 0

    def case(self, title, run):
        begin = time.monotonic()
        try:
            run()
            self.passed += 1
            print(f"ok      {title}" + (f"  ({time.monotonic() - begin:.1f} s)" if os.environ.get("TIMES") else ""), flush=True)
        except Failed as failure:
            self.failed += 1
            print(f"FAILED  {title}: {failure}", flush=True)
        except Exception:  # a fault of the test is one of its failures
            self.failed += 1
            print(f"FAILED  {title}: {traceback.format_exc()}", flush=True)


def run_group(world, group, report):
    world.fresh()
    cases = group(world)
    for name in [name for name, _ in inspect.getmembers(cases, inspect.ismethod) if name.startswith("it_")]:
        failed = report.failed
        report.case(group.__name__.lower().replace("_", " ") + ": " + name[3:].replace("_", " "), getattr(cases, name))
        if report.failed > failed:  # what it left would be in the way of the next
            getattr(cases, "close", lambda: None)()
            world.fresh()
            cases = group(world)
    getattr(cases, "close", lambda: None)()


def main():
    world = World(*sys.argv[1:4])
    pattern = re.compile(sys.argv[4] if len(sys.argv) > 4 else ".")
    report = Report()
    try:
        for group in GROUPS:
            if pattern.search(group.__name__):
                run_group(world, group, report)
    finally:
        world.close()
    print(f"\n{report.passed} passed, {report.failed} failed")
    return 1 if report.failed or not report.passed else 0


sys.exit(main())
