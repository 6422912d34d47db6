//! Reports and animations: what they hold is what the run left, whatever its names are.

use std::fs;

use data_encoding::BASE64;
use klfit::{DivergenceKind, Motion, animate};

use crate::support::{Run, run_config, run_text};

fn short() -> Run {
    run_config("bimodal", &[("optimizer.steps", "60"), ("restarts", "6")])
}

/// The three files of a report.
fn report_on(runs: &[&Run]) -> [String; 3] {
    let out = tempfile::tempdir().unwrap();
    let folders: Vec<_> = runs
        .iter()
        .map(|run| run.folder.path().to_owned())
        .collect();
    let files = klfit::report(&folders, out.path()).unwrap();
    let texts: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    // Every figure that the Markdown names is there.
    for link in texts[1].split("](").skip(1) {
        let (file, _) = link.split_once(')').unwrap();
        let png = fs::read(out.path().join(file)).unwrap();
        assert!(png.starts_with(b"\x89PNG"), "{file}");
    }
    texts.try_into().unwrap()
}

#[test]
fn a_report_holds_every_number_of_the_summary() {
    let run = short();
    let [html, markdown, latex] = report_on(&[&run]);
    for fit in &run.summary.fits {
        let best = fit.best.as_ref().unwrap();
        for kind in [
            DivergenceKind::ForwardKl,
            DivergenceKind::ReverseKl,
            DivergenceKind::Js,
        ] {
            let estimate = best.divergences.estimate(kind);
            let text = estimate.to_string();
            assert!(html.contains(&text) && markdown.contains(&text), "{text}");
            assert!(
                latex.contains(&klfit::internals::fixed(estimate.value, 8)),
                "{text}"
            );
        }
        for optimum in &fit.optima {
            assert!(html.contains(&optimum.mixture.to_string()));
        }
        let modes = fit.modes.unwrap();
        let found = format!("found {} of 2 modes", modes.covered);
        assert!(
            html.contains(&found) && markdown.contains(&found),
            "{found}"
        );
    }
    // The config that runs it again.
    let config = run.folder.config_text().unwrap();
    assert!(markdown.contains(&config));
    assert!(html.contains(&config.replace('"', "&quot;")));
}

#[test]
fn a_page_needs_nothing_else_and_its_figures_are_those_of_the_run() {
    let run = short();
    klfit::draw_figures(&run.folder).unwrap();
    let motion = Motion {
        seconds: 0.5,
        width: 300,
    };
    animate(&run.folder, motion, None).unwrap();
    let [html, ..] = report_on(&[&run]);
    assert!(!html.contains("http://") && !html.contains("https://"));
    assert!(!html.contains("<script") && !html.contains("<link"));
    let mut figures: Vec<Vec<u8>> = Vec::new();
    for part in html.split("src=\"").skip(1) {
        let (source, _) = part.split_once('"').unwrap();
        let (kind, data) = source.split_once(";base64,").unwrap();
        assert!(["data:image/svg+xml", "data:image/gif"].contains(&kind));
        figures.push(BASE64.decode(data.as_bytes()).unwrap());
    }
    assert_eq!(figures.len(), 5);
    for name in ["densities", "convergence", "parameters", "comparison"] {
        let file = run.folder.figures().join(format!("{name}.svg"));
        assert!(figures.contains(&fs::read(file).unwrap()), "{name}");
    }
    assert!(figures[4].starts_with(b"GIF89a"));
}

#[test]
fn runs_stand_side_by_side_and_are_told_apart() {
    let (one, other) = (short(), short());
    let plane = run_config("plane", &[("optimizer.steps", "4"), ("restarts", "2")]);
    let [html, markdown, latex] = report_on(&[&one, &plane, &other]);
    for text in [&html, &markdown, &latex] {
        for name in ["bimodal (1)", "bimodal (2)", "plane"] {
            assert!(text.contains(name), "{name}");
        }
    }
    // A row for each fit under one header, and each figure once for each run, one more on the first page.
    assert_eq!(latex.matches("kl & ").count(), 6);
    assert_eq!(html.matches("data:image/svg+xml").count(), 13);
}

