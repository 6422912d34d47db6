//! Divergences over grids of parameters, and where descent from each cell ends.

use klfit::internals::{gaussian_kl, natural_values};
use klfit::settings::FiguresConfig;
use klfit::{
    Cells, DeviceConfig, DivergenceKind, Experiment, LandscapeConfig, Mixture, Numerics, Parameter,
    ParameterAxis, Precision, Target, kl, survey,
};

fn gaussian(mean: &[f64], stds: &[f64]) -> Mixture {
    Mixture::from_stds(vec![1.0], vec![mean.to_vec()], vec![stds.to_vec()]).unwrap()
}

#[test]
fn every_cell_has_the_divergence_of_its_member() {
    // On the CPU in one pass and by burn's operations, in one and in two dimensions.
    let single = DeviceConfig {
        precision: Precision::F32,
        ..DeviceConfig::default()
    };
    for (numerics, tolerance) in [
        (Numerics::cpu(), 1e-9),
        (Numerics::open(single).unwrap(), 2e-4),
    ] {
        for dim in [1, 2] {
            let p = gaussian(&[0.3, -0.2][..dim], &[1.0, 0.8][..dim]);
            let q = gaussian(&[0.0; 2][..dim], &[1.2, 0.9][..dim]);
            let names = Parameter::names(1, dim);
            let axes = [
                ParameterAxis::even(names[0].clone(), -2.0..=2.0, 9),
                ParameterAxis::even(names[dim].clone(), 0.5..=2.0, 40),
            ];
            let cells = Cells::new(&q, axes, &numerics).unwrap();
            let target = Target::new(&p, &numerics);
            for kind in [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl] {
                let surface = cells.evaluate(&target, kind, Some(900), &numerics).unwrap();
                for (cell, value) in surface.values.iter().enumerate() {
                    let q = cells.member(cell).unwrap();
                    let exact = match kind {
                        DivergenceKind::ForwardKl => gaussian_kl(&p, &q),
                        _ => gaussian_kl(&q, &p),
                    }
                    .unwrap()
                    .value;
                    assert!(
                        (value - exact).abs() < tolerance * exact.max(1.0),
                        "{value} {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_weight_leaves_the_others_their_proportions_and_what_is_no_density_is_left_out() {
    let numerics = Numerics::cpu();
    let means = vec![vec![-1.0], vec![0.0], vec![1.0]];
    let q = Mixture::from_stds(vec![0.5, 0.3, 0.2], means, vec![vec![1.0]; 3]).unwrap();
    let axes = [
        ParameterAxis::even("weight_1", -0.25..=1.25, 7),
        ParameterAxis::even("std_2", -0.5..=1.0, 4),
    ];
    let cells = Cells::new(&q, axes, &numerics).unwrap();
    let surface = (cells.evaluate(
        &Target::new(&q, &numerics),
        DivergenceKind::ForwardKl,
        Some(300),
        &numerics,
    ))
    .unwrap();
    for (cell, value) in surface.values.iter().enumerate() {
        let (weight, std) = (
            -0.25 + 0.25 * (cell % 7) as f64,
            -0.5 + 0.5 * (cell / 7) as f64,
        );
        let is_density = (0.0..=1.0).contains(&weight) && std > 0.0;
        assert_eq!(cells.member(cell).is_some(), is_density);
        assert_eq!(value.is_nan(), !is_density, "{weight} {std} {value}");
        if let Some(member) = cells.member(cell) {
            let values: Vec<f64> = natural_values(&member).collect();
            assert!((values[0] - weight).abs() < 1e-12);
            assert!((values[1] * 0.2 - values[2] * 0.3).abs() < 1e-12);
        }
    }
    for (first, second) in [("mean", "std_1"), ("mean_1", "mean_1")] {
        let axes = [
            ParameterAxis::even(first, 0.0..=1.0, 3),
            ParameterAxis::even(second, 0.5..=1.0, 3),
        ];
        assert!(Cells::new(&q, axes, &numerics).is_err());
    }
}

#[test]
fn a_survey_finds_the_basins_of_reverse_kl() {
    let text = "name = \"two\"\nrestarts = 6\n\n[target]\nweights = [0.5, 0.5]\n\
                means = [[-3.0], [3.0]]\nstds = [[1.0], [1.0]]\n\n[optimizer]\nsteps = 800\n\n\
                [[fit]]\ndivergence = \"reverse-kl\"\n";
    let experiment = Experiment::parse("two.toml".as_ref(), text, Vec::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wanted = LandscapeConfig {
        across: Some("mean=-4:4:9".parse().unwrap()),
        up: Some("std=0.8:3.2:5".parse().unwrap()),
        basins: true,
        ..LandscapeConfig::default()
    };
    let looks = FiguresConfig::default();
    let files = survey(&experiment, &wanted, &looks, folder.path(), &mut ())
        .unwrap()
        .files;
    assert!(files.iter().all(|file| file.is_file()) && files.len() == 4);
    let mut csv = csv::Reader::from_path(&files[0]).unwrap();
    let header: Vec<String> = csv.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, ["mean", "std", "reverse-kl", "reverse-kl_optimum"]);
    let rows: Vec<Vec<f64>> = (csv.records())
        .map(|row| {
            row.unwrap()
                .iter()
                .map(|cell| cell.parse().unwrap_or(f64::NAN))
                .collect()
        })
        .collect();
    assert_eq!(rows.len(), 45);
    let optimum = |mean: f64, std: f64| {
        let is_it = |row: &&Vec<f64>| (row[0] - mean).abs() + (row[1] - std).abs() < 1e-9;
        rows.iter().find(is_it).unwrap()[3]
    };
    // Over a bump the fit stays there; far wider than both, in the middle, it covers them.
    let ends = [optimum(-3.0, 0.8), optimum(3.0, 0.8), optimum(0.0, 2.6)];
    assert!(ends[0] != ends[1] && ends[2] == 3.0, "{ends:?}");
    assert!(ends[0] + ends[1] == 3.0);
}

#[test]
fn all_fits_of_a_survey_share_one_grid() {
    // Their ends are far apart, so that each alone would get axes of its own.
    let text = "name = \"apart\"\n\n[target]\nweights = [0.9, 0.1]\n\
                means = [[0.0], [20.0]]\nstds = [[1.0], [1.0]]\n\n[optimizer]\nsteps = 300\n\n\
                [[fit]]\ndivergence = \"forward-kl\"\n\n[[fit]]\ndivergence = \"reverse-kl\"\n\
                init = { weights = [1.0], means = [[20.5]], stds = [[1.2]] }\n";
    // The looks of the config but for the width, which is asked for.
    let text = format!("{text}[figures]\nformat = [\"svg\"]\nwidth = 170\n");
    let experiment = Experiment::parse("apart.toml".as_ref(), &text, Vec::new()).unwrap();
    let looks: FiguresConfig = toml::from_str("width = 85").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wanted = LandscapeConfig {
        points: Some(1600),
        ..LandscapeConfig::default()
    };
    let files = survey(&experiment, &wanted, &looks, folder.path(), &mut ())
        .unwrap()
        .files;
    let svg = std::fs::read_to_string(&files[1]).unwrap();
    assert!(
        files.len() == 2 && svg.contains("width=\"85mm\""),
        "{files:?}"
    );
    let mut csv = csv::Reader::from_path(&files[0]).unwrap();
    let p = experiment.target.as_mixture().unwrap();
    let (mut compared, mut highest) = (0, f64::NEG_INFINITY);
    for (at, row) in csv.records().enumerate() {
        let row = row.unwrap();
        let row: Vec<f64> = row.iter().map(|cell| cell.parse().unwrap()).collect();
        highest = row[0].max(highest);
        // A few cells, by the calculator.
        if at % 487 != 0 {
            continue;
        }
        let q = gaussian(&row[..1], &row[1..2]);
        for (found, exact) in [(row[2], kl(p, &q)), (row[3], kl(&q, p))] {
            let exact = exact.unwrap().value;
            assert!((found - exact).abs() < 1e-4 * exact, "{row:?} {exact}");
        }
        compared += 1;
    }
    assert!(compared > 15);
    // The mean of reverse KL's end is 20, and of p 2 ± 6.1.
    assert!(highest > 20.0 + 6.0);
}
