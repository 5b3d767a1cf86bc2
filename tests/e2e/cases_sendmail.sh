# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run_sendmail: what those of ./run ask of Postfix, asked of Sendmail, and what Sendmail does in its own way.

# from_partner KIND: the other way, into Sendmail.
from_partner() {
    local options=()
    [ "$1" = utf8 ] || [ "$1" = calendar ] && options=(-8)
    next_id "$1"
    message "$1" "Bob <bob@partner.test>" alice@acme.test "$ID" >"$FILE"
    send partner bob@partner.test alice@acme.test "$FILE" "${options[@]}" && arrives_equal acme alice "$ID" "$FILE"
}

# Sendmail offers no SMTPUTF8.
both_ways() { # TITLE TYPES
    local KINDS=${KINDS/smtputf8 /} kind
    kinds "$1" "$2"
    for kind in $KINDS; do
        it "$1, into Sendmail: $kind" from_partner "$kind"
    done
}

cases_sendmail_mail() {
    local WANT=smime=pass s=signed-data ae=authenveloped-data e=enveloped-data
    both sign sign
    both_ways "sign, clear" "$s"
    both triple sign+encrypt 'format = "opaque"; cipher = "aes-256-cbc";'
    KINDS="text pdf" both_ways "triple, opaque, AES-256-CBC" "$s $e $s"
    both sign+encrypt sign+encrypt
    both_ways "sign+encrypt" "$ae $s"
    it "3 MB, beyond memory_limit" large 3000000
    # Sendmail unfolds fields of addresses.
    it "header fields as they were" headers ""
    it "two messages over one connection, and RSET in each" several_at_once -r
    it "a connection dropped in the middle of a message" after_abort
}

# What Debian's Sendmail refuses by itself is not here: a bare CR, a bare LF, NUL.
cases_sendmail_bodies() {
    local WANT=smime=pass text='text/plain; charset=us-ascii' long
    long=$(printf 'x%.0s' {1..5000})
    both sign sign
    it "trailing spaces and tabs" pass_body "$text" "" 'one   \r\ntwo\t \r\n \r\n'
    it "lone dots" pass_body "$text" "" '.\r\n..\r\n.x\r\nend\r\n.\r\n'
    it "From lines" pass_body "$text" "" 'From here\r\n>From there\r\n\r\nFrom the end\r\n'
    it "a line of 5000 octets" pass_body "$text" "" "$long\\r\\nend\\r\\n"
    it "empty lines at the end" pass_body "$text" "" 'one\r\n\r\n\r\n\r\n'
    it "8-bit without 8BITMIME" pass_body 'text/plain; charset=utf-8' 8bit 'gr\303\274n\r\n'
    it "8-bit without a charset" pass_body "" "" 'gr\303\274n \377\r\n'
    it "parts in parts" pass_tree
}

# The answer of the server and the gateway's log name the message alike. Sendmail gives its queue ID with the sender only.
queue_id_logged() {
    local said
    text_to_bob
    said=$(submit acme alice@acme.test bob@partner.test "$FILE") || why "not accepted: $said" || return
    [[ $said =~ ^250\ 2\.0\.0\ ([A-Za-z0-9]+)\ Message ]] || why "answered \"$said\"" || return
    grep -q ": ${BASH_REMATCH[1]}: direction=outbound .*message_id=\"<$ID>\"" "$RIG/gateway-acme.log" || why "not in the log"
}

no_line_without_id() {
    ! grep -F NOQUEUE "$RIG/gateway-acme.log" >/dev/null || why "$(grep -m 1 -F NOQUEUE "$RIG/gateway-acme.log")"
}

cases_sendmail_originator() {
    local WANT=smime=pass may_relay=${ORG_CLIENT[acme]%?}9
    both sign sign
    it "a client that is neither trusted nor authenticated" not_signed_for "$may_relay" "Alice <alice@acme.test>"
    it "a From that is not ours" not_signed_for "${ORG_CLIENT[acme]}" "Mallory <mallory@example.test>"
    it "a client that has logged in" sent_with -b "$STRANGER" -a alice:secret
    it "a login does not last longer than its connection" not_signed_for "$may_relay" "Alice <alice@acme.test>"
    it "the log names the queue ID" queue_id_logged
}

