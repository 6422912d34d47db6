//! Text from others does no harm where it is shown, and comes back from where it is kept.

use std::fs;
use std::path::Path;

use klfit::RunFolder;
use klfit::internals::is_unseen;
use resvg::usvg;

use crate::command_line::klfit;

/// What a table from a stranger may have for its header.
const NAMES: [&str; 3] = [
    "\u{1b}]0;gone\u{7}\u{1b}[31m<b>$x$|\\input{x}",
    "\u{9b}2J\u{202e}\u{ffff}\u{2028}\n# \"quoted\" 'x'",
    "=1+1\u{200b}\u{e0041}`code`",
];

/// Runs a command, and gives what it printed: lines with nothing in them but what is seen.
fn printed(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = klfit(arguments)
        .current_dir(folder)
        .env("CLICOLOR_FORCE", "1")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert_eq!(output.status.code(), Some(code), "{text:?}");
    // The styles of an error are klfit's own: no name here has these.
    let styles = [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[91m",
        "\u{1b}[94m",
        "\u{1b}[32m",
    ];
    let text = (styles.iter()).fold(text.concat(), |text, style| text.replace(style, ""));
    assert!(!text.replace('\n', "").contains(is_unseen), "{text:?}");
    text
}

fn write_rows(path: &Path) {
    let mut csv = csv::Writer::from_path(path).unwrap();
    csv.write_record(NAMES).unwrap();
    for i in 0..40 {
        let x = f64::from(i);
        let row = [x, x.sin(), (1.7 * x).cos()].map(|x| x.to_string());
        csv.write_record(row).unwrap();
    }
    csv.flush().unwrap();
}

#[test]
fn a_header_of_any_kind_is_fitted_drawn_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    write_rows(&at("rows.csv"));
    let config = "name = \"rows\"\n[target]\nfile = \"rows.csv\"\n[optimizer]\nsteps = 3\n[[fit]]\n\
                  divergence = \"forward-kl\"\nrestarts = 2\n";
    fs::write(at("rows.toml"), config).unwrap();
    printed(folder.path(), &["check", "rows.toml"], 0);
    printed(folder.path(), &["run", "rows.toml"], 0);
    printed(
        folder.path(),
        &["run", "outputs/rows/config.toml", "--out", "again"],
        0,
    );
    printed(
        folder.path(),
        &["report", "outputs/rows", "again", "--out", "report"],
        0,
    );
    printed(folder.path(), &["estimate", "rows.csv"], 0);
    let json = printed(
        folder.path(),
        &["divergence", "rows.csv", "rows.csv", "--json", "--quiet"],
        0,
    );
    serde_json::from_str::<serde_json::Value>(&json).unwrap();

    // What is kept is as it came.
    for run in ["outputs/rows", "again"] {
        let mut csv = csv::Reader::from_path(at(run).join("target.csv")).unwrap();
        assert_eq!(csv.headers().unwrap(), NAMES.as_slice());
        let target = RunFolder::open(&at(run))
            .unwrap()
            .experiment()
            .unwrap()
            .target;
        assert_eq!(target.as_samples().unwrap().names(), NAMES);
    }
    // What is looked at is safe.
    let mut drawn = 0;
    for file in fs::read_dir(at("outputs/rows/figures")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            let svg = fs::read_to_string(&path).unwrap();
            let read = usvg::roxmltree::Document::parse(&svg).unwrap();
            let texts: String = read.descendants().filter_map(|node| node.text()).collect();
            // Between dollars it is mathematics.
            let parts = ["\\u{1b}[31m<b>", "|\\input{x}"];
            drawn += usize::from(parts.iter().all(|part| texts.contains(part)));
            assert!(!svg.replace('\n', "").contains(is_unseen));
        }
    }
    assert!(drawn > 0);
    for (file, name) in [
        ("report.html", "\\u{1b}[31m&lt;b&gt;$x$|\\input{x}"),
        (
            "report.md",
            "\\\\u{1b}\\[31m&lt;b&gt;\\$x\\$\\|\\\\input{x}",
        ),
        ("report.tex", ""),
    ] {
        let text = fs::read_to_string(at("report").join(file)).unwrap();
        assert!(text.contains(name), "{file}");
        assert!(!text.replace('\n', "").contains(is_unseen), "{file}");
    }
}

