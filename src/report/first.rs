//! What a reader with a minute reads: what was asked, what the answer is, and three numbers.

use std::borrow::Cow;

use super::coverage::{coverage, joined, matters};
use super::question::{Asked, question};
use super::swept::Swept;
use super::table::with_unit;
use super::words::{chosen, reading, remedy, still_falling};
use super::{Report, Run};
use crate::divergence::{DivergenceKind, Estimate};
use crate::judge::evaluate::ALWAYS_REPORTED;
use crate::plot::Picture;
use crate::record::{Candidate, Choice, Criterion, FitSummary, RunSummary, Summary};
use crate::run_folder::FinishedFit;
use crate::text::{self, count};

/// So many fits are told of one by one.
const MOST_TOLD: usize = 4;
/// So many numbers stand on the first page.
const NUMBERS: usize = 3;
/// The figure that has the fits side by side.
const COMPARISON: &str = "comparison";

/// The figure that has the candidates of a choice.
const CHOICE: &str = "choice";

/// The first page of a report.
pub struct First<'r> {
    /// What was fitted to what, by what.
    pub question: String,
    /// Sentences.
    pub answer: Vec<String>,
    /// The one figure that shows it.
    pub figure: Option<Shown<'r>>,
    /// What it is, and the number with its error.
    pub numbers: Vec<(String, String)>,
}

/// A figure on the first page.
pub struct Shown<'r> {
    /// Its file, without its folder and extension.
    pub file: String,
    pub picture: &'r Picture,
    /// What it shows, and of which run where there are several.
    pub caption: String,
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
        Self {
            question: question(&Asked::by(run)),
            answer: answer(run),
            figure: lead_figure(report, 0),
            numbers: numbers(&run.finished.summary),
        }
    }

    fn of_several(report: &'r Report) -> Self {
        let told = report.runs.iter().take(MOST_TOLD);
        let mut answer: Vec<String> = told
            .map(|run| format!("{}: {}", run.name, answer(run).join(" ")))
            .collect();
        let more = report.summaries.len() - answer.len();
        if more > 0 {
            let are = if more == 1 { "is" } else { "are" };
            let more = count(more, "run");
            answer.push(format!("{more} more {are} in the table below."));
        }
        let numbers = report.runs.iter().filter_map(|run| {
            let (what, number) = numbers(&run.finished.summary).into_iter().next()?;
            Some((format!("{}: {what}", run.name), number))
        });
        let figure = lead_figure(report, 0).map(|shown| Shown {
            caption: match report.runs.first() {
                Some(run) => format!("{}: {}", run.name, shown.caption),
                None => shown.caption,
            },
            ..shown
        });
        Self {
            question: format!(
                "{} side by side: {}.",
                count(report.summaries.len(), "run"),
                report.title
            ),
            answer,
            figure,
            numbers: numbers.take(NUMBERS).collect(),
        }
    }

    fn of_sweep(report: &'r Report, sweep: &'r Swept) -> Self {
        let mut question = String::new();
        if let Some(run) = report.runs.first() {
            question = self::question(&Asked::by_sweep(run, sweep, &report.summaries));
        }
        let settings = match &report.summaries[..] {
            [(name, _)] => capital(name) + ".",
            several => format!(
                "What do {} of {} change?",
                count(several.len(), "setting"),
                joined(&sweep.keys())
            ),
        };
        Self {
            question: format!("{settings} {question}"),
            answer: sweep.answer(&report.summaries),
            figure: Some(Shown {
                file: sweep.picture.name.to_owned(),
                picture: &sweep.picture,
                caption: sweep.picture.caption.clone(),
            }),
            numbers: sweep.numbers(&report.summaries),
        }
    }
}

/// The figure of a run that shows most at a glance: of a choice its candidates, of several fits where they ended.
fn lead_figure(report: &Report, place: usize) -> Option<Shown<'_>> {
    let run = report.runs.get(place)?;
    let named = |name| run.pictures.iter().find(|picture| picture.name == name);
    let choice = match run.finished.summary.choices.is_empty() {
        true => None,
        false => named(CHOICE),
    };
    let picture = choice
        .or_else(|| named(COMPARISON))
        .or(run.pictures.first())?;
    Some(Shown {
        file: report.file_of(place, picture),
        picture,
        caption: picture.caption.clone(),
    })
}

