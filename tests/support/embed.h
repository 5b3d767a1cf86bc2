/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed: OCSP responses within a SignedData (RFC 5940), which OpenSSL cannot put there.
 *
 *     g_autoptr(GPtrArray) answers = embed_list();
 *     embed_add(answers, responder_answer(&responder, rig));
 *     cms = embed_in(cms, EMBED_OCSP, answers);
 */
#ifndef DOMSEC_TESTS_SUPPORT_EMBED_H
#define DOMSEC_TESTS_SUPPORT_EMBED_H

#include "base/openssl.h"

#include <openssl/cms.h>

#define EMBED_OCSP "1.3.6.1.5.5.7.16.2"
#define EMBED_SCVP "1.3.6.1.5.5.7.16.4"

/* Of GBytes, as struct layer has them; g_ptr_array_unref(). */
GPtrArray *embed_list(void);
/* Takes answer. */
void embed_add(GPtrArray *answers, GByteArray *answer);
/* Takes cms, and returns the same with these values of that format beside its CRLs; CMS_ContentInfo_free(). */
CMS_ContentInfo *embed_in(CMS_ContentInfo *cms, const char *format, const GPtrArray *values);

#endif
