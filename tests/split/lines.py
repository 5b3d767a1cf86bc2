# SPDX-License-Identifier: Apache-2.0
"""The lines of packaging/postfix/master.cf suffice, and each is needed. For each line there is a setting of main.cf that would
change, hold or refuse a message between the passes: with the line, a split message arrives as it does without the setting, and
without the line it does not."""

import re
import subprocess
import sys

from world import Failed, World, expect, read, shipped, wait_for, write

RECIPIENTS = ["bob@free.test", '"b o b"@free.test', "alice@acme.test", "bob@encrypt.partner.test"]
CLIENT, LISTENER, CLEANUP = "domsec-split", "smtpd", "domsec-cleanup"
# A line of master.cf, and the settings of main.cf that it undoes, NAME = VALUE; @NET@ is the network of the test. A setting that
# begins with "+" is there in all tests of the line, also where it is taken off.
SETTINGS = [
    (CLIENT, "smtp_bind_address", ["smtp_bind_address = @NET@.77"]),
    (CLIENT, "smtp_body_checks", ["smtp_body_checks = regexp:{ { /^./ REPLACE changed } }"]),
    (CLIENT, "smtp_discard_ehlo_keyword_address_maps", ["smtp_discard_ehlo_keyword_address_maps = static:dsn"]),
    (CLIENT, "smtp_discard_ehlo_keywords", ["smtp_discard_ehlo_keywords = dsn"]),
    (CLIENT, "smtp_generic_maps", ["smtp_generic_maps = inline:{ bob@free.test=x@generic.test }"]),
    (CLIENT, "smtp_header_checks", ["smtp_header_checks = regexp:{ { /^From:/ REPLACE From: changed@acme.test } }"]),
    (CLIENT, "smtp_line_length_limit", ["smtp_line_length_limit = 20"]),
    (CLIENT, "smtp_mime_header_checks", ["smtp_mime_header_checks = regexp:{ { /^Content-Type:/ IGNORE } }"]),
    (CLIENT, "smtp_never_send_ehlo", ["smtp_never_send_ehlo = yes"]),
    (CLIENT, "smtp_quote_rfc821_envelope", ["smtp_quote_rfc821_envelope = no"]),
    (CLIENT, "smtp_reply_filter", ["smtp_reply_filter = regexp:{ { /^250 2.1.5/ 450 4.0.0 changed } }"]),
    (CLIENT, "smtp_tls_policy_maps", ["smtp_tls_policy_maps = static:encrypt"]),
    (CLIENT, "smtp_tls_security_level", ["smtp_tls_security_level = encrypt"]),
    (CLIENT, "smtp_tls_wrappermode", ["smtp_tls_wrappermode = yes", "+smtp_tls_security_level = encrypt"]),
    (LISTENER, "cleanup_service_name", ["cleanup_service_name = none"]),
    (LISTENER, "local_header_rewrite_clients", ["local_header_rewrite_clients = static:all"]),
    (LISTENER, "message_size_limit", ["message_size_limit = 900"]),
    (LISTENER, "mynetworks", ["mynetworks = @NET@.12"]),
    (CLEANUP, "remote_header_rewrite_domain", ["remote_header_rewrite_domain = domain.invalid"]),
    (LISTENER, "smtpd_banner", ["smtpd_banner = **********"]),
    (LISTENER, "smtpd_client_event_limit_exceptions", ["smtpd_client_event_limit_exceptions =", "smtpd_client_message_rate_limit = 1", "smtpd_authorized_xclient_hosts ="]),
    (LISTENER, "smtpd_client_restrictions", ["smtpd_client_restrictions = reject"]),
    (LISTENER, "smtpd_command_filter", ["smtpd_command_filter = regexp:{ { /^(RCPT TO:<[^>]*>).*/ $$1 } }"]),
    (LISTENER, "smtpd_data_restrictions", ["smtpd_data_restrictions = reject"]),
    (LISTENER, "smtpd_discard_ehlo_keyword_address_maps", ["smtpd_discard_ehlo_keyword_address_maps = static:dsn"]),
    (LISTENER, "smtpd_discard_ehlo_keywords", ["smtpd_discard_ehlo_keywords = dsn"]),
    (LISTENER, "smtpd_end_of_data_restrictions", ["smtpd_end_of_data_restrictions = reject"]),
    (LISTENER, "smtpd_helo_restrictions", ["smtpd_helo_restrictions = reject"]),
    (LISTENER, "smtpd_milter_maps", ["smtpd_milter_maps = static:DISABLE"]),
    (LISTENER, "smtpd_milters", ["smtpd_milters ="]),
    (LISTENER, "smtpd_proxy_filter", ["smtpd_proxy_filter = [@NET@.78]:1"]),
    (LISTENER, "smtpd_recipient_restrictions", ["smtpd_recipient_restrictions = reject"]),
    (LISTENER, "smtpd_relay_restrictions", ["smtpd_relay_restrictions = reject"]),
    (LISTENER, "smtpd_sasl_auth_enable", ["smtpd_sasl_auth_enable = yes", "smtpd_sasl_type = none"]),
    (LISTENER, "smtpd_sender_restrictions", ["smtpd_sender_restrictions = reject"]),
    (LISTENER, "smtpd_tls_security_level", ["smtpd_tls_security_level = encrypt"]),
    (LISTENER, "smtpd_tls_wrappermode", ["smtpd_tls_wrappermode = yes", "+smtpd_tls_security_level = may"]),
    (LISTENER, "smtpd_upstream_proxy_protocol", ["smtpd_upstream_proxy_protocol = haproxy"]),
    (CLEANUP, "milter_header_checks", ["milter_header_checks = regexp:{ { /^Domsec-Split: v=1/ FILTER domsec-split:[@NET@.11]:10026 } { /^[^R]/ REDIRECT x@acme.test } }"]),
    (CLEANUP, "message_size_limit", ["message_size_limit = 900"]),
    (LISTENER, "receive_override_options", ["always_bcc = copy@acme.test"]),
    (LISTENER, "receive_override_options", ["canonical_maps = inline:{ bob@free.test=x@free.test }"]),
    (LISTENER, "receive_override_options", ["virtual_alias_maps = inline:{ bob@free.test=x@free.test }"]),
    (LISTENER, "receive_override_options", ["recipient_bcc_maps = inline:{ bob@free.test=x@free.test }"]),
    (LISTENER, "receive_override_options", ["sender_bcc_maps = static:copy@acme.test"]),
    (LISTENER, "receive_override_options", ["masquerade_domains = test"]),
    (LISTENER, "receive_override_options", ["header_checks = regexp:{ { /^From:/ REJECT } }"]),
    (LISTENER, "receive_override_options", ["body_checks = regexp:{ { /./ REJECT } }"]),
]


