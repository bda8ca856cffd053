#!/usr/bin/env bash
# Everything that only a GPU can show, in order, written down in one Markdown page: the first hour on a GPU.
#
#   pip install 'minigen[cuda13,dev]'              # cuda12 for older drivers; for the comparison also a PyTorch for CUDA
#   benchmarks/first_gpu_hour.sh                   # writes gpu-report.md and compare_gpu.json in the current folder
#   benchmarks/first_gpu_hour.sh elsewhere/gpu-report.md
#
# No step stops the next, and Ctrl-C ends the script with a report of the steps done.  Without a GPU each step says why,
# in a minute altogether.  The exit status is the number of steps that failed.  PYTHON names another interpreter than
# python.
set -uo pipefail

python=${PYTHON:-python}
report=${1:-gpu-report.md}
mkdir -p "$(dirname "$report")" || exit 125
here=$(cd "$(dirname "$report")" && pwd)
report=$here/$(basename "$report")
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 125
work=$(mktemp -d) || exit 125

unset CUPY_TF32 NVIDIA_TF32_OVERRIDE TORCH_ALLOW_TF32_CUBLAS_OVERRIDE # precision is told by flags alone
failed=0
number=0
running=""
why_not=""
: >"$work/table"
: >"$work/steps"

# step TITLE SECONDS COMMAND: run a command line, for so many seconds at most, and write down what became of it.
step() {
  local title=$1 limit=$2 command=$3 status began took lines=30 told
  told=${command//"$work"/WORK}
  number=$((number + 1))
  echo "[$number] $title: $told"
  began=$SECONDS
  timeout -k 60 "$limit" bash -c "$command" >"$work/log" 2>&1 </dev/null &
  running=$!
  wait "$running" # and not in the foreground, where Ctrl-C would have to wait for the step's end
  status=$?
  took=$((SECONDS - began))
  if [ "$status" -ne 0 ]; then
    failed=$((failed + 1))
    lines=60
  fi
  echo "    status $status, $took s"
  echo "| $number | $title | $(verdict "$status") | $took |" >>"$work/table"
  {
    printf "\n## %d. %s\n\n\`%s\`\n\nStatus %d, %d s.  The last lines:\n\n" "$number" "$title" "$told" "$status" "$took"
    # As a block of code: four spaces, no colours, no lines that were overwritten by a progress bar.
    tail -n "$lines" "$work/log" | sed -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' -e 's/.*\r\(.\)/\1/' -e 's/\r$//' -e 's/^/    /'
  } >>"$work/steps"
}

verdict() {
  case $1 in
    0) echo "passed" ;;
    124) echo "**out of time**" ;;
    *) echo "**failed, status $1**" ;;
  esac
}

# sanitizer TOOL TESTS: the kernels' tests under one of NVIDIA's checkers, where it is installed and there is a GPU.
sanitizer() {
  local tests="$python -m pytest tests/cuda/test_gpu.py --backend cupy -n 0 -q -rfE $2"
  if [ -n "$why_not" ]; then
    step "compute-sanitizer, $1" 600 "$tests"
  else
    step "compute-sanitizer, $1" 600 "compute-sanitizer --tool $1 --error-exitcode 9 $tests"
  fi
}

# finish: the page, from whatever steps were done.
# shellcheck disable=SC2329 # the trap below calls it
finish() {
  {
    echo "# The first hour on a GPU"
    echo
    if [ -n "$why_not" ]; then
      echo "**There was none: $why_not**  So nothing below shows anything about a GPU."
    else
      echo "Send this page, with \`compare_gpu.json\` beside it, to the authors of minigen (\`pyproject.toml\`).  The steps that"
      echo "passed turn \"never run\" into \"passed\" in \`docs/gpu.md\` and \`docs/gpu_kernels.md\`; the figures go to"
      echo "\`benchmarks/results\`.  A step that failed is worth as much: send it as it is."
    fi
    echo
    echo "$(date -u '+%Y-%m-%d %H:%M UTC'), $(uname -sr)"
    if command -v nvidia-smi >/dev/null; then
      nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit --format=csv,noheader | sed 's/^/    /'
    fi
    printf '\n| | step | | seconds |\n|---:|---|---|---:|\n'
    cat "$work/table" "$work/steps"
    if [ -f "$work/compare/compare_gpu.md" ]; then
      printf '\n---\n\n'
      cat "$work/compare/compare_gpu.md"
    fi
  } >"$report"
  if [ -f "$work/compare/compare_gpu.json" ]; then
    cp "$work/compare/compare_gpu.json" "$here/"
  fi
  number=$(wc -l <"$work/table")
  rm -rf "$work"
  echo "$failed of $((number)) steps failed; the report is $report"
}
trap finish EXIT
trap '[ -z "$running" ] || kill "$running" 2>/dev/null; exit 130' INT TERM

why_not=$("$python" -c 'from minigen import backend; print(backend.probe().partition("\n")[0])' 2>&1 | tail -n 1)
train="$python -m minigen.train"
small="--batch 32 --pictures 2 --count 2000"

# Tests: in one process where the GPU itself is looked at; in four where there are many, since a fault on the GPU fails
# everything that its process does afterwards.
step "the doctor" 300 "$python -m minigen.doctor"
step "every test that takes a backend" 2400 "$python -m pytest --backend cupy -m gpu --ignore tests/cuda/test_gpu.py -n 4 -q -rfE --tb=short"
step "the look-alike against CuPy itself" 600 "$python -m pytest --backend cupy tests/lookalike/test_rules.py -n 0 -q -rfE"
step "a captured step: products, replays, memory, noise, nodes" 1200 "$python -m pytest --backend cupy tests/cuda/test_captured.py -n 0 -q -rfEP"
step "the CUDA kernels against their formulas" 1200 "$python -m pytest tests/cuda/test_gpu.py --backend cupy -n 0 -q -rfE"
sanitizer memcheck ""
sanitizer racecheck '-k "batch_norm or stand_in"'
sanitizer initcheck ""
sanitizer synccheck ""
step "training on the GPU, going on on the CPU" 900 "$train gan --backend cupy --steps 200 $small --out $work/gpu-first && $train gan --resume $work/gpu-first/0001-gan-scenes --steps 210 --backend numpy"
step "training on the CPU, going on on the GPU" 900 "$train vae --backend numpy --steps 20 $small --out $work/cpu-first && $train vae --resume $work/cpu-first/0001-vae-scenes --steps 220 --backend cupy"
step "training in tf32" 900 "$train gan --backend cupy --precision tf32 --steps 200 $small --out $work/tf32"
step "training as a CUDA graph, going on without" 900 "$train gan --backend cupy --graph --steps 400 $small --out $work/graph && $train gan --backend cupy --resume $work/graph/0001-gan-scenes --steps 410"
step "training as a CUDA graph, noise drawn on the GPU, going on on the CPU" 900 "$train gan --backend cupy --graph --draws device --steps 400 $small --out $work/drawn && $train gan --resume $work/drawn/0001-gan-scenes --steps 410 --backend numpy"
step "samples and measurements on the GPU" 900 "$python -m minigen.sample $work/cpu-first/0001-vae-scenes --backend cupy && $python -m minigen.evaluate $work/cpu-first/0001-vae-scenes --backend cupy"
step "side by side with PyTorch" 2400 "$python -m benchmarks.compare_gpu --out $work/compare"

exit "$failed"
