//! How expectations are to be computed, and the remedies where they cannot be.

use std::fs;

use klfit::settings::NoiseRule;
use klfit::{EstimatorRule, GradientRule};

use super::divergence::NAMED;
use super::{
    CUBE, FIVE, FORWARD, IRIS, LINE, PLANE, REVERSE, Rule, check_rules, config_error, parsed,
    refusal, refuses,
};
use crate::command_line::klfit;

const ESTIMATORS: &[Rule] = &[
    (
        CUBE,
        "[estimator]\ntype = \"quadrature\" # !\n",
        FORWARD,
        "estimator.type",
        "3 dimensions, more than 2",
        "\"monte-carlo\"",
    ),
    (
        CUBE,
        "",
        "[[fit]]\ndivergence = \"js\"\nestimator = { type = \"quadrature\" } # !\n",
        "fit[1].estimator.type",
        "3 dimensions",
        "\"gauss-hermite\"",
    ),
    (
        FIVE,
        "[estimator]\ntype = \"gauss-hermite\" # !\n",
        FORWARD,
        "estimator.type",
        "5 dimensions, more than 4",
        "\"quasi-monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\ntype = \"rows\" # !\n",
        FORWARD,
        "estimator.type",
        "the target is a density",
        "\"quadrature\"",
    ),
    (
        IRIS,
        "[estimator]\ntype = \"quadrature\" # !\n",
        FORWARD,
        "estimator.type",
        "no density to integrate",
        "all rows are averaged",
    ),
    (
        IRIS,
        "[estimator]\ntype = \"gauss-hermite\" # !\n",
        FORWARD,
        "estimator.type",
        "no density to integrate",
        "\"monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\npoints = 4 # !\n",
        FORWARD,
        "estimator.points",
        "is 4",
        "at least 5",
    ),
    (
        LINE,
        "[estimator]\ntype = \"gauss-hermite\"\norder = 3 # !\n",
        FORWARD,
        "estimator.order",
        "is 3",
        "from 4 to 300",
    ),
    (
        LINE,
        "[estimator]\ntype = \"gauss-hermite\"\norder = 301 # !\n",
        FORWARD,
        "estimator.order",
        "is 301",
        "from 4 to 300",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nsamples = 1 # !\n",
        FORWARD,
        "estimator.samples",
        "is 1",
        "at least 2",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\nsamples = 7 # !\n",
        FORWARD,
        "estimator.samples",
        "is 7",
        "from 8 to 524288",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\nsamples = 524289 # !\n",
        FORWARD,
        "estimator.samples",
        "is 524289",
        "from 8 to 524288",
    ),
    (
        LINE,
        "[estimator]\nnoise = \"fresh\" # !\n",
        FORWARD,
        "estimator.noise",
        "quadrature has none",
        "remove it",
    ),
    (
        IRIS,
        "",
        "[[fit]]\ndivergence = \"forward-kl\"\nestimator = { noise = \"fixed\" } # !\n",
        "fit[1].estimator.noise",
        "rows has none",
        "\"monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\ngradient = \"sticking-the-landing\" # !\n",
        FORWARD,
        "estimator.gradient",
        "holds for reverse KL alone",
        "gradient = \"pathwise\"",
    ),
    (
        LINE,
        "[estimator]\ngradient = \"score-function\" # !\n",
        FORWARD,
        "estimator.gradient",
        "forward KL takes no expectation under q",
        "remove it",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\ngradient = \"score-function\" # !\n",
        REVERSE,
        "estimator.gradient",
        "points of a net depend on each other",
        "\"monte-carlo\"",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nnoise = \"fixed\"\ngradient = \"score-function\" # !\n",
        REVERSE,
        "estimator.gradient",
        "not over fixed noise",
        "noise = \"fresh\"",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nnoise = \"fixed\"\ngradient = \"sticking-the-landing\" # !\n",
        REVERSE,
        "estimator.gradient",
        "not over fixed noise",
        "gradient = \"pathwise\"",
    ),
    (
        LINE,
        "[estimator]\nrange = [3.0, -3.0] # !\n",
        FORWARD,
        "estimator.range",
        "is [3, -3]",
        "lower below upper",
    ),
    (
        LINE,
        "[estimator]\nrange = [-inf, 3.0] # !\n",
        FORWARD,
        "estimator.range",
        "is [-inf, 3]",
        "lower below upper",
    ),
    (
        PLANE,
        "[estimator]\nrange = [-9.0, 9.0] # !\n",
        FORWARD,
        "estimator.range",
        "not 1-D",
        "remove it",
    ),
    (
        LINE,
        "[estimator]\nrange = [-9.0, 9.0] # !\n",
        REVERSE,
        "estimator.range",
        "integrates over q",
        "remove it",
    ),
    (
        LINE,
        "[estimator]\nrange = [0.0, 9.0] # !\n",
        FORWARD,
        "estimator.range",
        "a mass of 0.5",
        "widen",
    ),
];

