# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Private keys in tokens of SoftHSM, for the gateways of the rig (gateway.sh).

SOFTHSM_MODULE=/usr/lib/softhsm/libsofthsm2.so
TOKEN_PIN=271828

# token ORG: moves the private keys of ORG's gateway into a token. Copies stay outside of it, for `layers`.
token() {
    local dir=$RIG/$1 conf=$RIG/$1/gateway/domsec.conf key
    mkdir -p "$dir/tokens" "$dir/escrow"
    printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$dir/tokens" >"$dir/softhsm2.conf"
    (umask 077 && echo "$TOKEN_PIN" >"$dir/gateway/keys/token.pin")
    printf 'key_environment = ( "SOFTHSM2_CONF=%s" );\n' "$dir/softhsm2.conf" >>"$conf"
    SOFTHSM2_CONF=$dir/softhsm2.conf softhsm2-util --init-token --free --label "$1" --so-pin 31415926 --pin "$TOKEN_PIN" \
        >>"$RIG/token-$1.log" 2>&1 || fail "no token for $1"
    for key in dsa dca; do
        token_import "$1" "$key"
        mv "$dir/gateway/keys/$key.key" "$dir/escrow/"
        sed -i "s|\"file:keys/$key.key\"|\"pkcs11:token=$1;object=$key?module-path=$SOFTHSM_MODULE\"; passphrase_file = \"keys/token.pin\"|" "$conf"
    done
    ! grep -q 'file:keys/d' "$conf" || fail "a key of $1 is still in a file"
}

token_import() { # ORG KEY
    local dir=$RIG/$1 id
    id=$(printf '%s' "$2" | od -An -tx1 | tr -d ' \n')
    openssl pkey -in "$dir/gateway/keys/$2.key" -outform DER -out "$dir/escrow/$2.der"
    openssl pkey -in "$dir/gateway/keys/$2.key" -pubout -outform DER -out "$dir/escrow/$2.pub"
    token_write "$1" "$dir/escrow/$2.der" --type privkey --label "$2" --id "$id" --usage-sign --usage-decrypt --usage-derive
    token_write "$1" "$dir/escrow/$2.pub" --type pubkey --label "$2" --id "$id"
}

token_write() { # ORG FILE OPTION...
    local org=$1 file=$2
    shift 2
    SOFTHSM2_CONF=$RIG/$org/softhsm2.conf pkcs11-tool --module "$SOFTHSM_MODULE" --token-label "$org" --pin "$TOKEN_PIN" \
        --write-object "$file" "$@" >>"$RIG/token-$org.log" 2>&1 || fail "the token of $org takes no key"
}
