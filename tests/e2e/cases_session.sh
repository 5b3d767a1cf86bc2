# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: the ways a message reaches the gateway, who may be signed for, and what the recipient is told.

text_to_bob() {
    next_id session
    message text "Alice <alice@acme.test>" bob@partner.test "$ID" >"$FILE"
}

# sent_with OPTIONS...: a text message, handed over in that way.
sent_with() {
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" "$@" && arrives_equal partner bob "$ID" "$FILE"
}

several_at_once() {
    local ids=() files=() i
    for i in 1 2 3 4 5; do
        text_to_bob
        ids+=("$ID") files+=("$FILE")
    done
    send acme alice@acme.test bob@partner.test "${files[0]}" "$@" "${files[@]:1}" || return
    for i in 0 1 2 3 4; do
        arrives_equal partner bob "${ids[i]}" "${files[i]}" || return
    done
}

after_abort() {
    text_to_bob
    submit acme alice@acme.test bob@partner.test "$FILE" -A >/dev/null
    local aborted=$ID
    sent_with && not_delivered "$aborted"
}

cases_session() {
    local WANT=smime=pass size
    both sign+encrypt sign+encrypt
    it "five messages over one connection" several_at_once
    it "RSET in the middle of each of five messages" several_at_once -r
    it "a connection dropped in the middle of a message" after_abort
    for size in 1 100 1000000; do
        it "BDAT in chunks of $size" sent_with -c "$size"
    done
    it "several recipients" to_three
}

# One message, three recipients that are treated alike: one copy each, all equal.
to_three() {
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" -t alice@partner.test -t carol@partner.test || return
    local mailbox
    for mailbox in bob alice others; do
        arrives_equal partner "$mailbox" "$ID" "$FILE" || return
    done
}

# What `domsec check` says of this Postfix: STATUS PATTERN
wired() {
    local said status
    said=$("$BUILD/domsec" check -c "$RIG/acme/gateway/domsec.conf" --postfix "$RIG/acme/etc" 2>&1)
    status=$?
    [ "$status" = "$1" ] && grep -qE -e "$2" <<<"$said" || why "$status: $said"
}

may_write() { # ACCOUNT FILE
    setpriv --reuid="$1" --regid="$1" --clear-groups test -w "$2"
}

# The acme.test gateway on a unix socket below Postfix's queue directory, as a user of its own, with smtpd and cleanup in
# a chroot, as on Debian.
on_unix_socket() {
    local dir=$RIG/acme/gateway path=$RIG/acme/queue/domsec/milter
    "$here/../../packaging/socket-folder" "${path%/*}" nobody
    cp "$dir/domsec.conf" "$RIG/acme/saved.conf"
    chown -R nobody "$dir/keys" "$RIG/acme/spool" "$RIG/acme/state"
    sed -i "s|^listen = .*|listen = \"local:$path\"; user = \"nobody\";|" "$dir/domsec.conf"
    gateway_stop acme || return
    spawn gateway-acme "$BUILD/domsec-milter" -c "$dir/domsec.conf" -f
    wait_for 5 test -S "$path" || why "no socket" || return
    [ "$(stat -c '%a %U %G' "$path")" = "660 nobody postfix" ] || why "$(stat -c '%a %U %G' "$path")" || return
    may_write postfix "$path" || why "closed to Postfix" || return
    ! may_write daemon "$path" || why "open to others" || return
    cp "$RIG/acme/etc/master.cf" "$RIG/acme/saved.cf"
    sed -i -E 's/^(\S+ +(inet|unix) +n +- +)n( .* (smtpd|cleanup))$/\1y\3/' "$RIG/acme/etc/master.cf"
    [ "$(grep -c ' n - y ' "$RIG/acme/etc/master.cf")" = 2 ] || why "no chroot" || return
    org_set acme "smtpd_milters = unix:domsec/milter"
    postfix_reload acme
    sleep 0.5
    [ "$(stat -c %u "/proc/${PIDS[gateway-acme]}")" = "$(id -u nobody)" ] || why "still runs as root" || return
    wired 0 "configuration is good" || return
    chmod 2700 "${path%/*}"
    wired 1 "the account postfix cannot connect to $path: Permission denied" || return
    chmod 2710 "${path%/*}"
    several_at_once
}

