//! Work that lasts is counted as it goes on, up to its end.

use std::fs;

use klfit::settings::FiguresConfig;
use klfit::{
    Experiment, LandscapeConfig, RunFolder, WorkObserver, draw_figures_as, report_with, survey,
    survey_run,
};

use crate::command_line::klfit;
use crate::resume::run_for;

/// What was told: of each kind of work how often, the last count, and of how many.
#[derive(Debug, Default)]
struct Told(Vec<(String, usize, usize, usize)>);

impl WorkObserver for Told {
    fn done(&mut self, what: &str, done: usize, of: usize) {
        assert!(done <= of, "{what}: {done} of {of}");
        match self.0.last_mut().filter(|(last, ..)| last == what) {
            Some((_, times, last, all)) => {
                assert!(*last <= done && *all == of, "{what}: {done} after {last}");
                (*times, *last) = (*times + 1, done);
            }
            None => self.0.push((what.to_owned(), 1, done, of)),
        }
    }
}

impl Told {
    /// The work in its order, all of it done; each with how often something was told.
    fn all_done(self) -> Vec<(String, usize)> {
        let done = self.0.into_iter().map(|(what, times, done, of)| {
            assert_eq!(done, of, "{what}");
            (what, times)
        });
        done.collect()
    }
}

const CONFIG: &str = r#"
name = "two"
restarts = 2
[target]
weights = [0.5, 0.5]
means = [[-3.0], [3.0]]
stds = [[1.0], [1.0]]
[optimizer]
steps = 30
[[fit]]
divergence = "forward-kl"
[[fit]]
divergence = "reverse-kl"
"#;

#[test]
fn a_landscape_counts_steps_cells_and_the_steps_from_them() {
    let experiment = Experiment::parse("two.toml".as_ref(), CONFIG, Vec::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = LandscapeConfig {
        across: Some("mean=-4:4:40".parse().unwrap()),
        up: Some("std=0.8:3.2:40".parse().unwrap()),
        basins: true,
        ..LandscapeConfig::default()
    };
    let looks = FiguresConfig::default();
    let mut told = Told::default();
    survey(&experiment, &wanted, &looks, folder.path(), &mut told).unwrap();
    let told = told.all_done();
    let names: Vec<&str> = told.iter().map(|(what, _)| &**what).collect();
    let expected = [
        "forward-kl: steps",
        "reverse-kl: steps",
        "forward-kl: cells",
        "forward-kl: steps from every cell",
        "reverse-kl: cells",
        "reverse-kl: steps from every cell",
    ];
    assert_eq!(names, expected);
    for (what, times) in &told {
        let least = if what.ends_with("cells") { 7 } else { 30 };
        assert!(*times >= least, "{what}: {times}");
    }
    // Of a run, without basins, the cells alone.
    wanted.basins = false;
    let path = folder.path().join("run");
    run_for(usize::MAX, &experiment, &path).unwrap();
    let mut told = Told::default();
    let run = RunFolder::open(&path).unwrap();
    survey_run(&run, &wanted, &looks, None, &mut told).unwrap();
    let names: Vec<String> = told.all_done().into_iter().map(|(what, _)| what).collect();
    assert_eq!(names, ["forward-kl: cells", "reverse-kl: cells"]);
}

#[test]
fn figures_and_those_of_a_report_are_counted() {
    let experiment = Experiment::parse("two.toml".as_ref(), CONFIG, Vec::new()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    run_for(usize::MAX, &experiment, &path).unwrap();
    let run = RunFolder::open(&path).unwrap();
    let looks = FiguresConfig::default();
    let mut told = Told::default();
    draw_figures_as(&run, &looks, None, &mut told).unwrap();
    assert_eq!(told.all_done(), [("figures".to_owned(), 4)]);
    for (runs, expected) in [
        (1, &[("figures", 4), ("pictures of the report", 4)][..]),
        (
            2,
            &[
                ("figures of run 1", 4),
                ("figures of run 2", 4),
                ("pictures of the report", 8),
            ],
        ),
    ] {
        let (mut told, out) = (Told::default(), folder.path().join("report"));
        report_with(
            &vec![path.clone(); runs],
            &out,
            &Default::default(),
            &mut told,
        )
        .unwrap();
        let expected: Vec<_> = (expected.iter())
            .map(|&(what, times)| (what.to_owned(), times))
            .collect();
        assert_eq!(told.all_done(), expected);
    }
}

#[test]
fn an_estimate_counts_its_steps() {
    let rows: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101).powi(2)).collect();
    let rows = klfit::Samples::new(vec!["x".to_owned()], rows, 1).unwrap();
    let mut told = Told::default();
    klfit::estimate("rows", &rows, 2, 0, &mut told).unwrap();
    let [(what, times, done, of)] = &told.0[..] else {
        panic!("{told:?}");
    };
    assert_eq!((&**what, *of), ("steps over 200 rows, at most", 1000));
    assert!(*times > 2 && *done >= times - 1, "{told:?}");
    // One Gaussian is there at once.
    let mut told = Told::default();
    klfit::estimate("rows", &rows, 1, 0, &mut told).unwrap();
    assert!(told.0.is_empty());
}

#[test]
fn no_bar_is_drawn_where_there_is_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("two.toml"), CONFIG).unwrap();
    for arguments in [
        &["run", "two.toml", "--out", "run", "-q"][..],
        &[
            "landscape",
            "two.toml",
            "--across",
            "mean=-4:4:9",
            "--up",
            "std=1:3:5",
            "--basins",
        ],
        &["plot", "run"],
        &["report", "run"],
    ] {
        let ran = klfit(arguments).current_dir(&folder).assert().success();
        let said = String::from_utf8_lossy(&ran.get_output().stderr).into_owned();
        let is_bar = |c: char| "━─\r\u{1b}".contains(c);
        assert!(
            !said.contains(is_bar) && !said.contains(" left"),
            "{arguments:?}: {said:?}"
        );
    }
}
