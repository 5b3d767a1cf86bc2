# SPDX-License-Identifier: Apache-2.0
"""One mail domain, acme.test: a Postfix with the lines of packaging/postfix/, its gateway, and the world behind it (sink.py).

    client ─▶ Postfix ─▶ gateway, first pass ─▶ queue ─▶ domsec-split ─▶ gateway, second pass ─▶ queue ─▶ sink

The shell half (run) has made the folder, the configurations and the certificates.
"""

import glob
import os
import re
import shutil
import signal
import smtplib
import stat
import subprocess
import sys
import threading
import time

from sink import Sink

HERE = os.path.dirname(os.path.abspath(__file__))
SHIPPED = os.path.join(HERE, "../../packaging/postfix")
SPLIT_PORT = 10026


class Failed(Exception):
    """Why a case failed."""


def expect(condition, reason):
    if not condition:
        raise Failed(reason)


def wait_for(seconds, condition, reason):
    """The first true value of condition()."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(reason)
        time.sleep(0.02)


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def shipped(name, address):
    """A file of packaging/postfix/ without its comments, for listeners on another address than 127.0.0.1."""
    text = re.sub(r"^#.*\n", "", read(os.path.join(SHIPPED, name)), flags=re.MULTILINE)
    return text.replace("127.0.0.1", address).replace("127.0.0.0/8", address + "/32")


class Gateway:
    def __init__(self, build, folder, address):
        # A copy, so that make can replace the program meanwhile.
        self.program = shutil.copy(os.path.join(build, "domsec-milter"), folder + ".program")
        self.tool = os.path.join(build, "domsec")
        self.folder, self.address = folder, address
        self.conf = os.path.join(folder, "domsec.conf")
        self.log = folder + ".log"
        self.process = None
        self.plain = read(self.conf)

    def configure(self, split="", text=""):
        """The configuration of the start, with more in the group split, and with text behind it."""
        write(self.conf, self.plain.replace("split.key\" );", "split.key\" ); " + split) + text)

    def policy(self, name, text=None):
        """What the policy file says; with text, what it says from now on."""
        path = f"{self.folder}/policy.d/{name}.conf"
        old = read(path)
        if text is not None:
            write(path, text)
        return old

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "-f", "-c", self.conf], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        if wait:
            wait_for(10, self.is_up, "the gateway does not start: see " + self.log)

    def is_up(self):
        expect(self.process.poll() is None, "the gateway does not start: see " + self.log)
        return subprocess.run(["ss", "-Hltn", "src", self.address], capture_output=True, check=False).stdout != b""

    def stop(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(15)
            self.process = None

    def restart(self, *configuration):
        self.stop()
        self.configure(*configuration)
        self.start()

    def reload(self):
        before = self.text().count("reload: ")
        self.process.send_signal(signal.SIGHUP)
        wait_for(5, lambda: self.text().count("reload: ") > before, "the gateway does not reload")

    def text(self):
        return read(self.log) if os.path.exists(self.log) else ""

    def domsec(self, *arguments, **options):
        return subprocess.run([self.tool, *arguments], capture_output=True, text=True, check=False, **options)


class Postfix:
    def __init__(self, folder, address):
        self.folder, self.address = folder, address
        self.etc = os.path.join(folder, "etc")
        self.main, self.master = read(self.etc + "/main.cf"), read(self.etc + "/master.cf")
        self.running = False

    def configure(self, main="", master="", change=lambda text: text):
        """What the shell half wrote, then the shipped files as change() leaves them, then these lines."""
        lines = {}  # the last one counts; of two, Postfix would warn
        for line in (self.main + change(shipped("main.cf", self.address)) + main).split("\n"):
            lines[line.partition(" =")[0]] = line
        write(self.etc + "/main.cf", "\n".join(lines.values()) + "\n")
        write(self.etc + "/master.cf", self.master + change(shipped("master.cf", self.address)) + master)

    def reload(self):
        """Until a new smtpd answers. What idles of the old generation ends by itself."""
        if not self.running:
            self.start()
            return
        before = self.log().count("reload -- version")
        self.call("postfix", "reload")
        wait_for(10, lambda: self.log().count("reload -- version") > before, "Postfix does not reload")
        time.sleep(0.2)

    def call(self, *words):
        return subprocess.run([words[0], "-c", self.etc, *words[1:]], capture_output=True, text=True, check=False, timeout=60)

    def start(self):
        done = self.call("postfix", "start")
        expect(done.returncode == 0, "Postfix does not start: " + done.stderr + self.log()[-2000:])
        self.running = True

    def stop(self):
        if self.running:
            self.call("postfix", "stop")
            wait_for(20, lambda: not self.processes(), "Postfix does not end")
            self.running = False

    def restart(self):
        self.stop()
        self.empty()
        self.start()

    def empty(self):
        for kind in ("incoming", "active", "deferred", "defer", "bounce", "trace", "maildrop", "hold", "corrupt"):
            for path in glob.glob(f"{self.folder}/queue/{kind}/**/*", recursive=True):
                if os.path.isfile(path):
                    os.remove(path)

    def processes(self):
        """All of it, also what has just begun: each lives in the queue's folder."""
        pids = []
        for path in glob.glob("/proc/[0-9]*"):
            try:
                if os.readlink(path + "/cwd").startswith(self.folder + "/queue"):
                    pids.append(int(path[6:]))
            except OSError:
                continue
        return pids

    def kill(self):
        """As a power failure would: all of it, at once."""
        def all_dead():
            pids = self.processes()
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return not pids

        wait_for(10, all_dead, "Postfix does not die")
        self.running = False

    def flush(self):
        self.call("postqueue", "-f")

    def queue(self):
        """The messages in it. What a cleanup(8) that was ended has left in incoming is none yet: it cannot be executed."""
        found = []
        for kind in ("incoming", "active", "deferred", "maildrop", "hold"):
            for path in glob.glob(f"{self.folder}/queue/{kind}/**/*", recursive=True):
                try:
                    mode = os.stat(path).st_mode
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(mode) and mode & 0o100:
                    found.append(path)
        return found

    def log(self):
        path = self.folder + "/mail.log"
        return read(path) if os.path.exists(path) else ""


