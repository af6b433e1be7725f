#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""faults: everything that can break is broken on purpose, under a real Exim; one table row for each
fault: what the client is told, what the log says, where the mail is. The status is 1 when one is
not as it must be.

    faults.py [--short] [--tap] [--daemon heavy] [FAULT ...]

    --short  each fault once and few messages: what `make check` runs. Faults that other tests show
             are left out there.
    --tap    TAP in the place of the table
    FAULT    only those with this in their name
"""

import argparse
import sys

import fault_lab  # noqa: F401  (finds the other rooms of tests/)
import campaign

# In the order of the table.
import rows_dns  # noqa: F401
import rows_worker  # noqa: F401
import rows_service  # noqa: F401
import rows_data  # noqa: F401
import rows_log
import rows_store  # noqa: F401
import rows_config  # noqa: F401
import rows_limits  # noqa: F401
import rows_elsewhere  # noqa: F401
import rows_kills  # noqa: F401


def main():
    parser = argparse.ArgumentParser(description="Breaks everything on purpose.")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--tap", action="store_true")
    parser.add_argument("--daemon", default="heavy")
    parser.add_argument("fault", nargs="*")
    options = parser.parse_args()
    rows = [row for row in campaign.ROWS
            if (row.short or not options.short)
            and (not options.fault or any(part in row.name for part in options.fault))]
    rows_log.MOUNTS = rows_log.own_mounts()
    return campaign.run_all(rows, options.daemon, options.short, options.tap)


if __name__ == "__main__":
    sys.exit(main())
