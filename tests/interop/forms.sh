# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Part of ./run: what other software makes, handed to a whole gateway (domsec filter) with a policy. Alice at partner.test signs,
# or the gateway there; acme.test is ours. Each form is made by every tool that can make it.
#
# Where a form comes from: tests/gateway/ has each in every variation, with its source. Gateways of other vendors sign for a
# domain as the manuals of Cisco's AsyncOS ("S/MIME Security Services": a certificate for the organisation, sign, encrypt, triple),
# CipherMail ("Domain to domain encryption": one certificate for a domain, which may be self-signed) and SEPPmail ("S/MIME domain
# keys") say.

tools='openssl gpgsm nss certtool bouncy'
gateway=$(cd "$here/../.." && cd "$1" && pwd)/domsec

# --- who signs ---

certified() { # NAME ISSUER SUBJECT EXTENSION...
    who=$1 issuer=$2 subject=$3
    shift 3
    openssl req -new -newkey rsa:2048 -nodes -keyout "$who.key" -out "$who.csr" -subj "$subject" 2>/dev/null &&
        printf '%s\n' "$@" >"$who.ext" &&
        openssl x509 -req -in "$who.csr" -CA "$issuer.pem" -CAkey "$issuer.key" -days 2 -extfile "$who.ext" -out "$who.pem" \
            2>/dev/null &&
        openssl pkcs12 -export -legacy -descert -in "$who.pem" -inkey "$who.key" -passout pass:x -name "$who" -out "$who.p12" &&
        chmod 600 "$who.key"
}
signers='alice gateway bydns role below'
forms_keys() {
    eku=extendedKeyUsage=emailProtection
    certified alice ca '/O=Partner/CN=Alice' 'subjectAltName=email:alice@partner.test' $eku &&
        certified gateway ca '/C=DE/O=Partner/CN=Mail Gateway 01' 'subjectAltName=email:gateway@partner.test' $eku &&
        certified bydns ca '/CN=partner.test' 'subjectAltName=DNS:partner.test' $eku &&
        certified role ca '/O=Partner/CN=Secure Mail' 'subjectAltName=email:domain-signing-authority@partner.test' $eku &&
        certified sub ca '/O=Partner/CN=Sub CA' 'basicConstraints=critical,CA:TRUE' 'keyUsage=keyCertSign' &&
        certified below sub '/O=Partner/CN=Alice below' 'subjectAltName=email:alice@partner.test' $eku &&
        "$gateway" init --domain acme.test conf && cp ca.pem sub.pem gateway.pem bydns.pem role.pem conf/ &&
        openssl x509 -in conf/keys/dca.pem -out dca.pem
}
# The same key store as in the rest of ./run, with more in it.
forms_import_gpgsm() {
    printf '%s S relax\n' "$(openssl x509 -in conf/ca/ca.pem -noout -fingerprint -sha1 | sed 's/.*=//')" >>gnupg/trustlist.txt
    gpgconf --reload gpg-agent
    gpgsm --import sub.pem conf/ca/ca.pem dca.pem || return 1
    for s in $signers; do
        for salt in first second third; do # see gpgsm_import
            openssl pkcs12 -export -legacy -descert -in $s.pem -inkey $s.key -passout pass:x -out gpgsm.p12 &&
                echo x | gpgsm --passphrase-fd 0 --import gpgsm.p12 && break
            echo "gpgsm cannot read the key under its $salt salt"
        done
    done
}
forms_import_nss() {
    certutil -A -d sql:nss -n sub -t ,, -i sub.pem && certutil -A -d sql:nss -n acme -t C,C,C -i conf/ca/ca.pem &&
        certutil -A -d sql:nss -n dca -t ,, -i dca.pem || return 1
    for s in $signers; do
        pk12util -i $s.p12 -d sql:nss -W x || return 1
    done
}
fingerprint() {
    openssl x509 -in "$1.pem" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g'
}

# --- what is signed or encrypted ---

