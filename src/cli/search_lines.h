/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_lines: the search for a certificate as tables: what was asked, and what came.
 */
#ifndef DOMSEC_CLI_SEARCH_LINES_H
#define DOMSEC_CLI_SEARCH_LINES_H

#include "gateway/search.h"

/* Each line begins with indent spaces; the tables stand below their names, a little further in. */
void search_print(const struct certificate_search *search, unsigned indent);
/* The certificates that came, with source and note: a new reference. */
json_t *search_certificates_json(const struct certificate_search *search);

#endif
