# SPDX-License-Identifier: MIT
"""mutations: the small changes of C source files that `make mutate` draws from.

1. The text is cut into tokens; comments, strings, preprocessor lines and static assertions are left
   as they are.
2. Each token gives the changes of its kind:
     < <= > >= == !=      the neighbour at the boundary, and the opposite
     && ||                the other one
     !                    taken away
     n, 'c', NAME_MAX     one more, one less, zero
     true, false          the other one
     MOON_X_Y             the next enumerator of the same enum
     .member = value      the initialiser taken away
     return value         another value of the function's type
   The size of an array is not made larger, but where sizeof asks for it: the element more is
   nobody's. That of a parameter means nothing in C.
3. A change is known by its file, its function, the text of its line and what is changed, not by a
   line number. An initialiser that says what would be there without it is no change.
"""

import collections
import glob
import re

TOKEN = re.compile(r"""
    (?P<skip>/\*.*?\*/ | //[^\n]* | _Static_assert\([^;]*;
          | ^[ \t]*\#(?:[^\n\\]|\\.|\\\n)* | "(?:[^"\\\n]|\\.)*" | \s+)
  | (?P<char>'(?:[^'\\\n]|\\[^\n])[^']*')
  | (?P<number>(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<mark><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
""", re.VERBOSE | re.MULTILINE | re.DOTALL)

SWAPS = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",),
         "!=": ("==",), "&&": ("||",), "||": ("&&",), "!": ("",)}
WORDS = {"true": "false", "false": "true"}
ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "\\": 92, "'": 39, '"': 34, "a": 7, "b": 8, "f": 12,
           "v": 11}
HEAD_WORDS = {"static", "inline", "const", "extern", "struct", "enum", "union"}
NUMBER_TYPES = {"int", "unsigned", "size_t", "long", "char", "uint8_t", "uint16_t", "uint32_t",
                "uint64_t", "int64_t"}

ZEROS = {"0", "false", "NULL", "'\\0'"}

Token = collections.namedtuple("Token", "kind text start end")
Mutation = collections.namedtuple("Mutation", "file function line text change start end new")


def tokens_of(source):
    found = []
    for match in TOKEN.finditer(source):
        if match.lastgroup != "skip":
            found.append(Token(match.lastgroup, match.group(), match.start(), match.end()))
    return found


def number_changes(text):
    digits = text.rstrip("uUlL")
    suffix = text[len(digits):]
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] not in "xX"
    value = int(digits, 8 if octal else 0)
    values = [value + 1] + ([value - 1] if value > 0 else []) + ([0] if value > 1 else [])
    return ["%d%s" % (one, suffix) for one in values]


def char_changes(text):
    inner = text[1:-1]
    if inner[0] != "\\":
        value = ord(inner)
    elif inner[1] == "x":
        value = int(inner[2:], 16)
    else:
        value = ESCAPES.get(inner[1], 0)
    value += 1
    plain = 32 < value < 127 and chr(value) not in "'\\"
    return ["'%s'" % chr(value) if plain else "(char)%d" % value]


class Names:
    """What the sources define: the enums with their enumerators, and the numbers' names."""

    def __init__(self, files):
        self.next = {}    # enumerator -> the one after it, in a circle
        self.enums = {}   # enum name -> enumerators
        self.zeros = set(ZEROS)  # what an initialiser need not say
        self.numbers = set()
        for file in files:
            with open(file, encoding="utf-8") as stream:
                text = re.sub(r"/\*.*?\*/", " ", stream.read(), flags=re.DOTALL)
            self.numbers.update(re.findall(r"#define[ \t]+([A-Z]\w+)[ \t\\\n]+\(?\d", text))
            for name, body in re.findall(r"\benum\s+(\w*)\s*\{([^}]*)\}", text):
                members = re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)", body)
                self.enums[name] = members
                first = re.match(r"\s*([A-Za-z_]\w*)\s*(?:=\s*(\w+)\s*)?(?:,|$)", body)
                if first and first.group(2) in (None, "0"):
                    self.zeros.add(first.group(1))
                for i, member in enumerate(members):
                    self.next[member] = members[(i + 1) % len(members)]


def functions_of(source):
    """(start, end, type, name) of each function. The layout puts a body's braces into column 0."""
    bodies = []
    for match in re.finditer(r"^\{\n.*?^\}", source, re.MULTILINE | re.DOTALL):
        head = source[:match.start()]
        head = head[max(head.rfind("\n}"), head.rfind(";\n"), head.rfind("\n\n"),
                        head.rfind("*/\n")) + 1:]
        words = re.findall(r"\w+|\*", head[:head.find("(")] if "(" in head else "")
        pointer = "*" in words
        words = [word for word in words if word not in HEAD_WORDS and word != "*"]
        if len(words) > 1:
            bodies.append((match.start(), match.end(), "pointer" if pointer else words[0],
                           words[-1]))
    return bodies


def return_changes(value, kind, names):
    """Values that could stand there instead of `value` (single constants are changed as such)."""
    if re.fullmatch(r"[\w']+", value) and (value in names.next or value in WORDS or value == "NULL"
                                          or value in names.numbers or value[0].isdigit()):
        return []
    if kind == "bool":
        return ["true", "false"]
    if kind == "pointer":
        return ["NULL"]
    if kind in NUMBER_TYPES:
        return ["(%s) + 1" % value]
    members = names.enums.get(kind, [])
    if len(members) > 1:
        return ["(%s) == %s ? %s : %s" % (value, members[0], members[1], members[0])]
    return []