forms_entities() {
    secret='H=C3=A4lt das?\r\nFrom here on\r\n'
    text='Content-Type: text/plain; charset=utf-8'
    qp='Content-Transfer-Encoding: quoted-printable\r\n'
    inner='From: Alice <alice@partner.test>\r\nTo: bob@acme.test\r\nSubject: the real subject\r\nComments: in private\r\n'
    printf "$text\r\n$qp\r\n$secret" >plain.ent
    printf "${inner}$text; hp=\"clear\"\r\n$qp\r\n$secret" >hp.ent
    # RFC 9788 §2: the baseline hides the Subject; a Legacy Display Element repeats it.
    printf "${inner}HP-Outer: Subject: [...]\r\nHP-Outer: From: Alice <alice@partner.test>\r\nHP-Outer: To: bob@acme.test\r\n" >cipher.ent
    printf "$text; hp=\"cipher\"; hp-legacy-display=\"1\"\r\n$qp\r\nSubject: the real subject\r\n\r\n$secret" >>cipher.ent
    # Enigmail's form: draft-autocrypt-lamps-protected-headers.
    printf "${inner}$text; protected-headers=\"v1\"\r\n$qp\r\n$secret" >legacy.ent
    # A whole message, as programs that hand it to `openssl cms` do.
    printf "${inner}$text\r\n$qp\r\n$secret" >whole.ent
    printf 'Content-Type: message/rfc822\r\n\r\nFrom: Carol <carol@third.test>\r\nSubject: a forward\r\n\r\nhello\r\n' >forward.ent
    printf '<?xml version="1.0"?>\r\n<invoice currency="EUR">1</invoice>\r\n' >invoice.xml
}

# --- how each tool makes it ---

made_by_openssl() { # SIGNER attached|detached IN OUT DIGEST
    how=
    [ "$2" = detached ] || how=-nodetach
    openssl cms -sign -binary -signer "$1.pem" -inkey "$1.key" $how -md "$5" -in "$3" -outform DER -out "$4"
}
made_by_gpgsm() {
    how=--sign
    [ "$2" = attached ] || how=--detach-sign
    echo x | gpgsm --passphrase-fd 0 --include-certs 1 --digest-algo "$5" --local-user "$(fingerprint "$1")" --output "$4" $how "$3"
}
made_by_nss() {
    how=
    [ "$2" = attached ] || how=-T
    cmsutil -S $how -d sql:nss -N "$1" -H "$(echo "$5" | tr a-z A-Z)" -G -P -i "$3" -o "$4"
}
made_by_certtool() {
    how=--p7-sign
    [ "$2" = attached ] || how=--p7-detached-sign
    certtool $how --p7-include-cert --p7-time --hash "$5" --load-privkey "$1.key" --load-certificate "$1.pem" --infile "$3" --outder \
        --outfile "$4"
}
# All at once, later.
made_by_bouncy() {
    echo "form-$(basename "$4" .p7) sign $1.p12 $(echo "$5" | tr a-z A-Z)withRSA $2 $3 $4" >>tasks
}
encrypted_by_openssl() { # IN OUT
    openssl cms -encrypt -binary -aes-256-cbc -in "$1" -outform DER -out "$2" dca.pem
}
encrypted_by_gpgsm() {
    gpgsm --cipher-algo AES256 --recipient "$(fingerprint dca)" --output "$2" --encrypt "$1"
}
encrypted_by_nss() {
    cmsutil -E -d sql:nss -r domain-confidentiality-authority@acme.test -i "$1" -o "$2"
}
encrypted_by_bouncy() {
    echo "form-$(basename "$2" .p7) encrypt dca.pem oaep aes-256-gcm $1 $2" >>tasks
}

# Every form that a tool signs, FORM SIGNER LAYOUT ENTITY DIGEST.
signed_forms='opaque alice attached plain.ent sha256
clear alice detached plain.ent sha256
gateway-opaque gateway attached plain.ent sha256
gateway-clear gateway detached plain.ent sha256
dns-clear bydns detached plain.ent sha256
role-opaque role attached plain.ent sha512
below-clear below detached plain.ent sha384
below-opaque below attached plain.ent sha256
hp-opaque alice attached hp.ent sha256
hp-clear alice detached hp.ent sha256
cipher-clear alice detached cipher.ent sha256
legacy-opaque alice attached legacy.ent sha256
forward-opaque gateway attached forward.ent sha256
around gateway attached inside.ent sha256
document alice attached invoice.xml sha256
sha1 alice attached plain.ent sha1
md5 alice detached plain.ent md5'
# These tools refuse to sign with it.
cannot='gpgsm-md5 nss-md5 certtool-md5'

