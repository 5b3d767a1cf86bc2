# SPDX-License-Identifier: Apache-2.0
"""Cases of cases.py: OpenDKIM signs in both passes; what leaves carries one signature, which verifies."""

import os
import re
import subprocess

from world import expect, read, wait_for, write


class Dkim:
    def __init__(self, world):
        self.world = world
        self.folder = world.folder + "/dkim"
        os.makedirs(self.folder, exist_ok=True)
        subprocess.run(["opendkim-genkey", "-b", "1024", "-d", "acme.test", "-s", "s1", "-D", self.folder], check=True,
                       stderr=subprocess.DEVNULL)
        record = "".join(re.findall('"([^"]*)"', read(self.folder + "/s1.txt")))
        write(self.folder + "/public", f"s1._domainkey.acme.test {record}\n")
        common = "Syslog no\nRequireSafeKeys no\n"
        write(self.folder + "/verify.conf", common + f"Mode v\nTestPublicKeys {self.folder}/public\n")
        address = f"inet:8892@{world.address}"
        write(self.folder + "/sign.conf", common + f"Mode s\nSocket {address}\nBackground no\nDomain acme.test\nSelector s1\n"
              f"KeyFile {self.folder}/s1.private\nInternalHosts {self.folder}/hosts\nCanonicalization relaxed/simple\n")
        write(self.folder + "/hosts", f"{world.address}\n{world.client}\n127.0.0.1\n")
        with open(self.folder + "/log", "ab") as log:
            self.process = subprocess.Popen(["opendkim", "-f", "-x", self.folder + "/sign.conf"], stdout=log, stderr=log)
        wait_for(10, lambda: subprocess.run(["ss", "-Hltn", "src", f"{world.address}:8892"], capture_output=True,
                                            check=False).stdout, "opendkim does not listen")
        world.fresh(f"domsec_milters = inet:{world.gateway.address}, inet:{world.address}:8892\n")

    def close(self):
        self.process.terminate()
        self.process.wait(10)

    def expect_signed(self, delivery):
        expect(len(delivery.fields("DKIM-Signature")) == 1, f"{len(delivery.fields('DKIM-Signature'))} signatures")
        path = self.folder + "/message.eml"
        with open(path, "wb") as file:
            file.write(delivery.data)
        done = subprocess.run(["opendkim", "-vv", "-x", self.folder + "/verify.conf", "-t", path], capture_output=True, text=True,
                              check=False)
        expect("verification (s=s1, d=acme.test" in done.stdout and "succeeded" in done.stdout, done.stdout + done.stderr)

    def it_each_copy_carries_one_signature_that_verifies(self):
        recipients = ["bob@free.test", "bob@sign.partner.test", "bob@both.partner.test"]
        for chosen in ([recipients[0]], [recipients[2]], recipients):
            data, name = self.world.message(chosen)
            self.world.send(data, chosen)
            for delivery in self.world.arrive(name, chosen).values():
                self.expect_signed(delivery)

    def it_a_changed_copy_does_not_verify(self):
        data, name = self.world.message(["bob@free.test"])
        self.world.send(data, ["bob@free.test"])
        delivery = self.world.arrive(name, ["bob@free.test"])["bob@free.test"]
        delivery.data = delivery.data.replace(b"100 EUR", b"900 EUR")
        try:
            self.expect_signed(delivery)
        except Exception:
            return
        expect(False, "it verifies")


GROUPS = [Dkim]
