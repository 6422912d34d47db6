"""Writes rows of eight columns in 32 bits: `rows.py FILE ROWS`, in blocks of a million that repeat."""

import array
import random
import sys

path, rows = sys.argv[1], int(sys.argv[2])
BLOCK = 1_000_000
random.seed(1)
block = array.array("f")
for _ in range(min(rows, BLOCK)):
    side = random.choice((-2.0, 0.0, 3.0))
    block.extend(side + random.gauss(0.0, 1.0) for _ in range(8))
if sys.byteorder == "big":
    block.byteswap()
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 8), }}"
with open(path, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + f"{header:<117}\n".encode())
    for begin in range(0, rows, BLOCK):
        block[: 8 * min(BLOCK, rows - begin)].tofile(file)