back_on_inet() {
    gateway_stop acme
    cp "$RIG/acme/saved.conf" "$RIG/acme/gateway/domsec.conf"
    cp "$RIG/acme/saved.cf" "$RIG/acme/etc/master.cf"
    chown -R root "$RIG/acme/gateway/keys"
    org_set acme "smtpd_milters = inet:${ORG_IP[acme]}:10891"
    gateway_start acme
    postfix_reload acme
    sleep 0.5
}

cases_socket() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    it "unix socket, user of its own, smtpd in a chroot" on_unix_socket
    back_on_inet
}

sendmail_local() { # OPTIONS...
    text_to_bob
    tr -d '\r' <"$FILE" | /usr/sbin/sendmail -C "$RIG/acme/etc" -f alice@acme.test "$@" ||
        why "sendmail fails" || return
    arrives_equal partner bob "$ID" "$FILE" && has_layers "authenveloped-data signed-data"
}

wired_badly() { # "NAME = VALUE" PATTERN
    local status
    org_set acme "$1"
    wired 1 "$2"
    status=$?
    postconf -c "$RIG/acme/etc" -X "${1%% *}"
    org_set acme "${@:3}"
    return "$status"
}

cases_submission() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    it "check --postfix finds Postfix wired" wired 0 'internal_mail_filter_classes lacks "bounce"'
    it "check --postfix: mail would leave unprotected" wired_badly "milter_default_action = accept" \
        'main.cf: milter_default_action is "accept" for .*/inet: ' "milter_default_action = tempfail"
    it "check --postfix: the gateway is not called" wired_badly "smtpd_milters = inet:${ORG_IP[acme]}:1" \
        'main.cf: no smtpd calls the gateway' "smtpd_milters = inet:${ORG_IP[acme]}:10891"
    it "sendmail(1), through non_smtpd_milters" sendmail_local -i bob@partner.test
    it "sendmail -t" sendmail_local -i -t
}

# As what client, and from whom: 5xx, nothing delivered, and nothing on the wire.
not_signed_for() { # BIND FROM-HEADER [OPTIONS]
    next_id forged
    message text "$2" bob@partner.test "$ID" | sed '/^From: \r$/d' >"$FILE"
    refused '^5[0-9][0-9] 5\.7\.' acme alice@acme.test bob@partner.test "$FILE" -b "$1" "${@:3}" &&
        not_delivered "$ID" || return
    [ -z "$(on_the_wire acme "$ID")" ] || why "it left"
}

authenticated() { # BIND
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" -b "$1" -x LOGIN=alice && arrives_equal partner bob "$ID" "$FILE"
}

cases_originator() {
    local WANT=smime=pass may_relay=${ORG_CLIENT[acme]%?}9
    both sign sign
    it "a client that is neither trusted nor authenticated" not_signed_for "$may_relay" "Alice <alice@acme.test>"
    it "a From that is not ours" not_signed_for "${ORG_CLIENT[acme]}" "Mallory <mallory@example.test>"
    it "two From addresses, one not ours" not_signed_for "${ORG_CLIENT[acme]}" "alice@acme.test, mallory@example.test"
    it "no From" not_signed_for "${ORG_CLIENT[acme]}" ""
    it "an authenticated client" authenticated "$may_relay"
}

# One recipient for whom there is a certificate, one for whom there is none, where both are to be encrypted for.
mixed_refused() {
    text_to_bob
    refused '^5[0-9][0-9] 5\..*carol@third\.test' acme alice@acme.test bob@partner.test "$FILE" -t carol@third.test &&
        not_delivered "$ID" || return
    [ -z "$(on_the_wire acme "$ID")" ] || why "it left"
}

# One recipient abroad, one at home: whatever is done for both, nothing of it is readable on the way.
home_and_abroad() {
    text_to_bob
    local said
    said=$(submit acme alice@acme.test bob@partner.test "$FILE" -t bob@acme.test)
    case $said in
    250*)
        arrives_equal partner bob "$ID" "$FILE" && has_layers "authenveloped-data signed-data" || return
        arrives acme bob "$ID" || return
        ;;
    [45][0-9][0-9]\ [45].*bob@acme.test* | [45][0-9][0-9]\ [45].*bob@partner.test*) not_delivered "$ID" || return ;;
    *) why "answered $said" || return ;;
    esac
    local wire
    ! wire=$(on_the_wire acme "$ID") || ! grep -q "100 EUR" "$wire" || why "readable on the way"
}

