//! Hostile input: no bytes make a reader panic, go on without end or ask for memory without bound.

use std::cell::Cell;
use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use klfit::internals::Answer;
use klfit::{RunFolder, read_operand};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::readers::{READERS, in_run_folder, read};

/// What the fuzzers of a reader start from, in `fuzz/corpus/`, by the names of the files.
fn seeds(reader: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut seeds: Vec<_> = (fs::read_dir(folder.join(reader)).unwrap())
        .map(|entry| entry.unwrap().path())
        // What a fuzzer found has a hash for a name.
        .filter(|path| path.file_name().unwrap().len() != 40)
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    seeds.sort();
    seeds
}

#[test]
fn every_reader_has_a_fuzzer_and_seeds_that_it_takes() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest: toml::Table = fs::read_to_string(fuzz.join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let bins = manifest["bin"].as_array().unwrap();
    assert_eq!(bins.len(), READERS.len());
    for (name, _) in READERS {
        assert!(bins.iter().any(|bin| bin["name"].as_str() == Some(name)));
        let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("fuzz!(\"{name}\")")), "{name}");
        let seeds = seeds(name);
        let taken = seeds.iter().filter(|(_, bytes)| read(name, bytes)).count();
        // Seeds that a new format made useless are to be made anew.
        assert!(
            2 * taken > seeds.len(),
            "{name}: {taken} of {}",
            seeds.len()
        );
    }
}

/// A change to the bytes of a seed.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Truncate(Index),
    Remove(Index, Index),
    Repeat(Index, Index, usize),
    Insert(Index, Vec<u8>),
    /// Puts something in the place of a number.
    Number(Index, Vec<u8>),
    /// Goes on with another seed, from a place in it.
    Splice(Index, Index, Index),
}

/// What is put into seeds: numbers at the ends of their ranges, what opens and does not close, long
/// names, what other languages than the reader's mean something by.
fn token() -> impl Strategy<Value = Vec<u8>> {
    let short = [
        "0",
        "-0.0",
        "-1",
        "1e308",
        "1e-320",
        "1e400",
        "nan",
        "inf",
        "-inf",
        "0.1",
        "256",
        "65536",
        "4294967296",
        "1000000000000",
        "1000000000000000",
        "9223372036854775807",
        "18446744073709551615",
        "99999999999999999999",
        "[]",
        "{}",
        "\"\"",
        "''",
        "\"",
        "'",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        ",",
        ":",
        "=",
        ".",
        "\n",
        "\r\n",
        "\0",
        "\u{feff}",
        "\u{202e}",
        "é",
        "null",
        "true",
        "[[fit]]\n",
        "[sweep]\n",
        "\"\"\"",
        "../",
        "/dev/zero",
    ];
    let long = [
        ("[", 4000),
        ("{\"a\":", 2000),
        ("x", 20_000),
        ("a.", 3000),
        ("0,", 5000),
    ];
    prop_oneof![
        8 => select(short.to_vec()).prop_map(|text| text.as_bytes().to_vec()),
        1 => select(long.to_vec()).prop_map(|(text, times)| text.repeat(times).into_bytes()),
        1 => vec(any::<u8>(), 1..40),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 1u8..).prop_map(|(at, mask)| Change::Flip(at, mask)),
        at().prop_map(Change::Truncate),
        (at(), at()).prop_map(|(from, to)| Change::Remove(from, to)),
        (at(), at(), 1usize..40).prop_map(|(from, to, times)| Change::Repeat(from, to, times)),
        (at(), token()).prop_map(|(at, token)| Change::Insert(at, token)),
        (at(), token()).prop_map(|(at, token)| Change::Number(at, token)),
        (at(), token()).prop_map(|(at, token)| Change::Number(at, token)),
        (at(), at(), at()).prop_map(|(at, seed, from)| Change::Splice(at, seed, from)),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, seeds: &[(PathBuf, Vec<u8>)]) {
        let place = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        let range = |from: &Index, to: &Index, bytes: &[u8]| {
            let (from, to) = (place(from, bytes), place(to, bytes));
            from.min(to)..from.max(to)
        };
        match self {
            Self::Flip(at, mask) if !bytes.is_empty() => *at.get_mut(bytes) ^= mask,
            Self::Flip(..) => {}
            Self::Truncate(at) => bytes.truncate(place(at, bytes)),
            Self::Remove(from, to) => drop(bytes.drain(range(from, to, bytes))),
            Self::Repeat(from, to, times) => {
                let range = range(from, to, bytes);
                let part = bytes[range.clone()].repeat(*times);
                bytes.splice(range.end..range.end, part);
            }
            Self::Insert(at, token) => {
                let at = place(at, bytes);
                bytes.splice(at..at, token.iter().copied());
            }
            Self::Number(at, token) => {
                let numbers = numbers(bytes);
                if !numbers.is_empty() {
                    bytes.splice(at.get(&numbers).clone(), token.iter().copied());
                }
            }
            Self::Splice(at, seed, from) => {
                let (_, other) = seed.get(seeds);
                bytes.truncate(place(at, bytes));
                bytes.extend(&other[place(from, other)..]);
            }
        }
    }
}

