#!/usr/bin/env bash
# A whole network on free ports in a temporary folder: ten prompts through the openai client, a second node that comes and is
# killed, a graceful stop, and a ledger that verifies and conserves its sum. Also a test: exits non-zero when anything is off.
# usage: demo.sh    (LATTICE names the program; default: the newest of the release and the debug build; LEDGER=evm: on contracts)
exec "$(dirname "$0")/network-test.sh" demo
