# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: rules for a Subject, a header field and a kind of mail, and a policy in test mode.

# with_header EXPRESSION: a text to Bob, changed by sed.
with_header() {
    text_to_bob
    sed -i "$1" "$FILE"
}

# tagged LAYERS: "[Encrypt]" before the Subject: these layers are on the wire, and Bob gets the Subject without it.
tagged() {
    with_header 's/^Subject: /Subject: Re: [Encrypt] /'
    send acme alice@acme.test bob@partner.test "$FILE" && arrives partner bob "$ID" && has_layers "$1" || return
    ! grep -qi 'encrypt\]' "$GOT" "$(on_the_wire acme "$ID")" || why "the tag went out" || return
    grep -q '^Subject: Re: Meeting on Tuesday' "$GOT" || why "another Subject"
}

labelled() { # LAYERS
    with_header '1s/^/Sensitivity: Company-Confidential\r\n/'
    send acme alice@acme.test bob@partner.test "$FILE" && arrives_equal partner bob "$ID" "$FILE" && has_layers "$1"
}

untagged() { # LAYERS
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" && arrives_equal partner bob "$ID" "$FILE" && has_layers "$1"
}

# What lacks the signature that partner.test requires.
listed() {
    with_header '1s/^/List-Id: <l.acme.test>\r\n/'
    send partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER" && arrives partner bob "$ID" || return
    [[ $(result_of partner "$GOT") == *smime=none* ]] || why "it is not marked"
}

refused_unsigned() {
    text_to_bob
    refused '^550 5\.7\.' partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER"
}

tested() {
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" && arrives_equal partner bob "$ID" "$FILE" && has_layers "" || return
    grep -q 'test="bob@partner.test: sign+encrypt: ' "$RIG/gateway-acme.log" || why "not in the log"
}

cases_rules() {
    local s=signed-data ae=authenveloped-data WANT=smime=pass
    both sign sign 'rules = (
        { when = { subject = "[encrypt]"; }; protect = "sign+encrypt"; },
        { when = { header = "Sensitivity: company-confidential"; }; protect = "encrypt"; },
        { when = { kind = "list"; }; otherwise = "tag"; } );'
    it "rules: no rule fits" untagged "$s"
    it "rules: a tag in the Subject" tagged "$ae $s"
    it "rules: a header field adds to what the policy asks for" labelled "$ae $s"
    it "rules: an exception for mailing lists, which are marked" listed
    it "rules: no exception for others" refused_unsigned
    both sign+encrypt none 'mode = "test";'
    WANT=
    it "rules: in test mode nothing is done" tested
}
