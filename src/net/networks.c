/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networks: the addresses of the special-purpose registries (RFC 6890) at which no public server is. An IPv6 address
 * that stands for one of IPv4 (RFC 4291 §2.5.5.2, RFC 6052, RFC 3056) is judged as that.
 */
#include "networks.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const char *const internal[] = {
    "0.0.0.0/8",      /* this network */
    "10.0.0.0/8",     /* private, RFC 1918 */
    "100.64.0.0/10",  /* shared by a provider's customers, RFC 6598 */
    "127.0.0.0/8",    /* loopback */
    "169.254.0.0/16", /* link-local; cloud machines have their credentials there */
    "172.16.0.0/12",  /* private */
    "192.0.0.0/24",   /* protocol assignments */
    "192.168.0.0/16", /* private */
    "198.18.0.0/15",  /* benchmarks */
    "224.0.0.0/3",    /* multicast, reserved, broadcast */
    "::/96",          /* unspecified, loopback, IPv4-compatible */
    "64:ff9b:1::/48", /* translation within one network, RFC 8215 */
    "100::/64",       /* discarded */
    "2001::/32",      /* Teredo leads to IPv4 through someone else's relay */
    "fc00::/7",       /* unique local */
    "fe80::/10",      /* link-local */
    "fec0::/10",      /* site-local, deprecated */
    "ff00::/8",       /* multicast */
};

/* The address as text, and in `within` the IPv4 address that an IPv6 address stands for, or "". False for another
 * family. */
static bool read_address(const struct sockaddr *address, char text[INET6_ADDRSTRLEN], char within[INET_ADDRSTRLEN])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const unsigned char nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const unsigned char six_to_four[2] = {0x20, 0x02};
    within[0] = '\0';
    if (address->sa_family == AF_INET)
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, text,
                         INET6_ADDRSTRLEN) != NULL;
    if (address->sa_family != AF_INET6)
        return false;
    const unsigned char *bytes = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr.s6_addr;
    const unsigned char *v4 = NULL;
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0 || memcmp(bytes, nat64, sizeof(nat64)) == 0)
        v4 = bytes + sizeof(mapped);
    else if (memcmp(bytes, six_to_four, sizeof(six_to_four)) == 0)
        v4 = bytes + sizeof(six_to_four);
    return (v4 == NULL || inet_ntop(AF_INET, v4, within, INET_ADDRSTRLEN) != NULL) &&
           inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN) != NULL;
}

static bool is_internal(const char *address)
{
    for (size_t i = 0; i < G_N_ELEMENTS(internal); i++)
        if (conf_network_holds(internal[i], address))
            return true;
    return false;
}

static bool is_allowed(const struct conf *conf, const char *address)
{
    for (char **network = conf->fetch_networks; network != NULL && *network != NULL; network++)
        if (conf_network_holds(*network, address))
            return true;
    return false;
}

bool networks_allow(const struct conf *conf, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN], within[INET_ADDRSTRLEN];
    if (!read_address(address, text, within))
        return false;
    const char *judged = within[0] != '\0' ? within : text;
    return is_allowed(conf, text) || is_allowed(conf, judged) || !is_internal(judged);
}
