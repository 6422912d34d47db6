//! Kills of every kind, with seed after seed, for as long as one likes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::drawing::{COMMANDS, killed_drawing};
use crate::kills::{killed, killed_replacing};
use crate::sweep::killed_sweeping;

/// How long; without it, one round.
const SECONDS: &str = "KLFIT_SOAK_SECONDS";

/// What is killed, and how with a seed.
type Kind = (&'static str, Box<dyn Fn(u64)>);

/// Every kind of kill, a few of each, with a seed.
fn kinds() -> Vec<Kind> {
    let mut kinds: Vec<Kind> = vec![
        ("run --resume", Box::new(|seed| killed(seed, 8))),
        ("run --force", Box::new(|seed| killed_replacing(seed, 20))),
        (
            "sweep --resume",
            Box::new(|seed| killed_sweeping(seed, 6, "--resume")),
        ),
        (
            "sweep --shard",
            Box::new(|seed| killed_sweeping(seed, 6, "--shard=1/1")),
        ),
    ];
    for command in COMMANDS {
        let kill = move |seed| killed_drawing(command, seed, 4);
        kinds.push((command[0], Box::new(kill)));
    }
    kinds
}

#[test]
#[ignore = "takes as long as it is asked to"]
fn seeds_for_as_long_as_asked() {
    let seconds = std::env::var(SECONDS).map_or(0, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{SECONDS} is {text}"))
    });
    let (started, time) = (Instant::now(), Duration::from_secs(seconds));
    let (mut failed, mut rounds) = (Vec::new(), 0);
    for seed in 1.. {
        for (kind, kill) in kinds() {
            if catch_unwind(AssertUnwindSafe(|| kill(seed))).is_err() {
                println!("{kind} failed with seed {seed}");
                failed.push((kind, seed));
            }
        }
        rounds += 1;
        if started.elapsed() >= time {
            break;
        }
    }
    println!(
        "{rounds} rounds in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    assert!(failed.is_empty(), "{failed:?}");
}
