/* SPDX-License-Identifier: Apache-2.0 */
/* A lack of memory on the way of a message is a temporary failure: a sample of what `make torture` tries. */
#include "support/program.h"

#include <stdlib.h>

Test(memory, allocations_that_fail)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("torture replaces malloc(), which a sanitizer needs");
#endif
    owned(folder) char *folder = folder_new();
    owned(run) struct run tried =
        run("env TORTURE_FOLDER='%s/torture' TORTURE_STEP=41 '%s/torture/run' '%s' sign encrypt verify decrypt", folder,
            getenv("DOMSEC_TESTS"), getenv("DOMSEC_BUILD"));
    expect_status(tried, 0);
    expect_contains(tried.out, "decrypt, warm");
}
