# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: what is said in a message survives, whatever it is and however it is protected.

# pass_kind KIND TYPES: one message from acme to partner; TYPES are the layers that must be on the wire, the outermost
# first.
pass_kind() {
    local from="Alice <alice@acme.test>" sender=alice@acme.test options=()
    [ "$1" = smtputf8 ] && from="Jörg <jörg@acme.test>" sender=jörg@acme.test options=(-u)
    [ "$1" = utf8 ] || [ "$1" = calendar ] && options=(-8)
    next_id "$1"
    message "$1" "$from" bob@partner.test "$ID" >"$FILE"
    send acme "$sender" bob@partner.test "$FILE" "${options[@]}" && arrives_equal partner bob "$ID" "$FILE" &&
        has_layers "$2"
}

# has_layers TYPES: of the message $ID on the wire, layers without a signer apart.
has_layers() {
    local wire types
    wire=$(on_the_wire acme "$ID") || why "not on the wire" || return
    types=$(layers partner "$wire" |
        awk -F'\t' '$2 != "plain" && $3 != "(nobody)" { printf "%s%s", gap, $2; gap = " " }')
    [ "$types" = "$1" ] || why "on the wire: $types, not $1"
}

kinds() { # TITLE TYPES
    local kind
    for kind in $KINDS; do
        it "$1: $kind" pass_kind "$kind" "$2"
    done
}

cases_policies() {
    local s=signed-data ae=authenveloped-data e=enveloped-data WANT=smime=pass
    both sign sign
    kinds "sign, clear" "$s"
    both sign sign 'format = "opaque"; digest = "sha384"; null_signature = false;'
    kinds "sign, opaque, SHA-384" "$s"
    both sign+encrypt sign+encrypt
    kinds "sign+encrypt" "$ae $s"
    both sign+encrypt sign+encrypt 'format = "opaque"; signature = "rsa-pkcs1"; digest = "sha512";
        cipher = "aes-128-cbc"; key_transport = "rsa-pkcs1";'
    kinds "sign+encrypt, AES-128-CBC, PKCS #1" "$e $s"
    both triple sign+encrypt 'cipher = "aes-128-gcm";'
    kinds "triple" "$s $ae $s"
    both triple sign+encrypt 'cipher = "aes-256-cbc"; format = "opaque";'
    kinds "triple, opaque, AES-256-CBC" "$s $e $s"
    both opportunistic sign
    it "opportunistic, and there is a certificate" pass_kind text "$ae $s"
    sed -i '/^certificates/d' "$RIG/acme/gateway/policy.d/partner.test.conf"
    gateway_reload acme
    it "opportunistic, and there is none" pass_kind text "$s"
    WANT=
    both encrypt encrypt
    kinds "encrypt" "$ae"

    WANT=smime=pass
    rekey p256
    both sign sign
    kinds "EC, sign" "$s"
    both sign+encrypt sign+encrypt
    kinds "EC, sign+encrypt" "$ae $s"
    both triple sign+encrypt 'cipher = "aes-256-cbc"; digest = "sha512";'
    kinds "EC, triple, AES-256-CBC, SHA-512" "$s $e $s"
    rekey rsa2048
}

# pass_hidden KIND TYPES: pass_kind, and the Subject is not on the wire.
pass_hidden() {
    local wire
    pass_kind "$@" || return
    wire=$(on_the_wire acme "$ID")
    grep -q $'^Subject: \[\.\.\.\]\r*$' "$wire" || why "the Subject is on the wire" || return
    [ "$(grep -c '^Subject:' "$wire")" = 1 ] || why "the wire has several Subjects"
}

# What an observer must not see comes back at the other end, octet by octet.
cases_protection() {
    local s=signed-data ae=authenveloped-data kind WANT=smime=pass
    OUTBOUND='header_protection = "sign";' both sign+encrypt sign+encrypt
    kinds "header protection, sign" "$ae $s"
    OUTBOUND='header_protection = "sign";' both sign sign
    kinds "header protection, sign, not encrypted" "$s"
    OUTBOUND='header_protection = "baseline";' both triple sign+encrypt
    for kind in $KINDS; do
        it "header protection, baseline: $kind" pass_hidden "$kind" "$s $ae $s"
    done
    OUTBOUND='header_protection = "baseline";' both sign+encrypt sign+encrypt 'format = "opaque"; cipher = "aes-256-cbc";'
    for kind in $KINDS; do
        it "header protection, baseline, AES-256-CBC: $kind" pass_hidden "$kind" "enveloped-data $s"
    done
    both sign+encrypt sign+encrypt
}

# rekey ALGORITHM: new keys and authorities in both domains, in force with the next reload.
rekey() {
    local org
    for org in acme partner; do
        "$BUILD/domsec" init --domain "${ORG_DOMAIN[$org]}" --algorithm "$1" "$RIG/$org/$1" \
            >>"$RIG/gateway-$org.log" 2>&1 || fail "domsec init --algorithm $1"
        cp -r "$RIG/$org/$1"/{keys,ca} "$RIG/$org/gateway/"
    done
    gateway_know acme partner
    gateway_know partner acme
}

# A message of type TYPE whose body is standard input as it is.
plain_message() { # TYPE ENCODING
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "A body that a hop may change"
        [ -z "$1" ] || printf 'Content-Type: %s\n' "$1"
        [ -z "$2" ] || printf 'Content-Transfer-Encoding: %s\n' "$2"
        echo
    } | crlf
    cat
}

