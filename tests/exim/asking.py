# SPDX-License-Identifier: MIT
"""asking: what the tests of questions in the DATA ACL share. What the policy wants is said by the
recipient's first word."""

from common import Lab, header_part, want, wait_for, zones

DLFUNC = (("heavy", "newer-heavy", "static"), "this Exim has no ${dlfunc}")
WORDS = ("verdict", "reply", "esc", "text", "spf", "dkim", "arc", "dmarc", "policy", "from",
         "authres", "tenant", "rule", "failure")
POLICY = """-- SPDX-License-Identifier: MIT
local moon <const> = require "moonscan"
local policy = {}
function policy.message(m)
  local word = m.recipients[1]:match("^(%l+)%.%l+@")
  if word == "reject" then
    return moon.reject { esc = "5.7.26", text = "no, " .. m.from.domain .. "\\nask us" }
  elseif word == "defer" then
    return moon.defer { esc = "4.7.9", text = "later" }
  elseif word then
    return moon[word] { reason = word }
  end
end
return policy
"""
TENANTS = {"acme": ["acme.test"], "beta": ["beta.test"]}
FILES = {"tenants/%s.lua" % name: POLICY for name in TENANTS}
CODES = "MOONSCAN_REJECT_CODE = 554\nMOONSCAN_DEFER_CODE = 452\n"


def word(name, module="MOONSCAN_MODULE"):
    return "${dlfunc{%s}{moon_data}{%s}}" % (module, name)


def asking(**options):
    """A lab whose DATA ACL is the shipped one, with a site's own behind it."""
    options.setdefault("main", CODES)
    return Lab(zones=zones(), data="acl_moonscan_data", tenants=TENANTS, files=FILES, **options)


def ours(lab, queue_id=None):
    """Lines of the module's in Exim's log: date, time, id, text."""
    return [line for line in lab.mainlog(queue_id)
            if line.split(" ", 3)[-1].startswith("moonscan")]


def last_record(lab, before):
    wait_for("the record", lambda: len(lab.records()) > before)
    want(len(lab.records()), before + 1, "records")
    return lab.records()[-1]


def fields(lab, queue_id, name):
    """Values of a message's fields of this name, blanks made one."""
    return [" ".join(line.split()[1:]) for line in header_part(lab.message(queue_id))
            if line.startswith(name + ":")]


def told(lab, queue_id):
    """What the ACL was told, by word."""
    found = {}
    for line in lab.mainlog():
        if " ask " in line and queue_id in line:
            name, _, value = line.split(" ask ", 1)[1].partition("=")
            found[name] = value
    return found
