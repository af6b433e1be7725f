#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The rows of the demo as test cases, so that they run with each daemon and, with MOON_WORKER, with
a build of the program that has sanitizers."""

import sys

from common import Failed, Lab, Suite

import demo

suite = Suite()


@suite.lab
def demonstration(**daemon):
    return Lab(zones=demo.zones(), tenants=demo.TENANTS, files=demo.policies(),
               config=demo.CONFIG, silent=demo.SILENT, **daemon)


def add(row, number):
    def case(lab):
        found = demo.differences(row, *demo.send(lab, row, number))
        if found:
            raise Failed("; ".join(found))
    case.__name__ = row.sent.replace(" ", "_")
    suite.case("demonstration")(case)


for i, shown in enumerate(demo.ROWS, 1):
    add(shown, i)

if __name__ == "__main__":
    sys.exit(suite.main())
