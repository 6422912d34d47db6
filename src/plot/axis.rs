//! An axis: its range, and where data lies along it.

use super::ticks::{linear_ticks, log_ticks, plainly, rounded};

/// How data is laid along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisScale {
    Linear,
    Log,
    /// Linear, and not written on.
    Unmarked,
}

/// The range of an axis with its label.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    pub scale: AxisScale,
    pub label: String,
    /// Whether only whole numbers are written on it.
    pub is_whole: bool,
}

/// Values whose extremes are this many times apart are shown on a log scale.
const LOG_FROM: f64 = 10.0;
/// Numbers below this are shown as this on a log scale: rounding, not data.
const LOG_FLOOR: f64 = 1e-16;

/// Of curves, one in so many of the first steps may come from outside.
const TRANSIENT: usize = 50;
/// What reaches so many times farther than all that matters is cut; on a log scale what matters has some decades.
const FAR: f64 = 4.0;
const LEAST_DECADES: f64 = 3.0;
/// A fit with so many times the steps of another leaves nothing to see of that one.
const MANY_TIMES: usize = 20;

/// A range that is no more than this share of the numbers in it is their rounding.
const NOTHING: f64 = 1e-13;
/// Of what has no scale of its own, changes by less than this share are not shown …
const FLAT: f64 = 1e-4;
/// … and of what has one, by less than this share: numbers are known to so many digits.
const KNOWN: f64 = 1e-9;
/// Numbers this many times as large as their range are written without what they have in common.
const OFFSET_FROM: f64 = 1e4;
/// Numbers below zero by no more than this share of the largest are rounding.
const ROUNDING: f64 = 1e-12;

impl Axis {
    /// The steps of a fit up to the last, of which one in `every` logged ones is shown.
    pub fn steps(last: usize, every: usize) -> Self {
        let label = match every {
            1 => "step".to_owned(),
            every => format!("step (1 in {every} of those logged)"),
        };
        Self::linear(0.0, last.max(1) as f64, label).whole()
    }

    /// The same with whole numbers alone written on it.
    pub fn whole(self) -> Self {
        Self {
            is_whole: true,
            ..self
        }
    }

    /// A linear axis over a range, which is widened if it is empty or no more than rounding.
    pub fn linear(low: f64, high: f64, label: impl Into<String>) -> Self {
        let (low, high) = if high - low > NOTHING * low.abs().max(high.abs()) {
            (low, high)
        } else {
            let pad = 0.05 * low.abs().max(1e-9);
            (low - pad, high + pad)
        };
        Self {
            low,
            high,
            scale: AxisScale::Linear,
            label: label.into(),
            is_whole: false,
        }
    }

    /// A linear axis without ticks or label: a list from bottom to top.
    pub fn unmarked(low: f64, high: f64) -> Self {
        Self {
            scale: AxisScale::Unmarked,
            ..Self::linear(low, high, "")
        }
    }

    /// An axis that holds all finite values with some air, log where that helps.
    pub fn holding(values: impl Iterator<Item = f64>, label: impl Into<String>) -> Self {
        let Some((low, high)) = extremes(values) else {
            return Self::linear(0.0, 1.0, label);
        };
        // A divergence of zero may come out a little below it, where it is computed with less care.
        if low < -ROUNDING * high || high < LOG_FROM * low.max(LOG_FLOOR) {
            return Self::around(low, high, 0.0, label);
        }
        let (low, high) = (low.max(LOG_FLOOR).log10(), high.log10());
        let pad = 0.05 * (high - low);
        Self {
            low: 10f64.powf(low - pad),
            high: 10f64.powf(high + pad).min(f64::MAX),
            scale: AxisScale::Log,
            label: label.into(),
            is_whole: false,
        }
    }

    /// An axis for curves and for levels beside them: it holds all levels, and all curves where that leaves something
    /// to see. A curve that goes far above all others, and the first of its steps where it comes from far above, are
    /// cut.
    pub fn showing(curves: &[Vec<f64>], levels: &[f64], label: impl Into<String>) -> Self {
        let every = || curves.iter().flatten().chain(levels).copied();
        let mut whole = Self::holding(every(), label);
        let is_log = whole.scale == AxisScale::Log;
        let place = |value: f64| {
            if is_log {
                value.max(LOG_FLOOR).log10()
            } else {
                value
            }
        };
        let finite = |values: &[f64]| {
            let values = values
                .iter()
                .copied()
                .filter(|value| value.is_finite())
                .map(place);
            values.fold(f64::NEG_INFINITY, f64::max)
        };
        let Some((low, high)) = extremes(every().map(place)) else {
            return whole;
        };
        // Without decades, what lies within twice the rest is not far: or a panel would show rounding.
        let least = match is_log {
            true => LEAST_DECADES,
            false => low.abs() / FAR,
        };
        let mut tops: Vec<f64> = (curves.iter())
            .map(|curve| {
                finite(
                    &curve[(curve.len() / TRANSIENT)
                        .min(curve.len() - usize::from(!curve.is_empty()))..],
                )
            })
            .filter(|top| top.is_finite())
            .collect();
        tops.sort_by(f64::total_cmp);
        while let [.., next, last] = tops[..]
            && last - next > FAR * (next - low).max(least)
        {
            tops.pop();
        }
        let top = (tops.last().copied().unwrap_or(high)).max(finite(levels));
        let span = (top - low).max(least);
        if span <= 0.0 || high - low <= FAR * span {
            return whole;
        }
        let end = top.max(low + span) + 0.25 * span;
        whole.high = if is_log { 10f64.powf(end) } else { end };
        whole.low = if is_log {
            10f64.powf(low - 0.05 * span)
        } else {
            low - 0.1 * span
        };
        whole
    }

