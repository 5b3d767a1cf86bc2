dnl # SPDX-License-Identifier: Apache-2.0
dnl #
dnl # What Sendmail needs to pass its mail through domsec. Include this file in sendmail.mc, behind OSTYPE and DOMAIN and
dnl # before MAILER, and create sendmail.cf anew:
dnl #
dnl #     include(`/usr/share/domsec/sendmail/domsec.m4')dnl
dnl #
dnl # The socket is that of `listen` in domsec.conf. For another one, define DOMSEC_SOCKET before the include.
dnl #
ifdef(`DOMSEC_SOCKET', `', `define(`DOMSEC_SOCKET', `local:/run/domsec/milter')')dnl
dnl #
dnl # F=T: mail waits while the gateway is down. Without it, mail leaves as plaintext.
dnl # T: how long it may take to connect (C), to send (S), to answer (R), and to judge a complete message (E).
dnl #
INPUT_MAIL_FILTER(`domsec', `S='DOMSEC_SOCKET`, F=T, T=C:30s;S:1m;R:5m;E:10m')dnl
dnl #
dnl # Sendmail does not show its own notifications to milters, so they must not contain the message.
dnl #
define(`confPRIVACY_FLAGS', ifdef(`confPRIVACY_FLAGS', `defn(`confPRIVACY_FLAGS')`,'')`nobodyreturn')dnl