# More recipients than the gateway takes: refused for good, or they would all come again for ever.
too_many() {
    local conf=$RIG/acme/gateway/domsec.conf status
    cp "$conf" "$RIG/acme/saved.conf"
    echo "recipients_limit = 2;" >>"$conf"
    gateway_reload acme
    text_to_bob
    refused '^550 5\.5\.3 .*recipients_limit' acme alice@acme.test bob@partner.test "$FILE" -t a@partner.test \
        -t b@partner.test && not_delivered "$ID"
    status=$?
    cp "$RIG/acme/saved.conf" "$conf"
    gateway_reload acme
    [ "$status" = 0 ] && sent_with
}

cases_recipients() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    echo 'outbound = { protect = "encrypt"; no_certificate = "reject"; };' >"$RIG/acme/gateway/policy.d/default.conf"
    gateway_reload acme
    it "more recipients than recipients_limit" too_many
    it "a recipient without a certificate is named" mixed_refused
    it "one recipient at home, one abroad" home_and_abroad
    rm "$RIG/acme/gateway/policy.d/default.conf"
    gateway_reload acme
}

# Fields that claim to be partner.test's own result go, whatever they look like; another server's stays.
forged_results() {
    next_id results
    {
        printf 'Authentication-Results: partner.test; smime=pass body.smime-identifier=forged@acme.test\r\n'
        printf 'authentication-RESULTS:PARTNER.test; smime=pass (forged)\r\n'
        printf 'Authentication-Results: (forged) partner.test 1; smime=pass\r\n'
        printf 'Authentication-Results:\r\n (forged;)\r\n\tpartner.test\r\n ; smime=pass\r\n'
        printf 'Authentication-Results: "partner.test"; smime=pass (forged)\r\n'
        printf 'Authentication-Results: other.test; spf=pass (kept)\r\n'
        message "$1" "Alice <alice@acme.test>" bob@partner.test "$ID"
    } >"$FILE"
    submit partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER" >/dev/null || why "not accepted" || return
    arrives partner bob "$ID" || return
    ! sed '/^$/q' "$GOT" | grep -q 'forged' || why "one is left" || return
    sed '/^$/q' "$GOT" | grep -q 'kept' || why "another server's is gone"
}

# A protected message gets the result as the first field of its kind, once.
one_result() {
    sent_with || return
    [ "$(sed '/^$/q' "$GOT" | grep -ci '^Authentication-Results: *partner.test')" = 1 ] ||
        why "not exactly one result" || return
    [[ $(result_of partner "$GOT") == *domain-signing-authority@acme.test* ]] || why "the signer is not named"
}

# A partner's message under another From than the signature's domain: marked, never passed.
other_from() {
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" && arrives partner bob "$ID" || return
    local wire copy=$RIG/sent/other.$SERIAL.eml
    wire=$(on_the_wire acme "$ID")
    next_id other
    sed -e 's/^From: .*/From: The Boss <boss@example.test>\r/' -e "s/^Message-ID: .*/Message-ID: <$ID>\r/" \
        "$wire" >"$copy"
    submit partner boss@example.test bob@partner.test "$copy" -b "$STRANGER" >/dev/null || return 0
    arrives partner bob "$ID" || return
    [[ $(result_of partner "$GOT") != *smime=pass* ]] || why "passed for another domain"
}

# Marked in its place, by the daemon as by domsec filter; of several one is left.
subject_marked() { # the Subject lines that are sent
    next_id subject
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" x | sed "s/^Subject: x/$1/"
        printf 'Content-Type: text/plain\n\nbody\n'
    } | crlf >"$FILE"
    submit partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER" >/dev/null || why "not accepted" || return
    arrives partner bob "$ID" || return
    local got
    got=$("$BUILD/domsec" filter -c "$RIG/partner/gateway/domsec.conf" --direction inbound --client "$STRANGER" <"$FILE" |
        tr -d '\r' | sed -n '/^To:/,/^Date:/p')
    [ "$got" = "$(tr -d '\r' <"$GOT" | sed -n '/^To:/,/^Date:/p')" ] || why "domsec filter says: $got" || return
    [ "$(sed '/^\r*$/q' "$GOT" | grep -ci '^subject *:')" = 1 ] || why "not one Subject" || return
    [[ $got == *$'\nSubject: [?] pay the bill\n'* || $got == *'[?] =?'* ]] || why "not marked: $got"
}

