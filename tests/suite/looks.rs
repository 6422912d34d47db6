//! What figures look like: every setting has its effect, nothing leaves the page, and letters keep their size.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use klfit::settings::FiguresConfig;
use klfit::{Experiment, Override, draw_figures_as};
use resvg::usvg;

use crate::command_line::klfit;
use crate::support::{Run, run_config, run_text};

/// Settings of `[figures]` as they stand in a config.
fn looks(text: &str) -> FiguresConfig {
    toml::from_str(text).unwrap()
}

/// The SVGs of a run in some looks, each with its name.
fn drawn(run: &Run, settings: &str) -> Vec<(String, String)> {
    let out = tempfile::tempdir().unwrap();
    let looks = looks(&format!("format = [\"svg\"]\n{settings}"));
    let figures = draw_figures_as(&run.folder, &looks, Some(out.path()), &mut ()).unwrap();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    (figures.files.iter())
        .filter(|path| path.extension().is_some_and(|of| of == "svg"))
        .map(read)
        .collect()
}

/// The texts of an SVG.
pub fn texts(svg: &str) -> Vec<String> {
    let document = usvg::roxmltree::Document::parse(svg).unwrap();
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    texts
        .filter_map(|node| Some(node.text()?.trim().to_owned()))
        .collect()
}

/// The sizes of letters in an SVG, in hundredths of a mm.
fn sizes(svg: &str) -> BTreeSet<u32> {
    let document = usvg::roxmltree::Document::parse(svg).unwrap();
    let sizes = document
        .descendants()
        .filter_map(|node| node.attribute("font-size"));
    sizes
        .map(|size| (100.0 * size.parse::<f64>().unwrap() / 40.0).round() as u32)
        .collect()
}

/// The boxes of the texts of an SVG as they are drawn, in mm, and the size of the page.
fn boxes(svg: &str) -> (Vec<(String, [f32; 4])>, [f32; 2]) {
    let mut options = usvg::Options::default();
    let fonts = std::sync::Arc::make_mut(&mut options.fontdb);
    for data in oxml_layout::bundled_fonts::bundled_font_data() {
        fonts.load_font_data(data.1.to_vec());
    }
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    let tree = usvg::Tree::from_str(svg, &options).unwrap();
    let mut boxes = Vec::new();
    fn walk(group: &usvg::Group, boxes: &mut Vec<(String, [f32; 4])>) {
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => walk(group, boxes),
                usvg::Node::Text(text) => {
                    let words = text
                        .chunks()
                        .iter()
                        .map(usvg::TextChunk::text)
                        .collect::<String>();
                    // Of what is inked, not of the line, turned as it is on the page, which is ruled by 40 to a mm.
                    let turn = text.abs_transform();
                    let area = text.flattened().bounding_box().transform(turn).unwrap();
                    let mm = 1.0 / (40.0 * turn.get_scale().0);
                    boxes.push((
                        words,
                        [area.left(), area.top(), area.right(), area.bottom()].map(|x| mm * x),
                    ));
                }
                _ => {}
            }
        }
    }
    walk(tree.root(), &mut boxes);
    (
        boxes,
        [tree.size().width(), tree.size().height()].map(|x| 25.4 / 96.0 * x),
    )
}

/// Panics where a text leaves the page, or lies on another.
fn nothing_collides(what: &str, svg: &str) {
    let (boxes, [width, height]) = boxes(svg);
    assert!(!boxes.is_empty(), "{what}");
    for (i, (text, [left, top, right, bottom])) in boxes.iter().enumerate() {
        assert!(
            *left >= -0.05 && *top >= -0.05 && *right <= width + 0.05 && *bottom <= height + 0.05,
            "{what}: \"{text}\" leaves the page: {left} {top} {right} {bottom} of {width} × {height}"
        );
        for (other, [l, t, r, b]) in &boxes[..i] {
            let across = right.min(*r) - left.max(*l);
            let down = bottom.min(*b) - top.max(*t);
            assert!(
                across < 0.25 || down < 0.25,
                "{what}: \"{text}\" lies on \"{other}\": {left} {top} {right} {bottom}, {l} {t} {r} {b}"
            );
        }
    }
}

