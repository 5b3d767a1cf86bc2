# SPDX-License-Identifier: Apache-2.0
"""What a split costs: deliveries per second of messages to two recipients with two treatments (sign, sign and encrypt), against the
same two treatments in two messages, and against one message that needs no split. 10 kB each.

usage: tests/split/run BUILD bench [MESSAGES]"""

import statistics
import subprocess
import sys
import time

from world import World, expect, wait_for

SENDERS, ROUNDS = 8, 5
ONE, OTHER, SAME = "bob@sign.partner.test", "bob@both.partner.test", "eve@sign.partner.test"


def send(world, files, recipients):
    """Each file to these recipients, over several connections."""
    words = [world.build + "/tools/smtp_send", "-s", f"{world.address}:10025", "-b", world.client, "-f", "alice@acme.test"]
    for recipient in recipients:
        words += ["-t", recipient]
    parts = [files[i::SENDERS] for i in range(SENDERS)]
    return [subprocess.Popen([*words, *part], stdout=subprocess.DEVNULL) for part in parts if part]


def rate(world, files, envelopes):
    """Deliveries per second, until the queue is empty."""
    begin = time.monotonic()
    senders = [process for recipients in envelopes for process in send(world, files, recipients)]
    expect(not any([process.wait(120) for process in senders]), "not accepted")
    wait_for(120, lambda: not world.postfix.queue(), "mail is left in the queue")
    return len(files) * sum(len(recipients) for recipients in envelopes) / (time.monotonic() - begin)


def judge(label, rates, others, least):
    ratio = statistics.median(rates) / statistics.median(others)
    verdict = "ok" if ratio >= least else "MISSED"
    print(f"{label:<44} {ratio:6.2f}  >= {least}  {verdict}   ({statistics.median(rates):.0f} against {statistics.median(others):.0f} a second)")


def main():
    world = World(*sys.argv[1:4])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 200
    world.sink.close()
    files = []
    for number in range(count):
        data, _ = world.message([ONE, OTHER], text="\r\n".join(["x" * 70] * 142))
        files.append(f"{world.folder}/{number}.eml")
        with open(files[-1], "wb") as file:
            file.write(data)
    sink = subprocess.Popen(["smtp-sink", "-u", "nobody", f"{world.net}.13:10025", "500"])
    ways = {"split": [[ONE, OTHER]], "two": [[ONE], [OTHER]], "unsplit": [[ONE, SAME]]}
    rates = {way: [] for way in ways}
    try:
        world.fresh("in_flow_delay = 0\n", split="proven = true;")
        for turn in range(ROUNDS + 1):
            for way, envelopes in ways.items():
                got = rate(world, files, envelopes)
                if turn > 0:  # the first round fills caches
                    rates[way].append(got)
        expect("status=deferred" not in world.postfix.log(), "messages came through late: " + world.why())
    finally:
        world.close()
        sink.terminate()
    judge("two recipients split, against two messages", rates["split"], rates["two"], 0.6)
    judge("  against one message that is not split", rates["split"], rates["unsplit"], 0)
    return 0


sys.exit(main())
