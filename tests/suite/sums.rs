//! Draws of the calculator that many processes make: their sums say what one process would that made all.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use klfit::{
    Answer, DivergenceKind, Measure, Method, Mixture, Operand, PartialSums, Progress, Question,
    Shard, read_operand,
};

/// Narrow beside wide, a component that is hardly there, and far apart.
fn hard(dim: usize) -> [Mixture; 2] {
    let mixture = |weights: &[f64], means: &[f64], stds: &[f64]| {
        let all = |each: &[f64]| each.iter().map(|&one| vec![one; dim]).collect();
        Mixture::from_stds(weights.to_vec(), all(means), all(stds)).unwrap()
    };
    [
        mixture(
            &[0.3, 1e-6, 0.7 - 1e-6],
            &[-2.0, 9.0, 1.0],
            &[1e-4, 0.5, 10.0],
        ),
        mixture(&[0.999, 0.001], &[0.0, 30.0], &[12.0, 2.0]),
    ]
}

fn operands(dim: usize) -> [Operand; 2] {
    let [p, q] = hard(dim);
    [Operand::new("p", p), Operand::new("q", q)]
}

fn question(kinds: &[&str], method: Method, samples: u64) -> Question {
    let measure = |name: &&str| {
        let other = Measure::OTHERS.into_iter().find(|one| one.name() == *name);
        other.unwrap_or_else(|| DivergenceKind::from_name(name).unwrap().into())
    };
    Question {
        divergences: kinds.iter().map(measure).collect(),
        method,
        samples: Some(samples),
        seed: 7,
        ..Question::default()
    }
}

fn go_on(_: &PartialSums, _: Progress) -> klfit::Result<ControlFlow<()>> {
    Ok(ControlFlow::Continue(()))
}

fn shard(number: u64, of: u64) -> Shard {
    Shard::read(&format!("{number}/{of}"), |_| None).unwrap()
}

/// The sums of all shards, which come in whatever order, as files keep them.
fn sums(question: &Question, p: &Operand, q: Option<&Operand>, of: u64) -> Vec<PartialSums> {
    (1..=of)
        .rev()
        .map(|number| {
            let mut sums = PartialSums::new(shard(number, of));
            question.ask_shard(p, q, &mut sums, &go_on).unwrap();
            assert!(sums.are_whole());
            serde_json::from_str(&serde_json::to_string(&sums).unwrap()).unwrap()
        })
        .collect()
}

/// As far as numbers of a size of 1 and more are apart in their 13th digit.
fn assert_alike(found: &[Answer], whole: &[Answer], most: f64) {
    assert_eq!(found.len(), whole.len());
    for (found, whole) in found.iter().zip(whole) {
        assert_eq!(
            (found.samples, found.divergence),
            (whole.samples, whole.divergence)
        );
        assert_eq!((found.ending, found.claim), (whole.ending, whole.claim));
        let numbers = |one: &Answer| {
            let interval = one.interval.unwrap_or_default();
            [
                one.value,
                one.error.unwrap_or(0.0),
                interval[0],
                interval[1],
            ]
        };
        for (a, b) in numbers(found).into_iter().zip(numbers(whole)) {
            let apart = (a - b).abs() / b.abs().max(1.0);
            assert!(a == b || apart <= most, "{:?}: {a} {b}", found.divergence);
        }
    }
}

#[test]
fn shards_have_the_sums_of_the_whole() {
    let kinds = [
        "forward-kl",
        "reverse-kl",
        "js",
        "chi2",
        "alpha-0.5",
        "renyi-2.0",
    ];
    let others = ["bhattacharyya", "total-variation", "squared-hellinger"];
    let all = [&kinds[..], &others].concat();
    let mut asked = 0;
    for (dim, method) in [
        (1, Method::MonteCarlo),
        (3, Method::MonteCarlo),
        (3, Method::Qmc),
    ] {
        let [p, q] = operands(dim);
        let question = question(&all, method, 2_000_000);
        let whole = question.ask(&p, &q, &|_| {}).unwrap();
        for of in [1, 2, 7] {
            let parts = sums(&question, &p, Some(&q), of);
            let found = question.ask_gathered(&p, Some(&q), &parts).unwrap();
            // The order of additions is another only of independent draws in many shards.
            let is_to_the_bit = of == 1 || method == Method::Qmc;
            assert_alike(&found, &whole, if is_to_the_bit { 0.0 } else { 1e-13 });
            asked += found.len();
        }
    }
    assert_eq!(asked, 9 * all.len());
}

