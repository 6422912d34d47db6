//! The example configs of the pages show what the pages say they show: [`configs`](crate::configs) runs them.

use std::path::Path;

use klfit::DivergenceKind::{ForwardKl, ReverseKl, TotalVariation};
use klfit::internals::EstimateMethod;
use klfit::results::Swept;
use klfit::{
    Existing, Experiment, FitSummary, Mixture, Override, Stop, StudentT, Sweep, SweepFolder,
};

use crate::pages::results;
use crate::support::{Run, assert_close, config, divergence_on_a_line, run, simpson};

fn q(fit: &FitSummary) -> Mixture {
    Mixture::try_from(&fit.best.as_ref().unwrap().mixture).unwrap()
}

fn moved(q: &Mixture, mean: f64, stretch: f64) -> Mixture {
    let std = q.component_stds(0)[0] * stretch;
    Mixture::from_stds(vec![1.0], vec![vec![q.mean()[0] + mean]], vec![vec![std]]).unwrap()
}

pub fn divergences(run: &Run) {
    results::divergences(run);
    let p = Mixture::from_stds(
        vec![0.8, 0.2],
        vec![vec![-2.0], vec![2.5]],
        vec![vec![1.0], vec![0.7]],
    )
    .unwrap();
    assert_eq!(run.summary.fits.len(), 9);
    for fit in &run.summary.fits {
        let (kind, q) = (fit.divergence, q(fit));
        let by_simpson = |q: &Mixture| divergence_on_a_line(kind, &p, q);
        let found = fit.objective().unwrap();
        let here = by_simpson(&q);
        // Both rules see the bends of |p − q|.
        let bends = if kind == TotalVariation { 1e-6 } else { 1e-9 };
        assert_close(found.value, here, found.error + bends, &fit.label);
        // No q beside it is better: a step of 2 % in any direction costs more.
        for (mean, stretch) in [(0.03, 1.0), (-0.03, 1.0), (0.0, 1.02), (0.0, 0.98)] {
            let beside = by_simpson(&moved(&q, mean, stretch));
            assert!(beside > here, "{}: {beside} {here}", fit.label);
        }
    }
    // From settling on one bump to covering both; orders ½ of three names have one minimum.
    let std = |name: &str| {
        let fit = (run.summary.fits.iter()).find(|fit| fit.label == name);
        q(fit.unwrap()).component_stds(0)[0]
    };
    let order = [
        "reverse-kl",
        "js",
        "total-variation",
        "jeffreys",
        "renyi-0.5",
        "forward-kl",
        "chi2",
    ];
    for pair in order.windows(2) {
        assert!(std(pair[0]) < std(pair[1]), "{pair:?}");
    }
    assert_close(std("renyi-0.5"), std("alpha-0.5"), 1e-6, "one minimum");
    assert_close(
        std("squared-hellinger"),
        std("alpha-0.5"),
        1e-6,
        "one minimum",
    );
}

pub fn estimators(run: &Run) {
    results::estimators(run);
    let variance = |fit: &FitSummary| fit.best.as_ref().unwrap().gradient_variance.unwrap();
    let fits = &run.summary.fits;
    let [score, pathwise, landing, quasi, hermite] = [0, 1, 2, 3, 4].map(|i| &fits[i]);
    // All from one start: the variances there can be compared.
    assert!(variance(score).start > 3.0 * variance(pathwise).start);
    assert!(variance(quasi).start < 0.3 * variance(pathwise).start);
    assert_eq!(variance(hermite).start, 0.0);
    // Near q = p the path derivative alone has next to none.
    assert!(variance(landing).end < 1e-3 * variance(pathwise).end);
    // Where log p − log q is 0 both are left with the noise of the score of q.
    let ratio = variance(score).end / variance(pathwise).end;
    assert!((0.8..1.25).contains(&ratio), "{ratio}");
    for fit in fits {
        let best = fit.best.as_ref().unwrap();
        assert!(
            best.divergences.estimate(ReverseKl).value < 0.05,
            "{}",
            fit.label
        );
        assert!(best.diagnostics.psis.unwrap().k_hat < 0.7);
    }
    assert!(hermite.objective().unwrap().value < 1e-8);
    assert!(landing.objective().unwrap().value < 1e-6);
}