def with_defaults(master, settings):
    """The services of the test itself do not see the settings: they have the defaults, or what main.cf says without them."""
    names = [re.match(r"\+?(\S+)", setting).group(1) for setting in settings]
    options = []
    for name in names:
        value = DEFAULTS.get(name)
        if value is None:
            value = subprocess.run(["postconf", "-dh", name], capture_output=True, text=True, check=True).stdout.strip()
        options.append(f" -o {{ {name} = {value} }}")
    return re.sub(r"(?m)^(\S+ .*\b(smtp|smtpd|cleanup))$", lambda m: m.group(1) + "".join(options), master)


DEFAULTS = {}


def without(line):
    return lambda text: re.sub(r" -o (\{ )?" + re.escape(line) + r" ?=(?(1)[^}]*\}|\S*)", "", text)


class Lines:
    def __init__(self, world):
        self.world = world
        self.base = world.postfix.master
        for line in world.postfix.main.split("\n"):
            name, sign, value = line.partition(" = ")
            if sign:
                DEFAULTS[name] = value
        DEFAULTS["smtpd_milters"] = "$domsec_milters"
        DEFAULTS["milter_header_checks"] = re.search("milter_header_checks = (.*)", shipped("main.cf", world.address)).group(1)

    def deliver(self, settings, change, seconds):
        """What arrives where nothing is protected, without what differs from message to message."""
        world = self.world
        text = "".join(setting.lstrip("+").replace("@NET@", world.net) + "\n" for setting in settings)
        world.postfix.master = with_defaults(self.base, settings)
        world.postfix.configure(f"domsec_milters = inet:{world.gateway.address}\nnon_smtpd_milters =\nservice_throttle_time = 1s\n" + text, change=change)
        world.postfix.reload()
        data, name = world.message(RECIPIENTS[:1], fields=["X-Long: " + "long " * 30], sender="alice")
        data = data.replace(b"To: bob@free.test\r\n", b"") # nobody is named, so that the header could be completed
        wait_for(5, self.answers, "Postfix does not answer")
        said = world.submit(data, RECIPIENTS, options=["ENVID=e1"], rcpt_options=["NOTIFY=FAILURE"])
        expect(said.startswith("250"), said)
        found = world.arrive(name, RECIPIENTS, seconds)
        return sorted((r, d.mail, d.rcpts, re.sub(rb"(?m)^Received:.*\r\n([ \t].*\r\n)*|<split.*>", b"", d.data))
                      for r, d in found.items() if "partner" not in r)

    def answers(self):
        try:
            with self.world.connect() as smtp:
                return smtp.noop()[0] == 250
        except OSError:
            return False

    def clean(self):
        self.world.postfix.stop()
        self.world.postfix.empty()
        self.world.sink.deliveries.clear()


def main():
    world = World(*sys.argv[1:4])
    pattern = sys.argv[4] if len(sys.argv) > 4 else "."
    lines = Lines(world)
    failed = 0
    world.gateway.start()
    try:
        usual = lines.deliver([], lambda text: text, 10)
        for service, line, settings in SETTINGS:
            if not re.search(pattern, line):
                continue
            try:
                got = lines.deliver(settings, lambda text: text, 10)
                expect(got == usual, f"with the line: {got}\nnot {usual}")
                try:
                    got = lines.deliver(settings, without(line), 3)
                    needed = got != usual
                except Failed:
                    needed = True
                expect(needed, "the line is not needed")
                print(f"ok      {line}: {settings[0]}", flush=True)
            except Failed as failure:
                failed += 1
                print(f"FAILED  {line}: {settings[0]}: {failure}", flush=True)
            lines.clean()
    finally:
        world.close()
    return 1 if failed else 0


sys.exit(main())
