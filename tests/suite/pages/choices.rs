//! The numbers of the pages on targets, families and reports that stand nowhere else.

use klfit::settings::{AdaptConfig, Laplace, Pathfinder};

use super::page::{Page, constant};

/// The number of a constant that has one.
#[track_caller]
fn one(file: &str, name: &str) -> f64 {
    let [number] = constant(file, name)[..] else {
        panic!("{file}: {name} is not one number");
    };
    number
}

#[test]
fn climbs() {
    let page = Page::open("docs/config.md");
    let (laplace, pathfinder) = (Laplace::default(), Pathfinder::default());
    page.says(
        "how many climbs look for modes | {}; {} for `pathfinder` |",
        &[laplace.climbs as f64, pathfinder.climbs as f64],
    );
    page.says(
        "how many draws each Gaussian is judged by | {} |",
        &[pathfinder.draws as f64],
    );
    let families = Page::open("docs/families.md");
    families.says(
        "those that end within {} standard deviations of each other",
        &[one("src/fit/init/laplace.rs", "SAME")],
    );
    families.says(
        "the K best that end more than {} standard deviations apart",
        &[one("src/fit/init/pathfinder.rs", "SAME")],
    );
}

#[test]
fn components_that_come_and_go() {
    let page = Page::open("docs/config.md");
    let adapt = AdaptConfig::default();
    page.says("may be | {} | | `every` |", &[adapt.start as f64]);
    page.says("steps between looks | {} |", &[adapt.every as f64]);
    page.says(
        "looked at for where one is missing | {} |",
        &[adapt.candidates as f64],
    );
    page.says(
        "weight is below this and does not grow | {} |",
        &[adapt.least_weight],
    );
    page.says("less, in nats; 0 merges none | {} |", &[adapt.merge_kl]);
    Page::open("docs/families.md").says(
        "Beyond {}, {}, {}, {} or {} nats below its highest value",
        &constant("src/fit/adapt/arrival.rs", "FLOORS")[..],
    );
}

#[test]
fn programs() {
    let timeout =
        Page::open("src/config/external.rs").numbers("fn default_timeout() -> f64 { {} }")[0];
    let page = Page::open("docs/programs.md");
    page.says("| seconds for one batch; {} |", &[timeout.value]);
    Page::open("docs/config.md").says(
        "it may take for one batch of points | {} |",
        &[timeout.value],
    );
    page.says(
        "N is between {} and {}. A program",
        &[1.0, one("src/external/mod.rs", "BATCH")],
    );
}

#[test]
fn costs() {
    let time =
        Page::open("src/jobs/cost.rs").values("const TIME: Duration = Duration::from_millis({});");
    Page::open("docs/config.md").says("logs nothing, for {} ms at most", &time);
}

#[test]
fn tables() {
    let page = Page::open("docs/targets.md");
    Page::open("docs/config.md").says(
        "are lists of numbers by name, up to {} numbers |",
        &[one("src/config/formula.rs", "MOST_DATA")],
    );
    let held = one("src/density/target/samples/read.rs", "MOST_IN_MEMORY");
    page.says("of a `.npy` of more than {} numbers (", &[held]);
    page.rounds("numbers ({}) stay in the file", &[held]);
    let chunk = 8.0 * one("src/density/target/samples/first_pass.rs", "CHUNK");
    page.rounds("over it once a step, {} MB at a time", &[chunk / 1e6]);
    let largest = one("src/files/read.rs", "LARGEST_TABLE") / 2f64.powi(30);
    page.says("holds all in memory, up to {} GiB of file", &[largest]);
    page.says("by its first bytes, of up to {} GiB; all", &[largest]);
    let standing = one("src/density/target/samples/mod.rs", "MOST_STANDING");
    page.says("held out. Up to {} of them, chosen at random", &[standing]);
    let listed = one("src/density/target/samples/held_out.rs", "MOST_LISTED");
    page.says("Of more than {} rows a share is held out", &[listed]);
    let kernels = one("src/density/target/kernels.rs", "MOST_KERNELS");
    page.says("There can be {} kernels in one dimension", &[kernels]);
    page.says(
        "k̂ of the draws: [above {}]",
        &[one("src/normalizer/by_draws.rs", "HEAVY")],
    );
    let widths = constant("src/normalizer/ascent.rs", "WIDTHS");
    let widest = widths.iter().copied().fold(0.0, f64::max);
    page.says("random starts up to about {} from it", &[widest]);
}

#[test]
fn what_is_drawn_and_reported() {
    let page = Page::open("docs/run-folder.md");
    page.says(
        "Figures and reports show the first {} restarts",
        &[one("src/run_folder/finished.rs", "MOST_RUNS")],
    );
    page.says(
        "until {} rows are left",
        &[one("src/run_folder/unfinished.rs", "MOST_ROWS")],
    );
    let outside = one("src/judge/of_x.rs", "OUTSIDE");
    page.says(
        "the `quantiles` of {} (`low`), {} (`median`) and {} (`high`) of each",
        &[outside, 0.5, 1.0 - outside],
    );
    Page::open("docs/report.md").says(
        "are runs like others, the first {} of them in detail",
        &[one("src/report/mod.rs", "DETAILED")],
    );
    Page::open("docs/mixture.md").says(
        "is rounded: to {} significant digits, or",
        &[one("src/export/mod.rs", "DIGITS")],
    );
}
