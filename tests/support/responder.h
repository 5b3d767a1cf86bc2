/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responder: an OCSP responder of the test's web server, for alice's certificate, that says what the test wants.
 */
#ifndef DOMSEC_TESTS_SUPPORT_RESPONDER_H
#define DOMSEC_TESTS_SUPPORT_RESPONDER_H

#include "support/fetching.h"

#include <openssl/ocsp.h>

struct responder {
    int status;       /* V_OCSP_CERTSTATUS_GOOD by default */
    int error;        /* an OCSP_RESPONSE_STATUS_ in place of an answer */
    const char *text; /* in place of an answer */
    time_t now;       /* 0: the present */
    long from, until; /* seconds from now; 0: an hour ago, in an hour */
    bool no_end, other_certificate, sha256, critical, damages;
    enum { RESPONDER_SAME_NONCE, RESPONDER_NO_NONCE, RESPONDER_WRONG_NONCE } nonce;
    enum {
        RESPONDER_AUTHORITY, /* the certificate's issuer */
        RESPONDER_DELEGATED, /* with id-kp-OCSPSigning and nocheck */
        RESPONDER_CHECKED,   /* without nocheck */
        RESPONDER_EXPIRED,
        RESPONDER_ENDING,        /* in ten minutes */
        RESPONDER_WITHOUT_RIGHT, /* issued by the authority for mail */
        RESPONDER_OF_ANOTHER,    /* delegated by another authority of that name */
        RESPONDER_SUBJECT,       /* alice's own key */
    } signer;
    int had_nonce;  /* octets of the last question's nonce */
    int digest;     /* … the NID of its CertID's hash */
    char path[256]; /* … what a GET put behind the responder's path; "" if it was posted */
    /* private */
    const struct fetching *rig;
    struct pki *key, *other;
};

/* The responder has to outlive the web server's page. */
void responder_put(struct responder *responder, const struct fetching *rig, const char *path);
void responder_clear(struct responder *responder);
/* An answer that nobody asked for; g_byte_array_unref(). */
GByteArray *responder_answer(struct responder *responder, const struct fetching *rig);

#endif
