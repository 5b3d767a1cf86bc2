/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: counts how often OpenSSL or jansson did not get memory.
 *
 * GLib ends the process then. These two carry on as well as they can: a name that could not be copied looks malformed,
 * a signature whose digest could not be computed looks forged. So no result that was reached after such a failure
 * counts, whatever it says. Failures are counted for the thread in which they happen.
 */
#ifndef DOMSEC_BASE_MEMORY_H
#define DOMSEC_BASE_MEMORY_H

/* How many allocations of OpenSSL and jansson have failed in this thread so far. */
unsigned memory_failures(void);

#endif
