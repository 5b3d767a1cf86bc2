# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The rig of the end-to-end tests and of the demonstration: mail domains on loopback, each with a Postfix of its own
# (own configuration, queue, data, log; the system's Postfix is not touched), and a tap on the wire between them.
#
#     Alice ─▶ acme.test's Postfix ─▶ tap ─▶ partner.test's Postfix ─▶ Maildirs         and the same way back
#
# Each run has a network of its own within 127.0.0.0/8, so that runs side by side do not meet and ports can be fixed.
# Source addresses tell the gateways who is who: a domain trusts its own client (.12, .22), not the tap, not the
# stranger (.66).
# Must run as root; whoever is not is asked to become it by sudo.
# Nothing outlives rig_end: what was started is stopped by its own process id, and rig_end looks whether that worked.

[ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || exec sudo -- "$0" "$@"

PATH=$PATH:/usr/sbin:/sbin
shopt -s nullglob

declare -A ORG_IP ORG_CLIENT ORG_DOMAIN ORG_PEER
declare -A PIDS # name → process id of what runs beside Postfix

fail() {
    echo "e2e: $*" >&2
    exit 1
}

# guarded DIRECTORY: no other account can change it, or a directory above; otherwise the gateway refuses to start there.
guarded() {
    local dir=$1
    while [ -z "$(find "$dir" -maxdepth 0 -perm /022 ! -perm -1000)" ]; do
        [ "$dir" != / ] || return 0
        dir=$(dirname "$dir")
    done
    return 1
}

# rig_begin BUILD NAME: makes $RIG, the folder that holds everything of this run.
rig_begin() {
    [ "$(id -u)" = 0 ] || fail "must run as root or by sudo: Postfix switches users"
    command -v postfix >/dev/null || fail "Postfix is not installed (make deps)"
    BUILD=$(cd "$1" && pwd)
    TOOLS=$BUILD/tools
    RIG=$BUILD/$2
    RIG_NAME=$2
    exec 9>"$BUILD/$2.lock"
    flock -n 9 || fail "$RIG is in use by another run"
    rm -rf "${RIG:?}"
    mkdir -p "$RIG"
    chmod 755 "$RIG"
    # Postfix' unprivileged half must be able to walk there, no other account may change it, and Postfix's configuration
    # knows no way to quote.
    if ! setpriv --reuid=postfix --regid=postfix --clear-groups test -x "$RIG" || ! guarded "$RIG" || [[ $RIG =~ [^A-Za-z0-9/._+-] ]]; then
        rmdir "$RIG"
        RIG=$(mktemp -d /tmp/domsec.XXXXXX)
        chmod 755 "$RIG"
        ln -sfn "$RIG" "$BUILD/$2"
    fi
    NET=127.$((32 + $$ % 200)).$(($$ / 200 % 250))
    while ss -Hltn | grep -qF " $NET."; do # another run, in another process namespace
        NET=127.$((32 + RANDOM % 200)).$((RANDOM % 250))
    done
    STRANGER=$NET.66
    SERIAL=0
    mkdir "$RIG/sent"
    trap rig_trap EXIT
    trap "exit 130" INT TERM HUP PIPE
}

rig_trap() {
    local status=$?
    trap - EXIT
    rig_end || status=1
    exit "$status"
}

# Ends what was started. Not 0, with a line each, when a process or a port is left.
rig_end() {
    local name org pids left=0
    for org in "${!ORG_IP[@]}"; do
        postfix_stop "$org"
    done
    for name in "${!PIDS[@]}"; do
        stop "$name"
    done
    wait_for 10 rig_is_empty # those that have been told to end
    pids=$(rig_processes)
    if [ -n "$pids" ]; then
        echo "e2e: processes left: $pids" >&2
        left=1
    fi
    if ss -Hltn | grep -F " $NET." >&2; then
        echo "e2e: ports left open" >&2
        left=1
    fi
    # What was made as root in a user's build folder is the user's to remove.
    [ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-}" "$RIG" "$BUILD"/*.lock
    return "$left"
}

# After a good end: the folder is kept for those who want to look, unless it is not under BUILD.
rig_leave() {
    case $RIG in
    "$BUILD"/*) ;;
    *) rm -rf "${RIG:?}" "$BUILD/$RIG_NAME" ;;
    esac
}

# Every process that lives in the rig's folder or was started with a path in it, this shell and its children apart.
rig_processes() {
    local proc pid
    for proc in /proc/[0-9]*; do
        pid=${proc#/proc/}
        [ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] && continue
        case $(readlink "$proc/cwd" 2>/dev/null) in "$RIG"/*) echo "$pid"; continue ;; esac
        if { tr '\0' '\n' <"$proc/cmdline"; } 2>/dev/null | grep -qF -e "$RIG/" -e "$NET."; then
            echo "$pid"
        fi
    done | sort -un | tr '\n' ' '
}

rig_is_empty() {
    [ -z "$(rig_processes)" ]
}

# spawn NAME COMMAND...: in the background, output to $RIG/NAME.log
spawn() {
    local name=$1
    shift
    "$@" >>"$RIG/$name.log" 2>&1 9>&- </dev/null &
    PIDS[$name]=$!
    disown # the shell does not comment on its end
}

# stop NAME [SIGNAL]: SIGTERM, and SIGKILL when it does not listen within ten seconds (which fails).
stop() {
    local pid=${PIDS[$1]:-} signal=${2:-TERM} status=0
    [ -n "$pid" ] || return 0
    unset "PIDS[$1]"
    kill "-$signal" "$pid" 2>/dev/null
    if ! wait_for 10 gone "$pid"; then
        kill -KILL "$pid" 2>/dev/null
        echo "e2e: $1 did not end on SIG$signal" >&2
        status=1
    fi
    return "$status"
}

gone() {
    case $(awk '{print $3}' "/proc/$1/stat" 2>/dev/null) in '' | Z) return 0 ;; esac
    return 1
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds.
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -le "$end" ] || return 1
        sleep 0.03
    done
}

listens() { # IP:PORT
    [ -n "$(ss -Hltn "src $1")" ]
}

# org_names NAME DOMAIN PEER-DOMAIN NUMBER: what a mail domain is called, and where it is.
org_names() {
    ORG_DOMAIN[$1]=$2 ORG_PEER[$1]=$3 ORG_IP[$1]=$NET.$(($4 * 10 + 1)) ORG_CLIENT[$1]=$NET.$(($4 * 10 + 2))
    mkdir -p "$RIG/$1"/{mail,wire}
    chmod 755 "$RIG/$1"
    chown nobody:nogroup "$RIG/$1/mail"
}

# org NAME DOMAIN PEER-DOMAIN NUMBER: a mail domain that sends what is for PEER-DOMAIN through a tap.
org() {
    local dir=$RIG/$1
    org_names "$@"
    mkdir -p "$dir"/{etc,queue,data}
    chmod 755 "$dir"/{etc,queue}
    chown postfix "$dir/data"
    # inet_interfaces takes only addresses that an interface names, which 127.0.0.1 alone is; master.cf says where it
    # listens.
    cat >"$dir/etc/main.cf" <<EOF
compatibility_level = 3.6
config_directory = $dir/etc
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/mail.log
maillog_file_prefixes = $dir
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.$2
myorigin = $2
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_bind_address = ${ORG_IP[$1]}
mynetworks = ${ORG_CLIENT[$1]}/32
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_authorized_xclient_hosts = \$mynetworks
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
smtputf8_enable = yes
relay_domains =
transport_maps = inline:{ $3=smtp:[${ORG_IP[$1]%.*}.$(($4 * 10 + 3))]:10025 }
virtual_mailbox_domains = $2
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = texthash:$dir/etc/mailboxes
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
mailbox_size_limit = 0
virtual_mailbox_limit = 0
message_size_limit = 52428800
notify_classes =
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
smtpd_error_sleep_time = 0
smtpd_delay_reject = no
in_flow_delay = 0
EOF
    cat >"$dir/etc/mailboxes" <<EOF
alice@$2 alice/
bob@$2 bob/
jörg@$2 joerg/
@$2 others/
EOF
    cat >"$dir/etc/master.cf" <<EOF
${ORG_IP[$1]}:10025 inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
full      unix - n n - - pipe user=nobody argv=/bin/false
postlog   unix-dgram n - n - 1 postlogd
EOF
}

# org_set ORG "NAME = VALUE"...: main.cf settings; takes effect with the next start or reload.
org_set() {
    local org=$1
    shift
    postconf -c "$RIG/$org/etc" -e "$@"
}

postfix_start() {
    local dir=$RIG/$1
    postfix -c "$dir/etc" start >>"$dir/postfix.log" 2>&1 9>&- || {
        cat "$dir/postfix.log" "$dir/mail.log" >&2 2>/dev/null
        fail "Postfix of $1 does not start"
    }
    wait_for 10 listens "${ORG_IP[$1]}:10025" || fail "Postfix of $1 does not listen"
}

postfix_stop() {
    local dir=$RIG/$1
    [ -s "$dir/queue/pid/master.pid" ] || return 0
    postfix -c "$dir/etc" stop >>"$dir/postfix.log" 2>&1 9>&-
}

postfix_reload() {
    postfix -c "$RIG/$1/etc" reload >>"$RIG/$1/postfix.log" 2>&1 9>&-
}

# tap ORG PEER: what ORG sends to PEER passes here; each message is kept in $RIG/ORG/wire.
tap() {
    local at=${ORG_CLIENT[$1]%?}3:10025
    spawn "tap-$1" "$TOOLS/smtp_tap" -l "$at" -f "${ORG_IP[$2]}:10025" -b "${at%:*}" -d "$RIG/$1/wire"
    wait_for 5 listens "$at" || fail "the tap behind $1 does not listen"
}

# submit ORG FROM TO FILE [smtp_send's options]: as ORG's own client does; prints the server's last word.
submit() {
    local org=$1 from=$2 to=$3 file=$4
    shift 4
    "$TOOLS/smtp_send" -s "${ORG_IP[$org]}:10025" -b "${ORG_CLIENT[$org]}" -f "$from" -t "$to" "$@" "$file"
}

# with_id ID FILE...: the files that have this Message-ID in their header.
with_id() {
    local id=$1 file
    shift
    [ $# -gt 0 ] || return 0
    grep -lF -e "<$id>" "$@" 2>/dev/null | while IFS= read -r file; do
        # Not a pipe into grep -q: with pipefail set, sed's broken pipe would count.
        [ -z "$(sed -n -e '/^\r*$/q' -e "/^[Mm]essage-[Ii][Dd]: *<$id>/p" "$file")" ] || echo "$file"
    done
}

# delivered ORG MAILBOX ID: prints the delivered file; fails when there is none.
delivered() {
    local found
    found=$(with_id "$3" "$RIG/$1/mail/$2"/new/*)
    [ -n "$found" ] && echo "$found"
}

# on_the_wire ORG ID: the message as it left ORG.
on_the_wire() {
    local found
    found=$(with_id "$2" "$RIG/$1"/wire/*.eml)
    [ -n "$found" ] && echo "$found" | tail -n 1
}

# answer_to ORG ID: what the far server said to the message that ORG sent.
answer_to() {
    local wire
    wire=$(on_the_wire "$1" "$2") && [ -s "${wire%.eml}.env" ] && tail -n 1 "${wire%.eml}.env" | tr -d '\r'
}

# A name for the next message, unique in this run, in $ID.
next_id() {
    SERIAL=$((SERIAL + 1))
    ID=$1.$SERIAL@e2e.test
    FILE=$RIG/sent/$1.$SERIAL.eml
}

queue_is_empty() {
    [ -z "$(find "$RIG/$1"/queue/{incoming,active,deferred,maildrop} "$RIG/$1"/queue/[dq]f* -type f 2>/dev/null | head -n 1)" ]
}

in_log() { # ORG PATTERN
    grep -qE -e "$2" "$RIG/$1/mail.log"
}
