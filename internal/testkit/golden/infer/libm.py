"""Writes what the C library answers for exp, expf and logf: python libm.py OUT.gz

Layout: for expf, then logf: uint32 count, then (float32 argument, float32 result) pairs; for exp the same
with float64. The processor must have FMA: glibc picks another variant of exp without it.
"""
import ctypes
import gzip
import random
import struct
import sys


def main(path, count=15000):
    with open("/proc/cpuinfo") as f:
        if " fma " not in f.read():
            sys.exit("libm.py: this processor has no FMA")
    libm = ctypes.CDLL("libm.so.6")
    rng = random.Random(5)
    out = b""
    special = [0.0, -0.0, float("inf"), float("-inf"), float("nan"), 1.0, -1.0, 5e-324, 1e-45, 88.0, 88.7, 88.72283, 88.72284,
               -87.3, -88.0, -103.27, -103.97, -103.98, -104.0, 709.78, 709.79, -708.39, -708.4, -745.13, -745.14, 1e300, -1e300,
               512.0, -512.0, 1024.0, -1024.0, 2.0**-54, 2.0**-55, -(2.0**-54)]

    def single(function, draw):
        function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
        values = [struct.unpack("<f", struct.pack("<f", v))[0] for v in special if not 3.4e38 < abs(v) < float("inf")]
        values += [struct.unpack("<f", struct.pack("<f", draw()))[0] for _ in range(count - len(values))]
        return struct.pack("<I", len(values)) + b"".join(struct.pack("<ff", v, function(v)) for v in values)

    def bits():
        return struct.unpack("<f", struct.pack("<I", rng.getrandbits(32)))[0]

    out += single(libm.expf, lambda: rng.choice([rng.uniform(-20, 20), rng.uniform(-110, 95), rng.gauss(0, 1), bits()]))
    out += single(libm.logf, lambda: rng.choice([rng.uniform(0, 3), rng.expovariate(0.01), rng.random() ** 20, bits()]))
    libm.exp.argtypes, libm.exp.restype = [ctypes.c_double], ctypes.c_double
    values = special + [rng.choice([rng.uniform(-20, 20), rng.uniform(-760, 720), rng.gauss(0, 1), rng.gauss(0, 1) * 2.0 ** -rng.randrange(60), rng.uniform(-746, -707)]) for _ in range(count)]
    out += struct.pack("<I", len(values)) + b"".join(struct.pack("<dd", v, libm.exp(v)) for v in values)
    with open(path, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
        z.write(out)


if __name__ == "__main__":
    main(sys.argv[1])