/// Where the numbers stand in a text.
fn numbers(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let is_part = |at: usize| bytes[at].is_ascii_digit() || b".-+".contains(&bytes[at]);
    let starts = (0..bytes.len()).filter(|&at| is_part(at) && (at == 0 || !is_part(at - 1)));
    starts
        .map(|start| {
            start
                ..(start..bytes.len())
                    .find(|&at| !is_part(at))
                    .unwrap_or(bytes.len())
        })
        .collect()
}

/// Gives changed seeds to a reader, which panics where it breaks a promise.
fn disturb(reader: &str, cases: u32) {
    let seeds = seeds(reader);
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    // The same changes each time; it is for the fuzzers to look farther.
    let generator = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, generator);
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    let strategy = (any::<Index>(), vec(change(), 1..4));
    let result = runner.run(&strategy, |(seed, changes)| {
        let mut bytes = seed.get(&seeds).1.clone();
        for change in &changes {
            change.apply(&mut bytes, &seeds);
            // Each may make much of what the one before made.
            bytes.truncate(1 << 20);
        }
        let count = if read(reader, &bytes) {
            &taken
        } else {
            &refused
        };
        count.set(count.get() + 1);
        Ok::<(), TestCaseError>(())
    });
    if let Err(error) = result {
        panic!("{reader}: {error}");
    }
    // Else the changes would be too few or too many to tell anything.
    let (taken, refused) = (taken.get(), refused.get());
    assert!(
        taken > 0 && refused > 0,
        "{reader}: {taken} taken, {refused} refused"
    );
}

#[test]
fn changed_configs_are_read_or_refused() {
    disturb("config", 1000);
    disturb("setting", 1000);
}

#[test]
fn changed_densities_are_read_or_refused() {
    for reader in ["density_toml", "density_json", "density_npz", "attributes"] {
        disturb(reader, 1500);
    }
}

#[test]
fn changed_rows_are_read_or_refused() {
    for reader in ["rows_csv", "rows_npy"] {
        disturb(reader, 1500);
    }
}

#[test]
fn changed_run_folders_are_read_or_refused() {
    for reader in ["summary", "trajectory", "checkpoint", "sweep_table"] {
        disturb(reader, 600);
    }
    disturb("figures", 60);
    disturb("report", 60);
}

#[test]
fn changed_messages_are_answered() {
    disturb("messages", 150);
}

#[test]
fn changed_replies_are_read_or_refused() {
    disturb("replies", 3000);
}

