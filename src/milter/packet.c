/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: refuses macro packets that libmilter cannot read.
 *
 * A macro packet holds pairs of a name and a value. libmilter does not check that: if the number of strings is odd, its
 * smfi_getsymval() reads past the end of the list, and one packet ends the daemon. libmilter has no callback for these
 * packets. So this program defines libmilter's own function that reads a packet, which the dynamic linker prefers to
 * that of the library. A packet that does not consist of pairs becomes an unknown command. libmilter then ends the
 * connection, and the MTA defers the message. The packet is not repaired, because nothing shows which string is
 * missing: the address of a client could be taken for a login.
 */
#include "base/log.h"

#include <dlfcn.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <string.h>

#define UNKNOWN_COMMAND '\0'

/* As libmilter declares it. Returns the data of one packet, allocated with malloc(), or NULL if it has no data. */
char *mi_rd_cmd(int connection, struct timeval *timeout, char *command, size_t *length, char *name);

/* data: the letter of a command, then strings, each with its NUL. */
static bool is_made_of_pairs(const char *data, size_t length)
{
    size_t strings = 0;
    for (size_t i = 1; i < length; i++)
        strings += data[i] == '\0';
    return strings % 2 == 0 && data[length - 1] == '\0';
}

char *mi_rd_cmd(int connection, struct timeval *timeout, char *command, size_t *length, char *name)
{
    __typeof__(&mi_rd_cmd) read_packet = NULL;
    *(void **)&read_packet = dlsym(RTLD_NEXT, "mi_rd_cmd"); /* the form that POSIX recommends */
    char *data = read_packet(connection, timeout, command, length, name);
    if (data != NULL && *command == SMFIC_MACRO && *length > 1 && !is_made_of_pairs(data, *length)) {
        log_write(LOG_LEVEL_ERROR, "a client of the socket sent macros that are not pairs of name and value; its "
                                   "connection is closed");
        *command = UNKNOWN_COMMAND;
    }
    return data;
}
