# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: what fails, is killed, reloaded or overloaded loses nothing and delivers nothing half-done.

# The recipient's gateway is gone: the mail waits at the sender's server and arrives when it is back.
receiver_down() {
    local before
    before=$(grep -c 'status=deferred .*said: 4[0-9][0-9] 4\.' "$RIG/acme/mail.log")
    text_to_bob
    gateway_stop partner KILL
    send acme alice@acme.test bob@partner.test "$FILE" || { gateway_start partner; return 1; }
    wait_for 10 more_lines 'status=deferred .*said: 4[0-9][0-9] 4\.' "$RIG/acme/mail.log" "$before" ||
        why "not deferred"
    not_at_bob "$ID"
    gateway_start partner
    postqueue -c "$RIG/acme/etc" -f
    arrives_equal partner bob "$ID" "$FILE" && [ -z "$REASON" ]
}

# The sender's gateway is gone: the client hears 4xx, and nothing leaves unprotected.
sender_down() {
    text_to_bob
    gateway_stop acme KILL
    refused '^4[0-9][0-9] 4\.' acme alice@acme.test bob@partner.test "$FILE"
    local held=$?
    gateway_start acme
    [ "$held" = 0 ] && not_delivered "$ID" && sent_with
}

# The same for what sendmail(1) hands over: Postfix keeps it and tries again.
sendmail_down() {
    text_to_bob
    gateway_stop acme KILL
    tr -d '\r' <"$FILE" | /usr/sbin/sendmail -C "$RIG/acme/etc" -i -f alice@acme.test bob@partner.test
    sleep 1
    not_at_bob "$ID"
    gateway_start acme
    postfix_reload acme
    postqueue -c "$RIG/acme/etc" -f
    arrives_equal partner bob "$ID" "$FILE" && [ -z "$REASON" ]
}

polite_end() {
    gateway_stop acme TERM || why "SIGTERM is not obeyed"
    gateway_start acme
    [ -z "$REASON" ] && sent_with
}

cases_outage() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    it "the recipient's gateway is killed: deferred, then delivered" receiver_down
    it "the sender's gateway is killed: 4xx, nothing leaves" sender_down
    it "the sender's gateway is killed: sendmail's message waits" sendmail_down
    it "SIGTERM, start, go on" polite_end
}

# crashing_start ORG: tests/preload/crash.c makes its gateway crash on certain text.
crashing_start() {
    LD_PRELOAD=$BUILD/preload/crash.so gateway_start "$1"
}

gateway_dead() {
    ! gateway_alive "$1"
}

REMEMBERED='crashed on this message before'

# By SMTP, as a server upstream sends it again and again.
crash_by_smtp() {
    local attempt
    text_to_bob
    printf 'CRASH-SEGV\r\n' >>"$FILE"
    for attempt in first second; do
        refused '^4[0-9][0-9] 4\.' acme alice@acme.test bob@partner.test "$FILE" || return
        wait_for 5 gateway_dead acme || why "the $attempt did not crash it" || return
        crashing_start acme
    done
    refused "^451 4\.7\.1 .*$REMEMBERED" acme alice@acme.test bob@partner.test "$FILE" || return
    gateway_alive acme || why "it crashed once more" || return
    not_delivered "$ID" && sent_with
}

# By sendmail(1): Postfix adds Date and Message-ID, other ones at each attempt.
crash_by_sendmail() {
    local attempt before
    before=$(grep -c "$REMEMBERED" "$RIG/gateway-acme.log")
    printf 'From: alice@acme.test\nTo: bob@partner.test\nSubject: by itself\n\nCRASH-ABRT\n' |
        /usr/sbin/sendmail -C "$RIG/acme/etc" -i -f alice@acme.test bob@partner.test
    for attempt in first second; do
        wait_for 10 gateway_dead acme || why "the $attempt did not crash it" || return
        crashing_start acme
        postfix_reload acme
    done
    wait_for 10 more_lines "$REMEMBERED" "$RIG/gateway-acme.log" "$before" || why "not recognised" || return
    gateway_alive acme || why "it crashed once more"
}

cases_crash() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt "null_signature = false;"
    gateway_stop acme
    crashing_start acme
    it "a message crashes the gateway twice, not three times" crash_by_smtp
    it "the same for what sendmail hands over" crash_by_sendmail
    gateway_stop acme
    gateway_start acme
}

