//! Words at the ends of the lines of a panel.

use plotters::style::RGBAColor;

use super::mark::{Align, Type};
use super::panel::Panel;
use super::style::Style;
use super::theme::{self, stroke};
use crate::error::Result;

/// Rounds in which words that touch push each other apart; a few labels need a few dozen.
const RELAXATIONS: usize = 60;
/// So many labels of ends at one place stand on top of each other.
pub const MOST_STACKED: usize = 3;
/// What follows a label that stands for others too.
const MORE: &str = " …";
/// From the end of a line to its words, in mm.
const LEADER: f64 = 3.0;

/// The room that words at the ends of lines take, in mm.
pub fn end_label_width(style: &Style, labels: &[String]) -> f64 {
    let kind = Type::note(Align::Left);
    let widths = labels.iter().map(|label| style.text_width(label, kind));
    LEADER + widths.fold(0.0, f64::max) + style.text_width(MORE, kind)
}

impl Panel<'_, '_> {
    /// Words at the right end of lines at the given heights, moved apart where they would touch,
    /// each with a leader from its line.
    pub fn end_labels(&self, mut labels: Vec<(f64, String)>, color: RGBAColor) -> Result<()> {
        let kind = Type::note(Align::Left);
        let apart = 1.15 * kind.size * self.sheet.style.text;
        labels.retain(|(y, _)| y.is_finite());
        labels.sort_by(|a, b| b.0.total_cmp(&a.0));
        let labels = self.gathered(labels, apart);
        let ends: Vec<f64> = labels.iter().map(|(y, _)| self.at_y(*y)).collect();
        let mut heights = ends.clone();
        for _ in 0..RELAXATIONS {
            for i in 1..heights.len() {
                let lacking = apart - (heights[i] - heights[i - 1]);
                if lacking > 0.0 {
                    heights[i - 1] -= 0.5 * lacking;
                    heights[i] += 0.5 * lacking;
                }
            }
        }
        // What was pushed below the panel pushes back up.
        let mut floor = self.frame.bottom;
        for height in heights.iter_mut().rev() {
            *height = height.min(floor);
            floor = *height - apart;
        }
        let right = self.frame.right;
        for ((end, height), (_, label)) in ends.into_iter().zip(heights).zip(labels) {
            let leader = stroke(theme::INK, 0.5, theme::HAIRLINE);
            (self.sheet).line(
                &[(right + 0.3, end), (right + LEADER - 0.4, height)],
                leader,
            )?;
            (self.sheet).text((right + LEADER, height), &label, kind, color)?;
        }
        Ok(())
    }

    /// Labels of ends that are where others are: of more than a few the first stands for all, since a stack
    /// of them would stand far from their lines.
    fn gathered(&self, labels: Vec<(f64, String)>, apart: f64) -> Vec<(f64, String)> {
        let mut groups: Vec<Vec<(f64, String)>> = Vec::new();
        for (y, label) in labels {
            let touches = |group: &Vec<(f64, String)>| {
                let last = group
                    .last()
                    .map_or(f64::INFINITY, |(last, _)| self.at_y(*last));
                self.at_y(y) - last < 0.5 * apart
            };
            match groups.last_mut().filter(|group| touches(group)) {
                Some(group) => group.push((y, label)),
                None => groups.push(vec![(y, label)]),
            }
        }
        let gather = |mut group: Vec<(f64, String)>| {
            if group.len() <= MOST_STACKED {
                return group;
            }
            let middle = group.iter().map(|(y, _)| y).sum::<f64>() / group.len() as f64;
            group.sort_by(|a, b| a.1.len().cmp(&b.1.len()).then(a.1.cmp(&b.1)));
            let label = format!("{}{MORE}", group[0].1);
            vec![(middle, label)]
        };
        groups.into_iter().flat_map(gather).collect()
    }
}