    /// The steps of several fits, up to the last of each: by their logarithms where some took many times as many as
    /// others, with the start at the left end.
    pub fn steps_of(lasts: &[usize], every: usize) -> Self {
        let most = lasts.iter().copied().max().unwrap_or(1).max(1);
        let least = lasts
            .iter()
            .copied()
            .filter(|last| *last > 0)
            .min()
            .unwrap_or(most);
        let axis = Self::steps(most, every);
        match most >= MANY_TIMES * least {
            true => Self {
                low: 0.7,
                scale: AxisScale::Log,
                ..axis
            },
            false => axis,
        }
    }

    /// A linear axis that holds all finite values with some air, and spans no less than `least`, which follows the scale
    /// of what they are of; or where that is 0, a share of their size: what hardly changes is shown as a flat line, not
    /// as its rounding.
    pub fn holding_linear(
        values: impl Iterator<Item = f64>,
        least: f64,
        label: impl Into<String>,
    ) -> Self {
        match extremes(values) {
            Some((low, high)) => Self::around(low, high, least, label),
            None => Self::linear(0.0, 1.0, label),
        }
    }

    /// A linear axis with some air.
    fn around(low: f64, high: f64, least: f64, label: impl Into<String>) -> Self {
        let share = if least > 0.0 { KNOWN } else { FLAT };
        let size = high.abs().max(low.abs());
        let spread = (high - low).max(least).max(share * size).max(1e-12);
        let middle = 0.5 * (low + high);
        Self::linear(middle - 0.56 * spread, middle + 0.56 * spread, label)
    }

    /// Where a value stands between the ends, 0 to 1 within the range.
    pub fn share(&self, value: f64) -> f64 {
        match self.scale {
            AxisScale::Linear | AxisScale::Unmarked => (value - self.low) / (self.high - self.low),
            AxisScale::Log => {
                let value = value.max(LOG_FLOOR).log10();
                (value - self.low.log10()) / (self.high.log10() - self.low.log10())
            }
        }
    }

    /// What its numbers are written without, where they are large against their range: the roundest number there; 0
    /// elsewhere.
    fn offset(&self) -> f64 {
        let (span, size) = (self.high - self.low, self.low.abs().max(self.high.abs()));
        let is_large = size >= OFFSET_FROM * span && span > 0.0 && size.is_finite();
        if self.scale != AxisScale::Linear || !is_large {
            return 0.0;
        }
        let middle = 0.5 * (self.low + self.high);
        let powers = (span.log10().floor() as i32..=size.log10().ceil() as i32).rev();
        let mut round = powers.map(|power| rounded(middle, power));
        let found = round.find(|value| (self.low..=self.high).contains(value));
        found.unwrap_or(0.0)
    }

    /// What stands beside its label for what its numbers are written without: ` − 100000`.
    pub fn without(&self) -> Option<String> {
        let offset = self.offset();
        let sign = if offset < 0.0 { '+' } else { '−' };
        (offset != 0.0).then(|| format!("{sign} {}", plainly(offset.abs())))
    }

    /// About `count` round numbers within the range, as they are written.
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        match self.scale {
            AxisScale::Unmarked => Vec::new(),
            AxisScale::Linear => {
                let offset = self.offset();
                let (low, high) = (self.low - offset, self.high - offset);
                linear_ticks(low, high, count, self.is_whole)
                    .into_iter()
                    .map(|(value, text)| (value + offset, text))
                    .collect()
            }
            AxisScale::Log => log_ticks(self.low, self.high, count),
        }
    }
}

