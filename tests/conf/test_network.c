/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/option.h"

#include <criterion/criterion.h>

static const struct {
    const char *network, *address;
    bool holds;
} rows[] = {
    {"127.0.0.0/8", "127.0.0.1", true},
    {"127.0.0.0/8", "127.255.255.255", true},
    {"127.0.0.0/8", "128.0.0.1", false},
    {"192.0.2.1", "192.0.2.1", true},
    {"192.0.2.1", "192.0.2.2", false},
    {"192.0.2.0/25", "192.0.2.127", true},
    {"192.0.2.0/25", "192.0.2.128", false},
    {"192.0.2.0/31", "192.0.2.1", true},
    {"192.0.2.0/31", "192.0.2.2", false},
    {"192.0.2.99/24", "192.0.2.1", true}, /* host bits do not count */
    {"0.0.0.0/0", "203.0.113.9", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::1", "::1", true},
    {"::1", "IPv6:::1", true},
    {"::1", "ipv6:::1", true},
    {"::1", "0:0:0:0:0:0:0:1", true},
    {"[::1]/128", "::1", true},
    {"[2001:db8::]/32", "2001:db8:ffff::1", true},
    {"2001:db8::/32", "2001:db9::1", false},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"::/0", "2001:db8::1", true},
    {"::/0", "192.0.2.1", false},
    {"::/0", "::ffff:192.0.2.1", false},
    {"192.0.2.0/24", "::ffff:192.0.2.7", true},
    {"192.0.2.0/24", "IPv6:::ffff:192.0.2.7", true},
    {"192.0.2.0/24", "::ffff:c000:207", true},
    {"192.0.2.0/24", "::192.0.2.7", false},
    {"::ffff:192.0.2.0/120", "192.0.2.7", true},
    {"::ffff:192.0.2.0/120", "192.0.3.7", false},
    {"127.0.0.0/8", "", false},
    {"127.0.0.0/8", "unknown", false},
    {"127.0.0.0/8", "127.1", false},
    {"127.0.0.0/8", "0177.0.0.1", false},
    {"127.0.0.0/8", "127.0.0.1 ", false},
    {"127.0.0.0/8", "127.0.0.1\n", false},
    {"127.0.0.0/8", "[127.0.0.1]", false},
    {"fe80::/10", "fe80::1%eth0", false},
    {"::1", "IPv6:IPv6:::1", false},
    /* what is no network holds nobody */
    {"", "127.0.0.1", false},
    {"/8", "127.0.0.1", false},
    {"127.0.0.1/", "127.0.0.1", false},
    {"127.0.0.1/33", "127.0.0.1", false},
    {"127.0.0.1/-1", "127.0.0.1", false},
    {"127.0.0.1/+8", "127.0.0.1", false},
    {"127.0.0.1/8x", "127.0.0.1", false},
    {"127.0.0.1/8/8", "127.0.0.1", false},
    {"::1/129", "::1", false},
    {"[127.0.0.1]", "127.0.0.1", false},
    {"[127.0.0.0]/8", "::1", false},
    {"[]", "127.0.0.1", false},
};

Test(network, holds)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(conf_network_holds(rows[i].network, rows[i].address), rows[i].holds, "%s holds %s",
                     rows[i].network, rows[i].address);
}

Test(network, of_a_configuration)
{
    struct conf conf = {.trusted_networks = (char *[]){"127.0.0.0/8", "::1", NULL}};
    cr_expect(conf_is_trusted_network(&conf, "127.0.0.1"));
    cr_expect(conf_is_trusted_network(&conf, "IPv6:::1"));
    cr_expect_not(conf_is_trusted_network(&conf, "192.0.2.1"));
    cr_expect_not(conf_is_trusted_network(&conf, NULL));
    conf.trusted_networks = (char *[]){NULL};
    cr_expect_not(conf_is_trusted_network(&conf, "127.0.0.1"));
}
