//! Counts how often klfit's numbers lie within what klfit says of them.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use klfit::{Answer, Claim, DivergenceKind, Method, Operand, Question};

use super::pairs::Pair;
use super::truth::Truth;

/// The share of deterministic numbers that may be off by more than their ± …
pub const MISSES: f64 = 1e-3;
/// … and by how many times it none may be.
pub const FARTHEST: f64 = 3.0;
/// The share of 95 % intervals of samples that hold the truth, at least, whatever chance does.
pub const COVERAGE: f64 = 0.94;
/// Samples that are off by more half widths of their intervals than this are told.
const FARTHEST_SAMPLE: f64 = 4.0;
/// Draws under each side, where the method is one of sampling.
const SAMPLES: u64 = 4096;
/// How many of the worst are printed.
const TOLD: usize = 24;

/// What is counted by itself: dimension, method asked for, divergence.
pub type Key = (usize, &'static str, DivergenceKind);

/// What was said of one number, and what is true.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub value: f64,
    /// Half the interval that it is said to lie in.
    pub half: f64,
    /// A sample's interval, which need not be around the value.
    pub interval: Option<[f64; 2]>,
    pub bracket: Option<[f64; 2]>,
    pub truth: Truth,
}

impl Verdict {
    fn of(answer: &Answer, truth: Truth) -> Option<Self> {
        // A number that is said to be lost is none.
        if answer.value.is_nan() {
            return None;
        }
        let half = match (answer.value.is_finite(), answer.error) {
            // An infinite number has no error.
            (false, _) => 0.0,
            (true, error) => error?,
        };
        let is_sample = answer.claim == Claim::Sample && answer.value.is_finite();
        Some(Self {
            value: answer.value,
            half,
            interval: if is_sample {
                Some(answer.interval?)
            } else {
                None
            },
            bracket: answer.bracket.map(|bracket| [bracket.lower, bracket.upper]),
            truth,
        })
    }

    /// How many times its ± a number is off, beyond what the truth and the last bit may be.
    pub fn times(&self) -> f64 {
        if self.value == self.truth.value {
            return 0.0;
        }
        let off = (self.value - self.truth.value).abs() - self.truth.error;
        let half = self.half + f64::EPSILON * self.truth.value.abs();
        if off.is_nan() {
            f64::INFINITY
        } else {
            (off / half).max(0.0)
        }
    }

    /// How many half widths of its interval a sample is off.
    fn times_beyond(&self, [low, high]: [f64; 2]) -> f64 {
        let off = (self.value - self.truth.value).abs() - self.truth.error;
        let half = 0.5 * (high - low) + f64::EPSILON * self.truth.value.abs();
        if off.is_nan() {
            f64::INFINITY
        } else {
            off / half
        }
    }

    fn is_covered(&self) -> bool {
        let Truth { value, error } = self.truth;
        (self.interval).is_some_and(|[low, high]| low <= value + error && value - error <= high)
    }
}

/// How often numbers of one kind held.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Deterministic numbers.
    pub numbers: u64,
    pub misses: u64,
    /// Misses by more than [`FARTHEST`] times their ±.
    pub far: u64,
    worst: f64,
    /// ± as shares of the numbers.
    shares: Vec<f64>,
    /// Numbers whose ± is below what the judge itself knows.
    unresolved: u64,
    /// Samples, and those whose interval holds the truth.
    pub samples: u64,
    pub covered: u64,
    /// Brackets, those the truth is outside of, and those the number is outside of.
    pub brackets: u64,
    pub broken: u64,
    pub outside: u64,
    /// No number, or one without an error.
    pub bare: u64,
}

