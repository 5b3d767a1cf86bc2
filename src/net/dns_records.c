/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_records: reads the RDATA of records. It comes from outside: each length is checked against what is there. The
 * names in it are not compressed, and dn_expand() of libresolv reads them.
 */
#include "net/dns.h"

#include <arpa/nameser.h>
#include <resolv.h>

static unsigned number(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* The name that fills the rest of the RDATA, without a final dot; g_free(). NULL if it does not. */
static char *last_name(struct slice rdata, size_t from)
{
    const unsigned char *data = (const unsigned char *)rdata.data;
    char name[NS_MAXDNAME];
    if (rdata.len <= from ||
        dn_expand(data, data + rdata.len, data + from, name, sizeof(name)) != (int)(rdata.len - from))
        return NULL;
    return g_strdup(name);
}

bool dns_read_srv(struct slice rdata, struct dns_srv *srv)
{
    const unsigned char *data = (const unsigned char *)rdata.data;
    char *target = last_name(rdata, 6);
    if (target == NULL)
        return false;
    *srv = (struct dns_srv){number(data), number(data + 2), number(data + 4), target};
    return true;
}

bool dns_read_mx(struct slice rdata, struct dns_mx *mx)
{
    char *host = last_name(rdata, 2);
    if (host == NULL)
        return false;
    *mx = (struct dns_mx){number((const unsigned char *)rdata.data), host};
    return true;
}

bool dns_read_caa(struct slice rdata, struct dns_caa *caa)
{
    const unsigned char *data = (const unsigned char *)rdata.data;
    if (rdata.len < 2 || data[1] == 0 || rdata.len - 2 < data[1])
        return false;
    size_t tag = data[1];
    *caa = (struct dns_caa){(data[0] & 0x80) != 0, {rdata.data + 2, tag}, {rdata.data + 2 + tag, rdata.len - 2 - tag}};
    for (size_t i = 0; i < tag; i++)
        if (!g_ascii_isalnum(caa->tag.data[i]))
            return false;
    return true;
}
