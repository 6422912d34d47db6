//! Text from others, safe to show: what cannot be seen, or moves what is around it, stands as its escape.
//!
//! Names in configs, headers of tables and paths are kept as they are in memory and in files that read
//! back: TOML, JSON, CSV. What people look at passes here on its way out, once for each way: messages
//! as an error is displayed, the terminal as it is printed, figures as they are lettered, reports as they
//! are written. What has passed once passes again as it is.

use std::borrow::Cow;
use std::path::MAIN_SEPARATOR;

/// The most bytes of a text that is shown in brief.
const MOST: usize = 1000;
/// Bytes of them for what says how much is left out.
const NOTICE: usize = 60;

/// Whether a character is not seen, moves what is around it, or may not stand in XML: controls, those
/// of the direction of writing, joiners, fillers, tags, line and paragraph separators, noncharacters.
///
/// Letters and marks of every script, spaces and emoji are seen; so are variation selectors, which
/// change the character before them.
pub fn is_unseen(c: char) -> bool {
    match c {
        ' '..='~' => false,
        '\0'..='\u{9f}' => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' => true,
        '\u{17b4}' | '\u{17b5}' | '\u{180e}' | '\u{200b}'..='\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' => true,
        '\u{fdd0}'..='\u{fdef}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => true,
        '\u{e0100}'..='\u{e01ef}' => false,
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => u32::from(c) & 0xfffe == 0xfffe,
    }
}

/// A text on one line.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, is_unseen)
}

/// A text of several lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, is_unseen_in_lines)
}

/// A text on one line, without its middle where it is long.
pub fn brief(text: &str) -> Cow<'_, str> {
    cut(text, is_unseen)
}

/// A text of several lines, without its middle where it is long.
pub fn brief_lines(text: &str) -> Cow<'_, str> {
    cut(text, is_unseen_in_lines)
}

/// A text as one word of a command for a shell.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.+,:=@%/".contains(c) || c == MAIN_SEPARATOR;
    match !text.is_empty() && text.chars().all(is_plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("'{}'", text.replace('\'', r"'\''"))),
    }
}

/// JSON that says the same, with JSON's own escapes.
pub fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_unseen_in_lines(c) {
            escaped.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            escaped += &format!("\\u{unit:04x}");
        }
    }
    escaped
}

/// A part of a file, with one character for each, so that columns stay what they are.
pub fn excerpt(text: &str) -> String {
    let picture = |c| match c {
        '\t' => c,
        '\0'..='\x1f' => {
            char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        '\x7f' => '␡',
        c if is_unseen(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(picture).collect()
}

fn is_unseen_in_lines(c: char) -> bool {
    c != '\n' && is_unseen(c)
}

fn escaped(text: &str, is_unseen: fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match is_unseen(c) {
            true => escaped.extend(c.escape_default()),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

fn cut(text: &str, is_unseen: fn(char) -> bool) -> Cow<'_, str> {
    // How many bytes of a text take up to `most` where they are shown, from either end of it.
    let fitting = |chars: &mut dyn Iterator<Item = char>, most: usize| {
        let (mut bytes, mut taken) = (0, 0);
        for c in chars {
            taken += match is_unseen(c) {
                true => c.escape_default().len(),
                false => c.len_utf8(),
            };
            if taken > most {
                break;
            }
            bytes += c.len_utf8();
        }
        bytes
    };
    if fitting(&mut text.chars(), MOST) == text.len() {
        return escaped(text, is_unseen);
    }
    let end = (MOST - NOTICE) / 3;
    let head = fitting(&mut text.chars(), 2 * end);
    let tail = text.len() - fitting(&mut text.chars().rev(), end);
    Cow::Owned(format!(
        "{} … ({} characters are left out) … {}",
        escaped(&text[..head], is_unseen),
        text[head..tail].chars().count(),
        escaped(&text[tail..], is_unseen),
    ))
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{Class, HirKind};

    use super::*;

    /// Whether each character is in a class of Unicode.
    fn class(pattern: &str) -> impl Fn(char) -> bool {
        let hir = regex_syntax::parse(pattern).unwrap();
        let HirKind::Class(Class::Unicode(class)) = hir.into_kind() else {
            panic!("{pattern}");
        };
        let ranges = class.ranges().to_vec();
        move |c| {
            let place = ranges.partition_point(|range| range.end() < c);
            ranges.get(place).is_some_and(|range| range.start() <= c)
        }
    }

    #[test]
    fn what_unicode_has_that_is_not_seen_is_unseen() {
        // Arabic, Syriac and Kaithi number signs are format characters with a shape.
        let unseen = class(
            r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}--\p{Variation_Selector}--\p{Prepended_Concatenation_Mark}]",
        );
        for c in '\0'..=char::MAX {
            assert_eq!(is_unseen(c), unseen(c), "{:x}", u32::from(c));
        }
    }

    #[test]
    fn what_passed_once_passes_again_as_it_is() {
        let all: Vec<char> = ('\0'..=char::MAX).collect();
        for batch in all.chunks(997) {
            let text: String = batch.iter().collect();
            for show in [shown, lines, brief, brief_lines] {
                let once = show(&text).into_owned();
                assert!(!once.contains(is_unseen_in_lines));
                assert_eq!(show(&once), once);
            }
            assert!(!shown(&text).contains('\n') && !brief(&text).contains('\n'));
            assert_eq!(excerpt(&text).chars().count(), batch.len());
            assert!(!excerpt(&text).replace('\t', "").contains(is_unseen));
            let quoted = serde_json::to_string(&text).unwrap();
            assert!(!json(&quoted).contains(is_unseen));
            assert_eq!(
                serde_json::from_str::<String>(&json(&quoted)).unwrap(),
                text
            );
        }
    }

    #[test]
    fn text_stands_as_its_writer_meant_it() {
        for text in [
            "α₁ − σ² ‖x‖ ½",
            "naïve, e\u{301}, हिन्दी, ไทย, 日本語",
            "❤\u{fe0f} 👍🏽 \u{a0}",
            "\\",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(
            shown("a\u{1b}[31m\u{9b}\t\n\u{202e}b\u{ffff}"),
            "a\\u{1b}[31m\\u{9b}\\t\\n\\u{202e}b\\u{ffff}"
        );
        assert_eq!(lines("a\r\n\u{200d}b"), "a\\r\n\\u{200d}b");
        assert_eq!(excerpt("a\u{1b}\t\u{9b}\u{202e}b"), "a␛\t\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_long_text_keeps_its_ends() {
        for letter in ['x', 'é', '\u{1b}', '\u{10ffff}', '🦀'] {
            let long = format!("from {}: to", letter.to_string().repeat(1 << 20));
            let brief = brief(&long);
            assert!(brief.len() <= MOST, "{}", brief.len());
            assert!(brief.starts_with("from ") && brief.ends_with(": to"));
            let kept = shown(&letter.to_string()).into_owned();
            let kept = brief.matches(&kept).count();
            let left_out = format!(" … ({} characters are left out) … ", (1 << 20) - kept);
            assert!(brief.contains(&left_out), "{brief}");
        }
        let just = "é".repeat(MOST / 2);
        assert_eq!(brief(&just), just);
    }
}
