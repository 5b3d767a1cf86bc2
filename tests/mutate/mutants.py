# SPDX-License-Identifier: Apache-2.0
"""
mutants: finds the places in a C file where one small change makes a different program. It reads the text and does not know
the grammar: comments and strings are blanked out, brackets are matched, and the layout of clang-format shows where
statements begin. So some changes do not compile; the caller leaves them out. A change never adds or removes a line.
"""
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    path: str
    line: int
    function: str
    operator: str
    start: int
    end: int
    text: str  # what takes the place of [start:end]
    lines: range  # of the function; of the file, for tables and macros

    def apply(self, source):
        return source[:self.start] + self.text + source[self.end:]

    def shown(self, source):
        """The changed line; of a deleted statement, what it was."""
        if self.operator == "delete":
            return " ".join(source[self.start:self.end].split())
        changed = self.apply(source)
        begin = changed.rfind("\n", 0, self.start) + 1
        end = changed.find("\n", max(self.start + len(self.text.rstrip("\n")), begin))
        return " ".join(changed[begin:end].split())


BLANK = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?!define)(?:\\\n|[^\n])*', re.S | re.M)
FREES = re.compile(r"(?:^|_)(?:free|clear|unref|close|munmap|madvise)$")
KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "owned", "case", "else", "do", "goto", "g_auto", "g_autoptr"}
OTHER = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "+": "-", "-": "+",
         "|": "&", "&": "|", "+=": "-=", "-=": "+=", "|=": "=", "&=": "=", "true": "false", "false": "true", "MIN": "MAX",
         "MAX": "MIN", "++": "--", "--": "++"}
NAMES = {"&&": "and/or", "||": "and/or", "true": "true/false", "false": "true/false", "|=": "assign", "&=": "assign",
         "MIN": "min/max", "MAX": "min/max"}
RELATIONS = {"<", "<=", ">", ">=", "==", "!="}


def blank(source):
    return BLANK.sub(lambda m: re.sub(r"[^\n]", " ", m.group()) if m.group()[0] not in "\"'"
                     else m.group()[0] + " " * (len(m.group()) - 2) + m.group()[0], source)


def enums(headers):
    """Each enumerator and the one that comes after it."""
    after = {}
    for text in headers:
        for body in re.findall(r"\benum\s+\w+\s*\{([^}]*)\}", blank(text)):
            names = [n for n in re.findall(r"([A-Z][A-Z0-9_]+)\s*(?:=[^,]*)?(?:,|$)", body.strip())]
            after.update(zip(names, names[1:] + names[:1]))
    return {name: other for name, other in after.items() if name != other}


