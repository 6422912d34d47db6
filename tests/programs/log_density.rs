//! A target by a program, for tests: answers batches of points on standard input with log p and its gradient.
//!
//! `log_density NAME [OPTION …]`, where NAME is `gaussian`, `single`, `gamma`, `eight-schools` or `constant`, and an option is what goes wrong.

use std::io::{Read, Write, stdin, stdout};
use std::path::Path;
use std::time::Duration;

/// The points `[N, D]` of one batch as bytes, and D; `None` where there are no more.
fn read() -> Option<(Vec<u8>, usize)> {
    let mut start = [0; 10];
    stdin().read_exact(&mut start).ok()?;
    let len = u16::from_le_bytes([start[8], start[9]]);
    let mut header = vec![0; len.into()];
    stdin().read_exact(&mut header).ok()?;
    let header = String::from_utf8(header).unwrap();
    let shape = header.split(['(', ')']).nth(1).unwrap();
    let shape: Vec<usize> = (shape.split(','))
        .filter_map(|length| length.trim().parse().ok())
        .collect();
    let mut data = vec![0; 8 * shape[0] * shape[1]];
    stdin().read_exact(&mut data).ok()?;
    Some((data, shape[1]))
}

fn write(shape: &[usize], values: &[f64]) {
    stdout().write_all(&encoded(shape, values)).unwrap();
    stdout().flush().unwrap();
}

fn encoded(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|length| format!("{length},")).collect();
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({lengths})}}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

/// log p and its gradient.
fn log_density(name: &str, x: &[f64]) -> (f64, Vec<f64>) {
    match name {
        // N(d, (d / 2)²) in coordinate d = 1, 2, …, without its constant.
        "gaussian" => {
            let z = |(i, x): (usize, &f64)| (x - (i + 1) as f64) / (0.5 * (i + 1) as f64);
            let all: Vec<f64> = x.iter().enumerate().map(z).collect();
            let slopes = all.iter().enumerate();
            (
                all.iter().map(|z| -0.5 * z * z).sum(),
                slopes.map(|(i, z)| -z / (0.5 * (i + 1) as f64)).collect(),
            )
        }
        // The same in 32 bits, with another constant.
        "single" => {
            let all: Vec<f32> = (x.iter().enumerate())
                .map(|(i, x)| (*x as f32 - (i + 1) as f32) / (0.5 * (i + 1) as f32))
                .collect();
            let slopes = all.iter().enumerate();
            (
                (all.iter().map(|z| -0.5 * z * z).sum::<f32>() - 800.0).into(),
                slopes
                    .map(|(i, z)| (-z / (0.5 * (i + 1) as f32)).into())
                    .collect(),
            )
        }
        "gamma" => (9.0 * x[0].ln() - x[0], vec![9.0 / x[0] - 1.0]),
        "eight-schools" => eight_schools(x[0], x[1], &x[2..]),
        name => panic!("there is no {name}"),
    }
}

/// Of mu, tau and eta: what coaching did in eight schools (Rubin 1981).
fn eight_schools(mu: f64, tau: f64, eta: &[f64]) -> (f64, Vec<f64>) {
    let y = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
    let sigma = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];
    let mut value = -0.5 * (mu / 5.0).powi(2) - (tau / 5.0).powi(2).ln_1p();
    let mut slopes = vec![-mu / 25.0, -2.0 * tau / (25.0 + tau * tau)];
    for ((eta, y), sigma) in eta.iter().zip(y).zip(sigma) {
        let z: f64 = (y - mu - tau * eta) / sigma;
        value -= 0.5 * (eta * eta + z * z);
        slopes[0] += z / sigma;
        slopes[1] += z / sigma * eta;
        slopes.push(z / sigma * tau - eta);
    }
    (value, slopes)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = arguments.get(1).map(String::as_str).unwrap_or_default();
    let value = arguments.get(2).map(String::as_str).unwrap_or_default();
    if option == "--leaves" {
        std::fs::write(value, std::process::id().to_string()).unwrap();
    }
    let (mut batches, mut points) = (0, 0);
    let mut ready = (0, Vec::new());
    while let Some((bytes, dim)) = read() {
        batches += 1;
        let count = bytes.len() / 8 / dim;
        points += count;
        if option == "--counts" {
            std::fs::write(value, points.to_string()).unwrap();
        }
        if arguments[0] == "constant" {
            // Nothing but what the batch itself costs.
            if ready.0 != count {
                let shape = [count, 1 + dim];
                ready = (count, encoded(&shape, &vec![0.0; count * (1 + dim)]));
            }
            stdout().write_all(&ready.1).unwrap();
            stdout().flush().unwrap();
            continue;
        }
        let numbers = bytes.chunks_exact(8);
        let x: Vec<f64> = numbers
            .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        match option {
            "--dies" if batches > 40 => {
                eprintln!("the model is out of ideas");
                std::process::exit(7);
            }
            "--dies-once" if batches > 40 && !Path::new(value).exists() => {
                std::fs::write(value, "").unwrap();
                std::process::exit(7);
            }
            "--hangs" => std::thread::sleep(Duration::from_secs(600)),
            "--dies-when" if Path::new(value).exists() => std::process::exit(9),
            "--prints" => println!("sampling ..."),
            _ => {}
        }
        let told = x.chunks_exact(dim).map(|x| log_density(&arguments[0], x));
        match option {
            "--without-gradient" => {
                let values: Vec<f64> = told.map(|(value, _)| value).collect();
                write(&[count], &values);
            }
            "--short" => write(&[1], &[0.0]),
            "--not-a-number" if batches > 1 => write(&[count], &vec![f64::NAN; count]),
            "--not-a-number" => write(&[count], &vec![0.0; count]),
            _ => {
                let rows = told.flat_map(|(value, slope)| std::iter::once(value).chain(slope));
                write(&[count, 1 + dim], &rows.collect::<Vec<f64>>());
            }
        }
    }
}