pub fn heavy_tails(run: &Run) {
    results::heavy_tails(run);
    let scales = Mixture::from_stds(
        vec![0.7, 0.3],
        vec![vec![-1.0], vec![3.0]],
        vec![vec![1.0], vec![0.7]],
    )
    .unwrap();
    let p = StudentT::new(scales, 3.0).unwrap();
    for fit in &run.summary.fits {
        let (best, q) = (fit.best.as_ref().unwrap(), q(fit));
        // The tails of p fall like x⁻⁴, so forward KL needs a long way; q's are short.
        let forward = simpson_wide(|x| {
            let log_p = p.log_density(&[x]);
            log_p.exp() * (log_p - q.log_density(&[x]))
        });
        let reverse = simpson(-60.0, 60.0, |x| {
            let log_q = q.log_density(&[x]);
            log_q.exp() * (log_q - p.log_density(&[x]))
        });
        let found = |kind| best.divergences.estimate(kind).value;
        assert_close(found(ReverseKl), reverse, 1e-8, &fit.label);
        assert_close(found(ForwardKl), forward, 2e-4, &fit.label);
    }
    // Covering heavy tails takes a wide component; settling on them does not.
    let widest = |i: usize| {
        let q = q(&run.summary.fits[i]);
        (0..2).map(|k| q.component_stds(k)[0]).fold(0.0, f64::max)
    };
    assert!(widest(0) > 1.3 * widest(1), "{} {}", widest(0), widest(1));
}

/// ∫ f over ±10⁵ by Simpson's rule in t with x = sinh t.
fn simpson_wide(f: impl Fn(f64) -> f64) -> f64 {
    simpson(-12.2, 12.2, |t| f(t.sinh()) * t.cosh())
}

pub fn low_rank(run: &Run) {
    results::low_rank(run);
    let value = |i: usize| {
        let found = run.summary.fits[i]
            .best
            .as_ref()
            .unwrap()
            .divergences
            .estimate(ReverseKl);
        assert_eq!(found.method, EstimateMethod::ClosedForm, "of two Gaussians");
        assert!(found.error <= 1e-12 * found.value, "{found:?}");
        found.value
    };
    // The target is a diagonal and two factors: rank 2 is as good as full, less is not.
    assert!(
        value(0) < 1e-2 && value(1) < 1e-2,
        "{} {}",
        value(0),
        value(1)
    );
    assert!(value(1) < value(2) && value(2) < value(3));
    let experiment = Experiment::load(&config("low-rank"), Vec::new()).unwrap();
    let parameters: Vec<usize> = (experiment.plans.iter())
        .map(|plan| plan.family.parameters())
        .collect();
    assert_eq!(parameters, [44, 32, 24, 16]);
}

pub fn modes(run: &Run) {
    results::modes(run);
    let [modes, adapted, random, adam] =
        [0, 1, 2, 3].map(|i| run.summary.fits[i].best.as_ref().unwrap());
    let covered = |best: &klfit::RunSummary| best.diagnostics.modes.unwrap().covered;
    assert_eq!(covered(modes), 20);
    assert_eq!(covered(adapted), 20);
    assert_eq!(adapted.mixture.weights.len(), 20);
    assert!(covered(adam) < covered(random) && covered(random) <= 20);
    let value = |best: &klfit::RunSummary| best.divergences.estimate(ReverseKl).value;
    assert!(value(modes).abs() < 1e-9 && value(adapted).abs() < 1e-9 && value(random) > 1e-2);
    assert!(value(random) < value(adam));
}

