//! Text for people to read: numbers, and what others wrote.

mod foreign;
mod latex;
mod markup;
mod nearest;
mod numbers;

pub use foreign::{brief, brief_lines, excerpt, is_unseen, json, lines, shell_word, shown};
pub use latex::latex;
pub use markup::{Part, Piece, Script, broken, parts, pieces, plain, words};
pub use nearest::nearest;
pub use numbers::{
    by_formula, count, duration, fixed, interval, is_hidden, large, list, list_at_scales, numbered,
    rows, seconds, significant, small, to_error, trimmed, typographic, with_error,
};
