//! What a mesh must know of a density: its components, and how they look along lines of the plane.

use super::bump::{Bump, roots};
use super::feature::{Feature, GAUSSIAN};
use crate::density::target::Elliptical;
use crate::mixture::{Gaussian, peaks};

/// The components of a density in one or two dimensions.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    components: Vec<Gaussian>,
    /// ν of Student's t; infinite for Gaussians.
    dof: f64,
    /// Whether they are all there is to the density, so that its corners and narrow places are theirs.
    is_exact: bool,
    /// Where else it has corners, if that is known: along each axis.
    breaks: [Vec<f64>; 2],
    /// How far rounding moves its logarithm beyond what one of its size is rounded by, in units of ε.
    rounding: f64,
}

/// Within this many widths of a component the panels around it resolve what is no narrower.
const SEEN: f64 = 5.0;
/// No component may be narrower than this share of its distance from the origin.
const NARROWEST: f64 = 16.0 * f64::EPSILON;

/// Larger numbers have squares that overflow.
const LARGEST: f64 = 1e150;

/// Two directions at a right angle: lines run along the inner one, side by side along the outer one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub outer: [f64; 2],
    pub inner: [f64; 2],
}

/// A component of the plane seen from a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sliced {
    /// Along the outer direction.
    pub marginal: Bump,
    /// What it is on the line through its centre, of weight 1 …
    along: Bump,
    /// … and how far that moves from line to line.
    slope: f64,
}

impl Shape {
    /// `None` above two dimensions.
    pub fn new(Elliptical { scales, dof }: Elliptical) -> Option<Self> {
        (scales.dim() <= 2).then(|| Self {
            components: Gaussian::all(scales),
            dof: dof.unwrap_or(f64::INFINITY),
            is_exact: true,
            breaks: Default::default(),
            rounding: 0.0,
        })
    }

    /// Of a density that lies where these components do, and is another.
    pub fn roughly(self) -> Self {
        Self {
            is_exact: false,
            ..self
        }
    }

    /// With corners at these places of each axis, where panels end.
    pub fn with_breaks(self, breaks: [Vec<f64>; 2]) -> Self {
        Self { breaks, ..self }
    }

    /// Of a density whose logarithm is moved by rounding so far, in nats.
    pub fn rounded_by(self, rounding: f64) -> Self {
        Self {
            rounding: rounding / f64::EPSILON,
            ..self
        }
    }

    /// How far rounding moves its logarithm beyond what one of its size is rounded by, in units of ε.
    pub(super) fn rounding(&self) -> f64 {
        self.rounding
    }

    /// Whether there are some.
    pub fn has_breaks(&self) -> bool {
        self.breaks.iter().any(|axis| !axis.is_empty())
    }

    /// Where panels along an axis must end.
    pub fn breaks(&self, axis: usize) -> &[f64] {
        &self.breaks[axis]
    }

    /// Whether the components are all there is to it.
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// The Gaussians that p^α q^(1−α) is made of where they are not seen from p and q: for every component
    /// of both, and around the peaks of the whole. Of densities far apart, or where α is not between 0 and
    /// 1, most of the power may lie where there is hardly any of either.
    pub fn powers(p: &Self, q: &Self, alpha: f64) -> Self {
        let mut components = Vec::new();
        if p.dof.is_infinite() && q.dof.is_infinite() {
            for one in &p.components {
                for other in &q.components {
                    let power = one.power(other, alpha);
                    let is_seen = |power: &Gaussian| {
                        one.distance(power) < SEEN && other.distance(power) < SEEN
                    };
                    let within = (0.0..=1.0).contains(&alpha);
                    components.extend(power.filter(|power| !(within && is_seen(power))));
                }
            }
            components.extend(peaks(&p.components, &q.components, alpha));
        }
        Self {
            components,
            dof: f64::INFINITY,
            is_exact: true,
            breaks: Default::default(),
            rounding: 0.0,
        }
    }