class Reader:
    """Walks over one file's tokens and collects what could be changed."""

    def __init__(self, file, source, names):
        self.file, self.source, self.names = file, source, names
        self.tokens = tokens_of(source)
        self.functions = functions_of(source)
        self.found = []
        self.seen = collections.Counter()

    def add(self, start, end, new, change=None):
        line = self.source.count("\n", 0, start) + 1
        text = " ".join(self.source.split("\n")[line - 1].split())
        function = self.function_at(start)
        text = "%s: %s" % (function[3], text) if function else text
        change = change or "%s -> %s" % (self.source[start:end], new or "(none)")
        change = " ".join(change.split())
        self.seen[text, change] += 1
        if self.seen[text, change] > 1:
            change += " #%d" % self.seen[text, change]
        self.found.append(Mutation(self.file, function[3] if function else None, line, text, change,
                                   start, end, new))

    def function_at(self, offset):
        return next((one for one in self.functions if one[0] <= offset < one[1]), None)

    def end_of(self, i, ends):
        """The index of the first token among `ends` that is in no bracket opened after `i`."""
        depth = 0
        for j in range(i, len(self.tokens)):
            text = self.tokens[j].text
            if depth == 0 and text in ends:
                return j
            depth += (text in "([{") - (text in ")]}")
        return len(self.tokens) - 1

    def sized(self, i):
        """Is the token in the size of an array that is declared here? "parameter", "array", or
        "asked" for one whose sizeof is asked for; "" when it is not."""
        opened = i
        while opened >= 0 and self.tokens[opened].text not in ("[", "]", ";", "{", "}"):
            opened -= 1
        if opened < 2 or self.tokens[opened].text != "[":
            return ""
        start = opened - 1
        while start > 0 and self.tokens[start - 1].text not in tuple(";{}(,"):
            start -= 1
        head = self.tokens[start:opened]
        if len(head) < 2 or any(one.kind != "word" and one.text != "*" for one in head) or \
                head[0].text in ("return", "sizeof", "else", "case"):
            return ""
        if self.tokens[start - 1].text in "(,":
            return "" if self.function_at(head[0].start) else "parameter"
        asks = r"\bsizeof\b[^;]*\b%s\b" % head[-1].text
        return "asked" if re.search(asks, self.source) else "array"

    def simple(self, i):
        token, sized = self.tokens[i], self.sized(i)
        if token.kind == "number":
            news = number_changes(token.text)
        elif token.kind == "char":
            news = char_changes(token.text)
        elif token.text in SWAPS:
            news = SWAPS[token.text]
        elif token.text in WORDS:
            news = [WORDS[token.text]]
        elif token.text in self.names.next and self.names.next[token.text] != token.text:
            news = [self.names.next[token.text]]
        elif token.text in self.names.numbers:
            news = ["(%s + 1)" % token.text, "(%s - 1)" % token.text]
        else:
            return
        if sized == "parameter":
            return
        if sized == "array" and (token.kind == "number" or token.text in self.names.numbers):
            news = news[1:]  # the first is the larger one
        for new in news:
            self.add(token.start, token.end, new)

    def initialiser(self, i):
        """.member = value, with the comma behind it."""
        before, at = self.tokens[i - 1].text, self.tokens[i:i + 3]
        if (len(at) < 3 or at[0].text != "." or at[1].kind != "word" or at[2].text != "=" or
                before not in "{,"):
            return
        end = self.end_of(i, ",}")
        stop = self.tokens[end].end if self.tokens[end].text == "," else self.tokens[end].start
        value = self.source[at[0].start:self.tokens[end - 1].end]
        if self.source[at[2].end:self.tokens[end - 1].end].strip() in self.names.zeros:
            return
        self.add(at[0].start, stop, "", "%s -> (none)" % value)

    def returned(self, i):
        token = self.tokens[i]
        if token.text != "return" or self.tokens[i + 1].text == ";":
            return
        end = self.end_of(i, ";")
        start, stop = self.tokens[i + 1].start, self.tokens[end - 1].end
        function = self.function_at(start)
        for new in return_changes(self.source[start:stop], function[2] if function else "",
                                  self.names):
            self.add(start, stop, new)

    def read(self):
        for i in range(len(self.tokens)):
            self.simple(i)
            self.initialiser(i)
            self.returned(i)
        return self.found


def apply(source, mutation):
    return source[:mutation.start] + mutation.new + source[mutation.end:]


def all_of(patterns, define_patterns=("engine/*/*.h", "engine/*/*.c")):
    """Every mutation of the files, in the order of the text; and the files' texts."""
    files = sorted(file for pattern in patterns for file in glob.glob(pattern))
    names = Names(sorted(file for pattern in define_patterns for file in glob.glob(pattern)))
    found, sources = [], {}
    for file in files:
        with open(file, encoding="utf-8") as stream:
            sources[file] = stream.read()
        found += Reader(file, sources[file], names).read()
    return found, sources