#[test]
fn shards_of_one_density_and_of_others_have_the_sums_of_the_whole() {
    let [p, _] = operands(3);
    let question = question(
        &["entropy", "total-correlation"],
        Method::MonteCarlo,
        100_000,
    );
    let whole = question.ask_one(&p, &|_| {}).unwrap();
    let parts = sums(&question, &p, None, 3);
    assert_alike(
        &question.ask_gathered(&p, None, &parts).unwrap(),
        &whole,
        1e-13,
    );

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        read_operand(path.to_str().unwrap()).unwrap()
    };
    let p = at(
        "p.toml",
        "type = \"student-t\"\nmean = [0.0, 1.0]\nstd = [1.0, 3.0]\ndof = 3.5\n",
    );
    let q = at("q.toml", "means = [[0.0, 0.0]]\nstds = [[2.0, 2.0]]\n");
    let question = crate::sums::question(&["forward-kl", "js"], Method::MonteCarlo, 100_000);
    let whole = question.ask(&p, &q, &|_| {}).unwrap();
    let parts = sums(&question, &p, Some(&q), 5);
    assert_alike(
        &question.ask_gathered(&p, Some(&q), &parts).unwrap(),
        &whole,
        1e-13,
    );
}

#[test]
fn a_shard_that_is_cut_off_goes_on_to_the_bit() {
    for (method, samples) in [(Method::MonteCarlo, 10_000_000), (Method::Qmc, 60_000_000)] {
        let [p, q] = operands(2);
        let question = question(&["reverse-kl", "renyi-2.0"], method, samples);
        let mut whole = PartialSums::new(shard(2, 2));
        let times = std::cell::Cell::new(0);
        let counted = |_: &PartialSums, _: Progress| {
            times.set(times.get() + 1);
            Ok(ControlFlow::Continue(()))
        };
        question
            .ask_shard(&p, Some(&q), &mut whole, &counted)
            .unwrap();
        assert!(times.get() > 1, "{} times", times.get());
        let mut cut = PartialSums::new(shard(2, 2));
        let mut begins = 0;
        while !cut.are_whole() {
            let stop = |_: &PartialSums, _: Progress| Ok(ControlFlow::Break(()));
            question.ask_shard(&p, Some(&q), &mut cut, &stop).unwrap();
            cut = serde_json::from_str(&serde_json::to_string(&cut).unwrap()).unwrap();
            begins += 1;
        }
        assert_eq!((cut, begins), (whole, times.get()));
    }
}

#[test]
fn a_density_that_was_asked_before_makes_the_same_draws() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.toml");
    fs::write(&path, "[target]\nlog_density = \"-x1^4 / 4 + x1\"\n").unwrap();
    let p = read_operand(path.to_str().unwrap()).unwrap();
    let normal = Mixture::from_stds(vec![1.0], vec![vec![0.5]], vec![vec![1.0]]).unwrap();
    let q = Operand::new("q", normal);
    let question = question(&["forward-kl"], Method::MonteCarlo, 100_000);
    let whole = question.ask(&p, &q, &|_| {}).unwrap();
    let mut first = PartialSums::new(shard(1, 1));
    let found = question
        .ask_shard(&p, Some(&q), &mut first, &go_on)
        .unwrap();
    assert_alike(&found, &whole, 0.0);
    let again = read_operand(path.to_str().unwrap()).unwrap();
    for p in [&p, &again] {
        let found = question
            .ask_gathered(p, Some(&q), std::slice::from_ref(&first))
            .unwrap();
        assert_alike(&found, &whole, 0.0);
    }
}

