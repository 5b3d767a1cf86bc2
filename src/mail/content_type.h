/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content_type: one Content-Type value, as GMime and as the grammar read it. Private to mail/.
 */
#ifndef DOMSEC_MAIL_CONTENT_TYPE_H
#define DOMSEC_MAIL_CONTENT_TYPE_H

#include "base/bytes.h"

struct content_type {
    char *type;        /* lower case; "" if it cannot be read */
    void *parameters;  /* GMimeContentType, NULL without parameters; content_type_free_parameters() */
    const char *fault; /* static text: why two parsers could read it differently; NULL */
};

/* The caller owns the contents of out. */
void content_type_read(struct slice value, struct content_type *out);
const char *content_type_parameter(void *parameters, const char *name);
void content_type_free_parameters(void *parameters);
/* The filename parameter of a Content-Disposition value, or NULL. g_free(). */
char *disposition_filename(struct slice value);

#endif
