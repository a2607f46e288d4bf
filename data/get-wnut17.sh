#!/bin/sh
# get-wnut17.sh [FOLDER] - fetches the WNUT-17 corpus (emerging and rare entities; CC BY 4.0) from its authors' repository and
# checks every file's size and SHA-256. FOLDER: default wnut17 beside this script. A file that is there and right is kept;
# one that arrives wrong is removed.
set -eu
folder=${1:-$(dirname "$0")/wnut17}
from=https://raw.githubusercontent.com/leondz/emerging_entities_17/master

right() { # FILE BYTES SHA256
    [ -f "$1" ] && [ "$(($(wc -c <"$1")))" = "$2" ] && [ "$(sha256sum <"$1")" = "$3  -" ]
}

get() { # NAME-THERE NAME-HERE BYTES SHA256
    file=$folder/$2
    if ! right "$file" "$3" "$4"; then
        curl -fsSL --retry 3 -o "$file.part" "$from/$1" ||
            { echo "get-wnut17.sh: cannot fetch $from/$1" >&2; exit 1; }
        if ! right "$file.part" "$3" "$4"; then
            echo "get-wnut17.sh: $from/$1 is not the file expected ($3 bytes): got $(wc -c <"$file.part")" >&2
            rm -f "$file.part"
            exit 1
        fi
        mv "$file.part" "$file"
    fi
    echo "$file: $3 bytes"
}

command -v curl >/dev/null || { echo "get-wnut17.sh: needs curl (apt-get install curl ca-certificates)" >&2; exit 1; }
mkdir -p "$folder"
get wnut17train.conll train.conll 493781 731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5
get emerging.dev.conll dev.conll 114749 e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8
get emerging.test.annotated test.conll 192425 2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0
