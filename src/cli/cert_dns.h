/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_dns: `domsec cert dns`, which cert.c lists among its commands.
 */
#ifndef DOMSEC_CLI_CERT_DNS_H
#define DOMSEC_CLI_CERT_DNS_H

#include "cli.h"

extern const struct command command_cert_dns;

#endif
