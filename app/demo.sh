#!/bin/sh
# The demo in one command: install, build, run. Arguments go to `kneelab demo`.
set -eu
"$(dirname "$0")/setup.sh"
exec "$(dirname "$0")/../build/app/kneelab" demo "$@"
