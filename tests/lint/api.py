# SPDX-License-Identifier: MIT
"""api: lua/moonscan.d.lua is the list of the policy API; the C tables and docs/policy-api.md are held
against it, both ways, and the sandbox's globals in C against those of the page."""

import re

LIST = "lua/moonscan.d.lua"
PAGE = "docs/policy-api.md"

# Records that are not reached from m by names of fields.
ROOTS = {"m": "moonscan.Message", "the list": "moonscan.List", "the list entry": "moonscan.ListEntry",
         "the DNS answer": "moonscan.DnsAnswer"}

# Names that stand in an array of C, and the class whose fields they are.
ARRAYS = (
    ("lua/verdicts.c", "fields", "moonscan.VerdictFields"),
    ("lua/list_fields.c", "names", "moonscan.ListEntry"),
)
ROWS = "lua/module.c", "functions", "moonscan"
CONSTRUCTORS = {"accept", "quarantine", "reject", "defer", "discard"}

# What a C kind gives, as the list writes it; WORD stands for an alias of words.
KINDS = {
    "TEXT": ("string?", "string", "WORD?", "WORD"),
    "RESULT": ("WORD",),
    "BOOL": ("boolean",),
    "UNSIGNED": ("integer",),
    "SIZE": ("integer",),
    "INT64": ("integer?",),
    "PORT": ("integer?",),
    "PUSH": None,
}


def type_end(text):
    """Where the type at the beginning of `text` ends."""
    depth, quoted = 0, False
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif char in "(<[{":
            depth += 1
        elif char in ")>]}":
            depth -= 1
        elif char == " " and depth == 0 and text[at - 1] != ":":
            return at
    return len(text)


class Api:
    """The list: aliases (words by name) and classes (type and line of each field by name)."""

    def __init__(self, tree):
        self.aliases, self.classes, self.findings = {}, {}, []
        name = None
        for number, line in enumerate(tree.lines(LIST), 1):
            found = re.match(r"---@(alias|class|field) (\S+) ?(.*)$", line)
            if not found:
                if line.startswith("---@") and not line.startswith("---@meta"):
                    self.findings.append(f"{LIST}:{number}: only @alias, @class and @field are used")
                continue
            kind, word, rest = found.groups()
            if kind == "alias":
                self.aliases[word] = (rest.replace('"', "").split("|"), number)
            elif kind == "class":
                name = word
                self.classes[name] = {}
            elif word in self.classes[name]:
                self.findings.append(f"{LIST}:{number}: {name} has two fields {word}")
            else:
                optional = word.endswith("?")
                kind = rest[:type_end(rest)] + ("?" if optional else "")
                self.classes[name][word.rstrip("?")] = (kind, number)

    def fields(self, name):
        return {f for f in self.classes.get(name, {}) if not f.startswith("[")}

    def class_of(self, kind):
        bare = kind.rstrip("?")
        return bare if bare in self.classes else None

    def class_at(self, path):
        """The class of a record as C names it: "m.arc.sets[i]"."""
        if path in ROOTS:
            return ROOTS[path]
        name = None
        for part in re.findall(r"\w+|\[i\]", path):
            if name is None:
                name = ROOTS.get(part)
            else:
                field = self.classes.get(name, {}).get("[integer]" if part == "[i]" else part)
                name = self.class_of(field[0]) if field else None
            if name is None:
                return None
        return name

    def shape(self, kind):
        """The type with WORD in place of an alias."""
        bare = kind.rstrip("?")
        return ("WORD" if bare in self.aliases else bare) + ("?" if kind.endswith("?") else "")


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def records(tree):
    """(file, line, record's name, [(line, field, kind)]) of every record in C."""
    for name in tree.named(".c"):
        if not name.startswith("lua/"):
            continue
        text = tree.text(name)
        tables = {}
        for found in re.finditer(r"struct moon_fact (\w+)\[\] = \{(.*?)\};", text, re.S):
            tables[found.group(1)] = [
                (line_of(text, found.start(2) + row.start()), row.group(1), row.group(2))
                for row in re.finditer(r'\{\s*"(\w+)",\s*MOON_FACT_(\w+)', found.group(2))]
        for found in re.finditer(r'struct moon_record \w+ = \{\s*"([^"]+)",[^,]*,\s*(\w+)', text):
            yield name, line_of(text, found.start()), found.group(1), tables.get(found.group(2))


