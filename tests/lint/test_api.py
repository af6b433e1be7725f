#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""test_api: changes one place of the policy API at a time, in a copy, and sees lint find it (TAP)."""

import os
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import api  # noqa: E402  (the modules beside this file)
from tree import Tree  # noqa: E402

LIST, PAGE, RECORDS = "lua/moonscan.d.lua", "docs/policy-api.md", "lua/records.c"

# (what is changed, file, text, what it becomes, what must be said)
CASES = [
    ("nothing", LIST, "", "", None),
    ("a fact that the list lacks", LIST, "---@field voids ", "---@field void ",
     "lua/moonscan.d.lua lacks m.spf.voids: add '---@field voids TYPE"),
    ("a field that C lacks", RECORDS, '{"voids",', '{"void",', "moonscan.Spf has voids, but the record"),
    ("a type that C does not give", LIST, "---@field voids integer", "---@field voids string",
     "voids is a string, but MOON_FACT_UNSIGNED"),
    ("a text that may be nil", LIST, "---@field found integer", "---@field found integer?",
     "found is a integer?, but MOON_FACT_SIZE"),
    ("a record without a class", LIST, "---@field spf_helo moonscan.Spf", "---@field spf_helo string",
     "has no class for the record 'm.spf_helo'"),
    ("a field that stands twice", LIST, "---@field voids ", "---@field lookups ", "two fields lookups"),
    ("an annotation that is not read", LIST, "---@alias moonscan.Scope", "---@enum moonscan.Scope",
     "only @alias"),
    ("a function of moon that the list lacks", LIST, "---@field list fun(name", "---@field lisd fun(name",
     "lua/moonscan.d.lua lacks 'list'"),
    ("a field of verdicts that C lacks", LIST, "---@field tag string", "---@field tags string",
     "VerdictFields has tags, but lua/verdicts.c"),
    ("a condition of lists that the list lacks", LIST, "---@field note string", "---@field nota string",
     "lacks 'note'"),
    ("an override that C lacks", LIST, '"other"|', '"others"|', "moonscan.Override and overrides[]"),
    ("a fact that the page lacks", PAGE, "`voids`, ", "", "lacks `voids`"),
    ("a fact that only the page has", PAGE, "`voids`, ", "`voids`, `joy`, ", "`joy` is no field"),
    ("a record that the page lacks", PAGE, "| `m.dmarc.alignment` |", "| `alignment` |",
     "no row for the fields of moonscan.Alignment"),
    ("a part of m that the page lacks", PAGE, "`m.message_id`", "the id", "no row for m.message_id"),
    ("an example with a wrong fact", PAGE, "m.spf.result == \"fail\"", "m.spf.reslt == \"fail\"",
     "there is no m.spf.reslt"),
    ("an example with a wrong verdict", PAGE, "moon.reject {", "moon.refuse {", "no moon.refuse"),
    ("a verdict that the page lacks", PAGE, "moon.quarantine", "moon_quarantine", "what moon.quarantine does"),
    ("a method that the page lacks", PAGE, ":has(", ".has(", "moonscan.List:has() is called"),
    ("a field of the policy that the page lacks", PAGE, "policy.recipients", "policy[recipients]",
     "what policy.recipients is"),
    ("a field of verdicts that the page lacks", PAGE, "| `tag` |", "| tag |", "lacks `tag`"),
    ("an override that the page lacks", PAGE, "`mailing_list`", "mailing_list", "the override `mailing_list`"),
    ("a global that the page lacks", PAGE, "rawlen ", "", "the sandbox has rawlen"),
    ("a global that only the page has", PAGE, "`utf8` (`char ", "`utf8` (`charpattern char ",
     "has no utf8.charpattern"),
    ("a table of C that was moved", "lua/verdicts.c", "fields[] = {", "names[] = {", "no array fields[]"),
]


def copy(to):
    shutil.copytree(os.path.join(ROOT, "lua"), os.path.join(to, "lua"))
    os.makedirs(os.path.join(to, "docs"))
    shutil.copy(os.path.join(ROOT, PAGE), os.path.join(to, PAGE))


def judge(name, old, new, want):
    """None, or what went wrong."""
    with tempfile.TemporaryDirectory() as root:
        copy(root)
        path = os.path.join(root, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if old not in text:
            return f"'{old}' is not in {name} any more"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))
        findings = list(api.check(Tree(root, "build")))
    if want is None:
        return "\n".join(findings) or None
    return None if any(want in f for f in findings) else f"did not find '{want}': {findings}"


def main():
    failed = False
    for number, (title, *case) in enumerate(CASES, 1):
        trouble = judge(*case)
        failed = failed or trouble
        print(f"{'not ok' if trouble else 'ok'} {number} - {title}")
        if trouble:
            print("\n".join("# " + line for line in trouble.split("\n")))
    print(f"1..{len(CASES)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
