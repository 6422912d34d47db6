//! What there is to say of a fit, in sentences.

use super::coverage::coverage;
use super::units::unit;
use crate::density::target::{CoordinateOfX, HistogramSummary, SamplesSummary, TargetSummary};
use crate::divergence::{DivergenceKind, Estimate, EstimateMethod};
use crate::fit::Falling;
use crate::fit::init::duplicate_components;
use crate::judge::diagnostics::{Diagnostics, Reading};
use crate::judge::evaluate::ALWAYS_REPORTED;
use crate::judge::of_x::{OfX, Quantiles};
use crate::mixture::Mixture;
use crate::record::{Candidate, Choice, Criterion, FitSummary, Optimum, Rest, RunSummary, Summary};
use crate::text;

/// A quadrature of the loss with a larger error than this, in nats, is warned of.
const ROUGH: f64 = 1e-4;
/// With less of p than this where q is, draws of q say nothing of the rest.
const SEEN: f64 = 0.5;
/// With more of p than this at modes where q is not, draws of q say nothing of these.
const UNSEEN: f64 = 0.005;
/// So many coordinates are told of.
const MOST_TOLD: usize = 6;

/// What became of the modes of p, whether it worked, how far from the optimum it is, and what its restarts found.
pub fn remarks(fit: &FitSummary) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(best) = &fit.best {
        remarks.extend(coverage(fit));
        remarks.extend(own_divergence(fit, best));
        let facts = facts(&best.diagnostics);
        if !facts.is_empty() {
            remarks.push(facts.join("; "));
        }
        remarks.extend(best.of_x.as_ref().map(of_x));
        remarks.extend(variance(best));
        remarks.extend(best_iterate(fit, best));
        remarks.extend(alike_components(best));
    }
    remarks.extend(gap(fit));
    if let Some(best) = &fit.best
        && best.loss.method == EstimateMethod::Quadrature
        && best.loss.error > ROUGH * best.loss.value.abs().max(1.0)
    {
        remarks.push(format!(
            "the quadrature of the loss is off by about {:.0e} nats; give it more points",
            best.loss.error
        ));
    }
    if fit.failed > 0 {
        let (failed, all) = (fit.failed, text::count(fit.restarts, "run"));
        let told = match &fit.failure {
            Some(why) if failed == 1 => format!("{failed} of {all} {why}"),
            Some(why) => format!(
                "{failed} of {all} failed; the first {why}; restarts.csv says why the others did"
            ),
            None => format!("{failed} of {all} failed; restarts.csv says why"),
        };
        remarks.push(match fit.best {
            Some(_) => told,
            None => format!("{told}; {}", remedy(fit)),
        });
    }
    remarks.extend(restarts(fit));
    remarks.extend(unrest(fit));
    remarks
}

/// Which of several fits is enough, and why.
pub fn chosen(choice: &Choice) -> Option<String> {
    let chosen = choice.chosen()?;
    let other = |by: &str, other: Option<&Candidate>| {
        let other = other.filter(|other| other.label != chosen.label);
        other.map_or_else(String::new, |other| {
            format!(
                "; {by} would take {}",
                text::count(other.components, "component")
            )
        })
    };
    let (icl, bic) = (other("ICL", choice.by_icl()), other("BIC", choice.by_bic()));
    let why = match choice.by {
        Criterion::Bic => format!("the least BIC{icl}"),
        Criterion::HeldOut => format!(
            "the fewest within one standard error of the best on rows that were held out{bic}{icl}"
        ),
        Criterion::Divergence => {
            let symbol = choice.divergence.symbol();
            format!("the fewest within one standard error of the least {symbol}")
        }
    };
    let count = text::count(chosen.components, "component");
    Some(format!("{count} ({}): {why}", text::plain(&chosen.label)))
}

/// Its own divergence where the table lacks it.
fn own_divergence(fit: &FitSummary, best: &RunSummary) -> Option<String> {
    let own = best.divergences.estimate(fit.divergence);
    if fit.divergence == DivergenceKind::CrossEntropy {
        let likelihood = Estimate {
            value: -own.value,
            ..own
        };
        let value = likelihood.to_string();
        return Some(format!("mean log-likelihood of a row {value}"));
    }
    if ALWAYS_REPORTED.contains(&fit.divergence) || fit.divergence.needs_no_density() {
        return None;
    }
    let symbol = fit.divergence.symbol();
    Some(format!("{symbol} = {own}"))
}

