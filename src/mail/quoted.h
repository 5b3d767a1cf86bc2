/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quoted: quoted-printable for what is signed (RFC 2045 §6.7). Private to mail/.
 */
#ifndef DOMSEC_MAIL_QUOTED_H
#define DOMSEC_MAIL_QUOTED_H

#include "mail/spool.h"

/* Writes text, whose line ends are CRLF, as quoted-printable lines of up to 76 octets, which decode to the same
 * bytes. close: the output ends in CRLF (by a soft line break if text does not), as the body of a whole message
 * must; the body of a part in a multipart ends where its text ends. */
bool quoted_write(struct slice text, bool close, struct spool *out, struct error *error);

#endif
