#!/usr/bin/env bash
# Install Chromium for the browser tests, where it is missing (Debian and Ubuntu; needs root or sudo).
set -euo pipefail
for browser in "${EVERGREEN_CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$browser" ] && command -v "$browser" > /dev/null; then
        echo "Chromium is here: $(command -v "$browser")"
        exit 0
    fi
done
root=""
if [ "$(id -u)" -ne 0 ]; then
    root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq
$root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core > /dev/null
echo "Installed: $(command -v chromium)"
