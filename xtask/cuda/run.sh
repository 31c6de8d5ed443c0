#!/usr/bin/env bash
# Checks effmix on this machine's GPU, and measures it. The machine needs NVIDIA's driver and CUDA's libraries; it needs no network, no
# Rust and, but for the comparison with PyTorch, no Python.
set -uo pipefail
unset CDPATH

usage() {
  cat <<'TEXT'
Usage: ./run.sh [--device cuda:N|cpu] [--out DIR] [--quick]

Checks every operation, the networks' logits, a training step, every step of DivideMix and a whole training against references and
the CPU; then measures images per second and memory, beside PyTorch where Python has it. It takes less than 8 minutes.

  --device D  what is checked: cuda:N, the GPU with number N from 0, or cpu, to try the script itself [default: cuda:0]
  --out DIR   new folder for results.json and the logs [default: results, beside this script]
  --quick     a part of the operations, and trainings of two epochs: about two minutes on two cores

The exit status is 0 where every check passed.
TEXT
}

here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
device=cuda:0 named=cpu out=$here/results quick=
while [ $# -gt 0 ]; do
  case $1 in
    --device) device=${2-}; shift ;;
    --out) out=${2-}; shift ;;
    --quick) quick=1 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "run.sh: $1 is no option; --help lists them" >&2; exit 2 ;;
  esac
  shift || { echo "run.sh: the last option needs a value" >&2; exit 2; }
