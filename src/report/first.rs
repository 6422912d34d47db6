//! What a reader with a minute reads: what was asked, what the answer is, and three numbers.

use std::borrow::Cow;

use super::coverage::{coverage, joined};
use super::swept::Swept;
use super::table::with_unit;
use super::words::{chosen, reading, still_falling};
use super::{Report, Run};
use crate::divergence::{DivergenceKind, Estimate};
use crate::judge::evaluate::ALWAYS_REPORTED;
use crate::plot::Picture;
use crate::record::{FitSummary, RunSummary, Summary};
use crate::run_folder::FinishedFit;
use crate::text::{self, count};

/// So many fits are told of one by one.
const MOST_TOLD: usize = 4;
/// So many numbers stand on the first page.
const NUMBERS: usize = 3;
/// The figure that has the fits side by side.
const COMPARISON: &str = "comparison";

/// The first page of a report.
pub struct First<'r> {
    /// What was fitted to what, by what.
    pub question: String,
    /// Sentences.
    pub answer: Vec<String>,
    /// The one figure that shows it; with where its file is.
    pub figure: Option<(String, &'r Picture)>,
    /// What it is, and the number with its error.
    pub numbers: Vec<(String, String)>,
}

impl<'r> First<'r> {
    /// Of a report.
    pub fn of(report: &'r Report) -> Self {
        match (&report.sweep, &report.runs[..]) {
            (Some(sweep), _) => Self::of_sweep(report, sweep),
            (None, [run]) => Self::of_run(report, run),
            (None, _) => Self::of_several(report),
        }
    }

    fn of_run(report: &'r Report, run: &'r Run) -> Self {
        let picture = run
            .pictures
            .iter()
            .find(|picture| picture.name == COMPARISON);
        let figure = picture.or(run.pictures.first());
        Self {
            question: question(run),
            answer: answer(run),
            figure: figure.map(|picture| (report.file_of(0, picture), picture)),
            numbers: numbers(&run.finished.summary),
        }
    }

    fn of_several(report: &'r Report) -> Self {
        let names: Vec<String> = report
            .summaries
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let listed = match names.len() <= MOST_TOLD {
            true => format!(": {}", joined(&names)),
            false => String::new(),
        };
        let answer = report.runs.iter().take(MOST_TOLD).map(|run| {
            let sentences = answer(run);
            format!("{}: {}", run.name, sentences.join(" "))
        });
        let numbers = report.runs.iter().filter_map(|run| {
            let (what, number) = numbers(&run.finished.summary).into_iter().next()?;
            Some((format!("{}: {what}", run.name), number))
        });
        Self {
            question: format!("{} side by side{listed}.", count(names.len(), "run")),
            answer: answer.collect(),
            figure: None,
            numbers: numbers.take(NUMBERS).collect(),
        }
    }

    fn of_sweep(report: &'r Report, sweep: &'r Swept) -> Self {
        let asked = report.runs.first().map(question).unwrap_or_default();
        let keys = joined(&sweep.keys());
        Self {
            question: format!(
                "What do {} of {keys} change? {asked}",
                count(report.summaries.len(), "setting")
            ),
            answer: sweep.answer(&report.summaries),
            figure: Some((sweep.picture.name.to_owned(), &sweep.picture)),
            numbers: sweep.numbers(&report.summaries),
        }
    }
}

/// What was fitted to what, by which divergences.
fn question(run: &Run) -> String {
    let finished = &run.finished;
    let fits = &finished.fits;
    let mut components: Vec<usize> = Vec::new();
    let mut kinds: Vec<DivergenceKind> = Vec::new();
    for fit in fits {
        let k = fit.plan.family.components();
        if !components.contains(&k) {
            components.push(k);
        }
        if !kinds.contains(&fit.plan.divergence) {
            kinds.push(fit.plan.divergence);
        }
    }
    let numbers: Vec<String> = components.iter().map(usize::to_string).collect();
    let q = match &components[..] {
        [1] => "does a Gaussian q".to_owned(),
        [k] => format!("does a mixture q of {k} Gaussians"),
        _ => format!("do mixtures q of {} Gaussians", joined(&numbers)),
    };
    let by = |kind: &DivergenceKind| format!("{}, {}", kind.title(), kind.symbol());
    let kinds: Vec<String> = kinds.iter().map(by).collect();
    let several = match fits.len() == kinds.len() {
        true => String::new(),
        false => format!(", in {}", count(fits.len(), "fit")),
    };
    let kinds = match kinds.len() <= MOST_TOLD {
        true => kinds.join(", and by "),
        false => count(kinds.len(), "divergence"),
    };
    format!(
        "How near {q} come to p, {} in {}, by {kinds}{several}?",
        finished.target.describe(),
        count(finished.dim(), "dimension"),
    )
}

