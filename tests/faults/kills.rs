//! SIGKILL while a run goes on with another, or takes its place.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::left::{ends_as, logged, results, same};
use crate::place::{CONFIG, Place, Random, ended_within, ends_well, with_steps, words};

/// Tries after which a command that is killed again and again must have ended, or have been killed.
pub const MOST_TRIES: usize = 300;

/// A command that goes on with what it left when it was killed.
pub struct Resumed<'a> {
    pub command: &'a dyn Fn(&Path) -> Command,
    /// How long it takes in one go, and what it leaves then.
    pub takes: Duration,
    pub whole: BTreeMap<String, String>,
    /// Whether rows that were logged stay.
    pub keeps_rows: bool,
}

impl Resumed<'_> {
    /// Kills it at random instants, from the start of the process on, until it has ended. Says how often it
    /// was killed.
    pub fn kill(&self, out: &Path, random: &mut Random) -> usize {
        let mut kills = 0;
        for at in 0..MOST_TRIES {
            let before = logged(out);
            let mut command = (self.command)(out);
            command.env("RAYON_NUM_THREADS", if at % 2 == 0 { "1" } else { "2" });
            let mut run = command.spawn().unwrap();
            // One in three comes while it starts; with those alone it would never end. All others are given
            // ever longer: where a start takes half of all the time, nothing would get past it.
            let most = if at % 3 == 0 {
                0.15
            } else {
                0.5 + at as f64 / 50.0
            };
            if ended_within(&mut run, self.takes.mul_f64(most * random.share())) {
                let output = run.wait_with_output().unwrap();
                assert!(output.status.success(), "{}", words(&output));
                ends_as(&self.whole, out);
                return kills;
            }
            run.kill().unwrap();
            let status = run.wait().unwrap();
            if !status.success() {
                assert_eq!(status.signal(), Some(9));
                kills += 1;
            }
            // Not a row that was logged before is lost, nor changed.
            let after: BTreeMap<_, _> = logged(out).into_iter().collect();
            for (path, before) in before.iter().filter(|_| self.keeps_rows) {
                assert!(after[path].starts_with(before), "{}", path.display());
            }
        }
        panic!("it was killed {kills} times and makes no progress");
    }
}

/// Kills a run so many times at random instants, going on each time, and compares its end.
pub fn killed(seed: u64, times: usize) {
    let place = Place::new(CONFIG);
    let whole = place.at("whole");
    let resumed = Resumed {
        command: &|out| place.run(out),
        takes: ends_well(&mut place.run(&whole)),
        whole: results(&whole),
        keeps_rows: true,
    };
    let (mut random, mut kills) = (Random::new(seed), 0);
    for part in 0.. {
        if kills >= times {
            break;
        }
        // Ever further into a run, until one ends before it is killed.
        kills += resumed.kill(&place.at(&format!("parts-{part}")), &mut random);
    }
}

#[test]
fn a_run_that_is_killed_a_few_times_ends_as_if_it_had_not_been() {
    killed(7, 8);
}

#[test]
#[ignore = "takes longer than all others here"]
fn a_run_that_is_killed_a_hundred_times_ends_as_if_it_had_not_been() {
    killed(8, 100);
}

/// Kills a run at instants from its very start to its end while it takes the place of another.
pub fn killed_replacing(seed: u64, times: usize) {
    let place = Place::new(&with_steps(24));
    let old = place.at("old");
    ends_well(place.run(&old).args(["--seed", "4"]));
    fs::write(old.join("mine.txt"), "mine").unwrap();
    let (old_id, whole) = (id(&old), place.at("whole"));
    let takes = ends_well(&mut place.run(&whole));
    let (whole, old_results) = (results(&whole), results(&old));
    let (mut random, mut olds, mut kills) = (Random::new(seed), 0, 0);
    for i in 0..times + MOST_TRIES {
        if i >= times && olds > 0 {
            break;
        }
        let out = place.at(&format!("replaced-{i}"));
        crate::place::copy(&old, &out);
        let mut run = place.command("run", &out, "--force").spawn().unwrap();
        // The first come at once, and one of those before the old run is cleared.
        let share = (i as f64 + random.share()) / times as f64;
        let is_first = i == 0 || i >= times;
        sleep(takes.mul_f64(if is_first { 0.0 } else { share }));
        run.kill().unwrap();
        kills += usize::from(!run.wait().unwrap().success());
        // The old run as it was, or another.
        if out.join("manifest").is_file() && id(&out) == old_id {
            same(&old_results, &results(&out));
            olds += 1;
        }
        assert_eq!(fs::read_to_string(out.join("mine.txt")).unwrap(), "mine");
        // Who was cut off before the new run began left a folder that holds the user's file alone.
        if !out.join("manifest").is_file() {
            fs::remove_file(out.join("mine.txt")).unwrap();
        }
        ends_well(&mut place.command("run", &out, "--force"));
        ends_as(&whole, &out);
    }
    // A few kills may all come before the new run begins.
    assert!(
        olds > 0 && (times < 100 || kills > olds),
        "{olds} of {kills}"
    );
}

/// The number of the run in a folder.
fn id(path: &Path) -> String {
    let manifest = fs::read_to_string(path.join("manifest")).unwrap();
    manifest.split(' ').nth(3).unwrap().to_owned()
}

#[test]
fn a_run_that_is_killed_while_it_replaces_another_leaves_one_of_them() {
    killed_replacing(7, 20);
}

#[test]
#[ignore = "takes longer than all others here"]
fn a_run_that_is_killed_often_while_it_replaces_another_leaves_one_of_them() {
    killed_replacing(8, 200);
}
