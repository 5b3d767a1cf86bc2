/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch: one folder for each test of conf/, made and removed by the test suite's fixture.
 *
 *     TestSuite(conf, .init = scratch_setup, .fini = scratch_teardown);
 */
#ifndef DOMSEC_TESTS_SUPPORT_SCRATCH_H
#define DOMSEC_TESTS_SUPPORT_SCRATCH_H

#include "conf/conf.h"
#include "support/folder.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

/* The folder of the running test. */
extern char *scratch;

void scratch_setup(void);
void scratch_teardown(void);

/* The path of a file in the folder; g_free(). */
char *scratch_path(const char *name);

/* As folder_write(). */
void scratch_write(const char *name, const char *text);

/* Loads domsec.conf of the folder, as conf_load(). */
struct conf *scratch_load(struct faults *faults);

/* As scratch_load(), but any fault fails the test. conf_unref(). */
struct conf *scratch_load_good(void);

/* All faults, one per line, with the folder's name left out; g_free(). */
char *scratch_faults(const struct faults *faults);

#endif
