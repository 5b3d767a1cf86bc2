/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protected_fields: which header fields of what was signed or encrypted may take the place of those of the message (RFC
 * 9788). Few do: what says who wrote, to whom, when, or what a gateway found out never comes from inside.
 */
#ifndef DOMSEC_POLICY_PROTECTED_FIELDS_H
#define DOMSEC_POLICY_PROTECTED_FIELDS_H

#include "mail/message.h"

/* The parameter hp of the Content-Type inside. */
enum header_protection {
    HEADER_PROTECTION_NONE,   /* there is no such parameter: the fields inside claim nothing */
    HEADER_PROTECTION_CLEAR,  /* "clear": the sender hid none of the message's fields */
    HEADER_PROTECTION_CIPHER, /* "cipher": HP-Outer says what the sender put into the message */
};
enum header_protection header_protection_of(const char *parameter); /* NULL: no such parameter */

/* What is known of both headers. */
struct protected_view {
    enum header_protection protection;
    const struct fields *inside, *outside; /* outside: as it arrived */
    bool restores; /* a signature over what is inside passes for From, and the rules let fields be restored */
};

#define RESTORABLE_COUNT 4 /* Subject, Keywords, Comments; Thread-Topic, which repeats the Subject */

/* Fills fields with those of `inside` that may take the place of the message's, and returns how many. */
size_t policy_restorable(const struct protected_view *view, const struct field *fields[RESTORABLE_COUNT]);

/* A field that the sender protected with another value than the message has, and not by leaving names or the time zone
 * out of it. Either is NULL if it is not there once. */
struct protected_difference {
    const char *name;
    const struct field *inside, *outside;
};
#define DIFFERENCE_COUNT 3 /* From, To, Date */

/* Fills list and returns how many there are. Whether a signature passes does not matter. */
size_t policy_differences(const struct protected_view *view, struct protected_difference list[DIFFERENCE_COUNT]);

#endif
