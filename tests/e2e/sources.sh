# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The servers from which the gateways of the rig (lib.sh) find each other's certificates: a directory (slapd) and a name
# server (knot) with the signed zones of both domains. Both run on the rig's own addresses and in its folder.

# directory ORG: a directory with the certificate of ORG's confidentiality authority, at ldap://$DIRECTORY.
directory() {
    local dir=$RIG/directory suffix="dc=${ORG_DOMAIN[$1]//./,dc=}"
    DIRECTORY=$NET.40:10389 BASE=$suffix
    mkdir -p "$dir/database"
    cat >"$dir/slapd.conf" <<EOF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile $dir/slapd.pid
database mdb
suffix "$suffix"
directory $dir/database
maxsize 1048576
EOF
    {
        printf 'dn: %s\nobjectClass: domain\ndc: %s\n\n' "$suffix" "${ORG_DOMAIN[$1]%%.*}"
        printf 'dn: cn=domain-confidentiality-authority,%s\nobjectClass: inetOrgPerson\n' "$suffix"
        printf 'cn: domain-confidentiality-authority\nsn: gateway\nmail: domain-confidentiality-authority@%s\n' "${ORG_DOMAIN[$1]}"
        printf 'userCertificate;binary:: %s\n' "$(openssl x509 -in "$RIG/$1/gateway/keys/dca.pem" -outform DER | base64 -w 0)"
    } >"$dir/entries.ldif"
    slapadd -f "$dir/slapd.conf" -l "$dir/entries.ldif" >"$RIG/directory.log" 2>&1 || fail "slapadd: $(cat "$RIG/directory.log")"
    spawn directory slapd -d 0 -f "$dir/slapd.conf" -h "ldap://$DIRECTORY"
    wait_for 10 listens "$DIRECTORY" || fail "slapd does not start: $(cat "$RIG/directory.log")"
}

# zones ORG...: a name server with the signed zones of these domains, at $RESOLVER, which hold what `domsec cert dns` prints.
# Its keys are in $RIG/zones/anchors.
zones() {
    local dir=$RIG/zones org domain
    RESOLVER=$NET.41@10053
    mkdir -p "$dir"
    cat >"$dir/knot.conf" <<EOF
server:
    rundir: "$dir"
    listen: $RESOLVER
log:
  - target: stderr
    any: info
database:
    storage: "$dir"
    kasp-db-max-size: 10M
    journal-db-max-size: 10M
    timer-db-max-size: 10M
policy:
  - id: own
    manual: on
template:
  - id: default
    storage: "$dir"
    file: "%s.zone"
    zonefile-sync: -1
    journal-content: none
    zonefile-load: whole
    dnssec-signing: on
    dnssec-policy: own
zone:
EOF
    for org in "$@"; do
        domain=${ORG_DOMAIN[$org]}
        printf '  - domain: %s.\n' "$domain" >>"$dir/knot.conf"
        {
            # shellcheck disable=SC2016 # they are knot's
            printf '$ORIGIN %s.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 86400 300\n@ NS ns\nns A %s\n' "$domain" "${RESOLVER%@*}"
            "$BUILD/domsec" cert dns -c "$RIG/$org/gateway/domsec.conf"
        } >"$dir/$domain.zone" || fail "domsec cert dns prints nothing for $domain"
    done
    for org in "$@"; do
        keymgr -c "$dir/knot.conf" "${ORG_DOMAIN[$org]}" generate algorithm=ecdsap256sha256 ksk=yes zsk=yes >>"$RIG/zones.log" 2>&1
        keymgr -c "$dir/knot.conf" "${ORG_DOMAIN[$org]}" ds >>"$dir/anchors" || fail "keymgr: $(cat "$RIG/zones.log")"
    done
    spawn zones knotd -c "$dir/knot.conf"
    wait_for 10 listens "${RESOLVER/@/:}" || fail "knotd does not start: $(cat "$RIG/zones.log")"
}

# stranger_policy ORG PROTECT [LINES]: ORG's policy for domains with which nothing was arranged; that for its peer goes.
stranger_policy() {
    rm -f "$RIG/$1/gateway/policy.d/${ORG_PEER[$1]}.conf"
    cat >"$RIG/$1/gateway/policy.d/default.conf" <<EOF
outbound = { protect = "$2"; };
${3:-}
EOF
}

# person ORG NAME: a mailbox of ORG with a certificate of its own, which the login NAME signs with.
person() {
    local dir=$RIG/$1/gateway address=$2@${ORG_DOMAIN[$1]}
    openssl req -newkey rsa:2048 -nodes -keyout "$dir/keys/$2.key" -out "$RIG/$2.csr" -subj "/CN=$2" 2>/dev/null &&
        printf 'subjectAltName=email:%s\nextendedKeyUsage=emailProtection\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' \
            "$address" >"$RIG/$2.ext" &&
        openssl x509 -req -in "$RIG/$2.csr" -CA "$dir/ca/ca.pem" -CAkey "$dir/ca/ca.key" -set_serial 4711 -days 30 \
            -extfile "$RIG/$2.ext" -out "$dir/keys/$2.pem" 2>/dev/null || fail "no certificate for $2"
    chmod 600 "$dir/keys/$2.key"
    sed -i "s|^identities = (|&\n  { address = \"$address\"; certificate = \"keys/$2.pem\"; key = \"file:keys/$2.key\"; },|" \
        "$dir/domsec.conf"
    printf 'identity_logins = ( { login = "%s"; addresses = ( "%s" ); } );\n' "$2" "$address" >>"$dir/domsec.conf"
}
