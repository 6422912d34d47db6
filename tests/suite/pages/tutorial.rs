//! The sentences of `docs/tutorial.md` say what its blocks print, which `printed` runs.

use klfit::read_mixture;

use super::page::Page;

fn page() -> Page {
    Page::open("docs/tutorial.md")
}

const DIVERGENCE: &str = "klfit divergence six.json three.json";
const SHOW: &str = "klfit mixture show six.json";
const CURVE: &str = "klfit mixture reduce six.json --curve";
const MATRIX: &str = "klfit divergence six.json three.json fewer.json --matrix";
const ROWS: &str = "klfit run penguins.toml";
const SIX: &str = "klfit run six.toml";

#[test]
fn the_divergence_of_two_mixtures() {
    let page = page();
    let row = page
        .printed(DIVERGENCE)
        .values("time KL(p‖q) {} ± {} {} … {} quadrature");
    page.rounds("KL(six‖three) is {} nats.", &row[..1]);
    page.says("- **± {}** is an estimate", &row[1..2]);
    page.says("- **certainly within {} … {}** is a theorem", &row[2..]);
    page.rounds(
        "is e^{}, about {} times as probable",
        &[row[0], row[0].exp()],
    );
}

#[test]
fn a_component_of_few() {
    let page = page();
    let shown = page.printed(SHOW);
    let [component, weight, ..] = shown.values("-0.0963 {} {} bill_length_mm 56.9379")[..] else {
        panic!("no such row");
    };
    let correlation = shown.values("bill_depth_mm 18.8238 1.51264 {}");
    page.says("Look at component {}: one bird", &[component]);
    page.rounds("and a correlation of {}. That", &correlation);
    // How many rows have it as their most probable one.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial");
    let six = read_mixture(&root.join("six.json"), None).unwrap();
    let rows = rows_of(&root.join("penguins.csv"));
    let its = |row: &[f64]| {
        let (_, shares) = six.log_density_with_shares(row);
        let best = (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b]));
        best.unwrap() + 1 == component as usize
    };
    let points: Vec<&[f64]> = rows.chunks(2).collect();
    let its = points.iter().filter(|row| its(row)).count();
    page.says(
        "it is {} birds of {} that happen",
        &[its as f64, points.len() as f64],
    );
    assert_eq!((weight * 100.0).round(), 1.0);
}

/// The rows with all measurements, one after the other.
fn rows_of(path: &std::path::Path) -> Vec<f64> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut all = text.lines();
    let header: Vec<&str> = all.next().unwrap().split(',').collect();
    let places = ["bill_length_mm", "bill_depth_mm"]
        .map(|name| header.iter().position(|column| *column == name).unwrap());
    let lines: Vec<&str> = all.collect();
    page().says("`penguins.csv`: {} penguins", &[lines.len() as f64]);
    let rows = lines.iter().filter_map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let [length, depth] = places.map(|place| cells[place].parse::<f64>());
        Some([length.ok()?, depth.ok()?])
    });
    rows.flatten().collect()
}

#[test]
fn fewer_components() {
    let page = page();
    let curve = page.printed(CURVE);
    let of = |sentence: &str| curve.values(sentence)[0];
    let (three, two) = (of(" 3 {} ±"), of(" 2 {} ±"));
    page.rounds(
        "Three components are {} nats from the six, two are {}: the step",
        &[three, two],
    );
    let matrix = page.printed(MATRIX);
    let of_six = matrix.values("fewer six {} {} ± {} {} ± {} three");
    let of_fewer = matrix.values("fewer {} ± {} {} ± {} {} quadrature");
    page.rounds("is the nearest to the six, {} nats away.", &of_six[3..4]);
    page.rounds(
        "to the six, is {} away, and {} from `fewer.json`.",
        &[of_six[1], of_fewer[2]],
    );
}

