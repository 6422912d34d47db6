//! What someone may have meant by a name.

/// The nearest of some names, if one is near.
pub fn nearest<'a>(name: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Of short names, one slip of the hand.
    let slip = |other: &str| match name.len() > 2 && strsim::osa_distance(name, other) == 1 {
        true => 0.9,
        false => 0.0,
    };
    among
        .map(|other| (strsim::jaro_winkler(name, other).max(slip(other)), other))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}
