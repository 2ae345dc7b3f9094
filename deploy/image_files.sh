#!/usr/bin/env bash
# Puts what the container image gets of our own, in the image's layout, into build/image: bin/mana-ai without debug
# information, and webapp/. Both must have been built (deploy/build.sh release mana-ai, deploy/webapp.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rm -rf build/image
mkdir -p build/image/bin
install --strip -m 0755 build/release/mana-ai build/image/bin/mana-ai
cp -R http/webapp/dist build/image/webapp
# The image's user owns none of it and must be able to read all of it.
chmod -R u=rwX,go=rX build/image
