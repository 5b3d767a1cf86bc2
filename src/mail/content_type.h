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
/* The value with that parameter in place of any that it has of that name; text needs no escape. With its leading space
 * and folding, g_free(). NULL: programs might not find the parameter in it, or find another value than before. */
char *content_type_with(struct slice value, const char *name, const char *text);
/* The value without that parameter; g_free(). NULL: it does not have it, or would be read differently without. */
char *content_type_without(struct slice value, const char *name);
/* The filename parameter of a Content-Disposition value, or NULL. g_free(). */
char *disposition_filename(struct slice value);

#endif
