//! What a sweep shows: the best of its points, and what each of its settings did.

use super::coverage::joined;
use super::table::{Table, with_unit};
use crate::divergence::{DivergenceKind, Estimate};
use crate::plot::Picture;
use crate::record::{FitSummary, Summary};
use crate::run_folder::key_in_words;
use crate::text::count;

/// A sweep as its report tells of it.
pub struct Swept {
    /// Its figure.
    pub picture: Picture,
    /// Of each point the keys that it sets, each with its value.
    pub settings: Vec<Vec<(String, String)>>,
}

/// One fit of one point, as far as a run of it ended.
struct End<'s> {
    point: usize,
    fit: &'s FitSummary,
    value: Estimate,
}

impl Swept {
    /// The swept keys as people call them, in order.
    pub fn keys(&self) -> Vec<String> {
        let keys = self.full_keys();
        let short = key_in_words;
        (keys.iter())
            .map(|key| {
                let same = keys
                    .iter()
                    .filter(|other| short(other) == short(key))
                    .count();
                match same {
                    1 => short(key),
                    _ => (*key).to_owned(),
                }
            })
            .collect()
    }

    fn full_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in self.settings.iter().flatten() {
            if !keys.contains(&&**key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Which point ended lowest at its first fit; none if every run of all failed.
    pub fn best(&self, points: &[(String, Summary)]) -> Option<usize> {
        self.ends(points, 0).first().map(|end| end.point)
    }

    /// Where the fits at one place of all points ended, the lowest first, by what they have in common.
    fn ends<'s>(&self, points: &'s [(String, Summary)], place: usize) -> Vec<End<'s>> {
        let kind = common(points, place);
        let mut ends: Vec<End> = (points.iter().enumerate())
            .filter_map(|(point, (_, summary))| {
                let fit = summary.fits.get(place)?;
                let value = fit.best.as_ref()?.divergences.estimate(kind?);
                (!value.value.is_nan()).then_some(End { point, fit, value })
            })
            .collect();
        ends.sort_by(|a, b| a.value.value.total_cmp(&b.value.value));
        ends
    }

    /// What came out, in a few sentences.
    pub fn answer(&self, points: &[(String, Summary)]) -> Vec<String> {
        let (ends, Some(kind)) = (self.ends(points, 0), common(points, 0)) else {
            return Vec::new();
        };
        let Some(best) = ends.first() else {
            return vec!["Every run of every point failed.".to_owned()];
        };
        let of = match points.iter().map(|(_, summary)| summary.fits.len()).max() {
            Some(1) | None => String::new(),
            _ => format!(" of {}", best.fit.label),
        };
        let rest = match best.fit.has_arrived() {
            true => "",
            false => ", though it is not at rest there",
        };
        let mut sentences = vec![format!(
            "{}{of} ends lowest at {}: {}{rest}.",
            kind.symbol(),
            points[best.point].0,
            with_unit(best.value, kind)
        )];
        sentences.extend(self.trends(&ends, kind));
        let fits = || points.iter().flat_map(|(_, summary)| &summary.fits);
        let failed: usize = fits().map(|fit| fit.failed).sum();
        let all: usize = fits().map(|fit| fit.restarts).sum();
        if failed > 0 {
            sentences.push(format!("{failed} of {} failed.", count(all, "run")));
        }
        let moving = fits()
            .filter(|fit| fit.best.is_some() && !fit.has_arrived())
            .count();
        if moving > 0 {
            sentences.push(format!(
                "{moving} of {} had not come to rest: where they ended is no optimum.",
                count(fits().count(), "fit")
            ));
        }
        sentences
    }

    /// Of each key with numbers whether the median end goes one way with it.
    fn trends(&self, ends: &[End], kind: DivergenceKind) -> Vec<String> {
        let (keys, names) = (self.full_keys(), self.keys());
        let mut trends = Vec::new();
        for (key, name) in keys.into_iter().zip(names) {
            let mut values: Vec<(f64, String, f64)> = (self.values(key).into_iter())
                .filter_map(|text| {
                    let number = text.parse::<f64>().ok()?;
                    let median = median(&self.at(ends, key, &text))?.value;
                    Some((number, text, median))
                })
                .collect();
            values.sort_by(|a, b| a.0.total_cmp(&b.0));
            let goes = |down: bool| {
                let pairs = values.windows(2);
                values.len() > 1
                    && pairs.clone().all(|pair| match down {
                        true => pair[1].2 < pair[0].2,
                        false => pair[1].2 > pair[0].2,
                    })
            };
            let (Some(first), Some(last)) = (values.first(), values.last()) else {
                continue;
            };
            let way = match (goes(true), goes(false)) {
                (true, _) => "falls",
                (_, true) => "rises",
                _ => continue,
            };
            if values.len() < self.values(key).len() {
                continue;
            }
            trends.push(format!(
                "From {name} {} to {} the median {} {way} from {:.2e} to {:.2e}.",
                first.1,
                last.1,
                kind.symbol(),
                first.2,
                last.2
            ));
        }
        trends
    }

