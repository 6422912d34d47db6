//! Which rows of a sample are drawn, and how large.

use super::thinning::is_drawn;
use crate::density::target::Samples;

/// Rows that have a dot, at most: more would hide each other, and no program would open the file.
const MOST_DOTS: usize = 2000;

/// How many rows have a dot.
pub fn dots(samples: &Samples) -> usize {
    drawn(samples).count()
}

/// The rows that have a dot, with the area of each: of many some that are taken as if at random, heavy ones more often.
pub fn drawn(samples: &Samples) -> impl Iterator<Item = (&[f64], f64)> {
    let all = samples.points().len();
    let share = if all > MOST_DOTS {
        MOST_DOTS as f64 / all as f64
    } else {
        f64::INFINITY
    };
    let rows = samples.points().zip(weights(samples)).enumerate();
    rows.filter_map(move |(i, (row, weight))| {
        if share.is_infinite() {
            return Some((row, visible(weight)));
        }
        let expected = share * weight;
        is_drawn(i, expected).then_some((row, visible(expected.max(1.0))))
    })
}

/// The area of a dot, within what can be seen and does not hide others.
fn visible(area: f64) -> f64 {
    area.clamp(0.04, 9.0)
}

/// The radius of a row's dot in mm: fewer rows leave room for larger ones.
pub fn dot_size(samples: &Samples) -> f64 {
    (6.0 / (dots(samples) as f64).sqrt()).clamp(0.12, 0.5)
}

/// The weight of every row, 1 on average.
fn weights(samples: &Samples) -> Vec<f64> {
    let n = samples.points().len();
    let Some(weights) = samples.weights() else {
        return vec![1.0; n];
    };
    let shares = weights.shares().into_iter();
    shares.map(|share| share * n as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_rows_some_are_drawn_of_every_kind() {
        for count in [2, 3, MOST_DOTS, MOST_DOTS + 1, 4000, 20 * MOST_DOTS + 7] {
            // Two chains side by side, then four, then ten.
            for kinds in [2, 4, 10] {
                let rows = (0..count).flat_map(|i| [i as f64, (i % kinds) as f64]);
                let names = vec!["a".to_owned(), "b".to_owned()];
                let samples = Samples::new(names, rows.collect(), 2).unwrap();
                let found: Vec<&[f64]> = drawn(&samples).map(|(row, _)| row).collect();
                assert_eq!(found.len(), dots(&samples));
                let expected = count.min(MOST_DOTS) as f64;
                assert!(
                    (found.len() as f64 - expected).abs() <= 4.0,
                    "{}",
                    found.len()
                );
                if count >= MOST_DOTS {
                    for kind in 0..kinds {
                        let of_kind = found.iter().filter(|row| row[1] == kind as f64).count();
                        let share = of_kind as f64 * kinds as f64 / expected;
                        assert!((share - 1.0).abs() < 0.05, "{count} {kinds}: {share}");
                    }
                    assert!(found[0][0] < count as f64 / 50.0);
                    assert!(found[found.len() - 1][0] > count as f64 * 0.98);
                }
            }
        }
    }
}
