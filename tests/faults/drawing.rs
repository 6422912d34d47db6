//! SIGKILL while a command draws or reports what a run left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::kills::MOST_TRIES;
use crate::left::{files, passing};
use crate::place::{Place, Random, copy, ends_well, klfit, with_steps};

/// The commands that write into the folder of a finished run, with what follows the folder.
pub const COMMANDS: [&[&str]; 4] = [
    &["plot"],
    &["report"],
    &["animate", "--seconds", "0.5", "--width", "200"],
    &[
        "landscape",
        "--points",
        "32",
        "--across",
        "mean=-3:3:6",
        "--up",
        "std=0.5:2:6",
    ],
];

/// A finished run, and what a command makes of it.
struct Drawn {
    command: &'static [&'static str],
    place: Place,
    /// What the run left.
    own: BTreeMap<String, Vec<u8>>,
    /// What the command adds.
    made: BTreeMap<String, Vec<u8>>,
    takes: Duration,
}

impl Drawn {
    fn new(command: &'static [&'static str]) -> Self {
        let place = Place::new(&with_steps(12));
        place.finish(&place.at("run"));
        let mut this = Self {
            own: files(&place.at("run")),
            made: BTreeMap::new(),
            takes: Duration::ZERO,
            command,
            place,
        };
        this.fresh(false);
        this.takes = ends_well(&mut this.command());
        this.made = files(&this.out());
        this.made.retain(|name, _| !this.own.contains_key(name));
        assert!(!this.made.is_empty());
        this
    }

    fn out(&self) -> PathBuf {
        self.place.at("out")
    }

    fn command(&self) -> Command {
        let mut command = klfit();
        let (name, more) = self.command.split_first().unwrap();
        command.arg(name).arg(self.out()).args(more);
        command
    }

    /// The run as it was; with something older in the place of all that is made of it, or with nothing.
    fn fresh(&self, has_older: bool) {
        // Always in one place, since reports name it.
        _ = fs::remove_dir_all(self.out());
        copy(&self.place.at("run"), &self.out());
        for name in self.made.keys().filter(|_| has_older) {
            let path = self.out().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, older(name)).unwrap();
        }
    }

    /// Waits for it to begin to write: it lists first what it is about to.
    fn begins_to_write(&self, child: &mut Child) {
        let (manifest, length) = (self.out().join("manifest"), self.own["manifest"].len());
        let started = Instant::now();
        while child.try_wait().unwrap().is_none()
            && fs::metadata(&manifest).unwrap().len() == length as u64
        {
            assert!(started.elapsed() < Duration::from_secs(60));
        }
    }

    /// What is there is whole: the run as it was, and of all that is made of it the older or the new.
    fn is_whole(&self, has_older: bool) {
        for (name, bytes) in files(&self.out()) {
            if name == "manifest" {
                assert!(bytes.starts_with(&self.own[&name]));
            } else if let Some(own) = self.own.get(&name) {
                assert!(bytes == *own, "{name} has changed");
            } else if let Some(made) = self.made.get(&name) {
                let is_old = has_older && bytes == older(&name).as_bytes();
                assert!(is_old || is_the_same(&name, &bytes, made), "{name}");
            } else {
                let file = Path::new(&name).file_name().unwrap().to_str().unwrap();
                assert!(file.starts_with(".klfit-"), "{name}");
            }
        }
        for name in self
            .own
            .keys()
            .chain(self.made.keys().filter(|_| has_older))
        {
            assert!(self.out().join(name).is_file(), "{name} is gone");
        }
    }

    /// Kills it at a random instant, and does it again. Says whether it was killed.
    fn kill(&self, random: &mut Random) -> bool {
        let has_older = random.coin();
        self.fresh(has_older);
        let mut child = self.command().spawn().unwrap();
        if random.coin() {
            // The most of its time it does not write.
            self.begins_to_write(&mut child);
            sleep(Duration::from_millis(15).mul_f64(random.share()));
        } else {
            sleep(self.takes.mul_f64(random.share()));
        }
        child.kill().unwrap();
        let was_killed = !child.wait().unwrap().success();
        self.is_whole(has_older);
        ends_well(&mut self.command());
        let mut after = files(&self.out());
        for (name, made) in &self.made {
            let after = after.remove(name).unwrap();
            assert!(is_the_same(name, &after, made), "{name}");
        }
        assert!(after.keys().eq(self.own.keys()), "{:?}", after.keys());
        assert!(passing(&self.out()).is_empty());
        // What was made is listed, so that --force removes it.
        let listed = String::from_utf8(after.remove("manifest").unwrap()).unwrap();
        for name in self.made.keys() {
            assert!(listed.lines().any(|line| line == name), "{name}: {listed}");
        }
        was_killed
    }
}

/// Whether a file is what it was when nobody killed its maker.
fn is_the_same(name: &str, bytes: &[u8], made: &[u8]) -> bool {
    // A PDF may hold its parts in another order: it has its beginning and its end.
    let is_pdf = bytes.starts_with(b"%PDF-") && bytes.trim_ascii_end().ends_with(b"%%EOF");
    bytes == made || (name.ends_with(".pdf") && is_pdf)
}

fn older(name: &str) -> String {
    format!("an older {name}\n")
}

/// Kills a command so many times while it draws a run.
pub fn killed_drawing(command: &'static [&'static str], seed: u64, times: usize) {
    let (drawn, mut random) = (Drawn::new(command), Random::new(seed));
    let mut kills = 0;
    for at in 0..times + MOST_TRIES {
        // Now and then it is faster than each of a few kills.
        if at >= times && kills > 0 {
            return;
        }
        kills += usize::from(drawn.kill(&mut random));
    }
    panic!("it was not killed in {MOST_TRIES} tries");
}

/// Makes a short test and a long one of each command.
macro_rules! killed {
    ($($command:literal: $few:ident, $often:ident;)+) => {
        $(
            #[test]
            fn $few() {
                killed_drawing(COMMANDS[$command], 7, 4);
            }

            #[test]
            #[ignore = "takes longer than all others here"]
            fn $often() {
                killed_drawing(COMMANDS[$command], 8, 60);
            }
        )+

        #[test]
        fn every_command_that_draws_is_killed() {
            assert!([$($command),+].into_iter().eq(0..COMMANDS.len()));
        }
    };
}

killed! {
    0: plot_that_is_killed_leaves_whole_figures, plot_that_is_killed_often_leaves_whole_figures;
    1: report_that_is_killed_leaves_whole_pages, report_that_is_killed_often_leaves_whole_pages;
    2: animate_that_is_killed_leaves_the_old_or_the_new, animate_that_is_killed_often_leaves_the_old_or_the_new;
    3: landscape_that_is_killed_leaves_whole_files, landscape_that_is_killed_often_leaves_whole_files;
}
