//! The table for LaTeX: its columns, its numbers, and that LaTeX sets it, whatever its names are.

use std::fs;
use std::path::Path;
use std::process::Command;

use klfit::{LatexNumbers, ReportOptions};

use crate::support::{Run, run_config, run_text};

fn table(run: &Run, latex: LatexNumbers, columns: Option<&str>) -> Result<String, klfit::Error> {
    let out = tempfile::tempdir().unwrap();
    let names = columns.map(|names| names.split(',').map(str::to_owned).collect());
    let options = ReportOptions {
        latex,
        columns: names,
    };
    let folder = run.folder.path().to_owned();
    klfit::report_with(&[folder], out.path(), &options, &mut ())?;
    Ok(fs::read_to_string(out.path().join("report.tex")).unwrap())
}

fn short() -> Run {
    run_config("bimodal", &[("optimizer.steps", "60"), ("restarts", "6")])
}

/// The cells of the rows between the rules.
fn cells(table: &str) -> Vec<Vec<String>> {
    let (_, rows) = table.split_once("\\midrule\n").unwrap();
    let (rows, _) = rows.split_once("    \\bottomrule").unwrap();
    let lines = rows
        .lines()
        .map(|line| line.trim().trim_end_matches(" \\\\"));
    lines
        .map(|line| line.split(" & ").map(str::to_owned).collect())
        .collect()
}

#[test]
fn numbers_are_those_of_the_summary_in_columns_for_siunitx() {
    let run = short();
    let text = table(
        &run,
        LatexNumbers::Siunitx,
        Some("fit,forward-kl,mass,steps"),
    )
    .unwrap();
    let rows = cells(&text);
    assert_eq!(rows.len(), 2);
    for (row, fit) in rows.iter().zip(&run.summary.fits) {
        let best = fit.best.as_ref().unwrap();
        assert_eq!(row[0], fit.label);
        let kl = best.divergences.estimate(klfit::DivergenceKind::ForwardKl);
        assert_eq!(row[1], klfit::internals::fixed(kl.value, 8));
        // 0.5018(35): the digits in brackets are those of the error in the last places.
        let mass = best.diagnostics.mass_in_region.unwrap();
        let (value, error) = match row[2].split_once('(') {
            Some((value, error)) => (
                value.to_owned(),
                error.trim_end_matches(')').parse::<f64>().unwrap(),
            ),
            None => (row[2].clone(), 0.0),
        };
        let decimals = value.split_once('.').unwrap().1.len() as i32;
        assert!((value.parse::<f64>().unwrap() - mass.value).abs() <= 0.51 * 10f64.powi(-decimals));
        assert!((error * 10f64.powi(-decimals) - mass.error).abs() <= 0.51 * 10f64.powi(-decimals));
        assert_eq!(row[3], "60");
    }
    assert!(
        text.contains("\\begin{tabular}{l S[table-format=1.8] S[table-format=1."),
        "{text}"
    );
    assert!(text.contains("{KL(p\\ensuremath{\\|}q)}"), "{text}");
}

#[test]
fn plain_numbers_are_mathematics() {
    let run = short();
    let text = table(
        &run,
        LatexNumbers::Plain,
        Some("fit,q,forward-kl,k-hat,mass"),
    )
    .unwrap();
    assert!(
        !text.contains("siunitx") && !text.contains("\\num"),
        "{text}"
    );
    let rows = cells(&text);
    for row in &rows {
        for number in &row[2..] {
            assert!(number.starts_with('$') && number.ends_with('$'), "{number}");
        }
    }
    // A minus is a minus, not a hyphen.
    let numbers = rows.concat().join(" ");
    assert!(numbers.contains("$-"), "{numbers}");
    assert!(numbers.contains(" \\pm 0.00"), "{numbers}");
}

#[test]
fn columns_are_those_that_are_asked_for_in_that_order() {
    let run = short();
    let usual = table(&run, LatexNumbers::Siunitx, None).unwrap();
    assert!(usual.contains("    fit & q & {KL(p"), "{usual}");
    let some = table(&run, LatexNumbers::Siunitx, Some("reverse-kl,fit,mean,std")).unwrap();
    let rows = cells(&some);
    assert_eq!(rows[0].len(), 4);
    assert_eq!(rows[0][1], "forward-kl");
    let mean = run.summary.fits[0].best.as_ref().unwrap().mixture.means[0][0];
    assert_eq!(
        rows[0][2],
        format!("\\num{{{}}}", klfit::internals::fixed(mean, 4))
    );
    let error = table(&run, LatexNumbers::Siunitx, Some("fit,forward_kl")).unwrap_err();
    assert!(
        error.to_string().contains("no column \"forward_kl\""),
        "{error}"
    );
    let help = error.help().unwrap();
    assert!(help.starts_with("did you mean forward-kl? there are run, fit, divergence, q, weight, mean, std, forward-kl"), "{help}");
    // What no fit has is no column.
    assert!(!help.contains("held-out") && !help.contains("bic"));
}