/// What k̂ says of q; none where it says nothing.
pub fn reading(diagnostics: &Diagnostics) -> Option<&'static str> {
    // Draws of q do not see what is where q is not.
    let missed = (diagnostics.each_mode.iter()).filter(|mode| !mode.is_under_q());
    let missed: f64 = missed.map(|mode| mode.share.unwrap_or(1.0)).sum();
    let is_blind =
        missed > UNSEEN || (diagnostics.mass_in_region).is_some_and(|mass| mass.value < SEEN);
    match diagnostics.psis?.reading() {
        Reading::Reliable | Reading::Biased if is_blind => {
            Some("which sees only the part of p where q is")
        }
        Reading::Reliable => Some("q can stand for p"),
        Reading::Biased => Some("weighted draws of q are biased"),
        Reading::Untrustworthy => Some("draws of q cannot stand for p"),
        Reading::Unknown => None,
    }
}

fn facts(diagnostics: &Diagnostics) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(psis) = &diagnostics.psis {
        let reading = reading(diagnostics).unwrap_or("no reading");
        facts.push(format!(
            "k\u{302} {}, {reading}, {:.0} of {} draws effective",
            text::fixed(psis.k_hat, 2),
            psis.effective_sample_size,
            psis.draws
        ));
    }
    if let Some(mass) = diagnostics.mass_in_region {
        facts.push(format!(
            "{:.1} % of p in q's 99 % region",
            100.0 * mass.value
        ));
    }
    // Otherwise a sentence of its own tells which.
    if let Some(modes) = diagnostics
        .modes
        .filter(|_| diagnostics.each_mode.is_empty())
    {
        facts.push(format!(
            "{} of {} covered",
            modes.covered,
            text::count(modes.of, "mode")
        ));
    }
    facts
}

/// What q says of each coordinate x.
fn of_x(of_x: &OfX) -> String {
    let number = |value: f64| text::significant(value, 4);
    let of_one = |(i, name): (usize, &String)| {
        let Quantiles { low, median, high } = of_x.quantiles[i];
        format!(
            "{name} has mean {}, σ {}, median {}, 90 % in [{}, {}]",
            number(of_x.mean[i]),
            number(of_x.covariance[i][i].sqrt()),
            number(median),
            number(low),
            number(high)
        )
    };
    let names = of_x.coordinates.iter().enumerate();
    let told: Vec<String> = names.take(MOST_TOLD).map(of_one).collect();
    let rest = others(of_x.coordinates.len());
    format!("under q {}{rest}", told.join("; "))
}

fn variance(best: &RunSummary) -> Option<String> {
    let variance = best.gradient_variance?;
    (best.loss.method == EstimateMethod::MonteCarlo).then(|| {
        format!(
            "variance of the gradient {:.2e} at the start, {:.2e} at the end",
            variance.start, variance.end
        )
    })
}

/// Which step q is of, where that is not the last.
fn best_iterate(fit: &FitSummary, best: &RunSummary) -> Option<String> {
    let iterate = best.best_iterate?;
    Some(format!(
        "q is that of step {}, the best: at step {} {} had risen to {}; {} would end lower",
        iterate.step,
        best.steps,
        fit.divergence.symbol(),
        iterate.last,
        match fit.learning_rate {
            Some(_) => "more points or a smaller learning rate",
            None => "more points",
        },
    ))
}

/// Which components of q are one and the same.
fn alike_components(best: &RunSummary) -> Option<String> {
    let q = Mixture::try_from(&best.mixture).ok()?;
    let groups: Vec<String> = (duplicate_components(&q).iter())
        .map(|group| text::numbered(group))
        .collect();
    (!groups.is_empty()).then(|| {
        format!(
            "components {} of q are alike, and no gradient parts such; start with their means apart, \
             or fit fewer",
            groups.join("; ")
        )
    })
}