/// What came out, in a few sentences.
fn answer(run: &Run) -> Vec<String> {
    let fits = &run.finished.fits;
    let summary = &run.finished.summary;
    let mut sentences: Vec<String> = (summary.choices.iter())
        .filter_map(|choice| Some(format!("Chosen for {}: {}.", choice.name, chosen(choice)?)))
        .collect();
    let mut groups: Vec<(String, Vec<&FinishedFit>)> = Vec::new();
    for fit in fits {
        let said = outcome(&fit.summary);
        match groups.iter_mut().find(|(sentence, _)| *sentence == said) {
            Some((_, members)) => members.push(fit),
            None => groups.push((said, vec![fit])),
        }
    }
    if groups.len() <= MOST_TOLD {
        sentences.extend(groups.iter().map(|(said, members)| match &members[..] {
            // What the question has named already.
            [_] if fits.len() == 1 => format!("{}.", capital(said)),
            members => format!("{}: {said}.", titles(members)),
        }));
    } else {
        sentences.extend(extremes(summary));
        sentences.extend(covering(summary));
    }
    sentences.extend(unrest(fits));
    sentences
}

/// The names of fits; of many, how many. A label stays as it is, a divergence begins a sentence.
fn titles(fits: &[&FinishedFit]) -> String {
    let name = |fit: &&FinishedFit| text::plain(&fit.title()).into_owned();
    let mut names: Vec<String> = fits.iter().map(name).collect();
    if let (Some(first), Some(name)) = (fits.first(), names.first_mut())
        && *name != text::plain(&first.plan.label)
    {
        *name = capital(name);
    }
    match names.len() <= MOST_TOLD {
        true => joined(&names),
        false => format!("{} and {} others", names[..2].join(", "), names.len() - 2),
    }
}

/// What became of a fit, in one sentence.
fn outcome(fit: &FitSummary) -> String {
    let Some(best) = &fit.best else {
        let why =
            (fit.failure.as_ref()).map_or_else(String::new, |why| format!(", the first {why}"));
        return format!("every run failed{why}");
    };
    if let Some(covered) = coverage(fit) {
        return covered;
    }
    let own = best.divergences.estimate(fit.divergence);
    let symbol = fit.divergence.symbol();
    let trusted =
        reading(&best.diagnostics).map_or_else(String::new, |reading| format!("; {reading}"));
    let own = with_unit(own, fit.divergence);
    match fit.divergence {
        DivergenceKind::CrossEntropy => format!("the cross-entropy of the rows is {own}"),
        _ => format!("q ends at {symbol} = {own}{trusted}"),
    }
}

/// Of many fits by one divergence, the one that ended lowest and the one that ended highest.
fn extremes(summary: &Summary) -> Option<String> {
    let kind = summary.fits.first()?.divergence;
    let is_one = summary.fits.iter().all(|fit| fit.divergence == kind);
    let shared = match is_one {
        true => kind,
        false => *ALWAYS_REPORTED.first()?,
    };
    let value = |fit: &FitSummary| {
        let estimate = fit.best.as_ref()?.divergences.estimate(shared);
        estimate.value.is_finite().then_some(estimate)
    };
    let mut ended: Vec<(Cow<str>, Estimate)> = (summary.fits.iter())
        .filter_map(|fit| Some((fit.name(), value(fit)?)))
        .collect();
    ended.sort_by(|a, b| a.1.value.total_cmp(&b.1.value));
    let ((low, least), (high, most)) = (ended.first()?, ended.last()?);
    Some(format!(
        "Of {} {} is least for {low}, {least}, and most for {high}, {most}.",
        count(ended.len(), "fit"),
        shared.symbol()
    ))
}

