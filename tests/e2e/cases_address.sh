# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: addresses that Postfix reads as others. Nothing that is meant for partner.test leaves as plaintext.

# The sink takes all mail that is for neither domain, as a relayhost would.
sink_start() {
    SINK=${ORG_IP[acme]%.*}.19:10025
    mkdir -p "$RIG/sink"
    chown nobody "$RIG/sink"
    spawn sink smtp-sink -u nobody -d "$RIG/sink/%s." "$SINK" 20
    wait_for 5 listens "$SINK" || fail "smtp-sink does not listen"
}

# Plaintext of $ID, behind acme's server: on the wire to partner.test, or in the sink.
leaked() {
    with_id "$ID" "$RIG"/acme/wire/*.eml "$RIG"/sink/* | while IFS= read -r file; do
        ! grep -q "100 EUR" "$file" || echo "$file"
    done
}

no_leak() {
    wait_for 10 queue_is_empty acme || why "not sent" || return
    [ -z "$(leaked)" ] || why "plaintext left"
}

# resolved ADDRESS: Postfix reads bob@partner.test, so Bob gets it, and it is protected on its way.
resolved() {
    text_to_bob
    send acme alice@acme.test "$1" "$FILE" && arrives_equal partner bob "$ID" "$FILE" && no_leak &&
        has_layers "authenveloped-data signed-data"
}

# not_resolved ADDRESS: refused by the gateway, as plaintext may leave.
not_resolved() {
    text_to_bob
    refused '^550 5\.7\.1 ' acme alice@acme.test "$1" "$FILE" && no_leak
}

# refused_or_protected ADDRESS: either will do, by Postfix or by the gateway.
refused_or_protected() {
    text_to_bob
    submit acme alice@acme.test "$1" "$FILE" >/dev/null || { no_leak; return; }
    no_leak
}

passes() { # ADDRESS: it means nobody whom a rule protects
    text_to_bob
    send acme alice@acme.test "$1" "$FILE" && wait_for 10 in_sink || why "did not pass"
}

in_sink() {
    [ -n "$(with_id "$ID" "$RIG"/sink/*)" ]
}

sendmail_refused() { # ADDRESS: Postfix' sendmail(1) does not say how it reads it
    text_to_bob
    tr -d '\r' <"$FILE" | /usr/sbin/sendmail -C "$RIG/acme/etc" -f alice@acme.test -i -- "$1"
    wait_for 10 notified "$ID" >/dev/null || why "Alice was not told" || return
    no_leak
}

# What partner.test receives from outside must have a signature, whatever way its address goes.
arriving_forged() { # ADDRESS
    text_to_bob
    refused '^550 5\.7\.' partner alice@acme.test "$1" "$FILE" -b "$STRANGER" && not_delivered "$ID"
}

arriving_signed() { # ADDRESS
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" && arrives partner bob "$ID" && forget || return
    submit partner alice@acme.test "$1" "$(on_the_wire acme "$ID")" -b "$STRANGER" >/dev/null || why "refused" || return
    arrives_equal partner bob "$ID" "$FILE"
}

acme_reads() { # main.cf settings
    org_set acme "$@"
    postfix_reload acme
    sleep 0.5
}

cases_address() {
    local form WANT=smime=pass
    local here=mx.acme.test partner=partner.test
    local always=("bob%$partner@[127.0.0.1]" "$partner!bob@[127.0.0.1]" "\"bob@$partner\"@[127.0.0.1]"
        "\"bob%$partner\"@[127.0.0.1]" "bob%$partner" "$partner!bob" "\"bob@$partner\"" "bob%PARTNER.Test.@[127.0.0.1]"
        "\"bob\\@$partner\"@[127.0.0.1]" "@x.test,@y.test:bob@$partner" "bob@$partner.")
    local named=("bob%$partner@localhost" "\"bob@$partner\"@$here" "$partner!bob@$here" "bob%$partner@$here"
        "bob%$partner@localhost.acme.test" "@x.test:bob%$partner@localhost" "bob%$partner%localhost@$here"
        "localhost!$partner!bob@$here" "\"bob@$partner \"@$here")
    local elsewhere=("bob%$partner@other.test" "\"bob@$partner\"@relay.test" "$partner!bob@relay.test"
        "bob%$partner%other.test@[127.0.0.1]" "other.test!$partner!bob@[127.0.0.1]" "bob%$partner@acme.test"
        "\"bob@$partner\"@acme.test")
    sink_start
    both sign+encrypt sign+encrypt
    acme_reads "default_transport = smtp:[${SINK%:*}]:10025" "local_transport = \$default_transport" \
        "relay_domains = relay.test" "relay_transport = \$default_transport"
    it "the sink takes what is not protected" passes carol@other.test
    for form in "${always[@]}"; do
        it "mydestination empty: $form is bob@$partner" resolved "$form"
    done
    for form in "${named[@]}" "${elsewhere[@]}"; do
        it "mydestination empty: $form is refused" not_resolved "$form"
    done
    it "a route to a domain without a rule passes" passes bob%other.test@relay.test

    acme_reads "mydestination = \$myhostname, localhost.\$mydomain, localhost"
    for form in "${always[@]}" "${named[@]}"; do
        it "mydestination set: $form is bob@$partner" resolved "$form"
    done
    for form in "${elsewhere[@]}"; do
        it "mydestination set: $form is refused" not_resolved "$form"
    done
    for form in "bob@$partner@localhost" "\"<bob@$partner>\"@localhost" "\"bob@part(x)ner.test\"@localhost" \
        "\"bob@$partner,carol@other.test\"@localhost" "\"\"%bob%$partner@localhost" "bob%$partner..@localhost" \
        "$partner!bob%localhost@$here" "bob%$partner%[127.0.0.1]"; do
        it "mydestination set: $form" refused_or_protected "$form"
    done
    acme_reads "append_dot_mydomain = yes" "mydomain = test"
    it "a short domain: bob@partner" resolved bob@partner
    it "a short domain: bob%partner@localhost" resolved bob%partner@localhost
    acme_reads "append_dot_mydomain = no" "mydomain = acme.test"

    it "milter_rcpt_macros cut: the gateway asks for them" cut_macros "i"
    mkdir -p "$RIG/acme/cut"
    rm -f "$RIG/acme/cut/limit"
    touch "$RIG/acme/cut/mute"
    cut_through acme
    it "… and need not, where it cannot" resolved "bob%$partner@$here"
    acme_reads "milter_rcpt_macros = i {rcpt_addr}"
    for form in "${always[0]}" "${always[4]}" "${named[@]}" "bob%$partner@other.test"; do
        it "… and they are cut: $form is refused" not_resolved "$form"
    done
    it "… and a plain address is protected as before" resolved "bob@$partner"
    org_set acme "milter_rcpt_macros = i {rcpt_addr} {rcpt_host} {rcpt_mailer}"
    rm "$RIG/acme/cut/mute"
    cut_end acme

    for form in "${always[0]}" "${named[0]}" "\"bob@$partner\"@acme.test" "$partner!bob@other.test"; do
        it "sendmail(1): $form is refused" sendmail_refused "$form"
    done

    it "inbound: bob%$partner@[127.0.0.1] is judged as Bob's" arriving_forged "bob%$partner@[127.0.0.1]"
    it "inbound: and opened" arriving_signed "bob%$partner@[127.0.0.1]"
    stop sink
    org_set acme "default_transport = smtp" "local_transport = local:\$myhostname" "relay_domains =" \
        "relay_transport = relay"
    acme_reads "mydestination ="
}

cut_macros() {
    acme_reads "milter_rcpt_macros = $1"
    resolved "bob%partner.test@[127.0.0.1]"
    local status=$?
    acme_reads "milter_rcpt_macros = i {rcpt_addr} {rcpt_host} {rcpt_mailer}"
    return "$status"
}