def texts_of(tree, name, array):
    """The texts of a constant array in C, or None."""
    found = re.search(r"\b" + array + r"\[\](?:\[\d\])? = \{(.*?)\};", tree.text(name), re.S)
    return re.findall(r'(?:^|[{,])\s*"(\w+)"', found.group(1)) if found else None


def facts(tree, api):
    for name, line, record, rows in records(tree):
        known = api.class_at(record)
        if known is None:
            yield (f"{name}:{line}: {LIST} has no class for the record '{record}': add the class and "
                   f"the field that leads to it there (or the record to ROOTS in tests/lint/api.py)")
            continue
        if rows is None:
            yield f"{name}:{line}: the table of facts of '{record}' is not in this file"
            continue
        rows = [row for row in rows if row[2] != "LATER"]
        for number, field, kind in rows:
            if field not in api.classes[known]:
                yield (f"{name}:{number}: {LIST} lacks {record}.{field}: add "
                       f"'---@field {field} TYPE what it is' to the class {known}")
                continue
            have, where = api.classes[known][field]
            if KINDS.get(kind) and api.shape(have) not in KINDS[kind]:
                yield (f"{LIST}:{where}: {field} is a {have}, but MOON_FACT_{kind} in {name}:{number} "
                       f"gives {' or '.join(KINDS[kind])} (WORD: an alias of words)")
        for field in sorted(api.fields(known) - {row[1] for row in rows}):
            yield (f"{LIST}:{api.classes[known][field][1]}: {known} has {field}, but the record "
                   f"'{record}' in {name}:{line} does not: add it there or remove it here")


def names(tree, api, source, have, known):
    """A set of names in C against the fields of a class."""
    for field in sorted(have - api.fields(known)):
        yield f"{source}:1: {LIST} lacks '{field}': add '---@field {field} TYPE what it is' to {known}"
    for field in sorted(api.fields(known) - have):
        yield f"{LIST}:{api.classes[known][field][1]}: {known} has {field}, but {source} does not"


def tables(tree, api):
    for source, array, known in ARRAYS:
        have = texts_of(tree, source, array)
        if have is None:
            yield f"{source}:1: no array {array}[]: tell tests/lint/api.py where these names are now"
        else:
            yield from names(tree, api, source, set(have), known)
    source, array, known = ROWS
    have = texts_of(tree, source, array)
    if have is None:
        yield f"{source}:1: no array {array}[]: tell tests/lint/api.py where these names are now"
    else:
        yield from names(tree, api, source, set(have) | CONSTRUCTORS, known)
    words = texts_of(tree, "lua/verdicts.c", "overrides")
    if sorted(words or []) != sorted(api.aliases["moonscan.Override"][0]):
        yield (f"{LIST}:{api.aliases['moonscan.Override'][1]}: moonscan.Override and overrides[] in "
               "lua/verdicts.c do not have the same words")


def test_keys(tree):
    """Class -> keys of a test's tables in lua/tests.c."""
    text = tree.text("lua/tests.c") if "lua/tests.c" in tree.files else ""
    for found in re.finditer(r"struct key (\w+)_keys\[\] = \{(.*?)\};", text, re.S):
        name = found.group(1)
        keys = re.findall(r'A[TS]\(\w+, "?(\w+)|OF\(\w+, (\w+)', found.group(2))
        suffix = "" if name == "test" else name.capitalize()
        yield "moonscan.Test" + suffix, {a or b for a, b in keys}


def tests_of_policies(tree, api):
    """Keys of tests: C, the list and the page's tables in the section Tests."""
    first, lines = section(tree, "Tests")
    page = {}
    for line in lines:
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) == 2:
            page.setdefault(cells[0].strip("`"), set()).update(field_names(cells[1]))
    for known, keys in test_keys(tree):
        if known not in api.classes:
            yield f"lua/tests.c:1: {LIST} has no class {known}"
            continue
        yield from names(tree, api, "lua/tests.c", keys, known)
        row = known.replace("moonscan.Test", "").lower() or "test"
        yield from row_of(api, f"{PAGE}:{first}", known, page.get(row, set()))