fn extremes(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .filter(|value| value.is_finite())
        .fold(None, |range: Option<(f64, f64)>, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: Vec<(f64, String)>) -> Vec<String> {
        ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_numbers_within_the_range() {
        let axis = Axis::linear(-5.2, 5.2, "x");
        assert_eq!(texts(axis.ticks(5)), ["−4", "−2", "0", "2", "4"]);
        let axis = Axis::linear(0.0, 0.31, "p");
        assert_eq!(texts(axis.ticks(4)), ["0", "0.1", "0.2", "0.3"]);
    }

    #[test]
    fn numbers_that_are_large_against_their_range_are_told_apart() {
        let axis = Axis::linear(99_990.0, 100_030.0, "x");
        assert_eq!(texts(axis.ticks(2)), ["100000", "100020"]);
        let axis = Axis::linear(999_996.3, 1_000_005.2, "x");
        assert_eq!(texts(axis.ticks(5)), ["−2", "0", "2", "4"]);
        assert_eq!(axis.without().as_deref(), Some("− 1000000"));
        let axis = Axis::linear(-6562.86, -6562.75, "x");
        assert_eq!(axis.without().as_deref(), Some("+ 6562.8"));
        let axis = Axis::linear(-7e-6, 9e-6, "x");
        assert_eq!(texts(axis.ticks(3)), ["−5·10⁻⁶", "0", "5·10⁻⁶"]);
        // What is rounding is no range, and what follows a scale has that.
        let axis = Axis::linear(0.236_203_317_741_632, 0.236_203_317_741_640, "KL");
        assert!(axis.high - axis.low > 0.01, "{axis:?}");
        let means = [1e6, 1e6 + 3.0].into_iter();
        let axis = Axis::holding_linear(means, 0.1, "mean");
        assert!(axis.high - axis.low < 4.0, "{axis:?}");
        let axis = Axis::linear(0.9, 2.1, "components").whole();
        assert_eq!(texts(axis.ticks(5)), ["1", "2"]);
    }

    #[test]
    fn values_many_decades_apart_go_on_a_log_scale() {
        let axis = Axis::holding([1e-9, 1e-3, 2.0].into_iter(), "KL");
        assert_eq!(axis.scale, AxisScale::Log);
        assert!(texts(axis.ticks(5)).contains(&"10⁻⁶".to_owned()));
        let axis = Axis::holding([0.4, 2.0].into_iter(), "KL");
        assert_eq!(axis.scale, AxisScale::Linear);
    }

    #[test]
    fn what_leaves_nothing_to_see_is_cut() {
        let falling = |from: f64, to: f64| -> Vec<f64> {
            (0..200)
                .map(|step| to + (from - to) * 0.9f64.powi(step))
                .collect()
        };
        // A start far above, of which the first steps say nothing.
        let mut far = falling(3.0, 0.01);
        far[0] = 2e35;
        let axis = Axis::showing(&[far, falling(2.0, 0.1)], &[], "KL");
        assert!(axis.high < 1e4 && axis.low > 1e-4, "{axis:?}");
        // A fit that went away beside one that did not.
        let away: Vec<f64> = (0..200).map(|step| 10f64.powi(step / 5)).collect();
        let axis = Axis::showing(&[away.clone(), falling(2.0, 0.1)], &[], "KL");
        assert!(axis.high < 1e3, "{axis:?}");
        // Alone it is what there is to see; and so is a long way down.
        assert!(Axis::showing(&[away], &[], "KL").high > 1e39);
        let axis = Axis::showing(&[falling(1e6, 1e-9)], &[1e-9], "KL");
        assert!(axis.high > 9e5, "{axis:?}");
        let axis = Axis::showing(&[falling(50.0, -3.0)], &[], "loss");
        assert!(axis.high > 50.0, "{axis:?}");
        assert_eq!(Axis::showing(&[vec![]], &[], "loss").high, 1.0);
        // Where some ends differ by rounding alone, a level elsewhere is held with them.
        let ends = [0.236_203_317_741_632, 0.236_203_317_741_640];
        let curves = [ends.to_vec(), vec![ends[0]], vec![0.33]];
        let axis = Axis::showing(&curves, &[ends[0], 0.3199], "KL");
        assert!(axis.low < 0.236 && axis.high > 0.33, "{axis:?}");
    }

    #[test]
    fn steps_of_fits_that_are_not_comparable_are_logarithmic() {
        // A fit that ended where it began has a step's room.
        assert_eq!(Axis::steps(0, 1).high, 1.0);
        assert_eq!(Axis::steps_of(&[100, 1000], 1).scale, AxisScale::Linear);
        let axis = Axis::steps_of(&[20, 5000], 1);
        assert_eq!((axis.scale, axis.high), (AxisScale::Log, 5000.0));
        assert!(axis.share(1.0) > 0.0);
        assert_eq!(Axis::steps_of(&[0, 7], 1).scale, AxisScale::Linear);
    }

    #[test]
    fn a_short_log_scale_has_only_powers_of_ten() {
        let axis = Axis::holding([1e-4, 8e-3].into_iter(), "KL");
        assert_eq!(texts(axis.ticks(4)), ["1·10⁻⁴", "3·10⁻⁴", "0.001", "0.003"]);
        assert_eq!(texts(axis.ticks(3)), ["10⁻⁴", "10⁻³"]);
    }
}
