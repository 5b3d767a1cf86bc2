# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Part of ./run, after forms.sh: each template in policy/profiles/, used by a policy for partner.test. What arrives there in the
# form that the partner's software makes is taken, and what leaves is opened and verified by other software.

# profile NAME [LINES]: the policy uses the template and adds LINES.
profile() {
    printf 'domain = "partner.test"; use = "profiles/%s"; anchors = ( "../ca.pem" );\n%s\n' "$1" "${2:-}" >conf/policy.d/partner.test.conf
}
# leaves NAME KEY [SIGNER]: a message from bob@acme.test to alice@partner.test, which KEY opens. The signature is by an authority
# of ours, or SIGNER's.
leaves() {
    check "$1" leaves_it "$2" "${3:-}"
}
leaves_it() {
    printf 'From: Bob <bob@acme.test>\r\nTo: alice@partner.test\r\nSubject: orders\r\n\r\nthe secret line\r\n' |
        "$gateway" filter -c conf/domsec.conf --direction outbound --from bob@acme.test --to alice@partner.test --auth bob >sealed.eml || return 1
    ! grep -q 'the secret line' sealed.eml || return 1
    openssl cms -decrypt -in sealed.eml -recip "$1.pem" -inkey "$1.key" -out inner.eml &&
        openssl cms -verify -in inner.eml -CAfile trusted.pem -purpose any -certsout signer.pem -out content.eml &&
        grep -q 'the secret line' content.eml || return 1
    [ -z "$2" ] || openssl x509 -in signer.pem -noout -ext subjectAltName | grep -q "$2"
}
# The same by gpgsm, which has the key in its store.
leaves_to_gpgsm() {
    sed '1,/^\r*$/d' sealed.eml | openssl base64 -d | gpgsm --decrypt >inner.gpgsm && grep -q 'multipart/signed\|pkcs7-mime' inner.gpgsm
}

profiles_keys() {
    cp -r "$here/../../policy/profiles" conf/policy.d/ && cat ca.pem conf/ca/ca.pem >trusted.pem &&
        certified bob ca '/O=Acme/CN=Bob' 'subjectAltName=email:bob@acme.test' extendedKeyUsage=emailProtection && cp bob.pem bob.key conf/keys/ &&
        cp alice.pem conf/ && "$gateway" cert import -c conf/domsec.conf alice.pem &&
        "$gateway" init --domain partner.test peer && cp peer/ca/ca.pem conf/peer.pem && cp peer/keys/dca.pem conf/peer-dca.pem &&
        cp conf/ca/ca.pem conf/keys/dca.pem peer/ && sed -i 's/^identities = (/&\n  { address = "bob@acme.test"; certificate = "keys\/bob.pem"; key = "file:keys\/bob.key"; },/' conf/domsec.conf &&
        echo 'identity_logins = ( { login = "bob"; addresses = ( "bob@acme.test" ); } );' >>conf/domsec.conf
}

profiles_check() {
    check 'profiles: keys and certificates' profiles_keys

    profile bdew
    for t in openssl bouncy; do
        encrypted_part forms/$t-signed-encrypted.p7 | mail
        taken "bdew: $t" verdict=accept originator=pass 'has=^H=C3=A4lt das?' not=pkcs7
    done
    opaque_part forms/openssl-opaque.p7 | mail
    taken 'bdew: not encrypted' verdict=quarantine
    leaves 'bdew: to openssl' alice bob@acme.test # gpgsm knows no RSA-OAEP

    profile outlook
    clear_part plain.ent forms/openssl-clear.p7 '' | sed 's,application/pkcs7-sig,application/x-pkcs7-sig,' | mail
    taken 'outlook: clear' verdict=accept originator=pass
    opaque_part forms/nss-opaque.p7 'application/x-pkcs7-mime; name="smime.p7m"' | mail
    taken 'outlook: opaque' verdict=accept originator=pass
    leaves 'outlook: to openssl' alice
    check 'outlook: to gpgsm' leaves_to_gpgsm

    profile asyncos 'certificates = ( "../gateway.pem" ); gateway_addresses = ( "gateway@partner.test" );'
    opaque_part forms/openssl-gateway-opaque.p7 >within.ent && encrypted_by_openssl within.ent within.p7
    encrypted_part within.p7 | mail
    taken 'asyncos: signed, then encrypted' verdict=accept domain=pass 'has=^H=C3=A4lt das?' not=pkcs7
    opaque_part forms/openssl-triple.p7 | mail
    taken 'asyncos: three times' verdict=accept domain=pass 'has=^H=C3=A4lt das?' not=pkcs7
    opaque_part forms/openssl-gateway-opaque.p7 | mail
    taken 'asyncos: signed alone' verdict=reject
    leaves 'asyncos: to openssl' gateway

    profile ciphermail 'certificates = ( "../gateway.pem" );'
    clear_part plain.ent forms/openssl-gateway-clear.p7 >within.ent && encrypted_by_openssl within.ent within.p7
    encrypted_part within.p7 | mail
    taken 'ciphermail: signed, then encrypted' verdict=accept domain=pass 'has=^H=C3=A4lt das?' not=pkcs7
    leaves 'ciphermail: to openssl' gateway

    profile seppmail 'certificates = ( "../bydns.pem" );'
    clear_part plain.ent forms/openssl-dns-clear.p7 | mail
    taken 'seppmail: signed' verdict=accept domain=pass 'has=^H=C3=A4lt das?'
    opaque_part forms/bouncy-opaque.p7 | mail
    taken 'seppmail: signed for a user' verdict=accept originator=pass
    leaves 'seppmail: to openssl' bydns

    printf 'domain = "partner.test"; use = "profiles/rfc3183"; certificates = ( "peer-dca.pem" ); anchors = ( "peer.pem" );\n' \
        >conf/policy.d/partner.test.conf
    mkdir -p peer/policy.d && cp -r conf/policy.d/profiles peer/policy.d/
    printf 'domain = "acme.test"; use = "profiles/rfc3183"; certificates = ( "dca.pem" ); anchors = ( "ca.pem" );\n' >peer/policy.d/acme.test.conf
    check 'rfc3183: to a peer' to_the_peer
}
to_the_peer() {
    printf 'From: Bob <bob@acme.test>\r\nTo: alice@partner.test\r\nSubject: orders\r\n\r\nthe secret line\r\n' |
        "$gateway" filter -c conf/domsec.conf --direction outbound --from bob@acme.test --to alice@partner.test --auth bob >sealed.eml &&
        ! grep -q 'the secret line' sealed.eml &&
        "$gateway" filter -c peer/domsec.conf --direction inbound --from bob@acme.test --to alice@partner.test --client 192.0.2.1 \
            <sealed.eml >delivered.eml && grep -q 'the secret line' delivered.eml && grep -q 'smime=pass (domain signature)' delivered.eml
}