# What was decrypted and then cannot be delivered goes back to its sender: not in the clear.
bounce_protected() {
    next_id bounce
    message text "Alice <alice@acme.test>" full@partner.test "$ID" >"$FILE"
    send acme alice@acme.test full@partner.test "$FILE" || return
    wait_for 10 notified "$ID" >/dev/null || why "no notification at Alice's" || return
    wait_for 5 bounce_passed || why "the notification did not pass the wire" || return
    ! grep -lF 'merger stays' "$RIG"/partner/wire/*.eml >/dev/null || why "readable on the wire" || return
    [[ $(result_of acme "$(notified "$ID")") == *smime=pass* ]] || why "not signed"
}

# notified ID: the notification about it, opened, in Alice's mailbox.
notified() {
    grep -lF "$1" "$RIG"/acme/mail/alice/new/* 2>/dev/null | grep .
}

bounce_passed() {
    grep -l '^From: .*MAILER-DAEMON' "$RIG"/partner/wire/*.eml >/dev/null
}

cases_bounce() {
    both sign+encrypt sign+encrypt
    org_set partner "internal_mail_filter_classes = bounce" \
        "transport_maps = inline:{ full@partner.test=full:, acme.test=smtp:[${ORG_CLIENT[partner]%?}3]:10025 }"
    postfix_reload partner
    sleep 0.5
    it "a notification about a decrypted message is protected" bounce_protected
}

# cut_through ORG: Postfix of ORG talks to its gateway through milter_cut, which breaks off after so many edits.
cut_through() {
    local at=${ORG_IP[$1]%.*}.$((${ORG_CLIENT[$1]##*.} + 2)):10891
    mkdir -p "$RIG/$1/cut"
    spawn "cut-$1" "$TOOLS/milter_cut" -l "$at" -f "${ORG_IP[$1]}:10891" -d "$RIG/$1/cut"
    wait_for 5 listens "$at" || fail "milter_cut does not listen"
    org_set "$1" "smtpd_milters = inet:$at"
    postfix_reload "$1"
    sleep 0.5
}

cut_end() {
    stop "cut-$1"
    org_set "$1" "smtpd_milters = inet:${ORG_IP[$1]}:10891"
    postfix_reload "$1"
    sleep 0.5
}

# cut_at ORG N TO FILE OPTIONS: 4xx and nothing delivered when the gateway's connection breaks after its N-th edit.
cut_at() {
    local org=$1 number=$2
    shift 2
    echo "$number" >"$RIG/$org/cut/limit"
    rm -f "$RIG/$org/cut/cut"
    refused '^4[0-9][0-9] 4\.' "$org" alice@acme.test bob@partner.test "$@" || return
    [ -f "$RIG/$org/cut/cut" ] || why "nothing was cut" || return
    sleep 0.2
    not_delivered "$ID"
}

# The number of edits of a message that goes through: sets $EDITS.
cut_count() { # ORG FILE OPTIONS...
    local org=$1
    shift
    rm -f "$RIG/$org/cut/limit" "$RIG/$org/cut/edits"
    send "$org" alice@acme.test bob@partner.test "$@" && arrives partner bob "$ID" || return
    EDITS=$(cat "$RIG/$org/cut/edits")
    [ "$EDITS" -ge 3 ] || why "only $EDITS edits"
}

cases_cut() {
    local number EDITS=0 wire
    both sign+encrypt sign+encrypt
    cut_through acme
    text_to_bob
    it "outbound: a message is made by several edits" cut_count acme "$FILE"
    for ((number = 0; number <= EDITS; number++)); do
        text_to_bob
        it "outbound: cut after edit $number of $EDITS" cut_at acme "$number" "$FILE"
    done
    cut_end acme

    # The same message, taken from the wire, handed to the recipient's server again and again.
    text_to_bob
    it "a message for the other direction" sent_and_forgotten
    wire=$(on_the_wire acme "$ID")
    cut_through partner
    EDITS=0
    it "inbound: a message is made by several edits" cut_count partner "$wire" -b "$STRANGER"
    forget
    for ((number = 0; number <= EDITS; number++)); do
        it "inbound: cut after edit $number of $EDITS" cut_at partner "$number" "$wire" -b "$STRANGER"
    done
    cut_end partner
}

sent_and_forgotten() {
    send acme alice@acme.test bob@partner.test "$FILE" && arrives partner bob "$ID" && forget
}

forget() {
    local file
    for file in $(with_id "$ID" "$RIG"/partner/mail/bob/new/*); do
        rm "$file"
    done
}

# flood COUNT SUBJECT OPTIONS...: by Postfix' own load generator, and every single one must arrive, once.
flood() {
    smtp-source -c -m "$1" -f alice@acme.test -t bob@partner.test -S "$2" "${@:3}" "inet:${ORG_IP[acme]}:10025" \
        >/dev/null || why "smtp-source fails"
}

all_arrived() { # COUNT SUBJECT
    wait_for 60 arrived "$1" "$2" || why "$(count_subject "$2") of $1 arrived"
    sleep 0.3
    [ "$(count_subject "$2")" = "$1" ] || why "$(count_subject "$2") of $1 arrived"
}

arrived() {
    [ "$(count_subject "$2")" -ge "$1" ]
}

count_subject() {
    grep -lE "^Subject: $1\$" "$RIG"/partner/mail/bob/new/* 2>/dev/null | xargs -r grep -l 'smime=pass' | wc -l
}

flood_while_reloading() {
    local flood i
    flood 60 reloading -s 4 -l 20000 &
    flood=$!
    for ((i = 0; i < 10; i++)); do
        kill -HUP "${PIDS[gateway-acme]}" "${PIDS[gateway-partner]}"
        sleep 0.15
    done
    wait "$flood" || why "smtp-source fails" || return
    all_arrived 60 reloading
}

# The recipient's gateway is killed again and again while messages come in: each arrives, once, opened.
flood_while_killing() {
    local flood i
    flood 60 killing -s 4 -l 20000 &
    flood=$!
    for ((i = 0; i < 4; i++)); do
        sleep 0.15
        gateway_stop partner KILL
        gateway_start partner
    done
    wait "$flood" || why "smtp-source fails" || return
    wait_for 60 pushed_through 60 killing || why "not all arrived"
    all_arrived 60 killing
}

pushed_through() {
    arrived "$@" && return
    postqueue -c "$RIG/acme/etc" -f
    sleep 0.5
    return 1
}

# A bad configuration is refused; the old one stays in force.
bad_reload() {
    local file=$RIG/acme/gateway/policy.d/partner.test.conf
    cp "$file" "$RIG/acme/saved"
    sed -i 's/protect/protekt/' "$file"
    gateway_reload acme
    sent_with && has_layers "authenveloped-data signed-data"
    local status=$?
    cp "$RIG/acme/saved" "$file"
    gateway_reload acme
    grep -q 'partner.test.conf:2.*protekt' "$RIG/gateway-acme.log" || why "the log does not say where"
    [ "$status" = 0 ] && [ -z "$REASON" ]
}

cases_reload() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    it "SIGHUP while mail flows" flood_while_reloading
    it "SIGKILL while mail flows" flood_while_killing
    it "a bad configuration is refused on reload" bad_reload
}

parallel() {
    flood 50 parallel -s 10 -l 10000 && all_arrived 50 parallel
}

cases_load() {
    both sign+encrypt sign+encrypt
    it "50 messages over 10 connections" parallel
}

large() { # OCTETS
    PDF_SIZE=$1 pass_kind pdf "authenveloped-data signed-data"
}

# Without its spool folder the gateway can't take a large message: 4xx, small ones pass, and no file is left.
no_spool() {
    rmdir "$RIG/acme/spool" || why "files left in the spool" || return
    next_id spool
    PDF_SIZE=3000000 message pdf "Alice <alice@acme.test>" bob@partner.test "$ID" >"$FILE"
    refused '^4[0-9][0-9] 4\.' acme alice@acme.test bob@partner.test "$FILE" && not_delivered "$ID" && sent_with
    local status=$?
    mkdir "$RIG/acme/spool"
    return "$status"
}

large_signed() {
    PDF_SIZE=3000000 pass_kind pdf signed-data
}

cases_spool() {
    local WANT=smime=pass
    both sign+encrypt sign+encrypt
    it "3 MB, beyond memory_limit" large 3000000
    it "12 MB" large 12000000
    it "no spool folder: 4xx" no_spool
    it "and goes on when it is back" large 2000000
    both sign sign
    it "3 MB signed in the clear" large_signed
}
