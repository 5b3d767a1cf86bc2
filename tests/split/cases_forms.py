# SPDX-License-Identifier: Apache-2.0
"""Cases of cases.py: each recipient gets its own form, and nobody else's."""

from world import expect

SECRET = b"100 EUR"
FORMS = {"bob@free.test": "", "alice@acme.test": "", "bob@sign.partner.test": "signed-data",
         "bob@encrypt.partner.test": "authenveloped-data", "bob@both.partner.test": "authenveloped-data signed-data",
         "bob@triple.partner.test": "signed-data enveloped-data signed-data", "carol@people.test": "authenveloped-data"}


def expect_forms(world, found):
    for recipient, delivery in found.items():
        form = world.form(delivery)
        expect(form == FORMS[recipient], f"{recipient}: {form}, not {FORMS[recipient]}")
        expect("enveloped" not in form or SECRET not in delivery.data, f"{recipient}: can be read on the way")
        expect("enveloped" in form or SECRET in delivery.data, f"{recipient}: cannot be read")
        expect(delivery.field("Subject") == "Meeting on Tuesday", f"{recipient}: Subject: {delivery.field('Subject')}")
        expect(not delivery.fields("Domsec-Split"), f"{recipient}: the mark is left")
        for name in ("From", "To", "Date", "Message-ID", "MIME-Version", "Content-Type"):
            expect(len(delivery.fields(name)) == 1, f"{recipient}: {len(delivery.fields(name))} fields {name}")


class Forms:
    def __init__(self, world):
        self.world = world

    def it_check_finds_the_lines_whole(self):
        said = self.world.gateway.domsec("check", "-c", self.world.gateway.conf, "--postfix", self.world.postfix.etc)
        expect(said.returncode == 0 and "domsec-split" not in said.stdout and ":10026" not in said.stdout and
               "domsec-cleanup" not in said.stdout and "milter_header_checks" not in said.stdout, said.stdout + said.stderr)

    def it_five_treatments_in_one_message(self):
        world, recipients = self.world, list(FORMS)
        data, name = world.message(recipients[:3], recipients[3:], fields=["X-One: 1", "X-Two: 2", "X-One: 3"])
        world.send(data, recipients)
        found = world.arrive(name, recipients)
        expect_forms(world, found)
        plain = found["bob@free.test"]
        # Byte for byte what was sent, behind what Postfix puts on top.
        expect(plain.data.endswith(data), "what needs no protection was changed")
        expect(plain.data[:-len(data)].startswith(b"Received:"), "something stands above the header")

    def it_one_form_for_all_leaves_in_one_copy(self):
        world, recipients = self.world, ["bob@both.partner.test", "eve@both.partner.test"]
        data, name = world.message(recipients)
        world.send(data, recipients)
        found = world.arrive(name, recipients)
        expect(found[recipients[0]] is found[recipients[1]], "two copies")
        expect(len(found[recipients[0]].fields("Received")) == 1, "it was split")

    def it_recipients_that_are_named_share_a_copy(self):
        world, recipients = self.world, ["carol@people.test", "dave@people.test"]
        data, name = world.message(recipients)
        world.send(data, recipients)
        found = world.arrive(name, recipients)
        who = world.opened_for(found["carol@people.test"])
        expect(found["carol@people.test"] is found["dave@people.test"], "two copies")
        expect("carol@people.test" in who and "dave@people.test" in who, who)

    def it_a_blind_copy_is_not_named_in_the_copies_of_others(self):
        world, recipients = self.world, ["carol@people.test", "dave@people.test", "erin@people.test"]
        data, name = world.message(recipients[:1], recipients[1:2])
        world.send(data, recipients)
        found = world.arrive(name, recipients)
        for recipient in recipients:
            who = world.opened_for(found[recipient])
            expect(recipient in who, f"{recipient} cannot open the copy: {who}")
            expect("erin" not in who or recipient.startswith("erin"), f"{recipient} sees the blind copy: {who}")
        expect(b"erin@people.test" not in found["carol@people.test"].data, "the blind copy is in the header")

    def it_one_refused_recipient_refuses_the_message_and_is_named(self):
        world = self.world
        data, name = world.message(["bob@free.test", "nobody@people.test"])
        said = world.submit(data, ["bob@free.test", "nobody@people.test"])
        expect(said.startswith("5") and "nobody@people.test" in said, said)
        expect(not world.postfix.queue() and not world.sink.of(name), "something left")


GROUPS = [Forms]