class File:
    def __init__(self, path, source, after):
        self.path, self.source, self.after = path, source, after
        self.code = blank(source)
        self.all_lines = range(1, source.count("\n") + 1)
        self.found = []
        self.scopes = self.find_scopes()

    def find_scopes(self):
        """(begin, end, name, returns bool) of functions and tables. clang-format puts their last brace in column 0."""
        scopes = []
        for m in re.finditer(r"^\{.*?^\}|^[^\n{}#]*=[ \n]*\{(?![^\n]*\};$).*?^\};", self.code, re.S | re.M):
            head = self.code[:m.start()] if self.code[m.start()] == "{" else m.group().split("{")[0]
            head = re.split(r"[;}]\s*\n|\n\s*\n|^#.*$", head, flags=re.M)[-1] if self.code[m.start()] == "{" else head
            name = re.search(r"(\w+)\s*\(", head) if self.code[m.start()] == "{" else re.search(r"(\w+)\s*(?:\[[^=]*)?=", head)
            scopes.append((m.start(), m.end(), name.group(1) if name else "?", bool(re.search(r"\bbool\s+\w+\s*\(", head))))
        return scopes

    def line(self, at):
        return self.source.count("\n", 0, at) + 1

    def scope(self, at):
        for begin, end, name, is_bool in self.scopes:
            if begin <= at < end:
                is_function = self.code[begin] == "{"
                return name, is_bool, range(self.line(begin), self.line(end)) if is_function else self.all_lines
        return "-", False, self.all_lines

    def add(self, operator, start, end, text):
        lost = self.source[start:end].count("\n") - text.count("\n")
        name, _, lines = self.scope(start)
        self.found.append(Mutant(self.path, self.line(start), name, operator, start, end, text + "\n" * lost, lines))

    def closing(self, at):
        depth = 0
        for i in range(at, len(self.code)):
            depth += {"(": 1, ")": -1}.get(self.code[i], 0)
            if depth == 0:
                return i
        return len(self.code)

    def operand(self, at, step, stops):
        """Where the operand that begins at `at` ends (step 1), or where the one that ends before it begins (step -1)."""
        depth, i = 0, at if step > 0 else at - 1
        opening = "([{" if step > 0 else ")]}"
        shutting = ")]}" if step > 0 else "([{"
        while 0 <= i < len(self.code):
            c, two = self.code[i], self.code[i:i + 2] if step > 0 else self.code[i - 1:i + 1]
            if c in shutting and depth == 0 or depth == 0 and (c in ";,?:" or two in stops):
                break
            if depth == 0 and c == "=" and self.code[i - 1] not in "=<>!" and self.code[i + 1] != "=":
                break
            if step < 0 and depth == 0 and self.code[i - 5:i + 1] == "return":
                break
            depth += (c in opening) - (c in shutting)
            i += step
        begin, end = (at, i) if step > 0 else (i + 1, at)
        while begin < end and self.code[begin].isspace():
            begin += 1
        while end > begin and self.code[end - 1].isspace():
            end -= 1
        return begin, end

    def negate(self, begin, end):
        """Negates a condition, unless another operator makes the same change."""
        code = self.code[begin:end]
        if re.search(r"&&|\|\|", code) or not re.search(r"^!|[<>=!]=| [<>] ", code):
            self.add("negate", begin, end, "!(" + self.source[begin:end] + ")")

    def conditions(self):
        for m in re.finditer(r"\b(?:if|while) \(", self.code):
            self.negate(m.end(), self.closing(m.end() - 1))
        for m in re.finditer(r" \? ", self.code):
            self.negate(*self.operand(m.start(), -1, ()))
        for m in re.finditer(r"\breturn ([^;]+);", self.code):
            if self.scope(m.start())[1] and m.group(1) not in ("true", "false"):
                self.negate(m.start(1), m.end(1))
        for m in re.finditer(r"!(?=[\w(*!])", self.code):
            self.add("drop !", m.start(), m.end(), "")
        for m in re.finditer(r"&&|\|\|", self.code):
            left, _ = self.operand(m.start(), -1, ("&&", "||"))
            begin, end = self.operand(m.end(), 1, ("&&", "||"))
            self.add("drop operand", m.start(), end, "")
            self.add("drop operand", left, begin, "")

    def swaps(self):
        words = r"&&|\|\||[<>=!]=| [<>] | [-+|&] |[-+|&]=|\+\+|(?<!-)--(?!-)|\btrue\b|\bfalse\b|\bMIN\b(?=\()|\bMAX\b(?=\()"
        for m in re.finditer(words, self.code):
            word = m.group().strip()
            start = m.start() + m.group().index(word)
            if word in ("++", "--") and "for (" in self.line_before(start):
                continue  # no loop survives that
            name = "relation" if word in RELATIONS else NAMES.get(word, "arithmetic")
            self.add(name, start, start + len(word), OTHER[word])
        for m in re.finditer(r"\b[A-Z][A-Z0-9_]+\b", self.code):
            label = re.search(r"(?:\bcase |\[)$", self.code[:m.start()][-6:])
            if m.group() in self.after and not label:
                self.add("constant", m.start(), m.end(), self.after[m.group()])

    def numbers(self):
        for m in re.finditer(r"(?<![\w.])(0x[0-9a-fA-F]+|[1-9]\d*|0)([uUlL]*)(?![\w.])", self.code):
            value = int(m.group(1), 0)
            around = self.code[m.start() - 1] + self.code[m.end()]
            if around == "{}" or (around == "[]" and (value > 1 or self.code[m.end() + 5:m.end() + 7] == "' ")) or \
                    re.search(r"\b(g_new0?|g_renew|g_malloc0?|memset|sizeof)\(", self.line_before(m.start())):
                continue
            self.add("number + 1", m.start(), m.end(), str(value + 1) + m.group(2))
            if value == 1 or (value > 1 and self.in_define(m.start())):
                self.add("number - 1", m.start(), m.end(), str(value - 1) + m.group(2))

    def line_before(self, at):
        return self.code[self.code.rfind("\n", 0, at) + 1:at]

    def in_define(self, at):
        return self.line_before(at).lstrip().startswith("#define")

    def statements(self):
        """A statement begins on a new line after another statement, the head of a block, or a label."""
        for m in re.finditer(r"(?<=[;{}):])\s*\n[ \t]+(?=[\w*(+-])|(?<=\belse)\s*\n[ \t]+(?=[\w*(+-])", self.code):
            begin = m.end()
            end = self.operand(begin, 1, ())[1]
            while end < len(self.code) and self.code[end] != ";":  # commas and question marks are part of it
                end = self.operand(end + 1, 1, ())[1]
                if end < len(self.code) and self.code[end] in ")}":
                    break
            text = self.code[begin:end]
            if end >= len(self.code) or self.code[end] != ";" or "{" in text or not self.is_deletable(text, end):
                continue
            self.add("delete", begin, end, "")

    def ends_switch(self, end):
        """Whether the statement that ends here is the last one of a switch: without it, the same comes next."""
        if not re.match(r";\s*\}", self.code[end:]):
            return False
        depth, at = 0, end
        while at > 0 and depth >= 0:
            at -= 1
            depth += {"}": 1, "{": -1}.get(self.code[at], 0)
        return re.search(r"\bswitch \([^\n]*\) $", self.code[:at]) is not None

    def is_deletable(self, text, end):
        word = re.match(r"\w*", text).group()
        if word == "return":
            return text == "return" or not re.match(r";\s*\n\}", self.code[end:])
        if word in ("break", "continue"):
            return not self.ends_switch(end)
        if word in KEYWORDS:
            return False
        call = re.match(r"(?:\(void\))?([\w>.-]+)\(", text)
        if call:
            return not FREES.search(call.group(1))
        left = re.match(r"[^=]*?(?=\s*(?:[-+|&^*/]|<<|>>)?=[^=])", text)
        return bool(re.match(r"(\+\+|--)|.*(\+\+|--)$", text)) or (left is not None and not re.search(r"\w[ *]+\w", left.group()))


def find(path, source, after):
    """All mutants of a file, in its order."""
    file = File(path, source, after)
    file.conditions()
    file.swaps()
    file.numbers()
    file.statements()
    unique = {(m.start, m.end, m.text): m for m in file.found if file.scope(m.start)[0] != "-" or file.in_define(m.start)}
    return sorted(unique.values(), key=lambda m: (m.start, m.end, m.text))