pub fn network(run: &Run) {
    results::network(run);
    let [diagonal, full] = [0, 1].map(|i| &run.summary.fits[i]);
    assert!(full.objective().unwrap().value < 1e-12);
    // The precision of x1, x2, x3 = 2 + 0.8 x1 − 0.2 x2 has 1 + 0.8², 1 + 0.2² and 1 on its
    // diagonal, and |Σ| = 1. Reverse KL takes those, and is ½ Σ ln Λᵢᵢ + ½ ln |Σ|.
    let precisions = [1.64f64, 1.04, 1.0];
    let expected = 0.5
        * precisions
            .iter()
            .map(|precision| precision.ln())
            .sum::<f64>();
    assert_close(
        diagonal.objective().unwrap().value,
        expected,
        1e-10,
        "KL(q‖p)",
    );
    for (std, precision) in q(diagonal).component_stds(0).iter().zip(precisions) {
        assert_close(*std, precision.sqrt().recip(), 1e-6, "std");
    }
    for (mean, expected) in q(diagonal).mean().iter().zip([0.0, 1.0, 1.8]) {
        assert_close(*mean, expected, 1e-6, "mean");
    }
}

pub fn optimizers(run: &Run) {
    results::optimizers(run);
    let gap = |i: usize| {
        let known = run.summary.fits[i].known_optimum.as_ref().unwrap();
        known.gap.unwrap().value
    };
    let [sgd, _, adam, natural, lbfgs] = [0, 1, 2, 3, 4].map(gap);
    assert!(natural < 1e-20 && lbfgs < 1e-14, "{natural} {lbfgs}");
    assert!(adam < 1e-2 && sgd > 0.1, "{adam} {sgd}");
}

pub fn stopping(run: &Run) {
    results::stopping(run);
    let [fresh, fixed] = [0, 1].map(|i| run.summary.fits[i].best.as_ref().unwrap());
    assert!(matches!(fresh.stop, Stop::Averaged { step } if step == fresh.steps));
    assert!(
        matches!(fixed.stop, Stop::Gradient { .. }),
        "{:?}",
        fixed.stop
    );
    assert!(fixed.gradient_norm <= 1e-6);
    let gap = |i: usize| {
        let known = run.summary.fits[i].known_optimum.as_ref().unwrap();
        known.gap.unwrap().value
    };
    // Nine parameters, each precise to 1 % of a standard deviation: about ½ · 9 · 10⁻⁴ nats.
    assert!(gap(0) < 5e-4, "{}", gap(0));
    // One sample of 4096 is off by about 9 / (2 · 4096) nats.
    assert!((1e-4..1e-2).contains(&gap(1)), "{}", gap(1));
}

pub fn sweep(swept: &Swept, path: &Path) {
    let ran = &swept.ran;
    assert_eq!(ran.len(), 6);
    let left = (ran.iter())
        .map(|ran| ran.summary.fits[0].objective().unwrap().value)
        .collect::<Vec<f64>>();
    results::sweep(&left);
    for ran in ran {
        // Each point is the experiment with its settings, to the last digit that a loop of another
        // size may change.
        let overrides = (ran.point.settings.iter())
            .map(|(key, value)| Override::parse(&format!("{key}={value}")).unwrap());
        let alone = run(&Experiment::load(&config("sweep"), overrides.collect()).unwrap());
        let [here, there] = [&ran.summary, &alone.summary].map(|summary| {
            let best = summary.fits[0].best.as_ref().unwrap();
            (best.run, best.divergences.estimate(ReverseKl).value)
        });
        assert_eq!(here.0, there.0, "{}", ran.point.label);
        assert_close(here.1, there.1, 1e-9 * there.1, &ran.point.label);
    }
    // The table has a row for each point, and leads to their folders.
    let folder = SweepFolder::open(path).unwrap();
    let names = folder.points().unwrap().map(|point| point.unwrap().0);
    let names: Vec<String> = names.collect();
    assert_eq!(
        names[..2],
        [
            "samples 16, learning rate 0.02",
            "samples 16, learning rate 0.1"
        ]
    );
    assert_eq!(
        klfit::draw_sweep(&SweepFolder::open(path).unwrap())
            .unwrap()
            .len(),
        3
    );
    // It does not write over itself unless asked, and then leaves nothing of before.
    let sweep = Sweep::load(&config("sweep"), &[]).unwrap().unwrap();
    let again = |existing| klfit::sweep(&sweep, path, existing, &());
    assert!(again(Existing::Refuse).is_err());
}
