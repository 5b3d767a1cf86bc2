# SPDX-License-Identifier: Apache-2.0
"""The proof that a split message reaches each recipient once, in its own form, and nobody else: mixed messages while the gateways of
both passes and Postfix are killed at random (SIGKILL; Postfix with all its processes at once).

usage: tests/split/run BUILD proof [MESSAGES [GATEWAY-KILLS [POSTFIX-KILLS [SEED]]]]     SPLIT_WITHOUT=1: Postfix without the gateway

What counts is what the client was told is accepted. A client that loses the connection after the last line does not know, and sends
the message again as another one; of the first, each recipient may get one copy. Postfix may deliver a message again if it is killed
between the reply of the next server and its own note of it (RFC 5321, section 4.5.4.1 with section 6.1): such a second copy is told
by the log, which notes only one delivery, and counted; SPLIT_WITHOUT=1 counts how many there are without the gateway. Any other second copy is
a fault."""

import concurrent.futures
import os
import random
import re
import shutil
import smtplib
import signal
import sys
import threading
import time

from cases_forms import FORMS
from world import Failed, Gateway, World, read, wait_for

PEOPLE = ("carol", "dave", "erin")
PLACES = [address.partition("@")[2] for address in FORMS if not address.endswith("people.test")]
FORM_OF = {address.partition("@")[2]: form for address, form in FORMS.items()}
WITHOUT = bool(os.environ.get("SPLIT_WITHOUT"))


class Message:
    def __init__(self, world, chance):
        count = chance.randint(1, 20)
        everyone = [f"{name}@people.test" for name in PEOPLE] + [f"{name}@{place}" for place in PLACES for name in ("bob", "eve", "ann", "joe")]
        self.recipients = chance.sample(everyone, min(count, len(everyone)))
        shown = [r for r in self.recipients if chance.random() < 0.7]
        self.blind = set(self.recipients) - set(shown)
        data, self.name = world.message(shown or ["undisclosed@acme.test"], text="@TOKEN@ " + "the secret price\r\n" * chance.randint(1, 300))
        self.token = "token-" + self.name.partition("@")[0]
        self.data = data.replace(b"@TOKEN@", self.token.encode())
        self.options = chance.choice([[], ["RET=HDRS", f"ENVID={self.token}"]])
        self.notify = {r: [chance.choice(["NOTIFY=FAILURE", "NOTIFY=FAILURE,DELAY", "NOTIFY=NEVER"])] for r in self.recipients} \
            if self.options else {}
        self.accepted = False

    def copy_as_new(self, world):
        other = object.__new__(Message)
        other.__dict__.update(self.__dict__)
        old, other.name = self.name, world.next_id()
        other.token = "token-" + other.name.partition("@")[0]
        other.data = self.data.replace(old.encode(), other.name.encode()).replace(self.token.encode() + b" ", other.token.encode() + b" ")
        other.options = [option.replace(self.token, other.token) for option in self.options]
        return other


