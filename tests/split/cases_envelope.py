# SPDX-License-Identifier: Apache-2.0
"""Cases of cases.py: addresses, parameters and notifications, with any way into Postfix."""

from world import expect, wait_for

BOTH = ["bob@free.test", "bob@both.partner.test"]


class Envelope:
    def __init__(self, world):
        self.world = world
        world.sink.listen("old", (world.net + ".16", 10025), hidden=("DSN",))
        world.fresh(f"transport_maps = inline:{{ old.test=smtp:[{world.net}.16]:10025 }}\n"
                    "virtual_alias_maps = inline:{ team@acme.test=bob@both.partner.test }\n")

    def it_sendmail(self):
        data, name = self.world.message(BOTH)
        self.world.sendmail(data, BOTH)
        found = self.world.arrive(name, BOTH)
        expect(self.world.form(found[BOTH[1]]) == "authenveloped-data signed-data", "wrong form")

    def it_a_null_sender(self):
        data, name = self.world.message(BOTH)
        self.world.send(data, BOTH, sender="")
        for delivery in self.world.arrive(name, BOTH).values():
            expect(delivery.mail.startswith("FROM:<>"), delivery.mail)

    def it_SMTPUTF8(self):
        recipients = ["jörg@free.test", "jörg@both.partner.test"]
        data, name = self.world.message(recipients, sender="Jörg <jörg@acme.test>")
        self.world.send(data, recipients, sender="jörg@acme.test", options=["SMTPUTF8", "BODY=8BITMIME"])
        for delivery in self.world.arrive(name, recipients).values():
            expect("SMTPUTF8" in delivery.mail and "jörg@acme.test" in delivery.mail, delivery.mail)

    def it_quoted_local_parts(self):
        recipients = ['"b o b"@free.test', '"b\\"c"@both.partner.test', '"bob"@sign.partner.test']
        data, name = self.world.message(recipients)
        self.world.send(data, recipients)
        self.world.arrive(name, ['"b o b"@free.test', '"b\\"c"@both.partner.test', "bob@sign.partner.test"])

    def it_NOTIFY_ORCPT_RET_and_ENVID_go_on(self):
        data, name = self.world.message(BOTH)
        own = {recipient: ["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;was+2B" + recipient] for recipient in BOTH}
        self.world.send(data, BOTH, options=["RET=HDRS", "ENVID=e+2B1"], rcpt_options=own)
        for recipient, delivery in self.world.arrive(name, BOTH).items():
            expect("RET=HDRS" in delivery.mail and "ENVID=e+2B1" in delivery.mail, delivery.mail)
            expect("NOTIFY=FAILURE,DELAY" in delivery.rcpts[0], delivery.rcpts[0])
            expect(f"ORCPT=rfc822;was+2B{recipient}" in delivery.rcpts[0], delivery.rcpts[0])

    def notification(self, name):
        """To Alice, about the message."""
        def found():
            with self.world.sink.lock:
                return [d for d in self.world.sink.deliveries if b"Content-Type: message/delivery-status" in d.data and
                        name.encode() in d.data and d.recipients() == ["alice@acme.test"]]
        notes = wait_for(15, found, "no notification: " + self.world.why())
        wait_for(15, lambda: not self.world.postfix.queue(), "the queue is not empty")
        expect(len(found()) == 1, f"{len(found())} notifications")
        return notes[0].data.decode("utf-8", "replace")

    def it_a_failure_is_reported_under_the_address_that_the_sender_used(self):
        recipients = ["bob@free.test", "team@acme.test", "gone@both.partner.test"]
        self.world.sink.answers["bob@both.partner.test"] = ["550 5.1.1 no such user"] * 9
        self.world.sink.answers["gone@both.partner.test"] = ["550 5.1.1 no such user"] * 9
        data, name = self.world.message(recipients)
        self.world.send(data, recipients, options=["ENVID=e2"], rcpt_options={"gone@both.partner.test": ["NOTIFY=NEVER"]})
        note = self.notification(name)
        self.world.sink.answers.clear()
        expect("Original-Recipient: rfc822;team@acme.test" in note, note)
        expect("Final-Recipient: rfc822; bob@both.partner.test" in note, note)
        expect("Original-Envelope-Id: e2" in note, note)
        expect("rfc822; gone@" not in note, "NOTIFY=NEVER is not obeyed")
        expect("100 EUR" not in note, "the notification holds what the recipient's rule hides")

    def it_a_success_is_reported_where_the_next_server_cannot(self):
        recipients = ["bob@free.test", "x@old.test"]
        data, name = self.world.message(recipients)
        self.world.send(data, recipients, options=["ENVID=e3"], rcpt_options={"x@old.test": ["NOTIFY=SUCCESS"]})
        note = self.notification(name)
        expect("Action: relayed" in note and "Original-Recipient: rfc822;x@old.test" in note, note)
        expect("Original-Envelope-Id: e3" in note, note)

    def it_a_next_hop_that_defers_gets_one_copy_after_all(self):
        self.world.sink.answers["bob@both.partner.test"] = ["450 4.2.0 later"] * 2
        data, name = self.world.message(BOTH)
        self.world.send(data, BOTH)
        wait_for(10, lambda: self.world.sink.of(name), "nothing arrives")
        wait_for(20, lambda: self.world.postfix.flush() or not self.world.sink.answers["bob@both.partner.test"], "no retry")
        self.world.arrive(name, BOTH, 30)


GROUPS = [Envelope]
