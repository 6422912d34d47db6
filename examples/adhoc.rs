use klfit::divergence::{JensenShannon, Pointwise, ReverseKl, Side};
use klfit::kernel::cpu::*;
use std::hint::black_box;
use std::time::Instant;
fn time(name: &str, n: usize, mut f: impl FnMut()) {
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let t = Instant::now();
        for _ in 0..200 {
            f();
        }
        best = best.min(t.elapsed().as_secs_f64() / 200.0);
    }
    println!("{name:30} {:8.2} ns/pt", best * 1e9 / n as f64);
}
fn main() {
    let n = 2000;
    let x: Vec<f64> = (0..n).map(|i| i as f64 / n as f64 * 10.0 - 5.0).collect();
    let one = Mixture {
        components: 1,
        dim: 1,
        log_weights: &[0.0],
        means: &[0.3],
        scale: Scale::Diagonal(&[1.2]),
    };
    let h = 0.5f64.ln();
    let two = Mixture {
        components: 2,
        dim: 1,
        log_weights: &[h, h],
        means: &[-3.0, 3.0],
        scale: Scale::Diagonal(&[1.0, 1.0]),
    };
    let pts = Points {
        runs: 1,
        samples: n,
        values: &x,
    };
    let w = Width::Widest;
    let mut out = vec![0.0; n];
    for (name, m) in [("K1", &one), ("K2", &two)] {
        let p = Prepared::new(w, m).unwrap();
        time(&format!("forward {name}"), n, || {
            p.log_density(black_box(&x), &mut out).unwrap()
        });
        let v = log_density(w, pts, m).unwrap();
        let up = vec![1.0; n];
        for (wn, wanted) in [
            (
                "x",
                Wanted {
                    x: true,
                    ..Default::default()
                },
            ),
            ("all", Wanted::ALL),
            (
                "params",
                Wanted {
                    x: false,
                    ..Wanted::ALL
                },
            ),
        ] {
            time(&format!("backward {name} {wn}"), n, || {
                black_box(gradients(w, pts, m, Some(&v), &up, wanted).unwrap());
            });
        }
    }
    let a = log_density(w, pts, &two).unwrap();
    let b = log_density(w, pts, &one).unwrap();
    let mut o = [vec![0.0; n], vec![0.0; n], vec![0.0; n]];
    time("slopes reverse", n, || {
        let [p, q, r] = &mut o;
        ReverseKl.slopes(Side::Family, &a, &b, [p, q, r]);
    });
    time("slopes js", n, || {
        let [p, q, r] = &mut o;
        JensenShannon.slopes(Side::Family, &a, &b, [p, q, r]);
    });
    let p = Prepared::new(w, &two).unwrap();
    let weights = vec![1.0 / n as f64; n];
    let function =
        |lp: &[f64], lq: &[f64], v: [&mut [f64]; 3]| ReverseKl.slopes(Side::Family, lp, lq, v);
    let sites = Sites::Along {
        nodes: Nodes {
            z: StandardPoints::Shared(&x),
            weights: &weights,
        },
        p: &p,
        through_points_alone: false,
    };
    time("along", n, || {
        black_box(
            expectation(
                w,
                &one,
                Expectation {
                    sites,
                    function: &function,
                },
                Wanted::ALL,
            )
            .unwrap(),
        );
    });
    let sites = Sites::At {
        x: pts,
        weights: &weights,
        log_p: &a,
    };
    time("at", n, || {
        black_box(
            expectation(
                w,
                &one,
                Expectation {
                    sites,
                    function: &function,
                },
                Wanted::ALL,
            )
            .unwrap(),
        );
    });
}