# to_home_and_abroad PATTERN: a message to a colleague, and to Bob, for whom it must be encrypted, is answered with it.
to_home_and_abroad() {
    text_to_bob
    refused "$1" acme alice@acme.test bob@partner.test "$FILE" -t bob@acme.test && not_delivered "$ID" || return
    [ -z "$(on_the_wire acme "$ID")" ] || why "it left"
}

# mixed HOW PATTERN: the same with mixed_recipients = HOW.
mixed() {
    local conf=$RIG/acme/gateway/domsec.conf status
    cp "$conf" "$RIG/acme/saved.conf"
    sed -i '/^mixed_recipients/d' "$conf"
    echo "mixed_recipients = \"$1\";" >>"$conf"
    gateway_reload acme
    to_home_and_abroad "$2"
    status=$?
    cp "$RIG/acme/saved.conf" "$conf"
    gateway_reload acme
    return "$status"
}

only_postfix_splits() {
    mixed split '^4[0-9][0-9] 4\.' || return
    grep -qF 'only Postfix can split a message, and the mail server says that it is 8.' "$RIG/gateway-acme.log" ||
        why "the log does not say why"
}

cases_sendmail_recipients() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    it "several recipients that are treated alike" to_three
    it "split: deferred, and the log says why" only_postfix_splits
    it "reject: the reply names the recipient" mixed reject '^550 5\..*bob@'
    it "tempfail: the reply names the recipient" mixed tempfail '^4[0-9][0-9] 4\..*bob@'
}

# From outside, to Alice: as partner.test's users, but not through partner.test.
forged_at_sendmail() {
    next_id forged
    message text "Bob <bob@partner.test>" alice@acme.test "$ID" >"$FILE"
    refused '^550 5\.7\.[0-9]+ .*[a-z]{4}' acme bob@partner.test alice@acme.test "$FILE" -b "$STRANGER" && not_delivered "$ID"
}

# on_the_way HOW PATTERN: tampered with on the way to Sendmail, which must answer with PATTERN.
on_the_way() {
    next_id tampered
    message text "Bob <bob@partner.test>" alice@acme.test "$ID" >"$FILE"
    printf '%s\n' "$1" >"$RIG/partner/wire/tamper"
    send partner bob@partner.test alice@acme.test "$FILE" || return
    wait_for 10 answer_to partner "$ID" >/dev/null
    [[ $(answer_to partner "$ID") =~ $2 ]] || why "answered \"$(answer_to partner "$ID")\"" || return
    not_delivered "$ID"
}

# Sendmail takes a reply as a format: what looks like one must arrive as text, or as "?".
reply_with_percent() {
    text_to_bob
    refused '^550 5\.7\.1 bob\?%?nowhere\.test@third\.test: [ -~]*no certificate' acme alice@acme.test 'bob%nowhere.test@third.test' \
        "$FILE" && not_delivered "$ID"
}

cases_sendmail_verify() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    echo 'outbound = { protect = "encrypt"; no_certificate = "reject"; };' >"$RIG/acme/gateway/policy.d/default.conf"
    gateway_reload acme
    it "a recipient without a certificate is named" mixed_refused
    it "a per cent sign in a reply" reply_with_percent
    rm "$RIG/acme/gateway/policy.d/default.conf"
    gateway_reload acme
    it "an unprotected message where protection is required" forged_at_sendmail
    it "ciphertext altered on the way is refused" on_the_way "flip 60" '^550 5\.[67]\.'
    both sign sign 'null_signature = false;'
    it "signed text altered on the way is refused" on_the_way "replace 100 EUR|900 EUR" '^550 5\.[67]\.'
    OTHERWISE=quarantine both sign sign
    it "quarantine: Sendmail keeps the message until it is released" quarantined
    it "and lets a good one through" from_partner text
}

# As domsec-sendmail(7) says: listed by -qQ, released by -Q.
quarantined() {
    local RUN id
    next_id quarantine
    message text "Bob <bob@partner.test>" alice@acme.test "$ID" >"$FILE"
    id=$(submit acme bob@partner.test alice@acme.test "$FILE" -b "$STRANGER") || why "not accepted: $id" || return
    id=$(cut -d ' ' -f 3 <<<"$id")
    sendmail_run acme
    "${RUN[@]}" "$SENDMAIL_ROOT/usr/libexec/sendmail/sendmail" -C "$RIG/acme/etc/sendmail.cf" -bp -qQ | grep -qF "$id" ||
        why "not in quarantine" || return
    not_delivered "$ID" || return
    "${RUN[@]}" "$SENDMAIL_ROOT/usr/libexec/sendmail/sendmail" -C "$RIG/acme/etc/sendmail.cf" -qQ "-qI$id" -Q >/dev/null
    WANT='' arrives_equal acme alice "$ID" "$FILE"
}

