#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Messages, zones and lists made to cost as much as they can, through `moonscan check --json`. Each
case states what must come out; each must leave moonscan below 64 MB of resident memory at its
highest, the limit of a message. Time is bounded only against hanging."""

import json
import os
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "tests/support"))
sys.dont_write_bytecode = True

from tap import Failed, Suite, want, want_in  # noqa: E402

BUILD = os.path.join(TREE, os.environ.get("BUILD", "build"))
SIGN = os.path.join(BUILD, "tests/sign")
KEY = os.path.join(TREE, "tests/support/keys/rsa2048.pem")
MEMORY_BYTES_MAX = 64 * 1024 * 1024
HANGING_S = 120
PLAIN = b"From: ann@d.example\r\nTo: joe@r.example\r\nSubject: test\r\n"

suite = Suite()


def measured(command, folder):
    """Status, output, errors and the highest resident memory. What the child of a fork has before
    its exec counts too, so this program itself has to stay small: it streams what is large."""
    out, errors = os.path.join(folder, "out"), os.path.join(folder, "errors")
    environment = dict(os.environ, MOONSCAN_SNAPSHOT=os.path.join(folder, "none"))
    with open(out, "wb") as stdout, open(errors, "wb") as stderr:
        child = subprocess.Popen(["timeout", str(HANGING_S)] + command, stdin=subprocess.DEVNULL,
                                 stdout=stdout, stderr=stderr, cwd=TREE, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    with open(out, "rb") as file:
        text = file.read()
    with open(errors, encoding="utf-8", errors="replace") as file:
        said = file.read()
    return child.returncode, text, said, usage.ru_maxrss * 1024


def check(folder, message, zone="", *options):
    """`message` and `zone`: bytes or text, or a list of them, written one after the other."""
    mail, names = os.path.join(folder, "mail.eml"), os.path.join(folder, "zone")
    for path, parts in ((mail, message), (names, zone)):
        if path == mail and message is None:
            continue
        with open(path, "wb") as file:
            for part in [parts] if isinstance(parts, (bytes, str)) else parts:
                file.write(part if isinstance(part, bytes) else part.encode())
    command = [os.path.join(BUILD, "moonscan"), "check", mail, "--json", "--ip", "192.0.2.7",
               "--helo", "mx.d.example", "--from", "ann@d.example", "--rcpt", "joe@r.example",
               "--zone", names, *options]
    status, out, errors, memory = measured(command, folder)
    if memory >= MEMORY_BYTES_MAX:
        raise Failed("resident memory: %d KB" % (memory // 1024))
    if status:
        return status, errors.strip(), memory
    return 0, json.loads(out), memory


def facts(folder, message, zone="", *options):
    status, found, memory = check(folder, message, zone, *options)
    if status:
        raise Failed("status %d: %s" % (status, found))
    print("#   %d KB" % (memory // 1024))
    return found


def case(function):
    def run(_):
        with tempfile.TemporaryDirectory() as folder:
            function(folder)
    run.__name__ = function.__name__
    suite.case()(run)


def texts(text, size=250):
    return " ".join('"%s"' % text[i:i + size] for i in range(0, len(text), size))


def key_zone():
    record = subprocess.run([SIGN, "--key", KEY, "--record"], check=True,
                            stdout=subprocess.PIPE).stdout.decode().strip()
    return "s._domainkey.d.example. TXT %s\n" % texts(record)


def signature(message, *options):
    """The DKIM-Signature field of a message."""
    out = subprocess.run([SIGN, "--domain", "d.example", "--selector", "s", "--key", KEY, *options],
                         input=message, check=True, stdout=subprocess.PIPE).stdout
    return out[:len(out) - len(message)]


@case
def a_header_block_of_1_mb(folder):
    line = b"X-Filler: " + b"x" * 986 + b"\r\n"
    found = facts(folder, [PLAIN, *[line] * 1050, b"\r\nHi\r\n"])
    want(found["from"]["domain"], "d.example", "from.domain")
    want(found["decision"]["action"], "accept", "action")


@case
def a_single_field_of_1_mb(folder):
    found = facts(folder, [PLAIN, b"X-Filler: ", *[b"x" * 900 + b"\r\n\t"] * 1160, b"end\r\n\r\n"])
    want(found["decision"]["action"], "accept", "action")


@case
def one_hundred_thousand_header_fields(folder):
    found = facts(folder, [PLAIN, *[b"X: y\r\n"] * 99997, b"\r\nHi\r\n"])
    want(found["decision"]["action"], "accept", "action")


@case
def one_field_more_than_there_may_be(folder):
    status, errors, _ = check(folder, [PLAIN, *[b"X: y\r\n"] * 99998, b"\r\nHi\r\n"])
    want(status, 3, "status")
    want_in("the header is larger than", errors, "errors")


@case
def a_header_block_of_5_mb(folder):
    status, errors, _ = check(folder, [PLAIN, *[b"X-Filler: " + b"x" * 900 + b"\r\n"] * 5700])
    want(status, 3, "status")
    want_in("the header is larger than", errors, "errors")


@case
def one_thousand_signatures_of_which_each_would_pass(folder):
    message = PLAIN + b"\r\nHi\r\n"
    field = signature(message)
    found = facts(folder, [*[field] * 1000, message], key_zone())
    want(found["dkim_found"], 1000, "dkim.found")
    want([s["result"] for s in found["dkim"]], ["pass"] * 20, "results")


@case
def one_thousand_signatures_of_as_many_domains(folder):
    message = PLAIN + b"\r\nHi\r\n"
    field = signature(message)
    fields = [field.replace(b"d=d.example", b"d=d%d.example" % i) for i in range(1000)]
    found = facts(folder, [*fields, message], key_zone())
    want(found["dkim_found"], 1000, "dkim.found")
    want({s["result"] for s in found["dkim"]}, {"permerror"}, "results")


@case
def twenty_lengths_of_the_body(folder):
    message = PLAIN + b"\r\n" + b"0123456789" * 5 + b"\r\n"
    fields = [signature(message, "--length", str(i)) for i in range(20)]
    found = facts(folder, [*fields, message], key_zone())
    results = [s["result"] for s in found["dkim"]]
    want(results, ["pass"] * 4 + ["policy"] * 16, "results")
    want_in("more than 4 different body hashes", found["dkim"][4]["reason"], "reason")


@case
def a_body_of_60_mb_of_which_10_bytes_are_signed(folder):
    head = PLAIN + b"\r\n"
    line = b"0123456789" * 7 + b"012345\r\n"
    field = signature(head + line * 2, "--length", "10")
    chunk = line * 1000
    count = 60 * 1024 * 1024 // len(chunk) + 1
    found = facts(folder, [field, head, *[chunk] * count], key_zone())
    (found,) = found["dkim"]
    want(found["result"], "pass", "result")
    want(found["unsigned_bytes"], len(chunk) * count - 10, "unsigned bytes")


@case
def a_body_of_60_mb_on_standard_input(folder):
    mail = os.path.join(folder, "mail.eml")
    with open(mail, "wb") as file:
        file.write(PLAIN + b"\r\n")
        for _ in range(61):
            file.write(b"0123456789ABCDE\n" * 65536)
    shell = "exec 3<&0; cat %s | %s check - --json --ip 192.0.2.7 --helo h --from a@d.example --zone" \
            " /dev/null" % (mail, os.path.join(BUILD, "moonscan"))
    status, out, errors, memory = measured(["sh", "-c", shell], folder)
    want((status, errors), (0, ""), "status")
    if memory >= MEMORY_BYTES_MAX:
        raise Failed("resident memory: %d KB" % (memory // 1024))
    want(json.loads(out)["from"]["domain"], "d.example", "from.domain")


def bomb():
    """d.example includes ten names, each of these ten more, and so on, five levels deep: 111,111
    names, no two alike, in six records."""
    zone = "d.example. TXT %s\n" % texts(
        "v=spf1 " + " ".join("include:%d.w1.example" % i for i in range(10)) + " -all")
    for level in range(1, 5):
        zone += "*.w%d.example. TXT %s\n" % (level, texts("v=spf1 " + " ".join(
            "include:%d-%%{d1r}.w%d.example" % (i, level + 1) for i in range(10)) + " ?all"))
    return zone + '*.w5.example. TXT "v=spf1 ?all"\n'


@case
def an_include_bomb_of_111111_names(folder):
    found = facts(folder, PLAIN + b"\r\nHi\r\n", bomb())
    want(found["spf"]["result"], "permerror", "spf.result")
    want(found["spf"]["lookups"] <= 11, True, "at most eleven terms")
    want(found["dns"]["questions"] <= 60, True, "at most sixty questions")


@case
def the_bomb_is_as_large_as_it_says(folder):
    names = 0
    for level in range(6):
        names += 10 ** level
    want(names, 111111, "names")
    zone = bomb().replace("d.example. TXT", "unused.example. TXT", 1)
    for name, wanted in (("7.w1.example", "permerror"), ("1-2-3-4-5.w5.example", "neutral")):
        found = facts(folder, PLAIN + b"\r\nHi\r\n", zone +
                      'd.example. TXT "v=spf1 redirect=%s"\n' % name)
        want(found["spf"]["result"], wanted, name)


@case
def cname_loops_wherever_a_name_is_asked_for(folder):
    message = PLAIN + b"\r\nHi\r\n"
    zone = ("d.example. CNAME e.example.\ne.example. CNAME d.example.\n"
            "_dmarc.d.example. CNAME _dmarc.d.example.\n"
            "s._domainkey.d.example. CNAME t.example.\nt.example. CNAME u.example.\n"
            "u.example. CNAME s._domainkey.d.example.\n")
    found = facts(folder, [signature(message), message], zone)
    want(found["spf"]["result"], "none", "spf.result")
    want(found["dkim"][0]["result"], "permerror", "dkim")
    want(found["dmarc"]["result"], "none", "dmarc.result")


@case
def a_chain_of_1000_cnames(folder):
    zone = "d.example. CNAME c0.example.\n" + "".join(
        "c%d.example. CNAME c%d.example.\n" % (i, i + 1) for i in range(1000))
    found = facts(folder, PLAIN + b"\r\nHi\r\n", zone + 'c1000.example. TXT "v=spf1 +all"\n')
    want(found["spf"]["result"], "none", "spf.result")


@case
def a_key_record_of_4_kb(folder):
    message = PLAIN + b"\r\nHi\r\n"
    record = key_zone().split(" TXT ", 1)[1].replace('" "', "").strip().strip('"')
    results = []
    for size in (4096, 4097):
        long = record + "; n=" + "x" * (size - len(record) - 4)
        found = facts(folder, [signature(message), message],
                      "s._domainkey.d.example. TXT %s\n" % texts(long))
        results.append(found["dkim"][0]["result"])
    want(results, ["pass", "policy"], "of 4096 and of 4097 bytes")


@case
def twenty_signatures_that_each_name_500_of_100000_fields(folder):
    message = PLAIN + b"\r\nHi\r\n"
    fields = [signature(message, "--headers", "from" + ":x" * 480 + ":y" * 19, "--tag", "x_n=%d" % i)
              for i in range(20)]
    for noise in (b"X: y\r\n", b"Y: " + b"z" * 30 + b"\r\n"):
        found = facts(folder, [*fields, *[noise] * 99970, message], key_zone())
        want({s["result"] for s in found["dkim"]}, {"fail"}, "results")


@case
def fifty_arc_sets_and_one_more(folder):
    for sets, wanted in ((50, "fail"), (51, "fail")):
        parts = []
        for i in range(sets, 0, -1):
            parts.append("ARC-Seal: i=%d; a=rsa-sha256; t=1; cv=%s; d=d.example; s=s; b=%s\r\n"
                         "ARC-Message-Signature: i=%d; a=rsa-sha256; d=d.example; s=s; h=from:to;"
                         " bh=%s=; b=%s\r\nARC-Authentication-Results: i=%d; d.example; spf=pass\r\n"
                         % (i, "none" if i == 1 else "pass", "A" * 344, i, "A" * 43, "A" * 344, i))
        found = facts(folder, [*parts, PLAIN, "\r\nHi\r\n"], key_zone())
        want(found["arc"]["result"], wanted, "arc.result of %d sets" % sets)
        want(found["arc"]["reason"] != "", True, "a reason")


@case
def records_of_60_kb(folder):
    long = "x" * 60000
    zone = ("d.example. TXT %s\n_dmarc.d.example. TXT %s\n" %
            (texts("v=spf1 exp=" + long), texts("v=DMARC1; p=reject; n=" + long)))
    found = facts(folder, PLAIN + b"\r\nHi\r\n", zone)
    want(found["spf"]["result"], "permerror", "spf.result")
    want(found["dmarc"]["result"] != "pass", True, "no pass")


@case
def ten_thousand_forged_authentication_results(folder):
    found = facts(folder, [*[b"Authentication-Results: mx.r.example; spf=pass\r\n"] * 10000, PLAIN,
                           b"\r\nHi\r\n"], "", "--receiver", "mx.r.example")
    want(found["decision"]["removed_fields"], 10000, "fields removed")


@case
def a_from_field_of_50000_authors(folder):
    found = facts(folder, [b"From: ", *[b"a%d@d.example,\r\n " % i for i in range(50000)],
                           b"z@d.example\r\n\r\n"])
    want(found["from"]["ambiguous"], True, "from.ambiguous")
    want(found["from"]["reason"] != "", True, "a reason")


@case
def every_field_that_is_read_with_4_mb_in_it(folder):
    words = [b"ab .c\r\n " * 1000] * 450
    for start, end in ((b"From: ", b" <ann@d.example>"), (b"From: \"", b"\" <ann@d.example>"),
                       (b"From: (", b") ann@d.example"), (b"DKIM-Signature: v=1; n=", b""),
                       (b"ARC-Seal: i=1; n=", b""), (b"ARC-Authentication-Results: i=1; ", b""),
                       (b"Authentication-Results: ", b"; spf=pass"), (b"Subject: ", b""),
                       (b"Message-ID: ", b""), (b"List-Id: ", b" <l.d.example>"),
                       (b"Return-Path: ", b""), (b"X-Moonscan-", b": x")):
        found = facts(folder, [start, *words, end, b"\r\n", b"" if start.startswith(b"From") else
                               PLAIN, b"\r\nHi\r\n"])
        want(found["decision"]["action"], "accept", start.decode())


@case
def an_envelope_of_100_kb_texts(folder):
    long = "a." * 50000
    zone = 'd.example. TXT "v=spf1 exists:%{l}.%{h}.e exists:%{lr}.e -all exp=x.e"\n' \
           'x.e. TXT "%{l} %{s} %{h} %{l} %{s} %{h}"\n'
    found = facts(folder, PLAIN + b"\r\nHi\r\n", zone, "--from", long + "@d.example", "--helo",
                  long + "example", "--tenants", long, "--rcpt", long + "@r.example", "--host", long)
    want(found["spf"]["result"], "fail", "spf.result")
    want(len(found["spf"]["explanation"]) <= 500, True, "an explanation that fits")


@case
def fifty_thousand_recipients_in_the_header(folder):
    found = facts(folder, [PLAIN, b"Cc: ", *[b"a%d@r.example,\r\n " % i for i in range(50000)],
                           b"z@r.example\r\n\r\n"])
    want(found["from"]["domain"], "d.example", "from.domain")


@case
def comments_in_comments_100000_deep(folder):
    found = facts(folder, [b"From: ", b"(" * 100000, b")" * 100000, b" ann@d.example\r\n\r\n"])
    want(found["from"]["ambiguous"], True, "from.ambiguous")
    want(found["from"]["reason"], "comments in From nested too deeply", "from.reason")


@case
def a_list_of_100_kb_beside_a_policy(folder):
    os.mkdir(os.path.join(folder, "lists"))
    with open(os.path.join(folder, "lists/fwd.lua"), "w", encoding="ascii") as file:
        file.write("return {\n")
        for i in range(2200):
            file.write('  { name = "n%d", spf = "x%d.example" },\n' % (i, i))
        file.write('  { name = "last", networks = { "192.0.2.0/24" } },\n}\n')
        want(file.tell() > 100 * 1024 - 8192, True, "a list of 100 KB")
    policy = os.path.join(folder, "policy.lua")
    with open(policy, "w", encoding="ascii") as file:
        file.write('local moon = require "moonscan"\nlocal fwd = moon.list "fwd"\nreturn { message ='
                   ' function(m) local via = fwd:match(m)\n return moon.reject { reason = via and'
                   ' via.name } end }\n')
    found = facts(folder, PLAIN + b"\r\nHi\r\n", "", "--policy", policy)
    want(found["verdicts"][0]["verdict"], "reject", "verdict")
    want(found["verdicts"][0]["reason"], "last", "reason")


@case
def a_policy_of_100_kb(folder):
    policy = os.path.join(folder, "policy.lua")
    with open(policy, "w", encoding="ascii") as file:
        file.write('local moon = require "moonscan"\nlocal known = {\n')
        for i in range(4300):
            file.write('  ["n%d.example"] = 1,\n' % i)
        file.write('}\nreturn { message = function(m) return moon.reject { reason ='
                   ' tostring(known["n4299.example"]) } end }\n')
    found = facts(folder, PLAIN + b"\r\nHi\r\n", "", "--policy", policy)
    want(found["verdicts"][0]["reason"], "1", "reason")


if __name__ == "__main__":
    sys.exit(suite.main())
