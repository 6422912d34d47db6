//! Where a line is cut into panels: at the features of what is integrated, graded around each.
//!
//! A panel is resolved by a rule of 16 points if the features that reach it are not much finer than
//! the panel is long. The finest are the components themselves, and where one takes over from
//! another the corner of the logarithm of their sum: log(1 + eᵗ) has poles at ± iπ, so a corner is
//! as wide as π over the difference of the slopes.

use std::cell::RefCell;

use super::bump::Bump;
use super::corners::{Top, corners, cut_where_equal};
use super::feature::Feature;

/// A panel may be this many units long at the centre, and so much longer for each unit of distance.
const LENGTH: f64 = 2.0;
const GRADING: f64 = 0.75;

/// Cuts lines into panels, one after the other.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    p: Vec<Bump>,
    q: Vec<Bump>,
    /// Panels are this many times as long as features ask for.
    length: f64,
    features: Vec<Feature>,
    /// Where features ask for ends, ascending, and of how many features.
    wanted: Vec<f64>,
    asked: usize,
    /// What more of them ask for, and room to put both in order.
    more: Vec<f64>,
    merged: Vec<f64>,
    /// Those that panels have not come to yet, the next one last, and those that they have not left.
    coming: Vec<Reaching>,
    here: Vec<Reaching>,
    /// Where the densest components are looked for, and which they are.
    places: Vec<f64>,
    tops: Vec<[Top; 2]>,
    ends: Vec<f64>,
}

thread_local! {
    /// There are many lines, and none takes long: lists are made once on a thread.
    static MESH: RefCell<Mesh> = RefCell::default();
}

impl Mesh {
    /// Calls `f` with one.
    pub fn with<R>(f: impl FnOnce(&mut Self) -> R) -> R {
        let mut mesh = MESH.take();
        let result = f(&mut mesh);
        MESH.set(mesh);
        result
    }

    /// Begins with two densities on a line, for panels that are `length` times as long as they would be.
    pub fn begin(
        &mut self,
        p: impl Iterator<Item = Bump>,
        q: impl Iterator<Item = Bump>,
        length: f64,
    ) {
        self.length = length;
        self.p.clear();
        self.p.extend(p);
        self.q.clear();
        self.q.extend(q);
        self.features.clear();
        self.wanted.clear();
        self.asked = 0;
        self.ends.clear();
    }

    /// All components, as far as these and `others` reach, with the corners of the logarithm of each density, and
    /// those where one density falls below the other. `reach` shortens components, each by its place in p and q
    /// joined.
    pub fn add_all(&mut self, others: impl Iterator<Item = Feature>, reach: impl Fn(usize) -> f64) {
        self.add_bumps(others, reach);
        let Some([low, high]) = self.cut() else {
            return;
        };
        // A component without reach has no panels, and may still be the densest around its centre.
        self.places.clone_from(&self.ends);
        for bump in self.p.iter().chain(&self.q) {
            if low < bump.center && bump.center < high {
                let before = self.places.partition_point(|&place| place < bump.center);
                self.places.insert(before, bump.center);
            }
        }
        let Self {
            p,
            q,
            places,
            tops,
            features,
            ..
        } = self;
        corners(places, [p, q], tops, features);
    }

    /// The components of densities that are not known by them alone: panels are twice as long as where nothing else
    /// is there, and shortened where that is too long.
    pub fn add_components(
        &mut self,
        others: impl Iterator<Item = Feature>,
        reach: impl Fn(usize) -> f64,
    ) {
        self.add_bumps(others, reach);
        for feature in &mut self.features {
            *feature = feature.widened(2.0);
        }
    }

    fn add_bumps(&mut self, others: impl Iterator<Item = Feature>, reach: impl Fn(usize) -> f64) {
        let bumps = self.p.iter().chain(&self.q).enumerate();
        self.features.extend(
            bumps
                .map(|(place, bump)| Feature::new(bump).within(reach(place)))
                .chain(others)
                .filter(Feature::is_there),
        );
    }

    /// One more.
    pub fn add(&mut self, feature: Feature) {
        self.features.push(feature);
    }