#[test]
fn quadrature_above_two_dimensions_says_what_would_work() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"cube\"\n[target]\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n\
                [estimator]\ntype = \"quadrature\"\n[[fit]]\ndivergence = \"forward-kl\"\n";
    fs::write(folder.path().join("cube.toml"), text).unwrap();
    let message = refusal(&folder, &["check", "cube.toml"]);
    assert!(
        message.contains("cube.toml:6:") && message.contains("monte-carlo"),
        "{message}"
    );
}

#[test]
fn a_fixed_interval_that_misses_the_target_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (range, points, fine) in [
        ("[-12.0, 12.0]", 401, true),
        ("[0.0, 10.0]", 401, false),
        ("[-12.0, 12.0]", 7, false),
    ] {
        let text = format!(
            "name = \"grid\"\n[target]\nweights = [0.5, 0.5]\nmeans = [[-3.0], [3.0]]\n\
             stds = [[1.0], [1.0]]\n[estimator]\nrange = {range}\npoints = {points}\n\
             [[fit]]\ndivergence = \"forward-kl\"\n"
        );
        fs::write(folder.path().join("grid.toml"), text).unwrap();
        if fine {
            let check = &["check", "grid.toml"];
            klfit(check).current_dir(&folder).assert().success();
            continue;
        }
        let message = refusal(&folder, &["check", "grid.toml"]);
        assert!(
            message.contains("grid.toml:7:") && message.contains("mass"),
            "{message}"
        );
    }
}

#[test]
fn estimators_that_make_no_sense_are_refused() {
    check_rules(ESTIMATORS);
    let many = |value: &str| vec![value; 257].join(", ");
    let text = format!(
        "name = \"many\"\n[target]\nmean = [{}]\nstd = [{}]\n[estimator]\n\
         type = \"quasi-monte-carlo\" # !\n{FORWARD}",
        many("0.0"),
        many("1.0")
    );
    refuses(
        &text,
        "estimator.type",
        "257 dimensions, more than 256",
        "\"monte-carlo\"",
    );
}

/// How expectations are to be computed, as a config says it.
#[derive(Debug, Clone, PartialEq)]
struct Choice {
    target: &'static str,
    divergence: (&'static str, Option<f64>),
    rule: Option<String>,
    gradient: Option<String>,
    noise: Option<String>,
}

impl Choice {
    fn text(&self) -> String {
        let (divergence, alpha) = self.divergence;
        let alpha = alpha.map_or(String::new(), |alpha| format!("alpha = {alpha}\n"));
        let line = |key: &str, value: &Option<String>| {
            (value.as_ref()).map_or(String::new(), |value| format!("{key} = \"{value}\"\n"))
        };
        format!(
            "name = \"choice\"\nrestarts = 1\n{}[estimator]\n{}{}{}[[fit]]\ndivergence = \
             \"{divergence}\"\n{alpha}",
            self.target,
            line("type", &self.rule),
            line("gradient", &self.gradient),
            line("noise", &self.noise),
        )
    }

    /// What the documentation of the estimators promises: quadrature takes a density of at most 2
    /// dimensions, Gauss–Hermite one of at most 4, and all rows are for a sample. Noise is for
    /// random points. Sticking the landing is for reverse KL, the score function for expectations
    /// under q at points that are independent or of no chance; neither is for fixed noise.
    fn is_sensible(&self) -> bool {
        let (divergence, _) = self.divergence;
        let (is_sample, dim) = match self.target {
            IRIS => (true, 4),
            LINE => (false, 1),
            CUBE => (false, 3),
            _ => (false, 5),
        };
        let rule = match self.rule.as_deref() {
            Some(rule) => rule,
            None if is_sample => "rows",
            None if dim <= 2 => "quadrature",
            None => "monte-carlo",
        };
        let rule_fits = match rule {
            "quadrature" => !is_sample && dim <= 2,
            "gauss-hermite" => !is_sample && dim <= 4,
            "rows" => is_sample,
            _ => true,
        };
        let random = rule.ends_with("monte-carlo");
        let fixed = self.noise.as_deref() == Some("fixed");
        let gradient_fits = match self.gradient.as_deref() {
            Some("sticking-the-landing") => divergence == "reverse-kl" && !fixed,
            Some("score-function") => {
                divergence != "forward-kl" && rule != "quasi-monte-carlo" && !fixed
            }
            _ => true,
        };
        let density_fits = !is_sample || divergence == "forward-kl";
        rule_fits && gradient_fits && density_fits && (random || self.noise.is_none())
    }