    /// Whether there are numbers between the centre of every component and one width from it.
    pub(super) fn is_resolved(&self) -> bool {
        (self.components.iter())
            .all(|one| one.factor.diagonal().min() > NARROWEST * one.mean.amax())
    }

    /// Whether the squares of all its numbers are numbers.
    pub(super) fn is_in_range(&self) -> bool {
        (self.components.iter()).all(|one| one.mean.amax().max(one.factor.amax()) < LARGEST)
    }

    pub(super) fn is_gaussian(&self) -> bool {
        self.dof.is_infinite()
    }

    pub(super) fn components(&self) -> usize {
        self.components.len()
    }

    fn dim(&self) -> usize {
        self.components.first().map_or(0, |one| one.mean.len())
    }

    /// On a line.
    pub(super) fn bumps(&self) -> impl Iterator<Item = Bump> {
        (self.components.iter())
            .map(|one| Bump::new(one.log_weight, one.mean[0], one.factor[(0, 0)], self.dof))
    }

    /// In the plane, seen from a frame.
    pub(super) fn sliced(&self, frame: Frame) -> impl Iterator<Item = Sliced> {
        (self.components.iter()).map(move |one| Sliced::new(one, frame, self.dof))
    }

    /// The frame whose outer direction is the long axis of the component that is farthest from round
    /// among two densities: where narrow ridges lie side by side, lines cross them. The axes themselves, where one has
    /// corners along these; `None` on a line.
    pub(super) fn frame_with(&self, other: &Self) -> Option<Frame> {
        if self.dim() != 2 {
            return None;
        }
        if self.has_breaks() || other.has_breaks() {
            return Some(Frame::AXES);
        }
        let (mut frame, mut longest) = (Frame::AXES, Frame::ROUND);
        for component in self.components.iter().chain(&other.components) {
            let svd = component.factor.clone().svd(true, false);
            let (Some(u), values) = (svd.u, svd.singular_values) else {
                continue;
            };
            let (long, short) = if values[0] >= values[1] {
                (0, 1)
            } else {
                (1, 0)
            };
            let ratio = values[long] / values[short];
            if ratio > longest {
                longest = ratio;
                let axis = |i: usize| [u[(0, i)], u[(1, i)]];
                frame = Frame {
                    outer: axis(long),
                    inner: axis(short),
                };
            }
        }
        Some(frame)
    }
}

impl Frame {
    /// The coordinates themselves.
    pub const AXES: Self = Self {
        outer: [1.0, 0.0],
        inner: [0.0, 1.0],
    };
    /// Components that are less than this many times as long as wide have no long axis to follow.
    const ROUND: f64 = 3.0;

    /// Inner and outer exchanged.
    pub fn turned(self) -> Self {
        Self {
            outer: self.inner,
            inner: self.outer,
        }
    }

    /// The point at `t` along the outer and `s` along the inner direction.
    pub fn point(self, t: f64, s: f64) -> [f64; 2] {
        [0, 1].map(|d| t * self.outer[d] + s * self.inner[d])
    }
}

impl Sliced {
    fn new(gaussian: &Gaussian, frame: Frame, dof: f64) -> Self {
        let along = |direction: [f64; 2]| {
            let of_mean = direction[0] * gaussian.mean[0] + direction[1] * gaussian.mean[1];
            let row = [0, 1].map(|j| {
                direction[0] * gaussian.factor[(0, j)] + direction[1] * gaussian.factor[(1, j)]
            });
            (of_mean, row)
        };
        let (outer_mean, outer) = along(frame.outer);
        let (inner_mean, inner) = along(frame.inner);
        let std = outer[0].hypot(outer[1]);
        let determinant = gaussian.factor[(0, 0)] * gaussian.factor[(1, 1)];
        Self {
            marginal: Bump::new(gaussian.log_weight, outer_mean, std, dof),
            along: Bump::new(0.0, inner_mean, determinant / std, dof + 1.0),
            slope: (outer[0] * inner[0] + outer[1] * inner[1]) / std / std,
        }
    }

