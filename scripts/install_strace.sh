#!/usr/bin/env bash
# Install strace and unshare for the offline check, where they are missing (Debian and Ubuntu; needs root or sudo).
set -euo pipefail
if command -v strace > /dev/null && command -v unshare > /dev/null; then
    echo "strace is here: $(command -v strace)"
    exit 0
fi
root=""
if [ "$(id -u)" -ne 0 ]; then
    root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq
$root apt-get install -y -qq --no-install-recommends strace util-linux > /dev/null
echo "Installed: $(command -v strace)"
