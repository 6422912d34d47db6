//! Which modes of p a fit covers, in a sentence.

use crate::judge::diagnostics::ModeOfTarget;
use crate::record::FitSummary;
use crate::text::{numbered, trimmed};

/// Up to so many modes are told of by their places.
const MOST_PLACES: usize = 3;
/// In more dimensions than this places are no words.
const MOST_DIMS: usize = 3;
/// Of up to so many components of q it is told which modes they are at.
const MOST_COMPONENTS: usize = 6;
/// What is missed is nearly all of p from here on, and what is left beside that hardly any.
const NEARLY_ALL: f64 = 0.995;

/// What became of the modes of p at the best run; none where they are not known, or there is one and q is there.
pub fn coverage(fit: &FitSummary) -> Option<String> {
    let best = fit.best.as_ref()?;
    let name = if best.of_x.is_some() { "u" } else { "x" };
    let components = best.mixture.weights.len();
    sentence(&best.diagnostics.each_mode, components, name)
}

/// Whether what is to be said of modes is more than how little of p is missed.
pub fn matters(fit: &FitSummary) -> bool {
    let best = fit.best.as_ref();
    best.is_some_and(|best| left_out(&best.diagnostics.each_mode).is_none())
}

/// The share of p at the modes that q does not cover, where q covers some and these are next to nothing.
fn left_out(modes: &[ModeOfTarget]) -> Option<f64> {
    let others = modes.iter().filter(|mode| !mode.covered);
    let share = others.map(|mode| mode.share).sum::<Option<f64>>()?;
    let is_some = modes.iter().any(|mode| mode.covered) && modes.iter().any(|mode| !mode.covered);
    (is_some && share <= 1.0 - NEARLY_ALL).then_some(share)
}

/// The same of the modes and of how many components q has; `name` is what points are called.
fn sentence(modes: &[ModeOfTarget], k: usize, name: &str) -> Option<String> {
    let (covered, others): (Vec<&ModeOfTarget>, Vec<&ModeOfTarget>) =
        modes.iter().partition(|mode| mode.covered);
    let all = modes.len();
    if let Some(share) = left_out(modes) {
        return Some(format!(
            "q covers all but {} % of p, with {} of its {all} modes",
            percent(share),
            covered.len()
        ));
    }
    let (thin, missed): (Vec<&ModeOfTarget>, Vec<&ModeOfTarget>) =
        (others.into_iter()).partition(|mode| mode.is_under_q() && all > 1);
    // Peaks of a formula or a grid are those that a search met.
    let found = match modes.iter().all(|mode| mode.share.is_some()) {
        true => "",
        false => " that were found",
    };
    let misses = misses(&missed);
    let coordinates = modes.iter().flat_map(|mode| &mode.at);
    let places = Places {
        name,
        scale: coordinates.fold(0.0, |most: f64, x| most.max(x.abs())),
    };
    let every = match all {
        2 => "both modes".to_owned(),
        n => format!("all {n} modes"),
    };
    let thin_at = thinly(&thin, places);
    if let (Some(thin), true) = (&thin_at, missed.is_empty()) {
        return Some(format!("q lies over {every} of p, but {thin}"));
    }
    let and_thin = thin_at.map_or_else(String::new, |thin| format!(", and {thin}"));
    let said = match (covered.len(), all) {
        (_, 0) | (1, 1) => None,
        // The top of a formula need not be where much of p is.
        (0, 1) if modes[0].share.is_none() => None,
        (0, 1) => {
            let place = places
                .of(missed[0])
                .map_or_else(String::new, |place| format!(", {place}"));
            Some(format!("q is not at the mode of p{place}"))
        }
        (0, _) => Some(format!("q covers none of the {all} modes of p{found}")),
        (n, _) if n == all => {
            let by = match k {
                1 => " with one component".to_owned(),
                _ => {
                    components(&covered, k, places).map_or_else(String::new, |by| format!(": {by}"))
                }
            };
            Some(format!("q covers {every} of p{found}{by}"))
        }
        (1, _) => {
            let at = places
                .of(covered[0])
                .map_or_else(String::new, |place| format!(", the one {place}"));
            let comma = if at.is_empty() { "" } else { "," };
            let of = match all {
                2 => "two".to_owned(),
                n => n.to_string(),
            };
            Some(match misses {
                Some(misses) => format!(
                    "q sits on one of {of} modes of p{found}{at}{comma} and misses {misses} of p"
                ),
                None => format!("q sits on one of {of} modes of p{found}{at}"),
            })
        }
        (n, _) => {
            let misses =
                misses.map_or_else(String::new, |misses| format!(" and misses {misses} of p"));
            let told: Option<Vec<String>> = match missed.len() <= MOST_PLACES {
                true => missed.iter().map(|mode| places.of(mode)).collect(),
                false => None,
            };
            let which = told.map_or_else(String::new, |places| {
                let modes = if places.len() == 1 {
                    "the mode"
                } else {
                    "the modes"
                };
                format!(", {modes} {}", joined(&places))
            });
            Some(format!(
                "q covers {n} of {all} modes of p{found}{misses}{which}"
            ))
        }
    };
    said.map(|said| said + &and_thin)
}

