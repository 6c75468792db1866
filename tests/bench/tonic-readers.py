"""The same data sets read in Python: event cameras and speech by tonic, images by gzip, tarfile and numpy.

Usage: tonic-readers.py DATA_FOLDER UNPACKED_FOLDER
Prints lines like those of bench-readers.c: "load" is what comes once, "read" a pass over all recordings, both
in seconds of the processor, the smallest of five rounds. compare-readers.py prepares UNPACKED_FOLDER.
"""

import glob
import gzip
import os
import platform
import sys
import tarfile
import time

import h5py
import numpy
import tonic

ROUNDS = 5


def mnist(data, unpacked):
    with gzip.open(f"{data}/mnist/train-images-idx3-ubyte.gz") as file:
        images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 784)
    with gzip.open(f"{data}/mnist/train-labels-idx1-ubyte.gz") as file:
        labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    return len(images), lambda k: (images[k].astype(numpy.float32) / 255, labels[k])


def cifar10(data, unpacked):
    with tarfile.open(f"{data}/cifar10/cifar-10-binary.tar.gz") as archive:
        batches = sorted(name for name in archive.getnames() if "/data_batch_" in name)
        parts = [numpy.frombuffer(archive.extractfile(name).read(), numpy.uint8) for name in batches]
    records = numpy.concatenate(parts).reshape(-1, 3073)
    return len(records), lambda k: (records[k, 1:].astype(numpy.float32) / 255, records[k, 0])


class Nmnist(tonic.datasets.NMNIST):
    def _check_exists(self):
        return True


class Shd(tonic.datasets.SHD):
    def _check_exists(self):
        return True


class Gesture(tonic.datasets.DVSGesture):
    def _check_exists(self):
        return True


def nmnist(data, unpacked):
    digits = Nmnist(unpacked)
    return len(digits), digits.__getitem__


def nmnist_binned(data, unpacked):
    frames = tonic.transforms.ToFrame(sensor_size=Nmnist.sensor_size, time_window=3000)
    digits = Nmnist(unpacked, transform=frames)
    return len(digits), digits.__getitem__


def shd(data, unpacked):
    words = Shd(unpacked)
    return len(words), words.__getitem__


def clips(folder):
    """Clips of the training list: of tonic.io.read_dvs_ibm its two parts, as it fails itself in tonic 1.7."""
    found = []
    with open(f"{folder}/trials_to_train.txt") as file:
        recordings = file.read().split()
    for recording in recordings:
        path = f"{folder}/{recording}"
        version, start = tonic.io.read_aedat_header_from_file(path)[:2]
        events = tonic.io.get_aer_events_from_file(path, version, start)
        address, t = events["address"], events["timeStamp"]
        x, y, p = (address >> 17) & 0x1FFF, (address >> 2) & 0x1FFF, (address >> 1) & 1
        xytp = tonic.io.make_structured_array(x, y, t, p)
        table = path[: -len(".aedat")] + "_labels.csv"
        table = numpy.loadtxt(table, delimiter=",", skiprows=1, dtype=numpy.int64)
        for label, first, last in table:
            found.append((xytp[(t >= first) & (t <= last)], label - 1))
    return found


def dvsgesture(data, unpacked):
    found = clips(f"{unpacked}/DvsGesture")
    return len(found), found.__getitem__


def gesture_class(data, unpacked):
    """tonic's own class, which reads clips cut and converted before: made here, outside of the clock."""
    dataset = Gesture(unpacked)
    return len(dataset), dataset.__getitem__


def convert_clips(unpacked):
    for k, (events, label) in enumerate(clips(f"{unpacked}/DvsGesture")):
        folder = f"{unpacked}/Gesture/ibmGestureTrain/user01_{k}"
        os.makedirs(folder, exist_ok=True)
        columns = [events["x"], events["y"], events["p"], events["t"] // 1000]
        numpy.save(f"{folder}/{label}.npy", numpy.stack(columns, axis=1).astype(numpy.int64))


def amount(name, recording):
    if name in ("mnist", "cifar10"):
        return recording.size
    return numpy.count_nonzero(recording) if name == "nmnist_binned" else len(recording)


def measure(make, data, unpacked):
    name, best_load, best_read = make.__name__, 1e9, 1e9
    for _ in range(ROUNDS):
        began = time.process_time()
        n, read = make(data, unpacked)
        loaded = time.process_time()
        for k in range(n):
            read(k)
        best_load = min(best_load, loaded - began)
        best_read = min(best_read, time.process_time() - loaded)
    total = sum(amount(name, read(k)[0]) for k in range(n))
    nouns = {"mnist": "pixels", "cifar10": "pixels", "nmnist_binned": "spikes"}
    print(f"{name}\n  {n} recordings, {total} {nouns.get(name, 'events')}; load {best_load:.4f} s; "
          f"read {best_read:.4f} s", flush=True)


def main():
    data, unpacked = sys.argv[1:3]
    print(f"tonic {tonic.__version__}, numpy {numpy.__version__}, h5py {h5py.__version__}, "
          f"Python {platform.python_version()}")
    if glob.glob(f"{unpacked}/DvsGesture/*.aedat"):
        convert_clips(unpacked)
    for make in mnist, cifar10, nmnist, nmnist_binned, dvsgesture, gesture_class, shd:
        try:
            measure(make, data, unpacked)
        except OSError as problem:
            print(f"{make.__name__}: left out: {problem}", file=sys.stderr)


if __name__ == "__main__":
    main()