forms_make() {
    # What Alice has signed, for a signature around it.
    made_by_openssl alice attached plain.ent inside.p7 sha256 && opaque_part inside.p7 >inside.ent
    while read -r form signer layout entity digest; do
        for t in $tools; do
            case " $cannot " in *" $t-$form "*) continue ;; esac
            "made_by_$t" $signer $layout $entity forms/$t-$form.p7 $digest </dev/null >>forms.log 2>&1 ||
                echo "$t cannot sign $form" >>forms.log
        done
    done <<END
$signed_forms
END
    for t in openssl gpgsm nss bouncy; do
        for entity in plain whole; do
            "encrypted_by_$t" $entity.ent forms/$t-$entity-encrypted.p7
        done
        # What Bouncy Castle encrypts must be there before it starts.
        by=$t
        [ $t != bouncy ] || by=openssl
        clear_part cipher.ent forms/$by-cipher-clear.p7 >$t-cipher.ent
        "encrypted_by_$t" $t-cipher.ent forms/$t-cipher-encrypted.p7
        opaque_part forms/$by-opaque.p7 >$t-signed.ent
        "encrypted_by_$t" $t-signed.ent forms/$t-signed-encrypted.p7
        # As AsyncOS wraps three times.
        [ $t != bouncy ] || continue
        opaque_part forms/$t-gateway-opaque.p7 >$t-within.ent
        "encrypted_by_$t" $t-within.ent forms/$t-within.p7
        encrypted_part forms/$t-within.p7 >$t-around.ent
        "made_by_$t" gateway attached $t-around.ent forms/$t-triple.p7 sha256
    done >>forms.log 2>&1
    # A request for a receipt, and the receipt (RFC 2634 §2): the signature's own content, no MIME entity.
    openssl cms -sign -binary -nodetach -signer alice.pem -inkey alice.key -receipt_request_to alice@partner.test \
        -receipt_request_all -in plain.ent -outform DER -out asked.p7 &&
        openssl cms -sign_receipt -signer alice.pem -inkey alice.key -inform DER -in asked.p7 -outform DER -out forms/openssl-receipt.p7
    openssl cms -sign -binary -nodetach -signer alice.pem -inkey alice.key -signer below.pem -inkey below.key -in plain.ent \
        -outform DER -out forms/openssl-two.p7
    openssl cms -verify -noverify -inform DER -in forms/openssl-receipt.p7 -out receipt.der 2>>forms.log
    {
        echo "form-domain sign role.p12 SHA256withRSA attached plain.ent forms/domain.p7 1.2.840.113549.1.9.16.9.2"
        echo "form-review sign gateway.p12 SHA256withRSA attached inside.ent forms/review.p7 1.2.840.113549.1.9.16.9.4"
        echo "form-receipt sign alice.p12 SHA256withRSA attached receipt.der forms/bouncy-receipt.p7 receipt"
        echo "form-two sign alice.p12,below.p12 SHA256withRSA attached plain.ent forms/bouncy-two.p7"
        echo "form-compressed compress plain.ent forms/compressed.p7"
        echo "form-ski encrypt dca.pem pkcs1-ski aes-128-cbc plain.ent forms/ski.p7"
        for kind in auth unauth; do
            echo "form-$kind encrypt dca.pem pkcs1 aes-128-gcm plain.ent forms/$kind.p7 $kind"
        done
    } >>tasks
}

# --- as mail ---

base64_part() { # CONTENT-TYPE FILE
    printf 'Content-Type: %s\r\nContent-Transfer-Encoding: base64\r\n\r\n' "$1"
    openssl base64 -in "$2" | sed 's/$/\r/'
}
opaque_part() { # DER [CONTENT-TYPE]
    base64_part "${2:-application/pkcs7-mime; smime-type=signed-data; name=smime.p7m}" "$1"
}
clear_part() { # ENTITY DER [PARAMETERS]
    printf 'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n %s boundary=x\r\n\r\n--x\r\n' \
        "${3-micalg=sha-256;}"
    cat "$1"
    printf '\r\n--x\r\n'
    base64_part 'application/pkcs7-signature; name=smime.p7s' "$2"
    printf -- '--x--\r\n'
}
encrypted_part() { # DER [CONTENT-TYPE]
    base64_part "${2:-application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m}" "$1"
}
mail() { # a part on standard input, as a message to mail.eml
    printf 'From: Alice <alice@partner.test>\r\nTo: bob@acme.test\r\nSubject: [...]\r\nDate: Mon, 02 Mar 2026 09:30:00 +0100\r\n' >mail.eml
    printf 'Message-ID: <form@partner.test>\r\nMIME-Version: 1.0\r\n' >>mail.eml
    cat >>mail.eml
}
beside() { # a part on standard input, attached to a text
    printf 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nthe invoice\r\n--b\r\n'
    cat
    printf -- '--b--\r\n'
}