    /// From the first to the last of all features; `None` if that is not finite.
    pub fn span(&self) -> Option<[f64; 2]> {
        let [low, high] = (self.features.iter().map(Feature::span)).fold(
            [f64::INFINITY, f64::NEG_INFINITY],
            |[low, high], [from, to]| [low.min(from), high.max(to)],
        );
        (low < high && (high - low).is_finite()).then_some([low, high])
    }

    /// The ends of the panels, ascending; none if there is no room for them.
    pub fn ends(&self) -> &[f64] {
        &self.ends
    }

    /// Cuts the line where its features are, and returns its span: of the ends they ask for as few are taken as
    /// resolve all of them.
    pub fn cut(&mut self) -> Option<[f64; 2]> {
        self.ends.clear();
        let [low, high] = self.span()?;
        self.ask([low, high]);
        self.coming.clear();
        let wide = (self.features.iter()).map(|feature| feature.widened(self.length));
        self.coming
            .extend(wide.map(|feature| Reaching::new(&feature)));
        (self.coming).sort_unstable_by(|a, b| b.from.total_cmp(&a.from));
        self.here.clear();
        self.take_ends(low);
        Some([low, high])
    }

    /// Asks the features that were not asked yet where they want ends.
    fn ask(&mut self, [low, high]: [f64; 2]) {
        self.more.clear();
        for feature in &self.features[self.asked..] {
            feature.widened(self.length).ends(|end| {
                if low <= end && end <= high {
                    self.more.push(end);
                }
            });
        }
        self.asked = self.features.len();
        self.more.sort_unstable_by(f64::total_cmp);
        self.merged.clear();
        let mut before = &self.wanted[..];
        for &end in &self.more {
            while let [first, rest @ ..] = before
                && *first <= end
            {
                self.merged.push(*first);
                before = rest;
            }
            self.merged.push(end);
        }
        self.merged.extend(before);
        self.merged.dedup();
        std::mem::swap(&mut self.wanted, &mut self.merged);
    }

    /// Goes from end to end, each time as far as all features on the way allow.
    fn take_ends(&mut self, low: f64) {
        self.ends.push(low);
        let mut from = low;
        let mut rest = &self.wanted[..];
        loop {
            let past = rest.iter().take_while(|&&end| end <= from).count();
            rest = &rest[past..];
            let Some(&next) = rest.first() else { break };
            self.here.retain(|one| one.to > from);
            let mut farthest = (self.here.iter())
                .map(|one| one.farthest(from))
                .fold(f64::INFINITY, f64::min);
            // Those that begin on the panel.
            while let Some(one) = self.coming.pop_if(|one| one.from < farthest.max(next)) {
                farthest = farthest.min(one.farthest(from));
                self.here.push(one);
            }
            let within = rest.iter().take_while(|&&end| end <= farthest);
            from = within.last().copied().unwrap_or(next);
            self.ends.push(from);
        }
    }

    /// Ends panels at some more places, in ascending order.
    pub fn cut_at(&mut self, breaks: &[f64]) {
        if !breaks.is_empty() {
            self.ends.extend(breaks);
            self.ends.sort_by(f64::total_cmp);
            self.ends.dedup();
        }
    }

    /// Ends panels where both densities are equal.
    pub fn cut_where_equal(&mut self) {
        cut_where_equal(&mut self.ends, &self.p, &self.q);
    }
}

/// A feature as seen by the panels it reaches.
#[derive(Debug, Clone, Copy)]
struct Reaching {
    from: f64,
    to: f64,
    center: f64,
    /// How long a panel at its centre may be.
    length: f64,
}

impl Reaching {
    fn new(feature: &Feature) -> Self {
        let [from, to] = feature.span();
        Self {
            from,
            to,
            center: feature.center(),
            length: LENGTH * feature.unit() * (1.0 + 1e-9),
        }
    }

