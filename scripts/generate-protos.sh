#!/usr/bin/env bash
# Writes the Swift for Protos/**.proto into NodeAPI. Needs Debian's protobuf-compiler; builds the Swift plugin itself.
set -euo pipefail
cd "$(dirname "$0")/.."
plugin=${PROTOC_GEN_SWIFT:-}
if [ -z "$plugin" ]; then
    swift build -c release --product protoc-gen-swift
    plugin=$(swift build -c release --show-bin-path)/protoc-gen-swift
fi
protoc --plugin=protoc-gen-swift="$plugin" --proto_path=Protos --swift_opt=Visibility=Public --swift_opt=FileNaming=DropPath \
    --swift_opt=UseAccessLevelOnImports=true --swift_out=Sources/NodeAPI Protos/lattice/node/v1/*.proto
# Messages of many fields keep them in a class whose empty instance never changes; the compiler wants to be told.
sed -i 's/var _storage = _StorageClass.defaultInstance/var _storage = unsafe _StorageClass.defaultInstance/' Sources/NodeAPI/node.pb.swift