const SHORT: [(&str, &str); 2] = [("optimizer.steps", "12"), ("restarts", "3")];

#[test]
fn nothing_leaves_the_page_or_lies_on_anything_else_at_any_width() {
    let runs = ["bimodal", "plane", "five-dimensions", "heavy-tails", "iris"];
    for config in runs {
        let run = run_config(config, &SHORT);
        for settings in [
            "",
            "width = \"column\"",
            "width = \"column\"\nfont = \"serif\"\nfont_size = 10",
            "width = 120\nfont = \"dejavu\"\nlegend = \"bottom\"\ntitle = \"A line above the figure\"",
        ] {
            for (name, svg) in drawn(&run, settings) {
                nothing_collides(&format!("{config} {name} {settings}"), &svg);
            }
        }
    }
}

#[test]
fn letters_keep_their_size_whatever_the_width() {
    let run = run_config("bimodal", &SHORT);
    let all = |settings: &str| -> BTreeSet<u32> {
        drawn(&run, settings)
            .iter()
            .flat_map(|(_, svg)| sizes(svg))
            .collect()
    };
    // 8 points are 2.82 mm; titles are larger, notes and scripts smaller.
    let page = all("");
    assert!(page.contains(&282), "{page:?}");
    for width in ["60", "85", "\"nature-page\"", "300"] {
        let other = all(&format!("width = {width}"));
        assert!(
            other.contains(&282) && other.is_subset(&page),
            "{width}: {other:?} {page:?}"
        );
    }
    let large = all("font_size = 16");
    assert!(large.contains(&564), "{large:?}");
    let widths: Vec<String> = (drawn(
        &run,
        "width = 85\nheight = 90\nonly = [\"densities\", \"convergence\"]",
    )
    .iter())
    .map(|(_, svg)| svg.lines().next().unwrap().to_owned())
    .collect();
    assert!(
        widths
            .iter()
            .all(|line| line.contains("width=\"85mm\" height=\"90.00mm\"")),
        "{widths:?}"
    );
}

#[test]
fn every_setting_has_its_effect() {
    let run = run_config("bimodal", &SHORT);
    let one = |settings: &str| {
        let all = drawn(&run, &format!("only = [\"convergence\"]\n{settings}"));
        assert_eq!(all.len(), 1);
        all.into_iter().next().unwrap().1
    };
    let plain = one("");
    let has = |svg: &str, word: &str| texts(svg).iter().any(|text| text == word);
    assert!(has(&plain, "step") && has(&plain, "forward KL") && has(&plain, "loss of each fit"));
    assert!(
        plain.contains("Liberation Sans") && plain.contains("#0072B2"),
        "{plain}"
    );
    let legendless = one("legend = \"none\"");
    assert!(!has(&legendless, "forward KL"));
    assert!(has(&one("title = \"Two bumps\""), "Two bumps"));
    let named = one("[labels]\nstep = \"iteration\"\n\"forward KL\" = \"$q_1$\"");
    assert!(
        has(&named, "iteration") && !has(&named, "step") && has(&named, "q") && has(&named, "1")
    );
    let chosen = one("[convergence]\npanels = [\"reverse-kl\"]");
    assert!(!has(&chosen, "loss of each fit") && has(&chosen, "KL(q‖p)"));
    let axes =
        one("[convergence]\ny = { scale = \"linear\", limits = [0, 20] }\nx.limits = [0, 6]");
    assert!(
        has(&axes, "20")
            && has(&axes, "6")
            && !texts(&axes).iter().any(|text| text.contains("log scale"))
    );
    assert!(one("font = \"serif\"").contains("Liberation Serif"));
    assert!(one("colors = \"tol-muted\"").contains("#332288"));
    assert!(one("colors = [\"#123456\"]").contains("#123456"));
    assert!(one("colors = { \"reverse KL\" = \"tomato\" }").contains("#FF6347"));
    assert!(one("background = \"#fafafa\"").contains("#FAFAFA"));
    let grounds = |svg: &str| svg.matches("<rect").count();
    let transparent = one("background = \"transparent\"");
    assert_eq!(grounds(&plain), grounds(&transparent) + 1);
}