#[test]
fn sums_of_other_draws_are_refused() {
    let [p, q] = operands(2);
    let question = question(&["forward-kl"], Method::MonteCarlo, 50_000);
    let parts = sums(&question, &p, Some(&q), 2);
    let refused = |question: &Question, p: &Operand, q: &Operand, parts: &[PartialSums]| {
        question
            .ask_gathered(p, Some(q), parts)
            .unwrap_err()
            .to_string()
    };
    let other = |change: &dyn Fn(&mut Question)| {
        let mut other = question.clone();
        change(&mut other);
        refused(&other, &p, &q, &parts)
    };
    for message in [
        other(&|of| of.seed = 8),
        other(&|of| of.samples = Some(50_001)),
        other(&|of| of.method = Method::Qmc),
        other(&|of| of.divergences = vec![DivergenceKind::ReverseKl.into()]),
        refused(&question, &q, &p, &parts),
    ] {
        assert!(message.contains("are of other draws"), "{message}");
    }
    let twice = [parts[0].clone(), parts[0].clone()];
    assert!(refused(&question, &p, &q, &twice).contains("twice"));
    let apart = [parts.clone(), sums(&question, &p, Some(&q), 3)].concat();
    assert!(refused(&question, &p, &q, &apart).contains("share draws"));
    assert!(refused(&question, &p, &q, &[]).contains("no draws"));
    assert!(other(&|of| of.samples = None).contains("how many draws"));
    assert!(other(&|of| of.accuracy.relative = Some(1e-3)).contains("an error is asked for"));
    assert!(other(&|of| of.method = Method::Quadrature).contains("nothing of this is sampled"));

    // What a file says is taken for no more than it is.
    let text = serde_json::to_string(&parts[0]).unwrap();
    let [list, stratum] = ["{\"log_scale\"", "{\"count\""].map(|start| {
        let end = if start.contains("count") { "}" } else { "]}" };
        let from = text.find(start).unwrap();
        text[from..from + text[from..].find(end).unwrap() + end.len()].to_owned()
    });
    let lists = &text[text.find("[{\"log_scale").unwrap()..text.find("]}}]}").unwrap() + 1];
    for (from, to) in [
        (lists.to_owned(), "[]".to_owned()),
        ("\"samples\":".to_owned(), "\"samples\":1".to_owned()),
        ("\"drawn\":".to_owned(), "\"drawn\":1".to_owned()),
        ("\"next\":".to_owned(), "\"next\":1".to_owned()),
        ("\"count\":".to_owned(), "\"count\":-".to_owned()),
        (format!("{list},"), String::new()),
        (format!("{stratum},"), String::new()),
        ("monte-carlo".to_owned(), "qmc".to_owned()),
        ("\"2/2\"".to_owned(), "\"0/0\"".to_owned()),
        ("\"2/2\"".to_owned(), "\"auto\"".to_owned()),
    ] {
        let changed = text.replacen(&from, &to, 1);
        assert_ne!(changed, text, "{from}");
        if let Ok(part) = serde_json::from_str::<PartialSums>(&changed) {
            assert!(refused(&question, &p, &q, &[part]).contains("other draws"));
        }
    }
}

fn place() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put(
        "p.toml",
        "weights = [0.3, 0.7]\nmeans = [[-2.0, 0.0, 1.0], [1.0, 0.0, 0.0]]\nstds = [[1.0, 1.0, 0.1], [1.0, 2.0, 1.0]]\n",
    );
    put(
        "q.toml",
        "means = [[0.0, 0.0, 0.0]]\nstds = [[2.0, 2.0, 2.0]]\n",
    );
    folder
}