#[test]
fn names_are_text_wherever_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    let header = "<script>alert(1)</script>,\"a|b*_\\input{x}\"";
    let rows = "1,2\n2,3.5\n0,1\n-1,0.5\n0.5,2\n1.5,1.7\n";
    fs::write(folder.path().join("rows.csv"), format!("{header}\n{rows}")).unwrap();
    let text = format!(
        "name = \"a_row\"\n[target]\nfile = '{}'\n[optimizer]\nsteps = 3\n[[fit]]\n\
         divergence = \"forward-kl\"\nlabel = \"a_fit\"\nrestarts = 1\n",
        folder.path().join("rows.csv").display()
    );
    let run = run_text(&text);
    let [html, markdown, latex] = report_on(&[&run]);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    for text in [&html, &markdown] {
        assert!(!text.contains("<script>"));
    }
    assert!(
        latex.contains("a\\_fit &") && latex.contains("\\caption{a\\_row:"),
        "{latex}"
    );
    assert!(markdown.contains("# a\\_row\n"));
    assert!(markdown.contains("a\\|b\\*\\_\\\\input{x}"));
}

/// What stands before the first heading of the Markdown.
fn first_page(markdown: &str) -> &str {
    markdown.split_once("\n## ").unwrap().0
}

#[test]
fn of_a_choice_the_first_page_has_the_fit_that_was_chosen() {
    let rows: String = (0..60)
        .map(|i| format!("{}\n", f64::from(i % 3) * 10.0 + f64::from(i) / 30.0))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    fs::write(&file, format!("x\n{rows}")).unwrap();
    let run = run_text(&format!(
        "name = \"chosen\"\nrestarts = 2\n[target]\nfile = '{}'\n[family]\ncomponents = [1, 2, 3, 4, 6]\n\
         [init]\ntype = \"k-means\"\n[optimizer]\ntype = \"em\"\nsteps = 50\n[[fit]]\nlabel = \"$K$ & more\"\n\
         divergence = \"forward-kl\"\n",
        file.display()
    ));
    let choice = &run.summary.choices[0];
    assert_eq!(choice.name, "K-more");
    let [html, markdown, _] = report_on(&[&run]);
    let first = first_page(&markdown);
    let chosen = choice.chosen.replace('$', "").replace('&', "&amp;");
    assert!(first.contains(&format!("BIC, {chosen}: chosen")), "{first}");
    assert!(
        first.contains(": runner-up") && first.contains("figures/choice.png"),
        "{first}"
    );
    assert!(!first.contains("is least for"), "{first}");
    // Labels read as text everywhere, and a rule without a rate has none.
    let (told, _) = markdown.split_once("```toml").unwrap();
    assert!(!told.contains("\\$") && !html.split("<pre>").next().unwrap().contains("$K$"));
    assert!(
        !told.contains("gradient descent") && !told.contains("schedule"),
        "{told}"
    );
}

#[test]
fn a_sweep_is_told_of_by_all_its_points_and_fits() {
    let folder = tempfile::tempdir().unwrap();
    let text = "name = \"both\"\nrestarts = 2\n[target]\nmean = [1.0]\nstd = [2.0]\n[optimizer]\nsteps = 300\n\
                [[fit]]\nlabel = \"a\"\ndivergence = \"forward-kl\"\n[[fit]]\nlabel = \"b\"\n\
                divergence = \"reverse-kl\"\n[sweep.grid]\nfamily.components = [1, 2]\n\
                optimizer.learning_rate = [0.05, 0.1]\n";
    fs::write(folder.path().join("both.toml"), text).unwrap();
    let klfit = |arguments: &[&str]| {
        let mut klfit = crate::command_line::klfit(arguments);
        klfit.current_dir(folder.path()).assert().success();
    };
    klfit(&["sweep", "both.toml", "--no-figures", "--quiet"]);
    klfit(&["report", "outputs/both"]);
    let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
    let markdown = read("outputs/both/report.md");
    let first = first_page(&markdown);
    assert!(
        first.contains("do mixtures q of 1 and 2 Gaussians come to p"),
        "{first}"
    );
    assert!(
        first.contains("KL(p‖q) of a ends ") && first.contains("KL(q‖p) of b ends "),
        "{first}"
    );
    assert!(first.contains("at the same value"), "{first}");
    // With another folder beside it, it keeps its name, and what is not told of is counted.
    let other = short();
    let path = other.folder.path().display().to_string();
    klfit(&["report", "outputs/both", &path, "--out", "two"]);
    let two = read("two/report.md");
    let first = first_page(&two);
    assert!(
        first.starts_with("# the 4 points of both and bimodal\n"),
        "{first}"
    );
    assert!(
        first.contains("1 run more is in the table below.") && first.contains("](figures/1-"),
        "{first}"
    );
}

