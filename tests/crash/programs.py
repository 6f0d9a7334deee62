# SPDX-License-Identifier: Apache-2.0
"""Where programs are that no PATH of a normal user names. tests/adapters/mosquitto_broker.cpp looks there, too."""

import os
import shutil


def mosquitto():
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin")
    if found is None:
        raise FileNotFoundError("mosquitto is not installed: scripts/packages test")
    return found
