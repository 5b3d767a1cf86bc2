# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The gateway of each mail domain in the rig (lib.sh): configuration by `domsec init`, certificates exchanged as two
# administrators would, the daemon, and Postfix told to use it.

# gateway ORG [ALGORITHM [LISTEN]]: configuration, keys and certificates in $RIG/ORG/gateway.
gateway() {
    local dir=$RIG/$1/gateway listen=${3:-inet:10891@${ORG_IP[$1]}}
    "$BUILD/domsec" init --domain "${ORG_DOMAIN[$1]}" --listen "$listen" --algorithm "${2:-rsa2048}" "$dir" \
        >>"$RIG/gateway-$1.log" 2>&1 || {
        cat "$RIG/gateway-$1.log" >&2
        fail "domsec init fails for $1"
    }
    mkdir -p "$RIG/$1/spool" "$RIG/$1/state"
    # Its own client, and what is submitted on the host itself by sendmail(1); not the rest of 127.0.0.0/8.
    sed -i "s|^trusted_networks = .*|trusted_networks = ( \"${ORG_CLIENT[$1]}/32\", \"127.0.0.1/32\" );|" \
        "$dir/domsec.conf"
    printf 'spool_directory = "%s";\nstate_directory = "%s";\n' "$RIG/$1/spool" "$RIG/$1/state" >>"$dir/domsec.conf"
    # tests/split/ has the lines of Postfix for messages that are split.
    echo 'mixed_recipients = "reject";' >>"$dir/domsec.conf"
    [ ! -e "$RIG/$1/etc/main.cf" ] || org_set "$1" "smtpd_milters = inet:${ORG_IP[$1]}:10891" "non_smtpd_milters = \$smtpd_milters" \
        "milter_default_action = tempfail"
}

# splitting ORG: its Postfix splits messages, by the lines of packaging/postfix/.
splitting() {
    local file dir=$RIG/$1 ip=${ORG_IP[$1]}
    for file in main.cf master.cf; do
        sed -e '/^#/d' -e "s|127\.0\.0\.0/8|$ip/32|g; s|127\.0\.0\.1|$ip|g" "$here/../../packaging/postfix/$file" >>"$dir/etc/$file"
    done
    org_set "$1" "domsec_milters = inet:$ip:10891" "smtpd_milters = \$domsec_milters"
    sed -i '/^mixed_recipients/d' "$dir/gateway/domsec.conf"
}

# gateway_know ORG PEER: PEER's authority and its certificate to encrypt for, handed to ORG's administrator.
gateway_know() {
    local from=$RIG/$2/gateway to=$RIG/$1/gateway
    cp "$from/ca/ca.pem" "$to/anchors/${ORG_DOMAIN[$2]}.pem"
    openssl x509 -in "$from/keys/dca.pem" -out "$to/certs/${ORG_DOMAIN[$2]}-dca.pem"
}

# policy ORG PROTECT REQUIRE [LINES]: ORG's policy file for its peer.
policy() {
    local peer=${ORG_PEER[$1]}
    cat >"$RIG/$1/gateway/policy.d/$peer.conf" <<EOF
domain = "$peer";
outbound = { protect = "$2"; no_certificate = "reject"; ${OUTBOUND:-} };
inbound = { require = "$3"; otherwise = "${OTHERWISE:-reject}"; ${INBOUND:-} };
certificates = ( "certs/$peer-dca.pem" );
anchors = ( "anchors/$peer.pem" );
${4:-}
EOF
}

gateway_start() {
    spawn "gateway-$1" "$BUILD/domsec-milter" -c "$RIG/$1/gateway/domsec.conf" -f
    wait_for 10 gateway_up "$1" && gateway_alive "$1" || {
        cat "$RIG/gateway-$1.log" >&2
        fail "the gateway of $1 does not start"
    }
}

gateway_up() {
    # A gateway that was killed leaves the file of its socket behind.
    listens "${ORG_IP[$1]}:10891" || ss -Hlx | grep -qF " $RIG/$1/run/milter " || ! gateway_alive "$1"
}

gateway_alive() {
    [ -n "${PIDS[gateway-$1]:-}" ] && ! gone "${PIDS[gateway-$1]}"
}

gateway_stop() { # ORG [SIGNAL]
    stop "gateway-$1" "${2:-TERM}"
}

# SIGHUP, and back when the daemon says that it has read the configuration, or refused it.
gateway_reload() {
    local log=$RIG/gateway-$1.log before
    before=$(grep -c "$RELOADED" "$log")
    kill -HUP "${PIDS[gateway-$1]}"
    wait_for 5 more_lines "$RELOADED" "$log" "$before" || fail "the gateway of $1 does not reload"
}
RELOADED='reload: .*in force'

more_lines() { # PATTERN FILE COUNT
    [ "$(grep -c "$1" "$2")" -gt "$3" ]
}

# result_of ORG FILE: what ORG's gateway says of a delivered message: its Authentication-Results, unfolded.
result_of() {
    sed -n -e '/^\r*$/q' -e p "$2" | sed -e ':a' -e '$!N' -e 's/\r*\n[ \t]\{1,\}/ /' -e 'ta' -e 'P' -e 'D' |
        grep -i "^Authentication-Results: *${ORG_DOMAIN[$1]//./\\.}" | head -n 1
}

# layers ORG FILE [NAME]: how FILE, sent to ORG, is protected, opened with ORG's key NAME (dca); one line a layer, tabs between
# fields.
layers() {
    local name=${3:-dca}
    local key=$RIG/$1/gateway/keys/$name.key
    [ -e "$key" ] || key=$RIG/$1/escrow/$name.key # of a key in a token
    "$TOOLS/mail_inspect" -c "$RIG/$1/gateway/keys/$name.pem" -k "$key" "$2"
}
