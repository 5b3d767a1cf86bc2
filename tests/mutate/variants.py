# SPDX-License-Identifier: Apache-2.0
"""
variants: writes a C file that holds all of its mutants at once. The variable domsec_mutant (tests/mutate/chosen.c) chooses
among them at run time, so that one build is enough for all changes:
  - the body of a function becomes a switch over the bodies,
  - a macro becomes a choice among its values (where a constant is needed, its changes cannot be varied),
  - a table is no longer const, and the changed one is copied over it.
"""
import re
import zlib

HEAD = """extern int domsec_mutant;
struct mutant_table { int number; void *table; const void *changed; __SIZE_TYPE__ size; };
"""


def number(mutant, index):
    """The same number in each run, for files of fewer than 4096 changes."""
    return (zlib.crc32(mutant.path.encode()) & 0x7ffff) << 12 | index + 1


def define_of(source, at):
    """The macro in whose definition `at` is: where its line begins and ends, and where its value begins."""
    begin = source.rfind("\n", 0, at) + 1
    while source[begin - 2:begin] == "\\\n":
        begin = source.rfind("\n", 0, begin - 1) + 1
    end = source.find("\n", at)
    while source[end - 1] == "\\":
        end = source.find("\n", end + 1)
    head = re.match(r"[ \t]*#define \w+(\([^)]*\))?", source[begin:end])
    return (begin, end, begin + head.end()) if head and begin + head.end() <= at else None


class Variants:
    def __init__(self, file, numbered):
        """File is a mutants.File, numbered a list of (number, mutant)."""
        self.file, self.source = file, file.source
        self.bodies, self.macros, self.tables = {}, {}, {}
        for number, mutant in numbered:
            kind, place = self.place(mutant)
            if kind is not None:
                kind.setdefault(place, []).append((number, mutant))
        self.varied = {number for kind in (self.bodies, self.macros, self.tables) for all_ in kind.values()
                       for number, _ in all_}

    def place(self, mutant):
        if self.file.in_define(mutant.start):
            place = define_of(self.source, mutant.start)
            return (self.macros, place) if place else (None, None)
        for begin, end, _, _ in self.file.scopes:
            if begin < mutant.start < end and self.source[begin] == "{":
                return self.bodies, (begin, end)
        for table in re.finditer(r"(\w+)(?:\[[^\n]*?\])? =\s*\{[ \t]*\n.*?^\};", self.file.code, re.S | re.M):
            if table.start() < mutant.start < table.end():
                return self.tables, (table.start(), table.end(), table.group(1))
        return None, None

    def changed(self, begin, end, mutant):
        return self.source[begin:mutant.start] + mutant.text + self.source[mutant.end:end]

    def body(self, place, mutants):
        cases = "".join(f"/*@{number}*/ case {number}: {self.changed(*place, mutant)} break;\n" for number, mutant in mutants)
        return f"{{ switch (domsec_mutant) {{\n{cases}/*@0*/ default: {self.source[place[0]:place[1]]} }} }}"

    def macro(self, place, mutants):
        begin, end, value = place
        choices = "".join(f"domsec_mutant == {number} ? ({self.changed(value, end, mutant)}) : " for number, mutant in mutants)
        return f"{self.source[begin:value]} ({choices} ({self.source[value:end]}))"

    def table(self, place, mutants):
        begin, end, name = place
        value = self.source.index("=", begin)
        text = self.source[begin:end]
        for number, mutant in mutants:
            text += (f"\n/*@{number}*/ static __typeof__({name}) {name}__{number} {self.changed(value, end, mutant)}\n"
                     "__attribute__((section(\"mutant_tables\"), used)) static const struct mutant_table "
                     f"patch__{number} = {{{number}, (void *){name}, {name}__{number}, sizeof({name})}};\n/*@0*/")
        return text

    def text(self):
        """The C file, and a dictionary: which of its lines belong to which mutant."""
        parts = [(place[0], place[1], self.body(place, all_)) for place, all_ in self.bodies.items()]
        parts += [(place[0], place[1], self.macro(place, all_)) for place, all_ in self.macros.items()]
        for place, all_ in self.tables.items():
            const = self.source.rfind("\nstatic const ", 0, place[0] + 1) + len("\nstatic ")
            parts += [(const, const + len("const"), ""), (place[0], place[1], self.table(place, all_))]
        text = self.source
        for begin, end, part in sorted(parts, reverse=True):
            text = text[:begin] + part + text[end:]
        text = HEAD + text
        owner, now = {}, 0
        for i, line in enumerate(text.split("\n"), 1):
            mark = re.match(r"/\*@(\d+)\*/", line)
            now = int(mark.group(1)) if mark else now
            if now:
                owner[i] = now
        return text, owner


def write(file, numbered, errors):
    """Returns the C file with all mutants that compile, the numbers of those that do not, and the numbers of those that cannot
    be varied. errors(text) returns the lines where the compiler reports errors."""
    macros = {}
    for pair in numbered:
        if file.in_define(pair[1].start):
            macros.setdefault(define_of(file.source, pair[1].start), []).append(pair)
    fixed = {number for place, pairs in macros.items() if place is None or errors(Variants(file, pairs).text()[0])
             for number, _ in pairs}
    bad = set()
    while True:
        variants = Variants(file, [pair for pair in numbered if pair[0] not in bad | fixed])
        text, owner = variants.text()
        suspects = {owner.get(line) for line in errors(text)}
        if not suspects:
            return text, bad, {number for number, _ in numbered} - variants.varied - bad
        found = {number for number, mutant in numbered if number in suspects and errors(mutant.apply(file.source))}
        if not found:
            raise RuntimeError(f"{file.path}: the variants do not compile together: {suspects}")
        bad |= found