#[test]
fn files_are_written_as_asked_for() {
    let run = run_config("plane", &SHORT);
    let out = tempfile::tempdir().unwrap();
    let looks = looks(
        "format = [\"eps\", \"tikz\", \"png\", \"png\"]\nonly = [\"densities\"]\nwidth = 100\ndpi = 127",
    );
    let drawn = draw_figures_as(&run.folder, &looks, Some(out.path()), &mut ()).unwrap();
    let mut names: Vec<_> = (drawn.files.iter())
        .map(|file| file.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["densities.eps", "densities.png", "densities.tikz"]);
    let read = |name: &str| fs::read(out.path().join(name)).unwrap();
    // 100 mm at 5 dots per mm, and in points.
    assert_eq!(
        u32::from_be_bytes(read("densities.png")[16..20].try_into().unwrap()),
        500
    );
    let eps = String::from_utf8(read("densities.eps")).unwrap();
    assert!(eps.starts_with("%!PS-Adobe-3.0 EPSF-3.0") && eps.ends_with("%%EOF\n"));
    assert!(
        eps.contains("%%HiResBoundingBox: 0 0 283.465"),
        "{}",
        &eps[..300]
    );
    assert_eq!(
        eps.matches("gsave").count(),
        eps.matches("grestore").count()
    );
    let tikz = String::from_utf8(read("densities.tikz")).unwrap();
    assert!(tikz.contains("\\begin{tikzpicture}") && tikz.ends_with("\\end{tikzpicture}%\n"));
    assert!(tikz.contains("{target p}"), "no text");
    assert!(!eps.contains("NaN") && !tikz.contains("NaN") && !tikz.contains("inf"));
}

#[test]
fn a_label_that_no_figure_has_is_told_of() {
    let run = run_config("bimodal", &SHORT);
    let out = tempfile::tempdir().unwrap();
    let notes = |text: &str| {
        draw_figures_as(&run.folder, &looks(text), Some(out.path()), &mut ())
            .unwrap()
            .notes
    };
    let found = notes("format = [\"svg\"]\n[labels]\nstp = \"iteration\"");
    assert_eq!(
        found,
        ["figures.labels: no figure that is drawn has the text \"stp\"; one has \"step\""]
    );
    assert!(
        notes("format = [\"svg\"]\n[labels]\nstep = \"iteration\"\n\"loss (nats)\" = \"\"")
            .is_empty()
    );
}

#[test]
fn what_a_run_has_not_is_refused() {
    let run = run_config("bimodal", &SHORT);
    let error = |text: &str| {
        let out = tempfile::tempdir().unwrap();
        draw_figures_as(&run.folder, &looks(text), Some(out.path()), &mut ())
            .unwrap_err()
            .to_string()
    };
    let found = error("only = [\"choice\"]");
    assert!(found.contains("none of these figures"), "{found}");
    let found = error("[convergence]\npanels = [\"entropy\"]");
    assert!(found.contains("no panel \"entropy\""), "{found}");
    let found = error("height = 25");
    assert!(found.contains("25 mm is too little"), "{found}");
    let found = error("font = \"nothing.ttf\"");
    assert!(found.contains("nothing.ttf"), "{found}");
}

#[test]
fn more_fits_than_are_told_apart_have_a_panel_each() {
    for dim in [1, 3] {
        let fits: String = (0..14)
            .map(|i| format!("[[fit]]\nlabel = \"fit {i}\"\ndivergence = \"reverse-kl\"\nfamily.components = {}\n", 1 + i % 3))
            .collect();
        let zeros = vec!["0.0"; dim].join(", ");
        let run = run_text(&format!(
            "name = \"many\"\nrestarts = 1\n[target]\nmean = [{zeros}]\nstd = [{}]\n[optimizer]\nsteps = 4\n\
             [estimator]\ntype = \"monte-carlo\"\nsamples = 32\n[log]\nsamples = 64\n{fits}",
            vec!["1.0"; dim].join(", ")
        ));
        for (name, svg) in drawn(&run, "width = \"page\"") {
            let words = texts(&svg);
            for i in 0..14 {
                assert!(
                    words.contains(&format!("fit {i}")),
                    "{dim} {name} {i}: {words:?}"
                );
            }
            // All shown alike: no dashes are needed to tell one from another.
            if name == "convergence" {
                nothing_collides(&name, &svg);
            }
        }
    }
}

