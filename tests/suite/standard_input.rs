//! Tables from standard input: as from a file, once, and kept with the run.

use std::fs;
use std::path::Path;

use crate::command_line::klfit;
use crate::rows::npy;

const TABLE: &str = "a;b\n0,5;1\n2,25;1,5\n4;7\n1,5;-2,5\n3;0,25\n";
const NUMBERS: [f64; 10] = [0.5, 1.0, 2.25, 1.5, 4.0, 7.0, 1.5, -2.5, 3.0, 0.25];

/// What a command that is sent a table writes to both, and whether it succeeds.
fn sent(arguments: &[&str], input: impl Into<Vec<u8>>) -> (String, String, bool) {
    let output = klfit(arguments).write_stdin(input).output().unwrap();
    let [out, told] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (out, told, output.status.success())
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

const CONFIG: &str = "name = \"sent\"\n[target]\nfile = \"-\"\n[optimizer]\nsteps = 6\n[log]\nevery = 2\n\
                      [[fit]]\ndivergence = \"forward-kl\"\n";

#[test]
fn a_table_that_is_sent_is_read_as_one_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let of_text = write(folder.path(), "rows.csv", TABLE);
    let of_numbers = write(folder.path(), "rows.npy", npy(&NUMBERS, 2));
    for (path, input) in [
        (&of_text, TABLE.as_bytes().to_vec()),
        (&of_numbers, npy(&NUMBERS, 2)),
    ] {
        let (expected, told, _) = sent(&["estimate", path], "");
        let (found, said, ok) = sent(&["estimate", "-"], input.clone());
        assert!(ok && found.contains("mean"), "{said}");
        assert_eq!(found, expected);
        assert_eq!(said, told.replace(path, "standard input"));
        // It may stand on both sides: what came is kept.
        let (found, said, ok) = sent(&["divergence", "-", "-"], input.clone());
        assert!(ok, "{found}{said}");
        let (found, _, _) = sent(&["divergence", "-", path, "--json"], input);
        let (expected, _, _) = sent(&["divergence", path, path, "--json"], "");
        let without_times = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| !line.contains("\"seconds\""));
            lines
                .map(|line| line.replace("standard input", path))
                .collect()
        };
        assert!(found.lines().count() > 20);
        assert_eq!(without_times(&found), without_times(&expected));
    }
    let (_, told, ok) = sent(&["estimate", "-"], "a,b\n1,2\n3,x\n");
    assert!(
        !ok && told.contains("standard input: line 3, column b"),
        "{told}"
    );
    let (_, told, ok) = sent(&["estimate", "-"], "");
    assert!(
        !ok && told.contains("standard input: the file has no rows"),
        "{told}"
    );
    let (_, told, ok) = sent(&["estimate", "-", "--header", "true"], npy(&NUMBERS, 2));
    assert!(
        !ok && told.contains("standard input: a .npy has no header"),
        "{told}"
    );
}

#[test]
fn a_run_keeps_what_it_was_sent_and_goes_on_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = write(folder.path(), "sent.toml", CONFIG);
    let out = folder.path().join("out").display().to_string();
    let run = |more: &[&str], input: &str| {
        sent(
            &[&["run", &config, "--out", &out, "--no-figures"], more].concat(),
            input,
        )
    };
    let (_, told, ok) = run(&[], TABLE);
    assert!(ok, "{told}");
    let copy = fs::read_to_string(Path::new(&out).join("target.csv")).unwrap();
    assert_eq!(copy.lines().count(), 6);
    assert!(copy.starts_with("a,b\n0.5,1"), "{copy}");
    let kept = fs::read_to_string(Path::new(&out).join("config.toml")).unwrap();
    assert!(kept.contains("file = \"target.csv\""), "{kept}");
    // The same config needs the same rows …
    let (_, told, ok) = run(&["--resume", "--steps", "10"], TABLE);
    assert!(ok, "{told}");
    let (_, told, ok) = run(
        &["--resume", "--steps", "12"],
        &TABLE.replace("0,5", "0,75"),
    );
    assert!(
        !ok && told.contains("the rows of the target differ"),
        "{told}"
    );
    let (_, told, ok) = run(&["--resume", "--steps", "12"], "");
    assert!(
        !ok && told.contains("standard input: the file has no rows"),
        "{told}"
    );
    // … and its folder has them.
    let kept = Path::new(&out).join("config.toml").display().to_string();
    let (_, told, ok) = sent(
        &[
            "run",
            &kept,
            "--out",
            &out,
            "--resume",
            "--steps",
            "12",
            "--no-figures",
        ],
        "",
    );
    assert!(ok, "{told}");
    let (_, told, ok) = sent(&["plot", &out], "");
    assert!(ok, "{told}");
}

#[test]
fn all_points_of_a_sweep_see_the_rows_that_came_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = write(
        folder.path(),
        "sweep.toml",
        format!("{CONFIG}[sweep.grid]\nseed = [1, 2]\n"),
    );
    let out = folder.path().join("out").display().to_string();
    let (_, told, ok) = sent(&["sweep", &config, "--out", &out], TABLE);
    assert!(ok, "{told}");
    let copies = fs::read_dir(&out)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().join("target.csv").is_file());
    assert_eq!(copies.count(), 2);
}