# --- the page ----------------------------------------------------------------------------------

def section(tree, title):
    """(number of its first line, lines) of a section of the page."""
    lines = tree.lines(PAGE)
    start = next((n for n, line in enumerate(lines) if line == "## " + title), None)
    if start is None:
        return 1, []
    end = next((n for n in range(start + 1, len(lines)) if lines[n].startswith("## ")), len(lines))
    return start + 1, lines[start:end]


def outside_parentheses(text):
    """Without (...), but for those inside backticks."""
    depth, quoted, out = 0, False, ""
    for char in text:
        if char == "`":
            quoted = not quoted
        elif not quoted and char == "(":
            depth += 1
        elif not quoted and char == ")":
            depth -= 1
            continue
        if depth == 0:
            out += char
    return out


def field_names(text):
    """`name` and `m.record:name(...)` in a cell of a table."""
    found = set()
    for code in re.findall(r"`([^`]+)`", outside_parentheses(text)):
        simple = re.fullmatch(r"(?:m\.[\w.]+[.:])?(\w+)(?:\(.*\))?", code)
        if simple and not code.startswith("ipairs"):
            found.add(simple.group(1))
    return found


def row_of(api, where, known, have):
    for field in sorted(api.fields(known) - have):
        yield f"{where}: the row lacks `{field}`, which {LIST} has in {known}"
    for field in sorted(have - api.fields(known)):
        yield (f"{where}: `{field}` is no field of {known} in {LIST} (words that are no fields stand "
               "in parentheses)")


def page_facts(tree, api):
    first, lines = section(tree, "Facts")
    rows = set()
    for number, line in enumerate(lines, first):
        cells = line.split(" | ", 1)
        paths = re.findall(r"`(m(?:\.\w+|\[i\])+)`", cells[0]) if line.startswith("| `m.") else []
        for path in paths:
            known = api.class_at(path)
            if known:
                rows.add(known)
                yield from row_of(api, f"{PAGE}:{number}", known, field_names(cells[1]))
    text = "\n".join(lines)
    for field, (kind, number) in api.classes["moonscan.Message"].items():
        if not re.search(r"`m\." + field + r"\b", text):
            yield f"{LIST}:{number}: {PAGE} has no row for m.{field}"
    for kind, number in reachable(api, "moonscan.Message"):
        if kind not in rows and api.fields(kind) and kind != "moonscan.Message":
            yield f"{LIST}:{number}: {PAGE} has no row for the fields of {kind}"


def reachable(api, start):
    """Classes that are fields or items of `start`, and of those in turn."""
    seen, left = {}, [(start, 1)]
    while left:
        name, number = left.pop()
        if name in seen:
            continue
        seen[name] = number
        left += [(api.class_of(kind), line) for kind, line in api.classes[name].values()
                 if api.class_of(kind)]
    return seen.items()


def page_chains(tree, api):
    """Every m.a.b and moon.x of the page must be there."""
    later = later_names(tree)
    for number, line in enumerate(tree.lines(PAGE), 1):
        for chain in re.findall(r"(?<![\w.\"])m((?:[.:]\w+|\[\w\])+)", line):
            name, path = "moonscan.Message", "m"
            for part in re.findall(r"\w+|\[\w\]", chain):
                field = api.classes[name].get("[integer]" if part[0] == "[" else part)
                path += part if part[0] == "[" else "." + part
                if not field and path not in later:
                    yield f"{PAGE}:{number}: there is no {path} in {LIST}"
                name = api.class_of(field[0]) if field else None
                if name is None:
                    break
        for name in re.findall(r"(?<![\w.\"])moon\.(\w+)", line):
            if name not in api.classes["moonscan"] and "moon." + name not in later:
                yield f"{PAGE}:{number}: there is no moon.{name} in {LIST}"
    text = tree.text(PAGE)
    for known, fields in api.classes.items():
        for name, (kind, number) in fields.items():
            if kind.startswith("fun(self:") and f":{name}(" not in text:
                yield f"{LIST}:{number}: {PAGE} does not show how {known}:{name}() is called"
    for name, (_, number) in api.classes["moonscan"].items():
        if not re.search(r"\bmoon\." + name + r"\b", text):
            yield f"{LIST}:{number}: {PAGE} does not say what moon.{name} does"
    for name, (_, number) in api.classes["moonscan.Policy"].items():
        if not re.search(r"\bpolicy\." + name + r"\b", text):
            yield f"{LIST}:{number}: {PAGE} does not say what policy.{name} is"