#[test]
fn looks_stand_in_a_config_and_are_not_what_a_run_is() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("own.ttf"), dejavu::sans::bold()).unwrap();
    let config = |figures: &str| {
        format!(
            "name = \"looks\"\nrestarts = 1\n[target]\nmean = [0.0]\nstd = [1.0]\n[optimizer]\nsteps = 3\n{figures}\n\
             [[fit]]\ndivergence = \"reverse-kl\"\n"
        )
    };
    let path = folder.path().join("looks.toml");
    let parsed = |figures: &str| Experiment::parse(&path, &config(figures), Vec::new());
    let run = |experiment: &Experiment| crate::support::run(experiment);
    let experiment =
        parsed("[figures]\nfont = \"own.ttf\"\nwidth = \"column\"\nonly = [\"comparison\"]")
            .unwrap();
    let run = run(&experiment);
    // It is found from the folder of the run too.
    let files = klfit::draw_figures(&run.folder).unwrap();
    assert_eq!(files.len(), 3);
    let svg = fs::read_to_string(&files[0]).unwrap();
    assert!(
        svg.contains("width=\"85mm\"") && svg.contains("DejaVu Sans"),
        "{svg}"
    );
    // What the flags say goes before it.
    let (_, svg) = &drawn(&run, "width = 100")[0];
    assert!(svg.contains("width=\"100mm\""));
    let other = parsed("").unwrap();
    assert_eq!(
        other.settings_without_steps().unwrap(),
        experiment.settings_without_steps().unwrap()
    );
    assert!(other.continuing(&experiment).is_ok());
    for (figures, part) in [
        ("[figures]\nwidth = \"colum\"", "figures.width"),
        ("[figures]\nwdth = 3", "figures.wdth"),
        (
            "[figures.densities]\nx.limits = [2, 1]",
            "figures.densities.x.limits",
        ),
        ("[figures]\nformat = []", "figures.format"),
        ("[figures]\npanels = [\"loss\"]", "figures.panels"),
        ("[figures]\ny.scale = \"log\"", "figures.y"),
    ] {
        let error = parsed(figures).unwrap_err().to_string();
        assert!(
            error.contains(part) && error.contains("looks.toml:"),
            "{figures}: {error}"
        );
    }
    let one = Override::parse("figures.width=60").unwrap();
    let with = Experiment::parse(&path, &config(""), vec![one]).unwrap();
    assert_eq!(with.config.figures.width.unwrap().mm(), 60.0);
}

