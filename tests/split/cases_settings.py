# SPDX-License-Identifier: Apache-2.0
"""Cases of cases.py: what main.cf says applies to a copy as to an unsplit message, once."""

import re

from world import expect

# All of main.cf that might get in the way between the passes; tests/split/lines.py tries each alone. What the client's and the next
# servers' services need is undone for them (OWN).
HOSTILE = """
canonical_maps = inline:{ zoe@acme.test=zoe.z@acme.test }
masquerade_domains = acme.test
sender_canonical_maps = inline:{ a@acme.test=alice@acme.test }
recipient_canonical_maps = inline:{ rob@free.test=bob@free.test }
smtp_generic_maps = inline:{ bob@free.test=robert@free.test }
header_checks = regexp:{ { /^X-Drop:/ IGNORE } { /^X-Mark:/ PREPEND X-Marked: once } }
body_checks = regexp:{ { /^DOMSEC/ REJECT } }
smtp_header_checks = regexp:{ { /^X-Out:/ PREPEND X-Went: out } }
relayhost = [@NET@.13]:10025
default_transport = smtp
smtp_bind_address = @NET@.77
smtpd_milter_maps = static:DISABLE
smtpd_tls_security_level = encrypt
smtpd_sasl_auth_enable = no
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject
smtpd_data_restrictions = reject
smtpd_end_of_data_restrictions = reject
smtpd_command_filter = regexp:{ { /^(RCPT TO:<[^>]*>).*/ $$1 } }
smtpd_proxy_filter = [@NET@.78]:1
smtpd_upstream_proxy_protocol = haproxy
smtpd_banner = mx
smtpd_discard_ehlo_keywords = dsn, size, 8bitmime, smtputf8
smtp_discard_ehlo_keywords = dsn
smtp_never_send_ehlo = yes
smtp_tls_security_level = encrypt
smtp_tls_wrappermode = yes
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = static:user:password
smtp_line_length_limit = 40
local_header_rewrite_clients = static:all
remote_header_rewrite_domain = domain.invalid
always_add_missing_headers = yes
undisclosed_recipients_header = To: undisclosed-recipients:;
"""
OWN = {"smtpd": "smtpd_milter_maps= smtpd_tls_security_level=none smtpd_client_restrictions= smtpd_relay_restrictions=permit_mynetworks,reject"
                " smtpd_recipient_restrictions= smtpd_data_restrictions= smtpd_end_of_data_restrictions= smtpd_command_filter="
                " smtpd_proxy_filter= smtpd_upstream_proxy_protocol= smtpd_discard_ehlo_keywords= local_header_rewrite_clients="
                " remote_header_rewrite_domain=",
       "smtp": "smtp_tls_security_level=none smtp_tls_wrappermode=no smtp_sasl_auth_enable=no smtp_never_send_ehlo=no"
               " smtp_discard_ehlo_keywords= smtp_line_length_limit=998"}


def with_own(master):
    return re.sub(r"(?m)^(\S+ .*\b(smtpd?))$", lambda m: m.group(1) + "".join(f" -o {o}" for o in OWN[m.group(2)].split(" ")), master)


def header(delivery):
    """The header, without what differs from message to message."""
    head = re.sub(rb"(?m)^(Received|Message-ID|Content-Type):.*\r\n([ \t].*\r\n)*", b"", delivery.head)
    return head.decode("utf-8", "replace")


class Settings:
    def __init__(self, world):
        self.world = world
        plain, world.postfix.master = world.postfix.master, with_own(world.postfix.master)
        try:
            world.fresh(HOSTILE.replace("@NET@", world.net))
        finally:
            world.postfix.master = plain

    def as_alone(self, recipients, arrived):
        """Each copy is as the message would be if it were for that recipient alone."""
        fields = ["X-Drop: 1", "X-Mark: 1", "X-Out: 1", "Reply-To: zoe@acme.test", "X-Long: " + "long " * 30]
        alone = {}
        for recipient, address in zip(recipients, arrived):
            data, name = self.world.message(recipients, fields=fields)
            self.world.send(data, [recipient], options=["ENVID=e1"], rcpt_options=["NOTIFY=FAILURE"])
            alone[address] = self.world.arrive(name, [address])[address]
        data, name = self.world.message(recipients, fields=fields)
        self.world.send(data, recipients, options=["ENVID=e1"], rcpt_options=["NOTIFY=FAILURE"])
        for address, copy in self.world.arrive(name, arrived).items():
            one = alone[address]
            expect(header(copy) == header(one), f"{address}: {header(copy)}\n  not\n{header(one)}")
            expect(copy.mail == one.mail and copy.rcpts == one.rcpts, f"{copy.mail} {copy.rcpts}, not {one.mail} {one.rcpts}")
            expect(self.world.form(copy) == self.world.form(one), f"{address}: {self.world.form(copy)}")
            expect(len(copy.fields("X-Marked")) == 1 and not copy.fields("X-Drop"), "header_checks")

    def it_whatever_main_cf_says_a_copy_is_as_an_unsplit_message(self):
        self.as_alone(["rob@free.test", "bob@sign.partner.test", "bob@both.partner.test", "alice@acme.test"],
                      ["robert@free.test", "bob@sign.partner.test", "bob@both.partner.test", "alice@acme.test"])


