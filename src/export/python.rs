//! What all modules in Python have in common: the parameters as arrays, and the names.

use super::Exported;
use super::numbers::row;
use crate::text::is_unseen;

/// NAMES, WEIGHTS, MEANS and SCALE_TRILS, the arrays made by the given function.
pub fn parameters(exported: &Exported, array: &str) -> String {
    let Exported { q, names } = exported;
    let names: Vec<String> = names.iter().map(|name| literal(name)).collect();
    let mut text = format!(
        "# What the coordinates of x are called, in their order.\nNAMES = [{}]\n",
        names.join(", ")
    );
    text += "\n# K weights, K means of D, and K lower Cholesky factors L of D x D: covariance = L L^T.\n";
    text += &format!(
        "WEIGHTS = {array}([{}])\nMEANS = {array}([\n",
        row(q.weights().iter().copied())
    );
    for mean in q.means() {
        text += &format!("    [{}],\n", row(mean.iter().copied()));
    }
    text += &format!("])\nSCALE_TRILS = {array}([\n");
    for factor in q.scale_trils() {
        text += "    [\n";
        for line in factor.row_iter() {
            text += &format!("        [{}],\n", row(line.iter().copied()));
        }
        text += "    ],\n";
    }
    text + "])\n"
}

/// A text in quotes.
fn literal(text: &str) -> String {
    let mut literal = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => literal.extend(['\\', c]),
            c if is_unseen(c) => literal += &format!("\\U{:08x}", u32::from(c)),
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn a_text_stays_in_its_quotes() {
        assert_eq!(literal("a\"\\\n'μ"), "\"a\\\"\\\\\\U0000000a'μ\"");
    }
}
