//! SIGKILL while a sweep runs, or a part of one.

use crate::kills::Resumed;
use crate::left::results;
use crate::place::{Place, Random, ends_well, with_steps};

/// Two points that share a loop, and two more that share another.
const GRID: &str = "[sweep.grid]\nseed = [1, 2]\nestimator.samples = [8, 16]\n";

/// Kills a sweep so many times at random instants, going on each time, and compares its table and the files
/// of each point.
pub fn killed_sweeping(seed: u64, times: usize, how: &str) {
    let place = Place::new(&format!("{}{GRID}", with_steps(80)));
    let whole = place.at("whole");
    let resumed = Resumed {
        command: &|out| place.command("sweep", out, how),
        takes: ends_well(&mut place.command("sweep", &whole, how)),
        whole: results(&whole),
        keeps_rows: true,
    };
    // A table, and of each point its config, its summary, and two tables of two fits.
    assert_eq!(resumed.whole.len(), 1 + 4 * (2 + 2 * 2));
    let (mut random, mut kills) = (Random::new(seed), 0);
    for part in 0.. {
        if kills >= times {
            break;
        }
        kills += resumed.kill(&place.at(&format!("parts-{part}")), &mut random);
    }
}

#[test]
fn a_sweep_that_is_killed_a_few_times_ends_as_if_it_had_not_been() {
    killed_sweeping(7, 6, "--resume");
}

/// What it leaves is what the whole does: `points_that_are_run_apart_are_those_of_one_process`.
#[test]
fn a_shard_that_is_killed_a_few_times_ends_as_if_it_had_not_been() {
    killed_sweeping(9, 6, "--shard=1/1");
}

#[test]
#[ignore = "takes longer than all others here"]
fn a_sweep_that_is_killed_often_ends_as_if_it_had_not_been() {
    killed_sweeping(8, 100, "--resume");
    killed_sweeping(10, 30, "--shard=1/1");
}
