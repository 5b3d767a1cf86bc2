/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory: counts how often OpenSSL, jansson or iconv did not get memory.
 *
 * GLib ends the process then. These carry on as well as they can: a name that could not be copied looks malformed, a
 * signature whose digest could not be computed looks forged, a character set that could not be loaded looks unknown. So
 * no result that was reached after such a failure counts, whatever it says. Failures are counted for the thread in
 * which they happen.
 */
#ifndef DOMSEC_BASE_MEMORY_H
#define DOMSEC_BASE_MEMORY_H

/* How many allocations of OpenSSL, jansson and iconv have failed in this thread so far. */
unsigned memory_failures(void);

/* Counts one that another library reported. */
void memory_note_failure(void);

#endif
