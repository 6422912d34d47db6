//! What is said of the units of divergences.

use super::coverage::joined;
use crate::divergence::DivergenceKind;

/// In what unit divergences are, and whether they are those of fits.
pub fn units(kinds: impl IntoIterator<Item = DivergenceKind>, of_fits: bool) -> String {
    let (mut in_nats, mut without): (bool, Vec<String>) = (false, Vec::new());
    for kind in kinds {
        let symbol = kind.symbol();
        match kind.is_in_nats() {
            true => in_nats = true,
            false if without.contains(&symbol) => {}
            false => without.push(symbol),
        }
    }
    let of = match of_fits {
        true => " of the best run of each fit",
        false => "",
    };
    match (in_nats, &without[..]) {
        (true, []) if of_fits => format!("Divergences are in nats,{of}."),
        (true, []) => "Divergences are in nats.".to_owned(),
        (true, some) if of_fits => {
            format!("Divergences are{of}, in nats but for {}.", joined(some))
        }
        (true, some) => format!("Divergences are in nats but for {}.", joined(some)),
        (false, _) if of_fits => format!("Divergences are{of}, without a unit."),
        (false, _) => "These divergences have no unit.".to_owned(),
    }
}

/// What follows a number of a divergence.
pub fn unit(kind: DivergenceKind) -> &'static str {
    match kind.is_in_nats() {
        true => " nats",
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nats_are_claimed_of_what_is_in_nats() {
        let (kl, tv) = (DivergenceKind::ForwardKl, DivergenceKind::TotalVariation);
        assert_eq!(units([kl], false), "Divergences are in nats.");
        assert_eq!(
            units([kl, tv], false),
            "Divergences are in nats but for TV(p, q)."
        );
        assert_eq!(
            units([tv], true),
            "Divergences are of the best run of each fit, without a unit."
        );
    }
}
