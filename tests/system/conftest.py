# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Fixtures of the system tests: see machine.py."""

import os
import re
import signal

import pytest

from machine import BUILD, PATIENCE, Machine, make_image, system_image

HARD_LIMIT = int(1200 * PATIENCE)        # seconds for one test, whatever it waits for
LOGS = os.path.join(BUILD, "tests", "system", "logs")


@pytest.fixture(autouse=True)
def hard_limit():
    """No test outlives its time."""
    def late(*unused):
        raise TimeoutError("the test took longer than %d s" % HARD_LIMIT)
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(HARD_LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def boot(request):
    """boot(image, firmware="bios", mem=256, ...): a started Machine that ends with the test.  What
    it says is kept in the build folder, tests/system/logs/."""
    machines = []

    def start(image, **options):
        os.makedirs(LOGS, exist_ok=True)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name).strip("-")
        log = os.path.join(LOGS, "%s.%d.log" % (name, len(machines)))
        machines.append(Machine(image, log=log, **options))
        return machines[-1]
    yield start
    for machine in machines:
        machine.stop()


@pytest.fixture
def boot_system(boot):
    """boot_system("default", firmware="bios", ...): builds the image of a manifest if need be and
    waits until its boot is complete."""
    def start(name="default", **options):
        machine = boot(system_image(name), **options)
        machine.expect_text("[OK] BraiNIX: boot complete.")
        return machine
    return start


@pytest.fixture
def image(tmp_path):
    """image({"kernel": file, ...}, command_line=""): an ISO of these modules."""
    def make(modules, **options):
        return make_image(tmp_path / "image.iso", modules, **options)
    return make
