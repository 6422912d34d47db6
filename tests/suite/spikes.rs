//! Narrow components beside wide ones: every number within its own error, whatever the ratio of widths.

use klfit::{Answer, DivergenceKind, Mixture, Operand, Question};
use nalgebra::{DMatrix, DVector};

/// Weights, means and standard deviations on a line.
struct Line {
    weights: &'static [f64],
    means: &'static [f64],
    stds: &'static [f64],
}

impl Line {
    fn mixture(&self) -> Mixture {
        let each = |numbers: &[f64]| numbers.iter().map(|&x| vec![x]).collect();
        Mixture::from_stds(self.weights.to_vec(), each(self.means), each(self.stds)).unwrap()
    }

    /// With a second, independent coordinate N(0.3, 1), turned by an angle.
    fn in_the_plane(&self, angle: f64) -> Mixture {
        let (sin, cos) = angle.sin_cos();
        let turn = DMatrix::from_row_slice(2, 2, &[cos, -sin, sin, cos]);
        let means = self.means.iter().map(|&x| {
            let mean = &turn * DVector::from_vec(vec![x, 0.3]);
            mean.as_slice().to_vec()
        });
        let factors = self.stds.iter().map(|&std| {
            // L of T diag(σ, 1)² Tᵀ from its transpose's QR, which loses no digits.
            let scaled = &turn * DMatrix::from_diagonal(&DVector::from_vec(vec![std, 1.0]));
            let r = scaled.transpose().qr().r();
            let signs = r.diagonal().map(f64::signum);
            (DMatrix::from_diagonal(&signs) * r).transpose()
        });
        Mixture::new(self.weights.to_vec(), means.collect(), factors.collect()).unwrap()
    }
}

fn ask(p: Mixture, q: Mixture, kind: DivergenceKind) -> Answer {
    let question = Question {
        divergences: vec![kind.into()],
        ..Question::default()
    };
    let (p, q) = (Operand::new("p", p), Operand::new("q", q));
    question.ask(&p, &q, &|_| {}).unwrap().swap_remove(0)
}

/// Two densities, with divergences by quadrature with 40 digits (mpmath), a few digits of which are kept.
type Case = (Line, Line, &'static [(DivergenceKind, f64)]);

const CASES: [Case; 3] = [
    (
        Line {
            weights: &[
                0.27744362413815976,
                0.0761796825109851,
                0.33203035917103346,
                0.3143463341798216,
            ],
            means: &[
                -2.454224875624668,
                -3.7517999376857767,
                1.3126132566809126,
                2.3945169227934158,
            ],
            stds: &[
                1.8292007071987069,
                0.0008952285495214683,
                1.4871018262577762,
                0.000618403009207881,
            ],
        },
        Line {
            weights: &[1.0],
            means: &[1.5226765955160868],
            stds: &[0.8204454518056621],
        },
        &[
            (DivergenceKind::ReverseKl, 1.25699009315985),
            (DivergenceKind::ForwardKl, 7.01823142796457),
            (DivergenceKind::Js, 0.335850877325697),
        ],
    ),
    (
        Line {
            weights: &[0.0431206228748715, 0.9568793771251285],
            means: &[-3.4610443820543226, 5.576022387408573],
            stds: &[0.799627090517759, 0.0006961463925850683],
        },
        Line {
            weights: &[0.0369180516898995, 0.9630819483101005],
            means: &[3.643165040546072, 3.344699286571805],
            stds: &[1.0342941024222084, 0.007261604690524146],
        },
        &[(DivergenceKind::Js, 0.693061045097197)],
    ),
    (
        Line {
            weights: &[0.5, 0.5],
            means: &[0.0, 3.0],
            stds: &[0.3, 0.003],
        },
        Line {
            weights: &[1.0],
            means: &[1.5],
            stds: &[2.0],
        },
        &[(DivergenceKind::ReverseKl, 32.6744003248)],
    ),
];

fn check(answer: &Answer, truth: f64, most: f64, name: &str) {
    let error = answer.error.expect("there is an error");
    let off = (answer.value - truth).abs();
    // The digits of the truth that are kept.
    let kept = 1e-12 * truth.abs().max(1.0) + if truth > 30.0 { 5e-11 } else { 0.0 };
    assert!(
        off <= error + kept,
        "{name}: {} ± {error}, not {truth}",
        answer.value
    );
    assert!(error <= most * truth.abs().max(1.0), "{name}: ± {error}");
    let bracket = answer.bracket.expect("there is a bracket");
    assert!(
        bracket.lower <= answer.value && answer.value <= bracket.upper,
        "{name}: {answer:?}"
    );
}

#[test]
fn a_spike_on_a_slab_is_seen_on_a_line() {
    for (p, q, divergences) in &CASES {
        for &(kind, truth) in *divergences {
            let answer = ask(p.mixture(), q.mixture(), kind);
            check(&answer, truth, 1e-8, &kind.name());
        }
    }
}

#[test]
fn a_spike_on_a_slab_is_seen_in_the_plane_from_every_side() {
    for (p, q, divergences) in &CASES {
        for &(kind, truth) in *divergences {
            for angle in [0.0, 0.3, 1.2, std::f64::consts::FRAC_PI_2] {
                let answer = ask(p.in_the_plane(angle), q.in_the_plane(angle), kind);
                check(&answer, truth, 1e-7, &format!("{} at {angle}", kind.name()));
            }
        }
    }
}

#[test]
fn a_corner_between_the_last_point_and_the_end_of_a_panel_is_seen() {
    // p and q share the second coordinate, so that p = q on lines along it: seen from the one side, |p − q|
    // has its corners along the lines, and from the other across them.
    let stds = |line: &Line| line.stds.iter().map(|&std| vec![std, 0.2436986424479528]);
    let means = |line: &Line| {
        line.means
            .iter()
            .map(|&mean| vec![mean, -0.9989958388923696])
    };
    let p = Line {
        weights: &[
            0.22648818769459922,
            0.09656925535045957,
            0.2100395153753425,
            0.17245788960991604,
            0.16200284626052053,
            0.13244230570916216,
        ],
        means: &[
            0.12526386160698166,
            -2.3420453895369064,
            -3.527207537430513,
            3.1112198416003594,
            3.1441238550296475,
            -3.483202191076998,
        ],
        stds: &[
            1.3318150563209201,
            0.008780269552765674,
            0.010272249608135553,
            0.00893385770178412,
            0.03758634779751446,
            1.2978315632881277,
        ],
    };
    let q = Line {
        weights: &[1.0],
        means: &[-0.04558777786860446],
        stds: &[1.8422195066359563],
    };
    let [p, q] = [p, q].map(|line| {
        let (means, stds) = (means(&line).collect(), stds(&line).collect());
        Mixture::from_stds(line.weights.to_vec(), means, stds).unwrap()
    });
    let answer = ask(p, q, DivergenceKind::TotalVariation);
    // By mpmath, from the distribution functions between the six places where p = q.
    let off = (answer.value - 0.664_019_884_975_725_1).abs();
    assert!(
        off <= answer.error.unwrap() && answer.error.unwrap() < 1e-8,
        "{answer:?}"
    );
}