/// A file of NumPy with this type and shape, and data that need not go with them.
fn npy(dtype: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

/// The same with the numbers there should be.
fn array(shape: &str, numbers: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", shape, &data)
}

fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let file = format!("{name}.npy");
        (archive.start_file(file, SimpleFileOptions::default())).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Why a file is refused as a density.
#[track_caller]
fn refusal(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let error = read_operand(path.to_str().unwrap()).unwrap_err();
    format!("{error}; {}", error.help().unwrap())
}

#[test]
fn an_answer_of_a_program_is_no_larger_than_was_asked_for() {
    let refused = |bytes: &[u8]| Answer::read(&mut &bytes[..], 3, 2).unwrap_err();
    for shape in [
        "()",
        "(2,)",
        "(3, 2)",
        "(3, 3, 1)",
        "(9,)",
        "(0, 3)",
        "(1000000000000000, 3)",
        "(3, 18446744073709551615)",
    ] {
        let said = refused(&npy("<f8", shape, &[0; 72]));
        assert_eq!(
            said,
            format!("answered 3 points with an array of shape {shape}")
        );
    }
    // Of the right shape, by numbers that are too long, no numbers, or too few bytes.
    for (dtype, words) in [
        (
            "<c16",
            "gave an answer that is not of numbers of at most 64 bits",
        ),
        (
            "|V1000000000",
            "gave an answer that is not of numbers of at most 64 bits",
        ),
        ("|V0", "gave an answer that cannot be read"),
        (
            "|O",
            "gave an answer that is not of numbers of at most 64 bits",
        ),
        ("<f8", "has ended in the middle of an answer"),
    ] {
        let said = refused(&npy(
            dtype,
            "(3, 3)",
            &vec![0; if dtype == "<f8" { 71 } else { 72 }],
        ));
        assert!(said.starts_with(words), "{dtype}: {said}");
    }
    for (bytes, words) in [
        (&b""[..], "has ended without an answer"),
        (b"\x93", "gave an answer that is not an array of NumPy"),
        (b"0.5\n-inf", "wrote \"0.5\" to standard output"),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
            "gave an answer that is not an array of NumPy: its header has",
        ),
    ] {
        let said = refused(bytes);
        assert!(said.starts_with(words), "{said}");
    }
    // What stands behind an answer is left to the next.
    let mut two = &[array("(3,)", &[1.0, 2.0, 3.0]), array("(3, 3)", &[0.5; 9])].concat()[..];
    let [first, second] = [(); 2].map(|()| Answer::read(&mut two, 3, 2).unwrap());
    assert_eq!((first.width, first.values), (1, vec![1.0, 2.0, 3.0]));
    assert_eq!((second.width, second.values), (3, vec![0.5; 9]));
    assert!(two.is_empty());
}

#[test]
fn an_array_that_promises_more_than_it_has_is_refused() {
    for (dtype, shape) in [
        ("<f8", "(1000000000000000, 2)"),
        ("<f8", "(4294967296, 4294967296)"),
        ("<f8", "(0, 1000000000000000)"),
        ("|V0", "(1000000000000000, 2)"),
    ] {
        let message = refusal("rows.npy", &npy(dtype, shape, &[]));
        assert!(message.contains("the file "), "{message}");
    }
    // Most of these take a parser of Python a time that doubles with each bracket.
    for opening in ["(", "[", "{", "{'a':", "[("] {
        let header = npy(&format!("<f8', 'shape': {}", opening.repeat(60)), "", &[]);
        let message = refusal("rows.npy", &header);
        assert!(message.contains("is not an array of NumPy"), "{message}");
    }
    let mut longest = b"\x93NUMPY\x03\x00".to_vec();
    longest.extend(u32::MAX.to_le_bytes());
    let message = refusal("rows.npy", &longest);
    assert!(
        message.contains("its header has 4294967295 bytes"),
        "{message}"
    );
}

#[test]
fn an_archive_is_unpacked_no_further_than_it_promises() {
    let zeros = vec![0; 100 << 20];
    let of = |means: Vec<u8>| {
        let bomb = npz(&[
            ("weights_", array("(2,)", &[0.5, 0.5])),
            ("means_", means),
            ("covariances_", array("(2,)", &[1.0, 1.0])),
        ]);
        assert!(bomb.len() < 1 << 20, "it is small: {}", bomb.len());
        refusal("bomb.npz", &bomb)
    };
    // 2 × 3 numbers have 48 bytes; one more is enough to tell that they are not all.
    let message = of(npy("<f8", "(2, 3)", &zeros));
    assert!(
        message.contains("49 bytes do not hold an array"),
        "{message}"
    );
    let message = of(npy("<f8", "(2, 1000000000)", &zeros));
    assert!(message.contains("larger than any array"), "{message}");
    let message = of(npy("|S0", "(2, 1000000000)", &zeros));
    assert!(message.contains("1 bytes do not hold"), "{message}");
}