/// A sweep of more points than a process may have files open.
#[test]
#[cfg(unix)]
fn a_large_sweep_is_a_table_and_its_best_point_in_detail() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let seeds: Vec<String> = (0..80).map(|seed| seed.to_string()).collect();
    let text = format!(
        "name = \"many\"\nrestarts = 1\n[target]\nmean = [1.0]\nstd = [2.0]\n[optimizer]\nsteps = 2\n\
         [[fit]]\ndivergence = \"forward-kl\"\n[sweep.grid]\nseed = [{}]\n",
        seeds.join(", ")
    );
    fs::write(&config, text).unwrap();
    let klfit = env!("CARGO_BIN_EXE_klfit");
    let limited = |command: &str| {
        let script = format!("ulimit -n 64 && exec {klfit} {command}");
        let mut shell = std::process::Command::new("sh");
        let shell = shell.args(["-c", &script]).current_dir(folder.path());
        let output = shell.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {told}");
    };
    let swept = std::process::Command::new(klfit)
        .args(["sweep", "config.toml", "--no-figures", "--quiet"])
        .current_dir(folder.path())
        .status();
    assert!(swept.unwrap().success());
    limited("plot outputs/many");
    limited("report outputs/many");
    let out = folder.path().join("outputs/many");
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let (html, markdown) = (read("report.html"), read("report.md"));
    for text in [&html, &markdown] {
        assert!(
            text.contains("What do 80 settings of seed change?"),
            "{text}"
        );
        // One config, and of each point what it has for others.
        assert_eq!(text.matches("klfit run ").count(), 1);
        assert!(text.contains("The others differ in seed alone"));
    }
    let rows = markdown
        .lines()
        .filter(|line| line.starts_with("| seed ") && line.contains("forward-kl"));
    assert_eq!(rows.count(), 80);
    assert_eq!(
        markdown
            .matches("\n## The point that ended lowest: seed ")
            .count(),
        1
    );
}

/// Every picture of a GIF as it stands on the screen, RGB.
fn pictures(gif: &[u8]) -> (u16, Vec<Vec<[u8; 3]>>) {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(gif).unwrap();
    let (width, height) = (decoder.width(), decoder.height());
    let mut screen = vec![[0; 3]; usize::from(width) * usize::from(height)];
    let mut all = Vec::new();
    while let Some(frame) = decoder.read_next_frame().unwrap() {
        for (i, pixel) in frame.buffer.chunks(4).enumerate() {
            let (row, column) = (i / usize::from(frame.width), i % usize::from(frame.width));
            let at = (row + usize::from(frame.top)) * usize::from(width)
                + column
                + usize::from(frame.left);
            if pixel[3] > 0 {
                screen[at] = [pixel[0], pixel[1], pixel[2]];
            }
        }
        all.push(screen.clone());
    }
    (width, all)
}

#[test]
fn an_animation_moves_from_the_start_to_the_end() {
    for (name, dims) in [("bimodal", 1), ("plane", 2)] {
        let run = run_config(name, &[("optimizer.steps", "40"), ("restarts", "2")]);
        let motion = Motion {
            seconds: 1.0,
            width: 500,
        };
        let path = animate(&run.folder, motion, None).unwrap();
        let bytes = fs::read(path).unwrap();
        let (width, pictures) = pictures(&bytes);
        assert_eq!((width, pictures.len()), (500, 20), "{name}");
        // The rows where the colour of the first fit is: those of a curve, or of ellipses.
        let blue = |picture: &[[u8; 3]]| -> Vec<usize> {
            let is_blue = |c: &[u8; 3]| c[2] > 130 && c[0] < 60 && c[1] > 80 && c[1] < 150;
            (picture.iter().enumerate())
                .filter(|(_, color)| is_blue(color))
                .map(|(at, _)| at)
                .collect()
        };
        let (first, last) = (blue(&pictures[0]), blue(&pictures[19]));
        assert!(
            first.len() > 50 && last.len() > 50,
            "{name}: {}",
            first.len()
        );
        assert_ne!(first, last);
        // White paper stays white where nothing is drawn.
        assert!(
            pictures
                .iter()
                .all(|picture| picture[0].iter().all(|&c| c > 247))
        );
        assert_eq!(
            run.summary.fits[0].best.as_ref().unwrap().mixture.means[0].len(),
            dims
        );
    }
    let deep = run_config(
        "five-dimensions",
        &[("optimizer.steps", "2"), ("restarts", "1")],
    );
    let motion = Motion {
        seconds: 1.0,
        width: 500,
    };
    let error = animate(&deep.folder, motion, None).unwrap_err();
    assert!(error.to_string().contains("5 dimensions"), "{error}");
}
