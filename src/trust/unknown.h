/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unknown: why it is not known whether a certificate has been revoked, in words that follow "the certificate".
 */
#ifndef DOMSEC_TRUST_UNKNOWN_H
#define DOMSEC_TRUST_UNKNOWN_H

#define NOT_CHECKED "cannot be checked for revocation"

/* Lists. */
#define UNKNOWN_NO_LIST NOT_CHECKED ": there is no CRL for it"
#define UNKNOWN_LIST_IS_NONE NOT_CHECKED ": what its CRL's server sends is no CRL"
#define UNKNOWN_LIST_SIGNATURE NOT_CHECKED ": its CRL's signature is bad"
#define UNKNOWN_LIST_SIGNER NOT_CHECKED ": its CRL is not signed by a key that is known here"
#define UNKNOWN_LIST_CRITICAL NOT_CHECKED ": its CRL has an unknown critical extension"
#define UNKNOWN_LIST_OLDER NOT_CHECKED ": its CRL's server sends an older one than before"
#define UNKNOWN_LIST_UNFETCHED NOT_CHECKED ": its CRL cannot be fetched"
#define UNKNOWN_LIST_REFUSED NOT_CHECKED ": its CRL's server answers with an error"
#define UNKNOWN_LIST_LATE NOT_CHECKED ": its CRL's server does not answer in time"
#define UNKNOWN_LIST_TOO_LARGE NOT_CHECKED ": its CRL is too large"

/* OCSP. */
#define UNKNOWN_ANSWER_IS_NONE NOT_CHECKED ": what its OCSP responder sends is no answer"
#define UNKNOWN_ANSWER_LATER NOT_CHECKED ": its OCSP responder says to try later"
#define UNKNOWN_ANSWER_REFUSED NOT_CHECKED ": its OCSP responder does not answer the question"
#define UNKNOWN_ANSWER_NONCE NOT_CHECKED ": its OCSP answer has another nonce than the question"
#define UNKNOWN_ANSWER_SIGNER NOT_CHECKED ": its OCSP answer is not signed by a responder that may answer for it"
#define UNKNOWN_ANSWER_RESPONDER_MAY_BE_REVOKED                                                                        \
    NOT_CHECKED ": its OCSP responder's certificate may be revoked itself (it has no ocsp-nocheck)"
#define UNKNOWN_ANSWER_RESPONDER_EXPIRED NOT_CHECKED ": its OCSP responder's certificate has expired"
#define UNKNOWN_ANSWER_OTHER NOT_CHECKED ": its OCSP answer is about another certificate"
#define UNKNOWN_ANSWER_CRITICAL NOT_CHECKED ": its OCSP answer has an unknown critical extension"
#define UNKNOWN_ANSWER_FUTURE NOT_CHECKED ": its OCSP answer is from the future"
#define UNKNOWN_ANSWER_STALE NOT_CHECKED ": its OCSP answer is out of date"
#define UNKNOWN_ANSWER_NO_END NOT_CHECKED ": its OCSP answer does not say until when it holds"
#define UNKNOWN_ANSWER_UNKNOWN NOT_CHECKED ": its OCSP responder does not know it"
#define UNKNOWN_ANSWER_UNFETCHED NOT_CHECKED ": its OCSP responder cannot be reached"
#define UNKNOWN_ANSWER_HTTP NOT_CHECKED ": its OCSP responder's web server answers with an error"
#define UNKNOWN_ANSWER_LATE NOT_CHECKED ": its OCSP responder does not answer in time"
#define UNKNOWN_ANSWER_TOO_LARGE NOT_CHECKED ": its OCSP answer is too large"

/* Issuers; here in place of the words about revocation. */
#define NO_ISSUER "does not lead to a trust anchor"
#define UNKNOWN_ISSUER_UNFETCHED NO_ISSUER ": the certificate of its issuer cannot be fetched"
#define UNKNOWN_ISSUER_REFUSED NO_ISSUER ": the server of its issuer's certificate answers with an error"
#define UNKNOWN_ISSUER_LATE NO_ISSUER ": the server of its issuer's certificate does not answer in time"
#define UNKNOWN_ISSUER_TOO_LARGE NO_ISSUER ": the document with its issuer's certificate is too large"
#define UNKNOWN_ISSUER_IS_NONE NO_ISSUER ": what the server of its issuer's certificate sends is no certificate"
#define UNKNOWN_ISSUER_OTHER NO_ISSUER ": the certificate that it points to is not that of its issuer, or has expired"
#define UNKNOWN_ISSUER_FORBIDDEN                                                                                       \
    NO_ISSUER ": for its issuer's certificate it points to an address that fetch_networks does not allow"
#define UNKNOWN_ISSUER_NOT_YET NO_ISSUER ": the certificate of its issuer has not been fetched yet"

/* Both. */
#define UNKNOWN_FORBIDDEN                                                                                              \
    NOT_CHECKED ": it points to an address that fetch_networks does not allow, or to no web server"
#define UNKNOWN_NO_URL NOT_CHECKED ": it names no web server that can be asked"
#define UNKNOWN_BUSY NOT_CHECKED ": too much is to be fetched at once"

#endif
