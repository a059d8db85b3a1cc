"""Times the PyTorch peer on the cases that src/bench/peers/cases.ts writes, and shows that it computes the same values.

    node src/bench/peers/pytorch/run.mjs bench.py --model model.safetensors --input 1x2048.safetensors [...] --json F

Forward: eval mode under inference_mode. Training: a forward pass in train mode, the mean squared error to `target`, the
backward pass and a step of AdamW (fused). Tree and graph are given. Every row starts from the checkpoint's weights.
Times are milliseconds; `first` is the first pass, compilation included.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

CASES = ("forward", "training")
VARIANTS = ("eager", "compile")
# Their names in set_float32_matmul_precision.
PRECISIONS = {"strict": "highest", "tf32": "high"}

# The max relative difference from `out` and `loss` in full precision; a larger one means that something else was computed.
TOLERANCE = 1e-4


def parse_arguments() -> argparse.Namespace:
    def names(allowed):
        def parse(text: str) -> list[str]:
            unknown = [name for name in text.split(",") if name not in allowed]
            if unknown:
                raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(allowed)}")
            return text.split(",")

        return parse

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="checkpoint with its config in the metadata")
    parser.add_argument("--input", type=Path, required=True, nargs="+", help="inputs with tree and graph")
    parser.add_argument("--device", choices=("cpu", "cuda", "auto"), default="cpu", help="auto: cuda where it is there")
    parser.add_argument("--threads", type=int, help="default: PyTorch's own")
    parser.add_argument("--cases", type=names(CASES), default=list(CASES), help="default: %(default)s")
    parser.add_argument("--variants", type=names(VARIANTS), default=["eager"], help="of eager, compile; default: eager")
    parser.add_argument("--precision", type=names(PRECISIONS), default=["strict"], help="of strict, tf32 (CUDA only)")
    parser.add_argument("--repeat", type=int, help="repetitions (default: what fits into --seconds, 3 to 100)")
    parser.add_argument("--seconds", type=float, default=20, help="time for the repetitions of one row (default 20)")
    parser.add_argument("--output", type=Path, help="folder for the forward passes' outputs")
    parser.add_argument("--json", type=Path, help="write the results to a file, too")
    return parser.parse_args()


args = parse_arguments()
if args.threads:
    # The libraries read these variables when they are loaded; OpenBLAS has threads of its own.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = str(args.threads)

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from erwin import ErwinTransformer  # noqa: E402
from files import (  # noqa: E402
    Input,
    InputError,
    UnsuitableInput,
    as_input,
    load_model,
    read_file,
    relative_difference,
)


def blas() -> str:
    """Names the library that multiplies matrices on the CPU."""
    config = torch.__config__.show()
    if mkl := re.search(r"Intel\(R\) oneAPI Math Kernel Library Version [\d.]+", config):
        return mkl.group()
    # The library replaces a generic libblas.so.3, so only the running process shows which it is.
    maps = Path("/proc/self/maps")
    loaded = maps.read_text() if maps.exists() else ""
    for path in sorted(set(re.findall(r"/\S*libopenblas\S*", loaded))):
        get_config = getattr(ctypes.CDLL(path), "openblas_get_config", None)
        if get_config:
            get_config.restype = ctypes.c_char_p
            return get_config().decode().strip()
    info = re.search(r"BLAS_INFO=(\w+)", config)
    return ", ".join(sorted(set(re.findall(r"/\S*blas\S*", loaded)))) or (info.group(1) if info else "unknown")


def device_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text() if cpuinfo.exists() else "")
    return model.group(1) if model else platform.machine()


def timed(work: Callable[[], object], device: str) -> float:
    """Returns the milliseconds until the work is done."""
    if device == "cuda":
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        start.record()
        work()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end)
    before = time.perf_counter()
    work()
    return (time.perf_counter() - before) * 1000


def measure(work: Callable[[], object], first: float) -> dict:
    """Warms up with two more passes, then repeats."""
    timed(work, args.device)
    pace = timed(work, args.device)
    repetitions = args.repeat or max(3, min(100, round(args.seconds * 1000 / pace)))
    if args.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times = sorted(timed(work, args.device) for _ in range(repetitions))
    low, median, high = (times[int(share * (repetitions - 1))] for share in (0.25, 0.5, 0.75))
    row = {"first": first, "timing": {"median": median, "low": low, "high": high, "repetitions": repetitions}}
    if args.device == "cuda":
        row["peakMemory"] = torch.cuda.max_memory_allocated()
    return row


def bench_forward(model: ErwinTransformer, run: Callable, data: Input, output: Path | None) -> dict:
    model.eval()
    with torch.inference_mode():
        results = []
        first = timed(lambda: results.append(run(*data.arguments)), args.device)
        out = results.pop().cpu()
        row = measure(lambda: run(*data.arguments), first)
    if "out" in data.tensors:
        row["relativeDifference"] = relative_difference(out, data.tensors["out"])
    if output:
        save_file({"out": out.contiguous()}, output)
    return row


def bench_training(model: ErwinTransformer, run: Callable, data: Input, _: Path | None) -> dict:
    if "target" not in data.tensors:
        raise InputError("training needs the array target in the input: src/bench/peers/cases.ts writes it")
    target = data.tensors["target"].to(args.device)
    optimizer = torch.optim.AdamW(model.train().parameters(), lr=1e-4, fused=True)
    losses = []

    def step() -> None:
        optimizer.zero_grad()
        loss = F.mse_loss(run(*data.arguments), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())

    first = timed(step, args.device)
    row = {**measure(step, first), "loss": losses[0].item()}
    if "loss" in data.tensors:
        row["relativeDifference"] = relative_difference(losses[0], data.tensors["loss"])
    return row


def size_of(path: Path) -> dict:
    """Returns the number of clouds, and the points of each."""
    tensors = read_file(path)[0]
    points = len(tensors["node_positions"])
    clouds = len(tensors["batch_idx"].unique()) if "batch_idx" in tensors else 1
    return {"clouds": clouds, "points": points // clouds}


def bench_row(case: str, variant: str, precision: str, path: Path) -> dict:
    """Returns the measurements, or why they are unavailable."""
    if precision == "tf32" and args.device != "cuda":
        return {"unavailable": "TF32 is a mode of CUDA devices"}
    torch.set_float32_matmul_precision(PRECISIONS[precision])
    model = load_model(args.model).to(args.device)
    data = as_input(read_file(path)[0], model, path.name, args.device)
    output = args.output and args.output / f"{path.stem}-{variant}-{precision}.safetensors"
    bench = bench_forward if case == "forward" else bench_training
    if variant == "eager":
        return bench(model, model, data, output)
    torch.compiler.reset()
    try:
        return bench(model, torch.compile(model, dynamic=False), data, output)
    except Exception as error:  # The compiler fails in many ways: without a C++ compiler, on a new Python, on a model.
        if not type(error).__module__.startswith("torch._"):
            raise
        return {"unavailable": f"torch.compile failed: {' '.join(str(error).split()[:40])}"}


def measure_row(**kind) -> dict:
    """Calls bench_row, and turns its failures into rows, so that the rows after it are measured."""
    try:
        return bench_row(**kind)
    except torch.cuda.OutOfMemoryError:
        return {"unavailable": "out of memory"}
    except UnsuitableInput as error:
        return {"unavailable": str(error)}


def write_report(report: dict) -> None:
    """Replaces the file in one step, so that an interrupted run keeps its rows."""
    unfinished = args.json.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(report, indent=2) + "\n")
    unfinished.replace(args.json)


def describe(row: dict) -> str:
    head = "{clouds} x {points}  {case}, {variant}, {precision}".format(**row)
    if "unavailable" in row:
        return f"{head}: unavailable: {row['unavailable']}"
    memory = f", peak memory {row['peakMemory'] / 2**20:.1f} MiB" if "peakMemory" in row else ""
    difference = f", relative difference {row['relativeDifference']:.1e}" if "relativeDifference" in row else ""
    timing = "{median:.2f} ms ({low:.2f}-{high:.2f}) x {repetitions}".format(**row["timing"])
    return f"{head}: {timing}, first {row['first']:.0f} ms{memory}{difference}"


def main() -> int:
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.device == "auto":
        args.device = "cuda" if torch.cuda.is_available() else "cpu"
    if args.device == "cuda" and not torch.cuda.is_available():
        print("error: this PyTorch has no CUDA device", file=sys.stderr)
        return 1
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
    report = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": args.device,
        "deviceName": device_name(args.device),
        "threads": torch.get_num_threads(),
        "blas": blas(),
        "rows": [],
    }
    print("PyTorch {torch}, {device}: {deviceName}, {threads} threads, {blas}".format(**report))
    failures = 0
    for path in args.input:
        size = {"input": str(path), **size_of(path)}
        for case in args.cases:
            for variant in args.variants:
                for precision in args.precision:
                    kind = {"case": case, "variant": variant, "precision": precision}
                    row = {**size, **kind, **measure_row(path=path, **kind)}
                    report["rows"].append(row)
                    # The memory of a row, compiled passes included, is freed for the next row.
                    torch.compiler.reset()
                    gc.collect()
                    torch.cuda.empty_cache()
                    if args.json:
                        write_report(report)
                    print(describe(row), flush=True)
                    if precision == "strict" and row.get("relativeDifference", 0) > TOLERANCE:
                        failures += 1
                        print(f"error: that differs by more than {TOLERANCE}: not the same computation", file=sys.stderr)
    return min(failures, 1)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