#[test]
fn a_short_file_cannot_ask_for_covariances_without_bound() {
    // D numbers stand for D × D, and here K × D for K × D × D.
    for (k, d) in [(1, 20_000), (100, 1000)] {
        let message = refusal(
            "wide.npz",
            &npz(&[
                (
                    "weights_",
                    array(&format!("({k},)"), &vec![1.0 / k as f64; k]),
                ),
                ("means_", array(&format!("({k}, {d})"), &vec![0.0; k * d])),
                ("covariances_", array(&format!("({k},)"), &vec![1.0; k])),
                ("covariance_type", npy("<U9", "()", &spherical())),
            ]),
        );
        let words = if k == 1 {
            "up to 1024 dimensions"
        } else {
            "16.8 million"
        };
        assert!(message.contains(words), "{message}");
    }
    let list = |entry: &str| format!("[{}]", vec![entry; 20_000].join(","));
    let gaussian = format!("mean = {}\nstd = {}\n", list("0"), list("1"));
    let network = format!("equations = {}\nstds = [1.0]", list("\"a = 1\""));
    for text in [gaussian, network] {
        let message = refusal("wide.toml", text.as_bytes());
        assert!(message.contains("up to 1024 dimensions"), "{message}");
    }
    let names: String = (0..400_000).map(|n| format!("a{n},")).collect();
    let message = refusal("wide.csv", format!("{names}b\n").as_bytes());
    assert!(message.contains("there are 400001 columns"), "{message}");
}

/// As NumPy stores it: four bytes for each character.
fn spherical() -> Vec<u8> {
    "spherical"
        .bytes()
        .flat_map(|byte| [byte, 0, 0, 0])
        .collect()
}

#[test]
fn large_mixtures_that_are_allowed_take_no_long_time() {
    // Eigenvalues of each covariance would take minutes.
    let (k, d) = (16, 1000);
    let variances: Vec<f64> = (0..k * d).map(|n| 1.0 + n as f64).collect();
    let bytes = npz(&[
        (
            "weights_",
            array(&format!("({k},)"), &vec![1.0 / k as f64; k]),
        ),
        ("means_", array(&format!("({k}, {d})"), &vec![0.0; k * d])),
        ("covariances_", array(&format!("({k}, {d})"), &variances)),
    ]);
    let started = std::time::Instant::now();
    assert!(read("density_npz", &bytes));
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

const GOOD: &str = r#"name = "good"
[target]
weights = [0.5, 0.5]
means = [[-3.0], [3.0]]
stds = [[1.0], [1.0]]
[[fit]]
divergence = "forward-kl"
"#;

/// `klfit check` of a file, killed where it takes more than a few seconds or gigabytes: how it ends,
/// and what it says.
#[cfg(unix)]
fn check(path: &Path) -> (Option<i32>, String) {
    let confined = "ulimit -v 4000000; ulimit -t 20; exec \"$0\" check \"$1\"";
    let output = Command::new("sh")
        .args(["-c", confined, env!("CARGO_BIN_EXE_klfit")])
        .arg(path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
#[cfg(unix)]
fn no_config_takes_time_or_memory_without_bound_to_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let refused = |text: &str, words: &str| {
        fs::write(&path, text).unwrap();
        let (code, said) = check(&path);
        let shown: String = text.chars().take(200).collect();
        assert_eq!(code, Some(2), "{shown}: {said:.500}");
        // Wherever its lines are broken.
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(words), "{shown}: {said:.500}");
    };
    let section = |section: &str| format!("{GOOD}{section}");
    let huge = "1000000000000";

    // What is counted.
    for (keys, words) in [
        (format!("restarts = {huge}"), "restarts × "),
        (
            format!("init.type = \"k-means\"\nrestarts = {huge}"),
            "restarts × ",
        ),
        (
            format!("family.components = {huge}"),
            "is 1000000000000, too many",
        ),
        (format!("estimator.points = {huge}"), "000000000000 points"),
        (
            format!("estimator = {{ points = {huge}, range = [-9.0, 9.0] }}"),
            "000000000000 points",
        ),
        (
            format!("estimator = {{ type = \"monte-carlo\", samples = {huge} }}"),
            "000000000000 points",
        ),
        (
            format!("estimator = {{ type = \"quasi-monte-carlo\", samples = {huge} }}"),
            "is 1000000000000",
        ),
        (
            format!("log.samples = {huge}"),
            "`log.samples` is too large",
        ),
        (format!("family.rank = {huge}"), "has none"),
    ] {
        refused(&format!("{keys}\n{GOOD}"), words);
    }
    refused(
        &section(&"[[fit]]\ndivergence = \"js\"\n".repeat(300)),
        "is there 301 times",
    );
    let values = format!(
        "[{}]",
        (1..=100).map(|n| n.to_string() + ",").collect::<String>()
    );
    let grid = ["seed", "optimizer.steps", "log.every", "log.samples"]
        .map(|key| format!("{key} = {values}\n"))
        .concat();
    refused(
        &section(&format!("[sweep.grid]\n{grid}")),
        "more than 10000 points",
    );

    // What is deep.
    let deep = 1_000_000;
    refused(&format!("a = {}", "[".repeat(deep)), "not valid TOML");
    refused(&format!("a = {}", "{ a = ".repeat(deep)), "not valid TOML");
    refused(&format!("{}a = 1", "a.".repeat(deep)), "not valid TOML");
    refused(&format!("[{}a]", "a.".repeat(deep)), "not valid TOML");
    refused(&format!("[{}a]]", "[a.".repeat(deep)), "not valid TOML");

    // What is large in itself.
    refused(
        &section(&format!("[{}]", "x".repeat(deep))),
        "is not a key klfit knows",
    );
    refused(
        &GOOD.replace("good", &"x".repeat(deep)),
        "cannot name a folder",
    );
    let (code, said) = check(Path::new("/dev/zero"));
    assert!(
        code == Some(2) && said.contains("is not a regular file"),
        "{said}"
    );
}

#[test]
#[cfg(unix)]
fn much_work_that_is_allowed_is_not_done_by_a_check() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let most = i64::MAX;
    for keys in [
        format!("optimizer.steps = {most}"),
        format!("optimizer.steps = {most}\nlog.every = {most}"),
        format!("optimizer = {{ steps = {most}, schedule = \"cosine\", warmup = 1 }}"),
        "restarts = 100000\nestimator.points = 5".to_owned(),
        "restarts = 10000\ninit.type = \"moment-match\"\nfamily.components = 8\nestimator.points = 5"
            .to_owned(),
        "restarts = 1\ninit.type = \"k-means\"\nfamily.components = 2000\nestimator.points = 5".to_owned(),
    ] {
        fs::write(&path, format!("{keys}\n{GOOD}")).unwrap();
        let (code, said) = check(&path);
        assert_eq!(code, Some(0), "{keys}: {said}");
    }
}