impl Tally {
    pub fn add(&mut self, verdict: Option<&Verdict>) {
        let Some(verdict) = verdict else {
            self.bare += 1;
            return;
        };
        let Truth { value, error } = verdict.truth;
        if let Some([lower, upper]) = verdict.bracket {
            self.brackets += 1;
            let slack = error + f64::EPSILON * value.abs();
            self.broken += u64::from(
                !(value == lower && value == upper
                    || lower <= value + slack && value - slack <= upper),
            );
            if verdict.interval.is_none() {
                self.outside += u64::from(!(lower <= verdict.value && verdict.value <= upper));
            }
        }
        if verdict.interval.is_some() {
            self.samples += 1;
            self.covered += u64::from(verdict.is_covered());
        } else {
            self.numbers += 1;
            let times = verdict.times();
            self.misses += u64::from(times > 1.0);
            self.far += u64::from(times > FARTHEST);
            self.worst = self.worst.max(times);
            self.unresolved += u64::from(error > verdict.half && value.is_finite());
        }
        if value.is_finite() && value != 0.0 {
            self.shares.push(verdict.half / value.abs());
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.numbers += other.numbers;
        self.misses += other.misses;
        self.far += other.far;
        self.worst = self.worst.max(other.worst);
        self.shares.extend(&other.shares);
        self.unresolved += other.unresolved;
        self.samples += other.samples;
        self.covered += other.covered;
        self.brackets += other.brackets;
        self.broken += other.broken;
        self.outside += other.outside;
        self.bare += other.bare;
    }

    fn median_share(&self) -> f64 {
        let mut shares = self.shares.clone();
        shares.sort_by(f64::total_cmp);
        shares.get(shares.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        let coverage = match self.samples {
            0 => String::new(),
            n => format!("{:.1} %", 100.0 * self.covered as f64 / n as f64),
        };
        write!(
            f,
            "{:>7} {:>7} {:>7} {:>8.1e} {:>8.1e} {:>7} │ {:>7} {:>8} │ {:>7} {:>7} {:>7} {:>6}",
            self.numbers,
            self.misses,
            self.far,
            self.worst,
            self.median_share(),
            self.unresolved,
            self.samples,
            coverage,
            self.brackets,
            self.broken,
            self.outside,
            self.bare
        )
    }
}

/// Every tally, and the worst of all.
#[derive(Debug, Default)]
pub struct Judgement {
    pub tallies: BTreeMap<Key, Tally>,
    worst: Vec<(f64, String)>,
}

impl Judgement {
    pub fn add(&mut self, key: Key, what: &dyn Display, verdict: Option<&Verdict>) {
        self.tallies.entry(key).or_default().add(verdict);
        let Some(verdict) = verdict else {
            return;
        };
        let (times, limit) = match verdict.interval {
            None => (verdict.times(), 1.0),
            Some(_) if verdict.is_covered() => return,
            Some(interval) => (verdict.times_beyond(interval), FARTHEST_SAMPLE),
        };
        if times > limit {
            let Verdict {
                value, half, truth, ..
            } = verdict;
            let (_, method, kind) = key;
            self.worst.push((
                times,
                format!(
                    "{what}, {} by {method}: {value} ± {half:.1e}, and is {} ± {:.0e}",
                    kind.name(),
                    truth.value,
                    truth.error
                ),
            ));
            self.worst.sort_by(|a, b| b.0.total_cmp(&a.0));
            self.worst.truncate(TOLD);
        }
    }

    fn merge(&mut self, other: Self) {
        for (key, tally) in other.tallies {
            self.tallies.entry(key).or_default().merge(&tally);
        }
        self.worst.extend(other.worst);
        self.worst.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.worst.truncate(TOLD);
    }

    /// All divergences of one dimension and method together.
    pub fn by_method(&self) -> BTreeMap<(usize, &'static str), Tally> {
        let mut together: BTreeMap<_, Tally> = BTreeMap::new();
        for ((dim, method, _), tally) in &self.tallies {
            together.entry((*dim, *method)).or_default().merge(tally);
        }
        together
    }

    /// What was promised and is not so.
    ///
    /// Of `pairs` intervals, chance alone may keep some more or fewer from the truth.
    pub fn complaints(&self, pairs: f64) -> Vec<String> {
        let mut all = Vec::new();
        for ((dim, method), tally) in self.by_method() {
            let mut report_error = |what: String| all.push(format!("{dim}-D, {method}: {what}"));
            // Of few numbers, chance may make one more.
            if tally.misses as f64 > 1.0 + MISSES * tally.numbers as f64 {
                report_error(format!(
                    "{} of {} beyond their ±",
                    tally.misses, tally.numbers
                ));
            }
            if tally.far > 0 {
                report_error(format!("{} beyond {FARTHEST} times their ±", tally.far));
            }
            if tally.broken + tally.outside > 0 {
                let (broken, outside) = (tally.broken, tally.outside);
                report_error(format!(
                    "{broken} truths and {outside} numbers outside their brackets"
                ));
            }
            // Of fewer, nothing can be said.
            if tally.samples >= 20 {
                let coverage = tally.covered as f64 / tally.samples as f64;
                let chance = 3.0 * (0.95 * 0.05 / pairs.min(tally.samples as f64)).sqrt();
                if coverage < COVERAGE - chance {
                    report_error(format!("95 % intervals cover {:.1} %", 100.0 * coverage));
                }
            }
        }
        all
    }
}

impl Display for Judgement {
    fn fmt(&self, f: &mut Formatter) -> fmt::Result {
        writeln!(
            f,
            "{:<3} {:<12} {:<17} │ {:>7} {:>7} {:>7} {:>8} {:>8} {:>7} │ {:>7} {:>8} │ {:>7} {:>7} {:>7} {:>6}",
            "D",
            "method",
            "divergence",
            "numbers",
            "misses",
            "> 3 ±",
            "worst",
            "±/value",
            "unsure",
            "samples",
            "cover",
            "bracket",
            "broken",
            "outside",
            "bare"
        )?;
        for ((dim, method, kind), tally) in &self.tallies {
            writeln!(f, "{dim:<3} {method:<12} {:<17} │ {tally}", kind.name())?;
        }
        for ((dim, method), tally) in self.by_method() {
            writeln!(f, "{dim:<3} {method:<12} {:<17} │ {tally}", "all")?;
        }
        for (times, what) in &self.worst {
            writeln!(f, "{times:.1e} ×: {what}")?;
        }
        Ok(())
    }
}

/// Every divergence between two densities.
pub fn all_divergences() -> Vec<DivergenceKind> {
    let of_densities = |kind: &DivergenceKind| !kind.needs_no_density();
    DivergenceKind::all()
        .into_iter()
        .filter(of_densities)
        .collect()
}

/// Asks klfit for every divergence of some pairs by every method.
pub fn judge_pairs(count: usize, pair: impl Fn(usize) -> Pair + Sync) -> Judgement {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Judgement::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Judgement::default();
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= count {
                        break;
                    }
                    judge_pair(&pair(i), &mut own);
                }
                all.lock().unwrap().merge(own);
            });
        }
    });
    all.into_inner().unwrap()
}

