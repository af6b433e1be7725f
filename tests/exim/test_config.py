#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The files for Debian's split configuration, put together by Debian's own update-exim4.conf and
read by Debian's Exim."""

import os
import shutil
import sys

from common import Lab, Suite, laboratory, want, want_in, zones

suite = Suite(not_static="Debian's configuration is for Debian's daemons")
SPLIT = "docs/exim/debian-split/conf.d"
FILES = {"main.conf": "main/00_moonscan", "acl.conf": "acl/25_moonscan_one_tenant",
         "data.conf": "acl/26_moonscan_data",
         "router.conf": "router/050_moonscan_quarantine",
         "transport.conf": "transport/35_moonscan_quarantine"}
ANSWERS = """dc_eximconfig_configtype='internet'
dc_other_hostnames='acme.test:beta.test'
dc_local_interfaces='127.0.0.1'
dc_readhost=''
dc_relay_domains=''
dc_minimaldns='false'
dc_relay_nets=''
dc_smarthost=''
CFILEMODE='644'
dc_use_split_config='true'
dc_hide_mailname=''
dc_mailname_in_oh='true'
dc_localdelivery='mail_spool'
"""


@suite.lab
def debian(**daemon):
    return Lab(zones=zones(), **daemon)


def read(path):
    with open(os.path.join(laboratory.TREE, path), encoding="utf-8") as file:
        return file.read()


def generated(lab):
    """The configuration that Debian's script makes of Debian's files and ours."""
    output = lab.path("generated.conf")
    if os.path.exists(output):
        return output
    source = os.path.join(laboratory.DAEMONS, "config/etc/exim4/conf.d")
    shutil.copytree(source, lab.path("debian/conf.d"))
    shutil.copytree(os.path.join(laboratory.TREE, SPLIT), lab.path("debian/conf.d"),
                    dirs_exist_ok=True)
    lab.write("debian/update-exim4.conf.conf", ANSWERS)
    lab.write("debian/mailname", "mx.lab.test\n")
    # The user of Debian's Exim is not on every machine; and ours is no root that may use -C.
    lab.write("debian/conf.d/main/000_lab", "MOONSCAN_MODULE = %s\n"
              "MOONSCAN_OWNER = %d\n"
              "MOONSCAN_TENANTS = %s\n"
              "MAIN_ACL_CHECK_RCPT = acl_moonscan_rcpt\n"
              "MAIN_ACL_CHECK_DATA = acl_moonscan_data\n"
              "deliver_drop_privilege = true\n" % (lab.module_file, lab.uid, lab.path("tenants")))
    with open(os.path.join(laboratory.DAEMONS, "config/usr/sbin/update-exim4.conf"),
              encoding="utf-8") as file:
        script = file.read()
    script = script.replace("/etc/mailname", lab.path("debian/mailname"))
    script = script.replace("/usr/sbin/exim4", lab.path("bin/exim4"))
    lab.write("debian/update", script)
    # As the lab's user: for root the script gives the file to Debian's Exim's user.
    status, out, err = lab.run(["sh", lab.path("debian/update"), "-d", lab.path("debian"),
                                "-o", output], env={"PATH": os.environ["PATH"],
                                                    "TMPDIR": lab.stage})
    want(status, 0, "update-exim4.conf: " + out + err)
    return output


def printed(lab, *what):
    status, out, err = lab.run([lab.path("bin/exim4"), "-C", generated(lab), "-bP"] + list(what))
    want(status, 0, "exim -bP %s: %s%s" % (" ".join(what), out, err))
    return out


@suite.case()
def the_split_files_have_the_text_of_the_plain_ones(_):
    for plain, split in FILES.items():
        want(read(SPLIT + "/" + split), read("docs/exim/" + plain), split)


@suite.case("debian")
def debians_configuration_loads_the_module(lab):
    want_in("/usr/lib/moonscan/moonscan.so", printed(lab, "local_scan_path"), "local_scan_path")


@suite.case("debian")
def the_quarantine_router_stands_before_those_that_deliver(lab):
    routers = printed(lab, "router_list").split()
    place = routers.index("moonscan_quarantine")
    for name in ("hubbed_hosts", "dnslookup", "system_aliases", "userforward", "local_user"):
        want(place < routers.index(name), True, "before %s in %r" % (name, routers))


@suite.case("debian")
def the_quarantine_transport_writes_maildirs(lab):
    text = printed(lab, "transport", "moonscan_quarantine")
    want_in("\nmaildir_format\n", text, "transport")
    want_in("directory = /var/spool/moonscan/quarantine/", text, "transport")


@suite.case("debian")
def one_tenant_per_transaction_stands_in_front_of_debians_rcpt_acl(lab):
    want_in("acl_moonscan_rcpt", printed(lab, "acl_smtp_rcpt"), "acl_smtp_rcpt")
    session = ["EHLO there", "MAIL FROM:<>", "RCPT TO:<postmaster@acme.test>",
               "RCPT TO:<postmaster@beta.test>", "RCPT TO:<joe@elsewhere.example>", "RSET",
               "MAIL FROM:<>", "RCPT TO:<joe@elsewhere.example>", "RCPT TO:<a|b@acme.test>",
               "RCPT TO:<postmaster@beta.test>"]
    session += ["RCPT TO:<x%d@acme.test>" % i for i in range(12)] + ["QUIT"]
    _, out, _ = lab.run([lab.path("bin/exim4"), "-C", generated(lab), "-bh", "192.0.2.1"],
                        input="\r\n".join(session + [""]).encode())
    replies = [line for line in out.splitlines() if line[:3].isdigit() and line[3] == " "
               and not line.startswith(("220", "221"))][1:]
    want([reply[:3] for reply in replies],
         ["250", "250", "452", "452", "250", "250", "550", "550", "250"] + ["452"] * 12,
         "replies of %r" % out)
    want_in("relay not permitted", replies[6], "Debian's own refusal")
    want_in("restricted characters", replies[7], "Debian's own refusal")


@suite.case("debian")
def the_questions_stand_in_front_of_debians_data_acl(lab):
    want_in("acl_moonscan_data", printed(lab, "acl_smtp_data"), "acl_smtp_data")
    session = ["EHLO there", "MAIL FROM:<>", "RCPT TO:<postmaster@acme.test>", "DATA",
               "Subject: its lines are too long for Debian", "", 999 * "x", ".", "QUIT", ""]
    _, out, _ = lab.run([lab.path("bin/exim4"), "-C", generated(lab), "-bh", "127.0.0.1"],
                        input="\r\n".join(session).encode())
    want_in("550 maximum allowed line length is 998", out, "Debian's own refusal")


if __name__ == "__main__":
    sys.exit(suite.main())
