# SPDX-License-Identifier: Apache-2.0
"""The last line of a finding, and its exit status: 1 when the behaviour is no longer the described one."""
import sys


def verdict(as_described, what):
    print(f"{'AS DESCRIBED' if as_described else 'CHANGED'}: {what}")
    sys.exit(0 if as_described else 1)