/// How little q puts on modes that it lies over and does not cover.
fn thinly(thin: &[&ModeOfTarget], places: Places) -> Option<String> {
    let sum = |of: fn(&ModeOfTarget) -> Option<f64>| -> Option<f64> {
        thin.iter().map(|mode| of(mode)).sum()
    };
    let (share, share_of_q) = (sum(|mode| mode.share)?, sum(|mode| mode.share_of_q)?);
    let told: Option<Vec<String>> = match thin.len() {
        0 => return None,
        1..=MOST_PLACES => thin.iter().map(|mode| places.of(mode)).collect(),
        _ => None,
    };
    let at = told.map_or_else(String::new, |places| format!(", {}", joined(&places)));
    Some(format!(
        "puts {} % where p has {} %{at}",
        percent(share_of_q),
        percent(share)
    ))
}

/// How much of p belongs to modes that are missed.
fn misses(missed: &[&ModeOfTarget]) -> Option<String> {
    let shares: Option<f64> = missed.iter().map(|mode| mode.share).sum();
    Some(match shares? {
        share if share >= NEARLY_ALL => "nearly all".to_owned(),
        share => format!("{} %", percent(share)),
    })
}

/// A share as a percentage: 70, 3.2, 0.0001.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent >= 10.0 {
        return format!("{percent:.0}");
    }
    if percent < 1e-7 {
        return format!("{percent:.0e}");
    }
    // Two digits, without zeros at the end.
    let decimals = (1.0 - percent.log10().floor()).max(0.0) as usize;
    let text = format!("{percent:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What places are told with.
#[derive(Clone, Copy)]
struct Places<'n> {
    /// What a point is called.
    name: &'n str,
    /// The largest coordinate of all: one that is next to nothing beside it is zero.
    scale: f64,
}

impl Places<'_> {
    /// Where a mode is: at x = -2, or at x = (1, -0.5).
    fn of(self, mode: &ModeOfTarget) -> Option<String> {
        let rounded = |x: &f64| match x.abs() < 1e-4 * self.scale {
            true => "0".to_owned(),
            false => trimmed(*x, 3),
        };
        let numbers: Vec<String> = mode.at.iter().map(rounded).collect();
        let name = self.name;
        match &numbers[..] {
            [] => None,
            [one] => Some(format!("at {name} = {one}")),
            many if many.len() <= MOST_DIMS => Some(format!("at {name} = ({})", many.join(", "))),
            _ => None,
        }
    }
}

/// Which components of q are at which modes, where they are few.
fn components(covered: &[&ModeOfTarget], k: usize, places: Places) -> Option<String> {
    let is_told = covered.len() <= MOST_PLACES && k <= MOST_COMPONENTS;
    let is_split = covered.iter().all(|mode| !mode.components.is_empty());
    if !is_told || !is_split {
        return None;
    }
    let told: Option<Vec<String>> = (covered.iter())
        .map(|mode| {
            let noun = if mode.components.len() == 1 {
                "component"
            } else {
                "components"
            };
            Some(format!(
                "{noun} {} {}",
                numbered(&mode.components),
                places.of(mode)?
            ))
        })
        .collect();
    Some(joined(&told?))
}

