/* SPDX-License-Identifier: Apache-2.0 */
/* bytes: slices compare, ropes keep order, ownership and length. */
#include "base/bytes.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void expect_text(const struct rope *rope, const char *expected)
{
    size_t length = 0;
    g_autofree char *flat = rope_flatten(rope, &length);
    cr_expect_str_eq(flat, expected);
    cr_expect(length == strlen(expected) && rope_length(rope) == length);
}

Test(bytes, slices)
{
    cr_expect(slice_of(NULL).data == NULL && slice_of(NULL).len == 0);
    cr_expect(slice_of("ab").len == 2);
    cr_expect(slice_equal(slice_of("ab"), slice_of("ab")));
    cr_expect(!slice_equal(slice_of("ab"), slice_of("aB")));
    cr_expect(!slice_equal(slice_of("ab"), slice_of("abc")));
    cr_expect(slice_equal(SLICE_NONE, slice_of("")));
    cr_expect(slice_equal_nocase(slice_of("From"), "fROM"));
    cr_expect(!slice_equal_nocase(slice_of("From"), "From "));
    cr_expect(!slice_equal_nocase(slice_of("From"), "Fro"));
    cr_expect(slice_equal_nocase(SLICE_NONE, ""));
    cr_expect(!slice_equal_nocase((struct slice){"a\0b", 3}, "a"));
}

Test(bytes, beginnings)
{
    cr_expect(text_begins_with("abc", "ab") && text_begins_with("ab", "ab") && text_begins_with("", ""));
    cr_expect(!text_begins_with("a", "ab") && !text_begins_with("xab", "ab") && !text_begins_with(NULL, "a"));
    /* Where the text goes on, nothing may be read. */
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *page = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(page != MAP_FAILED && mprotect(page + size, size, PROT_NONE) == 0);
    memcpy(page + size - 2, "ab", 2);
    cr_expect(text_begins_with(page + size - 2, "ab"));
    munmap(page, 2 * size);
}

Test(bytes, order_and_merging)
{
    owned(rope) struct rope *rope = rope_new();
    rope_copy(rope, slice_of("one "));
    rope_printf(rope, "%d ", 2);
    cr_expect(rope_count(rope) == 1, "copies that follow each other are one slice");
    rope_borrow(rope, slice_of("three "));
    rope_borrow(rope, SLICE_NONE);
    rope_copy(rope, slice_of(""));
    rope_copy(rope, slice_of("four"));
    cr_expect(rope_count(rope) == 3);
    expect_text(rope, "one 2 three four");
    cr_expect(slice_equal(rope_at(rope, 1), slice_of("three ")));
    cr_expect(rope_at(rope, 3).data == NULL);
}

Test(bytes, many_and_large_copies)
{
    owned(rope) struct rope *rope = rope_new();
    g_autoptr(GString) expected = g_string_new(NULL);
    for (int i = 0; i < 5000; i++) {
        rope_printf(rope, "%d,", i);
        g_string_append_printf(expected, "%d,", i);
    }
    g_autofree char *large = g_strnfill(50000, 'x');
    rope_copy(rope, slice_of(large));
    g_string_append(expected, large);
    rope_copy(rope, slice_of("end"));
    g_string_append(expected, "end");
    expect_text(rope, expected->str);
    cr_expect(rope_count(rope) < 50);
}

Test(bytes, borrow_all)
{
    owned(rope) struct rope *source = rope_new();
    rope_copy(source, slice_of("ab"));
    rope_borrow(source, slice_of("cd"));
    owned(rope) struct rope *rope = rope_new();
    rope_copy(rope, slice_of("<"));
    rope_borrow_all(rope, source);
    rope_copy(rope, slice_of(">"));
    rope_copy(source, slice_of("later"));
    expect_text(rope, "<abcd>");
    rope_borrow_all(rope, rope);
    expect_text(rope, "<abcd><abcd>");
}

static int destroyed;
static void count_destroy(void *object)
{
    destroyed++;
    g_free(object);
}

Test(bytes, take_moves_ownership)
{
    struct rope *source = rope_new();
    char *object = g_strdup("kept");
    rope_own(source, object, count_destroy);
    rope_own(source, NULL, count_destroy);
    rope_borrow(source, slice_of(object));
    rope_copy(source, slice_of(" copied"));
    struct rope *rope = rope_new();
    rope_copy(rope, slice_of("start "));
    rope_take(rope, source);
    rope_take(rope, NULL);
    rope_copy(rope, slice_of(" end"));
    cr_expect(destroyed == 0);
    expect_text(rope, "start kept copied end");
    rope_free(rope);
    cr_expect(destroyed == 1);
    rope_free(NULL);
}

Test(bytes, empty)
{
    owned(rope) struct rope *rope = rope_new();
    cr_expect(rope_count(rope) == 0);
    expect_text(rope, "");
}

/* Reads one byte of each page and returns how many page faults that took. */
static long faults_of(struct slice bytes)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (size_t i = 0; i < bytes.len; i += 4096)
        (void)*(volatile const char *)(bytes.data + i);
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt;
}

Test(bytes, pages_of_a_file_are_forgotten)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 256 * page;
    FILE *file = tmpfile();
    cr_assert(file != NULL && ftruncate(fileno(file), (off_t)size) == 0);
    char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    char *memory = g_malloc(size);
    memset(memory, 'x', size);
    cr_assert(map != MAP_FAILED);
    owned(rope) struct rope *source = rope_new(), *rope = rope_new();
    rope_borrow(source, (struct slice){memory, size});
    rope_borrow_file(source, (struct slice){map + 10, size - 10});
    rope_borrow_all(rope, source); /* it is still known as a file */
    struct slice second_half = {map + size / 2, size / 2};
    faults_of((struct slice){map, size});
    rope_forget(rope, 0, size);
    rope_forget(rope, 2, size);
    cr_expect(memory[0] == 'x' && memory[size - 1] == 'x', "only pages of files are dropped");
    rope_forget(rope, 1, size / 2 + page - 10);
    cr_expect_geq(faults_of((struct slice){map, size}), 1);
    rope_forget(rope, 1, size / 2 - 11);
    cr_expect_eq(faults_of(second_half), 0, "no more pages than asked for");
    rope_forget(rope, 1, SIZE_MAX);
    cr_expect_geq(faults_of(second_half), 1);
    munmap(map, size);
    g_free(memory);
    fclose(file);
}
