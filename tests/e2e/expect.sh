# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What cases are made of: a case with its title and its reason, and what a message that was sent must come to.

PASSED=0 FAILED=0 REASON=

# why REASON: why a case failed; itself a failure, so that `… || why "…"` ends a case.
why() {
    REASON=${REASON:-$*}
    return 1
}

# it TITLE COMMAND...: one case.
it() {
    local title=$1
    shift
    REASON=
    if "$@"; then
        PASSED=$((PASSED + 1))
        printf 'ok      %s\n' "$title"
    else
        FAILED=$((FAILED + 1))
        printf 'FAILED  %s: %s\n' "$title" "${REASON:-no reason given}"
    fi
}

# both PROTECT REQUIRE [LINES]: the same policy in both domains, in force when this returns.
both() {
    policy acme "$@"
    policy partner "$@"
    gateway_reload acme
    gateway_reload partner
}

# send ORG FROM TO FILE [options]: must be accepted.
send() {
    local said
    said=$(submit "$@") || why "not accepted: $said"
}

# refused PATTERN ORG FROM TO FILE [options]: must be answered with PATTERN.
refused() {
    local pattern=$1 said
    shift
    said=$(submit "$@") && { why "accepted: $said"; return 1; }
    [[ $said =~ $pattern ]] || why "answered \"$said\", not $pattern"
}

# arrives ORG MAILBOX ID: sets $GOT to the delivered file.
arrives() {
    wait_for 15 delivered "$@" >/dev/null || why "not delivered" || return
    GOT=$(delivered "$@")
    [ "$(wc -l <<<"$GOT")" = 1 ] || why "delivered more than once"
}

# arrives_equal ORG MAILBOX ID FILE [mail_compare's options]: delivered, the same as FILE, with the result $WANT.
arrives_equal() {
    local said results
    arrives "$1" "$2" "$3" || return
    said=$("$TOOLS/mail_compare" "${@:5}" "$4" "$GOT") || why "$said" || return
    results=$(result_of "$1" "$GOT")
    [[ $results == *"${WANT:-}"* ]] || why "result: ${results:-none}, not $WANT"
}

not_delivered() { # ID: to nobody, anywhere, and waiting nowhere
    local org
    for org in acme partner; do
        [ -z "$(with_id "$1" "$RIG/$org"/mail/*/new/*)" ] || why "delivered at $org" || return
    done
}

# In a build for it, its findings are failures too.
sanitizer_is_quiet() {
    ! grep -hE 'Sanitizer|runtime error' "$RIG"/*.log || why "see $RIG/gateway-*.log"
}
