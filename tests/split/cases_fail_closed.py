# SPDX-License-Identifier: Apache-2.0
"""Cases of cases.py: whatever is missing, forged, too late or lost, nothing that has to be protected leaves as it came."""

import os
import re
import shutil
import subprocess
import time

from sink import Gate
from world import Gateway, expect, read, wait_for

SECRET = b"100 EUR"
BOTH = ["bob@free.test", "bob@both.partner.test"]
DAY = 86400


def no_plaintext(world, name):
    """Whatever of the message has left cannot be read. What left."""
    found = world.sink.of(name)
    expect(not [d for d in found if SECRET in d.data], "plaintext left: " + world.why())
    return found


class Between:
    """What happens between the passes."""

    def __init__(self, world):
        self.world = world
        self.gate = Gate((world.net + ".17", 10026), (world.address, 10026))
        world.fresh(change=lambda text: text.replace(f"[{world.address}]:10026", f"[{world.net}.17]:10026"))

    def close(self):
        self.gate.close()

    def release(self):
        self.gate.open()
        self.world.postfix.flush()

    def sealed_and_held(self, recipients=None):
        recipients = recipients or BOTH
        self.gate.shut()
        data, name = self.world.message(recipients)
        self.world.send(data, recipients)
        return name, self.world.sealed(name)

    def hand_in(self, data, recipient, more=(), **how):
        """A message for the listener of the second pass, as from this host."""
        return self.world.submit(data, [recipient, *more], port=10026, client=self.world.address, **how)

    def drop(self):
        self.world.discard()
        self.gate.open()

    def it_a_weaker_rule_is_not_followed(self):
        name, _ = self.sealed_and_held()
        rule = self.world.gateway.policy("both")
        self.world.gateway.policy("both", rule.replace('"sign+encrypt"', '"none"'))
        self.world.gateway.reload()
        self.release()
        found = self.world.arrive(name, BOTH)
        self.world.gateway.policy("both", rule)
        self.world.gateway.reload()
        expect(self.world.form(found[BOTH[1]]) == "authenveloped-data signed-data", "the planned treatment does not hold")

    def it_a_restart_of_all_changes_nothing(self):
        name, _ = self.sealed_and_held()
        self.world.gateway.restart()
        self.world.postfix.stop()
        self.world.postfix.start()
        self.release()
        found = self.world.arrive(name, BOTH)
        expect(self.world.form(found[BOTH[1]]) == "authenveloped-data signed-data", "wrong form")

    def it_a_certificate_that_is_gone_holds_the_copy(self):
        name, _ = self.sealed_and_held()
        rule = self.world.gateway.policy("both")
        self.world.gateway.policy("both", rule.replace('"certs/partner.test-dca.pem"', ""))
        self.world.gateway.reload()
        self.release()
        self.world.held(name, BOTH[1], "4[.]")
        self.world.gateway.policy("both", rule)
        self.world.gateway.reload()
        self.world.postfix.flush()
        self.world.arrive(name, BOTH)

    def later(self, seconds):
        self.world.gateway.stop()
        os.environ.update(LD_PRELOAD=self.world.build + "/preload/later.so", LATER=str(seconds))
        try:
            self.world.gateway.start()
        finally:
            del os.environ["LD_PRELOAD"], os.environ["LATER"]

    def it_a_certificate_that_has_expired_holds_the_copy(self):
        recipients = ["bob@free.test", "carol@people.test"]  # hers is for 20 days
        name, _ = self.sealed_and_held(recipients)
        self.later(25 * DAY)
        self.release()
        self.world.held(name, recipients[1], "4[.]")
        self.world.gateway.restart()
        self.world.postfix.flush()
        self.world.arrive(name, recipients)

    def it_a_sealed_message_that_is_too_old_is_returned(self):
        name, _ = self.sealed_and_held()
        self.later(31 * DAY)
        self.release()
        wait_for(15, lambda: len(re.findall("status=bounced.*split.max_age", self.world.postfix.log())) == 2,
                 "not refused: " + self.world.why())
        self.world.gateway.restart()
        expect(not no_plaintext(self.world, name), "it left")
        self.drop()

    def it_a_key_that_this_gateway_lacks_holds_the_message(self):
        name, _ = self.sealed_and_held()
        keys = self.world.gateway.folder + "/keys/"
        os.rename(keys + "split.key", keys + "old.key")
        with open(keys + "split.key", "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(os.urandom(32))
        self.world.gateway.restart()
        self.release()
        for recipient in BOTH:
            self.world.held(name, recipient, "4[.]")
        # The rollover: the new key seals, the old one opens.
        plain = self.world.gateway.plain
        self.world.gateway.plain = plain.replace('"file:keys/split.key"', '"file:keys/split.key", "file:keys/old.key"')
        self.world.gateway.restart()
        self.world.postfix.flush()
        self.world.arrive(name, BOTH)
        data, name = self.world.message(BOTH)
        self.world.send(data, BOTH)
        self.world.arrive(name, BOTH)
        self.world.gateway.plain = plain

    def it_another_gateway_with_the_key_does_the_second_pass(self):
        world = self.world
        folder = world.acme + "/second"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(world.gateway.folder, folder)
        second = Gateway(world.build, folder, world.address + ":10892")
        second.plain = read(second.conf).replace(":10891", ":10892").replace("inet:10891", "inet:10892")
        second.plain = second.plain.replace(world.acme + "/state", folder)
        second.configure()
        second.start()
        try:
            name, _ = self.sealed_and_held()
            world.postfix.call("postconf", "-e", f"domsec_milters = inet:{second.address}")
            world.gateway.stop()
            world.postfix.reload()
            self.release()
            found = world.arrive(name, BOTH)
            expect(world.form(found[BOTH[1]]) == "authenveloped-data signed-data", "wrong form")
            expect("opened=" in second.text(), "the second gateway has not opened it")
        finally:
            second.stop()
            world.postfix.call("postconf", "-e", f"domsec_milters = inet:{world.gateway.address}")
            world.gateway.start()
            world.postfix.reload()

    def it_a_gateway_that_is_down_holds_the_message(self):
        name, _ = self.sealed_and_held()
        self.world.gateway.stop()
        self.release()
        for recipient in BOTH:
            self.world.held(name, recipient, "4[.]7[.]1")
        self.world.gateway.start()
        self.world.postfix.flush()
        self.world.arrive(name, BOTH)

    # --- what others hand in ---

    def it_a_sealed_message_for_somebody_else_is_not_opened(self):
        name, sealed = self.sealed_and_held()
        for recipient in ("eve@evil.test", "bob@encrypt.partner.test"):
            said = self.hand_in(sealed, recipient)
            expect(said.startswith("451") and recipient in said, said)
        said = self.hand_in(sealed, "eve@evil.test", rcpt_options=["ORCPT=rfc822;mallory@evil.test"])
        expect(said.startswith("451"), said)
        self.drop()
        expect(not no_plaintext(self.world, name), "it left")

    def it_a_changed_or_forged_one_is_refused(self):
        name, sealed = self.sealed_and_held()
        head, _, body = sealed.partition(b"\r\n\r\n")
        field = re.search(rb"(?m)^Domsec-Split:.*\r\n", sealed + b"\r\n").group(0)
        lines = body.split(b"\r\n")
        longest = max(i for i in range(len(lines)) if len(lines[i]) > 60 and b" " not in lines[i])  # within what is sealed
        flipped = lines[:longest] + [lines[longest][:20] + (b"A" if lines[longest][20:21] != b"A" else b"B") + lines[longest][21:]]
        forged = {
            "changed": head + b"\r\n\r\n" + b"\r\n".join(flipped + lines[longest + 1:]),
            "no field": sealed.replace(field, b""),
            "two fields": field + sealed,
            "another From": re.sub(rb"(?m)^From: .*\r\n", b"From: eve@acme.test\r\n", sealed),
            "nothing sealed": field + self.world.message(BOTH)[0],
            "a plain message": self.world.message(BOTH)[0],
        }
        for what, data in forged.items():
            said = self.hand_in(data, BOTH[0])
            expect(said.startswith("5"), f"{what}: {said}")
        self.drop()

    def it_a_second_recipient_is_answered_452(self):
        name, sealed = self.sealed_and_held()
        said = self.hand_in(sealed, BOTH[0], [BOTH[1]])
        expect(said.startswith("452"), said)
        self.drop()
        expect(not self.world.sink.of(name), "it left")

    def it_a_forged_field_from_outside_is_removed(self):
        world = self.world
        self.gate.open()
        field = "Domsec-Split: v=1; key=" + "0" * 16
        for recipients in (["bob@free.test"], BOTH, ["alice@acme.test"]):
            data, name = world.message(recipients, fields=[field, field])
            world.send(data, recipients)
            for delivery in world.arrive(name, recipients).values():
                expect(not delivery.fields("Domsec-Split"), "it is there")

    def it_unseal_opens_a_stray_one(self):
        name, sealed = self.sealed_and_held()
        done = self.world.gateway.domsec("unseal", "-c", self.world.gateway.conf, input=sealed.decode("ascii"))
        expect(done.returncode == 0 and "100 EUR" in done.stdout and "To: bob@free.test" in done.stdout, done.stderr + done.stdout)
        self.drop()


class Size:
    def __init__(self, world):
        self.world = world
        world.fresh("message_size_limit = 40000\n")

    def it_a_sealed_message_over_message_size_limit_is_refused_in_the_first_pass(self):
        text = "\r\n".join(["x" * 70] * 400)  # 29 kB: it fits, and a third more does not
        data, name = self.world.message(["bob@free.test"], text=text)
        self.world.send(data, ["bob@free.test"])
        self.world.arrive(name, ["bob@free.test"])
        data, name = self.world.message(BOTH[:1] + ["bob@sign.partner.test"], text=text)
        said = self.world.submit(data, [BOTH[0], "bob@sign.partner.test"])
        expect(said.startswith("552 5.3.4"), said)
        expect(not self.world.postfix.queue() and not self.world.sink.of(name), "something left")


# --- lines that are missing ---


class Not_filtered:
    """main.cf has no milter_header_checks."""

    def __init__(self, world):
        self.world = world
        world.fresh("milter_header_checks =\n")

    def it_a_sealed_message_leaves_never_a_plaintext_and_the_next_is_deferred(self):
        world = self.world
        data, name = world.message(BOTH)
        world.send(data, BOTH)
        found = world.arrive(name, BOTH)
        no_plaintext(world, name)
        text = found[BOTH[0]].data.decode("ascii")
        expect("unseal" in text, "nothing tells the reader what it is")
        data, second = world.message(BOTH)
        said = world.submit(data, BOTH)
        expect(said.startswith("451"), said)
        expect(not world.sink.of(second), "it left")
        status = world.gateway.domsec("status", "-c", world.gateway.conf)
        expect("not proven" in status.stdout, status.stdout + status.stderr)
        check = world.gateway.domsec("check", "-c", world.gateway.conf, "--postfix", world.postfix.etc)
        expect(check.returncode == 1 and "milter_header_checks does not bring sealed messages back" in check.stdout, check.stdout)
        opened = world.gateway.domsec("unseal", "-c", world.gateway.conf, input=text)
        expect("100 EUR" in opened.stdout, opened.stderr)
        data, name = world.message(BOTH[:1])
        world.send(data, BOTH[:1])
        world.arrive(name, BOTH[:1])


class No_listener:
    """master.cf has no second listener; main.cf has a relay for what cannot be delivered, and makes errors permanent."""

    def __init__(self, world):
        self.world = world
        world.sink.listen("fallback", (world.net + ".18", 10025))
        world.fresh(f"smtp_fallback_relay = [{world.net}.18]:10025\n"
                    "smtp_delivery_status_filter = regexp:{ { /^4[.](.*)/ 5.$$1 } }\nmaximal_queue_lifetime = 3s\nbounce_queue_lifetime = 3s\n",
                    change=lambda text: text.replace(":10026 inet", ":10027 inet"))

    def it_the_queue_keeps_it_then_returns_it(self):
        world = self.world
        check = world.gateway.domsec("check", "-c", world.gateway.conf, "--postfix", world.postfix.etc)
        expect(check.returncode == 1 and "no smtpd listens on" in check.stdout, check.stdout)
        data, name = world.message(BOTH)
        world.send(data, BOTH)
        world.held(name, BOTH[0], "Connection refused")
        wait_for(30, lambda: "status=expired, returned to sender" in world.postfix.log(), "not returned: " + world.why())
        wait_for(15, lambda: not world.postfix.queue(), "the queue is not empty")
        expect(not no_plaintext(world, name), "it left")
        notes = [d for d in world.sink.deliveries if b"multipart/report" in d.data]
        expect(len(notes) == 1 and notes[0].recipients() == ["alice@acme.test"], f"{len(notes)} notifications")
        expect(SECRET not in notes[0].data, "the notification holds plaintext")


class No_milter:
    """The second listener does not call the gateway."""

    def __init__(self, world):
        self.world = world
        world.fresh(change=lambda text: text.replace("smtpd_milters=$domsec_milters", "smtpd_milters="))

    def it_never_a_plaintext_and_the_next_is_deferred(self):
        world = self.world
        data, name = world.message(BOTH)
        world.send(data, BOTH)
        world.arrive(name, BOTH)
        no_plaintext(world, name)
        data, name = world.message(BOTH)
        said = world.submit(data, BOTH)
        expect(said.startswith("451") and not world.sink.of(name), said)


class No_name:
    """The second listener has not the name for which the gateway looks, and our own addresses are sealed, too: a loop."""

    def __init__(self, world):
        self.world = world
        world.fresh("hopcount_limit = 12\n", split="aliases = true;", change=lambda text: text.replace("=domsec-split ", "=other "))

    def it_never_a_plaintext_and_it_ends(self):
        world, recipients = self.world, BOTH + ["alice@acme.test"]
        data, name = world.message(recipients)
        world.send(data, recipients)
        time.sleep(1)
        wait_for(30, lambda: not [p for p in world.postfix.queue() if "/deferred/" not in p], "it does not end")
        no_plaintext(world, name)
        world.discard()


class Recipient_limit:
    """Several recipients come in one transaction."""

    def __init__(self, world):
        self.world = world
        world.fresh("domsec-split_destination_recipient_limit = 50\n")

    def it_each_recipient_gets_its_copy_in_the_end(self):
        world, recipients = self.world, BOTH + ["bob@sign.partner.test"]
        data, name = world.message(recipients)
        world.send(data, recipients)
        wait_for(20, lambda: world.postfix.flush() or not world.postfix.queue(), "still there")
        found = world.arrive(name, recipients)
        expect(world.form(found[BOTH[1]]) == "authenveloped-data signed-data", "wrong form")
        expect("452" in world.postfix.log(), "nothing was deferred")


GROUPS = [Between, Size, Not_filtered, No_listener, No_milter, No_name, Recipient_limit]
