//! What `docs/performance.md` works out of what was measured: ratios, and operations a second.

use super::page::{Page, constant, number};

/// The numbers of a cell such as `1 743`.
fn cell(text: &str) -> f64 {
    let (number, rest) = number(text.trim()).unwrap_or_else(|| panic!("{text}"));
    assert!(rest.is_empty(), "{text}");
    number.value
}

/// Work, klfit and the peer in µs, and their ratio as printed.
fn rows() -> Vec<(String, f64, f64, String)> {
    let text = std::fs::read_to_string("docs/performance.md").unwrap();
    let (_, table) = text
        .split_once("| work | klfit | peer | ratio | |\n")
        .unwrap();
    let lines = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        (
            cells[1].to_owned(),
            cell(cells[2]),
            cell(cells[3]),
            cells[4].to_owned(),
        )
    };
    lines.map(row).collect()
}

/// The first whose work begins so.
fn row(work: &str) -> (String, f64, f64, String) {
    let mut rows = rows().into_iter();
    rows.find(|row| row.0.starts_with(work)).unwrap()
}

#[test]
fn ratios_are_those_of_the_times() {
    let rows = rows();
    assert!(rows.len() > 10, "{rows:?}");
    for (work, here, there, printed) in rows {
        let (ratio, _) = number(&printed).unwrap();
        // Of times that were rounded after it.
        let least = (there - 0.5) / (here + 0.5) - 0.5 * ratio.digit;
        let most = (there + 0.5) / (here - 0.5) + 0.5 * ratio.digit;
        assert!(
            (least..=most).contains(&ratio.value),
            "{work}: {} {printed}",
            there / here
        );
    }
}

/// Three times D²/2 multiply-adds for each point and component.
#[test]
fn operations_a_second_are_those_of_the_table() {
    let page = Page::open("docs/performance.md");
    let speed = |work: &str, points: f64, dim: f64, components: f64| {
        2.0 * 3.0 * 0.5 * dim * dim * points * components / row(work).1 / 1e3
    };
    let large = speed("N=8192 D=32 K=32", 8192.0, 32.0, 32.0);
    let small = speed("N=4096 D=16 K=8", 4096.0, 16.0, 8.0);
    let peak = page.numbers("fused-multiply-add peak of about {} GFLOP/s a core")[0].value;
    page.rounds(
        "D = 32 comes to {} GFLOP/s and D = 16 to {} on two cores, {} and {} % of the peak",
        &[large, small, 50.0 * large / peak, 50.0 * small / peak],
    );
    let portion = constant("src/calculator/sampling/strata.rs", "PORTION")[0];
    page.says(
        "components of both mixtures, {} from p and {} from q, so",
        &[1e6 * portion, 1e6 * (1.0 - portion)],
    );
}

#[test]
fn a_step_and_an_iteration_are_shares_of_their_rows() {
    let page = Page::open("docs/performance.md");
    let (_, here, there, _) = row("a Gaussian by reverse KL");
    let steps = page.numbers("a Gaussian by reverse KL, D=10 K=4 S=128, {} steps")[0].value;
    page.rounds(
        "by reverse KL** takes {} µs a step, NumPyro's {}:",
        &[here / steps, there / steps],
    );
    let (_, iteration, _, _) = row("an iteration of EM, 10⁶ rows, D=8, ten full");
    let pairs = 1e6 * 10.0;
    page.rounds(
        "all sums of them: {} ns for each row and component, at {} GFLOP/s",
        &[
            1e3 * iteration / pairs,
            2.0 * 3.0 * 0.5 * 8.0 * 8.0 * pairs / iteration / 1e3,
        ],
    );
}

#[test]
fn points_are_as_many_as_the_work_has() {
    let page = Page::open("docs/performance.md");
    let of = |sentence: &str| -> Vec<f64> {
        let numbers = page.numbers(sentence);
        numbers.iter().map(|number| number.value).collect()
    };
    let [restarts, points, steps] =
        of("| {} restarts, {} points, {} steps, both KLs, whole process |")[..]
    else {
        panic!("three numbers");
    };
    let each = restarts * points * steps;
    let sentence =
        "and {} s of {}·10⁸ points at {} ns on two cores for forward and {} ns for reverse KL";
    let [_, _, forward, reverse] = of(sentence)[..] else {
        panic!("four numbers");
    };
    let seconds = 1e-9 * each * (forward + reverse);
    page.rounds(sentence, &[seconds, 2.0 * each / 1e8, forward, reverse]);
    let [up, across, points] = of("both KLs on {} × {} cells by {} points")[..] else {
        panic!("three numbers");
    };
    page.rounds(
        "some exponentials for each of {}·10⁶ points",
        &[2.0 * up * across * points / 1e6],
    );
}

#[test]
fn a_count_may_grow_by_as_much_as_the_page_says() {
    let allowed = constant("benches/counts.rs", "ALLOWED")[0];
    let page = Page::open("docs/performance.md");
    page.says(
        "fails where one has grown by more than {} %",
        &[100.0 * allowed],
    );
}