    /// On the line at t: the conditional density times the marginal. Of Student's t that is one of
    /// ν + 1 degrees of freedom, wider where t is far out (Kotz and Nadarajah 2004, §1.11).
    pub fn slice(&self, t: f64) -> Bump {
        let mut bump = self.along;
        bump.center += self.slope * (t - self.marginal.center);
        bump.log_peak += self.marginal.log_density(t);
        if bump.dof.is_finite() {
            let z = self.z(t);
            bump = bump.stretched(((self.marginal.dof + z * z) / bump.dof).sqrt());
        }
        bump
    }

    /// How far out the line at t still has anything of it, in widths: 0 if nothing.
    pub fn reach(&self, t: f64) -> f64 {
        if self.marginal.dof.is_infinite() {
            let z = self.z(t);
            (GAUSSIAN * GAUSSIAN - z * z).max(0.0).sqrt()
        } else {
            f64::INFINITY
        }
    }

    fn z(&self, t: f64) -> f64 {
        (t - self.marginal.center) / self.marginal.scale
    }

    /// Where two ridges cross: the product of two Gaussians is one, whose extent along the outer
    /// direction may be far shorter than theirs.
    pub fn intersection(&self, other: &Self) -> Option<Feature> {
        let width = self.along.scale.hypot(other.along.scale);
        let turn = (self.slope - other.slope) / width;
        let apart = (self.at_zero() - other.at_zero()) / width;
        let stds = [self.marginal.scale, other.marginal.scale];
        let precision = turn * turn + stds.map(|std| std.powi(-2)).iter().sum::<f64>();
        let pull = self.marginal.center / stds[0].powi(2) + other.marginal.center / stds[1].powi(2)
            - turn * apart;
        let (center, unit) = (pull / precision, precision.sqrt().recip());
        let is_finer = unit < 0.5 * stds[0].min(stds[1]);
        let is_there = self.z(center).abs().max(other.z(center).abs()) < GAUSSIAN;
        (is_finer && is_there).then(|| Feature::gaussian(center, unit))
    }

    /// Its middle on the line at 0.
    fn at_zero(&self) -> f64 {
        self.along.center - self.slope * self.marginal.center
    }