#[test]
fn figures_hold_numbers_of_every_size() {
    let seed = String::from_utf8(seeds("figures")[0].1.clone()).unwrap();
    let mut lines = seed.lines();
    let header = lines.next().unwrap();
    for (low, high) in [
        ("1e-300", "1.7e308"),
        ("-1.7e308", "1.7e308"),
        ("1", "1.0000000000000002"),
    ] {
        let rows = lines.clone().enumerate().map(|(n, line)| {
            let mut cells: Vec<&str> = line.split(',').collect();
            // The loss, the divergences and the parameters.
            for cell in cells.iter_mut().skip(5) {
                *cell = if n % 2 == 0 { low } else { high };
            }
            format!("{}\n", cells.join(","))
        });
        let text = format!("{header}\n{}", rows.collect::<String>());
        assert!(read("figures", text.as_bytes()), "{low} to {high}");
    }
}

#[test]
fn a_summary_that_does_not_go_with_its_config_is_refused() {
    let seed = String::from_utf8(seeds("summary")[0].1.clone()).unwrap();
    let seed: Value = serde_json::from_str(&seed).unwrap();
    let plane = json!({"weights": [1.0], "means": [[0.0, 0.0]], "covariances": [[[1, 0], [0, 1]]]});
    let two = json!({
        "weights": [0.5, 0.5], "means": [[0.0], [1.0]], "covariances": [[[1.0]], [[1.0]]]
    });
    for (place, value, words) in [
        (
            "/fits/0/restarts",
            json!(1_000_000_000_000_000u64),
            "1000000000000000 restarts",
        ),
        ("/fits/0/failed", json!(3), "more runs than its 2"),
        (
            "/fits/0/optima/0/runs",
            json!(u64::MAX),
            "more runs than its 2",
        ),
        ("/fits/0/best/mixture", plane.clone(), "in 1 dimensions"),
        ("/fits/0/optima/0/mixture", plane, "in 1 dimensions"),
        ("/fits/0/best/mixture", two, "the 1 components"),
    ] {
        let mut spoilt = seed.clone();
        *spoilt.pointer_mut(place).unwrap() = value;
        let text = spoilt.to_string();
        let drawn = in_run_folder("summary.json", text.as_bytes(), |folder| {
            klfit::draw_figures(&RunFolder::open(folder).unwrap())
        });
        let message = drawn.unwrap_err().to_string();
        assert!(message.contains(words), "{place}: {message}");
        assert!(!read("report", text.as_bytes()), "{place}");
    }
}