    /// Where a panel from here must end for it to be resolved on that, or not reached: where the panel is as long as
    /// its length at the centre and its distance from that allow.
    fn farthest(&self, from: f64) -> f64 {
        const SHORTER: f64 = 1.0 / (1.0 + GRADING);
        // Past the centre it may be longer by how far off it begins, before the centre by how far off it ends.
        let begins = from - self.center;
        let (across, after) = (begins + self.length, begins.max(0.0) * GRADING);
        let ends = (across + after).max(SHORTER * across);
        (self.center + ends).max(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mesh(features: &[Feature]) -> Mesh {
        let mut mesh = Mesh::default();
        mesh.begin(std::iter::empty(), std::iter::empty(), 1.0);
        features.iter().for_each(|feature| mesh.add(*feature));
        mesh.cut();
        mesh
    }

    #[test]
    fn a_spike_on_a_slab_takes_a_few_panels_more_than_either() {
        let slab = Feature::gaussian(0.0, 1.0);
        let count = |features: &[Feature]| mesh(features).ends.len() - 1;
        let alone = count(&[slab]);
        for unit in [1e-2, 1e-5, 1e-9] {
            let spike = Feature::gaussian(0.3, unit);
            let both = count(&[slab, spike]);
            assert!(
                (alone + 6..=alone + 9).contains(&both),
                "{unit}: {alone} {both}"
            );
        }
        assert!(alone <= 8, "{alone}");
    }

    #[test]
    fn corners_are_found_where_one_component_takes_over_from_another() {
        let bump = |log_weight, center, scale, dof| Bump::new(log_weight, center, scale, dof);
        let p = [
            bump(-0.7, -1.0, 1.0, f64::INFINITY),
            bump(-0.7, 1.0, 1.0, f64::INFINITY),
            bump(-3.0, 0.2, 1e-4, f64::INFINITY),
        ];
        let q = [bump(0.0, 0.0, 2.0, 4.0)];
        let mut mesh = Mesh::default();
        mesh.begin(p.into_iter(), q.into_iter(), 1.0);
        mesh.add_all(std::iter::empty(), |_| f64::INFINITY);
        let corners: Vec<f64> = mesh.features[4..].iter().map(Feature::center).collect();
        // The spike takes over and gives back; the two wide ones meet at 0; p falls below q twice.
        let near =
            |x: f64, tolerance: f64| corners.iter().any(|corner| (corner - x).abs() < tolerance);
        assert!(
            near(0.2 - 4.6e-4, 1e-4) && near(0.2 + 4.6e-4, 1e-4),
            "{corners:?}"
        );
        assert!(near(0.0, 0.1), "{corners:?}");
        assert!(corners.iter().any(|x| *x < -1.5) && corners.iter().any(|x| *x > 1.5));
        assert!(corners.len() < 12, "{corners:?}");
    }

    #[test]
    fn a_line_is_cut_as_if_it_were_the_first() {
        let bump = |center, scale| Bump::new(0.0, center, scale, f64::INFINITY);
        let mut again = Mesh::default();
        for center in [0.0, 3.0, 0.5] {
            let mut first = Mesh::default();
            for mesh in [&mut first, &mut again] {
                mesh.begin(
                    [bump(0.0, 1.0)].into_iter(),
                    [bump(center, 0.1)].into_iter(),
                    1.0,
                );
                mesh.add_all(std::iter::empty(), |_| f64::INFINITY);
                mesh.cut();
            }
            assert_eq!(first.ends, again.ends);
        }
    }

    #[test]
    fn every_feature_is_resolved_on_every_panel_or_was_cut_as_it_asks() {
        let features = [
            Feature::gaussian(0.0, 1.0),
            Feature::gaussian(0.4, 0.3),
            Feature::gaussian(0.41, 0.29),
            Feature::corner(1.0, 40.0),
        ];
        let ends = mesh(&features).ends;
        assert!(ends.is_sorted() && ends.len() < 30, "{ends:?}");
        for pair in ends.windows(2) {
            for feature in &features {
                let one = Reaching::new(feature);
                if pair[1] <= one.from || one.to <= pair[0] {
                    continue;
                }
                let reach = (one.to - one.center) / feature.unit();
                let longest = 1.5 * (LENGTH + GRADING * reach) * feature.unit();
                assert!(
                    pair[1] <= one.farthest(pair[0]) || pair[1] - pair[0] <= longest,
                    "{pair:?} {feature:?}"
                );
            }
        }
    }
}