/// Words as a list: one, another and a third.
pub fn joined(words: &[String]) -> String {
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(at: &[f64], share: f64, covered: bool, components: &[usize]) -> ModeOfTarget {
        ModeOfTarget {
            at: at.to_vec(),
            share: Some(share),
            share_of_q: Some(if covered { share } else { 0.0 }),
            in_region: Some(if covered { 1.0 } else { 0.0 }),
            covered,
            components: components.to_vec(),
        }
    }

    fn said(modes: &[ModeOfTarget], k: usize) -> String {
        sentence(modes, k, "x").unwrap_or_default()
    }

    #[test]
    fn modes_are_told_of_in_words() {
        let two = |left: bool, right: bool| {
            [
                mode(&[-2.0000004], 0.3, left, &[0]),
                mode(&[3.5], 0.7, right, &[1]),
            ]
        };
        assert_eq!(
            said(&two(true, false), 1),
            "q sits on one of two modes of p, the one at x = -2, and misses 70 % of p"
        );
        let mut one = two(true, true);
        one[1].components.clear();
        assert_eq!(said(&one, 1), "q covers both modes of p with one component");
        assert_eq!(
            said(&two(true, true), 2),
            "q covers both modes of p: component 1 at x = -2 and component 2 at x = 3.5"
        );
        assert_eq!(said(&one, 2), "q covers both modes of p");
        assert_eq!(
            said(&two(false, false), 1),
            "q covers none of the 2 modes of p"
        );
        let small = [
            mode(&[0.0], 1.0 - 1e-6, true, &[0]),
            mode(&[9.0], 1e-6, false, &[]),
        ];
        assert_eq!(
            said(&small, 1),
            "q covers all but 0.0001 % of p, with 1 of its 2 modes"
        );
        let large = [
            mode(&[0.0], 1.0 - 1e-6, false, &[]),
            mode(&[9.0], 1e-6, true, &[0]),
        ];
        assert!(said(&large, 1).ends_with("and misses nearly all of p"));
    }

    #[test]
    fn a_mode_that_q_lies_over_is_not_missed() {
        let thin = ModeOfTarget {
            share_of_q: Some(0.048),
            in_region: Some(0.98),
            ..mode(&[5.0], 0.5, false, &[])
        };
        let modes = [mode(&[0.0], 0.5, true, &[0]), thin.clone()];
        assert_eq!(
            said(&modes, 1),
            "q lies over both modes of p, but puts 4.8 % where p has 50 %, at x = 5"
        );
        let modes = [
            mode(&[0.0], 0.3, true, &[0]),
            thin,
            mode(&[9.0], 0.2, false, &[]),
        ];
        assert_eq!(
            said(&modes, 1),
            "q sits on one of 3 modes of p, the one at x = 0, and misses 20 % of p, and puts 4.8 % where p has 50 %, \
             at x = 5"
        );
    }

    #[test]
    fn of_many_modes_those_that_are_missed_are_named_while_they_are_few() {
        let ring = |covered: usize| -> Vec<ModeOfTarget> {
            let at = |i: usize| [i as f64, 1e-9];
            (0..8)
                .map(|i| mode(&at(i), 0.125, i < covered, &[]))
                .collect()
        };
        assert_eq!(
            said(&ring(8), 1),
            "q covers all 8 modes of p with one component"
        );
        assert_eq!(said(&ring(8), 9), "q covers all 8 modes of p");
        assert_eq!(
            said(&ring(6), 6),
            "q covers 6 of 8 modes of p and misses 25 % of p, the modes at x = (6, 0) and at x = (7, 0)"
        );
        assert_eq!(
            said(&ring(3), 3),
            "q covers 3 of 8 modes of p and misses 62 % of p"
        );
        assert_eq!(
            said(&ring(1), 1),
            "q sits on one of 8 modes of p, the one at x = (0, 0), and misses 88 % of p"
        );
        // In many dimensions places are no words.
        let deep = [
            mode(&[0.0; 9], 0.5, true, &[0]),
            mode(&[1.0; 9], 0.5, false, &[]),
        ];
        assert_eq!(
            said(&deep, 1),
            "q sits on one of two modes of p and misses 50 % of p"
        );
    }

    #[test]
    fn of_one_mode_or_none_nothing_is_said_unless_q_is_not_there() {
        assert_eq!(sentence(&[], 3, "x"), None);
        assert_eq!(sentence(&[mode(&[0.0], 1.0, true, &[0])], 1, "x"), None);
        let away = sentence(&[mode(&[0.5], 1.0, false, &[0])], 1, "u");
        assert_eq!(away.unwrap(), "q is not at the mode of p, at u = 0.5");
        let of_formula = ModeOfTarget {
            share: None,
            ..mode(&[0.5], 1.0, false, &[0])
        };
        assert_eq!(sentence(&[of_formula], 1, "x"), None);
    }

    #[test]
    fn without_shares_no_share_is_told() {
        let found = |covered| ModeOfTarget {
            share: None,
            share_of_q: None,
            ..mode(&[1.0, 2.0], 0.0, covered, &[])
        };
        assert_eq!(
            said(&[found(true), found(false)], 1),
            "q sits on one of two modes of p that were found, the one at x = (1, 2)"
        );
        assert_eq!(
            said(&[found(true), found(true)], 1),
            "q covers both modes of p that were found with one component"
        );
    }
}
