/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_dns: any bytes as the RDATA of SMIMEA, CERT, SRV, MX and CAA records. What is kept of a record agrees with
 * itself.
 */
#include "certs/association.h"
#include "net/dns.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice rdata = {(const char *)data, size};
    size_t unusable = 0;
    owned(associations) struct associations *read = associations_read(&rdata, 1, &unusable);
    require((read == NULL) == (unusable == 1));
    STACK_OF(X509) *found = read != NULL ? associations_certificates(read) : NULL;
    for (int i = 0; i < sk_X509_num(found); i++)
        for (unsigned usage = 0; usage < ASSOCIATION_USAGES; usage++)
            require(associations_name(read, usage, sk_X509_value(found, i)) == associations_have(read, usage));
    X509_free(cert_record_read(rdata));
    struct dns_srv srv = {0};
    if (dns_read_srv(rdata, &srv))
        require(srv.target != NULL && strlen(srv.target) < 1024);
    g_free(srv.target);
    struct dns_mx mx = {0};
    if (dns_read_mx(rdata, &mx))
        require(mx.host != NULL && strlen(mx.host) < 1024);
    g_free(mx.host);
    struct dns_caa caa;
    if (dns_read_caa(rdata, &caa))
        require(caa.tag.len > 0 && 2 + caa.tag.len + caa.value.len == size);
    return 0;
}