class Content_filter:
    """A copy goes through the scanner as any message does."""

    def __init__(self, world):
        self.world = world
        world.sink.listen("scanner", (world.net + ".15", 10025))
        world.fresh(f"content_filter = smtp:[{world.net}.15]:10025\n")

    def it_each_copy_goes_through_it(self):
        recipients = ["bob@free.test", "bob@both.partner.test", "alice@acme.test"]
        for chosen in ([recipients[0]], recipients):
            data, name = self.world.message(chosen)
            self.world.send(data, chosen)
            for recipient, delivery in self.world.arrive(name, chosen).items():
                expect(delivery.server == "scanner", f"{recipient}: past the scanner, to {delivery.server}")


class Overrides:
    """A listener for clients, as the manuals of content filters have it."""

    def __init__(self, world):
        self.world = world
        world.fresh("receive_override_options = no_header_body_checks, no_address_mappings, no_unknown_recipient_checks\n")

    def it_milter_header_checks_hold_without_header_checks(self):
        recipients = ["bob@free.test", "bob@both.partner.test"]
        data, name = self.world.message(recipients)
        self.world.send(data, recipients)
        found = self.world.arrive(name, recipients)
        expect(self.world.form(found[recipients[1]]) == "authenveloped-data signed-data", "it was not split")


class Copies:
    """What Postfix adds: bcc maps and aliases."""
    MAPS = ("always_bcc = archive@acme.test\n"
            "sender_bcc_maps = inline:{ alice@acme.test=vault@both.partner.test }\n"
            "recipient_bcc_maps = inline:{ bob@free.test=audit@acme.test }\n"
            "virtual_alias_maps = inline:{ { team@acme.test = alice@acme.test, lead@both.partner.test } ab@acme.test=x@free.test }\n")

    def __init__(self, world):
        self.world = world
        world.fresh(self.MAPS, split='copies = ( "vault@both.partner.test" ); aliases = true;')

    def form(self, found, recipient):
        return self.world.form(found[recipient])

    def it_bcc_maps_get_one_copy_under_the_rule_of_their_address(self):
        recipients = ["bob@free.test", "bob@sign.partner.test"]
        data, name = self.world.message(recipients)
        self.world.send(data, recipients)
        found = self.world.arrive(name, recipients + ["archive@acme.test", "vault@both.partner.test", "audit@acme.test"])
        expect(self.form(found, "vault@both.partner.test") == "authenveloped-data signed-data", "the copy that leaves")
        expect(self.form(found, "archive@acme.test") == self.form(found, "audit@acme.test") == "", "a copy that stays")

    def it_the_target_of_an_alias_gets_its_own_treatment(self):
        recipients = ["team@acme.test", "bob@sign.partner.test"]
        data, name = self.world.message(recipients)
        self.world.send(data, recipients)
        found = self.world.arrive(name, ["alice@acme.test", "lead@both.partner.test", "bob@sign.partner.test",
                                         "archive@acme.test", "vault@both.partner.test"])
        expect(self.form(found, "lead@both.partner.test") == "authenveloped-data signed-data", "the target")
        expect(self.form(found, "alice@acme.test") == "", "a target that stays")

    def it_a_lone_alias_is_sealed_with_split_aliases(self):
        data, name = self.world.message(["team@acme.test"])
        self.world.send(data, ["team@acme.test"])
        found = self.world.arrive(name, ["alice@acme.test", "lead@both.partner.test", "archive@acme.test", "vault@both.partner.test"])
        expect(self.form(found, "lead@both.partner.test") == "authenveloped-data signed-data", "the target")

    def it_a_target_outside_gets_at_least_the_encryption_that_was_planned(self):
        recipients = ["ab@acme.test", "bob@both.partner.test"]
        data, name = self.world.message(recipients)
        self.world.send(data, recipients)
        self.world.held(name, "x@free.test", "no certificate for x@free.test")
        self.world.discard()


class Unnamed_copies:
    def __init__(self, world):
        self.world = world
        world.fresh(Copies.MAPS)

    def it_a_copy_outside_that_split_copies_does_not_name_is_held(self):
        recipients = ["bob@free.test", "bob@sign.partner.test"]
        data, name = self.world.message(recipients)
        self.world.send(data, recipients)
        self.world.held(name, "vault@both.partner.test", "split.copies")
        expect(re.search("error: .*vault@both.partner.test", self.world.gateway.text()), "no error in the log")
        self.world.discard()


GROUPS = [Settings, Content_filter, Overrides, Copies, Unnamed_copies]
