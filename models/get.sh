#!/bin/sh
# Fetches one of Flair's published taggers from Hugging Face and makes a flairtag model of it. usage() says how.
#
# Promises: NAME.safetensors appears whole or not at all; a download that breaks is gone on with, in this run or the next,
# from NAME.*.part; nothing is taken for a model that does not have the size and the SHA-256 that the server tells (where
# it does) and that `flairtag info` does not read. Exit codes are flairtag's.
set -u
LC_ALL=C
export LC_ALL
program=${0##*/}
server=${HF_ENDPOINT:-https://huggingface.co}
server=${server%/}

# name|repository|Flair's names for it|what it is. Those marked 'transformer' are there to be refused.
models='
ner-english|flair/ner-english|ner|English, 4 types (CoNLL-03)
ner-english-fast|flair/ner-english-fast|ner-fast|English, 4 types (CoNLL-03), smaller and faster
ner-english-ontonotes|flair/ner-english-ontonotes|ner-ontonotes|English, 18 types (OntoNotes)
ner-english-ontonotes-fast|flair/ner-english-ontonotes-fast|ner-ontonotes-fast|English, 18 types (OntoNotes), smaller and faster
ner-german|flair/ner-german|de-ner|German, 4 types (CoNLL-03)
ner-german-legal|flair/ner-german-legal|de-ner-legal de-ler|German, legal texts
ner-french|flair/ner-french|fr-ner|French, 4 types (WikiNER)
ner-danish|flair/ner-danish|da-ner|Danish
ner-multi|flair/ner-multi||several languages, 4 types
flair-uk-ner|dchaplinsky/flair-uk-ner|ner-ukrainian|Ukrainian
flair-arabic-multi-ner|megantosh/flair-arabic-multi-ner|ar-ner|Arabic
ner-english-large|flair/ner-english-large|ner-large|transformer
ner-english-ontonotes-large|flair/ner-english-ontonotes-large|ner-ontonotes-large|transformer
ner-german-large|flair/ner-german-large|de-ner-large|transformer
ner-spanish-large|flair/ner-spanish-large|es-ner-large|transformer
ner-dutch-large|flair/ner-dutch-large|nl-ner-large|transformer
ner-dutch|flair/ner-dutch|nl-ner|transformer
'

usage() {
    cat <<END
usage: $program [--to DIR] [--keep] NAME
       $program --list

Fetches one of Flair's published taggers from huggingface.co, checks it, and converts it into a folder where
'flairtag predict -m NAME' finds it. Run it again after a break: it goes on where the download stopped.

  --list    the names there are. OWNER/REPOSITORY[@REVISION] fetches any other that holds a pytorch_model.bin
  --to DIR  the folder (default: $folder)
  --keep    keep the file as it was published too, as NAME.pt

Each model has its own licence; it is on its page. \$HF_ENDPOINT names another server (a mirror) with the same paths.
END
}

fail() { # STATUS TEXT
    echo "$program: $2" >&2
    exit "$1"
}

bytes() { # FILE: its size, 0 where there is none
    if [ -f "$1" ]; then echo $(($(wc -c <"$1"))); else echo 0; fi
}

megabytes() { # BYTES
    echo "$1" | awk '{ printf "%.1f MB", $1 / 1e6 }'
}

# The row of a name, Flair's short names too; nothing for an unknown one.
row() {
    echo "$models" | awk -F '|' -v name="$1" '
        NF == 4 && ($1 == name || $2 == name || index(" " $3 " ", " " name " ")) { print; exit }'
}

list() {
    echo "$models" | awk -F '|' 'NF == 4 && $4 != "transformer" {
        printf "%-28s%s%s\n", $1, $4, $3 == "" ? "" : " [" $3 "]" }'
}

# In the source tree the model goes beside this script; installed, where the program looks for the user's own models.
here=$(dirname "$0")
case $program in
get.sh) folder=$here ;;
*) folder=${XDG_DATA_HOME:-${HOME:-}/.local/share}/flairtag/models ;;
esac
[ -z "${FLAIRTAG_MODELS:-}" ] || folder=${FLAIRTAG_MODELS%%:*}

