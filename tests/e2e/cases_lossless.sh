# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: content that a hop changes. Between the domains is no 8BITMIME, so Postfix converts what is 8-bit.

# passes TITLE: the message on standard input arrives with a good signature, and as it was.
passes() {
    next_id lossless
    { head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "$1" && cat; } | crlf >"$FILE"
    send acme alice@acme.test bob@partner.test "$FILE" -8 && arrives_equal partner bob "$ID" "$FILE"
}

forwarded_8bit() {
    passes "Forwarded" <<'EOF'
Content-Type: multipart/mixed; boundary=b

--b

see below
--b
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

From: carol@example.test
Subject: forwarded
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

grün
--b--
EOF
}

# Postfix goes by the label.
forwarded_label() {
    passes "Forwarded" <<'EOF'
Content-Type: multipart/mixed; boundary=b

--b

see below
--b
Content-Type: message/rfc822

From: carol@example.test
Subject: forwarded
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii
Content-Transfer-Encoding: 8bit

a = b
--b--
EOF
}

report_with_8bit() {
    passes "Delivery report" <<'EOF'
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

nicht zustellbar: grün@example.test
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.test

Final-Recipient: rfc822; carol@example.test
Action: failed
Status: 5.1.1
--b
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

From: alice@acme.test
Subject: a plan
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

grün
--b--
EOF
}

forwarded_long_line() {
    local long
    long=$(printf 'x%.0s' {1..1500})
    passes "A long line" <<EOF
Content-Type: multipart/mixed; boundary=b

--b

see below
--b
Content-Type: message/rfc822

From: carol@example.test
Subject: forwarded

$long
--b--
EOF
}

folded_with_blanks() {
    next_id blanks
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "Folded"
        printf 'X-Folded: one\n \n two\nContent-Type: text/plain;\n \n charset=us-ascii\n\nbody\n'
    } | crlf >"$FILE"
    send acme alice@acme.test bob@partner.test "$FILE" && arrives partner bob "$ID" || return
    [[ $(result_of partner "$GOT") == *smime=pass* ]] || why "result: $(result_of partner "$GOT")" || return
    [ -z "$(sed '/^\r*$/q' "$GOT" | sed -n '/^[[:blank:]][[:blank:]]*\r*$/p')" ] || why "the line of blanks is still there"
}

# Other software has encrypted an entity with a binary part. FILE is the same message with that part in base64.
binary_inside() {
    local inner=$RIG/inner der=$RIG/inner.der WANT=
    next_id binary
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "Binary"
        printf 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: image/png\n'
        printf 'Content-Transfer-Encoding: base64\n\n%s\n--b--\n' "$(printf '\x89PNG\r\r\n\n\0\x1a\377\r' | base64)"
    } | crlf >"$FILE"
    {
        printf 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\nContent-Type: image/png\r\n'
        printf 'Content-Transfer-Encoding: binary\r\n\r\n\x89PNG\r\r\n\n\0\x1a\377\r\r\n--b--\r\n'
    } >"$inner"
    openssl cms -encrypt -binary -aes256 -outform DER -in "$inner" -out "$der" "$RIG/partner/gateway/keys/dca.pem" ||
        why "openssl cannot encrypt" || return
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "Binary"
        printf 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n'
        printf 'Content-Transfer-Encoding: base64\n\n'
        base64 "$der"
    } | crlf >"$RIG/encrypted.eml"
    send acme alice@acme.test bob@partner.test "$RIG/encrypted.eml" && arrives_equal partner bob "$ID" "$FILE"
}

cases_lossless() {
    local WANT=smime=pass
    org_set acme "smtp_discard_ehlo_keywords = 8bitmime"
    postfix_reload acme
    both sign sign 'null_signature = false;'
    it "no 8BITMIME: a forwarded 8-bit message" forwarded_8bit
    it "no 8BITMIME: a forwarded message that only says it is 8-bit" forwarded_label
    it "no 8BITMIME: a delivery report with an 8-bit message" report_with_8bit
    it "a forwarded message with a long line" forwarded_long_line
    it "a field folded with a line of blanks" folded_with_blanks
    both none none
    it "binary content that other software has encrypted" binary_inside
    org_set acme "smtp_discard_ehlo_keywords ="
    postfix_reload acme
    both sign+encrypt sign+encrypt
}