/// Whether the only run was still moving: its gradient, or its divergence where that is random.
fn unrest(fit: &FitSummary) -> Option<String> {
    let only = fit.optima.first().filter(|_| fit.restarts < 2)?;
    if fit.rest_at(only) != Rest::Moving {
        return None;
    }
    Some(match &only.falling {
        Some(falling) => format!(
            "{}; more steps would move it on",
            still_falling(falling, fit.divergence)
        ),
        None => format!(
            "not at rest: its gradient is {:.0e}; {} would move it on",
            only.gradient_norm,
            more_steps(fit)
        ),
    })
}

/// What moves a run on that was not at rest.
fn more_steps(fit: &FitSummary) -> &'static str {
    match fit.learning_rate {
        Some(_) => "more steps or a smaller learning rate",
        None => "more steps",
    }
}

/// What to do where every run failed.
pub fn remedy(fit: &FitSummary) -> &'static str {
    match fit.learning_rate {
        Some(_) => "choose another start or a smaller learning rate",
        None => "choose another start",
    }
}

/// Why it cannot be told whether runs were at rest where they ended.
fn why_unknown(fit: &FitSummary) -> &'static str {
    if fit.was_interrupted() {
        return "they were interrupted, and more steps may move them";
    }
    match fit.optima.iter().any(|end| end.best_iterate.is_some()) {
        true => "no rest is shown where an earlier step was better than the last",
        false => "too few steps were logged to tell whether they are at rest",
    }
}

/// How far a divergence still falls: not at rest.
pub fn still_falling(falling: &Falling, kind: DivergenceKind) -> String {
    format!(
        "still falling by {}{} in the last {}: not at rest",
        text::with_error(falling.by, falling.error),
        unit(kind),
        text::count(falling.steps, "step"),
    )
}

/// What is to be known of a target beside its parameters: the constant of a formula, the weights of rows and
/// those that were held out, the counts of bins.
pub fn target(summary: &Summary) -> Option<String> {
    match &summary.target {
        TargetSummary::Samples(rows) => of_rows(rows),
        TargetSummary::Histogram(histogram) => Some(of_bins(histogram)),
        _ => constant(summary),
    }
}

/// How many counts there are, and what is told of a fit to them.
fn of_bins(histogram: &HistogramSummary) -> String {
    let bins = histogram.bins.iter().product();
    let filled = match histogram.filled == bins {
        true => String::new(),
        false => format!(", {} of them with any", histogram.filled),
    };
    format!(
        "{} counts in {}{filled}; the divergence is between the probabilities of bins, and the cross-entropy of the \
         counts is larger by {}",
        text::rows(histogram.total),
        text::count(bins, "bin"),
        text::fixed(histogram.entropy, 6),
    )
}

/// How many rows those with weights are worth, and how many no fit saw.
fn of_rows(rows: &SamplesSummary) -> Option<String> {
    let mut facts = Vec::new();
    if let Some(weights) = &rows.weights {
        facts.push(format!(
            "{} with weights by {} in {}, effective sample size {}",
            text::count(rows.rows, "row"),
            weights.kind.name(),
            weights.column,
            text::rows(weights.effective_sample_size)
        ));
    }
    if let Some(held_out) = &rows.held_out {
        let effective = match rows.weights {
            Some(_) => format!(
                ", effective sample size {}",
                text::rows(held_out.effective_sample_size)
            ),
            None => String::new(),
        };
        facts.push(format!(
            "{} held out{effective}; \"held out\" is their cross-entropy, the mean of -log q",
            text::count(held_out.rows, "row")
        ));
    }
    (!facts.is_empty()).then(|| facts.join("; "))
}

/// The constant of a density that is known up to it, and of each fit the mean of log f − log q under q, the
/// evidence lower bound: log Z − KL(q‖p).
fn constant(summary: &Summary) -> Option<String> {
    let TargetSummary::Unnormalized(target) = &summary.target else {
        return None;
    };
    let log_z = text::with_error(target.log_normalizer, target.log_normalizer_error);
    let bounds = summary.fits.iter().filter_map(|fit| {
        let best = fit.best.as_ref()?;
        let kl = best.divergences.estimate(DivergenceKind::ReverseKl);
        // What is added to log f everywhere is rounded, and is no part of the divergence.
        let error = kl.error.max(target.log_normalizer_error);
        let bound = text::with_error(target.log_normalizer - kl.value, error);
        kl.value
            .is_finite()
            .then(|| format!("; ELBO of {} {bound}", fit.name()))
    });
    let under_p = target.of_x.as_deref().map(under_p).unwrap_or_default();
    Some(format!(
        "log Z {log_z}{}{under_p}",
        bounds.collect::<String>()
    ))
}