keep=false name=
while [ $# -gt 0 ]; do
    case $1 in
    --list) list && exit ;;
    --help | -h) usage && exit ;;
    --keep) keep=true ;;
    --to)
        [ $# -gt 1 ] || fail 2 "--to wants a folder"
        folder=$2
        shift
        ;;
    --to=*) folder=${1#--to=} ;;
    -*) fail 2 "unknown option '$1' (see '$program --help')" ;;
    *)
        [ -z "$name" ] || fail 2 "one model at a time, not '$name' and '$1'"
        name=$1
        ;;
    esac
    shift
done
if [ -z "$name" ]; then
    usage >&2
    exit 2
fi
[ -n "$folder" ] || fail 2 "--to wants a folder"
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac

found=$(row "$name") revision=main
if [ -n "$found" ]; then
    asked=$name
    name=${found%%|*} about=${found##*|}
    repository=${found#*|} repository=${repository%%|*}
    [ "$about" != transformer ] || fail 4 "$asked is a transformer, which flairtag does not run (--list has those it does)"
else
    case $name in
    flair/*-large) fail 4 "$name is a transformer, which flairtag does not run (--list has those it does)" ;;
    *[!A-Za-z0-9._@/-]* | */*/* | */ | /* | *@*@* | *@ | *..*) fail 2 "'$name' is no name of a model (see --list)" ;;
    */*) ;;
    *)
        echo "$program: no model '$name'; there are:" >&2
        list >&2
        exit 2
        ;;
    esac
    case $name in *@*) revision=${name#*@} name=${name%@*} ;; esac
    repository=$name about=
    name=${name#*/}
fi
url=$server/$repository/resolve/$revision/pytorch_model.bin
model=$folder/$name.safetensors

command -v curl >/dev/null || fail 1 "curl is missing, which fetches the file (apt-get install curl ca-certificates)"
flairtag=
for candidate in "$here/../build/flairtag" "$here/flairtag" "$(command -v flairtag)"; do
    [ -n "$flairtag" ] || [ ! -x "$candidate" ] || flairtag=$candidate
done
[ -n "$flairtag" ] || fail 1 "flairtag itself is not there: build it (make), or put it into PATH"

if [ -e "$model" ]; then
    "$flairtag" info "$model" >/dev/null || fail 4 "$model is there, but cannot be read: remove it to fetch it again"
    echo "$name: $model is there already ($(megabytes "$(bytes "$model")")); remove it to fetch it again"
    exit
fi
mkdir -p "$folder" || exit 1
[ -w "$folder" ] || fail 1 "cannot write to $folder (--to names another folder)"

# What the server says of the file: code, size and SHA-256. The two are told by the first answers, before Hugging Face
# sends on to where the bytes lie, or by the last one as usual.
header() {
    printf '%s\n' "$answers" | tr -d '\r' | awk -v name="$1:" '
        /^HTTP\// { code = $2; length_here = "" }
        tolower($1) == "content-length:" { length_here = $2 }
        tolower($1) == name { value = $2 }
        END { print name == "code:" ? code : name != "x-linked-size:" || value != "" ? value : code == 200 ? length_here : "" }'
}
answers=$(curl -sSIL --connect-timeout 30 --max-time 120 "$url") || fail 3 "$name: cannot reach $server"
case $(header code) in
404) fail 3 "$name: $url is not there (404)" ;;
401) fail 3 "$name: $url is not there, or not for everyone (401)" ;;
5??) fail 3 "$name: $server cannot answer now ($(header code)); try again later" ;;
esac
size=$(header x-linked-size) sum=$(header x-linked-etag | tr -d '"')
case $size in *[!0-9]*) size= ;; esac
case $sum in *[!0-9a-f]*) sum= ;; esac
[ ${#sum} = 64 ] || sum=

sha256() { # FILE
    { sha256sum "$1" || shasum -a 256 "$1" || openssl dgst -r -sha256 "$1"; } 2>/dev/null | awk '{ print $1; exit }'
}

# A part is of the very file that its name tells: one of another version is of no use any more.
part=$folder/$name.$(printf '%.12s' "${sum:-unknown}").part
for old in "$folder/$name".*.part; do
    [ "$old" = "$part" ] || [ ! -e "$old" ] || rm -f "$old"
done
[ -z "$size" ] || [ "$(bytes "$part")" -le "$size" ] || rm -f "$part"

# The download, and a model that is about as large.
if [ -n "$size" ]; then
    wanted=$(((2 * size - $(bytes "$part")) / 1024 + 1024))
    free=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
    [ "${free:-$wanted}" -ge "$wanted" ] || fail 1 "$name: no room in $folder: $wanted KiB are wanted, $free are free"
fi

# fetch: part holds the whole file. curl's exit codes: 18, 28, 35, 52, 55, 56, 92 are breaks; 33 says that the server cannot
# begin in the middle, as does the answer 416.
show=-sS
[ ! -t 2 ] || show=-#
fetch() {
    failures=0
    while [ -z "$size" ] || [ "$(bytes "$part")" != "$size" ]; do
        before=$(bytes "$part")
        code=$(curl -fL "$show" -C - --connect-timeout 30 --speed-limit 1 --speed-time 60 -o "$part" -w '%{http_code}' "$url")
        status=$? now=$(bytes "$part")
        received=$((received + (now > before ? now - before : 0)))
        [ $status != 0 ] || break
        case $status:$code in
        33:* | 22:416)
            [ "$before" != 0 ] || fail 3 "$name: $url cannot be fetched (curl's exit code $status, answer $code)"
            echo "$program: $name: the server does not go on from the middle; starting again" >&2
            rm -f "$part"
            continue
            ;;
        18:* | 28:* | 35:* | 52:* | 55:* | 56:* | 92:* | 22:5?? | 22:429) ;;
        23:*) fail 1 "$name: cannot write $part" ;;
        *) fail 3 "$name: $url cannot be fetched (curl's exit code $status, answer $code)" ;;
        esac
        [ "$now" -gt "$before" ] && failures=0 || failures=$((failures + 1))
        [ $failures -lt 4 ] || fail 3 "$name: the connection broke at $now of ${size:-unknown} bytes; run this again to go on"
        echo "$program: $name: the connection broke at $now of ${size:-unknown} bytes; going on" >&2
        sleep $failures
    done
}

