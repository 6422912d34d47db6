//! Text that LaTeX sets as it reads.

use super::shown;

/// A text on one line, for the text mode of LaTeX; what its fonts lack is set as mathematics.
pub fn latex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in shown(text).chars() {
        // Two of these would be set as one other.
        if (c == '-' && escaped.ends_with('-')) || (c == '`' && escaped.ends_with(['?', '!', '`']))
        {
            escaped.push_str("{}");
        }
        match c {
            '\\' => escaped.push_str("\\textbackslash{}"),
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            // After the end of a row they would be its arguments.
            '[' | '*' => escaped.extend(['{', c, '}']),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            c => match command(c) {
                Some(command) => escaped.extend(["\\ensuremath{", command, "}"]),
                None => escaped.push(c),
            },
        }
    }
    escaped
}

/// The command of a character that text fonts lack.
fn command(c: char) -> Option<&'static str> {
    Some(match c {
        '<' => "<",
        '>' => ">",
        '|' => "|",
        '±' => "\\pm",
        '×' => "\\times",
        '−' => "-",
        '‖' => "\\|",
        'α' => "\\alpha",
        'β' => "\\beta",
        'γ' => "\\gamma",
        'δ' => "\\delta",
        'ε' => "\\varepsilon",
        'ϵ' => "\\epsilon",
        'ζ' => "\\zeta",
        'η' => "\\eta",
        'θ' => "\\theta",
        'ϑ' => "\\vartheta",
        'ι' => "\\iota",
        'κ' => "\\kappa",
        'λ' => "\\lambda",
        'μ' | 'µ' => "\\mu",
        'ν' => "\\nu",
        'ξ' => "\\xi",
        'π' => "\\pi",
        'ρ' => "\\rho",
        'σ' => "\\sigma",
        'τ' => "\\tau",
        'υ' => "\\upsilon",
        'φ' => "\\varphi",
        'ϕ' => "\\phi",
        'χ' => "\\chi",
        'ψ' => "\\psi",
        'ω' => "\\omega",
        'Γ' => "\\Gamma",
        'Δ' => "\\Delta",
        'Θ' => "\\Theta",
        'Λ' => "\\Lambda",
        'Ξ' => "\\Xi",
        'Π' => "\\Pi",
        'Σ' => "\\Sigma",
        'Φ' => "\\Phi",
        'Ψ' => "\\Psi",
        'Ω' => "\\Omega",
        '·' => "\\cdot",
        '…' => "\\ldots",
        '\u{2003}' => "\\quad",
        '\u{2005}' => "\\:",
        '\u{2009}' => "\\,",
        '⁰' => "^0",
        '¹' => "^1",
        '²' => "^2",
        '³' => "^3",
        '⁴' => "^4",
        '⁵' => "^5",
        '⁶' => "^6",
        '⁷' => "^7",
        '⁸' => "^8",
        '⁹' => "^9",
        '⁻' => "^-",
        '⁺' => "^+",
        'ⁿ' => "^n",
        '½' => "\\tfrac12",
        '∞' => "\\infty",
        '≤' => "\\le",
        '≥' => "\\ge",
        '≠' => "\\ne",
        '≈' => "\\approx",
        '∼' => "\\sim",
        '→' => "\\to",
        '↑' => "\\uparrow",
        '↓' => "\\downarrow",
        '∫' => "\\int",
        '∑' => "\\sum",
        '∂' => "\\partial",
        '∇' => "\\nabla",
        'ℓ' => "\\ell",
        '∈' => "\\in",
        'ₐ' => "_a",
        '₀' => "_0",
        '₁' => "_1",
        '₂' => "_2",
        '₃' => "_3",
        '₄' => "_4",
        '₅' => "_5",
        '₆' => "_6",
        '₇' => "_7",
        '₈' => "_8",
        '₉' => "_9",
        '₋' => "_-",
        '₊' => "_+",
        'ₙ' => "_n",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{command, latex};
    use crate::text::{is_unseen, markup};

    #[test]
    fn all_that_labels_are_set_with_is_in_ascii() {
        for c in markup::signs() {
            let set = latex(&c.to_string());
            assert!(set.is_ascii(), "{c} is {set}");
        }
    }

    #[test]
    fn every_character_is_text() {
        for c in '\0'..=char::MAX {
            let expected = match c {
                _ if is_unseen(c) => latex(&c.escape_default().to_string()),
                '\\' => "\\textbackslash{}".to_owned(),
                '~' => "\\textasciitilde{}".to_owned(),
                '^' => "\\textasciicircum{}".to_owned(),
                '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
                '[' | '*' => format!("{{{c}}}"),
                _ => match command(c) {
                    Some(command) => format!("\\ensuremath{{{command}}}"),
                    None => c.to_string(),
                },
            };
            assert_eq!(latex(&c.to_string()), expected);
        }
    }
}