    /// What it becomes if one follows the help: each remedy by itself.
    fn remedied(&self, key: &str, help: &str) -> Vec<Self> {
        let with = |key: &str, value: Option<&str>| {
            let mut other = self.clone();
            let value = value.map(str::to_owned);
            match key {
                "type" => other.rule = value,
                "gradient" => other.gradient = value,
                "noise" => other.noise = value,
                _ => {}
            }
            other
        };
        let key = key.rsplit('.').next().unwrap();
        let mut remedies = Vec::new();
        if help.starts_with("remove the section") {
            let bare = with("type", None);
            remedies.push(Self {
                gradient: None,
                noise: None,
                ..bare
            });
        } else if help.starts_with("remove it") {
            remedies.push(with(key, None));
        }
        // Values of the key itself in quotes, or with the key they are of.
        for (i, value) in help.split('"').enumerate().filter(|(i, _)| i % 2 == 1) {
            let before = help.split('"').nth(i - 1).unwrap();
            let named = ["type", "gradient", "noise"]
                .into_iter()
                .find(|name| before.ends_with(&format!("{name} = ")));
            remedies.push(with(named.unwrap_or(key), Some(value)));
        }
        remedies
    }
}

#[test]
fn estimators_are_taken_where_they_make_sense_and_the_remedies_lead_there() {
    let mut names: Vec<Option<String>> = (EstimatorRule::all().iter())
        .map(|rule| Some(rule.name().to_owned()))
        .collect();
    names.push(None);
    let gradients: Vec<Option<String>> = (GradientRule::ALL.into_iter())
        .map(|gradient| Some(gradient.name().to_owned()))
        .chain([None])
        .collect();
    let noises = [Some("fresh".to_owned()), Some("fixed".to_owned()), None];
    let (mut taken, mut refused) = (0, 0);
    for target in [LINE, CUBE, FIVE, IRIS] {
        for divergence in NAMED {
            for rule in &names {
                for gradient in &gradients {
                    for noise in &noises {
                        let choice = Choice {
                            target,
                            divergence,
                            rule: rule.clone(),
                            gradient: gradient.clone(),
                            noise: noise.clone(),
                        };
                        let is_taken = follows(choice);
                        (taken, refused) = (
                            taken + usize::from(is_taken),
                            refused + usize::from(!is_taken),
                        );
                    }
                }
            }
        }
    }
    assert!(
        taken > 300 && refused > 300,
        "{taken} taken, {refused} refused"
    );
}

/// Checks a choice against what is sensible; whether it is.
fn follows(choice: Choice) -> bool {
    let error = match parsed(&choice.text()) {
        Ok(experiment) => {
            assert!(choice.is_sensible(), "taken: {choice:?}");
            let estimator = experiment.plans[0].estimator;
            assert_eq!(
                choice.noise.as_deref() == Some("fixed"),
                estimator.noise == Some(NoiseRule::Fixed)
            );
            return true;
        }
        Err(error) => error,
    };
    assert!(!choice.is_sensible(), "refused: {error}\n{choice:?}");
    // A choice may be wrong in several ways: then one remedy leads to the next.
    let mut tried = vec![(choice.clone(), error)];
    for _ in 0..4 {
        let mut next = Vec::new();
        for (choice, error) in tried {
            let (error, key, help) = config_error(error);
            if key.ends_with("divergence") {
                // Its remedy is another divergence, of which rows have one.
                assert!(choice.target == IRIS && help.contains("divergence = \"forward-kl\""));
                let divergence = ("forward-kl", None);
                next.push(Choice {
                    divergence,
                    ..choice
                });
                continue;
            }
            let remedies = choice.remedied(&key, &help);
            assert!(!remedies.is_empty(), "no remedy: {error}\n{help}");
            next.extend(remedies);
        }
        tried = Vec::new();
        for choice in next {
            match parsed(&choice.text()) {
                Ok(_) => return false,
                Err(error) => tried.push((choice, error)),
            }
        }
    }
    panic!("no remedy leads to a config that runs: {choice:?}");
}

#[test]
fn numbers_beyond_all_measure_are_refused_without_overflow() {
    let huge = "9223372036854775807";
    for estimator in [
        "quadrature",
        "gauss-hermite",
        "monte-carlo",
        "quasi-monte-carlo",
    ] {
        for (section, key) in [("family", "components"), ("estimator", "samples")] {
            if key == "samples" && !estimator.ends_with("monte-carlo") {
                continue;
            }
            let (family, own) = match section {
                "family" => (format!("[family]\n{key} = {huge}\n"), String::new()),
                _ => (String::new(), format!("{key} = {huge}\n")),
            };
            let text = format!(
                "name = \"huge\"\n{LINE}{family}[estimator]\ntype = \"{estimator}\"\n{own}{FORWARD}"
            );
            assert!(parsed(&text).is_err(), "{text}");
        }
    }
    let text = format!("name = \"huge\"\nrestarts = {huge}\n{LINE}{FORWARD}");
    assert!(parsed(&text).is_err());
}