def later_names(tree):
    names_ = {"moon." + name for name in texts_of(tree, "lua/module.c", "later") or []}
    for _, _, record, rows in records(tree):
        names_ |= {f"{record}.{field}" for _, field, kind in rows or [] if kind == "LATER"}
    return names_


def page_tables(tree, api):
    for title, header, known, extra in (
            ("Verdicts", "| field |", "moonscan.VerdictFields", set()),
            ("Lists", "| condition |", "moonscan.ListEntry", {"name", "note"})):
        first, lines = section(tree, title)
        start = next((n for n, line in enumerate(lines) if line.startswith(header)), None)
        if start is None:
            yield f"{PAGE}:{first}: no table '{header}' in the section {title}"
            continue
        have = set(extra)
        for line in lines[start + 2:]:
            if not line.startswith("|"):
                break
            have |= field_names(line.split("|")[1])
            if known == "moonscan.VerdictFields" and "with `comment`" in line:
                have.add("comment")
        yield from row_of(api, f"{PAGE}:{first + start}", known, have)
    text = "\n".join(section(tree, "Verdicts")[1])
    for word in api.aliases["moonscan.Override"][0]:
        if f"`{word}`" not in text:
            yield f"{PAGE}:{section(tree, 'Verdicts')[0]}: the override `{word}` is not named"


def page_globals(tree):
    """The globals of a script: `name name` for functions, `library` (`name name`) for libraries."""
    library = tree.text("lua/library.c")
    functions = {}
    for part in ("string", "math", "utf8"):
        functions[part] = set(texts_of(tree, "lua/library.c", part + "_names") or []) | \
            set(texts_of(tree, "lua/library.c", f"charged_{part}_names") or [])
    functions["string"] |= set(re.findall(r'lua_setfield\(L, -2, "([a-z]\w*)"\)', library))
    functions["string"] |= set(texts_of(tree, "lua/pattern_functions.c", "functions") or [])
    functions["table"] = set(texts_of(tree, "lua/table.c", "functions") or [])
    functions[""] = set(texts_of(tree, "lua/library.c", "base_names") or []) | \
        set(texts_of(tree, "lua/library.c", "charged_base_names") or []) | \
        set(re.findall(r'(?:lua_setfield|set_function)\(L, (?:1, )?"(\w+)"', library)) | {"require"}
    functions[""] -= set(functions)
    first, lines = section(tree, "The sandbox")
    text = "\n".join(lines).split("Everything else")[0]
    have = {part: set(words.split()) for part, words in re.findall(r"`(\w+)` \(`([^`]*)`", text)}
    found = re.search(r"Available: `([^`]*)`", text)
    have[""] = set(found.group(1).split()) if found else set()
    for part, names_ in functions.items():
        for name in sorted(names_ - have.get(part, set())):
            yield f"{PAGE}:{first}: the sandbox has {part + '.' if part else ''}{name}: name it here"
        for name in sorted(have.get(part, set()) - names_):
            yield f"{PAGE}:{first}: lua/library.c has no {part + '.' if part else ''}{name}"


def check(tree):
    if LIST not in tree.files:
        if any(name.startswith("lua/") and "struct moon_fact " in tree.text(name)
               for name in tree.named(".c")):
            yield f"{LIST}:1: the list of the policy API is not there"
        return
    api = Api(tree)
    yield from api.findings
    yield from facts(tree, api)
    yield from tables(tree, api)
    yield from page_facts(tree, api)
    yield from page_chains(tree, api)
    yield from page_tables(tree, api)
    yield from page_globals(tree)
    yield from tests_of_policies(tree, api)
