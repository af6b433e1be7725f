#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What 10,000 tenants cost: publishes them, then counts the instructions of decisions (callgrind) with
tenants drawn uniformly and with one tenant, and the memory of a worker that has met all of them.

Variants: `own`, each tenant has a policy file of its own; `lists`, each has a folder with a list, too;
`shared`, all have one policy, which reads settings of each. The numbers do not depend on the speed of
the machine. Prints TAP; --table prints only the numbers."""

import argparse
import os
import re
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TREE, os.environ.get("BUILD", "build"))
KEY = os.path.join(TREE, "tests/support/keys/rsa2048.pem")
MORE_MAX = 1.05  # of the instructions with one tenant
MEMORY_MAX_KB = 24 * 1024
COUNTED = "cost_decision"

POLICY = """-- SPDX-License-Identifier: MIT
--
-- Tenant {name}: what a customer with a little care writes.

local moon <const> = require "moonscan"
{lists}
local policy = {{}}

local function is_bulk(m)
  return m.list.id ~= nil or m.list.unsubscribe ~= nil
end

function policy.message(m)
  if m.dmarc.result == "temperror" then
    return moon.defer {{ esc = "4.7.0", text = "DMARC policy cannot be read now" }}
  end
{match}
  if m.dmarc.policy == "reject" and m.dmarc.result == "fail" then
    return moon.reject {{ esc = "5.7.1", text = "DMARC policy of " .. m.from.domain }}
  end
  if is_bulk(m) and m.spf.result ~= "pass" and not m.dkim:aligned_pass() then
    return moon.quarantine {{ reason = "bulk mail of nobody" }}
  end
  if m.from.ours and m.dmarc.result ~= "pass" then
    return moon.reject {{ esc = "5.7.1", text = "our own domain, but not from us" }}
  end
  return moon.accept {{ reason = {reason} }}
end

-- Complaints about our own mail must arrive, whatever the sender's records say.
policy.recipients = {{
  abuse = function(m)
    return moon.accept {{ override = "local_policy", comment = "mail to abuse is always taken" }}
  end,
}}

return policy
"""
LIST = """return {{
  "alumni{i}.example",
  {{ name = "Old lists server", dkim = "lists{i}.example", networks = {{ "192.0.2.0/24" }},
    from = {{ "bank.example", ".bank.example" }}, expires = "2030-12-31" }},
}}
"""
USES_LIST = """local forwarders <const> = moon.list "forwarders"
"""
MATCH = """  local via <const> = forwarders:match(m)
  if via then
    return moon.accept { override = "trusted_forwarder", via = via }
  end
