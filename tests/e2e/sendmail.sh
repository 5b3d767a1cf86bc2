# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Sendmail as the mail server of a domain of the rig (lib.sh), in Postfix's place. Debian lets only one of the two be
# installed, so its package is unpacked into BUILD/sendmail, where it runs as it is, with the configuration of the rig.

# sendmail_root: sets $SENDMAIL_ROOT, a folder with Debian's Sendmail and those of its libraries that this machine lacks.
# It comes from the mirror of the host's apt, which checks it. A complete one is used again.
sendmail_root() {
    SENDMAIL_ROOT=$BUILD/sendmail
    [ ! -e "$SENDMAIL_ROOT/complete" ] || return 0
    sendmail_unpack >"$SENDMAIL_ROOT.log" 2>&1 || {
        tail -n 20 "$SENDMAIL_ROOT.log" >&2
        fail "Sendmail cannot be unpacked into $SENDMAIL_ROOT"
    }
}

sendmail_unpack() {
    local packages
    rm -rf "${SENDMAIL_ROOT:?}"
    mkdir -p "$SENDMAIL_ROOT/archives/partial"
    # sasl2-bin has the program that sets passwords. Only downloads, so it does not matter that installing them would remove Postfix.
    local download=(apt-get install -q -y --download-only --no-install-recommends -o "APT::Sandbox::User=root"
        -o "Dir::Cache::archives=$SENDMAIL_ROOT/archives" sendmail-bin sendmail-cf sasl2-bin)
    "${download[@]}" || { apt-get update -q && "${download[@]}"; } || return
    packages=("$SENDMAIL_ROOT"/archives/*.deb)
    [ "${#packages[@]}" -ge 3 ] || return
    for package in "${packages[@]}"; do
        dpkg-deb -x "$package" "$SENDMAIL_ROOT" || return
    done
    # The loader takes no LD_LIBRARY_PATH for a program that changes its group.
    chmod 755 "$SENDMAIL_ROOT/usr/libexec/sendmail/sendmail"
    rm -r "$SENDMAIL_ROOT/archives"
    [ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-}" "$SENDMAIL_ROOT"
    touch "$SENDMAIL_ROOT/complete"
}

# sendmail_run ORG: sets $RUN, what stands before a command that needs the libraries and programs of the root.
sendmail_run() {
    local libraries=("$SENDMAIL_ROOT"/{usr/,}lib/*-linux-gnu)
    RUN=(env "LD_LIBRARY_PATH=$(IFS=: && echo "${libraries[*]}")" "PATH=$SENDMAIL_ROOT/usr/bin:$SENDMAIL_ROOT/usr/sbin:$PATH"
        "LD_PRELOAD=$BUILD/preload/sendmail.so" "SENDMAIL_HOST=mx.${ORG_DOMAIN[$1]}" "SENDMAIL_LOG=$RIG/$1/mail.log")
}

# org_sendmail NAME DOMAIN PEER-DOMAIN NUMBER: as org, with Sendmail. What is for other domains than PEER-DOMAIN goes to
# the sink.
org_sendmail() {
    local dir=$RIG/$1 RUN
    org_names "$@"
    mkdir -p "$dir"/{etc,queue,run}
    chmod 700 "$dir/queue"
    chmod 750 "$dir/run"
    chown nobody "$dir/run"
    printf '%s esmtp:[%s.%d]\n' "$3" "${ORG_IP[$1]%.*}" $(($4 * 10 + 3)) >"$dir/etc/mailertable"
    printf 'hosts files\naliases files\n' >"$dir/etc/service.switch"
    : >"$dir/etc/aliases"
    printf 'pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: %s\n' "$dir/etc/passwords" >"$dir/etc/Sendmail.conf"
    sendmail_run "$1"
    printf secret | "${RUN[@]}" saslpasswd2 -p -c -f "$dir/etc/passwords" -u "mx.$2" alice || fail "saslpasswd2 fails"
    # The local mailer: a Maildir for each of two users, another for the rest; nothing can be delivered to "full".
    cat >"$dir/etc/deliver" <<EOF
#!/bin/sh
set -eu
case \$1 in
alice | bob) box=$dir/mail/\$1 ;;
full) exit 73 ;; # EX_CANTCREAT
*) box=$dir/mail/others ;;
esac
umask 022
mkdir -p "\$box/tmp" "\$box/new"
cat >"\$box/tmp/\$\$"
mv "\$box/tmp/\$\$" "\$box/new/\$(date +%s%N).\$\$"
EOF
    chmod 755 "$dir/etc/deliver"
    sendmail_configure "$1" "local:$dir/run/milter"
}

# sendmail_configure ORG SOCKET: makes sendmail.cf from Debian's parts and from the lines that domsec's package has for it.
# Without its flag 9 the local mailer delivers quoted-printable as it is; with it, Sendmail adds a line. Without w, users
# need no account. A busy machine must not make it queue (QueueLA) or refuse (RefuseLA).
sendmail_configure() {
    local dir=$RIG/$1 RUN cf=$SENDMAIL_ROOT/usr/share/sendmail/cf
    cat >"$dir/etc/sendmail.mc" <<EOF
define(\`MAIL_SETTINGS_DIR', \`$dir/etc/')dnl
include(\`$cf/m4/cf.m4')dnl
include(\`$cf/debian/autoconf.m4')dnl
OSTYPE(\`debian')dnl
DOMAIN(\`debian-mta')dnl
define(\`confDOMAIN_NAME', \`mx.${ORG_DOMAIN[$1]}')dnl
define(\`confPID_FILE', \`$dir/pid')dnl
define(\`confCONTROL_SOCKET_NAME', \`')dnl
define(\`confHOST_STATUS_DIRECTORY', \`')dnl
define(\`STATUS_FILE', \`$dir/statistics')dnl
define(\`HELP_FILE', \`/dev/null')dnl
define(\`ALIAS_FILE', \`$dir/etc/aliases')dnl
define(\`QUEUE_DIR', \`$dir/queue')dnl
define(\`confSERVICE_SWITCH_FILE', \`$dir/etc/service.switch')dnl
define(\`confTRUSTED_USER', \`root')dnl
define(\`confDEF_USER_ID', \`nobody:nogroup')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confTO_CONNECT', \`5s')dnl
define(\`confMIN_QUEUE_AGE', \`0')dnl
define(\`confBIND_OPTS', \`')dnl
define(\`confQUEUE_LA', \`9999')dnl
define(\`confREFUSE_LA', \`9999')dnl
FEATURE(\`no_default_msa')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Port=10025, Addr=${ORG_IP[$1]}')dnl
CLIENT_OPTIONS(\`Family=inet, Addr=${ORG_IP[$1]}')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`mailertable', \`text -k0 -v1 -o $dir/etc/mailertable')dnl
LOCAL_DOMAIN(\`${ORG_DOMAIN[$1]}')dnl
RELAY_DOMAIN(\`${ORG_CLIENT[$1]} ${ORG_CLIENT[$1]%?}9')dnl
define(\`SMART_HOST', \`esmtp:[${ORG_IP[$1]%.*}.19]')dnl
define(\`ESMTP_MAILER_ARGS', \`TCP \$h 10025')dnl
define(\`LOCAL_MAILER_PATH', \`$dir/etc/deliver')dnl
define(\`LOCAL_MAILER_ARGS', \`deliver \$u')dnl
MODIFY_MAILER_FLAGS(\`LOCAL', \`-w9')dnl
define(\`confAUTH_MECHANISMS', \`PLAIN')dnl
TRUST_AUTH_MECH(\`PLAIN')dnl
define(\`DOMSEC_SOCKET', \`$2')dnl
include(\`$here/../../packaging/sendmail/domsec.m4')dnl
MAILER(\`local')dnl
MAILER(\`smtp')dnl
LOCAL_CONFIG
ESASL_CONF_PATH=$dir/etc
EOF
    sendmail_run "$1"
    "${RUN[@]}" m4 "$dir/etc/sendmail.mc" >"$dir/etc/sendmail.cf" || fail "m4 fails for $1"
}

sendmail_start() {
    local RUN
    sendmail_run "$1"
    spawn "sendmail-$1" "${RUN[@]}" "$SENDMAIL_ROOT/usr/libexec/sendmail/sendmail" -C "$RIG/$1/etc/sendmail.cf" -bD -q1s
    wait_for 10 listens "${ORG_IP[$1]}:10025" || {
        cat "$RIG/sendmail-$1.log" >&2
        fail "Sendmail of $1 does not listen"
    }
}

sendmail_stop() {
    stop "sendmail-$1" || return
    wait_for 10 sendmail_idle "$1" || why "a process of Sendmail goes on"
}

sendmail_restart() { # ORG SOCKET
    sendmail_stop "$1"
    sendmail_configure "$@"
    sendmail_start "$1"
}

# No delivery and no run of the queue is under way.
sendmail_idle() {
    local proc
    for proc in /proc/[0-9]*; do
        [ "$(readlink "$proc/cwd" 2>/dev/null)" != "$RIG/$1/queue" ] || [ "${proc#/proc/}" = "${PIDS[sendmail-$1]:-}" ] || return 1
    done
}