/// What came out, in a few sentences.
fn answer(run: &Run) -> Vec<String> {
    let fits = &run.finished.fits;
    let summary = &run.finished.summary;
    let mut sentences: Vec<String> = (summary.choices.iter())
        .filter_map(|choice| {
            let name = text::plain(&choice.name);
            Some(format!("Chosen for {name}: {}.", chosen(choice)?))
        })
        .collect();
    let mut groups: Vec<(String, Vec<&FinishedFit>)> = Vec::new();
    // Of candidates the one that was chosen stands for all.
    let is_left = |fit: &&FinishedFit| {
        let is_candidate = |choice: &&Choice| {
            let mut labels = choice.candidates.iter().map(|one| &one.label);
            labels.any(|label| *label == fit.summary.label)
        };
        let choice = summary.choices.iter().find(is_candidate);
        choice.is_some_and(|choice| choice.chosen != fit.summary.label)
    };
    for fit in fits.iter().filter(|fit| !is_left(fit)) {
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
    let name = |fit: &&FinishedFit| fit.name();
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
        return format!("every run failed{why}; {}", remedy(fit));
    };
    let covered = coverage(fit);
    if let (Some(covered), true) = (&covered, matters(fit)) {
        return covered.clone();
    }
    let own = best.divergences.estimate(fit.divergence);
    let symbol = fit.divergence.symbol();
    let trusted =
        reading(&best.diagnostics).map_or_else(String::new, |reading| format!("; {reading}"));
    let own = with_unit(own, fit.divergence);
    let covered = covered.map_or_else(String::new, |covered| {
        format!("; it {}", covered.trim_start_matches("q "))
    });
    match fit.divergence {
        DivergenceKind::CrossEntropy => format!("the cross-entropy of the rows is {own}"),
        _ => format!("q ends at {symbol} = {own}{trusted}{covered}"),
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
        .filter(|fit| fit.summary.is_moving())
        .collect();
    let first = moving.first()?;
    let falling = first.summary.optima.first().and_then(|best| best.falling);
    Some(match (&moving[..], falling) {
        ([_], Some(falling)) => {
            let still = still_falling(&falling, first.summary.divergence);
            format!("{} was {still}.", titles(&moving))
        }
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

/// Three numbers with their errors, fewer where there are no more; of a choice what was chosen by what.
fn numbers(summary: &Summary) -> Vec<(String, String)> {
    let mut chosen: Vec<(String, String)> = (summary.choices.iter())
        .filter_map(of_chosen)
        .take(NUMBERS)
        .collect();
    if let [choice] = &summary.choices[..] {
        chosen.extend(of_runner_up(choice));
        let own = choice.chosen().map(|one| {
            let what = format!(
                "{}, {}",
                choice.divergence.symbol(),
                text::plain(&one.label)
            );
            (what, with_unit(one.value, choice.divergence))
        });
        // By a divergence it is the same number.
        chosen.extend(own.filter(|_| choice.by != Criterion::Divergence));
    }
    if !chosen.is_empty() {
        return chosen;
    }
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

/// What a candidate was compared by.
fn criterion(choice: &Choice, one: &Candidate) -> Option<(String, f64, String)> {
    Some(match choice.by {
        Criterion::Bic => {
            let bic = one.criteria?.bic;
            ("BIC".to_owned(), bic, text::fixed(bic, 1))
        }
        Criterion::HeldOut => {
            let held_out = one.held_out?;
            let what = "cross-entropy held out".to_owned();
            (what, held_out.value, format!("{held_out} nats"))
        }
        Criterion::Divergence => {
            let number = with_unit(one.value, choice.divergence);
            (choice.divergence.symbol(), one.value.value, number)
        }
    })
}

/// The candidate that was chosen, with what it was chosen by.
fn of_chosen(choice: &Choice) -> Option<(String, String)> {
    let one = choice.chosen()?;
    let (what, _, number) = criterion(choice, one)?;
    Some((
        format!("{what}, {}: chosen", text::plain(&one.label)),
        number,
    ))
}

/// The best of the others.
fn of_runner_up(choice: &Choice) -> Option<(String, String)> {
    let others = choice
        .candidates
        .iter()
        .filter(|one| one.label != choice.chosen);
    let (one, (what, _, number)) = others
        .filter_map(|one| Some((one, criterion(choice, one)?)))
        .filter(|(_, (_, value, _))| !value.is_nan())
        .min_by(|a, b| a.1.1.total_cmp(&b.1.1))?;
    Some((
        format!("{what}, {}: runner-up", text::plain(&one.label)),
        number,
    ))
}

/// A sentence with a capital at its beginning; q stays q.
pub fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        Some('q') | None => sentence.to_owned(),
        Some(first) => first.to_uppercase().chain(chars).collect(),
    }
}