# --- what must become of it ---

policy() { # INBOUND [LINES]
    printf 'domain = "partner.test"; anchors = ( "../ca.pem" ); certificates = ( "../gateway.pem" );\n%s\n' "${2:-}" >conf/policy.d/partner.test.conf
    printf 'outbound = { protect = "sign"; };\ninbound = { %s };\n' "$1" >>conf/policy.d/partner.test.conf
}
address='naming = "address"; gateway_addresses = ( "gateway@partner.test" );'
agreed='require = "sign"; signed_by = "domain"; without_signature_type = "domain";'

# taken NAME WANT...: mail.eml, of which must become true what each WANT says: verdict=, domain=, originator= (in the report),
# has= (a line of the delivered message, as a basic regular expression) and not= (no line of it).
taken() {
    check "$1" taken_it "$@"
    rm -f got.eml report
}
taken_it() {
    shift
    direction=${DIRECTION:-inbound} from=alice@partner.test to=bob@acme.test
    [ $direction = inbound ] || from=bob@acme.test to=alice@partner.test
    "$gateway" filter -c conf/domsec.conf --direction $direction --from $from --to $to --auth "${LOGIN:-}" --client 192.0.2.1 \
        --report report <mail.eml >got.eml
    cat report got.eml
    for want in "$@"; do
        case $want in
        verdict=*) grep -q "\"verdict\": \"${want#*=}\"" report ;;
        domain=* | originator=*) sed -n "/\"${want%%=*}\": {/,/}/p" report | grep -q "\"result\": \"${want#*=}\"" ;;
        has=*) grep -q "${want#*=}" got.eml ;;
        not=*) ! grep -q "${want#*=}" got.eml ;;
        esac || { echo "not true: $want"; return 1; }
    done
}

