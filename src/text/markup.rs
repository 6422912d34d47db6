//! A little mathematics in labels: `$\mu_1$` and `$x^{2}$` as TeX writes them, and what they read as.

use std::borrow::Cow;
use std::ops::Range;

/// Where a piece of a label stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// On the line.
    Line,
    /// Raised, as an exponent.
    Above,
    /// Lowered, as an index.
    Below,
}

/// Letters of a label that are set alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The letters.
    pub text: String,
    /// Where they stand.
    pub script: Script,
    /// Whether they slope, as variables do.
    pub italic: bool,
}

/// A stretch of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Words.
    Words(String),
    /// Mathematics, as it was written between the dollars.
    Maths(String),
}

/// What TeX calls characters that keyboards lack, for those who write of densities.
const NAMED: &[(&str, &str)] = &[
    ("alpha", "α"),
    ("beta", "β"),
    ("gamma", "γ"),
    ("delta", "δ"),
    ("epsilon", "ϵ"),
    ("varepsilon", "ε"),
    ("zeta", "ζ"),
    ("eta", "η"),
    ("theta", "θ"),
    ("vartheta", "ϑ"),
    ("iota", "ι"),
    ("kappa", "κ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("nu", "ν"),
    ("xi", "ξ"),
    ("pi", "π"),
    ("rho", "ρ"),
    ("sigma", "σ"),
    ("tau", "τ"),
    ("upsilon", "υ"),
    ("phi", "ϕ"),
    ("varphi", "φ"),
    ("chi", "χ"),
    ("psi", "ψ"),
    ("omega", "ω"),
    ("Gamma", "Γ"),
    ("Delta", "Δ"),
    ("Theta", "Θ"),
    ("Lambda", "Λ"),
    ("Xi", "Ξ"),
    ("Pi", "Π"),
    ("Sigma", "Σ"),
    ("Phi", "Φ"),
    ("Psi", "Ψ"),
    ("Omega", "Ω"),
    ("infty", "∞"),
    ("times", "×"),
    ("cdot", "·"),
    ("pm", "±"),
    ("le", "≤"),
    ("leq", "≤"),
    ("ge", "≥"),
    ("geq", "≥"),
    ("neq", "≠"),
    ("approx", "≈"),
    ("sim", "∼"),
    ("to", "→"),
    ("partial", "∂"),
    ("nabla", "∇"),
    ("int", "∫"),
    ("sum", "∑"),
    ("ell", "ℓ"),
    ("mid", "|"),
    ("log", "log"),
    ("ln", "ln"),
    ("exp", "exp"),
    ("min", "min"),
    ("max", "max"),
    ("ldots", "…"),
    ("dots", "…"),
    ("quad", "\u{2003}"),
];

/// Superscript and subscript characters with what they are scripts of.
const ABOVE: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿ";
const BELOW: &str = "₀₁₂₃₄₅₆₇₈₉₋₊ₙ";
const PLAIN: &str = "0123456789−+n";

/// Every sign that mathematics in a label is read as.
#[cfg(test)]
pub fn signs() -> impl Iterator<Item = char> {
    let named = NAMED.iter().flat_map(|(_, signs)| signs.chars());
    let others = [ABOVE, BELOW, PLAIN, "=<>‖ \u{2005}\u{2009}"].map(str::chars);
    named.chain(others.into_iter().flatten())
}

/// The stretches of a label. A dollar that is one is written `\$`; what stands between two and is no mathematics
/// that is known here stays as it was written.
pub fn parts(label: &str) -> Vec<Part> {
    let (mut parts, mut words, mut rest) = (Vec::new(), String::new(), label);
    while let Some(at) = rest.find(['$', '\\']) {
        words += &rest[..at];
        let from = &rest[at..];
        if let Some(after) = from.strip_prefix("\\$") {
            words.push('$');
            rest = after;
            continue;
        }
        match maths(from) {
            Some((source, after)) => {
                if !words.is_empty() {
                    parts.push(Part::Words(std::mem::take(&mut words)));
                }
                parts.push(Part::Maths(source.to_owned()));
                rest = after;
            }
            None => {
                let mut letters = from.chars();
                words.extend(letters.next());
                rest = letters.as_str();
            }
        }
    }
    words += rest;
    if !words.is_empty() {
        parts.push(Part::Words(words));
    }
    parts
}

/// The words of a label: what stands between spaces, of which those in mathematics are none.
pub fn words(label: &str) -> Vec<&str> {
    let (mut words, mut from) = (Vec::new(), 0);
    for (at, is_maths) in stretches(label) {
        if is_maths {
            continue;
        }
        for (space, _) in label[at.clone()].match_indices(' ') {
            words.push(&label[from..at.start + space]);
            from = at.start + space + 1;
        }
    }
    words.push(&label[from..]);
    words
}

/// The parts that a word may be broken into, which are the word one after another: mathematics at its spaces, each part
/// with its own dollars, and letters after signs that join words; anywhere where such a part is no one that `fits`.
pub fn broken(word: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut all = Vec::new();
    for (at, is_maths) in stretches(word) {
        let stretch = &word[at];
        if is_maths {
            all.extend(formulas(stretch));
            continue;
        }
        for part in stretch.split_inclusive(['/', '-', '_']) {
            match fits(part) {
                true => all.push(part.to_owned()),
                false => all.extend(part.chars().map(String::from)),
            }
        }
    }
    all
}

/// Mathematics with its dollars by its parts: what stands between spaces, unless within braces.
fn formulas(maths: &str) -> Vec<String> {
    let inner = maths.trim_matches('$');
    let (mut parts, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ' ' if depth == 0 => {
                parts.push(&inner[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[from..]);
    parts.retain(|part| !part.is_empty());
    match parts.iter().all(|part| read(part).is_some()) {
        true => parts.iter().map(|part| format!("${part}$")).collect(),
        false => vec![maths.to_owned()],
    }
}

/// The stretches of a label as it is written, and whether they are mathematics with its dollars.
fn stretches(label: &str) -> Vec<(Range<usize>, bool)> {
    let (mut all, mut from, mut at) = (Vec::new(), 0, 0);
    while let Some(next) = label[at..].find(['$', '\\']).map(|next| at + next) {
        match maths(&label[next..]) {
            Some((source, _)) => {
                let end = next + source.len() + 2;
                all.push((from..next, false));
                all.push((next..end, true));
                (from, at) = (end, end);
            }
            None if label[next..].starts_with("\\$") => at = next + 2,
            None => at = next + 1,
        }
    }
    all.push((from..label.len(), false));
    all.retain(|(range, _)| !range.is_empty());
    all
}

/// The mathematics that a text begins with, without its dollars, and what follows it.
fn maths(text: &str) -> Option<(&str, &str)> {
    let (source, after) = text.strip_prefix('$')?.split_once('$')?;
    (!source.trim().is_empty() && read(source).is_some()).then_some((source, after))
}

/// The pieces of a label, from left to right.
pub fn pieces(label: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    for part in parts(label) {
        match part {
            Part::Words(words) => scripts(&words, &mut all),
            Part::Maths(source) => all.extend(read(&source).unwrap_or_default()),
        }
    }
    all
}

/// A label as it reads without mathematics: `μ₁` of `$\mu_1$`.
pub fn plain(label: &str) -> Cow<'_, str> {
    if !label.contains(['$', '\\']) {
        return Cow::Borrowed(label);
    }
    let mut text = String::new();
    for Piece {
        text: letters,
        script,
        ..
    } in pieces(label)
    {
        let signs = match script {
            Script::Line => {
                text += &letters;
                continue;
            }
            Script::Above => ABOVE,
            Script::Below => BELOW,
        };
        let small = |c: char| {
            signs
                .chars()
                .nth(PLAIN.chars().position(|plain| plain == c)?)
        };
        match letters.chars().map(small).collect::<Option<String>>() {
            Some(small) => text += &small,
            None => {
                text.push(if script == Script::Above { '^' } else { '_' });
                text += &letters;
            }
        }
    }
    Cow::Owned(text)
}

/// Words, of which superscript and subscript characters are set as scripts: few fonts have all of them.
fn scripts(words: &str, all: &mut Vec<Piece>) {
    for c in words.chars() {
        let of = |signs: &str| PLAIN.chars().nth(signs.chars().position(|sign| sign == c)?);
        let (c, script) = match (of(ABOVE), of(BELOW)) {
            (Some(plain), _) => (plain, Script::Above),
            (_, Some(plain)) => (plain, Script::Below),
            _ => (c, Script::Line),
        };
        push(all, c, script, false);
    }
}

fn push(all: &mut Vec<Piece>, c: char, script: Script, italic: bool) {
    match all.last_mut() {
        Some(last) if last.script == script && last.italic == italic => last.text.push(c),
        _ => all.push(Piece {
            text: c.to_string(),
            script,
            italic,
        }),
    }
}

/// The pieces of some mathematics; none where it has more than is known here.
fn read(source: &str) -> Option<Vec<Piece>> {
    let mut all = Vec::new();
    let rest = group(source, Script::Line, false, &mut all)?;
    rest.is_empty().then_some(all)
}

/// Reads up to the end or to a brace that closes, and returns what is left.
fn group<'s>(
    mut source: &'s str,
    script: Script,
    upright: bool,
    all: &mut Vec<Piece>,
) -> Option<&'s str> {
    loop {
        let mut letters = source.chars();
        match letters.next() {
            None | Some('}') => return Some(source),
            Some(sign @ ('^' | '_')) => {
                let script = if sign == '^' {
                    Script::Above
                } else {
                    Script::Below
                };
                source = atom(letters.as_str(), script, upright, all)?;
            }
            Some(_) => source = atom(source, script, upright, all)?,
        }
    }
}

/// Reads one character, command or group.
fn atom<'s>(
    source: &'s str,
    script: Script,
    upright: bool,
    all: &mut Vec<Piece>,
) -> Option<&'s str> {
    let mut letters = source.chars();
    let first = letters.next()?;
    let rest = letters.as_str();
    match first {
        '{' => group(rest, script, upright, all)?.strip_prefix('}'),
        '\\' => command(rest, script, upright, all),
        '}' | '^' | '_' | '&' | '#' | '%' | '$' => None,
        // Spaces mean nothing in mathematics; in words among it they do.
        ' ' if !upright => Some(rest),
        '-' => {
            push(all, '−', script, false);
            Some(rest)
        }
        '=' | '<' | '>' if script == Script::Line => {
            for c in ['\u{2005}', first, '\u{2005}'] {
                push(all, c, script, false);
            }
            Some(rest)
        }
        _ => {
            push(all, first, script, first.is_alphabetic() && !upright);
            Some(rest)
        }
    }
}