    /// Every value of a key, in the order they first come.
    fn values(&self, key: &str) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for (_, value) in self.settings.iter().flatten().filter(|(one, _)| one == key) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        values
    }

    /// The ends at a value of a key, the lowest first.
    fn at<'e, 's>(&self, ends: &'e [End<'s>], key: &str, value: &str) -> Vec<&'e End<'s>> {
        let is_set = |end: &&End| {
            let settings = self.settings.get(end.point).into_iter().flatten();
            settings
                .into_iter()
                .any(|(one, of)| one == key && of == value)
        };
        ends.iter().filter(is_set).collect()
    }

    /// The lowest, the median and the highest end.
    pub fn numbers(&self, points: &[(String, Summary)]) -> Vec<(String, String)> {
        let (ends, Some(kind)) = (self.ends(points, 0), common(points, 0)) else {
            return Vec::new();
        };
        let all: Vec<&End> = ends.iter().collect();
        let symbol = kind.symbol();
        let at = |which: &str, end: &End| {
            let what = format!("{which} {symbol}, {}", points[end.point].0);
            (what, with_unit(end.value, kind))
        };
        let mut numbers: Vec<_> = ends
            .first()
            .map(|end| at("lowest", end))
            .into_iter()
            .collect();
        if let (Some(median), Some(highest), true) = (median(&all), ends.last(), ends.len() > 1) {
            let what = format!("median {symbol} of {}", count(ends.len(), "point"));
            numbers.push((what, with_unit(median, kind)));
            numbers.push(at("highest", highest));
        }
        numbers
    }

    /// For each fit and each key a table: of each value the lowest and the median end over the other settings, and
    /// how many runs failed and fits had not come to rest. With what each is of.
    pub fn effects(&self, points: &[(String, Summary)]) -> Vec<(String, Table)> {
        let fits = points.iter().map(|(_, summary)| summary.fits.len()).max();
        let fits = fits.unwrap_or(0);
        let mut tables = Vec::new();
        for place in 0..fits {
            let Some(kind) = common(points, place) else {
                continue;
            };
            let ends = self.ends(points, place);
            let label = points
                .iter()
                .find_map(|(_, summary)| Some(&summary.fits.get(place)?.label));
            for (key, name) in self.full_keys().into_iter().zip(self.keys()) {
                let what = match (fits, label) {
                    (1, _) | (_, None) => name.clone(),
                    (_, Some(label)) => format!("{name}, {label}"),
                };
                tables.push((what, self.effect(points, place, &ends, (key, &name), kind)));
            }
        }
        tables
    }

    fn effect(
        &self,
        points: &[(String, Summary)],
        place: usize,
        ends: &[End],
        (key, name): (&str, &str),
        kind: DivergenceKind,
    ) -> Table {
        let symbol = kind.symbol();
        let header = [
            name.to_owned(),
            format!("lowest {symbol}"),
            format!("median {symbol}"),
            "runs failed".to_owned(),
            "not at rest".to_owned(),
        ];
        let rows = self.values(key).into_iter().map(|value| {
            let here = self.at(ends, key, &value);
            let text = |end: Option<Estimate>| {
                end.map_or_else(|| "every run failed".to_owned(), |end| end.to_string())
            };
            let fits = || {
                let is_set = |settings: &Vec<(String, String)>| {
                    settings.iter().any(|(one, of)| one == key && *of == value)
                };
                (points.iter().zip(&self.settings))
                    .filter(move |(_, settings)| is_set(settings))
                    .filter_map(|((_, summary), _)| summary.fits.get(place))
            };
            let failed: usize = fits().map(|fit| fit.failed).sum();
            let runs: usize = fits().map(|fit| fit.restarts).sum();
            let ended = fits().filter(|fit| fit.best.is_some()).count();
            let moving = fits()
                .filter(|fit| fit.best.is_some() && !fit.has_arrived())
                .count();
            vec![
                value.clone(),
                text(here.first().map(|end| end.value)),
                text(median(&here)),
                format!("{failed} of {runs}"),
                format!("{moving} of {ended}"),
            ]
        });
        Table {
            rows: rows.collect(),
            header: header.to_vec(),
            right: Vec::new(),
        }
    }

    /// What the base of all points is, and how the others differ.
    pub fn base(&self) -> String {
        format!(
            "The config below is that of the point that ended lowest. The others differ in {} alone; each has its own \
             beside its results",
            joined(&self.keys())
        )
    }
}

/// The median of some that are sorted: between the two in the middle, with the error of both.
fn median(ends: &[&End]) -> Option<Estimate> {
    let last = ends.len().checked_sub(1)?;
    let (low, high) = (ends[last / 2].value, ends[last.div_ceil(2)].value);
    if last.is_multiple_of(2) {
        return Some(low);
    }
    Some(Estimate {
        value: 0.5 * (low.value + high.value),
        error: 0.5 * (low.error + high.error),
        ..high
    })
}

/// What fits at one place of all points can be compared by: what they all minimise, or what all were judged by.
fn common(points: &[(String, Summary)], place: usize) -> Option<DivergenceKind> {
    let fits = || {
        points
            .iter()
            .filter_map(|(_, summary)| summary.fits.get(place))
    };
    let own = fits().next()?.divergence;
    if fits().all(|fit| fit.divergence == own) {
        return Some(own);
    }
    let is_known = |kind: &DivergenceKind| {
        let mut best = fits().filter_map(|fit| fit.best.as_ref());
        best.all(|best| !best.divergences.estimate(*kind).value.is_nan())
    };
    Some(DivergenceKind::Js).filter(is_known)
}