"""


def write(root, path, text):
    whole = os.path.join(root, path)
    os.makedirs(os.path.dirname(whole), exist_ok=True)
    with open(whole, "w", encoding="utf-8") as file:
        file.write(text)


def configure(etc, variant, tenants):
    write(etc, "tenants.map", "".join("t%d.example: t%d\n" % (i, i) for i in range(tenants)))
    if variant == "shared":
        write(etc, "policies/gold.lua", POLICY.format(
            name="of all", lists=USES_LIST, match=MATCH, reason="m.tenant.settings.greeting"))
        write(etc, "policies/lists/forwarders.lua", LIST.format(i=0))
        write(etc, "tenants.lua", "return {\n  ['*'] = { policy = 'gold' },\n" + "".join(
            "  t%d = { settings = { greeting = 'hello %d', limit = %d, vip = { 'a@t%d.example' } } },\n"
            % (i, i, i, i) for i in range(tenants)) + "}\n")
        return
    lists = variant == "lists"
    for i in range(tenants):
        text = POLICY.format(name="t%d" % i, lists=USES_LIST if lists else "",
                             match=MATCH if lists else "", reason='"tenant %d"' % i)
        write(etc, "tenants/t%d/policy.lua" % i if lists else "tenants/t%d.lua" % i, text)
        if lists:
            write(etc, "tenants/t%d/lists/forwarders.lua" % i, LIST.format(i=i))


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          **options)
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode:
        raise SystemExit("%s: status %d\n%s" % (" ".join(command), done.returncode, text))
    return text


def publish(root, name, variant, tenants):
    """The snapshot of a fresh configuration."""
    etc, state = os.path.join(root, name, "etc"), os.path.join(root, name, "var")
    configure(etc, variant, tenants)
    run([os.path.join(BUILD, "moonscan"), "publish", "--config-dir", etc, "--state-dir", state])
    return os.path.join(state, "current")


def message(root):
    sign = os.path.join(BUILD, "tests/sign")
    plain = ("From: Shop <news@shop.example>\r\nTo: joe@t0.example\r\nSubject: News\r\n"
             "Message-ID: <1@shop.example>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n"
             + "A line of text as mail has it, thirty times.\r\n" * 30)
    signed = subprocess.run([sign, "--domain", "shop.example", "--selector", "s", "--key", KEY],
                            input=plain.encode(), stdout=subprocess.PIPE, check=True).stdout
    path = os.path.join(root, "message.eml")
    with open(path, "wb") as file:
        file.write(signed)
    key = run([sign, "--key", KEY, "--record"]).strip()
    parts = " ".join('"%s"' % key[i:i + 200] for i in range(0, len(key), 200))
    write(root, "zone", "$ORIGIN shop.example.\n@ TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\n"
          "_dmarc TXT \"v=DMARC1; p=reject\"\ns._domainkey TXT %s\n" % parts)
    return path


def cost(root, snapshot, tenants, decisions, warm):
    """Instructions of a decision, and of the policy's part of it."""
    out = os.path.join(root, "callgrind.out")
    # Time must not end a policy here.
    run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=" + COUNTED,
         "--callgrind-out-file=" + out, os.path.join(BUILD, "tests/tenants_cost"), "--snapshot",
         snapshot, "--zone", os.path.join(root, "zone"), "--tenants", str(tenants), "--decisions",
         str(decisions), "--warm", str(warm), os.path.join(root, "message.eml")])
    text = run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", out])
    total = int(re.search(r"([\d,]+)[^\n]*PROGRAM TOTALS", text).group(1).replace(",", ""))
    policy = re.search(r"([\d,]+) [^\n]*moon_policy_decide", text)
    return (total // decisions,
            int(policy.group(1).replace(",", "")) // decisions if policy else 0, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=10000)
    parser.add_argument("--decisions", type=int, default=400)
    parser.add_argument("--variants", default="own,lists,shared")
    parser.add_argument("--profile", action="store_true", help="where the instructions go")
    options = parser.parse_args()
    variants = options.variants.split(",")
    number, failed = 0, 0
    print("1..%d" % (2 * len(variants)))
    with tempfile.TemporaryDirectory(prefix="moon-cost-") as root:
        message(root)
        for variant in variants:
            one = publish(root, variant + "-1", variant, 1)
            many = publish(root, variant, variant, options.tenants)
            size = os.path.getsize(many)
            few, few_policy, _ = cost(root, one, 1, options.decisions, 20)
            all_, all_policy, profile = cost(root, many, options.tenants, options.decisions, 20)
            if options.profile:
                print(profile[:6000])
            memory = run([os.path.join(BUILD, "tests/tenants_cost"), "--snapshot", many, "--zone",
                          os.path.join(root, "zone"), "--tenants", str(options.tenants),
                          "--decisions", str(options.tenants), "--each",
                          os.path.join(root, "message.eml")])
            took, by_tenant, bad, kb = map(int, re.findall(r"\d+", memory))
            print("# %s: snapshot %d bytes; instructions of a decision: %d with one tenant, %d with "
                  "%d (%+.1f %%); of its policies: %d, %d; memory %d KB"
                  % (variant, size, few, all_, options.tenants, 100.0 * all_ / few - 100,
                     few_policy, all_policy, kb))
            for good, name in (
                    (all_ <= few * MORE_MAX, "%s: %d tenants cost a message what one does"
                     % (variant, options.tenants)),
                    (by_tenant == took and bad == 0 and kb <= MEMORY_MAX_KB,
                     "%s: the memory of a worker stays below %d KB" % (variant, MEMORY_MAX_KB))):
                number += 1
                failed += not good
                print("%sok %d - %s" % ("" if good else "not ", number, name))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
