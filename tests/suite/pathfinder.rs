//! Starts along climbs: the Gaussian itself, a better one than at the mode, what they cost, and that they are their own.

use klfit::internals::gaussian_kl;
use klfit::settings::Pathfinder;
use klfit::{DivergenceKind, Family, FamilyConfig, Mixture, Start, TargetModel};
use nalgebra::DMatrix;

use crate::command_line::klfit;
use crate::pages::page::Page;
use crate::programs;
use crate::support::{assert_close, run_text};

fn start(target: &Mixture, components: usize, rule: Pathfinder, seed: u64) -> Mixture {
    starts(target, components, rule, seed, 1).remove(0)
}

fn starts(
    target: &Mixture,
    components: usize,
    rule: Pathfinder,
    seed: u64,
    restarts: usize,
) -> Vec<Mixture> {
    let config = FamilyConfig {
        components,
        ..FamilyConfig::default()
    };
    let family = Family::new(config, target.dim());
    let target = TargetModel::from(target.clone());
    (Start::drawn(rule, restarts).mixtures(&family, &target, seed)).unwrap()
}

/// Correlated, with standard deviations of 0.05 to 8.
fn skewed() -> Mixture {
    let factor = DMatrix::from_row_slice(
        4,
        4,
        &[
            2.0, 0.0, 0.0, 0.0, 0.3, 0.05, 0.0, 0.0, -1.0, 0.2, 0.4, 0.0, 5.0, 1.0, -4.0, 3.0,
        ],
    );
    Mixture::gaussian(vec![1.0, -4.0, 0.0, 20.0], &factor * factor.transpose()).unwrap()
}

/// From climbs in units of its extent, and from balls of one width.
#[test]
fn a_gaussian_is_found() {
    let p = skewed();
    for seed in 0..5 {
        let q = start(&p, 1, Pathfinder::default(), seed);
        let off = gaussian_kl(&q, &p).unwrap().value;
        assert!(off < 1e-6, "seed {seed}: {off:e}");
        let rule = Pathfinder {
            climb_std: Some(10.0),
            ..Pathfinder::default()
        };
        let q = start(&p, 1, rule, seed);
        let off = gaussian_kl(&q, &p).unwrap().value;
        assert!(off < 0.1, "seed {seed}: {off:e}");
    }
}

/// Two modes of different mass, and of a third component of q the share of one of them.
#[test]
fn every_component_is_the_end_of_a_path_with_its_mass() {
    let p = Mixture::from_stds(
        vec![0.3, 0.7],
        vec![vec![-10.0, 0.0], vec![10.0, 5.0]],
        vec![vec![1.0, 0.5], vec![2.0, 1.0]],
    )
    .unwrap();
    let rule = Pathfinder {
        climbs: 20,
        ..Pathfinder::default()
    };
    let q = start(&p, 2, rule, 1);
    let light = usize::from(q.means()[0][0] > 0.0);
    for (k, of_p) in [(light, 0), (1 - light, 1)] {
        assert_close(q.weights()[k], p.weights()[of_p], 2e-2, "weight");
        let off = (&q.means()[k] - &p.means()[of_p]).norm();
        assert!(off < 0.3, "{off}");
    }
    let q = start(&p, 3, rule, 1);
    let light: f64 = (0..3)
        .filter(|&k| q.means()[k][0] < 0.0)
        .map(|k| q.weights()[k])
        .sum();
    assert_close(light, 0.3, 2e-2, "weight");
}

/// The first rows of a fit that starts so: the mean of reverse KL, and the evaluations that are not those of the step.
fn started(init: &str, restarts: usize) -> (f64, [u64; 2]) {
    let run = run_text(&format!(
        "name = \"banana\"\nrestarts = {restarts}\n[target]\n\
         log_density = \"-0.5*(x1^2 + (x2 - 0.5*(x1^2 - 1))^2)\"\n\
         support = {{ x1 = \"real\", x2 = \"real\" }}\n[init]\n{init}\n[estimator]\ntype = \"monte-carlo\"\n\
         samples = 90\n[optimizer]\nsteps = 1\n[[fit]]\ndivergence = \"reverse-kl\"\n"
    ));
    let trajectory = run.folder.trajectory("reverse-kl").unwrap();
    let first = |run: usize| trajectory.run(run).next().unwrap();
    let sum: f64 = (0..restarts)
        .map(|run| first(run).divergence(DivergenceKind::ReverseKl).0)
        .sum();
    let of = first(0).evaluations;
    let of = [of.log_density, of.gradient].map(|of| of - 90);
    (sum / restarts as f64, of)
}

/// Where p bends, the Gaussian at the mode is 0.375 nats away, and the best one 0.145.
#[test]
fn a_banana_has_a_better_gaussian_than_that_at_its_mode() {
    let (of_laplace, _) = started("type = \"laplace\"\nclimbs = 10", 20);
    assert_close(of_laplace, 0.375, 1e-3, "Laplace");
    let (found, _) = started("type = \"pathfinder\"", 20);
    assert!(found > 0.145 && found < 0.26, "{found}");
    // What is least stands in the config of the banana.
    Page::open("docs/families.md").rounds(
        "the start of `laplace` is {} nats away by reverse KL, that of `pathfinder` {} on average, and the \
         best Gaussian {} ([",
        &[of_laplace, found, 0.145_114_4],
    );
}

/// Gradients are those of the climbs; the draws take none, and their number is that of the places times the setting.
#[test]
fn climbs_and_draws_are_counted() {
    let of = |draws: usize| started(&format!("type = \"pathfinder\"\ndraws = {draws}"), 1).1;
    let [few, many] = [of(3), of(30)];
    assert_eq!(few[1], many[1]);
    assert!(few[1] >= 10 * 3, "{few:?}");
    let places = (few[0] - few[1]) / 3;
    assert_eq!(few[0] - few[1], 3 * places);
    assert_eq!(many[0] - many[1], 30 * places);
    assert!(places >= 10, "{places}");
    // The same climbs, and the differences at the modes.
    let (_, of_laplace) = started("type = \"laplace\"\nclimbs = 10", 1);
    assert!(of_laplace[1] > few[1] / 2 && of_laplace[1] < 2 * few[1]);
}

/// Run r is what it is with any number of runs, and no other.
#[test]
fn a_start_depends_on_the_seed_and_its_run() {
    let p = crate::support::three_in_a_plane();
    let rule = Pathfinder {
        climbs: 2,
        ..Pathfinder::default()
    };
    let [few, many] = [2, 4].map(|restarts| starts(&p, 1, rule, 9, restarts));
    assert_eq!(few[..], many[..2]);
    assert_ne!(few[0], few[1]);
    assert_ne!(few[0], start(&p, 1, rule, 10));
}

#[test]
fn a_program_without_gradients_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = programs::experiment(
        &["gaussian", "--without-gradient"],
        "dim = 2",
        "divergence = \"forward-kl\"\ninit = { type = \"pathfinder\" }",
    );
    std::fs::write(folder.path().join("my.toml"), text).unwrap();
    let output = klfit(&["check", "my.toml", "--allow-commands"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        error.contains("is \"pathfinder\", which climbs along the gradient of log p"),
        "{error}"
    );
}
