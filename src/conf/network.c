/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network: compares a client's address with an address range. All addresses are compared as 16 bytes, with IPv4 in its
 * v4-mapped form, so 192.0.2.1 and ::ffff:192.0.2.1 are the same client. An IPv6 network never contains an IPv4
 * client, however short its prefix.
 */
#include "option.h"

#include <arpa/inet.h>
#include <string.h>

struct network {
    unsigned char address[16];
    unsigned prefix; /* of the 128 bits */
    bool v4;
};

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291 §2.5.5.2 */

static bool parse_address(const char *text, unsigned char address[16], bool *v4)
{
    memcpy(address, mapped, sizeof(mapped));
    *v4 = inet_pton(AF_INET, text, address + sizeof(mapped)) == 1;
    if (*v4)
        return true;
    if (inet_pton(AF_INET6, text, address) != 1)
        return false;
    *v4 = memcmp(address, mapped, sizeof(mapped)) == 0;
    return true;
}

/* "address" or "address/bits"; an IPv6 address may be in brackets, as in Postfix's mynetworks. */
static bool parse_network(const char *text, struct network *network)
{
    g_auto(GStrv) halves = g_strsplit(text, "/", 2);
    char *address = halves[0];
    if (address == NULL)
        return false;
    size_t length = strlen(address);
    bool bracketed = length > 2 && address[0] == '[' && address[length - 1] == ']';
    if (bracketed) {
        address[length - 1] = '\0';
        address++;
    }
    bool v4_text = strchr(address, ':') == NULL;
    if ((v4_text && bracketed) || !parse_address(address, network->address, &network->v4))
        return false;
    unsigned width = v4_text ? 32 : 128;
    guint64 bits = width;
    if (halves[1] != NULL && !g_ascii_string_to_unsigned(halves[1], 10, 0, width, &bits, NULL))
        return false;
    network->prefix = (unsigned)bits + (128 - width);
    network->v4 = network->v4 && network->prefix >= 96;
    return true;
}

static bool same_prefix(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned rest = bits % 8;
    unsigned char mask = (unsigned char)(0xff00 >> rest);
    return memcmp(a, b, bits / 8) == 0 && (rest == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

bool conf_network_holds(const char *network, const char *address)
{
    struct network range;
    unsigned char client[16];
    bool v4;
    if (g_ascii_strncasecmp(address, "IPv6:", 5) == 0)
        address += 5;
    return parse_network(network, &range) && parse_address(address, client, &v4) && v4 == range.v4 &&
           same_prefix(range.address, client, range.prefix);
}

bool conf_is_trusted_network(const struct conf *conf, const char *address)
{
    if (address == NULL)
        return false;
    for (char **network = conf->trusted_networks; *network != NULL; network++)
        if (conf_network_holds(*network, address))
            return true;
    return false;
}

char *convert_network(const char *text, const struct place *place)
{
    struct network network;
    if (!parse_network(text, &network)) {
        place_fault(place, "\"%s\": \"%s\" is not a network such as \"192.0.2.0/24\" or \"2001:db8::/32\"", place->key,
                    text);
        return NULL;
    }
    bool host_bits = false;
    for (unsigned bit = network.prefix; bit < 128; bit++)
        host_bits = host_bits || (network.address[bit / 8] & (0x80 >> bit % 8)) != 0;
    if (network.prefix == (network.v4 ? 96U : 0U))
        place_warn(place, "\"%s\": \"%s\" %s; name only your own networks", place->key, text,
                   strcmp(place->key, "fetch_networks") == 0
                       ? "lets any certificate make the gateway connect to the internal network"
                       : "lets every client send as any local domain");
    else if (host_bits)
        place_warn(
            place,
            "\"%s\": \"%s\" has bits set beyond its prefix, which are ignored; correct the address or the prefix",
            place->key, text);
    return g_strdup(text);
}
