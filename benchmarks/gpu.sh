#!/usr/bin/env bash
# Tests and measures ner_plus on a GPU in one run of at most six minutes, on a bare machine: Python 3.11
# or newer with torch, transformers and pip, but no package index. What it lacks is carried along.
#
#   benchmarks/gpu.sh --wheels "FOLDER FOLDER" --encoder FOLDER --output FOLDER
#
#   --wheels    folders with the wheels of what is missing, spaCy among them (environment: WHEELS); see
#               docs/gpu.md for which. Without one, what is installed is used.
#   --encoder   a pretrained encoder of Hugging Face; fp16 weights do (ENCODER; default assets/encoder)
#   --output    gets summary.txt, results.json, log.txt, tables.txt, tests.xml (OUTPUT; default metrics/gpu)
#   --data      train, dev and test .tsv (DATA; default assets/bc5cdr-columns)
#   --device    cuda, or cpu to try the script (DEVICE)
#   --seconds   for everything together (SECONDS_IN_ALL; default 350)
#   --tiny      the smallest of everything, to try the script
#   --steps     which steps (default: all)
#   --python    the Python that has torch (PYTHON; default python3)
#
# Steps come in order of importance; one that fails or hangs costs itself alone.
set -u
started=$SECONDS
root=$(cd "$(dirname "$0")/.." && pwd)
wheels=${WHEELS:-} encoder=${ENCODER:-$root/assets/encoder} output=${OUTPUT:-metrics/gpu}
data=${DATA:-$root/assets/bc5cdr-columns} device=${DEVICE:-cuda} seconds=${SECONDS_IN_ALL:-350}
python=${PYTHON:-python3} others=()
while [ $# -gt 0 ]; do
  case $1 in
    --wheels) wheels=$2; shift ;;
    --encoder) encoder=$2; shift ;;
    --output) output=$2; shift ;;
    --data) data=$2; shift ;;
    --device) device=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --python) python=$2; shift ;;
    --tiny) others+=(--tiny) ;;
    --steps) others+=(--steps "$2"); shift ;;
    *) echo "gpu.sh: unknown option $1; the head of $0 says which there are" >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$output"
output=$(cd "$output" && pwd)
log=$output/log.txt
: >"$log"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '%s\n' "$*" | tee -a "$log"; }

site=
if [ -n "$wheels" ]; then
  files=()
  for folder in $wheels; do
    files+=("$folder"/*.whl)
  done
  # a folder of its own, before the system's packages: no environment of the machine is changed
  if ! "$python" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir \
    --disable-pip-version-check --target "$work/site" "${files[@]}" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "gpu.sh: the wheels in $wheels can't be installed: see $log"
    exit 1
  fi
  if ! ls "$work/site"/spacy_ner_plus-*.dist-info >/dev/null 2>&1; then
    # spaCy finds the components by what is installed; the code itself is that of this checkout
    if ! "$python" -m pip install --quiet --no-index --no-deps --no-compile --no-cache-dir --no-build-isolation \
      --disable-pip-version-check --target "$work/site" "$root" >>"$log" 2>&1; then
      say "gpu.sh: the package can't be built here: put its own wheel among the others. See $log"
      exit 1
    fi
  fi
  site=:$work/site
fi
export PYTHONPATH=$root$site${PYTHONPATH:+:$PYTHONPATH}
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
[ "$device" != cpu ] || export CUDA_VISIBLE_DEVICES=
cd "$root" || exit 1
say "environment: $((SECONDS - started)) s"
exec_left=$((seconds - SECONDS + started))
"$python" -m benchmarks.gpu --encoder "$encoder" --data "$data" --device "$device" \
  --seconds "$exec_left" --work "$work" --output "$output" ${others[@]+"${others[@]}"}