# pass_body TYPE ENCODING BODY [mail_compare's option]: BODY in printf's notation, sent as it is.
pass_body() {
    next_id body
    printf -- "$3" | plain_message "$1" "$2" >"$FILE"
    send acme alice@acme.test bob@partner.test "$FILE" && arrives_equal partner bob "$ID" "$FILE" "${@:4}"
}

bodies() { # TITLE
    local WANT=smime=pass text='text/plain; charset=us-ascii' utf8='text/plain; charset=utf-8' long
    long=$(printf 'x%.0s' {1..5000})
    it "$1: trailing spaces and tabs" pass_body "$text" "" 'one   \r\ntwo\t \r\n \r\n'
    it "$1: lone dots" pass_body "$text" "" '.\r\n..\r\n.x\r\nend\r\n.\r\n'
    it "$1: From lines" pass_body "$text" "" 'From here\r\n>From there\r\n\r\nFrom the end\r\n'
    it "$1: a line of 5000 octets" pass_body "$text" "" "$long\\r\\nend\\r\\n"
    it "$1: bare CR" pass_body "$text" "" 'one\rtwo\r\n\rthree\r\n'
    it "$1: bare LF" pass_body "$text" "" 'one\ntwo\n\nthree\r\n'
    it "$1: NUL" pass_body "$text" "" 'one\000two\r\n'
    it "$1: empty lines at the end" pass_body "$text" "" 'one\r\n\r\n\r\n\r\n'
    it "$1: no MIME header" pass_body "" "" 'hello\r\n'
    it "$1: 8-bit without 8BITMIME" pass_body "$utf8" 8bit 'gr\303\274n\r\n'
    it "$1: 8-bit without a charset" pass_body "" "" 'gr\303\274n \377\r\n'
    it "$1: quoted-printable with trailing spaces" pass_body "$utf8" quoted-printable \
        'gr=C3=BCn=20\r\nsoft  =\r\nend \r\n'
    it "$1: unknown text charset" pass_body 'text/plain; charset=x-klingon' 8bit '\001\200\377\r\n'
    it "$1: a boundary in the text" pass_body "$text" "" '--outer\r\n--\r\n--outer--\r\n'
}

missing_newline() {
    next_id newline
    printf 'no line end' | plain_message text/plain "" >"$FILE"
    send acme alice@acme.test bob@partner.test "$FILE" -c 4096 && arrives_equal partner bob "$ID" "$FILE" -n
}

# A tree in which a hop has much to spoil: parts in parts, a forwarded message, an empty part, preamble and epilogue.
pass_tree() {
    next_id tree
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "Parts in parts"
        cat <<'EOF'
Content-Type: multipart/mixed; boundary="a b"

preamble, not shown  
--a b
Content-Type: multipart/alternative; boundary=x

--x

implicit text, with a space at its end 
--x
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: 8bit

<p>grün</p>
--x--
epilogue
--a b
Content-Type: message/rfc822

From: carol@example.test
Subject: forwarded
X-Space:  two
Content-Type: text/plain; charset=us-ascii

inner text
--a b
Content-Type: application/octet-stream; name*=utf-8''gr%C3%BCn.bin
Content-Disposition: attachment; filename*0="a very long "; filename*1="name.bin"
Content-Transfer-Encoding: base64

AAECAwQFBgcICQoLDA0ODw==
--a b
Content-Type: text/plain


--a b--
epilogue of the whole
EOF
    } | crlf >"$FILE"
    send acme alice@acme.test bob@partner.test "$FILE" -8 && arrives_equal partner bob "$ID" "$FILE"
}

cases_bodies() {
    local WANT=smime=pass
    both sign sign
    bodies "sign, clear"
    it "sign, clear: parts in parts" pass_tree
    both sign sign 'null_signature = false;'
    bodies "sign, clear, no empty layer"
    it "sign, clear, no empty layer: parts in parts" pass_tree
    it "sign, clear, no empty layer: no final line end" missing_newline
    both sign+encrypt sign+encrypt
    bodies "sign+encrypt"
    it "sign+encrypt: parts in parts" pass_tree
    it "sign+encrypt: no final line end" missing_newline
}

headers() { # [FOLD]: in the field To
    next_id headers
    {
        printf 'From: "Alice, of Acme" <alice@acme.test>\nX-None:none\nX-Two:  two\nX-Tab:\ttab\nX-Empty:\nX-Blank: \n'
        printf 'X-Fold: one\n  two\n\tthree\nX-Twice: 1\n'
        printf 'To: bob@partner.test,%s "Bob" <bob@partner.test>\nX-Twice: 2\n' "${1-$'\n '}"
        printf 'Subject:\n =?utf-8?b?R3LDvMOfZQ==?=\n =?utf-8?q?_again?=\nx-lower: case\nX-Trailing: space \n'
        printf 'Date: Mon, 02 Mar 2026 09:30:00 +0100\nMessage-ID: <%s>\nList-Id: a list\n <list.acme.test>\n' "$ID"
        printf 'Comments: %s\n' "$(printf 'word%d ' {1..120})"
        printf 'MIME-Version: 1.0\nContent-Type: text/plain;\n\tcharset="us-ascii"\n\nbody\n'
    } | crlf >"$FILE"
    send acme alice@acme.test bob@partner.test "$FILE" && arrives_equal partner bob "$ID" "$FILE"
}

cases_headers() {
    local WANT=smime=pass
    both sign sign
    it "header fields as they were: sign" headers
    both triple sign+encrypt
    it "header fields as they were: triple" headers
}