forms_signed() {
    delivered='has=^H=C3=A4lt das?'
    policy 'require = "sign";'
    for t in $tools; do
        opaque_part forms/$t-opaque.p7 | mail
        taken "$t, opaque" verdict=accept originator=pass has=smime=pass 'has=name=smime.p7m'
        clear_part plain.ent forms/$t-clear.p7 | mail
        taken "$t, clear" verdict=accept originator=pass has=smime=pass "$delivered"
        # Outlook and others write the older names of the types; RFC 8551 §3.2.1 gives defaults for what is missing.
        opaque_part forms/$t-opaque.p7 'application/x-pkcs7-mime; name="smime.p7m"' | mail
        taken "$t, opaque, x-pkcs7-mime" verdict=accept originator=pass
        opaque_part forms/$t-opaque.p7 'application/octet-stream; name=smime.p7m' | mail
        taken "$t, opaque, by its name alone" verdict=accept originator=pass
        clear_part plain.ent forms/$t-clear.p7 "" | sed 's,application/pkcs7-sig,application/x-pkcs7-sig,' | mail
        taken "$t, clear, x-pkcs7-signature, no micalg" verdict=accept originator=pass
        clear_part plain.ent forms/$t-clear.p7 'micalg=SHA256;' | sed '1s/^/Mime-Version: 1.0\r\n/' | mail
        taken "$t, clear, a field doubled, micalg=SHA256" verdict=accept originator=pass
        { cat forms/$t-opaque.p7 && head -c 3 /dev/zero; } >padded.p7
        opaque_part padded.p7 | mail
        taken "$t, opaque, NULs behind it" verdict=accept originator=pass
        opaque_part forms/$t-forward-opaque.p7 | mail
        taken "$t, a message of Carol's, signed by someone else than Alice" verdict=reject domain=none originator=policy
        opaque_part forms/$t-around.p7 | mail
        taken "$t, someone else's signature around Alice's signed mail" verdict=accept domain=none originator=pass
        opaque_part forms/$t-legacy-opaque.p7 | mail
        taken "$t, fields without hp" verdict=accept originator=pass 'has=^Subject: \[\.\.\.\]'
    done
    for t in openssl bouncy; do
        opaque_part forms/$t-receipt.p7 'application/pkcs7-mime; smime-type=signed-receipt; name=smime.p7m' | mail
        taken "$t, a signed receipt" verdict=accept originator=pass 'has=(a receipt)'
    done
    # Its own MIME, with a preamble and with line ends of Unix.
    for command in 'cms -sign' 'cms -sign -nodetach' 'smime -sign' 'smime -sign -nodetach -md sha512'; do
        # shellcheck disable=SC2086 # word splitting is meant
        openssl $command -binary -signer alice.pem -inkey alice.key -in plain.ent | sed 's/\r*$/\r/' | mail
        taken "openssl $command" verdict=accept originator=pass has=smime=pass
    done
    policy 'require = "sign";' 'intermediates = ( "../sub.pem" );'
    for t in $tools; do
        clear_part plain.ent forms/$t-below-clear.p7 | mail
        taken "$t, clear, SHA-384, its intermediate configured" verdict=accept originator=pass
        opaque_part forms/$t-below-opaque.p7 | mail
        taken "$t, opaque, its intermediate configured" verdict=accept originator=pass
    done
    for t in openssl bouncy; do
        opaque_part forms/$t-two.p7 | mail
        taken "$t, Alice has signed with two keys" verdict=accept originator=pass
    done
    policy 'require = "sign"; originator_signatures = "remove";'
    for t in $tools; do
        opaque_part forms/$t-opaque.p7 | mail
        taken "$t, opaque, taken off" verdict=accept originator=pass "$delivered" not=pkcs7 has=alice@partner.test
        clear_part plain.ent forms/$t-clear.p7 | mail
        taken "$t, clear, taken off" verdict=accept originator=pass "$delivered" not=pkcs7
    done
    for layout in opaque clear; do
        for t in $tools; do
            case $layout in
            opaque) opaque_part forms/$t-hp-opaque.p7 ;;
            clear) clear_part hp.ent forms/$t-hp-clear.p7 ;;
            esac | mail
            taken "$t, $layout, protected fields, taken off" verdict=accept 'has=^Subject: the real subject' 'has=^Comments: in private' \
                'not=^Subject: \[' "$delivered"
        done
    done
}

# What other gateways sign for their domain.
forms_for_the_domain() {
    for naming in "$address" 'naming = "pinned";'; do
        policy "$agreed" "$naming"
        for t in $tools; do
            opaque_part forms/$t-gateway-opaque.p7 | mail
            taken "$t, for the domain, opaque, ${naming%%;*}" verdict=accept domain=pass originator=none "$delivered" not=pkcs7
            clear_part plain.ent forms/$t-gateway-clear.p7 | mail
            taken "$t, for the domain, clear, ${naming%%;*}" verdict=accept domain=pass originator=none "$delivered" not=pkcs7
            opaque_part forms/$t-around.p7 | mail
            taken "$t, for the domain, around Alice's, ${naming%%;*}" verdict=accept domain=pass originator=pass
            [ -e forms/$t-triple.p7 ] || continue
            opaque_part forms/$t-triple.p7 | mail
            taken "$t, for the domain, three times, ${naming%%;*}" verdict=accept domain=pass originator=none "$delivered" not=pkcs7
        done
    done
    policy "$agreed" 'naming = "domain";'
    for t in $tools; do
        clear_part plain.ent forms/$t-dns-clear.p7 | mail
        taken "$t, for the domain, naming = \"domain\"" verdict=accept domain=pass "$delivered"
    done
    policy "$agreed" 'naming = "mailbox";'
    for t in $tools; do
        opaque_part forms/$t-role-opaque.p7 | mail
        taken "$t, for the domain, SHA-512, naming = \"mailbox\"" verdict=accept domain=pass "$delivered"
    done
    policy 'require = "sign"; signed_by = "domain";' 'naming = "mailbox";'
    opaque_part forms/domain.p7 | mail
    taken "bouncy, for the domain, with SignatureType" verdict=accept domain=pass "$delivered"
    policy 'require = "sign";' 'naming = "pinned";'
    opaque_part forms/review.p7 | mail
    taken "bouncy, a review of what openssl has signed" verdict=accept originator=pass 'has=review'
}