done
case $out in /*) ;; *) out=$PWD/$out ;; esac
[[ $device =~ ^(cpu|cuda:[0-9]+)$ ]] || device="\"$device\""
case $device in
  cpu) export EFFMIX_TEST_DEVICE=cpu ;;
  # Every program then sees this GPU alone, as its first. Where some are visible only, N counts these.
  cuda:*)
    named=$device number=${device#cuda:} device=cuda:0
    if [ -n "${CUDA_VISIBLE_DEVICES-}" ]; then
      number=$(echo "$CUDA_VISIBLE_DEVICES" | cut -d , -f $((number + 1)))
      [ -n "$number" ] || { echo "run.sh: $named is not among CUDA_VISIBLE_DEVICES=$CUDA_VISIBLE_DEVICES" >&2; exit 2; }
    fi
    export CUDA_VISIBLE_DEVICES=$number
    ;;
  *) echo "run.sh: --device $device is neither cuda:N nor cpu" >&2; exit 2 ;;
esac
if ! mkdir -- "$out" 2> /dev/null; then
  if [ -e "$out" ]; then why="is there already, from an earlier run; remove it, or name"; else why="can't be made; name"; fi
  echo "run.sh: the folder $out $why another with --out" >&2
  exit 2
fi

# CUDA's libraries are with the toolkit, or with Python's packages.
if [ "$device" != cpu ]; then
  folders=
  for folder in "${CUDA_HOME-/nowhere}"/lib{,64} /usr/local/cuda*/lib64 \
    $(python3 -c 'import sys; print(*(p + "/nvidia/*/lib" for p in sys.path if p))' 2> /dev/null); do
    if compgen -G "$folder/libcublas.so.*" > /dev/null; then folders=$folders:$folder; fi
    if compgen -G "$folder/libcurand.so.*" > /dev/null; then folders=$folders:$folder; fi
  done
  folders=${LD_LIBRARY_PATH-}$folders
  export LD_LIBRARY_PATH=${folders#:}
fi

bin=$(mktemp -d "${TMPDIR:-/tmp}/effmix-check.XXXXXX") || exit 1
child=
trap 'rm -rf "$bin"' EXIT
# A check is waited for in the background, so that Ctrl-C ends it at once.
stop() { [ -z "$child" ] || kill "$child" 2> /dev/null; wait; exit "$1"; }
trap 'stop 130' INT
trap 'stop 143' TERM
for packed in "$here"/bin/*.gz; do
  name=$(basename "$packed" .gz)
  gzip -dc "$packed" > "$bin/$name" && chmod +x "$bin/$name" || exit 1
done

# All in all, in seconds: what has not ended by then has failed.
end=470
checks= failed=0
# check NAME SECONDS COMMAND...: what the command prints goes to NAME.log. A test that is skipped has not passed.
check() {
  local name=$1 limit=$2 began=$SECONDS outcome=passed
  shift 2
  [ $limit -le $((end - SECONDS)) ] || limit=$((end - SECONDS))
  [ $limit -ge 1 ] || limit=1
  printf '%-24s' "$name"
  # In a shell of its own, which knows the functions below.
  timeout "$limit" bash -c '"$@"' - "$@" > "$out/$name.log" 2>&1 &
  child=$!
  if ! wait "$child"; then
    outcome=failed
  elif grep -q '^skipped: \|^running 0 tests\| 0 passed' "$out/$name.log"; then
    outcome=skipped
  fi
  child=
  [ "$outcome" = passed ] || failed=1
  printf '%-8s %4d s\n' "$outcome" $((SECONDS - began))
  [ "$outcome" = passed ] || tail -n 5 "$out/$name.log" | sed 's/^/    /'
  checks="$checks${checks:+,}
    {\"name\": \"$name\", \"outcome\": \"$outcome\", \"seconds\": $((SECONDS - began))}"
}

# figure FILE KEY: the number at a key of a JSON file that has it once.
figure() {
  sed -n "s/^ *\"$2\": *\([-0-9.e]*\),\{0,1\}\$/\1/p" "$1" 2> /dev/null | head -n 1
}

# train NAME DEVICE: the built-in set, 40 % of whose labels are wrong.
train() {
  local name=$1 on=$2
  local length=${quick:+--epochs 2 --warmup 1}
  # shellcheck disable=SC2086 # two flags with their values
  (cd "$bin" && ./effmix train --device "$on" --out "run-$name" --seed 1 --json $length > "$out/$name.json")
}

# as_accurate: the training on the device is no more than 2 points below the one on the CPU.
as_accurate() {
  local on_cpu on_device
  on_cpu=$(figure "$out/demo-cpu.json" test_accuracy_last)
  on_device=$(figure "$out/demo.json" test_accuracy_last)
  echo "accuracy: ${on_device:-none} on $device, ${on_cpu:-none} on the CPU"
  awk -v a="$on_device" -v b="$on_cpu" 'BEGIN { exit !(a != "" && b != "" && a >= b - 0.02) }'
}

# go_on: the run of the device goes on on the CPU.
go_on() {
  local epochs
  epochs=$(sed -n 's/^epochs = \([0-9]*\)$/\1/p' "$bin/run-demo/config.toml")
  (cd "$bin" && ./effmix resume run-demo --device cpu --epochs $((epochs + 1)) --json > "$out/resumed.json")
}

bench() {
  local mode=$1 size=224 batch=64 seconds=10
  [ -z "$quick" ] || { size=32; batch=4; seconds=1; }
  "$bin/effmix" bench --device "$device" --mode "$mode" --size $size --batch $batch --seconds $seconds --json > "$out/bench-$mode.json"
}

torch() {
  local size=224 batch=64 seconds=10
  [ -z "$quick" ] || { size=32; batch=4; seconds=1; }
  python3 "$here/torch_bench.py" --device "${device/cuda:0/cuda}" --size $size --batch $batch --seconds $seconds > "$out/torch.json"
}

export here out bin device quick
export -f figure train as_accurate go_on bench torch

echo "effmix $(cat "$here/version.txt") on $named"
check device 30 "$bin/effmix" bench --device "$device" --mode predict --size 32 --batch 2 --seconds 0
if [ $failed = 1 ]; then
  echo "FAILED: $named can't be used, so nothing was checked; see $out/device.log"
  exit 1
fi
check operations 150 "$bin/ops" --check --device "$device" --json "$out/operations.json" ${quick:+conv2d}
check networks 60 "$bin/networks" on_a_gpu --show-output
check divide_mix_step 30 "$bin/dividemix" on_a_gpu --show-output
check demo 120 train demo "$device"
check demo_cpu 120 train demo-cpu cpu
check demo_as_accurate 5 as_accurate
check resume_on_the_cpu 60 go_on
check bench_train 40 bench train
check bench_predict 40 bench predict
if python3 -c 'import torch' 2> /dev/null; then
  timeout 60 bash -c torch > "$out/torch.log" 2>&1 || echo "PyTorch could not be measured; see $out/torch.log"
else
  echo "PyTorch is not there: nothing to compare with"
fi

# part NAME: a JSON file as a value, or null.
part() {
  if [ -s "$out/$1.json" ]; then cat "$out/$1.json"; else echo null; fi
}
{
  echo "{"
  echo "  \"version\": \"$(cat "$here/version.txt")\","
  echo "  \"device\": \"$named\","
  echo "  \"gpu\": \"$(nvidia-smi ${number:+-i $number} --query-gpu=name,driver_version --format=csv,noheader 2> /dev/null | head -n 1)\","
  echo "  \"passed\": $([ $failed = 0 ] && echo true || echo false),"
  echo "  \"seconds\": $SECONDS,"
  echo "  \"checks\": [$checks"
  echo "  ],"
  for name in bench-train bench-predict torch demo demo-cpu operations; do
    echo "  \"${name//-/_}\": $(part $name)$([ $name = operations ] || echo ,)"
  done
  echo "}"
} > "$out/results.json"

for mode in train predict; do
  ours=$(figure "$out/bench-$mode.json" images_per_s)
  theirs=$(figure "$out/torch.json" "${mode}_images_per_s")
  printf 'B0 at %s px, batches of %s, %-8s %9.1f images/s' "$(figure "$out/bench-$mode.json" size)" \
    "$(figure "$out/bench-$mode.json" batch)" "$mode" "${ours:-0}"
  [ -z "$theirs" ] || printf ', PyTorch %9.1f' "$theirs"
  echo
done
memory=$(figure "$out/bench-train.json" device_peak_bytes)
[ -z "$memory" ] || echo "memory of the GPU in training: $((memory / 1000000)) MB"
[ "$device" != cpu ] || echo "This was the CPU: it says nothing of a GPU."
echo "$([ $failed = 0 ] && echo passed || echo FAILED) in $SECONDS s; results in $out/results.json"
exit $failed
