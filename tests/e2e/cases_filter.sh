# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Cases of ./run: a content filter (here a tap) that returns mail to Postfix, on a listener that uses the gateway, too.

filter_address() { # ORG
    echo "${ORG_IP[$1]%.*}.$((${ORG_IP[$1]##*.} + 4))"
}

# filter_start ORG [smtpd's options]: all mail of ORG passes a filter, and comes back by a listener with these options.
filter_start() {
    local org=$1 filter back=${ORG_IP[$1]}:10026
    shift
    filter=$(filter_address "$org"):10024
    mkdir -p "$RIG/$org/filtered"
    cp "$RIG/$org/etc/master.cf" "$RIG/$org/master.cf"
    {
        echo "smtp-filter unix - - n - 10 smtp -o disable_mime_output_conversion=yes"
        echo "$back inet n - n - - smtpd -o content_filter= $*"
        echo "    -o mynetworks=${filter%:*} -o smtpd_relay_restrictions=permit_mynetworks,reject"
        echo "    -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks"
    } >>"$RIG/$org/etc/master.cf"
    spawn "filter-$org" "$TOOLS/smtp_tap" -l "$filter" -f "$back" -b "${filter%:*}" -d "$RIG/$org/filtered"
    wait_for 5 listens "$filter" || fail "the filter does not listen"
    org_set "$org" "content_filter = smtp-filter:[${filter%:*}]:10024"
    postfix_reload "$org"
    wait_for 5 listens "$back" || fail "Postfix of $org does not listen for the filter"
    sleep 0.5
}

filter_stop() { # ORG
    stop "filter-$1"
    cp "$RIG/$1/master.cf" "$RIG/$1/etc/master.cf"
    org_set "$1" "content_filter ="
    postfix_reload "$1"
    sleep 0.5
}

# What the filter of ORG has seen of $ID.
filtered() { # ORG
    with_id "$ID" "$RIG/$1"/filtered/*.eml
}

left_alone() { # ORG
    grep -q 'reason="nothing is done: pass_daemons has the listener reinject"' "$RIG/gateway-$1.log" ||
        why "the gateway of $1 did not see it again"
}

outbound_filtered() {
    echo "header X-Filtered: yes" >"$RIG/acme/filtered/tamper"
    sent_with && has_layers "authenveloped-data signed-data" && left_alone acme || return
    grep -q '^X-Filtered: yes' "$GOT" || why "not by the filter" || return
    ! grep -q "100 EUR" "$(filtered acme)" || why "the filter saw plaintext"
}

inbound_filtered() {
    sent_with && left_alone partner || return
    grep -q "100 EUR" "$(filtered partner)" || why "the filter did not see the text" || return
    [ "$(sed '/^\r*$/q' "$GOT" | grep -ci '^Authentication-Results: *partner.test')" = 1 ] || why "not one result"
}

# Without its name the listener is one like the others: the mail is refused when it comes back, and Alice hears of it.
inbound_refused() {
    text_to_bob
    send acme alice@acme.test bob@partner.test "$FILE" && wait_for 10 refused_behind_filter ||
        why "not refused when it came back" || return
    grep -q 'if it was here before, see pass_daemons' "$RIG/gateway-partner.log" || why "the log does not say why" || return
    not_delivered "$ID"
}

refused_behind_filter() {
    local seen
    seen=$(filtered partner) && [ -n "$seen" ] && [ -s "${seen%.eml}.env" ] && tail -n 1 "${seen%.eml}.env" |
        grep -q '^550 5\.7'
}

cases_filter() {
    local WANT=smime=pass org
    both sign+encrypt sign+encrypt
    for org in acme partner; do
        cp "$RIG/$org/gateway/domsec.conf" "$RIG/$org/saved.conf"
        echo 'pass_daemons = ( "reinject" );' >>"$RIG/$org/gateway/domsec.conf"
        sed -i "s|^trusted_networks = ( |&\"$(filter_address "$org")\", |" "$RIG/$org/gateway/domsec.conf"
        gateway_reload "$org"
    done
    filter_start acme -o milter_macro_daemon_name=reinject
    it "outbound: what a content filter returns is not protected again" outbound_filtered
    filter_stop acme
    filter_start partner -o milter_macro_daemon_name=reinject
    it "inbound: what a content filter returns is not judged again" inbound_filtered
    filter_stop partner
    org_set partner "internal_mail_filter_classes = bounce" # it quotes what was decrypted
    filter_start partner
    it "inbound: by a listener of another name it is refused" inbound_refused
    filter_stop partner
    for org in acme partner; do
        cp "$RIG/$org/saved.conf" "$RIG/$org/gateway/domsec.conf"
        gateway_reload "$org"
    done
}