class Proof:
    def __init__(self, world, messages, gateway_kills, postfix_kills, seed):
        self.world, self.wanted = world, (gateway_kills, postfix_kills)
        self.chance = random.Random(seed)
        self.todo = [Message(world, self.chance) for _ in range(messages)]
        self.count = messages
        self.messages = []  # all that were handed in, also in vain
        self.lock = threading.Lock()
        self.kills = [0, 0]
        self.kill_times = []
        self.done = 0
        self.answers = {}

    def begin(self):
        world = self.world
        proven = "proven = true;"
        folder = world.acme + "/second"
        shutil.copytree(world.gateway.folder, folder)
        second = Gateway(world.build, folder, world.address + ":10892")
        second.plain = second.plain.replace("inet:10891", "inet:10892").replace(world.acme + "/state", folder)
        second.configure(proven)
        self.gateways = [world.gateway, second]
        milters = ["", ""] if WITHOUT else [f"inet:{gateway.address}" for gateway in self.gateways]
        world.fresh(f"smtpd_milters = {milters[0]}\ndomsec_milters = {milters[1]}\nnon_smtpd_milters =\nin_flow_delay = 0\n"
                    "smtpd_client_connection_count_limit = 0\n", split=proven)
        second.start()

    # --- the client ---

    def submit(self, message):
        """True: accepted; False: not; None: nobody knows."""
        smtp, said = None, (451, b"no connection")
        try:
            smtp = self.world.connect()
            smtp.ehlo()
            said = smtp.mail("alice@acme.test", message.options)
            for recipient in message.recipients:
                if said[0] == 250:
                    said = smtp.rcpt(recipient, message.notify.get(recipient, ()))
            if said[0] == 250:
                said = None  # from here on
                said = smtp.data(message.data)
        except (smtplib.SMTPException, OSError):
            said = None if said is None else (451, b"connection lost")
        finally:
            if smtp is not None:
                smtp.close()
        if said is None:
            return None
        with self.lock:
            self.answers[said[0]] = self.answers.get(said[0], 0) + 1
        if said[0] >= 500:
            raise Failed(f"refused: {said}")
        return said[0] == 250

    def client(self):
        while True:
            with self.lock:
                if not self.todo:
                    return
                # As many kills as messages, so that neither is done before the other.
                ahead = self.done / self.count > min(self.kills[i] / self.wanted[i] for i in (0, 1) if self.wanted[i]) + 0.02
                message = None if ahead else self.todo.pop()
            if ahead:
                time.sleep(0.05)
                continue
            while True:
                with self.lock:
                    self.messages.append(message)
                accepted = self.submit(message)
                if accepted:
                    break
                if accepted is None:
                    message = message.copy_as_new(self.world)
                else:
                    with self.lock:
                        self.messages.remove(message)
                    time.sleep(0.1)
            message.accepted = True
            with self.lock:
                self.done += 1

    # --- the end of processes ---

    def kill_gateway(self):
        gateway = self.chance.choice(self.gateways)
        gateway.stop(signal.SIGKILL)
        gateway.start(wait=False)
        self.kills[0] += 1

    def kill_postfix(self):
        self.kill_times.append(time.time())
        self.world.postfix.kill()
        self.world.postfix.start()
        self.kills[1] += 1

    def killer(self):
        while self.done < self.count or self.kills[0] < self.wanted[0] or self.kills[1] < self.wanted[1]:
            time.sleep(self.chance.uniform(0.05, 0.3))
            behind = self.kills[1] * max(self.wanted[0], 1) < self.kills[0] * self.wanted[1] or self.wanted[0] == 0
            if behind and self.kills[1] < self.wanted[1]:
                self.kill_postfix()
            elif self.kills[0] < self.wanted[0]:
                self.kill_gateway()

    def run(self):
        self.begin()
        clients = [threading.Thread(target=self.client, daemon=True) for _ in range(4)]
        for client in clients:
            client.start()
        self.killer()
        for client in clients:
            client.join()
        for gateway in self.gateways:
            if gateway.process.poll() is not None:
                gateway.start()
        wait_for(300, lambda: self.world.postfix.flush() or time.sleep(1) or not self.world.postfix.queue(), "mail is left in the queue")

    # --- what arrived ---

    def judge(self):
        faults, again = [], 0
        by_name = {}
        for delivery in self.world.sink.deliveries:
            by_name.setdefault(delivery.message_id(), []).append(delivery)
        arrived = dict(by_name)
        log = self.world.postfix.log()
        for message in self.messages:
            copies = {recipient: [] for recipient in message.recipients}
            for delivery in by_name.pop(message.name, []):
                for recipient in delivery.recipients():
                    copies.setdefault(recipient, []).append(delivery)
            for recipient, deliveries in copies.items():
                if recipient not in message.recipients:
                    faults.append(f"{message.name}: {recipient} is not one of its recipients")
                if message.accepted and not deliveries:
                    faults.append(f"{message.name}: {recipient} got none")
                if len(deliveries) > 1:
                    fault = self.why_again(log, recipient, deliveries)
                    again += len(deliveries) - 1
                    faults += [f"{message.name}: {recipient}: {fault}"] if fault else []
        faults += [f"{name}: nobody has sent it" for name in by_name]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for found in pool.map(lambda message: self.faults_of(message, arrived.get(message.name, [])), self.messages):
                faults += found
        return faults, again

    @staticmethod
    def why_again(log, recipient, deliveries):
        """Why several copies are a fault: Postfix has noted that more than one was delivered."""
        ids = [re.findall(r"E?SMTPU?T?F?8?S?A? id (\w+)", "".join(d.fields("Received"))) for d in deliveries]
        for queue_id in {i for pair in ids for i in pair}:
            noted = len(re.findall(rf"{queue_id}: to=<{re.escape(recipient)}>.*status=sent", log))
            if noted > 1:
                return f"Postfix has delivered {queue_id} {noted} times"
        if len({pair[-1] for pair in ids}) > 1:
            return f"it was received {ids}"
        return None

    def faults_of(self, message, deliveries):
        """Of the form of each copy."""
        faults = []
        for delivery in deliveries:
            for recipient in delivery.recipients():
                form = FORM_OF[recipient.partition("@")[2]]
                if message.token.encode() in delivery.data and "enveloped" in form and not WITHOUT:
                    faults.append(f"{message.name}: {recipient}: plaintext")
                for parameter in message.notify.get(recipient, []):
                    if not any(parameter in rcpt for rcpt in delivery.rcpts if f"<{recipient}>" in rcpt):
                        faults.append(f"{message.name}: {recipient}: {delivery.rcpts} lacks {parameter}")
            if any(option not in delivery.mail for option in message.options):
                faults.append(f"{message.name}: {delivery.mail} lacks {message.options}")
            if WITHOUT:
                continue
            recipient = delivery.recipients()[0]
            form, actual = FORM_OF[recipient.partition("@")[2]], self.world.form(delivery)
            if actual != form:
                faults.append(f"{message.name}: {recipient}: {actual or 'plain'}, not {form or 'plain'}")
            if form == "" and not delivery.data.endswith(message.data):
                faults.append(f"{message.name}: {recipient}: changed")
            if recipient.endswith("@people.test"):
                named = set(re.findall(r"(\w+@people\.test)", self.world.opened_for(delivery)))
                if (named & message.blind) - set(delivery.recipients()):
                    faults.append(f"{message.name}: {recipient} sees {named & message.blind}")
        return faults


def main():
    world = World(*sys.argv[1:4])
    numbers = [int(word) for word in sys.argv[4:]] + [1000, 500, 50, 1][len(sys.argv) - 4:]
    proof = Proof(world, *numbers)
    begin = time.time()
    try:
        proof.run()
        kept = time.time() - begin
        faults, again = proof.judge()
    finally:
        for gateway in getattr(proof, "gateways", []):
            gateway.stop()
        world.close()
    copies = sum(len(d.recipients()) for d in world.sink.deliveries)
    unsure = [m for m in proof.messages if not m.accepted]
    wanted = sum(len(m.recipients) for m in proof.messages if m.accepted)
    for fault in faults[:40]:
        print("FAULT ", fault)
    print(f"{'without the gateway: ' if WITHOUT else ''}{proof.done} messages accepted for {wanted} recipients, {len(unsure)} in doubt; replies: {proof.answers}\n"
          f"{proof.kills[0]} times the gateway was killed, {proof.kills[1]} times Postfix, in {kept:.0f} s; seed {numbers[3]}\n"
          f"{copies} copies, of which Postfix delivered {again} again after it was killed; {len(faults)} faults")
    return 1 if faults or proof.done < proof.count else 0


sys.exit(main())
