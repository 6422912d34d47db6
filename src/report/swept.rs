//! What a sweep shows: the best of its points, and what each of its settings did.

use super::coverage::joined;
use super::table::{Table, with_unit};
use crate::divergence::{DivergenceKind, Estimate};
use crate::plot::Picture;
use crate::record::{FitSummary, Rest, Summary};
use crate::run_folder::key_in_words;
use crate::text::count;

/// So many fits are told of one by one.
const MOST_FITS: usize = 3;
/// Of so many points that end alike each is named.
const MOST_TIED: usize = 4;

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

impl End<'_> {
    /// Its value as it is compared with others.
    fn compared(&self, kind: DivergenceKind) -> Estimate {
        let best = self.fit.best.as_ref();
        best.map_or(self.value, |best| {
            self.fit.compared(&best.divergences, kind)
        })
    }
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

    /// Whether a key of this section is swept.
    pub fn sets(&self, section: &str) -> bool {
        let of = |key: &&str| key.split(['.', '[']).next() == Some(section);
        self.full_keys().iter().any(of)
    }

    /// The whole numbers that keys of this name take.
    pub fn numbers_of(&self, name: &str) -> Vec<usize> {
        let settings = self.settings.iter().flatten();
        let named = settings.filter(|(key, _)| key.rsplit('.').next() == Some(name));
        named.filter_map(|(_, value)| value.parse().ok()).collect()
    }

    /// What came out, in a few sentences for each fit.
    pub fn answer(&self, points: &[(String, Summary)]) -> Vec<String> {
        let fits = points.iter().map(|(_, summary)| summary.fits.len()).max();
        let fits = fits.unwrap_or(0);
        let mut sentences: Vec<String> = (0..fits.min(MOST_FITS))
            .flat_map(|place| self.answer_of(points, place, fits))
            .collect();
        if fits > MOST_FITS {
            let more = count(fits - MOST_FITS, "fit");
            sentences.push(format!("The tables below tell of {more} more."));
        }
        let of_fits = || points.iter().flat_map(|(_, summary)| &summary.fits);
        if of_fits().all(|fit| fit.best.is_none()) {
            return vec!["Every run of every point failed.".to_owned()];
        }
        let failed: usize = of_fits().map(|fit| fit.failed).sum();
        let all: usize = of_fits().map(|fit| fit.restarts).sum();
        if failed > 0 {
            sentences.push(format!("{failed} of {} failed.", count(all, "run")));
        }
        let of = |rest: Rest| of_fits().filter(|fit| fit.rest() == Some(rest)).count();
        let ended = of_fits().filter(|fit| fit.best.is_some()).count();
        let ended = match failed > 0 {
            true => format!("{} that ended", count(ended, "fit")),
            false => count(ended, "fit"),
        };
        let moving = of(Rest::Moving);
        if moving > 0 {
            sentences.push(format!(
                "{moving} of {ended} had not come to rest, and such an end is no optimum."
            ));
        }
        let unknown = of(Rest::Unknown);
        if unknown > 0 {
            sentences.push(format!(
                "Of {unknown} of {ended} it cannot be told whether they had come to rest."
            ));
        }
        sentences
    }

    /// Where one of the fits ended lowest, and what each key did.
    fn answer_of(&self, points: &[(String, Summary)], place: usize, fits: usize) -> Vec<String> {
        let ends = self.ends(points, place);
        let Some((kind, best)) = common(points, place).zip(ends.first()) else {
            return Vec::new();
        };
        let of = match fits {
            1 => String::new(),
            _ => format!(" of {}", best.fit.name()),
        };
        let mut tied: Vec<&End> = (ends.iter())
            .take_while(|end| !end.compared(kind).is_above(best.compared(kind)))
            .collect();
        tied.sort_by_key(|end| end.point);
        let value = with_unit(best.value, kind);
        let symbol = kind.symbol();
        let rest = match tied.iter().all(|end| end.fit.is_moving()) {
            true => ", though it is not at rest there",
            false => "",
        };
        let mut sentences = vec![match (tied.len(), points.len()) {
            (1, _) => format!(
                "{symbol}{of} ends lowest at {}: {value}{rest}.",
                points[best.point].0
            ),
            (n, all) if n == all => {
                format!("{symbol}{of} ends at the same value at every point: {value}{rest}.")
            }
            (n, _) if n <= MOST_TIED => format!(
                "{symbol}{of} ends lowest, at the same value, at {}: {value}{rest}.",
                self.places(&tied, points)
            ),
            (n, all) => format!(
                "{symbol}{of} ends lowest, at the same value, at {n} of {}: {value}{rest}.",
                count(all, "point")
            ),
        }];
        sentences.extend(self.trends(&ends, kind, &of));
        sentences
    }

    /// Several points in a sentence: of one key its values alone follow it.
    fn places(&self, ends: &[&End], points: &[(String, Summary)]) -> String {
        let [name] = &self.keys()[..] else {
            let names: Vec<String> = ends.iter().map(|end| points[end.point].0.clone()).collect();
            return names.join("; ");
        };
        let values = ends.iter().flat_map(|end| self.settings.get(end.point));
        let values: Vec<String> = values.flatten().map(|(_, value)| value.clone()).collect();
        format!("{name} {}", joined(&values))
    }

    /// Of each key with numbers whether the median end goes one way with it.
    fn trends(&self, ends: &[End], kind: DivergenceKind, of: &str) -> Vec<String> {
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
                "From {name} {} to {} the median {}{of} {way} from {:.2e} to {:.2e}.",
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

    /// The lowest, the median and the highest end; of several fits the lowest of each.
    pub fn numbers(&self, points: &[(String, Summary)]) -> Vec<(String, String)> {
        let fits = points.iter().map(|(_, summary)| summary.fits.len()).max();
        let of_fit = |place: usize| {
            let ends = self.ends(points, place);
            let (kind, best) = common(points, place).zip(ends.first())?;
            let what = format!("lowest {}, {}", kind.symbol(), best.fit.name());
            Some((what, with_unit(best.value, kind)))
        };
        if fits.is_some_and(|fits| fits > 1) {
            return (0..MOST_FITS).filter_map(of_fit).collect();
        }
        let (ends, Some(kind)) = (self.ends(points, 0), common(points, 0)) else {
            return Vec::new();
        };
        let all: Vec<&End> = ends.iter().collect();
        let symbol = kind.symbol();
        let of = |which: &str| format!("{which} {symbol} of {}", count(ends.len(), "point"));
        let at = |which: &str, value: Estimate| (of(which), with_unit(value, kind));
        let mut numbers: Vec<_> = (ends.first().map(|end| at("lowest", end.value)))
            .into_iter()
            .collect();
        if let (Some(median), Some(highest), true) = (median(&all), ends.last(), ends.len() > 1) {
            numbers.push(at("median", median));
            numbers.push(at("highest", highest.value));
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
                .find_map(|(_, summary)| Some(summary.fits.get(place)?.name()));
            for (key, name) in self.full_keys().into_iter().zip(self.keys()) {
                let what = match (fits, &label) {
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
            let of = |rest: Rest| fits().filter(|fit| fit.rest() == Some(rest)).count();
            let moving = of(Rest::Moving);
            let moving = match of(Rest::Unknown) {
                0 => format!("{moving} of {ended}"),
                unknown if unknown == ended => "not known".to_owned(),
                unknown => format!("{moving} of {ended}, {unknown} not known"),
            };
            vec![
                value.clone(),
                text(here.first().map(|end| end.value)),
                text(median(&here)),
                format!("{failed} of {runs}"),
                moving,
            ]
        });
        Table {
            rows: rows.collect(),
            header: header.to_vec(),
            right: Vec::new(),
        }
    }

    /// What its point in detail is called, where the first fit ended lowest.
    pub fn heading(&self, points: &[(String, Summary)]) -> String {
        let fit = points
            .iter()
            .find_map(|(_, summary)| summary.fits.get(1).and(summary.fits.first()));
        match fit {
            Some(fit) => format!("The point where {} ended lowest", fit.name()),
            None => "The point that ended lowest".to_owned(),
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
