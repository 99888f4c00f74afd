#!/usr/bin/env bash
# Everything that the engine can do, through the API of a running network, with the unmodified openai client: schemas, tools,
# log probabilities, cached prompts, receipts of computation, and models of every architecture. Exits non-zero when anything is off.
# usage: api.sh    (LATTICE names the program; default: the newest of the release and the debug build)
exec "$(dirname "$0")/network-test.sh" api