#[test]
fn how_many_components() {
    let page = page();
    let ran = page.printed(ROWS);
    let restarts = ran.values("K-3: {} restarts: all ended at one optimum");
    page.says("σ and correlation ρ of the best of {} starts", &restarts);
    page.says("one optimum**: all {} starts found", &restarts);
    let chosen = ran.values("choice of K: {} components (K-3)");
    let bic = |row: &str| ran.values(&format!("{row} {{}} ± {{}} {{}} {{}} {{}} {{}}"))[4];
    let (three, four) = (bic("→ K-3 3"), bic("K-4 4"));
    page.rounds(
        "Its least is at K = {}, {} below that of K = {}; above 10",
        &[chosen[0], four - three, chosen[0] + 1.0],
    );
    page.says(
        "is the standard error of {} birds as a sample",
        &[rows_of(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial/penguins.csv"),
        )
        .len() as f64
            / 2.0],
    );
}

#[test]
fn forward_and_reverse() {
    let page = page();
    let (ran, matrix) = (page.printed(SIX), page.printed(MATRIX));
    let missed = ran.values(
        "reverse KL: q covers {} of {} modes of p and misses {} % of p, the mode at x = ({}, {})",
    );
    assert_eq!(
        ran.values("forward KL: q covers all {} modes of p")[0],
        missed[1]
    );
    page.says(
        "- **q covers {} of {} modes of p and misses {} % of p**: the mode at ({}, {}) is that of the four birds",
        &missed,
    );
    // Where the component of few is.
    let few = page.printed(SHOW);
    let [length, depth] = [
        few.values("-0.0963 5 0.011446 bill_length_mm {} 2.05258")[0],
        few.values("2.05258 bill_depth_mm {} 1.51264")[0],
    ];
    assert!((missed[3] - length).abs() < 0.1 && (missed[4] - depth).abs() < 0.1);
    let row = |kind: &str| ran.values(&format!("4 × {kind} {{}} ± {{}} w {{}},"));
    let (forward, reverse) = (row("KL(p‖q)"), row("KL(q‖p)"));
    page.rounds("- Forward KL ends at {}, the number", &forward[..1]);
    page.resembles(
        "It is larger by {} nats, since",
        &[forward[0] - matrix.values("fewer six {} {} ± {} {} ±")[3]],
    );
    page.resembles("The ± of {} is that of its evaluation", &forward[1..2]);
    let other = ran.values("reverse KL w {}, μ ({}, {}), σ ({}, {}), ρ {} {} ± {} {} ± {}");
    page.rounds(
        "at another q: {} nats by its own measure and {} by the other",
        &[reverse[0], other[6]],
    );
    let k_hat = |label: &str| ran.values(&format!("{label}: k̂ {{}},"))[0];
    page.rounds(
        "below {} they could. Forward KL has {}; reverse KL {}, the price",
        &[0.7, k_hat("forward KL"), k_hat("reverse KL")],
    );
    let points = Page::open("docs/tutorial/six.toml").values("samples = {} noise");
    page.says("was fitted on {} points, not", &points);
    // On the right, and how long it is.
    let on_the_right = |kind: &str| {
        let one = "w {}, μ ({}, {}), σ ({}, {}), ρ {}";
        let numbers = ran.values(&format!("4 × {kind} {{}} ± {{}} {one}; {one}; {one}"));
        let components = numbers[2..].chunks(6);
        let right = components.max_by(|a, b| a[1].total_cmp(&b[1]));
        right.unwrap()[3]
    };
    let (of_forward, of_reverse) = (on_the_right("KL(p‖q)"), on_the_right("KL(q‖p)"));
    assert!(of_reverse < 0.5 * of_forward, "{of_reverse} {of_forward}");
}

#[test]
fn the_figure_of_a_column() {
    let points = super::page::constant("src/plot/style.rs", "POINTS")[0];
    let [(_, column), ..] = klfit::settings::WIDTHS;
    page().says(
        "`paper/densities.pdf` is {} mm wide and its letters have {} points",
        &[column, points],
    );
}