fn command<'s>(
    source: &'s str,
    script: Script,
    upright: bool,
    all: &mut Vec<Piece>,
) -> Option<&'s str> {
    let end = source
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(source.len());
    if end == 0 {
        let mut letters = source.chars();
        let sign = match letters.next()? {
            '|' => '‖',
            ',' | ';' | ':' => '\u{2009}',
            ' ' => ' ',
            sign @ ('{' | '}' | '_' | '%' | '&' | '#') => sign,
            _ => return None,
        };
        push(all, sign, script, false);
        return Some(letters.as_str());
    }
    let (name, rest) = source.split_at(end);
    if matches!(name, "mathrm" | "text" | "operatorname") {
        return group(rest.strip_prefix('{')?, script, true, all)?.strip_prefix('}');
    }
    let (_, signs) = NAMED.iter().find(|(known, _)| *known == name)?;
    // Small Greek letters are variables; functions and capitals stand upright, as TeX sets them.
    let slopes = signs.chars().all(|c| c.is_lowercase()) && signs.chars().count() == 1;
    for c in signs.chars() {
        push(all, c, script, slopes && !upright);
    }
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(label: &str) -> String {
        let piece = |piece: Piece| {
            let slope = if piece.italic { "/" } else { "" };
            match piece.script {
                Script::Line => format!("{slope}{}", piece.text),
                Script::Above => format!("^({slope}{})", piece.text),
                Script::Below => format!("_({slope}{})", piece.text),
            }
        };
        pieces(label).into_iter().map(piece).collect()
    }

    #[test]
    fn mathematics_is_read_as_tex_writes_it() {
        for (label, expected) in [
            ("reverse KL, K = 3", "reverse KL, K = 3"),
            (r"$\mu$", "/μ"),
            (r"mean $\mu_1$ of $x^{2}$", "mean /μ_(1) of /x^(2)"),
            (r"$\mathrm{KL}(p \| q)$", "KL(/p‖/q)"),
            (r"$10^{-6}$", "10^(−6)"),
            (r"$\Sigma^{-1}_{ij}$", "Σ^(−1)_(/ij)"),
            (r"$\alpha\,x$", "/α\u{2009}/x"),
            ("10⁻⁶ and x₁", "10^(−6) and x_(1)"),
            (r"cost \$5", "cost $5"),
            ("50$", "50$"),
            (r"$\unknown{x}$", r"$\unknown{x}$"),
            (r"$x^$", r"$x^$"),
            ("$x}$", "$x}$"),
            ("$$", "$$"),
            (r"a\b", r"a\b"),
        ] {
            assert_eq!(shown(label), expected, "{label}");
        }
    }

    #[test]
    fn labels_read_without_mathematics() {
        for (label, expected) in [
            ("forward KL", "forward KL"),
            (r"$\mu_{12}$", "μ₁₂"),
            (r"$e^{-2}$ and $x_i$", "e⁻² and x_i"),
            (r"\$3", "$3"),
        ] {
            assert_eq!(plain(label), expected, "{label}");
        }
    }

    #[test]
    fn no_label_is_lost() {
        // Every text comes out whole where no two dollars enclose mathematics.
        let all: Vec<char> = ('\0'..=char::MAX).filter(|c| !"$\\".contains(*c)).collect();
        for some in all.chunks(64) {
            let label: String = some.iter().collect();
            let unscripted = |c: char| {
                let at = ABOVE
                    .chars()
                    .chain(BELOW.chars())
                    .position(|sign| sign == c);
                at.map_or(c, |at| {
                    PLAIN.chars().nth(at % PLAIN.chars().count()).unwrap()
                })
            };
            let expected: String = label.chars().map(unscripted).collect();
            let found: String = pieces(&label).into_iter().map(|piece| piece.text).collect();
            assert_eq!(found, expected);
        }
    }
}