cases_results() {
    local WANT=smime=pass
    OTHERWISE=tag both sign sign
    it "forged results are removed" forged_results text
    it "a message gets one result that names the signer" one_result
    it "a domain's signature under another From does not pass" other_from
    INBOUND='subject_unverified = "[?]";' OTHERWISE=tag both sign sign
    it "a Subject is marked where it stands" subject_marked 'Subject: pay the bill'
    it "of several Subjects one is left" subject_marked 'Subject: pay the bill\nSUBJECT: [ok] the bill'
    it "a folded Subject is marked" subject_marked 'Subject:\n =?utf-8?q?gr=C3=BCne?=\n =?utf-8?q?_Rechnungen_und_noch_viel_mehr?= und mehr als eine Zeile'
}

# An unsigned message from acme where partner requires a signature: on hold with all its bytes, delivered when released.
on_hold() {
    text_to_bob
    submit partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER" >/dev/null || why "not accepted" || return
    wait_for 5 held 1 || why "not in the hold queue" || return
    not_delivered "$ID" || return
    postsuper -c "$RIG/partner/etc" -H ALL 2>/dev/null
    postqueue -c "$RIG/partner/etc" -f
    arrives_equal partner bob "$ID" "$FILE"
}

held() {
    [ "$(find "$RIG/partner/queue/hold" -type f | wc -l)" = "$1" ]
}

cases_quarantine() {
    local WANT=
    OTHERWISE=quarantine both sign sign
    it "quarantine puts a message on hold" on_hold
    WANT=smime=pass
    it "and lets a good one through" sent_with
}

# refused_by_partner MAKER: what the SMTP client hears names the reason, with an enhanced status code.
refused_by_partner() {
    text_to_bob
    refused '^550 5\.7\.[0-9]+ .*[a-z]{4}' partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER" &&
        not_delivered "$ID"
}

tampered_refused() { # HOW
    text_to_bob
    printf '%s\n' "$1" >"$RIG/acme/wire/tamper"
    send acme alice@acme.test bob@partner.test "$FILE" || return
    wait_for 10 answer_to acme "$ID" >/dev/null
    [[ $(answer_to acme "$ID") =~ ^5[0-9][0-9]\ 5\.[67]\. ]] || why "answered \"$(answer_to acme "$ID")\"" || return
    not_at_bob "$ID"
}

# Text after the last boundary belongs to no part (RFC 2046, 5.1.1) and is under no signature.
footer() {
    local WANT=smime=pass
    echo "footer Sent by a mailing list" >"$RIG/acme/wire/tamper"
    sent_with
}

not_at_bob() {
    [ -z "$(with_id "$1" "$RIG"/partner/mail/bob/new/*)" ] || why "delivered to Bob"
}

# Where policy delivers all the same, the result says what is wrong, and it is not "pass".
tampered_marked() { # HOW
    text_to_bob
    printf '%s\n' "$1" >"$RIG/acme/wire/tamper"
    send acme alice@acme.test bob@partner.test "$FILE" && arrives partner bob "$ID" || return
    [[ $(result_of partner "$GOT") =~ smime=(fail|permerror|policy|none|neutral) ]] ||
        why "result: $(result_of partner "$GOT")"
}

cases_refusal() {
    both sign sign 'null_signature = false;'
    it "an unsigned message where a signature is required" refused_by_partner
    it "signed text altered on the way is refused" tampered_refused "replace 100 EUR|900 EUR"
    it "a footer after a signed message's end is not delivered" footer
    both sign+encrypt sign+encrypt
    it "an unencrypted message where encryption is required" refused_by_partner
    it "ciphertext altered on the way is refused" tampered_refused "flip 60"
    OTHERWISE=tag both sign sign 'null_signature = false;'
    it "signed text altered on the way is marked" tampered_marked "replace 100 EUR|900 EUR"
    OTHERWISE=tag both sign+encrypt sign+encrypt
    it "ciphertext altered on the way is marked" tampered_marked "flip 60"
    it "and is delivered as it came" as_it_came
    OTHERWISE=tag both none none
    it "so is what a changed padding does not let us decrypt" changed_as_it_came
    INBOUND='malleable = "refuse";' both none none
    it "and what the rule refuses to decrypt" changed_as_it_came
}

