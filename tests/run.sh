#!/bin/sh
# The tests in one command: install, build, test. Arguments go to ctest.
set -eu
cd "$(dirname "$0")/.."
sh app/setup.sh -DKL_WERROR=ON
ctest --test-dir build --output-on-failure --parallel 2 --label-exclude "bench|rig" "$@"
# The program against emulated devices on emulated buses. Under load the bus emulation itself may end
# or starve a process (tests/rig/umockdev_lock.c), so that a failure counts when it repeats.
exec ctest --test-dir build --output-on-failure --label-regex rig --repeat until-pass:2 "$@"