#[test]
fn names_in_a_config_do_no_harm_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let raw = "\u{9b}31m\u{202e}\u{200b}\u{e0041}\u{2028}";
    let fit = "name = \"a\"\n[target]\nmeans = [[0.0]]\nstds = [[1.0]]\n[[fit]]\ndivergence = \"forward-kl\"\n";
    let configs = [
        (
            fit.replace("\"a\"", &format!("\"{raw}\"")),
            "cannot name a folder",
        ),
        (fit.replace("\"a\"", "\"\\u001b[31m\""), "\\u{1b}[31m"),
        (
            fit.replace("\"a\"", "\"a\u{3164}\""),
            "cannot name a folder",
        ),
        (format!("{fit}label = \"{raw}\"\n"), "without line breaks"),
        (format!("{fit}\"{raw}\" = 1\n"), "\\u{202e}"),
        (format!("{fit}q = {raw}\n"), "toml"),
        (format!("# {raw}\nname = \"{raw}\n"), "toml"),
        (format!("{fit}divergence = \"{raw}\u{1b}\"\n"), "toml"),
    ];
    for (text, expected) in configs {
        // Names of files are from others too.
        let path = "c\u{1b}[31m\u{202e}.toml";
        fs::write(folder.path().join(path), text).unwrap();
        let text = printed(folder.path(), &["check", path], 2);
        assert!(text.contains(expected), "{text}");
        assert!(text.contains("c\\u{1b}[31m\\u{202e}.toml:"), "{text}");
    }
    printed(folder.path(), &["check", &format!("--{raw}")], 2);
    printed(folder.path(), &["divergence", raw, "b"], 2);
}

#[test]
fn a_name_of_8_mb_is_refused_in_a_few_words() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(8_000_000);
    let fit = "name = \"a\"\n[target]\nmeans = [[0.0]]\nstds = [[1.0]]\n[[fit]]\ndivergence = \"forward-kl\"\n";
    let texts = [
        (
            "a.toml",
            fit.replace("\"a\"", &format!("\"{long}\"")),
            "`name` is \"",
        ),
        (
            "b.toml",
            format!("{fit}label = \"{long}\"\n"),
            "`fit[1].label` is \"",
        ),
        (
            "c.toml",
            format!("{fit}{long} = 1\n"),
            "is not a key klfit knows",
        ),
        (
            "d.toml",
            format!("{fit}init = {{ {long} = 1, a = 2 }}\n"),
            "is not a key of",
        ),
        (
            "e.toml",
            format!("{fit}restarts = \"{long}\"\n"),
            "`fit[1].restarts` is \"",
        ),
        (
            "f.csv",
            format!("{long},{long}\n1,2\n2,3\n3,5\n"),
            "are both called",
        ),
        (
            "g.csv",
            format!("a,{long}\n1,2\n2,x\n3,5\n"),
            "\"x\" is not a number",
        ),
        (
            "h.json",
            format!("{{\"fits\": [], \"{long}\": 1}}"),
            "unknown field",
        ),
    ];
    for (file, text, expected) in texts {
        fs::write(folder.path().join(file), text).unwrap();
        let command: &[&str] = match file.ends_with(".toml") {
            true => &["check", file],
            false => &["divergence", file, file],
        };
        let text = printed(folder.path(), command, 2);
        assert!(text.len() < 2000, "{file}: {} bytes", text.len());
        assert!(
            text.contains(expected) && text.contains(" are left out) "),
            "{text}"
        );
    }
}

#[test]
fn what_is_printed_for_people_passes_one_place() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut open, mut printing) = (vec![src], Vec::new());
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
                if ["print!(", "println!(", "anstream::std"]
                    .iter()
                    .any(|name| code.contains(name))
                {
                    printing.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
                }
            }
        }
    }
    printing.sort();
    assert_eq!(printing, ["error_report", "output"]);
}