# Encrypted to somebody else: delivered byte for byte, marked.
as_it_came() {
    next_id foreign
    local key=$RIG/sent/foreign
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=foreign -keyout "$key.key" -out "$key.pem" -days 2 2>/dev/null
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "Not for this gateway" | grep -v '^MIME-Version' | crlf
        printf 'Content-Type: text/plain\r\n\r\nsecret\r\n' | openssl cms -encrypt -aes256 -binary "$key.pem" |
            sed 's/\r*$/\r/'
    } >"$FILE"
    submit partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER" >/dev/null || why "not accepted" || return
    arrives_equal partner bob "$ID" "$FILE" || return
    [[ $(result_of partner "$GOT") != *smime=pass* ]] || why "passed"
}

# Encrypted to us in CBC mode, with another length of the padding: the gateway replaces header and body by themselves.
changed_as_it_came() {
    next_id changed
    local der=$RIG/sent/changed.der at octet
    printf 'Content-Type: text/plain\r\n\r\nsecret\r\n' |
        openssl cms -encrypt -aes256 -binary -outform DER -out "$der" "$RIG/partner/gateway/keys/dca.pem"
    at=$(($(wc -c <"$der") - 17))
    octet=$(od -An -tu1 -j "$at" -N 1 "$der")
    printf "\\x$(printf %02x $((octet ^ 128)))" | dd of="$der" bs=1 seek="$at" conv=notrunc status=none
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "Changed" | crlf
        printf 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n\t name="smime.p7m"\r\n'
        printf 'Content-Description:  two  blanks\r\nContent-Empty:\r\n'
        printf 'Content-Transfer-Encoding: base64\r\nContent-Disposition:attachment\r\n\r\n'
        base64 -w 64 "$der" | crlf
    } >"$FILE"
    submit partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER" >/dev/null || why "not accepted" || return
    arrives_equal partner bob "$ID" "$FILE" || return
    [[ $(result_of partner "$GOT") == *smime=none* ]] || why "result: $(result_of partner "$GOT")"
}

# broken CONTENT-TYPE BODY: whatever becomes of it, the answer is clean, nothing passes, and the gateway goes on.
broken() {
    next_id broken
    {
        head_of "Alice <alice@acme.test>" bob@partner.test "$ID" "Broken" | crlf
        printf 'Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n' "$1" "$2"
        cat
    } >"$FILE"
    local said
    said=$(submit partner alice@acme.test bob@partner.test "$FILE" -b "$STRANGER")
    gateway_alive partner || why "the gateway ended" || return
    case $said in
    250*)
        arrives partner bob "$ID" || return
        [[ $(result_of partner "$GOT") != *smime=pass* ]] || why "passed"
        ;;
    5[0-9][0-9]\ 5.*) not_delivered "$ID" ;;
    *) why "answered $said" ;;
    esac
}

nested() { # DEPTH
    local i
    for ((i = 0; i < $1; i++)); do
        printf -- '--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n' "$i" $((i + 1))
    done
}

cases_broken() {
    OTHERWISE=tag both sign+encrypt sign+encrypt
    it "truncated base64" broken 'application/pkcs7-mime; smime-type=enveloped-data' base64 <<<'MIIB'
    it "no CMS at all" broken 'application/pkcs7-mime; smime-type=signed-data' base64 <<<'aGVsbG8gd29ybGQK'
    it "an absurd ASN.1 length" broken 'application/pkcs7-mime; smime-type=authenveloped-data' base64 \
        <<<'MIR/////BgsqhkiG9w0BCRABFw=='
    it "an empty CMS" broken 'application/pkcs7-mime' base64 </dev/null
    it "multipart/signed with one part" broken \
        'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=b' 7bit \
        <<<$'--b\r\n\r\nhello\r\n--b--\r'
    it "multipart/signed without a boundary" broken 'multipart/signed; protocol="application/pkcs7-signature"' 7bit \
        <<<hello
    it "an unknown transfer encoding" broken 'application/pkcs7-mime; smime-type=signed-data' x-rot13 <<<hello
    it "a nesting bomb" broken 'multipart/mixed; boundary=b0' 7bit < <(nested 2000)
    it "a hundred thousand parts" broken 'multipart/mixed; boundary=b' 7bit \
        < <(yes -- $'--b\r\n\r\nx\r' | head -n 100000)
}
