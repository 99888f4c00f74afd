#!/usr/bin/env python3
"""Turns the files of all-MiniLM-L6-v2 into a GGUF file of the bert architecture, with nothing but Python itself.

usage: minilm-to-gguf.py FOLDER f32|f16|q8_0 OUT.gguf     FOLDER holds model.safetensors, vocab.txt and the settings
"""
import array
import json
import os
import struct
import sys

STRING, ARRAY, U32, I32, F32, BOOL = 8, 9, 4, 5, 6, 7
TYPES = {"f32": 0, "f16": 1, "q8_0": 8}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
NAMES = {
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}


def name_of(name):
    """The name that GGUF has for a tensor; None for those that embeddings do without."""
    if name.startswith("pooler."):
        return None
    layer = ""
    if name.startswith("encoder.layer."):
        _, _, number, name = name.split(".", 3)
        layer = f"blk.{number}."
    stem, part = name.rsplit(".", 1)
    return layer + NAMES[stem] + "." + part if stem in NAMES else None


def read_tensors(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        head = json.loads(file.read(size))
        data = file.read()
    for name, tensor in head.items():
        new = name_of(name) if name != "__metadata__" else None
        if new and tensor["dtype"] == "F32":
            first, last = tensor["data_offsets"]
            values = array.array("f", data[first:last])
            if sys.byteorder == "big":
                values.byteswap()
            yield new, tensor["shape"], values


def encode(values, kind):
    if kind == "f32":
        return struct.pack(f"<{len(values)}f", *values)
    if kind == "f16":
        return struct.pack(f"<{len(values)}e", *values)
    out = bytearray()
    for start in range(0, len(values), 32):
        block = values[start:start + 32]
        scale = max(map(abs, block)) / 127
        factor = 1 / scale if scale else 0.0
        # Nearest, halves away from zero.
        numbers = [int(value * factor + (0.5 if value >= 0 else -0.5)) for value in block]
        out += struct.pack("<e32b", scale, *numbers)
    return bytes(out)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def entry(key, kind, value):
    scalar = {STRING: text, U32: struct.Struct("<I").pack, I32: struct.Struct("<i").pack,
              F32: struct.Struct("<f").pack, BOOL: struct.Struct("<?").pack}
    if isinstance(value, list):
        body = struct.pack("<IQ", kind, len(value)) + b"".join(map(scalar[kind], value))
        return text(key) + struct.pack("<I", ARRAY) + body
    return text(key) + struct.pack("<I", kind) + scalar[kind](value)


def settings(folder):
    def load(name):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return json.load(file)
    config, limits, pooling = load("config.json"), load("sentence_bert_config.json"), load("1_Pooling/config.json")
    with open(os.path.join(folder, "vocab.txt"), encoding="utf-8") as file:
        vocabulary = file.read().split("\n")
    if not vocabulary[-1]:
        vocabulary.pop()
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokens = [t if t in SPECIAL else t[2:] if t.startswith("##") else "\u2581" + t for t in vocabulary]
    return [
        entry("general.architecture", STRING, "bert"),
        entry("general.name", STRING, "all-MiniLM-L6-v2"),
        entry("bert.context_length", U32, config["max_position_embeddings"]),
        entry("bert.embedding_length", U32, config["hidden_size"]),
        entry("bert.block_count", U32, config["num_hidden_layers"]),
        entry("bert.feed_forward_length", U32, config["intermediate_size"]),
        entry("bert.attention.head_count", U32, config["num_attention_heads"]),
        entry("bert.attention.layer_norm_epsilon", F32, config["layer_norm_eps"]),
        entry("bert.attention.causal", BOOL, False),
        entry("bert.pooling_type", U32, 2 if pooling["pooling_mode_cls_token"] else 1),
        entry("sentence_bert.max_seq_length", U32, limits["max_seq_length"]),
        entry("tokenizer.ggml.model", STRING, "bert"),
        entry("tokenizer.ggml.pre", STRING, "bert-bge"),
        entry("tokenizer.ggml.tokens", STRING, tokens),
        entry("tokenizer.ggml.token_type", I32, [3 if t in SPECIAL else 1 for t in vocabulary]),
        entry("tokenizer.ggml.padding_token_id", U32, ids["[PAD]"]),
        entry("tokenizer.ggml.unknown_token_id", U32, ids["[UNK]"]),
        entry("tokenizer.ggml.bos_token_id", U32, ids["[CLS]"]),
        entry("tokenizer.ggml.seperator_token_id", U32, ids["[SEP]"]),
        entry("tokenizer.ggml.mask_token_id", U32, ids["[MASK]"]),
    ]


def main():
    folder, kind, path = sys.argv[1:]
    entries = settings(folder)
    tensors, data = [], bytearray()
    for name, shape, values in read_tensors(os.path.join(folder, "model.safetensors")):
        is_matrix = len(shape) == 2 and name.split(".")[0] not in ("position_embd", "token_types")
        stored = kind if is_matrix else "f32"
        tensors.append(text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), TYPES[stored], len(data)))
        data += encode(values, stored)
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entries) + b"".join(tensors)
    with open(path + ".part", "wb") as file:
        file.write(head + bytes(-len(head) % 32) + data)
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