/// What p says of each coordinate x.
fn under_p(of_x: &[CoordinateOfX]) -> String {
    let of_one = |CoordinateOfX {
                      coordinate,
                      moments,
                  }: &CoordinateOfX| match moments {
        Some(of) => format!(
            "{coordinate} has mean {}, σ {}",
            text::with_error(of.mean, of.mean_error),
            text::with_error(of.std, of.std_error)
        ),
        None => format!("mean and σ of {coordinate} are infinite, or not known"),
    };
    let told: Vec<String> = of_x.iter().take(MOST_TOLD).map(of_one).collect();
    format!("; under p {}{}", told.join("; "), others(of_x.len()))
}

/// Where there are more than are told of.
fn others(coordinates: usize) -> &'static str {
    match coordinates > MOST_TOLD {
        true => "; summary.json has the others",
        false => "",
    }
}

fn gap(fit: &FitSummary) -> Option<String> {
    let known = fit.known_optimum.as_ref()?;
    let gap = known.gap?;
    let above = match gap.error > 0.0 {
        true => gap.to_string(),
        false => text::small(gap.value),
    };
    Some(format!(
        "{above}{} above the known optimum, {} = {}",
        unit(fit.divergence),
        fit.divergence.symbol(),
        known.value
    ))
}

/// What the restarts found, and how many of them ended at something worse.
fn restarts(fit: &FitSummary) -> Option<String> {
    let best = fit.optima.first()?;
    if fit.restarts < 2 {
        return None;
    }
    let finished = text::count(fit.restarts - fit.failed, "restart");
    let value = |optimum: &Optimum| fit.compared(&optimum.divergences, fit.divergence);
    // Two optima of one value, by symmetry, are both the best.
    let is_worse = |optimum: &&Optimum| value(optimum).is_above(value(best));
    let (worse, good): (Vec<&Optimum>, Vec<&Optimum>) = fit.optima.iter().partition(is_worse);
    let runs = |optima: &[&Optimum]| optima.iter().map(|one| one.runs).sum::<usize>();
    let found = match fit.modes {
        Some(modes) if modes.of > 1 => format!(
            "{finished} found {} of {}: ",
            modes.covered,
            text::count(modes.of, "mode")
        ),
        _ => format!("{finished}: "),
    };
    // What has not come to rest is no optimum yet.
    let are_optima = fit.are_all_at_rest();
    let noun = |optimum: &'static str, place: &'static str| match are_optima {
        true => optimum,
        false => place,
    };
    let place = |n: usize, one: &str, many: &str| match n {
        1 => one.to_owned(),
        n => format!("{n} {many}"),
    };
    let mut text = format!(
        "{found}{} ended at {}",
        if worse.is_empty() {
            "all".to_owned()
        } else {
            runs(&good).to_string()
        },
        place(
            good.len(),
            noun("one optimum", "one place"),
            noun("equally good optima", "equally good places")
        ),
    );
    if !worse.is_empty() {
        let by = value(worse[0]).minus(value(best));
        let error = if by.error.is_finite() { by.error } else { 0.0 };
        text += &format!(
            ", {} at {} {}{} higher",
            runs(&worse),
            place(worse.len(), "a worse one,", "worse ones, the best of them"),
            text::by_formula(by.value, error),
            unit(fit.divergence),
        );
    }
    if !are_optima {
        let moving: Vec<&Optimum> = (fit.optima.iter())
            .filter(|end| fit.rest_at(end) == Rest::Moving)
            .collect();
        text += &match &best.falling {
            Some(falling) => format!("; the best was {}", still_falling(falling, fit.divergence)),
            None if moving.is_empty() => format!("; {}", why_unknown(fit)),
            None if moving.iter().any(|end| end.falling.is_some()) => {
                "; not all are at rest: more steps would move those that were falling".to_owned()
            }
            None => "; not all are at rest: more steps would move those with a gradient".to_owned(),
        };
    }
    Some(text)
}
