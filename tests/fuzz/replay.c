/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once on each file named: seeds and found cases as tests, without libFuzzer. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        g_autofree char *data = NULL;
        gsize length = 0;
        if (!g_file_get_contents(argv[i], &data, &length, NULL)) {
            fprintf(stderr, "replay: %s cannot be read\n", argv[i]);
            return 1;
        }
        /* What crashes is the last name shown. */
        fprintf(stderr, "%s\n", argv[i]);
        /* Exactly as long as it is: what reads past the end is seen. */
        g_autofree uint8_t *exact = g_memdup2(data, length);
        LLVMFuzzerTestOneInput(exact, length);
    }
    return 0;
}
