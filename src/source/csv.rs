//! CSV rows and cells, as the bytes they are.
//!
//! The dialect of RFC 4180 with a delimiter of choice, and lenient where spreadsheets are: a quote inside an
//! unquoted cell is a letter. Written here because the splitter must know a row's exact bytes (for
//! its offset, its hash and its replay) and bound them, which a reader that owns its input cannot
//! tell. Leaves out: types, which are the column's matter.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// The position of the line feed that ends the first row of `data`; without one, whether that is
/// because a quote is open.
pub(super) fn row_end(data: &[u8], delimiter: u8) -> (Option<usize>, bool) {
    let line = memchr(b'\n', data);
    if memchr(b'"', &data[..line.unwrap_or(data.len())]).is_none() {
        return (line, false);
    }
    let mut at = 0;
    loop {
        if data.get(at) == Some(&b'"') {
            match closing_quote(data, at + 1) {
                Some((quote, _)) => at = quote + 1,
                None => return (None, true),
            }
        }
        match memchr2(delimiter, b'\n', &data[at..]) {
            Some(step) if data[at + step] == b'\n' => return (Some(at + step), false),
            Some(step) => at += step + 1,
            None => return (None, false),
        }
    }
}

/// A cell as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell<'a> {
    /// Its text; quotes around it are already gone.
    Plain(&'a str),
    /// With quotes inside that [`unquote`] takes away.
    Quoted(&'a str),
}

/// The cells of a row; a row has at least one.
pub(super) struct Cells<'a> {
    rest: Option<&'a str>,
    delimiter: u8,
}

impl<'a> Cells<'a> {
    /// The delimiter is ASCII.
    pub(super) fn of(row: &'a str, delimiter: u8) -> Self {
        Cells { rest: Some(row), delimiter }
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    fn next(&mut self) -> Option<Cell<'a>> {
        let rest = self.rest?;
        let bytes = rest.as_bytes();
        let quoted = if bytes.first() == Some(&b'"') { closing_quote(bytes, 1) } else { None };
        let search_from = quoted.map_or(0, |(quote, _)| quote + 1);
        let end = memchr(self.delimiter, &bytes[search_from..]).map(|step| search_from + step);
        self.rest = end.map(|comma| &rest[comma + 1..]);
        let raw = &rest[..end.unwrap_or(rest.len())];
        Some(match quoted {
            Some((quote, false)) if quote + 1 == raw.len() => Cell::Plain(&raw[1..quote]),
            Some(_) => Cell::Quoted(raw),
            None => Cell::Plain(raw),
        })
    }
}

/// The text of a cell that begins with a quote: quotes that enclose vanish, doubled ones become one,
/// and what follows the closing quote is taken literally.
pub(super) fn unquote(raw: &str) -> Cow<'_, str> {
    let Some(mut rest) = raw.strip_prefix('"') else { return Cow::Borrowed(raw) };
    let mut text = String::with_capacity(raw.len());
    while let Some(quote) = rest.find('"') {
        text.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                text.push('"');
                rest = after;
            }
            None => break,
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The quote that closes a cell opened before `from`, and whether doubled quotes precede it.
fn closing_quote(data: &[u8], mut from: usize) -> Option<(usize, bool)> {
    let mut doubled = false;
    loop {
        let quote = from + memchr(b'"', data.get(from..)?)?;
        if data.get(quote + 1) != Some(&b'"') {
            return Some((quote, doubled));
        }
        doubled = true;
        from = quote + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(row: &str) -> Vec<String> {
        let text = |cell| match cell {
            Cell::Plain(text) => text.to_owned(),
            Cell::Quoted(raw) => unquote(raw).into_owned(),
        };
        Cells::of(row, b',').map(text).collect()
    }

    #[test]
    fn quotes() {
        assert_eq!(cells(r##"a,"b,c","d""e",,"""""##), ["a", "b,c", "d\"e", "", "\""]);
        assert_eq!(cells(r#"5" pipe,"x"y"#), ["5\" pipe", "xy"]);
        assert_eq!(cells(""), [""]);
        assert_eq!(row_end(b"a,\"b\nc\",d\ne", b','), (Some(9), false));
        assert_eq!(row_end(b"5\" pipe\nx", b','), (Some(7), false));
        assert_eq!(row_end(b"a,\"b\nc", b','), (None, true));
        assert_eq!(row_end(b"a,b", b','), (None, false));
    }

    proptest! {
        #[test]
        fn agrees_with_the_csv_crate(text in "[a\",\n]{0,40}") {
            let mut theirs = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes());
            let theirs: Vec<Vec<String>> = theirs
                .records()
                .map(|r| r.unwrap().iter().map(str::to_owned).collect())
                .collect();
            let mut ours = Vec::new();
            let mut rest = text.as_str();
            let mut open = false;
            while !rest.is_empty() && !open {
                let (end, quote_open) = row_end(rest.as_bytes(), b',');
                let row = &rest[..end.unwrap_or(rest.len())];
                // The csv crate leaves blank lines out and closes open quotes at the end.
                open = quote_open;
                if !row.is_empty() && !open {
                    ours.push(cells(row));
                }
                rest = end.map_or("", |end| &rest[end + 1..]);
            }
            if open {
                prop_assert_eq!(&ours[..], &theirs[..ours.len()]);
            } else {
                prop_assert_eq!(ours, theirs);
            }
        }
    }
}