# Not good, for a reason that is the message's; never 4xx.
forms_weak() {
    policy 'require = "none";'
    for t in $tools; do
        opaque_part forms/$t-sha1.p7 | mail
        taken "$t, SHA-1" verdict=accept originator=policy 'has=weak digest'
        case " $cannot " in *" $t-md5 "*) continue ;; esac
        clear_part plain.ent forms/$t-md5.p7 'micalg=md5;' | mail
        taken "$t, MD5" verdict=accept originator=policy 'has=weak digest'
    done
}

forms_documents() {
    policy 'require = "none";' 'null_signature = false;'
    for t in $tools; do
        base64_part 'application/pkcs7-mime; smime-type=signed-data; name=invoice.xml.p7m' forms/$t-document.p7 | beside | mail
        taken "$t, a signed document attached" verdict=accept domain=none originator=none
        sed 's/alice@partner/bob@acme/; s/^To: bob@acme/To: alice@partner/' mail.eml >out.eml && mv out.eml mail.eml
        DIRECTION=outbound LOGIN=bob taken "$t, a signed document attached, outbound" verdict=accept 'has=invoice.xml.p7m'
    done
}

forms_encrypted() {
    policy 'require = "encrypt";'
    for t in openssl gpgsm nss bouncy; do
        encrypted_part forms/$t-plain-encrypted.p7 | mail
        taken "$t, encrypted" verdict=accept "$delivered" not=pkcs7
        encrypted_part forms/$t-plain-encrypted.p7 'application/x-pkcs7-mime; name=smime.p7m' | mail
        taken "$t, encrypted, x-pkcs7-mime" verdict=accept "$delivered" not=pkcs7
        { cat forms/$t-plain-encrypted.p7 && head -c 5 /dev/zero; } >padded.p7
        encrypted_part padded.p7 | mail
        taken "$t, encrypted, NULs behind it" verdict=accept "$delivered" not=pkcs7
        # As mail servers make it that add a part to everything.
        {
            printf 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'
            encrypted_part forms/$t-plain-encrypted.p7
            printf -- '--b--\r\n'
        } | mail
        taken "$t, encrypted, alone in multipart/mixed" verdict=accept "$delivered" not=pkcs7
        encrypted_part forms/$t-whole-encrypted.p7 | mail
        taken "$t, a whole message encrypted" verdict=accept 'has=^Subject: \[\.\.\.\]' 'has=the real subject' "$delivered"
    done
    for command in cms smime; do
        openssl $command -encrypt -binary -aes-128-cbc -in plain.ent dca.pem | sed 's/\r*$/\r/' | mail
        taken "openssl $command -encrypt" verdict=accept "$delivered" not=pkcs7
    done
    encrypted_part forms/ski.p7 | mail
    taken "bouncy, encrypted by the key identifier" verdict=accept "$delivered" not=pkcs7
    base64_part 'application/pkcs7-mime; smime-type=compressed-data; name=smime.p7z' forms/compressed.p7 >packed.ent
    encrypted_by_openssl packed.ent packed.p7
    encrypted_part packed.p7 | mail
    taken "openssl, around what bouncy has compressed" verdict=accept "$delivered" not=pkcs7
    for kind in auth unauth; do
        if openssl cms -cmsout -inform DER -in forms/$kind.p7 -out /dev/null 2>/dev/null; then
            encrypted_part forms/$kind.p7 'application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m' | mail
            taken "bouncy, AuthEnvelopedData with ${kind}Attrs" verdict=accept "$delivered" not=pkcs7
        else
            not_supported 'OpenSSL before 3.0.22' "AuthEnvelopedData with ${kind}Attrs"
        fi
    done
    policy 'require = "sign+encrypt";'
    for t in openssl gpgsm nss bouncy; do
        encrypted_part forms/$t-signed-encrypted.p7 | mail
        taken "$t, signed and encrypted" verdict=accept originator=pass has=smime=pass
        encrypted_part forms/$t-cipher-encrypted.p7 | mail
        taken "$t, signed and encrypted with protected fields" verdict=accept originator=pass 'has=^Subject: the real subject' \
            "$delivered"
    done
}

forms() {
    check 'forms: keys and certificates' forms_keys
    check 'forms: gpgsm imports' forms_import_gpgsm
    check 'forms: cmsutil imports' forms_import_nss
    mkdir -p forms
    forms_entities
    forms_make
}
forms_check() {
    forms_signed
    forms_for_the_domain
    forms_weak
    forms_documents
    forms_encrypted
}
