/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counted: how often this process called the costly functions of OpenSSL and zlib, for tests of limits: a stop-watch
 * would depend on the machine. A test program that refers to `counted` gets these functions replaced by ones that count
 * and then do the same. What OpenSSL calls within itself is not counted.
 */
#ifndef DOMSEC_TESTS_SUPPORT_COUNTED_H
#define DOMSEC_TESTS_SUPPORT_COUNTED_H

#include <stddef.h>

struct counted {
    unsigned paths;      /* X509_verify_cert(): certification paths built and verified */
    unsigned signatures; /* X509_verify(): signatures of certificates */
    unsigned lists;      /* ASN1_item_verify(), and X509_CRL_verify() of a list with entries: signatures of lists */
    unsigned running;    /* X509_verify_cert() under way now */
    unsigned signers;    /* CMS_SignerInfo_verify(): signatures of messages */
    unsigned compared;   /* X509_check_issued(): certificates that may have issued another */
    unsigned names;      /* X509_get_ext_d2i(): the names of a certificate, decoded; OpenSSL itself calls it, too */
    unsigned decoded;    /* d2i_CMS_ContentInfo(): CMS objects */
    unsigned ended;      /* OPENSSL_thread_stop(): threads that gave back what OpenSSL keeps for them */
    size_t inflated;     /* octets that came out of inflate() */
};

/* A test sets it to zeros before what it counts. */
extern struct counted counted;

#endif
