#!/usr/bin/env python3
"""What a card's limits leave of the steps of benches/device.rs, on paper: a table of operations, bytes and times."""

# An NVIDIA H200 by its data sheet: multiply-adds of 32 and 64 bits a second, and bytes a second from memory. Exponentials,
# logarithms and roots of 32 bits: 16 a clock on each of 132 multiprocessors at 1.98 GHz.
MULTIPLY_ADDS = {"f32": 67e12 / 2, "f64": 34e12 / 2}
SPECIAL = 16 * 132 * 1.98e9
BYTES = 4.8e12

# What a call does for each point and component: z by a triangle, its square, and the same twice for gradients.
PER_COMPONENT = lambda dim: 3 * dim * (dim + 1) / 2 + 6 * dim
# Around log p and log q: an exponential for each component, two logarithms, f and its weights.
PER_POINT = 20

# name, runs, points a run, D, components of p and q, whether points are drawn (else they stay, and are read).
ROWS = [
    ("forward KL, one run, 20000 points", 1, 20000, 1, 0, 1, False),
    ("forward KL, 64 runs of 2000 points", 64, 2000, 1, 0, 1, False),
    ("reverse KL, 64 runs of 2000 points", 64, 2000, 1, 2, 1, False),
    ("reverse KL, 10⁴ runs of 2000 points", 10_000, 2000, 1, 2, 1, False),
    ("reverse KL, D=2 K=L=4 S=4096", 1, 4096, 2, 4, 4, True),
    ("reverse KL, D=16 K=L=8 S=4096", 1, 4096, 16, 8, 8, True),
    ("reverse KL, D=32 K=32 L=16 S=8192", 1, 8192, 32, 32, 16, True),
]


def micro(seconds):
    """A time in µs, to two digits."""
    return f"{1e6 * seconds:.2g}"


def main():
    print("| step | multiply-adds | exp, log | bytes | µs, f32 | µs, f64 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, runs, points, dim, of_p, of_q, drawn in ROWS:
        all_points = runs * points
        components = of_p + of_q
        adds = all_points * (components * PER_COMPONENT(dim) + PER_POINT + (40 * dim if drawn else 0))
        # A lone component takes no exponential; two normal numbers take a logarithm, a root, a sine and a cosine.
        special = all_points * (max(of_p - 1, 0) + max(of_q - 1, 0) + 2 + (2 * dim if drawn else 0))
        # Points that stay are read, the sums written.
        read = 0 if drawn else points * (dim + 2) * 4
        sums = runs * of_q * (dim + 1) * (dim + 2) * 4
        single = max(adds / MULTIPLY_ADDS["f32"], special / SPECIAL, (read + sums) / BYTES)
        # Exponentials of 64 bits are some 20 multiply-adds each.
        double = max((adds + 20 * special) / MULTIPLY_ADDS["f64"], 2 * (read + sums) / BYTES)
        print(f"| {name} | {adds:.1e} | {special:.1e} | {read + sums:.1e} | {micro(single)} | {micro(double)} |")


if __name__ == "__main__":
    main()
