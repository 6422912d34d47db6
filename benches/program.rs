//! What a batch of points costs beside the program that answers it: `cargo bench --bench program`.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use klfit::internals::{Coordinates, Support, Variable};
use klfit::{External, Invocation};

fn main() {
    klfit::allow_commands();
    divan::main();
}

/// 10⁵ numbers.
const POINTS: usize = 12_500;
const DIM: usize = 8;

/// The program of the tests, which is built beside the benchmarks.
fn program() -> PathBuf {
    let this = std::env::current_exe().expect("a benchmark has a path");
    let built = this
        .ancestors()
        .nth(2)
        .expect("it is in target/release/deps");
    built.join("examples/log_density")
}

/// A program that answers with numbers it has ready: what is left is the batch itself.
#[divan::bench]
fn round_trip(bencher: Bencher) {
    let variable = Variable {
        name: "x".to_owned(),
        len: DIM,
        support: Support::Real,
    };
    let invocation = Invocation {
        command: vec![program().display().to_string(), "constant".to_owned()],
        folder: std::env::temp_dir(),
        timeout: Duration::from_secs(10),
    };
    let external = External::program(invocation, Coordinates::new(vec![variable]));
    let external = external.expect("programs are allowed");
    external.start().expect("cargo build --release --examples");
    let x = vec![0.5; POINTS * DIM];
    let (mut values, mut gradient) = (vec![0.0; POINTS], vec![0.0; POINTS * DIM]);
    bencher
        .counter(ItemsCount::new(POINTS * DIM))
        .bench_local(|| external.evaluate(&x, &mut values, Some(&mut gradient)));
}

/// As many bytes to `cat` and back, from one thread to another: what two pipes cost.
#[divan::bench]
fn pipes_alone(bencher: Bencher) {
    let mut cat = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is a cat");
    let mut stdin = cat.stdin.take().expect("it is piped");
    let mut stdout = cat.stdout.take().expect("it is piped");
    let (to, batches) = std::sync::mpsc::sync_channel::<Vec<u8>>(0);
    std::thread::spawn(move || {
        for batch in batches {
            stdin.write_all(&batch).expect("cat reads");
        }
    });
    let mut back = vec![0; 8 * POINTS * DIM];
    bencher
        .counter(ItemsCount::new(POINTS * DIM))
        .bench_local(|| {
            to.send(vec![0; 8 * POINTS * DIM])
                .expect("the writer waits");
            stdout.read_exact(&mut back).expect("cat writes");
        });
    cat.kill().expect("it is there");
    cat.wait().expect("it ends");
}
