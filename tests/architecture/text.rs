//! Rust as text: code without comments and strings, or the strings alone.
//!
//! As much of a lexer as the walls need: nested comments and byte strings with quotes in them are
//! not told apart, and no source of this repository has either.

/// Everything but comments and string literals.
pub fn code(text: &str) -> String {
    pieces(text).into_iter().filter_map(|(is_code, piece)| is_code.then_some(piece)).collect()
}

/// The string literals, without their quotes and with their escapes.
pub fn literals(text: &str) -> Vec<String> {
    let pieces = pieces(text).into_iter();
    pieces.filter(|(is_code, _)| !is_code).map(|(_, piece)| piece.to_owned()).collect()
}

/// Cuts Rust into code and string literals (without quotes) in turn; comments are in neither.
fn pieces(text: &str) -> Vec<(bool, &str)> {
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let raw = raw_hashes(&text[..at], rest);
        // Where code goes on after what begins here, and the literal that ends before it.
        let (next, literal) = if rest.starts_with("//") {
            (at + rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (at + rest.find("*/").map_or(rest.len(), |end| end + 2), None)
        } else if let Some(hashes) = raw {
            let open = at + hashes + 2;
            let close = format!("\"{}", "#".repeat(hashes));
            let end = text[open..].find(&close).map_or(text.len(), |end| open + end);
            ((end + close.len()).min(text.len()), Some((open, end)))
        } else if let Some(inner) = rest.strip_prefix('"') {
            let end = at + 1 + quoted_length(inner);
            ((end + 1).min(text.len()), Some((at + 1, end)))
        } else if let Some(length) = character_length(rest) {
            (at + length, None)
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        pieces.push((true, &text[start..at]));
        pieces.extend(literal.map(|(from, to)| (false, &text[from..to])));
        (start, at) = (next, next);
    }
    pieces.push((true, &text[start.min(text.len())..]));
    pieces
}

/// How many `#` a raw string has that begins at `rest`.
fn raw_hashes(before: &str, rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r').filter(|_| !before.ends_with(is_word))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// The bytes up to the quote that ends a string.
fn quoted_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// The bytes of a character literal; a lifetime is none.
fn character_length(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let end = escape.char_indices().skip(1).find(|(_, c)| *c == '\'')?.0;
        return Some(end + 3);
    }
    let c = inner.chars().next()?;
    inner[c.len_utf8()..].starts_with('\'').then_some(c.len_utf8() + 2)
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub fn leading_word(text: &str) -> &str {
    text.split(|c: char| !is_word(c)).next().unwrap_or_default()
}
