/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply: turns edits into libmilter calls, in the order that every MTA accepts: header fields, then one contiguous run
 * of body chunks, then the quarantine.
 */
#ifndef DOMSEC_MILTER_APPLY_H
#define DOMSEC_MILTER_APPLY_H

#include "mail/edits.h"

/* The calls that are needed, so that tests can record them; context is passed through. Each returns false if the MTA
 * did not accept it. Header values have libmilter's form. */
struct apply_target {
    void *context;
    bool (*insert)(void *context, const char *name, const char *value); /* at the top */
    bool (*append)(void *context, const char *name, const char *value);
    bool (*change)(void *context, const char *name, unsigned index, const char *value); /* NULL deletes */
    bool (*replace_body)(void *context, struct slice chunk); /* up to APPLY_CHUNK bytes; appends after the first */
};

#define APPLY_CHUNK EDIT_CHUNK

/* leading_space: the MTA adds nothing between the colon and a value (SMFIP_HDR_LEADSPC); otherwise it adds a space. */
bool apply_edits(const struct edits *edits, bool leading_space, const struct apply_target *target, struct error *error);

/* Converts our value (leading space, CRLF folding) to the MTA's form: LF folding, and without the leading space
 * unless leading_space is set. g_free(). */
char *apply_value(const char *value, bool leading_space);

#endif