# wrong: tells what is wrong with the part; nothing when it is right.
wrong() {
    got=$(bytes "$part")
    if [ -n "$size" ] && [ "$got" != "$size" ]; then
        echo "it has $got bytes, not $size"
    elif [ -n "$sum" ]; then
        is=$(sha256 "$part")
        [ -z "$is" ] || [ "$is" = "$sum" ] || echo "its SHA-256 is $is, not $sum"
    fi
}

started=$(date +%s) had=$(bytes "$part") received=0
[ "$had" = 0 ] || echo "$program: $name: going on at $had of ${size:-unknown} bytes" >&2
fetch
mistake=$(wrong)
if [ -n "$mistake" ] && [ "$had" != 0 ]; then
    echo "$program: $name: $mistake; starting again" >&2
    rm -f "$part"
    fetch
    mistake=$(wrong)
fi
if [ -n "$mistake" ]; then
    rm -f "$part"
    fail 3 "$name: what arrived is not the file: $mistake (removed)"
fi
fetched=$(date +%s)
checked="size checked, the server tells no SHA-256"
[ -z "$sum" ] || checked="SHA-256 checked"
[ -z "$sum" ] || [ -n "$(sha256 "$part")" ] || checked="size checked, no program for SHA-256 here"
[ -n "$size" ] || checked="the server tells neither size nor SHA-256"

if ! facts=$("$flairtag" info "$part"); then
    rm -f "$part"
    fail 4 "$name: flairtag does not read what arrived (removed)"
fi
# Only taggers have a line for it.
set --
case $(echo "$facts" | head -n 1) in *tagger) set -- --description "${about:+$about; }${server#*://}/$repository" ;; esac
"$flairtag" convert "$@" "$part" "$model" || fail $? "$name: cannot be converted; the download stays for the next run"
converted=$(date +%s)
original=$(bytes "$part")
if $keep; then mv "$part" "$folder/$name.pt"; else rm -f "$part"; fi

echo "$name: $received bytes in $((fetched - started)) s from $url; $checked"
echo "$name: $(megabytes "$original") as published, $(megabytes "$(bytes "$model")") converted in $((converted - fetched)) s: $model"
! $keep || echo "$name: as published: $folder/$name.pt"
case $program in get.sh) run=$flairtag ;; *) run=flairtag ;; esac
echo "try: echo 'George Washington went to Washington.' | $run predict -m $name"