# Without its gateway Sendmail answers 4xx (F=T), so what comes from partner.test waits there.
sendmail_receives_later() {
    local before
    before=$(grep -c 'status=deferred .*said: 4[0-9][0-9] 4\.' "$RIG/partner/mail.log")
    next_id later
    message text "Bob <bob@partner.test>" alice@acme.test "$ID" >"$FILE"
    gateway_stop acme KILL
    send partner bob@partner.test alice@acme.test "$FILE" || { gateway_start acme; return 1; }
    wait_for 10 more_lines 'status=deferred .*said: 4[0-9][0-9] 4\.' "$RIG/partner/mail.log" "$before" || why "not deferred"
    not_delivered "$ID"
    gateway_start acme
    postqueue -c "$RIG/partner/etc" -f
    arrives_equal acme alice "$ID" "$FILE" && [ -z "$REASON" ]
}

# The gateway is killed when it has half of the message: 4xx, nothing leaves, and the client can send it again.
killed_in_the_middle() {
    local said reply lines
    text_to_bob
    lines=$(wc -l <"$FILE")
    exec 7<>"/dev/tcp/${ORG_IP[acme]}/10025" || why "no connection" || return
    read -r -t 10 -u 7 reply
    for said in "HELO here" "MAIL FROM:<alice@acme.test>" "RCPT TO:<bob@partner.test>" DATA; do
        printf '%s\r\n' "$said" >&7
        read -r -t 10 -u 7 reply
    done
    [[ $reply == 354* ]] || why "answered \"$reply\" to DATA" || return
    head -n $((lines / 2)) "$FILE" >&7
    # More than a buffer, so that Sendmail and the gateway have the header.
    yes "$(printf '%070d\r' 0)" | head -n 2000 >&7
    gateway_stop acme KILL
    { tail -n +$((lines / 2 + 1)) "$FILE" && printf '.\r\n'; } >&7
    read -r -t 10 -u 7 reply
    exec 7>&-
    gateway_start acme
    [[ $reply =~ ^4[0-9][0-9]\ 4\. ]] || why "answered \"$reply\"" || return
    not_delivered "$ID" && [ -z "$(on_the_wire acme "$ID")" ] || why "it left" || return
    send acme alice@acme.test bob@partner.test "$FILE" && arrives_equal partner bob "$ID" "$FILE"
}

# crash_by_smtp's other half: the daemon dies in the middle of a message from outside, and Postfix sends it again.
receiver_crashes() {
    next_id crash
    message text "Bob <bob@partner.test>" alice@acme.test "$ID" >"$FILE"
    printf 'CRASH-KILL\r\n' >>"$FILE"
    gateway_stop acme
    crashing_start acme
    send partner bob@partner.test alice@acme.test "$FILE" || return
    wait_for 10 gateway_dead acme || why "it did not end" || return
    not_delivered "$ID" || return
    gateway_start acme
    postqueue -c "$RIG/partner/etc" -f
    arrives_equal acme alice "$ID" "$FILE"
}

cases_sendmail_outage() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt 'null_signature = false;'
    it "the gateway is killed: 4xx, nothing leaves" sender_down
    it "the gateway is killed: what comes waits, and arrives" sendmail_receives_later
    it "the gateway is killed in the middle of a message" killed_in_the_middle
    it "the gateway is killed while it verifies a message" receiver_crashes
    it "SIGTERM, start, go on" polite_end
}

cases_sendmail_reload() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    it "SIGHUP while mail flows" flood_while_reloading
    it "a bad configuration is refused on reload" bad_reload
}

# Sendmail does not show its own notifications to the gateway, so none may contain what was decrypted (nobodyreturn).
bounce_without_text() {
    local bounce
    next_id bounce
    message text "Bob <bob@partner.test>" full@acme.test "$ID" >"$FILE"
    send partner bob@partner.test full@acme.test "$FILE" || return
    wait_for 10 bounce_of "$ID" >/dev/null || why "no notification on the wire" || return
    bounce=$(bounce_of "$ID")
    ! grep -qF 'merger stays' "$bounce" || why "readable on the wire"
}