#[test]
fn flags_and_themes_say_what_figures_look_like() {
    let run = run_config("bimodal", &SHORT);
    let folder = tempfile::tempdir().unwrap();
    let theme = folder.path().join("house.toml");
    fs::write(
        &theme,
        "[figures]\nwidth = \"column\"\nfont = \"serif\"\n[figures.comparison]\nwidth = 150\n",
    )
    .unwrap();
    let run_at = run.folder.path().to_str().unwrap();
    let plot = |more: &[&str]| {
        let mut arguments = vec![
            "plot",
            run_at,
            "--theme",
            theme.to_str().unwrap(),
            "--out",
            "drawn",
        ];
        arguments.extend(more);
        let mut command = klfit(&arguments);
        command.current_dir(folder.path());
        command
    };
    plot(&[
        "--only",
        "densities,comparison",
        "--format",
        "svg",
        "--set",
        "labels.density=$p(x)$",
    ])
    .assert()
    .success();
    let read = |name: &str| fs::read_to_string(folder.path().join("drawn").join(name)).unwrap();
    let (densities, comparison) = (read("densities.svg"), read("comparison.svg"));
    assert!(densities.contains("width=\"85mm\"") && densities.contains("Liberation Serif"));
    assert!(comparison.contains("width=\"150mm\""));
    assert!(!texts(&densities).contains(&"density".to_owned()));
    assert!(!folder.path().join("drawn/convergence.svg").exists());
    for (more, part) in [
        (&["--width", "3"][..], "--width:"),
        (&["--width", "30"], "give 40 mm or more"),
        (&["--columns", "99"], "3 columns are too many"),
        (&["--background", "#202020"], "too dark"),
        (&["--font-size", "900"], "--font-size:"),
        (
            &["--set", "convergence.y.scale=sqrt"],
            "--set convergence.y.scale=sqrt:",
        ),
        (&["--only", "densites"], "--only:"),
        (&["--colors", "#12,red"], "--colors:"),
    ] {
        let assert = plot(more).assert().failure();
        let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        assert!(error.contains(part), "{more:?}: {error}");
    }
    fs::write(&theme, "width = 80\n").unwrap();
    let assert = plot(&[]).assert().failure();
    let error = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(
        error.contains("house.toml") && error.contains("figures"),
        "{error}"
    );
}

#[test]
fn the_numbers_of_a_table_fit_its_cells() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..9).map(|k| format!("model{k}.toml")).collect();
    for (k, name) in names.iter().enumerate() {
        let text = format!("weights = [1.0]\nmeans = [[{}.0]]\nstds = [[0.7]]\n", k * k);
        fs::write(folder.path().join(name), text).unwrap();
    }
    for width in ["60", "85", "170"] {
        let theme = format!("[figures]\nformat = [\"svg\"]\nwidth = {width}\n");
        fs::write(folder.path().join("house.toml"), theme).unwrap();
        let mut arguments = vec![
            "divergence",
            "--matrix",
            "--theme",
            "house.toml",
            "--out",
            width,
        ];
        arguments.extend(names.iter().map(String::as_str));
        let mut command = klfit(&arguments);
        command.current_dir(folder.path()).assert().success();
        let svg = fs::read_to_string(folder.path().join(width).join("matrix.svg")).unwrap();
        nothing_collides(&format!("{width} mm"), &svg);
    }
}

#[test]
fn a_run_far_from_zero_and_labels_of_any_kind_are_readable() {
    let run = run_text(
        r#"
        name = "far"
        restarts = 2
        optimizer.steps = 10
        [target]
        weights = [0.5, 0.5]
        means = [[1000000], [1000003]]
        stds = [[1], [0.5]]
        [[fit]]
        label = "minimum of $\\mathrm{KL}(q \\| p)$ from a wide start with $\\sigma_0 = 4 \\times 10^{2}$"
        divergence = "reverse-kl"
        [[fit]]
        label = "natural-gradient/quasi-monte-carlo/sticking-the-landing"
        divergence = "forward-kl"
        family.components = 2
        "#,
    );
    for settings in ["", "width = \"column\"", "width = 45"] {
        for (name, svg) in drawn(&run, settings) {
            nothing_collides(&format!("{name} {settings}"), &svg);
            assert!(
                !texts(&svg).iter().any(|text| text.contains(['\\', '$'])),
                "{name} {settings}"
            );
            let has = |word: &str| texts(&svg).iter().any(|text| text.contains(word));
            if name == "comparison" {
                assert!(has("components"));
                assert!(has("− 1000000") && !has("1.0e6"), "{:?}", texts(&svg));
            }
        }
    }
}