class World:
    def __init__(self, build, folder, net):
        self.build, self.folder, self.net = build, folder, net
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that close() is called
        self.serial, self.flushed = 0, 0
        self.acme = folder + "/acme"
        self.address, self.client = net + ".11", net + ".12"
        self.postfix = Postfix(self.acme, self.address)
        self.gateway = Gateway(build, self.acme + "/gateway", self.address + ":10891")
        self.sink = Sink()
        self.sink.listen("outside", (net + ".13", 10025))
        self.sink.listen("inside", (net + ".14", 10025))

    def fresh(self, main="", master="", split="", change=lambda text: text):
        """Postfix and the gateway with these settings, without mail, and without the proof that splitting works."""
        self.gateway.stop()
        self.postfix.stop()
        self.postfix.empty()
        for path in glob.glob(self.acme + "/state/*"):
            os.remove(path)
        self.sink.deliveries.clear()
        self.sink.answers.clear()
        self.gateway.configure(split)
        self.gateway.start()
        self.postfix.configure(f"domsec_milters = inet:{self.gateway.address}\nsmtpd_milters = $domsec_milters\n"
                               f"internal_mail_filter_classes = bounce\n" + main, master, change)
        self.postfix.start()

    def close(self):
        self.gateway.stop()
        self.postfix.stop()
        self.sink.close()

    def next_id(self, word="split"):
        self.serial += 1
        return f"{word}.{self.serial}@e2e.test"

    def message(self, to, cc=(), text="the secret price is 100 EUR", fields=(), sender="Alice <alice@acme.test>"):
        """A message and its Message-ID."""
        name = self.next_id()
        lines = [f"From: {sender}", "To: " + ", ".join(to), *(["Cc: " + ", ".join(cc)] if cc else []),
                 "Subject: Meeting on Tuesday", "Date: Mon, 02 Mar 2026 09:30:00 +0100", f"Message-ID: <{name}>", *fields,
                 "MIME-Version: 1.0", "Content-Type: text/plain; charset=us-ascii", "", text, ""]
        return "\r\n".join(lines).encode("utf-8"), name

    def connect(self, port=10025, client=None):
        return smtplib.SMTP(self.address, port, "client.test", 60, (client or self.client, 0))

    def submit(self, data, recipients, sender="alice@acme.test", options=(), rcpt_options=(), **connection):
        """Hands a message over; the last reply of the server, as text. rcpt_options: for all, or by recipient."""
        with self.connect(**connection) as smtp:
            return self.submit_over(smtp, data, recipients, sender, options, rcpt_options)

    @staticmethod
    def submit_over(smtp, data, recipients, sender="alice@acme.test", options=(), rcpt_options=()):
        smtp.ehlo_or_helo_if_needed()
        if "SMTPUTF8" in options:
            smtp.command_encoding = "utf-8"
        said = smtp.mail(sender, options)
        for recipient in recipients:
            if said[0] == 250:
                own = rcpt_options.get(recipient, ()) if isinstance(rcpt_options, dict) else rcpt_options
                said = smtp.rcpt(recipient, own)
        if said[0] == 250:
            said = smtp.data(data)
        return f"{said[0]} {said[1].decode('utf-8', 'replace')}"

    def send(self, data, recipients, **how):
        said = self.submit(data, recipients, **how)
        expect(said.startswith("250"), "not accepted: " + said)

    def sendmail(self, data, recipients, sender="alice@acme.test", *options):
        done = subprocess.run(["/usr/sbin/sendmail", "-C", self.postfix.etc, "-i", "-f", sender, *options, "--", *recipients],
                              input=data.replace(b"\r\n", b"\n"), capture_output=True, check=False)
        expect(done.returncode == 0, "sendmail: " + done.stderr.decode())

    def arrive(self, name, recipients, seconds=20):
        """The deliveries of a message, by recipient; exactly one for each of these, and no other."""
        wanted = sorted(recipients)

        def all_there():
            self.flush_at_times()
            return len([r for d in self.sink.of(name) for r in d.recipients()]) >= len(wanted)

        try:
            wait_for(seconds, all_there, "")
        except Failed:
            pass
        wait_for(seconds, lambda: not self.postfix.queue(), "the queue is not empty: " + self.why())
        found = {}
        for delivery in self.sink.of(name):
            for recipient in delivery.recipients():
                found.setdefault(recipient, []).append(delivery)
        got = sorted(r for r, copies in found.items() for _ in copies)
        expect(got == wanted, f"delivered to {got}, not {wanted}; {self.why()}")
        return {recipient: copies[0] for recipient, copies in found.items()}

    def flush_at_times(self):
        if time.monotonic() > self.flushed + 0.5:
            self.flushed = time.monotonic()
            self.postfix.flush()

    def held(self, name, recipient, said, seconds=15):
        """The queue keeps the copy of a recipient, because the gateway said so; whatever else is in the queue is gone then."""
        wanted = re.compile("to=<" + re.escape(recipient) + ">.*status=deferred.*" + said)
        wait_for(seconds, lambda: wanted.search(self.postfix.log()), f"not held for {recipient}: {self.why()}")
        expect(not [d for d in self.sink.of(name) if recipient in d.recipients()], f"delivered to {recipient}")

    def discard(self):
        """The queue is empty, and the log begins anew."""
        self.postfix.call("postsuper", "-d", "ALL")
        write(self.postfix.folder + "/mail.log", "")

    def sealed(self, name):
        """The sealed message as it waits in the queue: header and body."""
        def find():
            for path in self.postfix.queue():
                done = subprocess.run(["postcat", "-c", self.postfix.etc, "-bh", path], capture_output=True, check=False)
                if name.encode() in done.stdout and b"Domsec-Split:" in done.stdout:
                    return done.stdout.replace(b"\n", b"\r\n")
            return None
        return wait_for(10, find, "no sealed message in the queue: " + self.why())

    def why(self):
        """The last lines of the log that say something of a delivery."""
        lines = [line for line in self.postfix.log().split("\n") if re.search(r"status=|reject|warning|fatal", line)]
        return "log: " + " | ".join(lines[-3:])

    def layers(self, delivery):
        """How a delivered message is protected, from the outside in: media type, kind, who, how. Opened with the recipient's key."""
        recipient = delivery.recipients()[0]
        keys = self.folder + "/partner/keys/"
        own = recipient.partition("@")[0] if recipient.endswith("@people.test") else "dca"
        path = f"{self.folder}/layers-{threading.get_ident()}.eml"
        with open(path, "wb") as file:
            file.write(delivery.data)
        words = [self.build + "/tools/mail_inspect", "-c", f"{keys}{own}.pem", "-k", f"{keys}{own}.key"]
        for other in ("carol", "dave", "erin"):
            words += ["-c", f"{keys}{other}.pem"] if other != own else []
        done = subprocess.run([*words, path], capture_output=True, text=True, check=False)
        return [line.split("\t") for line in done.stdout.split("\n") if line]

    def form(self, delivery):
        """The kinds of its layers, the empty signature layer apart: "authenveloped-data signed-data"."""
        return " ".join(kind for _, kind, who, _ in self.layers(delivery) if kind != "plain" and who != "(nobody)")

    def opened_for(self, delivery):
        """Whom the outermost encrypted layer is for."""
        return next(who for _, kind, who, _ in self.layers(delivery) if kind.endswith("enveloped-data"))
