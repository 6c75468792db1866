"""Ranvier's readers beside tonic's and numpy's on the same files, in turn, pair by pair.

Usage: compare-readers.py BUILD_FOLDER PYTHON_WITH_TONIC DATA_FOLDER [PAIRS]
DATA_FOLDER holds mnist/, cifar10/, nmnist/, dvsgesture/ and shd-standin/ (or shd/) as published; PYTHON needs
tonic, h5py and numpy. tonic reads no archives: they are unpacked for it in a temporary folder, outside of the
clock, while Ranvier unpacks them inside of it. Times are of the processor, so both sides have one core.
"""

import gzip
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile

BINS = " | {use: transform/bins, data: events, width: 3 ms, steps: 100}"


def spoken_folder(data):
    return f"{data}/shd" if os.path.isdir(f"{data}/shd") else f"{data}/shd-standin"


def unpack_digits(data, folder):
    with zipfile.ZipFile(f"{data}/nmnist/Train.zip") as archive:
        archive.extractall(f"{folder}/Nmnist")


def unpack_gestures(data, folder):
    with tarfile.open(f"{data}/dvsgesture/DvsGesture.tar.gz") as archive:
        archive.extractall(folder)


def unpack_words(data, folder):
    os.makedirs(f"{folder}/Shd")
    path = spoken_folder(data) + "/shd_train.h5"
    if os.path.isfile(path + ".zip"):
        with zipfile.ZipFile(path + ".zip") as archive:
            archive.extractall(f"{folder}/Shd")
    elif os.path.isfile(path + ".gz"):
        with gzip.open(path + ".gz") as packed, open(f"{folder}/Shd/shd_train.h5", "wb") as plain:
            shutil.copyfileobj(packed, plain)
    else:
        shutil.copy(path, f"{folder}/Shd")


def unpack(data, folder):
    """What tonic reads, and how long it takes Python to unpack it, which is not counted below."""
    sets = {"N-MNIST": unpack_digits, "DVS128 Gesture": unpack_gestures, "SHD": unpack_words}
    for words, function in sets.items():
        began = time.process_time()
        try:
            function(data, folder)
            print(f"unpacked for tonic, not counted: {words}, {time.process_time() - began:.2f} s")
        except FileNotFoundError as missing:
            print(f"left out: {words}: {missing.filename} is not there")


def cases(data, folder):
    """What is compared: words, our node, their function, the file that must be there."""
    def node(name, place):
        return f"{{use: dataset/{name}, folder: {place}}}"

    speech = os.path.basename(spoken_folder(data))
    digits, gestures = f"{data}/nmnist/Train.zip", f"{data}/dvsgesture/DvsGesture.tar.gz"
    listed = [
        ("MNIST, both gzip; numpy", node("mnist", f"{data}/mnist"), "mnist", f"{data}/mnist"),
        ("CIFAR-10, both tar.gz; tarfile and numpy", node("cifar10", f"{data}/cifar10"), "cifar10",
         f"{data}/cifar10"),
        ("N-MNIST, zip; tonic unpacked", node("nmnist", f"{data}/nmnist"), "nmnist", digits),
        ("N-MNIST, both unpacked", node("nmnist", f"{folder}/Nmnist"), "nmnist", digits),
        ("N-MNIST in steps of 3 ms, zip; tonic unpacked, ToFrame", node("nmnist", f"{data}/nmnist") + BINS,
         "nmnist_binned", digits),
        ("DVS128 Gesture, tar.gz; tonic.io unpacked", node("dvsgesture", f"{data}/dvsgesture"), "dvsgesture",
         gestures),
        ("DVS128 Gesture, both unpacked; tonic.io", node("dvsgesture", f"{folder}/DvsGesture"), "dvsgesture",
         gestures),
        ("DVS128 Gesture, tar.gz; tonic's class, clips cut and converted before",
         node("dvsgesture", f"{data}/dvsgesture"), "gesture_class", gestures),
        (f"SHD ({speech}), packed; tonic unpacked", node("shd", spoken_folder(data)), "shd",
         spoken_folder(data)),
        (f"SHD ({speech}), both unpacked", node("shd", f"{folder}/Shd"), "shd", spoken_folder(data)),
    ]
    return [case for case in listed if os.path.exists(case[3])]


def measured(command, environment=None):
    """{name: (recordings, amount, noun, seconds of the first pass, of a later one)}, and the text."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    line = r"^(\S.*)\n  (\d+) recordings, (\d+) (\w+); load ([\d.]+) s; read ([\d.]+) s"
    found = {m[0]: (int(m[1]), int(m[2]), m[3], float(m[4]) + float(m[5]), float(m[5]))
             for m in re.findall(line, done.stdout, re.M)}
    return found, done.stdout


def tell(words, ours, theirs, pair):
    """One pair; its ratios, the second None where a later pass of theirs reads nothing."""
    n, amount, noun, first, later = ours
    other = theirs[1]
    if n != theirs[0] or abs(amount - other) > 0.02 * amount:
        sys.exit(f"{words}: not the same data: {ours[:2]} and {theirs[:2]}")
    ratios = theirs[3] / first, theirs[4] / max(later, 1e-4) if theirs[4] > 1e-3 else None
    print(f"pair {pair} {words}: {n} recordings, {amount} {noun}"
          + ("" if amount == other else f" (the other side {other})")
          + f"; {n / first:.0f} and {n / theirs[3]:.0f} recordings/s"
          + f", {amount / first / 1e6:.1f} and {other / theirs[3] / 1e6:.1f} million {noun}/s"
          + f", {ratios[0]:.1f} x" + ("" if ratios[1] is None else f"; a later pass {ratios[1]:.1f} x"), flush=True)
    return ratios


def spread(values):
    return f"{statistics.median(values):.1f} x [{min(values):.1f} to {max(values):.1f}]"


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    build, python, data = sys.argv[1], sys.argv[2], os.path.abspath(sys.argv[3])
    pairs = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    here = os.path.dirname(os.path.abspath(__file__))
    one = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1",
               RANVIER_PLUGIN_PATH=os.path.join(build, "plugins"))
    ratios = {}
    with tempfile.TemporaryDirectory(prefix="compare-readers-") as folder:
        unpack(data, folder)
        chosen = cases(data, folder)
        print(subprocess.run([os.path.join(build, "core", "ranvier"), "--version"], capture_output=True,
                             text=True).stdout.strip())
        for pair in range(1, pairs + 1):
            nodes = [case[1] for case in chosen]
            ours, _ = measured([os.path.join(build, "tests", "bench-readers")] + nodes, one)
            theirs, text = measured([python, os.path.join(here, "tonic-readers.py"), data, folder], one)
            if pair == 1:
                print(text.splitlines()[0])
            for words, node, name, _ in chosen:
                ratios.setdefault(words, []).append(tell(words, ours[node], theirs[name], pair))
    for words, values in ratios.items():
        later = [v[1] for v in values if v[1] is not None]
        print(f"{words}: first pass {spread([v[0] for v in values])}"
              + (f", a later pass {spread(later)}" if later else "") + f", of {pairs}")


if __name__ == "__main__":
    main()