bounce_of() { # ID
    grep -lF "$1" "$RIG"/acme/wire/*.eml 2>/dev/null | xargs -r grep -l '^From: .*MAILER-DAEMON' | grep .
}

cases_sendmail_bounce() {
    both sign+encrypt sign+encrypt
    it "a notification does not contain a decrypted message" bounce_without_text
}

# Each place where the connection to the gateway can break while it changes a message.
cases_sendmail_cut() {
    local number EDITS=0
    both sign+encrypt sign+encrypt
    sendmail_milter_cut
    text_to_bob
    it "outbound: a message is made by several edits" cut_count acme "$FILE"
    for ((number = 0; number <= EDITS; number++)); do
        text_to_bob
        it "outbound: cut after edit $number of $EDITS" cut_at acme "$number" "$FILE"
    done
    sendmail_milter_whole
}

sendmail_milter_cut() {
    local at=${ORG_IP[acme]%.*}.14:10891 dir=$RIG/acme/gateway
    gateway_stop acme
    cp "$dir/domsec.conf" "$RIG/acme/saved.conf"
    sed -i "s|^listen = .*|listen = \"inet:10891@${ORG_IP[acme]}\";|" "$dir/domsec.conf"
    rm -f "$RIG/acme/run/milter"
    gateway_start acme
    mkdir -p "$RIG/acme/cut"
    spawn cut-acme "$TOOLS/milter_cut" -l "$at" -f "${ORG_IP[acme]}:10891" -d "$RIG/acme/cut"
    wait_for 5 listens "$at" || fail "milter_cut does not listen"
    sendmail_restart acme "inet:10891@${at%:*}"
}

sendmail_milter_whole() {
    stop cut-acme
    gateway_stop acme
    cp "$RIG/acme/saved.conf" "$RIG/acme/gateway/domsec.conf"
    gateway_start acme
    sendmail_restart acme "local:$RIG/acme/run/milter"
}

cases_sendmail_address() {
    local form WANT=smime=pass here=mx.acme.test partner=partner.test
    sink_start
    both sign+encrypt sign+encrypt
    it "the sink takes what is not protected" passes carol@other.test
    # Sendmail's local domains are acme.test, its own names and its addresses. Whoever is not in them is a route.
    for form in "bob%$partner@localhost" "$partner!bob@$here" "\"bob@$partner\"@$here" "bob%$partner@[127.0.0.1]" \
        "bob%$partner" "$partner!bob" "\"bob@$partner\"" "bob%PARTNER.Test.@[127.0.0.1]" "bob@$partner." \
        "@x.test,@y.test:bob@$partner" "bob%$partner%localhost@$here" "localhost!$partner!bob@$here" \
        "bob%$partner@acme.test" "\"$partner!bob\"@acme.test" "\"<bob@$partner>\"@localhost" "\"bob@$partner(x)\"@localhost"; do
        it "$form is bob@$partner" resolved "$form"
    done
    for form in "bob%$partner@other.test" "\"bob@$partner\"@relay.test" "$partner!bob@relay.test" "\"bob@$partner \"@$here" \
        "bob%$partner%other.test@[127.0.0.1]" "other.test!$partner!bob@[127.0.0.1]" "\"bob@[$partner]\"@localhost" \
        "\"bob\\@$partner\"@[127.0.0.1]"; do
        it "$form is refused" not_resolved "$form"
    done
    it "a route to a domain without a rule passes" passes bob%other.test@localhost
    for form in alice "\"alice\"@acme.test" "alice@$here"; do
        it "$form is Alice's mailbox" at_home "$form"
    done
    it "inbound: a route to Alice is judged as her own address" arriving_by_route "alice%acme.test@localhost"
    it "inbound: her name alone, too" arriving_by_route alice
    stop sink
}

# From our own client to our own mailbox ({rcpt_mailer} is "local"): nothing is done.
at_home() { # ADDRESS
    text_to_bob
    send acme bob@acme.test "$1" "$FILE" && WANT='' arrives_equal acme alice "$ID" "$FILE"
}

# What reaches Alice from outside must have a signature, whatever way its address goes.
arriving_by_route() { # ADDRESS
    next_id route
    message text "Bob <bob@partner.test>" alice@acme.test "$ID" >"$FILE"
    refused '^550 5\.7\.' acme bob@partner.test "$1" "$FILE" -b "$STRANGER" && not_delivered "$ID"
}
