/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: edits to libmilter calls, in the one order that every MTA takes: header fields, then one contiguous run of
 * body chunks, then the quarantine.
 */
#ifndef DOMSEC_MILTER_APPLY_H
#define DOMSEC_MILTER_APPLY_H

#include "mail/edits.h"

/* The calls that are needed, so that tests can record them; context is handed through. Each returns false if the MTA
 * did not take it. Header values are as libmilter wants them. */
struct apply_target {
    void *context;
    bool (*insert)(void *context, const char *name, const char *value); /* at the top */
    bool (*append)(void *context, const char *name, const char *value);
    bool (*change)(void *context, const char *name, unsigned index, const char *value); /* NULL deletes */
    bool (*replace_body)(void *context, struct slice chunk); /* up to APPLY_CHUNK bytes; appends after the first */
};

#define APPLY_CHUNK 65535 /* libmilter's MILTER_CHUNK_SIZE */

/* leading_space: the MTA puts nothing between the colon and a value (SMFIP_HDR_LEADSPC); else it adds a space of its
 * own. */
bool apply_edits(const struct edits *edits, bool leading_space, const struct apply_target *target, struct error *error);

/* A value of ours (leading space, CRLF folding) as the MTA takes it: LF folding, its space taken off unless
 * leading_space. g_free(). */
char *apply_value(const char *value, bool leading_space);

#endif