#[test]
fn a_mean_over_rows_has_the_digits_that_its_error_leaves() {
    let run = run_config("iris", &[("optimizer.steps", "4"), ("restarts", "2")]);
    let text = table(&run, LatexNumbers::Plain, Some("cross-entropy")).unwrap();
    for (row, fit) in cells(&text).iter().zip(&run.summary.fits) {
        let own = fit.objective().unwrap();
        assert_eq!(row[0], format!("${:.2} \\pm {:.2}$", own.value, own.error));
    }
}

#[test]
fn two_hyphens_stay_two() {
    let run = named("a--b");
    assert!(
        table(&run, LatexNumbers::Siunitx, None)
            .unwrap()
            .contains("a-{}-b")
    );
}

/// A fit to rows of a file, of this label.
fn named(label: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    fs::write(&file, "x,y\n1,2\n2,3.5\n0,1\n-1,0.5\n0.5,2\n1.5,1.7\n").unwrap();
    let label = toml::Value::String(label.to_owned());
    run_text(&format!(
        "name = \"named\"\nrestarts = 1\n[target]\nfile = '{}'\n[optimizer]\nsteps = 3\n[[fit]]\n\
         divergence = \"forward-kl\"\nlabel = {label}\n",
        file.display()
    ))
}

/// Text, signs of LaTeX and letters that its fonts lack: all in one name.
const SIGNS: &str =
    "a_b & c % $ # { } ~ ^ \\ | < > * [x] \"q\" 'r' `s` -- 3e-12 \\input{y} α Ω σ² ± ∞ ‖ é";

#[test]
#[ignore = "needs pdflatex with booktabs, graphicx and siunitx: KLFIT_PDFLATEX names it"]
fn pdflatex_sets_every_table() {
    let pdflatex = std::env::var("KLFIT_PDFLATEX").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let set = |name: &str, tables: &[String], packages: &str| {
        let mut text = format!(
            "\\documentclass{{article}}\n\\usepackage{{{packages}}}\n\\begin{{document}}\n"
        );
        for (i, table) in tables.iter().enumerate() {
            fs::write(folder.path().join(format!("{name}-{i}.tex")), table).unwrap();
            text += &format!("\\input{{{name}-{i}}}\n\\clearpage\n");
        }
        fs::write(
            folder.path().join(format!("{name}.tex")),
            text + "\\end{document}\n",
        )
        .unwrap();
        compile(&pdflatex, folder.path(), name);
    };
    let runs = [
        short(),
        named(SIGNS),
        named(r"$K = 1$, $a \pm b \times \Xi^{-n}_2 \, \phi \quad \ldots$"),
        run_config("plane", &[("optimizer.steps", "4"), ("restarts", "2")]),
        run_config("self-fit", &[("optimizer.steps", "4"), ("restarts", "2")]),
        run_config("iris", &[("optimizer.steps", "4"), ("restarts", "2")]),
        run_config(
            "heavy-tails",
            &[("optimizer.steps", "4"), ("restarts", "2")],
        ),
    ];
    let mut all: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    for run in &runs {
        // Every column that there is: what an unknown one lists.
        let error = table(run, LatexNumbers::Plain, Some("?"))
            .unwrap_err()
            .help()
            .unwrap();
        let (_, names) = error.split_once("there are ").unwrap();
        let names = names.replace(", ", ",");
        for (all, latex) in all
            .iter_mut()
            .zip([LatexNumbers::Siunitx, LatexNumbers::Plain])
        {
            all.push(table(run, latex, None).unwrap());
            all.push(table(run, latex, Some(&names)).unwrap());
        }
    }
    set("siunitx", &all[0], "booktabs,graphicx,siunitx");
    set("plain", &all[1], "booktabs,graphicx");
    // A table that is spoilt is not set.
    let spoilt = all[0][0].replace("{KL(p", "KL(p");
    fs::write(
        folder.path().join("siunitx-0.tex"),
        spoilt.replace(" & ", " & & & & & & & & & & "),
    )
    .unwrap();
    assert!(!runs_pdflatex(&pdflatex, folder.path(), "siunitx").0);
}

fn compile(pdflatex: &str, folder: &Path, name: &str) {
    let (is_set, said) = runs_pdflatex(pdflatex, folder, name);
    assert!(is_set, "{said}");
    assert!(
        !said.contains("Missing character") && !said.contains("Overfull"),
        "{said}"
    );
}

fn runs_pdflatex(pdflatex: &str, folder: &Path, name: &str) -> (bool, String) {
    let output = Command::new(pdflatex)
        .args([
            "-interaction=nonstopmode",
            "-halt-on-error",
            "-no-shell-escape",
        ])
        .arg(format!("{name}.tex"))
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said)
}
