//! What one run writes, another may start from.

use crate::support::{assert_close, run_text};
use klfit::{Scales, read_mixture};

#[test]
fn the_mixture_of_a_fit_is_read_from_the_folder_of_its_run() {
    let run = run_text(
        r#"
        name = "two"
        restarts = 2
        [target]
        mean = [1.0, 2.0]
        std = [0.5, 2.0]
        [family]
        components = 2
        [estimator]
        type = "monte-carlo"
        samples = 16
        [optimizer]
        type = "adam"
        learning_rate = 0.05
        steps = 3
        [[fit]]
        divergence = "forward-kl"
        [[fit]]
        divergence = "reverse-kl"
        "#,
    );
    for fit in &run.summary.fits {
        let read = read_mixture(run.folder.path(), Some(&fit.label)).unwrap();
        let best = &fit.best.as_ref().unwrap().mixture;
        for (weight, expected) in read.weights().iter().zip(&best.weights) {
            assert_close(*weight, *expected, 1e-15, "weight");
        }
        let Scales::Covariances(covariances) = &best.scales else {
            panic!("{:?}", best.scales)
        };
        for (k, expected) in covariances.iter().enumerate() {
            let covariance = read.component_covariance(k);
            assert_close(covariance[(1, 0)], expected[1][0], 1e-14, "covariance");
        }
    }
    let unnamed = read_mixture(run.folder.path(), None).unwrap_err();
    let help = unnamed.help().unwrap();
    assert!(
        help.contains("fit = \"forward-kl\", fit = \"reverse-kl\""),
        "{help}"
    );
}
