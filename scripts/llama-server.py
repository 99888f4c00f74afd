#!/usr/bin/env python3
"""llama.cpp's server, for tests and demonstrations; llama-server.sh prints the Python that runs it.

Prints "listening on URL" when it answers, and ends when its standard input does, so that it never outlives who began it.
"""
import argparse
import sys

import xllamacpp

arguments = argparse.ArgumentParser()
arguments.add_argument("model")
arguments.add_argument("--port", type=int, default=0)
arguments.add_argument("--slots", type=int, default=2)
arguments.add_argument("--context", type=int, default=2048, help="positions of one slot")
arguments.add_argument("--embedding", metavar="POOLING", help="give vectors: mean, cls or last")
arguments.add_argument("--template", help="a file with a chat template")
arguments.add_argument("--key", help="an API key that is asked for")
arguments = arguments.parse_args()

settings = xllamacpp.CommonParams()
settings.model.path = arguments.model
settings.hostnames, settings.port = ["127.0.0.1"], arguments.port
settings.n_parallel, settings.n_ctx = arguments.slots, arguments.context * arguments.slots
settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
settings.warmup = False
settings.endpoint_slots = True
if arguments.template:
    settings.chat_template = open(arguments.template, encoding="utf-8").read()
if arguments.key:
    settings.api_keys = [arguments.key]
if arguments.embedding:
    settings.embedding = True
    settings.pooling_type = xllamacpp.llama_pooling_type["LLAMA_POOLING_TYPE_" + arguments.embedding.upper()]
    settings.n_batch = settings.n_ubatch = 512
server = xllamacpp.Server(settings)
print("listening on", server.listening_address, flush=True)
sys.stdin.read()
