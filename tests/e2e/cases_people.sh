# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: a person of acme.test has a certificate of her own. It goes on what she sends, and opens what is sent to her
# alone. `openssl cms` stands for a mail program that has never heard of domains.

people_begin() {
    local dir=$RIG/acme/gateway
    openssl req -newkey rsa:2048 -nodes -keyout "$dir/keys/alice.key" -out "$RIG/alice.csr" -subj /CN=Alice 2>/dev/null &&
        printf 'subjectAltName=email:alice@acme.test\nextendedKeyUsage=emailProtection\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' \
            >"$RIG/alice.ext" &&
        openssl x509 -req -in "$RIG/alice.csr" -CA "$dir/ca/ca.pem" -CAkey "$dir/ca/ca.key" -set_serial 4711 -days 30 \
            -extfile "$RIG/alice.ext" -out "$dir/keys/alice.pem" 2>/dev/null || fail "no certificate for alice"
    chmod 600 "$dir/keys/alice.key"
    cp "$dir/domsec.conf" "$RIG/domsec.conf.before"
    sed -i 's|^identities = (|&\n  { address = "alice@acme.test"; certificate = "keys/alice.pem"; key = "file:keys/alice.key"; },|' \
        "$dir/domsec.conf"
    echo 'identity_logins = ( { login = "al"; addresses = ( "alice@acme.test" ); } );' >>"$dir/domsec.conf"
}

people_end() {
    cp "$RIG/domsec.conf.before" "$RIG/acme/gateway/domsec.conf"
    gateway_reload acme
}

# verified FILE OUT NAME: openssl verifies the outermost signature of FILE, and its certificate has this name.
verified() {
    local ca=$RIG/acme/gateway/ca/ca.pem said
    said=$(openssl cms -verify -in "$1" -CAfile "$ca" -signer "$RIG/signer.pem" -out "$2" 2>&1) || why "$said" || return
    [[ $(openssl x509 -in "$RIG/signer.pem" -noout -ext subjectAltName) == *"$3"* ]] || why "signed by another than $3"
}

# As a mail program that gets the message as it left sees it, the last signature first.
seen_by_mail_program() { # NAME...
    local at name n=0
    at=$(on_the_wire acme "$ID") || why "nothing on the wire" || return
    for name in "$@"; do
        n=$((n + 1))
        verified "$at" "$RIG/inside.$n" "$name" || return
        at=$RIG/inside.$n
    done
    grep -q "100 EUR" "$at" || why "the text is not inside"
}

sent_by_alice() {
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" -x LOGIN=al && arrives partner bob "$ID"
}

signed_as() { # SIGN_AS NAME...
    OUTBOUND="sign_as = \"$1\";" policy acme sign none
    gateway_reload acme
    sent_by_alice && seen_by_mail_program "${@:2}"
}

# The domain's signature comes off at the partner, and hers stays and holds.
hers_stays() {
    verified "$GOT" "$RIG/inside" alice@acme.test
}

not_in_her_name() { # OPTIONS...
    text_to_bob
    refused '^5[0-9][0-9] 5\.7\.' acme alice@acme.test bob@partner.test "$FILE" "$@" && not_delivered "$ID"
}

# for_alice: FILE becomes a message that bob's mail program has encrypted for alice's certificate.
for_alice() {
    next_id people
    message text "Bob <bob@partner.test>" alice@acme.test "$ID" >"$RIG/plain.eml"
    {
        sed -n -e '/^Content-/d' -e '/^MIME-/d' -e '/^\r*$/q' -e p "$RIG/plain.eml"
        printf 'Content-Type: text/plain\r\n\r\nthe price is 100 EUR\r\n' |
            openssl cms -encrypt -aes-256-cbc -binary -outform SMIME "$RIG/acme/gateway/keys/alice.pem" | sed 's/\r*$/\r/'
    } >"$FILE"
}

opened_for_her_alone() {
    for_alice
    send partner bob@partner.test alice@acme.test "$FILE" && arrives acme alice "$ID" || return
    grep -q "100 EUR" "$GOT" || why "it was not opened" || return
    for_alice
    send partner bob@partner.test alice@acme.test "$FILE" -t bob@acme.test && arrives acme bob "$ID" || return
    ! grep -q "100 EUR" "$GOT" || why "it was opened for bob, too" || return
    openssl cms -decrypt -in "$GOT" -inkey "$RIG/acme/gateway/keys/alice.key" 2>/dev/null | grep -q "100 EUR" ||
        why "it is not as it came"
}

cases_people() {
    people_begin
    policy partner none none
    gateway_reload partner
    it "sign_as = \"mailbox\": her signature is the only one" signed_as mailbox alice@acme.test
    it "… which the partner keeps" hers_stays
    it "sign_as = \"mailbox+domain\": the domain's signature around hers" signed_as mailbox+domain \
        domain-signing-authority@acme.test alice@acme.test
    it "… which comes off, and hers stays" hers_stays
    it "a login that is not hers" not_in_her_name -x LOGIN=bob
    it "a trusted network without a login" not_in_her_name
    policy acme none none
    gateway_reload acme
    it "what is encrypted for her is opened for her alone" opened_for_her_alone
    people_end
}
