#!/bin/sh
# The tests in one command: install, build, test. Arguments go to ctest.
set -eu
cd "$(dirname "$0")/.."
sh app/setup.sh -DKL_WERROR=ON
exec ctest --test-dir build --output-on-failure --parallel 2 --label-exclude bench "$@"
