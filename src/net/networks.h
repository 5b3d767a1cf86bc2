/* SPDX-License-Identifier: Apache-2.0 */
/*
 * networks: to which addresses a name or URL from outside must not lead.
 */
#ifndef DOMSEC_NET_NETWORKS_H
#define DOMSEC_NET_NETWORKS_H

#include "conf/conf.h"

#include <sys/socket.h>

/* True if conf's fetch_networks has the address, or it belongs to the public Internet. False for every family but IPv4
 * and IPv6. */
bool networks_allow(const struct conf *conf, const struct sockaddr *address);

#endif