fn judge_pair(pair: &Pair, judgement: &mut Judgement) {
    let methods: &[Method] = match pair.p.dim() {
        3 => &[Method::Auto, Method::MonteCarlo, Method::Qmc],
        _ => &[
            Method::Auto,
            Method::Quadrature,
            Method::MonteCarlo,
            Method::Qmc,
        ],
    };
    let kinds: Vec<DivergenceKind> = (all_divergences().into_iter())
        .filter(|kind| pair.truths.of(*kind).is_some())
        .collect();
    for &method in methods {
        // In the plane it is what is chosen, and takes most of the time.
        if method == Method::Quadrature && pair.p.dim() == 2 && !pair.number.is_multiple_of(4) {
            continue;
        }
        let question = Question {
            divergences: kinds.iter().map(|kind| (*kind).into()).collect(),
            method,
            samples: Some(SAMPLES),
            seed: pair.number,
            brackets: method == Method::Auto,
            ..Question::default()
        };
        let (p, q) = (
            Operand::new("p", pair.p.clone()),
            Operand::new("q", pair.q.clone()),
        );
        let answers = question.ask(&p, &q, &|_| {}).unwrap_or_default();
        for &kind in &kinds {
            let truth = pair.truths.of(kind).unwrap();
            let answer = answers
                .iter()
                .find(|answer| answer.divergence == kind.into());
            let verdict = answer.and_then(|answer| Verdict::of(answer, truth));
            let key = (pair.p.dim(), method.name(), kind);
            judgement.add(key, &format!("pair {}", pair.number), verdict.as_ref());
        }
    }
}