    /// The lines that touch the curve on which two Gaussians are equally dense: where along the line
    /// they touch, and how steeply the log of their ratio changes from line to line. There the integral
    /// along a line has a corner, as wide as that of the curve.
    pub fn touches(&self, other: &Self, mut found: impl FnMut(f64, f64, f64)) {
        let (a, b) = (&self.marginal, &other.marginal);
        if a.dof.is_finite() || b.dof.is_finite() {
            return;
        }
        // The extreme along a line of the log-ratio, as a function of the distance t from the centre of
        // this one: a parabola.
        let apart = b.center - a.center;
        let turn = self.slope - other.slope;
        let shift = self.along.center - other.along.center + other.slope * apart;
        let [width, other_width] = [self, other].map(|one| one.along.scale);
        let gap = (other_width - width) * (other_width + width);
        let same = turn == 0.0 && shift == 0.0;
        if gap == 0.0 && !same {
            return;
        }
        let over = if same { 0.0 } else { gap.recip() };
        let [wide_a, wide_b] = [a.scale.powi(-2), b.scale.powi(-2)];
        let square = 0.5 * (wide_b - wide_a + turn * turn * over);
        let linear = shift * turn * over - apart * wide_b;
        // On the line through both centres, per unit of the line.
        let heights = (a.log_peak - width.ln()) - (b.log_peak - other_width.ln());
        let constant = heights + 0.5 * (apart * apart * wide_b + shift * shift * over);
        for t in roots(square, linear, constant).into_iter().flatten() {
            let steepness = (2.0 * square * t + linear).abs();
            let [own, others] = [self, other].map(|one| one.slice(a.center + t).center);
            let (own_square, other_square) = (width.powi(2), other_width.powi(2));
            let s = if same {
                own
            } else {
                (own * other_square - others * own_square) * over
            };
            if steepness > 0.0 && s.is_finite() {
                found(a.center + t, s, steepness);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::density::target::TargetModel;
    use crate::mixture::Mixture;

    fn gaussian(mean: [f64; 2], factor: [f64; 3]) -> Shape {
        let [a, b, c] = factor;
        let factor = DMatrix::from_row_slice(2, 2, &[a, 0.0, b, c]);
        let mixture = Mixture::new(vec![1.0], vec![mean.to_vec()], vec![factor]).unwrap();
        Shape::new((&mixture).into()).unwrap()
    }

    #[test]
    fn a_line_of_the_plane_has_the_density_of_the_plane() {
        let factor = DMatrix::from_row_slice(2, 2, &[0.7, 0.0, -1.3, 0.2]);
        let mixture = Mixture::new(vec![1.0], vec![vec![0.3, -2.0]], vec![factor]).unwrap();
        let student_t = crate::density::target::StudentT::new(mixture.clone(), 4.0).unwrap();
        let (sin, cos) = 0.4f64.sin_cos();
        let frame = Frame {
            outer: [cos, sin],
            inner: [-sin, cos],
        };
        for model in [
            TargetModel::Mixture(mixture),
            TargetModel::StudentT(student_t),
        ] {
            for frame in [Frame::AXES, Frame::AXES.turned(), frame, frame.turned()] {
                let sliced = Shape::new(model.elliptical().unwrap())
                    .unwrap()
                    .sliced(frame)
                    .next()
                    .unwrap();
                for (t, s) in [(0.0, 0.0), (1.5, -1.0), (-3.0, 2.0)] {
                    let expected = model.log_density(&frame.point(t, s)).unwrap();
                    let found = sliced.slice(t).log_density(s);
                    assert!(
                        (found - expected).abs() < 1e-11 * expected.abs(),
                        "{found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_lines_that_touch_the_curve_of_equal_density_do() {
        let one = gaussian([0.2, 0.1], [0.3, 0.1, 0.2])
            .sliced(Frame::AXES)
            .next()
            .unwrap();
        let other = gaussian([0.0, 0.0], [1.5, -0.4, 1.0])
            .sliced(Frame::AXES)
            .next()
            .unwrap();
        let mut count = 0;
        one.touches(&other, |t, s, steepness| {
            let ratio =
                |t: f64, s: f64| one.slice(t).log_density(s) - other.slice(t).log_density(s);
            assert!(ratio(t, s).abs() < 1e-10, "{t} {s} {}", ratio(t, s));
            let step = 1e-5;
            let along = (ratio(t, s + step) - ratio(t, s - step)) / (2.0 * step);
            let across = (ratio(t + step, s) - ratio(t - step, s)) / (2.0 * step);
            assert!(along.abs() < 1e-6, "{along}");
            assert!(
                (across.abs() - steepness).abs() < 1e-6 * steepness,
                "{across} {steepness}"
            );
            count += 1;
        });
        assert_eq!(count, 2);
    }

    #[test]
    fn two_ridges_that_cross_make_a_short_feature() {
        let one = gaussian([0.0, 0.0], [1.0, 1.0, 1e-3])
            .sliced(Frame::AXES)
            .next()
            .unwrap();
        let other = gaussian([0.5, 0.0], [1.0, -1.0, 1e-3])
            .sliced(Frame::AXES)
            .next()
            .unwrap();
        // y = x and y = 0.5 − x cross at x = ¼; their distance grows twice as fast as x.
        let [low, high] = one.intersection(&other).unwrap().span();
        assert!((0.5 * (low + high) - 0.25).abs() < 1e-6);
        let unit = (high - low) / 2.0 / GAUSSIAN;
        assert!(
            (unit / (2f64.sqrt() * 1e-3 / 2.0) - 1.0).abs() < 1e-3,
            "{unit}"
        );
        assert!(one.intersection(&one).is_none());
    }
}