/// What PostScript and LaTeX make of the files is what the PNG shows: in CI, where both programs are.
#[test]
#[ignore = "needs Ghostscript, pdfLaTeX with TikZ and pdftoppm"]
fn postscript_and_tikz_show_what_the_png_shows() {
    for config in ["bimodal", "plane"] {
        let run = run_config(config, &SHORT);
        let out = tempfile::tempdir().unwrap();
        let looks = looks(
            "format = [\"png\", \"eps\", \"tikz\"]\nonly = [\"densities\", \"convergence\"]\ndpi = 100",
        );
        draw_figures_as(&run.folder, &looks, Some(out.path()), &mut ()).unwrap();
        // Two figures of one run are not alike.
        let [one, other] =
            ["densities", "convergence"].map(|name| grey(&out.path().join(format!("{name}.png"))));
        assert!(apart(config, &one, &other) > 0.8);
        for name in ["densities", "convergence"] {
            let expected = grey(&out.path().join(format!("{name}.png")));
            let ghostscript = [
                "-q",
                "-dBATCH",
                "-dNOPAUSE",
                "-dEPSCrop",
                "-r100",
                "-dTextAlphaBits=4",
                "-dGraphicsAlphaBits=4",
                "-sDEVICE=png16m",
                "-sOutputFile=eps.png",
                &format!("{name}.eps"),
            ];
            did(out.path(), "gs", &ghostscript);
            let found = apart(
                &format!("{config} {name}.eps"),
                &grey(&out.path().join("eps.png")),
                &expected,
            );
            assert!(found < 0.3, "{config} {name}.eps: {found}");
            // A page as large as the picture.
            let page = format!(
                "\\documentclass{{article}}\\usepackage{{tikz}}\\begin{{document}}\\setbox0\\hbox{{\\input{{{name}.tikz}}}}\
                 \\pdfpagewidth=\\wd0 \\pdfpageheight=\\dimexpr\\ht0+\\dp0\\relax\\pdfhorigin=0pt \\pdfvorigin=0pt \
                 \\shipout\\box0 \\end{{document}}"
            );
            fs::write(out.path().join("page.tex"), page).unwrap();
            did(
                out.path(),
                "pdflatex",
                &["-halt-on-error", "-interaction=nonstopmode", "page.tex"],
            );
            did(
                out.path(),
                "pdftoppm",
                &["-r", "100", "-png", "-singlefile", "page.pdf", "tikz"],
            );
            // Its letters are others.
            let found = apart(
                &format!("{config} {name}.tikz"),
                &grey(&out.path().join("tikz.png")),
                &expected,
            );
            assert!(found < 0.4, "{config} {name}.tikz: {found}");
        }
    }
}

fn did(folder: &Path, program: &str, arguments: &[&str]) {
    let output = std::process::Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{program}: {said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A PNG in grey, with its width.
fn grey(path: &Path) -> (Vec<u8>, usize) {
    let mut decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let channels = info.color_type.samples();
    let grey = |pixel: &[u8]| {
        (pixel.iter().map(|&part| u32::from(part)).sum::<u32>() / channels as u32) as u8
    };
    (
        pixels.chunks(channels).map(grey).collect(),
        info.width as usize,
    )
}

/// How far apart the greys of blocks of two pictures are, as a share of how far the second is from a blank page.
fn apart(what: &str, (found, width): &(Vec<u8>, usize), (expected, own): &(Vec<u8>, usize)) -> f64 {
    const BLOCK: usize = 8;
    assert!(
        width.abs_diff(*own) <= 2,
        "{what}: {width} and {own} pixels wide"
    );
    let block = |pixels: &[u8], width: usize, row: usize, column: usize| -> Option<f64> {
        let rows = (row * BLOCK..(row + 1) * BLOCK).map(|row| {
            let from = row * width + column * BLOCK;
            pixels.get(from..from + BLOCK)
        });
        let all = rows.collect::<Option<Vec<_>>>()?.concat();
        Some(all.iter().map(|&one| f64::from(255 - one)).sum::<f64>())
    };
    let (mut apart, mut ink) = (0.0, 0.0);
    for row in 0..found.len() / width / BLOCK {
        for column in 0..width.min(own) / BLOCK {
            let (Some(a), Some(b)) = (
                block(found, *width, row, column),
                block(expected, *own, row, column),
            ) else {
                continue;
            };
            (apart, ink) = (apart + (a - b).abs(), ink + b);
        }
    }
    apart / ink
}
