//! Comments between `/*` and `*/`, of C and of Stan, that end where they should.

use crate::text::shown;

/// What the coordinates are called, a line of a comment for each.
pub fn names(names: &[String]) -> String {
    let lines = (names.iter().enumerate())
        .map(|(i, name)| format!(" *   {}: {}\n", i + 1, contained(name)));
    lines.collect()
}

/// A text that neither ends the comment nor begins one in it, nor is a backslash at the end of a line, written as a
/// trigraph or not.
fn contained(text: &str) -> String {
    let mut contained = String::new();
    let text = shown(text);
    for c in text.chars() {
        if matches!(
            (contained.chars().last(), c),
            (Some('*'), '/') | (Some('/'), '*') | (Some('?'), '?')
        ) {
            contained.push(' ');
        }
        contained.push(c);
    }
    if contained.ends_with('\\') {
        contained.push(' ');
        contained.push('.');
    }
    contained
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_comment_ends_where_it_should() {
        assert_eq!(contained("a */ b /*/ c"), "a * / b / * / c");
        assert_eq!(contained("**//"), "** //");
        assert_eq!(contained("a\n*/\\"), "a\\n* /\\ .");
        assert_eq!(contained("???/"), "? ? ?/");
        assert_eq!(contained("log(μ)"), "log(μ)");
    }
}
