"""Prompt and generation speed of llama.cpp as PyPI's wheel has it: llama_wheel.py MODEL THREADS PROMPT GENERATE."""
import json, sys
import xllamacpp

model, threads, prompt, generate = sys.argv[1], *map(int, sys.argv[2:])
settings = xllamacpp.CommonParams()
settings.model.path, settings.n_ctx, settings.n_parallel, settings.warmup = model, prompt + generate + 64, 1, False
settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
request = {"prompt": [index * 7 % 250 for index in range(max(prompt, 1))], "n_predict": generate, "max_tokens": generate,
           "ignore_eos": True, "cache_prompt": False, "temperature": 0}
timings = xllamacpp.Server(settings).handle_completions(request)["timings"]
print(json.dumps({"prefill": timings["prompt_per_second"], "decode": timings["predicted_per_second"]}))