/// How many of many fits cover every mode of p.
fn covering(summary: &Summary) -> Option<String> {
    let modes: Vec<_> = (summary.fits.iter())
        .filter_map(|fit| fit.best.as_ref()?.diagnostics.modes)
        .filter(|modes| modes.of > 1)
        .collect();
    let of = modes.first()?.of;
    let all = modes
        .iter()
        .filter(|modes| modes.covered == modes.of)
        .count();
    Some(format!(
        "{all} of {} cover all {of} modes of p.",
        count(modes.len(), "fit")
    ))
}

/// Which fits had not arrived, or had runs that failed.
fn unrest(fits: &[FinishedFit]) -> Option<String> {
    let moving: Vec<&FinishedFit> = (fits.iter())
        .filter(|fit| !fit.summary.has_arrived())
        .collect();
    let first = moving.first()?;
    let falling = first.summary.optima.first().and_then(|best| best.falling);
    Some(match (&moving[..], falling) {
        ([_], Some(falling)) => format!("{} was {}.", titles(&moving), still_falling(&falling)),
        ([_], None) => format!(
            "{} is not at rest: more steps would move it on.",
            titles(&moving)
        ),
        _ => format!(
            "{} are not at rest: more steps would move them on.",
            titles(&moving)
        ),
    })
}

/// Three numbers with their errors, fewer where there are no more.
fn numbers(summary: &Summary) -> Vec<(String, String)> {
    let mut numbers: Vec<(String, String)> = Vec::new();
    let mut ended: Vec<(&FitSummary, &RunSummary)> = (summary.fits.iter())
        .filter_map(|fit| Some((fit, fit.best.as_ref()?)))
        .collect();
    let are_alike = ended
        .windows(2)
        .all(|pair| pair[0].0.divergence == pair[1].0.divergence);
    if are_alike && ended.len() > NUMBERS {
        let own = |(fit, best): &(&FitSummary, &RunSummary)| {
            best.divergences.estimate(fit.divergence).value
        };
        ended.sort_by(|a, b| own(a).total_cmp(&own(b)));
    }
    let one = summary.fits.len() == 1;
    let of = |fit: &FitSummary, what: String| match one {
        true => what,
        false => format!("{what}, {}", fit.name()),
    };
    for (fit, best) in ended.iter().take(NUMBERS) {
        let own = best.divergences.estimate(fit.divergence);
        numbers.push((
            of(fit, fit.divergence.symbol()),
            with_unit(own, fit.divergence),
        ));
    }
    // Of how much of p q covers the least says the most.
    let mass = |best: &RunSummary| {
        best.diagnostics
            .mass_in_region
            .map_or(2.0, |mass| mass.value)
    };
    let mut by_mass = ended.clone();
    by_mass.sort_by(|a, b| mass(a.1).total_cmp(&mass(b.1)));
    for (fit, best) in &by_mass {
        if let Some(mass) = best.diagnostics.mass_in_region {
            let percent = Estimate {
                value: 100.0 * mass.value,
                error: 100.0 * mass.error,
                ..mass
            };
            numbers.push((
                of(fit, "of p in q's 99 % region".to_owned()),
                format!("{percent} %"),
            ));
        }
        if let Some(held_out) = best.divergences.held_out() {
            numbers.push((
                of(fit, "cross-entropy held out".to_owned()),
                format!("{held_out} nats"),
            ));
        }
        let others = best
            .divergences
            .iter()
            .filter(|(kind, _)| *kind != fit.divergence);
        for (kind, other) in others {
            numbers.push((of(fit, kind.symbol()), with_unit(other, kind)));
        }
    }
    numbers.truncate(NUMBERS);
    numbers
}

/// A sentence with a capital at its beginning; q stays q.
pub fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        Some('q') | None => sentence.to_owned(),
        Some(first) => first.to_uppercase().chain(chars).collect(),
    }
}