fn command(place: &Path, samples: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_klfit"));
    (command.current_dir(place))
        .args(["divergence", "p.toml", "q.toml", "--samples", samples])
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn told(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn shards_are_run_and_gathered_by_the_command() {
    let place = place();
    let ask = |words: &[&str]| told(&command(place.path(), "1e6", words).output().unwrap());
    let in_shard = |which: &str| ask(&["--sums", "sums", "--shard", which]);
    let gather = || ask(&["--sums", "sums", "--gather", "--json"]);
    assert!(gather().2.contains("cannot read sums"));
    for which in ["3/3", "1/3"] {
        let (code, out, _) = in_shard(which);
        assert_eq!(code, Some(0));
        assert!(
            out.contains(&format!("By the draws of shard {which} alone")),
            "{out}"
        );
    }
    let (code, out, err) = gather();
    assert_eq!(code, Some(1));
    assert!(
        err.contains("2 of 3 shards") && err.contains("Left are 2"),
        "{err}"
    );
    let samples = |out: &str| {
        let json: serde_json::Value = serde_json::from_str(out).unwrap();
        json["answers"][0]["samples"].as_u64().unwrap()
    };
    let of_two = samples(&out);
    in_shard("2/3");
    let read = |out: &str| {
        let mut json: serde_json::Value = serde_json::from_str(out).unwrap();
        for answer in json["answers"].as_array_mut().unwrap() {
            answer["seconds"] = 0.into();
        }
        json
    };
    let whole = ask(&["--json"]).1;
    let (code, out, err) = gather();
    assert_eq!((code, &*err), (Some(0), ""));
    assert!((1..samples(&out)).contains(&of_two), "{of_two}");
    // Four dimensions and fewer go by nets of points, whose means are added as one process adds them.
    assert_eq!(read(&out), read(&whole));

    // A shard that is whole has no draws to make, and its file stays.
    let file = place.path().join("sums/2-of-3.json");
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(in_shard("2/3").0, Some(0));
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);

    let refused = |words: &[&str], with: &str| {
        let (code, _, err) = ask(words);
        assert!(code == Some(2) && err.contains(with), "{words:?}: {err}");
    };
    refused(&["--sums", "sums"], "neither --shard nor --gather");
    refused(&["--shard", "1/3"], "--sums");
    refused(
        &["--sums", "sums", "--shard", "4/3"],
        "there is no shard 4 of 3",
    );
    refused(
        &["--sums", "sums", "--shard", "1/3", "--seed", "2"],
        "of other draws",
    );
    refused(
        &["--sums", "sums", "--gather", "--rel-err", "1e-3"],
        "an error is asked for",
    );
    // One of more shards than there is work for is whole, and empty.
    let (code, out, err) = ask(&["--sums", "many", "--shard", "999999/1000000"]);
    assert_eq!((code, &*out), (Some(0), ""));
    assert!(
        err.contains("no draws are left for shard 999999/1000000"),
        "{err}"
    );
    ask(&["--sums", "many", "--shard", "1/1000000"]);
    let (code, _, err) = ask(&["--sums", "many", "--gather", "-q"]);
    assert_eq!(code, Some(1));
    assert!(
        err.contains("2 of 1000000 shards") && err.contains("Left are 2-999998,1000000"),
        "{err}"
    );
    refused(
        &["--sums", "p", "--shard", "1/3", "--matrix"],
        "cannot be used with",
    );
    fs::write(&file, "{").unwrap();
    refused(
        &["--sums", "sums", "--gather"],
        "it does not hold sums of draws",
    );
    fs::write(
        &file,
        fs::read(place.path().join("sums/1-of-3.json")).unwrap(),
    )
    .unwrap();
    refused(&["--sums", "sums", "--shard", "2/3"], "it is of shard 1/3");
}

#[test]
fn a_shard_that_is_ended_by_a_signal_keeps_its_draws() {
    let place = place();
    let words = [
        "--method",
        "monte-carlo",
        "--sums",
        "sums",
        "--shard",
        "1/2",
    ];
    let start = || -> Child { command(place.path(), "3e7", &words).spawn().unwrap() };
    let first = start();
    std::thread::sleep(Duration::from_millis(400));
    let is_sent = Command::new("kill")
        .args(["-TERM", &first.id().to_string()])
        .status();
    assert!(is_sent.unwrap().success());
    let (code, _, err) = told(&first.wait_with_output().unwrap());
    assert_eq!(code, Some(143), "{err}");
    assert!(err.contains("interrupted after"), "{err}");
    let read = || -> PartialSums {
        let text = fs::read_to_string(place.path().join("sums/1-of-2.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let cut = read();
    assert!(cut.drawn() > 0 && !cut.are_whole());
    let (code, ..) = told(&start().wait_with_output().unwrap());
    assert_eq!(code, Some(0));
    let whole = read();
    fs::remove_dir_all(place.path().join("sums")).unwrap();
    assert!(start().wait_with_output().unwrap().status.success());
    assert_eq!(whole, read());
}
